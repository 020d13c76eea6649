//! Two payloads: whether they are the same document, and where they differ.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::payload::{differences, same_json};

fuzz_target!(|pair: (&[u8], &[u8])| {
    let (a, b) = pair;
    let found = differences(a, b).first;
    assert!(found.len() <= 8);
    if same_json(a, b) {
        assert!(found.is_empty());
        assert!(same_json(b, a));
    }
});
