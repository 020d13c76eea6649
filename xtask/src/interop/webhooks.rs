//! Deliveries of the gate, verified by the libraries that the authors of Standard Webhooks publish for
//! Python and JavaScript.

use crate::command::{cargo, run, target};
use crate::{files, npm, venv};

const PYTHON: &str = "standardwebhooks==1.1.0";

const NODE: &str = "standardwebhooks@1.1.1";

/// Installs what is missing, and has both verify what they should take, and what they should not.
pub(crate) fn run_all() -> Result<(), String> {
    let folder = target().join("interop").join("webhooks");
    files::make(&folder)?;
    venv::with(&folder.join("venv"), &[PYTHON])?;
    npm::modules(&folder, &[NODE])?;
    let mut tests = cargo(&["test", "--package", "gate", "--test", "gate", "--"]);
    tests
        .args(["--ignored", "--nocapture", "libraries_of_others"])
        .env("COSIGNET_WEBHOOK_LIBRARIES", &folder);
    run(&mut tests)
}
