//! Deliveries of the gate, verified by the libraries that the authors of Standard Webhooks publish for
//! Python and JavaScript.

use std::fs;
use std::process::Command;

use crate::command::{cargo, run, target};

const PYTHON: &str = "standardwebhooks==1.1.0";

const NODE: &str = "standardwebhooks@1.1.1";

/// Installs what is missing, and has both verify what they should take, and what they should not.
pub(crate) fn run_all() -> Result<(), String> {
    let folder = target().join("interop").join("webhooks");
    let failed = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let venv = folder.join("venv");
    let mut library = Command::new(venv.join("bin/python"));
    let installed =
        venv.is_dir() && crate::command::succeeds(library.args(["-c", "import standardwebhooks"]));
    if !installed {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", PYTHON]))?;
    }
    if !folder.join("node_modules").is_dir() {
        let mut install = Command::new("npm");
        install
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&folder)
            .arg(NODE);
        run(&mut install)?;
    }
    let mut tests = cargo(&["test", "--package", "gate", "--test", "gate", "--"]);
    tests
        .args(["--ignored", "--nocapture", "libraries_of_others"])
        .env("COSIGNET_WEBHOOK_LIBRARIES", &folder);
    run(&mut tests)
}
