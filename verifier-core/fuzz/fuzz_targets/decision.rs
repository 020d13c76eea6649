//! Every decision gets a verdict, and only what both people have signed is VERIFIED.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use test_vectors::Decision;
use verifier_core::{Policy, Request, Verdict, verify};

static GOOD: LazyLock<(Decision, Policy)> = LazyLock::new(|| {
    let (decision, policy) = Decision::apart();
    let policy = Policy::from_json(policy.value().to_string().as_bytes()).unwrap();
    (decision, policy)
});

fuzz_target!(|input: &[u8]| {
    let (good, policy) = &*GOOD;
    let mut request = Request::default();
    request.policy = Some(policy);
    request.payload = good.payload.as_deref();
    let report = verify(input, &request);
    assert!(!report.to_json().is_empty());
    if report.verdict() == Verdict::Verified {
        let found: serde_json::Value = serde_json::from_slice(input).unwrap();
        let found = found["bundles"].as_array().unwrap();
        for bundle in &good.bundles {
            // Both entries are there, as they were signed.
            assert!(found.iter().any(|other| other["entry"] == bundle.entry));
        }
    }
});
