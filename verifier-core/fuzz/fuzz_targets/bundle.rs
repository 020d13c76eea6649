//! Every input gets a verdict, and one approval alone is VERIFIED.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use test_vectors::{Approval, Draft};
use verifier_core::hazmat::input::Input;
use verifier_core::Policy;
use verifier_core::{Request, Verdict, verify};

static APPROVAL: LazyLock<Approval> = LazyLock::new(|| Draft::apart().mint());
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::from_json(APPROVAL.policy.value().to_string().as_bytes()).unwrap()
});

fuzz_target!(|input: &[u8]| {
    let mut request = Request::default();
    request.policy = Some(&POLICY);
    let report = verify(input, &request);
    assert!(!report.to_json().is_empty());
    if report.verdict() == Verdict::Verified {
        let Ok(Input::Bundle(bundle)) = Input::parse(input) else { panic!("no bundle") };
        assert_eq!(bundle.entry, APPROVAL.bundle.entry);
        assert_eq!(bundle.evidence.payload.as_deref(), Some(APPROVAL.payload.as_slice()));
    }
});
