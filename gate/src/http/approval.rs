//! The page of a request: `/a/{id}`.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use serving::answer::private;
use serving::{Answer, Problem, Request, party};
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::Members;

use super::routes::App;
use super::{assets, read, view};
use crate::ceremony::{MAX_ASSERTION, Sent, read_json};
use crate::enrolment::descriptor;
use crate::refusal::Refusal;
use crate::request::{Act, Signature};

#[derive(Debug)]
pub(super) enum Call {
    Page,
    Request(String),
    Decision(String),
    Receipt(String),
}

impl Call {
    pub(super) fn of(path: &str) -> Option<Self> {
        let below = path.strip_prefix("/a/")?;
        let (id, call) = below.split_once('/').unwrap_or((below, ""));
        let id = is_approval_id(id).then(|| id.to_owned())?;
        Some(match call {
            "" if !below.ends_with('/') => Self::Page,
            "request" => Self::Request(id),
            "decision" => Self::Decision(id),
            "receipt" => Self::Receipt(id),
            _ => return None,
        })
    }

    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Decision(_) => &[Method::POST],
            _ => &[Method::GET],
        }
    }
}

pub(super) async fn answer(
    app: &Arc<App>,
    call: Call,
    request: Request,
) -> Result<Answer, Problem> {
    let _place = app.rooms.pages.take(party(&request), 1)?;
    match call {
        // The same for every id: whether there is such a request is said to those who sign in.
        Call::Page => assets::page("approve.html", request.headers()),
        Call::Request(id) => shown(app, &id, &request).await,
        Call::Decision(id) => decide(app, &id, request).await,
        Call::Receipt(id) => receipt(app, &id, &request).await,
    }
}

async fn shown(app: &Arc<App>, id: &str, request: &Request) -> Result<Answer, Problem> {
    let gate = &app.gate;
    let who = gate.session(read::cookie(request.headers())).await?;
    let found = gate.request(id).await?;
    let person = gate.store.person(&who.person).await?;
    let credentials = person.map(|person| person.active().map(descriptor).collect());
    let previous = gate
        .store
        .previous(&found.requester.key, &found.action, found.created)
        .await?;
    let retired = retired(app, &found.signatures).await?;
    let active = |one: &Signature| !retired.contains(&one.credential_id);
    let now = gate.now();
    let shown = view::Shown {
        request: &found,
        who: &who,
        credentials: credentials.unwrap_or_default(),
        previous: previous.as_ref(),
        served: found.served(&active),
        may: found.may(&who, &active, now),
        site: &gate.site,
        now,
    };
    Ok(private(StatusCode::OK, shown.to_text()?))
}

/// The passkeys among these that may not be used any more.
async fn retired(app: &App, signatures: &[Signature]) -> Result<Vec<Vec<u8>>, Problem> {
    let mut retired = Vec::new();
    for one in signatures {
        if app
            .gate
            .store
            .credential(&one.credential_id)
            .await?
            .is_none()
        {
            retired.push(one.credential_id.clone());
        }
    }
    Ok(retired)
}

async fn decide(app: &Arc<App>, id: &str, request: Request) -> Result<Answer, Problem> {
    let (body, _held) = read::page_body(app, request, MAX_ASSERTION * 2).await?;
    let value = read_json(&body, MAX_ASSERTION * 2)?;
    let schema = |error| Problem::from(Refusal::from(error));
    let members = Members::of(&value)
        .and_then(|all| all.only(&["assertion", "kind", "reason"]))
        .map_err(schema)?;
    let kind = members.text("kind").map_err(schema)?;
    let act =
        Act::parse(kind).ok_or_else(|| schema(members.wrong("kind", "approve or refuse", kind)))?;
    let sent = Sent::read(members.value("assertion").map_err(schema)?)?;
    let reason = match members.value("reason") {
        Err(_) | Ok(Value::Null) => None,
        Ok(_) => members.optional_text("reason").map_err(schema)?,
    };
    let (request, own) = app.gate.decide(id, act, sent, reason).await?;
    let text = view::receipt(&request, &own, &app.gate.site, app.gate.now());
    Ok(private(StatusCode::OK, text))
}

/// What became of it, for the page of somebody who has decided.
async fn receipt(app: &Arc<App>, id: &str, request: &Request) -> Result<Answer, Problem> {
    let gate = &app.gate;
    let who = gate.session(read::cookie(request.headers())).await?;
    let found = gate.request(id).await?;
    let own = found.signatures.iter().find(|one| one.person == who.person);
    let own = own.ok_or_else(Refusal::unknown)?;
    let receipt = view::receipt(&found, own, &gate.site, gate.now());
    Ok(private(StatusCode::OK, receipt))
}
