//! Requests, read: bodies, headers, keys, and cookies.

use std::time::{Duration, Instant};

use hyper::body::Bytes;
use hyper::header::{self, HeaderMap};
use serving::{BodyLimits, Party, Problem, Request, party, read_body, token};

use super::problem;
use super::routes::App;
use crate::person::ApiKey;

/// What the keys of this gate begin with.
pub(crate) const KEY_PREFIX: &str = "cosignet-gate";

/// The cookie of a session. The prefix binds it to this host and to TLS; without TLS, on this
/// machine alone, browsers take it as well.
pub(super) const COOKIE: &str = "__Host-cosignet";

/// The rights that a call needs: any of these.
#[derive(Clone, Copy, Debug)]
pub(super) enum Right {
    Create,
    Claim,
    Read,
    /// Any right at all.
    Any,
}

/// A request with a key that may make it, at a pace that it may have.
pub(super) async fn key(app: &App, headers: &HeaderMap, right: Right) -> Result<ApiKey, Problem> {
    let sent = token::bearer(headers).or_else(|| token::api_key(headers));
    let presented = sent.and_then(|text| token::Presented::parse(KEY_PREFIX, text));
    let presented = presented.ok_or_else(problem::no_key)?;
    let found = app.gate.store.key(presented.id()).await?;
    let found = found.filter(|key| key.revoked.is_none());
    let found = found.ok_or_else(problem::no_key)?;
    if presented.verify(&found.hash).is_none() {
        return Err(problem::no_key());
    }
    let allowed = match right {
        Right::Create => found.rights.create,
        Right::Claim => found.rights.claim,
        Right::Read => found.rights.read,
        Right::Any => true,
    };
    if !allowed {
        return Err(token::forbidden());
    }
    let taken = app.paces.take(&found.id, Instant::now());
    taken.map_err(problem::too_often)?;
    Ok(found)
}

/// The body of a request, of JSON, with room held for as long as it is needed.
pub(super) async fn body(
    app: &App,
    request: Request,
    party: Option<Party>,
    most: usize,
) -> Result<(Bytes, serving::Held), Problem> {
    let is_json = content_type(request.headers())
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if !is_json {
        let detail = "The body has to be JSON: send `Content-Type: application/json`.";
        return Err(Problem::new(415, "request.content_type", detail));
    }
    let mut held = app.rooms.bodies.hold(party);
    let limits = BodyLimits {
        most,
        time: Duration::from_secs(10),
    };
    let bytes = read_body(request, limits, &mut held).await?;
    Ok((bytes, held))
}

/// The body of what a page of the gate sends: from its own origin alone.
pub(super) async fn page_body(
    app: &App,
    request: Request,
    most: usize,
) -> Result<(Bytes, serving::Held), Problem> {
    require_origin(app, request.headers())?;
    let party = party(&request);
    body(app, request, party, most).await
}

/// Refuses what a page of another site sends.
pub(super) fn require_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match origins.all(|origin| origin == app.gate.site.origin.as_str()) {
        true => Ok(()),
        false => {
            let detail = "This call comes from a page of another site.";
            Err(Problem::new(403, "request.origin", detail))
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

/// A header that may be there once.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let value = all.next()?;
    match all.next() {
        None => value.to_str().ok(),
        Some(_) => None,
    }
}

/// The cookie of the session.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// How long a caller wants to wait: `?wait=n` or `Prefer: wait=n` (RFC 7240 §4.3), at most 50 s.
pub(super) fn wait(request: &Request) -> Result<Option<Duration>, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
    let preferred = || {
        let value = single(request.headers(), "prefer")?;
        let mut all = value.split([',', ';']);
        all.find_map(|one| one.trim().strip_prefix("wait="))
    };
    let Some(text) = asked.or_else(preferred) else {
        return Ok(None);
    };
    match text.parse::<u64>() {
        Ok(seconds @ 0..=50) => Ok(Some(Duration::from_secs(seconds))),
        _ => {
            let detail = "`wait` is a number of seconds from 0 to 50.";
            let found = verifier_core::quote(text);
            Err(Problem::new(400, "request.schema", detail)
                .compared(Some("0 to 50".into()), Some(found)))
        }
    }
}
