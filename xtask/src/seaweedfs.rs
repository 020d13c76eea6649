//! SeaweedFS: the S3 server that the tests of the log put things into.

use std::fs;
use std::process::Command;

use crate::command::{root, run, target};
use crate::venv;

/// Installs it where the tests look for it, in the version and with the sums of the requirements.
/// Where it cannot be installed, the tests that need it say that they are left out.
pub(crate) fn prepare() {
    if let Err(error) = install() {
        eprintln!(
            "\n  NOT TESTED: SeaweedFS cannot be installed, so the tests put nothing into an S3 \
             server: {error}\n"
        );
    }
}

fn install() -> Result<(), String> {
    let tests = root().join("log-server").join("tests");
    let requirements = tests.join("seaweedfs").join("requirements.txt");
    let folder = target().join("seaweedfs");
    let installed = folder.join("requirements.txt");
    let failed = |error| format!("{}: {error}", requirements.display());
    let wanted = fs::read(&requirements).map_err(failed)?;
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    run(Command::new(venv::empty(&folder)?)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
        ])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(&requirements))?;
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))
}
