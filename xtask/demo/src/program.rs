//! Programs of this project, as the demo runs them.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Result;

/// A server that ends with the demo.
#[derive(Debug)]
pub(crate) struct Program(Child);

impl Program {
    /// Starts it and waits until it says where it listens: that address.
    pub(crate) fn start(command: &mut Command) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {name}: {error}"))?;
        let mut program = Self(child);
        let stderr = program.0.stderr.take();
        let mut stderr = BufReader::new(stderr.ok_or("no standard error")?);
        let mut said = String::new();
        let mut line = String::new();
        while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Some((_, rest)) = line.split_once("serving address=") {
                let address = rest
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                // Read on, or the program blocks on a full pipe.
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut stderr.by_ref(), &mut std::io::sink());
                });
                return Ok((program, address));
            }
            said.push_str(&line);
            line.clear();
        }
        Err(format!("{name} did not start: {said}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that was built beside this one. Settings in the environment are not for the demo.
pub(crate) fn program(name: &str) -> Result<Command> {
    let own = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let folder = own.parent().unwrap_or(Path::new("."));
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !path.is_file() {
        return Err(format!(
            "there is no {}: `cargo xtask demo` builds everything that the demo needs",
            path.display()
        ));
    }
    let mut command = Command::new(path);
    for (key, _) in env::vars_os() {
        if key.to_string_lossy().starts_with("COSIGNET_") {
            command.env_remove(key);
        }
    }
    Ok(command)
}

/// What a program prints, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed: {said}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
