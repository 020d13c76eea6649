//! A log's request to a witness.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::tlog::submission::{Submission, parse_size};

fuzz_target!(|text: &str| {
    let _ = parse_size(text);
    if let Ok(submission) = Submission::parse(text) {
        assert_eq!(submission.to_string(), text);
    }
});
