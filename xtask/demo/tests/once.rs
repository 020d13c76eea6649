//! The unattended demo, from the making of a passkey to the verdict.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "these are tests"
)]

use std::path::Path;
use std::process::Command;

#[test]
fn ends_with_verified() {
    let demo = Path::new(env!("CARGO_BIN_EXE_cosignet-demo"));
    let log = demo.with_file_name("cosignet-log");
    assert!(
        log.is_file()
            && demo.with_file_name("cosignet").is_file()
            && demo.with_file_name("cosignet-witness").is_file(),
        "build what the demo runs: `cargo xtask web`, then `cargo build -p verifier-cli -p witness -p \
         log-server --features verify-page`"
    );
    let output = Command::new(demo).arg("--once").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    assert!(
        said.contains("\nVERIFIED   visitor approved exactly this payload"),
        "{said}"
    );
}

#[test]
fn refuses_arguments_that_it_does_not_know() {
    let demo = Command::new(env!("CARGO_BIN_EXE_cosignet-demo"))
        .arg("--twice")
        .output();
    assert_eq!(demo.unwrap().status.code(), Some(2));
}
