//! The tools: what they are called with, and the one form of their answers.
//!
//! ```text
//! {"status":"pending","id":…,"url":"https://…/a/<id>","payloadHash":hex,"expiresAt":time,
//!  "decidedBy":[],"reason":null,"pollAfterSeconds":30,"mayProceed":false,"instruction":"…"}
//! ```

use std::borrow::Cow;
use std::time::Duration;

use serving::openapi::schema::{
    HEX_32, TIME, UUID, array, boolean, closed, integer, object, one_of, string, text,
};
use verifier_core::Time;
use verifier_core::hazmat::bundle::is_approval_id;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::{Members, Wrong};

use crate::gate::Asked;
use crate::refusal::{Reason, Refusal, Result};
use crate::request::{Act, Request, Status};
use crate::site::Site;

/// How long a call waits that does not say how long: many clients end it after 60 seconds.
const WAIT: u64 = 45;

/// The longest wait of one call, in seconds: some clients end it after 300.
const LONGEST_WAIT: u64 = 280;

/// When a model may look again, in seconds.
const POLL_AFTER: u64 = 30;

/// The members of an answer.
const ANSWER: [&str; 10] = [
    "decidedBy",
    "expiresAt",
    "id",
    "instruction",
    "mayProceed",
    "payloadHash",
    "pollAfterSeconds",
    "reason",
    "status",
    "url",
];

/// A tool, by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tool {
    Request,
    Get,
}

impl Tool {
    pub(crate) const ALL: [Self; 2] = [Self::Request, Self::Get];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Request => "request_human_approval",
            Self::Get => "get_approval",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }
}

/// A call that asks people.
#[derive(Debug)]
pub(crate) struct Ask<'v> {
    pub(crate) asked: Asked<'v>,
    pub(crate) idempotency_key: Option<&'v str>,
    pub(crate) wait: Duration,
}

impl<'v> Ask<'v> {
    pub(crate) fn read(arguments: &'v Value<'v>) -> Result<Self> {
        let members = Members::of(arguments)?.only(&[
            "action",
            "approver_username",
            "idempotency_key",
            "payload",
            "wait_seconds",
        ])?;
        let payload = members.value("payload")?;
        if !matches!(payload, Value::Object(_)) {
            let detail = "`payload` has to be a JSON object, and not a text that holds one.";
            return Err(Refusal::new(Reason::Schema, detail).compared("an object", payload.kind()));
        }
        let idempotency_key = optional(&members, "idempotency_key")?;
        if idempotency_key.is_some_and(|key| !crate::http::is_operation(key)) {
            let detail = "`idempotency_key` is a text of 1 to 255 visible ASCII characters.";
            return Err(Refusal::new(Reason::Schema, detail));
        }
        Ok(Self {
            asked: Asked {
                action: members.text("action")?,
                payload,
                username: optional(&members, "approver_username")?,
                group: None,
                expires_in: None,
            },
            idempotency_key,
            wait: wait(&members)?,
        })
    }
}

/// A call that looks after a request.
#[derive(Debug)]
pub(crate) struct Look<'v> {
    pub(crate) id: &'v str,
    pub(crate) wait: Duration,
}

impl<'v> Look<'v> {
    pub(crate) fn read(arguments: &'v Value<'v>) -> Result<Self> {
        let members = Members::of(arguments)?.only(&["id", "wait_seconds"])?;
        let id = members.text("id")?;
        if !is_approval_id(id) {
            return Err(Refusal::unknown());
        }
        Ok(Self {
            id,
            wait: wait(&members)?,
        })
    }
}

/// The result of a call that has an answer: where the request stands.
pub(crate) fn standing(request: &Request, site: &Site, now: Time) -> super::Members {
    let status = request.status(now);
    let refusal = request.deciding(Act::Refuse).next();
    let people = match status {
        Status::Approved => request.deciding(Act::Approve).collect(),
        Status::Rejected => refusal.into_iter().collect(),
        _ => Vec::new(),
    };
    let people = people.iter().map(|one| Value::from(one.person.clone()));
    let url = site.page(&request.id);
    let poll_after = match status {
        Status::Pending => POLL_AFTER,
        _ => 0,
    };
    let reason = refusal.and_then(|refusal| refusal.reason.clone());
    let answer = object([
        ("decidedBy", people.collect()),
        ("expiresAt", request.expires.to_string().into()),
        ("id", request.id.clone().into()),
        ("instruction", instruction(status, &url).into()),
        ("mayProceed", (status == Status::Approved).into()),
        ("payloadHash", hex(&request.payload_hash).into()),
        ("pollAfterSeconds", poll_after.into()),
        ("reason", reason.into()),
        ("status", status.as_str().into()),
        ("url", url.into()),
    ]);
    vec![
        ("content", content(answer.to_text())),
        ("isError", false.into()),
        ("structuredContent", answer),
    ]
}

/// The result of a call that the model can mend.
pub(crate) fn mistake(refusal: &Refusal) -> super::Members {
    let mut said = format!("{} [{}]", refusal.detail, refusal.reason.code());
    for (name, value) in [("Expected", &refusal.expected), ("Found", &refusal.found)] {
        if let Some(value) = value {
            said.push_str(&format!(" {name}: {value}."));
        }
    }
    said.push_str(" This is no approval: do not act.");
    vec![("content", content(said)), ("isError", true.into())]
}

/// Both tools, as `tools/list` shows them.
pub(crate) fn definitions() -> Value<'static> {
    Tool::ALL.into_iter().map(definition).collect()
}

