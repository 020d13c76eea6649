//! Bytes from servers, with a limit on their number and on the time they take. Nothing that comes
//! from here is trusted.

use std::io::Read as _;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::blocking::{Client as Blocking, RequestBuilder};
use reqwest::redirect::Policy;

use crate::code::CliCode;
use crate::failure::CliError;

/// For all of one answer, if nothing else is said.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// To be reached at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a server answered, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// A client that keeps its connections. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: Blocking,
    timeout: Duration,
}

impl Client {
    pub(crate) fn new() -> Result<Self, CliError> {
        Self::with_timeout(TIMEOUT)
    }

    /// A client that waits this long for all of one answer.
    pub(crate) fn with_timeout(timeout: Duration) -> Result<Self, CliError> {
        Blocking::builder()
            .user_agent(concat!("cosignet/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            // Whom we talk to is what the caller said, not what a server says.
            .redirect(Policy::none())
            .build()
            .map(|inner| Self { inner, timeout })
            .map_err(|error| unreachable("The network cannot be used", &error))
    }

    /// A body of at most `limit` bytes, or `None` where the server has nothing (404, 410).
    pub(crate) fn get(&self, url: &str, limit: usize) -> Result<Option<Vec<u8>>, CliError> {
        let answer = self.send(self.inner.get(url), url, limit)?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status => Err(unexpected(url, status)),
        }
    }

    /// Posts bytes. Every status is the caller's to judge.
    pub(crate) fn post(
        &self,
        url: &str,
        content_type: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Answer, CliError> {
        let request = self.inner.post(url).header("content-type", content_type);
        self.send(request.body(body), url, limit)
    }

    fn send(&self, request: RequestBuilder, url: &str, limit: usize) -> Result<Answer, CliError> {
        let failed = |error: &dyn std::error::Error| {
            unreachable(&format!("{} cannot be read", shown(url)), error)
        };
        let begun = Instant::now();
        let mut answer = request.send().map_err(|error| failed(&error))?;
        let status = answer.status();
        let mut body = Vec::new();
        let mut piece = vec![0; 64 * 1024];
        while body.len() <= limit {
            let length = answer.read(&mut piece).map_err(|error| failed(&error))?;
            if length == 0 {
                break;
            }
            body.extend(piece.get(..length).unwrap_or_default());
            // The client's own limit begins anew with each read: a server could drip for ever.
            if begun.elapsed() > self.timeout {
                let message = format!("{} cannot be read: it is too slow.", shown(url));
                return Err(CliError::new(CliCode::IoUnreachable, message)
                    .expected(format!("all of it within {} s", self.timeout.as_secs())));
            }
        }
        if body.len() > limit {
            let message = format!("{} answered with too much.", shown(url));
            return Err(CliError::new(CliCode::IoUnreachable, message)
                .expected(format!("at most {limit} bytes")));
        }
        Ok(Answer { status, body })
    }
}

/// A status that the caller cannot go on with.
pub(crate) fn unexpected(url: &str, status: StatusCode) -> CliError {
    let message = format!("{} answered {status}.", shown(url));
    CliError::new(CliCode::IoUnreachable, message).expected("200 OK")
}

/// An address without the name and password in it.
pub(crate) fn shown(url: &str) -> String {
    let secret = url.split_once("://").and_then(|(scheme, rest)| {
        let host = rest.split('/').next()?;
        let (secret, _) = host.rsplit_once('@')?;
        Some((scheme, rest.get(secret.len() + 1..)?))
    });
    secret.map_or_else(
        || url.to_owned(),
        |(scheme, rest)| format!("{scheme}://{rest}"),
    )
}

/// The innermost cause says most.
fn unreachable(what: &str, error: &dyn std::error::Error) -> CliError {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let why = text.split(" (os error").next().unwrap_or(&text);
    CliError::new(CliCode::IoUnreachable, format!("{what}: {why}."))
}
