//! The long campaigns around a monitor: damage to its memory, and logs that lie to it.

use crate::command::{cargo, ignored_tests, run};

/// Damages the state of a monitor at every `step`th byte of each of its files, and looks whether a
/// round refuses it or finds all that there is to find.
pub(crate) fn run_campaign(step: u32) -> Result<(), String> {
    ignored("campaign_a_state", &[("COSIGNET_CAMPAIGN_STEP", step)])
}

/// Has a log lie in every known way, at sizes that a seed decides, `turns` times with seeds from
/// `seed` on, and looks whether monitor, `fsck` and `fetch` notice, and whether an honest log beside
/// it is left alone.
pub(crate) fn run_lies(seed: u32, turns: u32) -> Result<(), String> {
    // The tests run an fsck that must be built.
    run(&mut cargo(&["build", "--package", "log-server"]))?;
    ignored("campaign_of_lies", &[("SEED", seed), ("TURNS", turns)])
}

/// Runs the ignored tests of a monitor whose names contain this.
fn ignored(name: &str, variables: &[(&str, u32)]) -> Result<(), String> {
    ignored_tests("verifier-cli", "watch", &[name], variables)
}
