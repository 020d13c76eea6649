//! A c2sp.org/tlog-policy text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::tlog::policy::TlogPolicy;

fuzz_target!(|text: &str| {
    if let Ok(policy) = TlogPolicy::parse(text) {
        let _ = policy.quorum_in_words();
    }
});
