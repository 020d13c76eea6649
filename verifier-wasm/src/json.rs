//! JSON that every reader reads alike.

use alloc::format;
use alloc::string::String;

use verifier_core::hazmat::json::{Limits, Value};

use crate::usage::Usage;

/// JavaScript's own reader takes the last of two members with one key, and rounds numbers.
const NOT_STRICT: &str = "usage.json";

/// The text as RFC 8785 lays it out, with every number token as it stands.
pub(crate) fn canonical(text: &[u8]) -> Result<String, Usage> {
    match Value::parse(text, Limits::bytes(text.len())) {
        Ok(value) => Ok(value.to_text()),
        Err(error) => Err(Usage::new(NOT_STRICT, format!("no strict JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_everything_else_has_one_form() {
        for (text, expected) in [
            (
                " {\"b\":1.50,\"a\":\"\\u00e9\"}\n",
                "{\"a\":\"é\",\"b\":1.50}",
            ),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(canonical(text.as_bytes()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        for text in [
            "{\"a\":1,\"a\":2}",
            "\"\\ud800\"",
            "\u{feff}{}",
            "{\"a\":1,}",
            "{} {}",
            "",
        ] {
            assert!(canonical(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(65) + &"]".repeat(65);
        assert!(canonical(deep.as_bytes()).is_err());
        assert!(canonical(b"\"\xff\"").is_err());
    }
}
