//! Questions that cannot be asked.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use verifier_core::Code;
use verifier_core::Failure;
use verifier_core::Time;
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::encoding::from_hex;
use verifier_core::hazmat::payload::MAX_BYTES;
use verifier_core::quote;
use wasm_bindgen::prelude::wasm_bindgen;

/// Why a question cannot be asked; nothing was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Usage {
    code: &'static str,
    message: String,
}

impl Usage {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    pub(crate) fn of(error: &dyn Failure) -> Self {
        Self::new(error.code().as_str(), error.to_string())
    }

    pub(crate) fn no_policy() -> Self {
        let message = "nothing is judged without a policy";
        Self::new("usage.question", message)
    }

    pub(crate) fn no_time() -> Self {
        let message = "nothing says for which moment it is asked";
        Self::new("usage.question", message)
    }

    pub(crate) fn payload_too_large(length: usize) -> Self {
        let message = format!("the payload has {length} bytes; a payload has at most {MAX_BYTES}");
        Self::new(Code::BundleTooLarge.as_str(), message)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[wasm_bindgen]
extern "C" {
    /// JavaScript's own.
    pub type Error;

    #[wasm_bindgen(constructor)]
    fn new(message: &str) -> Error;

    #[wasm_bindgen(method, setter)]
    fn set_name(this: &Error, name: &str);
}

impl From<Usage> for Error {
    fn from(usage: Usage) -> Self {
        let error = Self::new(&usage.message);
        error.set_name(usage.code);
        error
    }
}

/// Any other text would be an expectation that no approval meets.
const QUESTION: &str = "usage.expectation";

pub(crate) fn hash(text: &str) -> Result<[u8; 32], Usage> {
    let bytes = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| wrong("a SHA-256 hash is 64 digits of lower-case hex", text))
}

pub(crate) fn approval_id(text: &str) -> Result<String, Usage> {
    match is_approval_id(text) {
        true => Ok(text.to_owned()),
        false => Err(wrong(
            "an approval id looks like 0189b2f4-5a00-7c3e-8d11-2f6a90c4be07, in lower case",
            text,
        )),
    }
}

pub(crate) fn time(text: &str) -> Result<Time, Usage> {
    Time::parse(text).ok_or_else(|| wrong("a time looks like 2026-03-01T12:00:00.000Z", text))
}

fn wrong(rule: &str, found: &str) -> Usage {
    Usage::new(QUESTION, format!("{rule}; found {}", quote(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_expectations_can_be_asked_about() {
        let upper = "0189B2F4-5a00-7c3e-8d11-2f6a90c4be07";
        assert!(approval_id(&upper.to_lowercase()).is_ok());
        for bad in ["", "1", upper] {
            assert_eq!(approval_id(bad).unwrap_err().code, QUESTION, "{bad}");
            assert_eq!(hash(bad).unwrap_err().code, QUESTION, "{bad}");
            assert_eq!(time(bad).unwrap_err().code, QUESTION, "{bad}");
        }
        assert_eq!(hash(&"0a".repeat(32)), Ok([10; 32]));
        assert!(time("2026-03-01T12:00:00.000Z").is_ok());
    }
}
