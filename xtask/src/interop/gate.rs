//! The gate's interface, asked by a program that makes requests of its description, right and wrong
//! ones: no answer may be a 5xx, and each has to be one that the description knows.

use std::path::Path;
use std::process::Command;

use crate::command::{binary, cargo, run};
use crate::gate::Gate;
use crate::{files, venv};

/// From the Python package index.
const CALLER: &str = "schemathesis==4.32.5";

/// The checks of the caller that hold here, whatever it sends.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";

/// Sends a live gate what the caller makes of its `/openapi.json`, with a key that may do everything.
pub(super) fn run_caller(dir: &Path) -> Result<(), String> {
    let bin = venv::with(&dir.join("venv"), &[CALLER])?;
    run(&mut cargo(&["build", "--package", "gate"]))?;
    let data = dir.join("gate");
    files::remove(&data)?;
    let gate = Gate::start(&binary("debug", "cosignet-gate"), data)?;
    gate.person("ann", "finance")?;
    let key = gate.key("caller", "create,claim,read")?;
    let mut caller = Command::new(bin.join("schemathesis"));
    caller
        .current_dir(dir)
        .args(["run", &format!("http://{}/openapi.json", gate.address)])
        .args(["--header", &format!("x-api-key: {key}")])
        .args(["--checks", CHECKS, "--max-examples", "60", "--seed", "1"])
        .args(["--generation-database", "none", "--request-timeout", "70"]);
    run(&mut caller)
}
