//! Answers whose body is in memory, and the headers that they carry.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer whose body is in memory.
pub type Answer = Response<Full<Bytes>>;

/// The type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The type of lines of JSON.
pub const NDJSON: &str = "application/x-ndjson";

/// An answer of this type, which browsers do not guess another one for.
pub fn of_type(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, kind);
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// Plain text that nobody keeps.
pub fn text(status: StatusCode, text: &str) -> Answer {
    let mut answer = of_type(status, TEXT, text.to_owned());
    no_store(&mut answer);
    answer
}

/// A JSON text.
pub fn json(status: StatusCode, text: String) -> Answer {
    of_type(status, "application/json", text)
}

/// A JSON text that nobody keeps.
pub fn private(status: StatusCode, text: String) -> Answer {
    let mut answer = json(status, text);
    no_store(&mut answer);
    answer
}

/// 308: it is elsewhere, for good.
pub fn redirect(location: &'static str) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    set(&mut answer, header::LOCATION, location);
    answer
}

/// Sets a header, in the place of one that is there.
pub fn set<B>(answer: &mut Response<B>, name: HeaderName, value: &'static str) {
    let headers = answer.headers_mut();
    headers.insert(name, HeaderValue::from_static(value));
}

/// Nobody keeps a copy.
pub fn no_store<B>(answer: &mut Response<B>) {
    set(answer, header::CACHE_CONTROL, "no-store");
}

/// Pages of every origin may read it, and caches may keep it as long as `cache` says.
pub fn public<B>(answer: &mut Response<B>, cache: &'static str) {
    set(answer, header::CACHE_CONTROL, cache);
    set(answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
}
