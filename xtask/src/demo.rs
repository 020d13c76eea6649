//! The whole way on this machine: `cargo xtask demo`.

use std::env;
use std::process::Command;

use crate::command::{cargo, root, run, target};
use crate::web;

/// Builds the verify page, the gate with it in its log, the witness and the command; then starts the
/// demo.
pub(crate) fn start(args: &[&str]) -> Result<(), String> {
    web::build()?;
    run(&mut cargo(&[
        "build",
        "--package",
        "demo",
        "--package",
        "gate",
        "--package",
        "verifier-cli",
        "--package",
        "witness",
        "--features",
        "gate/verify-page",
    ]))?;
    let program = format!("cosignet-demo{}", env::consts::EXE_SUFFIX);
    let mut demo = Command::new(target().join("debug").join(program));
    run(demo.args(args).current_dir(root()))
}
