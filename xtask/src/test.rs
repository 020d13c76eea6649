//! Everything that has to hold before a change lands.

use std::process::Command;

use crate::command::{add_target, cargo, root, run, target};
use crate::{browser, vectors, web};

/// A target without std: whatever uses it, anywhere below the core, does not build.
const NO_STD_TARGET: &str = "thumbv7em-none-eabihf";

/// Lints, the page, tests, vectors.
pub(crate) fn run_everything() -> Result<(), String> {
    lint()?;
    web::build()?;
    browser::prepare()?;
    run(&mut cargo(&[
        "test",
        "--workspace",
        // The tests of the page look at the one in the log.
        "--features",
        "verify-page",
    ]))?;
    vectors::check()?;
    // The tests have just built it; another build with optimisation would take minutes.
    let cosignet = format!("cosignet{}", std::env::consts::EXE_SUFFIX);
    let mut runner = Command::new(target().join("debug").join(cosignet));
    run(runner
        .args(["vectors", "run", "test-vectors"])
        .current_dir(root()))
}

/// Format, clippy, rustdoc, and the core without std.
pub(crate) fn lint() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    no_std()
}

fn no_std() -> Result<(), String> {
    add_target(NO_STD_TARGET, "the core is also built for")?;
    run(&mut cargo(&[
        "build",
        "--package",
        "verifier-core",
        "--target",
        NO_STD_TARGET,
    ]))
}
