//! Everything that has to hold before a change lands.

use std::process::Command;

use crate::command::{cargo, cosignet, root, run, succeeds};
use crate::vectors;

/// A target without std: whatever uses it, anywhere below the core, does not build.
const NO_STD_TARGET: &str = "thumbv7em-none-eabihf";

/// Lints, tests, vectors.
pub(crate) fn run_everything() -> Result<(), String> {
    lint()?;
    run(&mut cargo(&["test", "--workspace"]))?;
    vectors::check()?;
    let mut runner = Command::new(cosignet()?);
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
    let add = |quiet: bool| {
        let mut rustup = Command::new("rustup");
        rustup
            .args(["target", "add", NO_STD_TARGET])
            .current_dir(root());
        if quiet {
            succeeds(&mut rustup)
        } else {
            run(&mut rustup).is_ok()
        }
    };
    if !add(true) && !add(false) {
        return Err(format!(
            "the core is also built for {NO_STD_TARGET}: add that target to your toolchain \
             (`rustup target add {NO_STD_TARGET}`)"
        ));
    }
    run(&mut cargo(&[
        "build",
        "--package",
        "verifier-core",
        "--target",
        NO_STD_TARGET,
    ]))
}
