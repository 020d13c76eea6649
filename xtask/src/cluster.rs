//! A log on many machines, on this one: its ignored tests, with what they need.

use std::process::Command;

use crate::command::{cargo, ignored_tests, run};
use crate::{postgres, seaweedfs};

/// Starts the whole thing, kills the member that leads and the primary of the database while somebody
/// watches, and looks at what is left.
pub(crate) fn show() -> Result<(), String> {
    prepare()?;
    ignored("show::", &[])
}

/// Lets everything around a log fail for some minutes, and looks whether it has kept its word. With
/// options `--minutes N` and `--seed S`.
pub(crate) fn chaos(options: &[&str]) -> Result<(), String> {
    let (mut minutes, mut seed) = (10, None);
    for pair in options.chunks(2) {
        match pair {
            ["--minutes", number] => minutes = parse(number)?,
            ["--seed", number] => seed = Some(parse(number)?),
            other => return Err(format!("chaos [--minutes N] [--seed S], and not {other:?}")),
        }
    }
    prepare()?;
    let seed = seed.map(|seed| ("SEED", seed));
    let variables = [("MINUTES", minutes)].into_iter().chain(seed);
    let variables: Vec<(&str, u32)> = variables.collect();
    ignored(
        "chaos::nothing_is_lost_and_nothing_forks_for_minutes",
        &variables,
    )
}

fn parse(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

/// The servers of others, and the witness that the tests run.
pub(crate) fn prepare() -> Result<(), String> {
    postgres::prepare()?;
    seaweedfs::prepare();
    run(&mut witness())
}

fn witness() -> Command {
    cargo(&["build", "--package", "witness"])
}

/// Runs the ignored tests of the log with this name.
fn ignored(name: &str, variables: &[(&str, u32)]) -> Result<(), String> {
    ignored_tests("log-server", "log", &["--test-threads=1", name], variables)
}
