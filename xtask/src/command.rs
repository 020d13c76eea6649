//! Runs other programs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

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
    Ok(target()
        .join("release")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX)))
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
