//! The long crash campaign of the log server.

use crate::command::{cargo, run};

/// Kills a log server under load two hundred times, and looks each time whether it kept its word.
pub(crate) fn run_campaign() -> Result<(), String> {
    run(&mut cargo(&[
        "test",
        "--package",
        "log-server",
        "--test",
        "log",
        "--",
        "--ignored",
        "--nocapture",
        "crash::",
    ]))
}
