//! Tasks, for clients that come back for an answer: the extension `io.modelcontextprotocol/tasks`
//! (SEP-2663) of revision 2026-07-28.
//!
//! ```text
//! {"taskId":uuid,"status":"working","statusMessage":"…","createdAt":time,"lastUpdatedAt":time,
//!  "ttlMs":null,"pollIntervalMs":5000}
//! ```
//!
//! A task is a request under another name. Its id is the request's: nobody can guess it, and it is
//! of use to the key that has asked alone. So nothing of a task is kept anywhere else.

use serving::openapi::schema::object;
use verifier_core::Time;
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::json::Value;

use super::Members;
use super::message::{Error, INVALID_PARAMS, MISSING_CAPABILITY, Message};
use super::tools;
use crate::request::{Request, Status};
use crate::site::Site;

/// The name of the extension.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// When a client may look again, in milliseconds: people take minutes.
const POLL_AFTER: u64 = 5000;

/// What an extension is declared as, by either side.
pub(crate) fn declared() -> Value<'static> {
    object([(EXTENSION, object([]))])
}

/// The id that a message about a task names, if its client has said that it knows tasks.
pub(crate) fn named<'v>(message: &Message<'v, '_>) -> Result<&'v str, Error> {
    if !message.declares(EXTENSION)? {
        let needed = object([("extensions", declared())]);
        let error = Error::new(MISSING_CAPABILITY, "This needs a client that knows tasks.");
        return Err(error.with(object([("requiredCapabilities", needed)])));
    }
    let unnamed = || Error::new(INVALID_PARAMS, "A task is named by `taskId`.");
    let params = message.params.as_ref().ok_or_else(unnamed)?;
    let id = params.text("taskId")?;
    match is_approval_id(id) {
        true => Ok(id),
        false => Err(unknown()),
    }
}

/// There is no such task for this key.
pub(crate) fn unknown() -> Error {
    Error::new(INVALID_PARAMS, "There is no task of this id for your key.")
}

/// The task that a call has become.
pub(crate) fn made(request: &Request, site: &Site, now: Time) -> Members {
    let status = request.status(now);
    let said = match status {
        Status::Pending => format!("People are asked at {}", site.page(&request.id)),
        other => format!("The request is {}.", other.as_str()),
    };
    vec![
        ("createdAt", request.created.to_string().into()),
        ("lastUpdatedAt", updated(request, status).to_string().into()),
        ("pollIntervalMs", POLL_AFTER.into()),
        ("status", name(status).into()),
        ("statusMessage", said.into()),
        ("taskId", request.id.clone().into()),
        ("ttlMs", Value::Null),
    ]
}

/// Where a task stands; what the call would have answered, when it is done.
pub(crate) fn standing(request: &Request, site: &Site, now: Time) -> Members {
    let mut members = made(request, site, now);
    if name(request.status(now)) == "completed" {
        let mut result = tools::standing(request, site, now);
        result.push(("resultType", "complete".into()));
        members.push(("result", object(result)));
    }
    members
}

/// A refusal and a request that nobody has answered are results, and no errors.
const fn name(status: Status) -> &'static str {
    match status {
        Status::Pending => "working",
        Status::Cancelled => "cancelled",
        Status::Approved | Status::Rejected | Status::Expired => "completed",
    }
}

fn updated(request: &Request, status: Status) -> Time {
    let signed = request.signatures.iter().map(|one| one.received);
    let claimed = request.claim.as_ref().map(|claim| claim.at);
    let expired = (status == Status::Expired).then_some(request.expires);
    let all = signed.chain(request.decided).chain(claimed).chain(expired);
    all.fold(request.created, Time::max)
}