fn definition(tool: Tool) -> Value<'static> {
    let (title, description, input) = match tool {
        Tool::Request => (
            "Ask people for approval",
            "Asks people to approve an action before you take it, and waits for their answer. Only \
             status \"approved\", where mayProceed is true, permits the action, once, and with \
             exactly this payload. \"pending\", \"rejected\", \"expired\", \"cancelled\" and errors \
             do not permit it: do not act, and do not retry, rephrase or work around them. While \
             it is pending you may show the user the url and end your turn; look later with \
             get_approval. The same call again, while it is pending, finds the same request.",
            closed(
                &[
                    "action",
                    "approver_username",
                    "idempotency_key",
                    "payload",
                    "wait_seconds",
                ],
                &["action", "payload"],
                parameter,
            ),
        ),
        Tool::Get => (
            "Look after an approval",
            "Says where a request stands that request_human_approval has made, and waits for a \
             decision if it is pending. Only status \"approved\", where mayProceed is true, permits \
             the action.",
            closed(&["id", "wait_seconds"], &["id"], parameter),
        ),
    };
    let hints = [
        ("destructiveHint", false.into()),
        ("idempotentHint", true.into()),
        ("openWorldHint", true.into()),
        ("readOnlyHint", (tool == Tool::Get).into()),
    ];
    object([
        ("annotations", object(hints)),
        ("description", description.into()),
        ("inputSchema", input),
        ("name", tool.name().into()),
        ("outputSchema", closed(&ANSWER, &ANSWER, member)),
        ("title", title.into()),
    ])
}

fn parameter(name: &str) -> Value<'static> {
    let (schema, description) = match name {
        "action" => (
            string(),
            "A short label of what is to be done, such as payment.send. Rules choose by it who is \
             asked.",
        ),
        "approver_username" => (
            string(),
            "Somebody who has to be among those who approve. Leave it out unless the user named \
             them.",
        ),
        "id" => (text(UUID), "The id that request_human_approval returned."),
        "idempotency_key" => (
            string(),
            "A name for this one action, the same whenever the call is repeated: then nobody is \
             asked twice.",
        ),
        "payload" => (
            object([("type", Value::from("object"))]),
            "All facts of the action, as a JSON object: people see and sign exactly this. Write \
             amounts as text, such as \"10.50\".",
        ),
        _ => (
            seconds(),
            "How long to wait for a decision, 45 if it is not said. A decision that comes later is \
             not lost.",
        ),
    };
    described(schema, description)
}

fn member(name: &str) -> Value<'static> {
    match name {
        "decidedBy" => array(string()),
        "expiresAt" => text(TIME),
        "id" => text(UUID),
        "mayProceed" => boolean(),
        "payloadHash" => text(HEX_32),
        "pollAfterSeconds" => integer(),
        "reason" => object([(
            "type",
            ["string", "null"].map(Value::from).into_iter().collect(),
        )]),
        "status" => one_of(&Status::ALL.map(Status::as_str)),
        _ => string(),
    }
}

fn seconds() -> Value<'static> {
    object([
        ("maximum", LONGEST_WAIT.into()),
        ("minimum", 0_u64.into()),
        ("type", "integer".into()),
    ])
}

fn described(schema: Value<'static>, description: &'static str) -> Value<'static> {
    let Value::Object(members) = schema else {
        return schema;
    };
    let members = members
        .iter()
        .map(|(key, value)| (Cow::from(key.to_owned()), value.clone()));
    let description = (Cow::from("description"), description.into());
    Value::Object(members.chain([description]).collect())
}

fn content(text: String) -> Value<'static> {
    let block = object([("text", text.into()), ("type", "text".into())]);
    [block].into_iter().collect()
}

fn instruction(status: Status, url: &str) -> String {
    match status {
        Status::Pending => format!(
            "It is not decided yet. Do not act, and do not ask again. Tell the user that people \
             are asked at {url}. You may end your turn here, and look later with get_approval and \
             this id."
        ),
        Status::Approved => {
            "It is approved. The action may be taken once, with exactly the payload \
                             that you sent. If another program takes it, give it the id: it claims \
                             the approval."
                .into()
        }
        Status::Rejected => {
            "It is refused, and that is the decision. Do not act, and do not retry, \
                             rephrase or work around it. Tell the user."
                .into()
        }
        Status::Expired => {
            "Nobody approved it in time, or nobody used the approval in time. Do not \
                            act. Tell the user, who may want you to ask once more."
                .into()
        }
        Status::Cancelled => "The request was taken back. Do not act.".into(),
    }
}

/// A text; models write `null` for what they leave out.
fn optional<'v>(members: &Members<'v, '_>, name: &str) -> Result<Option<&'v str>> {
    match members.value(name) {
        Ok(Value::Null) => Ok(None),
        _ => Ok(members.optional_text(name)?),
    }
}

fn wait(members: &Members<'_, '_>) -> Result<Duration> {
    const NAME: &str = "wait_seconds";
    if matches!(members.value(NAME), Ok(Value::Null)) {
        return Ok(Duration::from_secs(WAIT));
    }
    match members.optional_u64(NAME)?.unwrap_or(WAIT) {
        seconds @ 0..=LONGEST_WAIT => Ok(Duration::from_secs(seconds)),
        seconds => Err(members
            .error(
                NAME,
                Wrong::Value {
                    expected: "0 to 280",
                    found: seconds.to_string(),
                },
            )
            .into()),
    }
}
