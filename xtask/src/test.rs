//! Everything that has to hold before a change lands.

use std::process::Command;

use crate::command::{cargo, root, run, target};
use crate::interop::python;
use crate::{browser, lint, npm, postgres, seaweedfs, vectors, web};

/// Lints, the page, tests, vectors.
pub(crate) fn run_everything() -> Result<(), String> {
    lint::run_quick()?;
    web::build()?;
    browser::prepare()?;
    postgres::prepare()?;
    seaweedfs::prepare();
    let mut tests = cargo(&[
        "test",
        "--workspace",
        // The tests of the page look at the one in the log; and the log as it is released.
        "--features",
        "verify-page,postgres,s3",
    ]);
    run(tests.env(postgres::REQUIRED, "1"))?;
    rules_of_the_gates_pages()?;
    python::run_quick()?;
    vectors::check()?;
    // The tests have just built it; another build with optimisation would take minutes.
    let cosignet = format!("cosignet{}", std::env::consts::EXE_SUFFIX);
    let mut runner = Command::new(target().join("debug").join(cosignet));
    run(runner
        .args(["vectors", "run", "test-vectors"])
        .current_dir(root()))
}

/// What the pages of the gate decide in the browser, without one.
fn rules_of_the_gates_pages() -> Result<(), String> {
    let folder = root().join("gate").join("web").join("tests");
    run(Command::new("node")
        .arg("--test")
        .args(npm::tests(&folder)?))
}
