//! The file of a roster: only the version that its admin has signed is ever one.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::encoding::sha256;
use verifier_core::{Policy, Request, Roster};

static GOOD: LazyLock<([u8; 32], Policy)> = LazyLock::new(|| {
    let (roster, file, policy) = test_vectors::Roster::apart();
    let policy = Policy::from_json(policy.value().to_string().as_bytes()).unwrap();
    // The target is worth nothing if the good file is refused.
    let mut request = Request::default();
    request.policy = Some(&policy);
    Roster::verify(file.to_string().as_bytes(), &request).unwrap();
    (sha256(&roster.payload()), policy)
});

fuzz_target!(|input: &[u8]| {
    let (good, policy) = &*GOOD;
    let mut request = Request::default();
    request.policy = Some(policy);
    if let Ok(roster) = Roster::verify(input, &request) {
        assert_eq!(roster.newest().sha256(), *good);
    }
});
