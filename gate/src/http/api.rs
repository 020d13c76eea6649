//! For those who ask, act, and audit: `/api/confirmations` and `/export`.

use std::sync::Arc;
use std::time::Instant;

use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode};
use serving::answer::{NDJSON, no_store, of_type, private};
use serving::{Answer, Party, Problem, Request};
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::encoding::{base64url, sha256};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{Members, Wrong};

use super::read::{self, Right};
use super::routes::App;
use super::{problem, view};
use crate::ceremony::read_json;
use crate::gate::Asked;
use crate::refusal::{Reason, Refusal};
use crate::request::Outcome;
use crate::store::{Created, Repeats};

/// The longest body that asks, in bytes: a payload has 512 KiB at most.
pub(super) const MAX_ASKED: usize = 1024 * 1024;

/// The longest of all other bodies, in bytes.
const MAX_BODY: usize = 4096;

/// How many events go into one answer of `/export`.
const EVENTS: usize = 1000;

#[derive(Debug)]
pub(super) enum Call {
    Create,
    Look(String),
    Claim(String),
    Cancel(String),
    Report(String),
    Decision(String),
}

impl Call {
    pub(super) fn of(path: &str) -> Option<Self> {
        let below = path.strip_prefix("/api/confirmations")?;
        if below.is_empty() {
            return Some(Self::Create);
        }
        let (id, call) = match below.strip_prefix('/')?.split_once('/') {
            None => (below.strip_prefix('/')?, None),
            Some((id, call)) => (id, Some(call)),
        };
        let id = is_approval_id(id).then(|| id.to_owned())?;
        Some(match call {
            None => Self::Look(id),
            Some("claim") => Self::Claim(id),
            Some("cancel") => Self::Cancel(id),
            Some("result") => Self::Report(id),
            Some("decision") => Self::Decision(id),
            Some(_) => return None,
        })
    }

    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Look(_) | Self::Decision(_) => &[Method::GET],
            _ => &[Method::POST],
        }
    }
}

pub(super) async fn answer(
    app: &Arc<App>,
    call: Call,
    request: Request,
) -> Result<Answer, Problem> {
    match call {
        Call::Create => Box::pin(create(app, request)).await,
        Call::Look(id) => look(app, &id, request).await,
        Call::Claim(id) => Box::pin(claim(app, &id, request)).await,
        Call::Cancel(id) => {
            let key = read::key(app, request.headers(), Right::Create).await?;
            let cancelled = app.gate.cancel(&key, &id).await?;
            Ok(seen(app, StatusCode::OK, &cancelled))
        }
        Call::Report(id) => Box::pin(report(app, &id, request)).await,
        Call::Decision(id) => {
            let key = read::key(app, request.headers(), Right::Any).await?;
            let found = app.gate.of_key(&key, &id).await?;
            Ok(private(StatusCode::OK, view::decision(&found)?))
        }
    }
}

async fn create(app: &Arc<App>, request: Request) -> Result<Answer, Problem> {
    let key = read::key(app, request.headers(), Right::Create).await?;
    let repeats = idempotency(&request)?.map_or(Repeats::Nothing, Repeats::Named);
    let party = Some(Party::Token(key.id.clone()));
    let (body, _held) = read::body(app, request, party, MAX_ASKED).await?;
    let value = Value::parse(&body, Limits::bytes(MAX_ASKED)).map_err(|error| {
        let refusal = payload_form::Refusal::of_json(&body, &error);
        match refusal.path() {
            Some(path) if path.starts_with("$.payload") => Refusal::from(refusal),
            _ => Refusal::new(
                Reason::NotJson,
                format!("The body is not strict JSON: {error}."),
            ),
        }
    })?;
    let schema = |error| Problem::from(Refusal::from(error));
    let members = Members::of(&value)
        .and_then(|all| all.only(&["action", "expiresIn", "group", "payload", "username"]))
        .map_err(schema)?;
    let asked = Asked {
        action: members.text("action").map_err(schema)?,
        payload: members.value("payload").map_err(schema)?,
        username: members.optional_text("username").map_err(schema)?,
        group: members.optional_text("group").map_err(schema)?,
        expires_in: members.optional_u64("expiresIn").map_err(schema)?,
    };
    if asked.username.is_some() && asked.group.is_some() {
        let detail = "Name a person or a group, and not both.";
        return Err(Refusal::new(Reason::Schema, detail).into());
    }
    let created = app.gate.create(&key, &asked, repeats).await?;
    Ok(match created {
        Created::New(made) => seen(app, StatusCode::CREATED, &made),
        Created::Repeat(found) => seen(app, StatusCode::OK, &found),
    })
}

