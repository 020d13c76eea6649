//! Errors as clients read them: RFC 9457, with a stable `code`.

use std::borrow::Cow;
use std::fmt::Write as _;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use verifier_core::hazmat::json::Value;

use crate::answer::{self, Answer};
use crate::body::BodyError;

/// The media type of a problem.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// An answer that is an error.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    expected: Option<String>,
    found: Option<String>,
    successor: Option<Box<str>>,
    /// Boxed, because results carry problems around.
    headers: Box<HeaderMap>,
}

impl Problem {
    /// An error with this status (503 if there is no such status), this stable code, and a text
    /// for people.
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            code,
            detail: detail.into(),
            expected: None,
            found: None,
            successor: None,
            headers: Box::default(),
        }
    }

    /// 404 `request.not_found`: there is nothing at this address.
    pub fn not_found() -> Self {
        let detail = "There is nothing at this address.";
        Self::new(404, "request.not_found", detail)
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The headers that the answer has beside those of every problem.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// With the seconds after which the same request may succeed.
    #[must_use]
    pub fn retry(mut self, seconds: u32) -> Self {
        let seconds = HeaderValue::from(seconds);
        self.headers.insert(header::RETRY_AFTER, seconds);
        self
    }

    /// With what was expected and found, where there is either.
    #[must_use]
    pub fn compared(mut self, expected: Option<String>, found: Option<String>) -> Self {
        (self.expected, self.found) = (expected, found);
        self
    }

    /// With the address that takes such requests instead, where there is one.
    #[must_use]
    pub fn successor(mut self, url: Option<Box<str>>) -> Self {
        self.successor = url;
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The body.
    pub fn to_json(&self) -> String {
        let members = [
            ("code", Some(self.code)),
            ("detail", Some(self.detail.as_str())),
            ("expected", self.expected.as_deref()),
            ("found", self.found.as_deref()),
            ("successor", self.successor.as_deref()),
            ("title", Some(title(self.status))),
        ];
        let members = members
            .into_iter()
            .filter_map(|(key, value)| Some((Cow::Borrowed(key), Value::from(value?))));
        let status = Value::from(u64::from(self.status.as_u16()));
        let status = (Cow::Borrowed("status"), status);
        Value::Object(members.chain([status]).collect()).to_text()
    }

    /// The answer, for pages of every origin, and for no cache.
    pub fn answer(&self) -> Answer {
        let mut answer = answer::of_type(self.status, PROBLEM_TYPE, self.to_json());
        answer::public(&mut answer, "no-store");
        answer.headers_mut().extend((*self.headers).clone());
        answer
    }

    /// The answer as it goes over a connection that then ends.
    pub(crate) fn to_http(&self) -> String {
        let answer = self.answer();
        let mut out = format!("HTTP/1.1 {}\r\nconnection: close\r\n", self.status);
        for (name, value) in answer.headers() {
            let value = value.to_str().unwrap_or_default();
            let _infallible = write!(out, "{name}: {value}\r\n");
        }
        let body = self.to_json();
        let _infallible = write!(out, "content-length: {}\r\n\r\n{body}", body.len());
        out
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let code = match error {
            BodyError::Encoded => "request.encoded",
            BodyError::Incomplete => "request.incomplete",
            BodyError::Room(refused) => return refused.into(),
            BodyError::TooLarge(_) => "request.too_large",
            BodyError::TooSlow => "request.too_slow",
        };
        let problem = Self::new(error.status().as_u16(), code, error.to_string());
        match error {
            // RFC 9110 §15.5.16: which encodings would be taken.
            BodyError::Encoded => problem.header(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("identity"),
            ),
            _ => problem,
        }
    }
}

impl From<crate::Refused> for Problem {
    /// `request.too_many` or `server.overloaded`.
    fn from(refused: crate::Refused) -> Self {
        let code = match refused {
            crate::Refused::Share(_) => "request.too_many",
            crate::Refused::Full(_) => "server.overloaded",
        };
        Self::new(refused.status().as_u16(), code, refused.to_string()).retry(1)
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "Malformed request",
        401 => "No valid token",
        403 => "Not allowed",
        404 => "Not found",
        405 => "Wrong method",
        408 => "Too slow",
        409 => "Conflict",
        410 => "Gone",
        413 => "Too large",
        415 => "Wrong type",
        422 => "Refused",
        429 => "Too many requests",
        503 => "Not available",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_what_rfc_9457_asks_for() {
        let problem = Problem::new(422, "payload.mismatch", "Not the same.")
            .compared(Some("a".into()), Some("b".into()))
            .retry(7);
        assert_eq!(
            problem.to_json(),
            r#"{"code":"payload.mismatch","detail":"Not the same.","expected":"a","found":"b","status":422,"title":"Refused"}"#
        );
        let answer = problem.answer();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], PROBLEM_TYPE);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "7");
        let text = problem.to_http();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 422 Unprocessable Entity\r\nconnection: close\r\n"));
        assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())));
        assert_eq!(body, problem.to_json());
    }
}
