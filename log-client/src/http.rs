//! One question and its answer, within limits.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::quote;

use crate::error::{Error, Kind, Result};
use crate::reach::{Reach, Within};

/// The longest time for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// As much of an error's body is read as may hold its reason, in bytes.
const MAX_REASON: usize = 16 * 1024;

/// A server's answer, whatever its status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type, as the server says; empty if it does not.
    pub content_type: String,
    /// The body, decompressed. Of a status other than 2xx no more than its beginning.
    pub body: Vec<u8>,
    /// The time until which the server wants to be left alone, if it says so in seconds.
    pub retry_after: Option<Duration>,
    location: Option<String>,
}

/// What a server is asked, with headers.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a question is said in full")]
pub struct Question<'q> {
    /// The address.
    pub url: &'q str,
    /// Names and values.
    pub headers: &'q [(&'q str, &'q str)],
    /// What is posted; nothing for `GET`.
    pub json: Option<Vec<u8>>,
    /// For all of the answer.
    pub timeout: Duration,
    /// The longest body of a success, in bytes.
    pub limit: usize,
}

/// A client that keeps its connections. Clones share them.
#[derive(Clone, Debug)]
pub struct Http {
    inner: reqwest::Client,
    timeout: Duration,
    reach: Reach,
}

impl Http {
    /// A client that calls itself `agent` and waits `timeout` for all of one answer, its body
    /// included.
    ///
    /// # Errors
    ///
    /// The system's certificates or resolver cannot be used.
    pub fn new(agent: &str, timeout: Duration) -> Result<Self> {
        Self::within(agent, timeout, Reach::Any)
    }

    /// The same, for addresses that somebody else has chosen: it connects to those within `reach`.
    ///
    /// # Errors
    ///
    /// As those of [`Http::new`].
    pub fn within(agent: &str, timeout: Duration, reach: Reach) -> Result<Self> {
        let builder = reqwest::Client::builder();
        let builder = match reach {
            Reach::Any => builder,
            Reach::Public => builder.dns_resolver(Within::system(reach)),
        };
        builder
            .user_agent(agent)
            .connect_timeout(CONNECT_TIME.min(timeout))
            // From the first byte sent to the last one received, so that nobody can drip for ever.
            .timeout(timeout)
            // Whom we talk to is what the caller said, not what a server or a variable says.
            .redirect(Policy::none())
            .no_proxy()
            // One protocol, whatever another crate of the same program has turned on.
            .http1_only()
            .build()
            .map(|inner| Self {
                inner,
                timeout,
                reach,
            })
            .map_err(|error| {
                let why = format!("cannot be used: {}", cause(&error));
                Error::new(Kind::Unreachable, "The network", why)
            })
    }

    /// `GET url`. A body of status 200 has at most `limit` bytes, when it is decompressed.
    ///
    /// # Errors
    ///
    /// No answer within the limits. A status is no error.
    pub async fn get(&self, url: &str, limit: usize) -> Result<Answer> {
        self.send(self.inner.get(url), url, limit).await
    }

    /// `GET url` for this media type.
    pub(crate) async fn get_as(&self, url: &str, accept: &str, limit: usize) -> Result<Answer> {
        let request = self.inner.get(url).header(ACCEPT, accept);
        self.send(request, url, limit).await
    }

