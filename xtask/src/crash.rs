//! The long campaigns of the log server. Each prints its seed; `SEED=n` repeats it.

use crate::command::{cargo, ignored_tests, run};

/// Kills a log server under load two hundred times, and looks each time whether it kept its word.
pub(crate) fn kill_log() -> Result<(), String> {
    ignored(&["crash::"])
}

/// Kills a log server and its witnesses together.
pub(crate) fn kill_all() -> Result<(), String> {
    // The tests run a witness that must be built.
    run(&mut cargo(&["build", "--package", "witness"]))?;
    ignored(&["campaign::log_and_witnesses"])
}

/// Damages a log while it works, and erases while somebody reads.
pub(crate) fn damage() -> Result<(), String> {
    ignored(&["flips::", "campaign::erasures", "campaign::damaged"])
}

/// Runs the ignored tests of the log with these names.
fn ignored(names: &[&str]) -> Result<(), String> {
    let options = [&["--test-threads=1"], names].concat();
    ignored_tests("log-server", "log", &options, &[])
}
