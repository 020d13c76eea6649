//! The text of a leaf.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::entry::Entry;

fuzz_target!(|text: &str| {
    let _ = Entry::parse(text);
});
