//! The long campaigns of log and gate. Each prints its seed; `SEED=n` repeats it.

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

/// Kills a gate under load, so many times, and looks each time whether it kept its word.
pub(crate) fn kill_gate(kills: u32) -> Result<(), String> {
    // The tests ask `cosignet-log` about the log that is left.
    run(&mut cargo(&["build", "--package", "log-server"]))?;
    let campaign = ["test", "--package", "gate", "--test", "gate", "--"];
    let options = ["--ignored", "--nocapture", "crash::"];
    let mut campaign = cargo(&[&campaign[..], &options].concat());
    run(campaign.env("KILLS", kills.to_string()))
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
