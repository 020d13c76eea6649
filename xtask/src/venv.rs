//! Virtual environments of Python, for the programs of others that tests and lints need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;

/// An environment in this folder with these packages, made anew if it has others. The folder of its
/// programs.
pub(crate) fn with(folder: &Path, packages: &[&str]) -> Result<PathBuf, String> {
    let bin = folder.join("bin");
    let wanted = packages.join("\n");
    let installed = folder.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(bin);
    }
    let python = empty(folder)?;
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(packages))?;
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(bin)
}

/// An environment with nothing in it; its Python.
pub(crate) fn empty(folder: &Path) -> Result<PathBuf, String> {
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(folder))?;
    Ok(folder.join("bin").join("python"))
}
