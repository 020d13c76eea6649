//! Errors as clients read them: RFC 9457, with a stable `code`.

use std::borrow::Cow;

use verifier_core::code::{Code, Effect};
use verifier_core::json::Value;
use verifier_core::schema;
use verifier_core::webauthn::{assertion, cose_key, credential};
use verifier_core::{Failure, entry, payload};

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

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(400, code, detail)
    }

    pub(crate) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(422, code, detail)
    }

    /// What a verifier would reject later is refused with its code.
    pub(crate) fn rejected(code: Code, detail: impl Into<String>) -> Self {
        Self::new(422, code.as_str(), detail)
    }

    pub(crate) fn unknown_approval() -> Self {
        Self::new(404, "entry.unknown", "This log has no such approval.")
    }

    /// Committed, and not yet covered by a published checkpoint.
    pub(crate) fn not_published() -> Self {
        let detail = "The log cannot publish at the moment. What it has accepted is kept: repeat \
                      the same request later.";
        Self::new(503, "log.not_published", detail).retry(1)
    }

    pub(crate) fn overloaded() -> Self {
        Self::new(503, "log.overloaded", "Too many requests are waiting.").retry(1)
    }

    pub(crate) fn internal() -> Self {
        let detail = "The log met an error of its own. Nobody can say whether the request took \
                      effect: repeat it.";
        Self::new(503, "log.error", detail).retry(1)
    }

    pub(crate) fn retry(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn compared(
        mut self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        self.expected = Some(expected.into());
        self.found = Some(found.into());
        self
    }

    fn of(error: &dyn Failure) -> Self {
        let code = error.code();
        let status = match code.effect() {
            Effect::Malformed => 400,
            _ => 422,
        };
        Self {
            expected: error.expected(),
            found: error.found(),
            ..Self::new(status, code.as_str(), error.to_string())
        }
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

macro_rules! from_failure {
    ($($error:ty),+) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::of(&error)
            }
        })+
    };
}

from_failure!(
    assertion::Error,
    cose_key::Error,
    credential::Error,
    entry::Error,
    payload::ChallengeError
);

impl From<schema::Error> for Problem {
    fn from(error: schema::Error) -> Self {
        Self::bad_request("request.schema", error.to_string())
    }
}
