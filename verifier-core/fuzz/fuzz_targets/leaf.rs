//! A leaf of a log, as monitors read it: one that keeps the rules is its own text.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use test_vectors::Draft;
use verifier_core::hazmat::leaf::{self, Leaf};
use verifier_core::{Policy, RustCrypto};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let approval = Draft::apart().mint();
    let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).unwrap();
    // The target is worth nothing if a good leaf is refused.
    leaf::check(approval.bundle.entry.as_bytes(), policy.webauthn(), &RustCrypto).unwrap();
    policy
});

fuzz_target!(|input: &[u8]| {
    if let Ok(found) = leaf::check(input, POLICY.webauthn(), &RustCrypto) {
        assert_eq!(found.to_text().as_bytes(), input);
        assert_eq!(Leaf::parse(&found.to_text()), Ok(found));
    }
});
