//! The long campaign against the memory of a monitor.

use crate::command::{cargo, run};

/// Damages the state of a monitor at every `step`th byte of each of its files, and looks whether a
/// round refuses it or finds all that there is to find.
pub(crate) fn run_campaign(step: u32) -> Result<(), String> {
    let mut command = cargo(&[
        "test",
        "--package",
        "verifier-cli",
        "--test",
        "watch",
        "--",
        "--ignored",
        "--nocapture",
        "campaign",
    ]);
    run(command.env("COSIGNET_CAMPAIGN_STEP", step.to_string()))
}
