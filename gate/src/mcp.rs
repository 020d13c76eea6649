//! The Model Context Protocol, for agents: two tools that ask people and wait for their answer.
//!
//! Nothing is kept between two calls: no session, no stream to come back to. A call that is lost
//! leaves its request as it is, and the same call again finds it. A client that knows tasks gets one
//! at once, and comes back for the answer.

pub(crate) mod message;
pub(crate) mod revision;
pub(crate) mod task;
pub(crate) mod tools;

use serving::openapi::schema::object;
use verifier_core::hazmat::json::Value;

use message::Error;
use revision::{Era, LEGACY};

/// How agents are told what this server is for.
const INSTRUCTIONS: &str = "Ask people with request_human_approval before an action that needs \
    their consent, and act only if mayProceed is true. get_approval waits further. An answer that \
    is late, refused or missing never permits the action.";

/// How long a client may keep what changes with the program alone, in milliseconds.
const KEPT: u64 = 3_600_000;

/// The members of a result.
pub(crate) type Members = Vec<(&'static str, Value<'static>)>;

/// The answer to `initialize`: the revision that was asked for, or the newest one that begins so.
pub(crate) fn initialize(asked: Option<&str>) -> Members {
    let [newest, ..] = LEGACY;
    let known = LEGACY.into_iter().find(|one| Some(*one) == asked);
    vec![
        ("capabilities", object([tools_offered()])),
        ("instructions", INSTRUCTIONS.into()),
        ("protocolVersion", known.unwrap_or(newest).into()),
        ("serverInfo", server()),
    ]
}

/// The answer to `server/discover`.
pub(crate) fn discover() -> Members {
    let mut members = vec![
        (
            "_meta",
            object([("io.modelcontextprotocol/serverInfo", server())]),
        ),
        (
            "capabilities",
            object([("extensions", task::declared()), tools_offered()]),
        ),
        ("instructions", INSTRUCTIONS.into()),
        ("supportedVersions", revision::supported()),
    ];
    members.extend(kept());
    members
}

/// The answer to `tools/list`.
pub(crate) fn list(era: Era) -> Members {
    let mut members = vec![("tools", tools::definitions())];
    if era == Era::Modern {
        members.extend(kept());
    }
    members
}

/// The text of an answer that succeeded.
pub(crate) fn success(id: &Value<'_>, era: Era, mut members: Members) -> String {
    if era == Era::Modern {
        members.push(("resultType", "complete".into()));
    }
    message::result(id, object(members))
}

/// The text of an answer that is a task.
pub(crate) fn task_made(id: &Value<'_>, mut members: Members) -> String {
    members.push(("resultType", "task".into()));
    message::result(id, object(members))
}

/// How long a client may keep an answer, and for whom.
fn kept() -> Members {
    vec![("cacheScope", "public".into()), ("ttlMs", KEPT.into())]
}

fn tools_offered() -> (&'static str, Value<'static>) {
    ("tools", object([]))
}

fn server() -> Value<'static> {
    object([
        ("name", Value::from("cosignet-gate")),
        ("title", Value::from("Cosignet")),
        ("version", Value::from(env!("CARGO_PKG_VERSION"))),
    ])
}

/// A method that this revision does not have.
pub(crate) fn unknown(method: &str) -> Error {
    let message = format!("There is no method {} here.", verifier_core::quote(method));
    Error::new(message::METHOD_NOT_FOUND, message)
}
