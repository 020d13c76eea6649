//! Evidence against a log, judged; and no honest log is ever convicted by it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use test_vectors::{Approval, Draft};
use verifier_core::alarm::{Alarm, Request};
use verifier_core::Policy;
use verifier_core::RustCrypto;

static APPROVAL: LazyLock<Approval> = LazyLock::new(|| Draft::apart().mint());
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::from_json(APPROVAL.policy.value().to_string().as_bytes()).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(alarm) = Alarm::parse(bytes) {
        assert_eq!(Alarm::parse(alarm.to_json().as_bytes()).ok(), Some(alarm.clone()));
        // The log has signed one head, which is the seed; to accuse it of more takes its key, or a
        // collision.
        assert!(alarm.judge(&Request::new(&POLICY, &RustCrypto)).is_err());
    }
});