async fn look(app: &Arc<App>, id: &str, request: Request) -> Result<Answer, Problem> {
    let key = read::key(app, request.headers(), Right::Any).await?;
    let known = read::single(request.headers(), "if-none-match").map(str::to_owned);
    let wait = read::wait(&request)?;
    let preferred = request.headers().contains_key("prefer");
    drop(request);
    let found = match wait {
        Some(wait) if !wait.is_zero() => {
            let party = Some(Party::Token(key.id.clone()));
            let _place = app.rooms.waiting.take(party, 1)?;
            app.gate.decided(&key, id, Instant::now() + wait).await?
        }
        _ => app.gate.of_key(&key, id).await?,
    };
    let mut answer = seen(app, StatusCode::OK, &found);
    let tag = answer.headers().get(header::ETAG).cloned();
    let tag = tag.as_ref().and_then(|tag| tag.to_str().ok());
    if let (Some(tag), Some(known)) = (tag, known)
        && known
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag)
    {
        return Ok(problem::not_modified(tag));
    }
    if let Some(wait) = wait.filter(|_| preferred)
        && let Ok(applied) = HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
    {
        answer.headers_mut().insert("preference-applied", applied);
    }
    Ok(answer)
}

async fn claim(app: &Arc<App>, id: &str, request: Request) -> Result<Answer, Problem> {
    let key = read::key(app, request.headers(), Right::Claim).await?;
    let Some(operation) = idempotency(&request)? else {
        let detail = "A claim needs the header `Idempotency-Key`: the id of your operation, the \
                      same whenever you try again.";
        return Err(Refusal::new(Reason::IdempotencyMissing, detail).into());
    };
    let party = Some(Party::Token(key.id.clone()));
    let (body, _held) = read::body(app, request, party, MAX_BODY).await?;
    let value = read_json(&body, MAX_BODY)?;
    let hash = Members::of(&value)
        .and_then(|all| all.only(&["payloadHash"]))
        .and_then(|members| members.hash("payloadHash"))
        .map_err(Refusal::from)?;
    let claimed = app.gate.claim(&key, id, &operation, hash).await?;
    let text = view::claimed(&claimed, &app.gate.site, app.gate.now())?;
    Ok(private(StatusCode::OK, text))
}

async fn report(app: &Arc<App>, id: &str, request: Request) -> Result<Answer, Problem> {
    let key = read::key(app, request.headers(), Right::Claim).await?;
    let party = Some(Party::Token(key.id.clone()));
    let (body, _held) = read::body(app, request, party, MAX_BODY).await?;
    let value = read_json(&body, MAX_BODY)?;
    let outcome = Members::of(&value)
        .and_then(|all| all.only(&["outcome"]))
        .and_then(|members| {
            let text = members.text("outcome")?;
            Outcome::parse(text).ok_or_else(|| {
                members.error(
                    "outcome",
                    Wrong::Value {
                        expected: "done or failed",
                        found: verifier_core::quote(text),
                    },
                )
            })
        })
        .map_err(Refusal::from)?;
    let reported = app.gate.report(&key, id, outcome).await?;
    Ok(seen(app, StatusCode::OK, &reported))
}

/// `GET /export?after=N`: events behind number N, one a line.
pub(super) async fn export(app: &Arc<App>, request: Request) -> Result<Answer, Problem> {
    read::key(app, request.headers(), Right::Read).await?;
    let query = request.uri().query().unwrap_or_default();
    let after = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("after="));
    let after = match after {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            let detail = "`after` is the number of the last event that you have.";
            Problem::new(400, "request.schema", detail)
        })?,
    };
    let events = app.gate.store.events(after, EVENTS).await?;
    let mut text = String::new();
    for event in &events {
        text.push_str(&event.line);
        text.push('\n');
    }
    let mut answer = of_type(StatusCode::OK, NDJSON, text);
    no_store(&mut answer);
    Ok(answer)
}

fn idempotency(request: &Request) -> Result<Option<String>, Problem> {
    if !request.headers().contains_key("idempotency-key") {
        return Ok(None);
    }
    let value = read::single(request.headers(), "idempotency-key");
    let value = value.filter(|text| is_operation(text));
    value.map(|text| Some(text.to_owned())).ok_or_else(|| {
        let detail = "`Idempotency-Key` is one text of 1 to 255 visible characters.";
        Problem::new(400, "request.schema", detail)
    })
}

/// Whether a caller can name a call like this: 1 to 255 visible characters of ASCII.
pub(crate) fn is_operation(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A request as its key sees it, with a tag for asking again.
fn seen(app: &App, status: StatusCode, request: &crate::request::Request) -> Answer {
    let text = view::of_key(request, &app.gate.site, app.gate.now());
    let tag = sha256(text.as_bytes());
    let tag = format!("\"{}\"", base64url(tag.get(..16).unwrap_or_default()));
    let mut answer = private(status, text);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}
