//! The unattended demo, from the making of passkeys to the verdict.

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
    for program in ["cosignet", "cosignet-gate", "cosignet-witness"] {
        assert!(
            demo.with_file_name(program).is_file(),
            "build what the demo runs: `cargo build -p gate -p verifier-cli -p witness`"
        );
    }
    let output = Command::new(demo).arg("--once").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    for words in [
        "bob refuses; the request is rejected",
        "cannot claim it: claim.not_approved",
        "transfer-2, is refused: claim.taken",
        "\nVERIFIED ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn refuses_arguments_that_it_does_not_know() {
    let demo = Command::new(env!("CARGO_BIN_EXE_cosignet-demo"))
        .arg("--twice")
        .output();
    assert_eq!(demo.unwrap().status.code(), Some(2));
}
