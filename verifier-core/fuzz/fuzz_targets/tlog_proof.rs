//! A c2sp.org/tlog-proof text, with the note and the checkpoint in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::tlog::proof::Proof;

fuzz_target!(|text: &str| {
    if let Ok(proof) = Proof::parse(text) {
        assert_eq!(proof.to_string(), text);
        let _ = proof.verify_inclusion(&[7; 32]);
    }
});
