//! What a gate says, read into types. Nothing of it is believed: it decides for how long is waited,
//! and in which words nothing is done.
//!
//! ```text
//! {"id","url","status","payloadHash","createdAt","expiresAt","refusedBy"?,"reason"?,…}   a request
//! {"id","status","payload","payloadHash","decision",…}                                   a claim
//! {"code","detail",…}                                                                    a refusal
//! ```

use log_client::Answer;
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::{Time, plain, quote};

use crate::denied::{Denied, Reason};

/// The state of a request, as the gate has it. None of them is a permission to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// Enough people have signed, says the gate.
    Approved,
    /// It was taken back.
    Cancelled,
    /// Nobody decided in time.
    Expired,
    /// It is not decided.
    Pending,
    /// Somebody refused.
    Rejected,
}

impl Status {
    /// The gate's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Approved,
            Self::Cancelled,
            Self::Expired,
            Self::Pending,
            Self::Rejected,
        ];
        all.into_iter().find(|status| status.as_str() == text)
    }
}

/// A request, as the gate shows it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) status: Status,
    pub(crate) payload_hash: [u8; 32],
    pub(crate) created: Time,
    pub(crate) expires: Time,
    /// Who refused and why, fit to print.
    refusal: String,
}

impl Seen {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Denied> {
        let value = json(body)?;
        Members::of(&value)
            .and_then(|members| Self::of(&members))
            .map_err(|error| bad(&error))
    }

    fn of(members: &Members<'_, '_>) -> Result<Self, schema::Error> {
        let status = members.text("status")?;
        let wrong = || members.wrong("status", "a state that is known here", status);
        let id = members.text("id")?;
        if !is_approval_id(id) {
            return Err(members.wrong("id", "a lower-case UUID", id));
        }
        let parsed = Status::parse(status).ok_or_else(wrong)?;
        let refusal = match parsed {
            Status::Rejected => refusal(members)?,
            _ => String::new(),
        };
        Ok(Self {
            id: id.into(),
            url: members.text("url")?.into(),
            status: parsed,
            payload_hash: members.hash("payloadHash")?,
            created: members.time("createdAt")?,
            expires: members.time("expiresAt")?,
            refusal,
        })
    }

    /// The denial that an ended request is; nothing while it is open, or approved.
    pub(crate) fn ended(&self) -> Result<(), Denied> {
        let (reason, message) = match self.status {
            Status::Approved | Status::Pending => return Ok(()),
            Status::Cancelled => (Reason::Cancelled, "the request was cancelled".to_owned()),
            Status::Expired => (
                Reason::Expired,
                format!("nobody decided until {}", self.expires),
            ),
            Status::Rejected => (Reason::Refused, self.refusal.clone()),
        };
        Err(Denied::new(reason, message))
    }
}

fn refusal(members: &Members<'_, '_>) -> Result<String, schema::Error> {
    let names = match members.has("refusedBy") {
        true => members.texts("refusedBy")?,
        false => Vec::new(),
    };
    let names: Vec<String> = names.into_iter().map(plain).collect();
    let who = match names.is_empty() {
        true => "somebody".into(),
        false => names.join(", "),
    };
    // A refusal without words has null here.
    let reason = members.value("reason").ok().and_then(Value::as_str);
    Ok(match reason {
        Some(reason) => format!("{who} refused: {}", quote(reason)),
        None => format!("{who} refused"),
    })
}

/// What a claim brings.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) id: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_hash: [u8; 32],
    pub(crate) decision: String,
}

impl Claimed {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Denied> {
        let value = json(body)?;
        let read = |members: &Members<'_, '_>| {
            let status = members.text("status")?;
            if status != Status::Approved.as_str() {
                return Err(members.wrong("status", "approved", status));
            }
            Ok(Self {
                id: members.text("id")?.into(),
                payload: members.bytes("payload")?,
                payload_hash: members.hash("payloadHash")?,
                decision: members.value("decision")?.to_text(),
            })
        };
        Members::of(&value)
            .and_then(|members| read(&members))
            .map_err(|error| bad(&error))
    }
}

/// Whether the gate holds the use for valid; fails unless it has recorded the one with this id.
pub(crate) fn same_use(body: &[u8], id: &str) -> Result<bool, Denied> {
    let value = json(body)?;
    let read = || {
        let members = Members::of(&value)?;
        Ok((members.text("useId")?, members.optional_bool("valid")?))
    };
    let (found, valid) = read().map_err(|error: schema::Error| bad(&error))?;
    match found == id {
        true => Ok(valid == Some(true)),
        false => Err(
            Denied::new(Reason::BadAnswer, "the answer is about another use")
                .compared(id, plain(found)),
        ),
    }
}

/// The code of a refusal, empty if there is none.
pub(crate) fn code(answer: &Answer) -> String {
    let value = json(&answer.body).ok();
    let code = value.as_ref().and_then(|value| {
        let members = value.as_object()?;
        members.get("code")?.as_str()
    });
    code.unwrap_or_default().into()
}

fn json(body: &[u8]) -> Result<Value<'_>, Denied> {
    Value::parse(body, Limits::bytes(body.len())).map_err(|error| {
        let message = format!("the gate's answer is not strict JSON: {error}");
        Denied::new(Reason::BadAnswer, message)
    })
}

fn bad(error: &schema::Error) -> Denied {
    let message = format!("the gate's answer is not as it should be: {error}");
    let denied = Denied::new(Reason::BadAnswer, message);
    match error.problem() {
        schema::Wrong::Value { expected, found } => denied.compared(*expected, found.as_str()),
        _ => denied,
    }
}
