//! A policy, and the tlog-policy inside it; what was read is a policy again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::Policy;

fuzz_target!(|input: &[u8]| {
    if let Ok(policy) = Policy::from_json(input) {
        let again = Policy::from_json(policy.canonical_json().as_bytes()).unwrap();
        assert_eq!(again.sha256(), policy.sha256());
    }
});
