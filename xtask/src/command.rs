//! Runs other programs.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The cargo that runs this.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root());
    command
}

/// Says what is run, runs it, and wants it to succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    eprintln!("\n$ {}", show(command));
    let status = status(command)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} failed ({status})", show(command)))
    }
}

/// Runs tests of a package that are ignored otherwise, and shows what they print; `options` are
/// those of the tests, names among them. Fails if there are fewer tests than names: one that is called
/// something else by now would pass for ever.
pub(crate) fn ignored_tests(
    package: &str,
    test: &str,
    options: &[&str],
    variables: &[(&str, u32)],
) -> Result<(), String> {
    let which = ["test", "--package", package, "--test", test, "--"];
    let all = [&which, &["--ignored", "--nocapture"][..], options].concat();
    let mut command = cargo(&all);
    for (variable, value) in variables {
        command.env(variable, value.to_string());
    }
    eprintln!("\n$ {}", show(&command));
    let started = command.stdout(Stdio::piped()).spawn();
    let mut process = started.map_err(|e| format!("cannot run {}: {e}", show(&command)))?;
    let mut ran = 0;
    if let Some(stdout) = process.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            ran += passed(&line).unwrap_or(0);
        }
    }
    let status = process.wait();
    let status = status.map_err(|e| format!("cannot run {}: {e}", show(&command)))?;
    let names = options.iter().filter(|option| !option.starts_with('-'));
    match names.count().max(1) {
        _ if !status.success() => Err(format!("{} failed ({status})", show(&command))),
        names if ran < names => Err(format!(
            "{} ran {ran} tests, and names {names}",
            show(&command)
        )),
        _ => Ok(()),
    }
}

/// How many tests have passed, if this line says so.
fn passed(line: &str) -> Option<usize> {
    let (_, counts) = line.split_once("test result: ok. ")?;
    counts.split_once(" passed")?.0.parse().ok()
}

/// Runs it to its end, however it ends.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, String> {
    command
        .status()
        .map_err(|error| format!("cannot run {}: {error}", show(command)))
}

/// Whether it can be run and succeeds; what it prints is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Its standard output without the white space around it, if it succeeds; else its errors.
pub(crate) fn print(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", show(command)))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Starts a server, and waits until it says where it listens: that address.
pub(crate) fn until_serving(command: &mut Command) -> Result<(Child, String), String> {
    let started = command.stderr(Stdio::piped()).spawn();
    let mut process = started.map_err(|e| format!("cannot run {}: {e}", show(command)))?;
    let stderr = process.stderr.take().ok_or("the server has no stderr")?;
    let mut stderr = BufReader::new(stderr);
    let mut said = String::new();
    while stderr.read_line(&mut said).is_ok_and(|read| read > 0) {
        let last = said.lines().last().unwrap_or_default();
        if let Some((_, rest)) = last.split_once("serving address=") {
            let address = rest.split(' ').next().unwrap_or_default().to_owned();
            // Read on, or the server blocks on a full pipe.
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
            return Ok((process, address));
        }
    }
    let _ = process.kill();
    let _ = process.wait();
    Err(format!("{} does not start:\n{said}", show(command)))
}

/// Has rustup add a compilation target, where it is not there yet.
pub(crate) fn add_target(name: &str, what_for: &str) -> Result<(), String> {
    let rustup = || {
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", name]).current_dir(root());
        rustup
    };
    if succeeds(&mut rustup()) || run(&mut rustup()).is_ok() {
        return Ok(());
    }
    Err(format!(
        "{what_for} {name}: add that target to your toolchain (`rustup target add {name}`)"
    ))
}

/// The `cosignet` binary, built with optimisation.
pub(crate) fn cosignet() -> Result<PathBuf, String> {
    release_binary("verifier-cli", "cosignet")
}

/// A binary of a package, built with optimisation.
pub(crate) fn release_binary(package: &str, name: &str) -> Result<PathBuf, String> {
    run(&mut cargo(&["build", "--release", "--package", package]))?;
    Ok(binary("release", name))
}

/// A binary in the folder of a profile.
pub(crate) fn binary(profile: &str, name: &str) -> PathBuf {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    target().join(profile).join(name)
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program
        .file_stem()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let args = command.get_args().map(|arg| arg.to_string_lossy());
    [name].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn tests_are_counted_by_what_cargo_says() {
        let line = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 80 filtered out";
        assert_eq!(passed(line), Some(1));
        assert_eq!(passed(&line.replace("1 passed", "0 passed")), Some(0));
        assert_eq!(passed("test chaos::x ... ok"), None);
    }
}
