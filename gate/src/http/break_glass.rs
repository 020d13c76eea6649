//! Break-glass: the page on which people sign a file of their own, and the report of its uses. The gate
//! keeps nothing of the page: the file comes from its reader, and goes back to them.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use serving::answer::private;
use serving::{Answer, Party, Problem, Request, party};
use verifier_core::break_glass::{File, is_action};
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members, Wrong};

use super::routes::App;
use super::{assets, read};
use crate::break_glass::{Recorded, Used};
use crate::ceremony::read_json;
use crate::event;
use crate::refusal::Refusal;
use crate::request::Outcome;

/// The longest report, in bytes: a file, with each of its quotation marks escaped.
const MAX_REPORT: usize = 512 * 1024;

#[derive(Debug)]
pub(super) enum Call {
    Page,
    Report,
}

impl Call {
    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/break-glass" => Self::Page,
            "/v1/break-glass" => Self::Report,
            _ => return None,
        })
    }

    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Page => &[Method::GET],
            Self::Report => &[Method::POST],
        }
    }
}

pub(super) async fn answer(
    app: &Arc<App>,
    call: Call,
    request: Request,
) -> Result<Answer, Problem> {
    match call {
        Call::Page => {
            let _place = app.rooms.pages.take(party(&request), 1)?;
            assets::page("break-glass.html", request.headers())
        }
        Call::Report => report(app, request).await,
    }
}

async fn report(app: &Arc<App>, request: Request) -> Result<Answer, Problem> {
    let key = read::key(app, request.headers(), read::Right::Claim).await?;
    let party = Some(Party::Token(key.id.clone()));
    let (body, _held) = read::body(app, request, party, MAX_REPORT).await?;
    let value = read_json(&body, MAX_REPORT)?;
    let members = Members::of(&value).and_then(|all| all.only(&Used::MEMBERS));
    let used = members.as_ref().map_err(Clone::clone).and_then(used);
    let recorded = app
        .gate
        .record_use(&key, used.map_err(Refusal::from)?)
        .await?;
    let status = match recorded.is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok(private(status, shown(&recorded)))
}

fn used(members: &Members<'_, '_>) -> Result<Used, schema::Error> {
    let use_id = members.text("useId")?;
    if !is_approval_id(use_id) {
        return Err(members.wrong("useId", "a lower-case UUID", use_id));
    }
    let outcome = match members.value("outcome")? {
        Value::Null => None,
        _ => {
            let text = members.text("outcome")?;
            Some(Outcome::parse(text).ok_or_else(|| {
                let found = verifier_core::quote(text);
                let expected = "done, failed or null";
                members.error("outcome", Wrong::Value { expected, found })
            })?)
        }
    };
    let file = members.text("file")?;
    if file.len() > File::MAX_BYTES {
        let limit = File::MAX_BYTES;
        let unit = "bytes";
        return Err(members.error("file", Wrong::TooLarge { limit, unit }));
    }
    let action = members.text("action")?;
    if !is_action(action) {
        let expected = "1 to 120 bytes of printable text, without blanks at its ends";
        return Err(members.wrong("action", expected, action));
    }
    Ok(Used {
        use_id: use_id.to_owned(),
        action: action.to_owned(),
        file: file.to_owned(),
        outcome,
        payload_hash: members.hash("payloadHash")?,
        used_at: members.time("usedAt")?,
    })
}

/// What became of a report: the event, without the file. A use is never a request, and has no status.
fn shown(recorded: &Recorded) -> String {
    let line = recorded.event.line.as_bytes();
    let line = Value::parse(line, Limits::bytes(event::MAX_BYTES)).unwrap_or(Value::Null);
    let own = |key: &str| line.as_object().and_then(|line| line.get(key)).cloned();
    let facts = own("event");
    let fact = |key: &str| {
        let facts = facts.as_ref().and_then(Value::as_object);
        facts.and_then(|facts| facts.get(key)).cloned()
    };
    let members = [
        ("code", fact("code")),
        ("number", own("number")),
        ("recordedAt", own("at")),
        ("signers", fact("signers")),
        ("useId", fact("useId")),
        ("valid", fact("valid")),
    ];
    let members = members.map(|(key, value)| (key, value.unwrap_or(Value::Null)));
    Value::from(members).to_text()
}
