//! Everything that has to hold before a change lands.

use std::process::Command;

use crate::command::{cargo, root, run, target};
use crate::{browser, lint, vectors, web};

/// Lints, the page, tests, vectors.
pub(crate) fn run_everything() -> Result<(), String> {
    lint::run_quick()?;
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
