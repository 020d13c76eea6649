//! The JSON reader: what it accepts another reader accepts, with the same strings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::json::{Limits, Value};

fuzz_target!(|input: &[u8]| {
    let Ok(value) = Value::parse(input, Limits::bytes(1 << 20)) else { return };
    let text = value.to_text();
    assert_eq!(Value::parse(text.as_bytes(), Limits::bytes(8 << 20)).as_ref(), Ok(&value));
    // serde_json refuses numbers beyond a double; ours keeps their tokens.
    if let (Ok(ours), Ok(theirs)) =
        (serde_json::from_str::<serde_json::Value>(&text), serde_json::from_slice(input))
    {
        let theirs: serde_json::Value = theirs;
        assert_eq!(ours, theirs);
    } else {
        assert!(!value.to_canonical().is_some_and(|text| {
            serde_json::from_str::<serde_json::Value>(&text).is_err()
        }));
    }
});
