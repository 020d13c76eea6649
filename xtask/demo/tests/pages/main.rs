//! The pages in `docs/start/`: each command of them is run, in their order, and has to end and to
//! say what the page says. People are played.
//!
//! A block ```` ```sh ```` is run. If `<!-- exits with N -->` stands before it, it has to end with N,
//! else with 0. A block ```` ```text ```` behind it is what it prints, or a part of that; words with
//! a digit in them stand for any word.

#![cfg(unix)]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod page;
mod person;
mod walk;

use walk::Walk;

#[test]
fn a_platform_engineer_has_a_gate_and_a_pipeline_asks_it() {
    let mut walk = Walk::begin();
    walk.read("platform.md");
    walk.read("pipeline.md");
}

#[test]
fn a_log_is_run_witnessed_and_watched() {
    let mut walk = Walk::begin();
    walk.read("log-operator.md");
    walk.read("witness.md");
    walk.read("monitor.md");
}

#[test]
fn an_auditor_verifies() {
    Walk::begin().read("auditor.md");
}

#[test]
#[ignore = "pip builds the client with tools from its index"]
fn an_agent_builder_has_people_asked_in_python() {
    let mut walk = Walk::begin();
    walk.read("platform.md");
    walk.read("python.md");
}

#[test]
#[ignore = "npm installs the client with what it depends on"]
fn an_agent_builder_has_people_asked_in_typescript() {
    let mut walk = Walk::begin();
    walk.read("platform.md");
    walk.read("typescript.md");
}
