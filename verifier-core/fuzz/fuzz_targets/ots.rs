//! An OpenTimestamps proof.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::bitcoin::ots::Timestamp;

fuzz_target!(|proof: &[u8]| {
    if let Ok(timestamp) = Timestamp::parse(proof) {
        assert_eq!(proof[33..65], timestamp.digest()[..]);
        assert!(!timestamp.attestations().is_empty());
        assert!(timestamp.attestations().len() <= Timestamp::MAX_ATTESTATIONS);
    }
});
