//! Errors as clients read them: RFC 9457, with a stable `code`.

use std::borrow::Cow;

use verifier_core::code::Effect;
use verifier_core::json::Value;

use crate::failure::Failure;
use crate::refusal::{Reason, Refusal};

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    detail: String,
    expected: Option<String>,
    found: Option<String>,
    /// In seconds.
    pub(crate) retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            expected: None,
            found: None,
            retry_after: None,
        }
    }

    pub(crate) fn retry(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The body.
    pub(crate) fn to_json(&self) -> String {
        let members = [
            ("code", Some(self.code)),
            ("detail", Some(self.detail.as_str())),
            ("expected", self.expected.as_deref()),
            ("found", self.found.as_deref()),
            ("title", Some(title(self.status))),
        ];
        let members = members
            .into_iter()
            .filter_map(|(key, value)| Some((Cow::Borrowed(key), Value::from(value?))));
        let status = (Cow::Borrowed("status"), Value::from(u64::from(self.status)));
        Value::Object(members.chain([status]).collect()).to_text()
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Malformed request",
        401 => "No valid token",
        403 => "Not allowed",
        404 => "Not found",
        405 => "Wrong method",
        408 => "Too slow",
        409 => "Conflict",
        413 => "Too large",
        415 => "Not JSON",
        422 => "Refused",
        429 => "Too many requests",
        _ => "Not available",
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self {
            expected: refusal.expected,
            found: refusal.found,
            retry_after: retry_after(refusal.reason),
            ..Self::new(
                status(refusal.reason),
                refusal.reason.code(),
                refusal.detail,
            )
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Refusal::from(failure).into()
    }
}

fn status(reason: Reason) -> u16 {
    match reason {
        Reason::NotJson | Reason::Schema => 400,
        Reason::Unknown => 404,
        Reason::AssertionReused | Reason::Conflict => 409,
        Reason::TooLarge => 413,
        Reason::DecidedAt => 422,
        Reason::Damaged
        | Reason::HeldBack
        | Reason::Internal
        | Reason::NotPublished
        | Reason::Overloaded => 503,
        Reason::Verifier(code) => match code.effect() {
            Effect::Malformed => 400,
            _ => 422,
        },
    }
}

/// In seconds.
fn retry_after(reason: Reason) -> Option<u32> {
    match reason {
        Reason::Damaged => Some(60),
        Reason::HeldBack => Some(30),
        Reason::Internal | Reason::NotPublished | Reason::Overloaded => Some(1),
        _ => None,
    }
}