    /// `POST url`, as [`Http::get`].
    ///
    /// # Errors
    ///
    /// As those of [`Http::get`].
    pub async fn post(
        &self,
        url: &str,
        content_type: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Answer> {
        let request = self.inner.post(url).header(CONTENT_TYPE, content_type);
        self.send(request.body(body), url, limit).await
    }

    /// `POST url` of JSON with a bearer token, as [`Http::get`].
    ///
    /// # Errors
    ///
    /// As those of [`Http::get`].
    pub async fn post_with_token(
        &self,
        url: &str,
        token: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Answer> {
        let request = self.inner.post(url).bearer_auth(token);
        let request = request.header(CONTENT_TYPE, "application/json");
        self.send(request.body(body), url, limit).await
    }

    /// Asks with these headers, and a limit of its own on the time: `POST url` of the JSON, or `GET
    /// url` without any.
    ///
    /// # Errors
    ///
    /// As those of [`Http::get`].
    pub async fn ask(&self, question: Question<'_>) -> Result<Answer> {
        let (url, limit) = (question.url, question.limit);
        self.send(self.request(question), url, limit).await
    }

    /// Tells a server something, as [`Http::ask`]: its status is all that counts. Of the body no more
    /// than its beginning is read, `limit` bytes, and nothing about it is an error.
    ///
    /// # Errors
    ///
    /// No status within the limits.
    pub async fn tell(&self, question: Question<'_>) -> Result<Answer> {
        let (url, limit) = (question.url, question.limit);
        self.reach.check(url)?;
        let failed = |error: reqwest::Error| self.failed(url, error);
        let mut answer = self.request(question).send().await.map_err(failed)?;
        let body = beginning(&mut answer, limit).await;
        Ok(Answer::of(&answer, body))
    }

    fn request(&self, question: Question<'_>) -> RequestBuilder {
        let url = question.url;
        let request = match question.json {
            None => self.inner.get(url),
            Some(json) => self
                .inner
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .body(json),
        };
        let headers = question.headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.timeout(question.timeout)
    }

    async fn send(&self, request: RequestBuilder, url: &str, limit: usize) -> Result<Answer> {
        self.reach.check(url)?;
        let failed = |error: reqwest::Error| self.failed(url, error);
        let mut answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        if let Some(encoding) = header(&answer, CONTENT_ENCODING)
            && !encoding.eq_ignore_ascii_case("identity")
        {
            let why = format!("answered in the encoding {}", quote(&encoding));
            return Err(Error::new(Kind::Answer, shown(url), why).expected("gzip or none"));
        }
        let mut body = Vec::new();
        if status.is_success() {
            while let Some(piece) = answer.chunk().await.map_err(failed)? {
                body.extend_from_slice(&piece);
                if body.len() > limit {
                    return Err(
                        Error::new(Kind::Limit, shown(url), "answered with too much")
                            .expected(format!("at most {limit} bytes")),
                    );
                }
            }
        } else {
            // Nothing of it is needed; a reason, if there is one, is at the beginning.
            body = beginning(&mut answer, MAX_REASON).await;
        }
        Ok(Answer::of(&answer, body))
    }

    fn failed(&self, url: &str, error: reqwest::Error) -> Error {
        let error = error.without_url();
        if error.is_timeout() {
            let within = match error.is_connect() {
                true => CONNECT_TIME.min(self.timeout),
                false => self.timeout,
            };
            return Error::timeout(shown(url), within);
        }
        if error.is_builder() {
            let why = format!("is not an address: {}", cause(&error));
            return Error::new(Kind::Address, quote(&shown(url)), why);
        }
        let what = match error.is_connect() {
            true => "cannot be reached",
            false => "cannot be read",
        };
        let why = format!("{what}: {}", cause(&error));
        Error::new(Kind::Unreachable, shown(url), why)
    }
}

impl Answer {
    fn of(response: &Response, body: Vec<u8>) -> Self {
        let seconds = header(response, RETRY_AFTER).and_then(|text| text.parse().ok());
        Self {
            status: response.status().as_u16(),
            content_type: header(response, CONTENT_TYPE).unwrap_or_default(),
            location: header(response, LOCATION),
            retry_after: seconds.map(Duration::from_secs),
            body,
        }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, or `None` where the server has nothing (404, 410).
    ///
    /// # Errors
    ///
    /// Every other status than 200.
    pub fn found(self, url: &str) -> Result<Option<Vec<u8>>> {
        match self.status {
            200 => Ok(Some(self.body)),
            404 | 410 => Ok(None),
            _ => Err(self.refused(url)),
        }
    }

    /// The error that a status is which the question does not allow for, with the server's own
    /// reason.
    pub fn refused(&self, url: &str) -> Error {
        let status = StatusCode::from_u16(self.status);
        let status = status.map_or_else(|_| self.status.to_string(), |status| status.to_string());
        let subject = shown(url);
        if let Some(location) = self.location.as_deref().filter(|_| self.status / 100 == 3) {
            let target = quote(&shown(location));
            let why =
                format!("answered {status}: it points to {target}, and redirects are not followed");
            let next = "If you trust the other address, give that one.";
            return Error::new(Kind::Status(self.status), subject, why).next(next);
        }
        let why = match self.reason() {
            Some(reason) => format!("answered {status}: {reason}"),
            None => format!("answered {status}"),
        };
        Error::new(Kind::Status(self.status), subject, why).expected("200 OK")
    }

    /// The server's own words, in quotes: the first line of a text, or what the usual members of a
    /// JSON object say.
    pub fn reason(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let value = Value::parse(&self.body, Limits::bytes(MAX_REASON)).ok();
        let said = match value.as_ref() {
            Some(value) => message(value)?,
            None => text.lines().next().unwrap_or_default(),
        };
        let said = said.trim();
        // A page for browsers says nothing in its first line.
        (!said.is_empty() && !said.starts_with('<')).then(|| quote(said))
    }
}

/// The reason in problem details (RFC 9457), in an error of JSON-RPC, or in what is like them.
fn message<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    if let Value::Array(list) = value {
        return message(list.first()?);
    }
    let members = value.as_object()?;
    let text = |key: &str| members.get(key)?.as_str();
    text("detail")
        .or_else(|| text("message"))
        .or_else(|| text("title"))
        .or_else(|| text("error"))
        .or_else(|| message(members.get("error")?))
}

/// An address below which there are others: of the web, without a query, and without a slash at its
/// end.
///
/// # Errors
///
/// The text is none.
pub fn address(text: &str) -> Result<String> {
    let bad = |why: &str| Error::new(Kind::Address, quote(&shown(text)), why).expected("https://…");
    let url = Url::parse(text).map_err(|error| bad(&format!("is not a URL: {error}")))?;
    let usable = matches!(url.scheme(), "http" | "https")
        && url.query().is_none()
        && url.fragment().is_none();
    match usable {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(bad("is not a plain http or https URL")),
    }
}

/// An address without the name and password in it.
pub fn shown(url: &str) -> String {
    let secret = url.split_once("://").and_then(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next()?;
        let (secret, _) = host.rsplit_once('@')?;
        Some((scheme, rest.get(secret.len() + 1..)?))
    });
    secret.map_or_else(
        || url.to_owned(),
        |(scheme, rest)| format!("{scheme}://{rest}"),
    )
}

/// At most `limit` bytes of a body, or what there was of it when it broke off.
async fn beginning(answer: &mut Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > limit {
            body.truncate(limit);
            break;
        }
    }
    body
}

fn header(answer: &Response, name: HeaderName) -> Option<String> {
    let value = answer.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
}

/// The innermost cause says most. The operating system's number adds nothing to its words.
fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
