//! `/openapi.json`: the HTTP interface, described for programs.

mod events;

use serving::openapi::schema::{
    BASE64URL, HEX_32, TIME, UUID, any_object, array, boolean, closed, integer, object, one_of,
    open, open_with, problem, reference, string, text,
};
use serving::openapi::{self, Content, Operation, Response};
use verifier_core::hazmat::json::Value;

use crate::request::Status;

const MALFORMED: Response = (400, "Not a request of the right form.", Content::Problem);
const NO_KEY: Response = (401, "No key, or none of this gate.", Content::Problem);
const NO_SESSION: Response = (401, "Nobody is signed in.", Content::Problem);
const FORBIDDEN: Response = (403, "Not allowed: the code says why.", Content::Problem);
const UNKNOWN: Response = (
    404,
    "There is no such thing, or it is not yours.",
    Content::Problem,
);
const SLOW: Response = (408, "The body did not arrive in time.", Content::Problem);
const CONFLICT: Response = (
    409,
    "Not in this state: the code says why.",
    Content::Problem,
);
const GONE: Response = (410, "Its time is over.", Content::Problem);
const LARGE: Response = (413, "Larger than any such body.", Content::Problem);
const NOT_JSON: Response = (
    415,
    "The body is not application/json, or compressed.",
    Content::Problem,
);
const REFUSED: Response = (422, "Not as it is: the code says why.", Content::Problem);
const NOT_NOW: Response = (
    503,
    "Not now: repeat the same request after Retry-After seconds.",
    Content::Problem,
);

const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/api/confirmations",
        id: "createConfirmation",
        summary: "Ask for an approval. With the same Idempotency-Key the same request is answered.",
        request: Some("Create"),
        token: true,
        answers: &[
            (
                200,
                "A repeat: the request as it stands.",
                Content::Json("Confirmation"),
            ),
            (
                201,
                "People can decide it now, at `url`.",
                Content::Json("Confirmation"),
            ),
            MALFORMED,
            NO_KEY,
            FORBIDDEN,
            SLOW,
            CONFLICT,
            LARGE,
            NOT_JSON,
            REFUSED,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/api/confirmations/{id}",
        id: "getConfirmation",
        summary: "A request as it stands; with ?wait=0..50 not before it is decided, or that many \
                  seconds are over.",
        request: None,
        token: true,
        answers: &[
            (
                200,
                "As it stands, at the end of the wait, too.",
                Content::Json("Confirmation"),
            ),
            (304, "As If-None-Match has it.", Content::Nothing),
            MALFORMED,
            NO_KEY,
            FORBIDDEN,
            UNKNOWN,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/api/confirmations/{id}/claim",
        id: "claimConfirmation",
        summary: "Claim an approval for one operation, which Idempotency-Key names. It succeeds \
                  for one operation, and for that one as often as it asks.",
        request: Some("Claim"),
        token: true,
        answers: &[
            (
                200,
                "The decision and the payload: verify it, and act once.",
                Content::Json("Claimed"),
            ),
            MALFORMED,
            NO_KEY,
            FORBIDDEN,
            UNKNOWN,
            SLOW,
            CONFLICT,
            GONE,
            LARGE,
            NOT_JSON,
            REFUSED,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/api/confirmations/{id}/cancel",
        id: "cancelConfirmation",
        summary: "Take a request back that is not decided.",
        request: None,
        token: true,
        answers: &[
            (200, "It is cancelled.", Content::Json("Confirmation")),
            MALFORMED,
            NO_KEY,
            FORBIDDEN,
            UNKNOWN,
            CONFLICT,
            GONE,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/api/confirmations/{id}/result",
        id: "reportResult",
        summary: "Say what came of a claim.",
        request: Some("Result"),
        token: true,
        answers: &[
            (200, "It is kept.", Content::Json("Confirmation")),
            MALFORMED,
            NO_KEY,
            FORBIDDEN,
            UNKNOWN,
            SLOW,
            CONFLICT,
            LARGE,
            NOT_JSON,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/api/confirmations/{id}/decision",
        id: "getDecision",
        summary: "Everything that was signed and decided, for `cosignet verify`.",
        request: None,
        token: true,
        answers: &[
            (200, "A cosignet.decision/v1.", Content::Json("Decision")),
            MALFORMED,
            NO_KEY,
            UNKNOWN,
            CONFLICT,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/export",
        id: "export",
        summary: "Events behind number ?after=N, one a line, each with the hash of the line before.",
        request: None,
        token: true,
        answers: &[
            (200, "Lines of JSON.", Content::Ndjson),
            MALFORMED,
            NO_KEY,
            FORBIDDEN,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/mcp",
        id: "sendMessage",
        summary: "One message of the Model Context Protocol. To a client that accepts \
                  text/event-stream, a call that waits for people is answered by events.",
        request: Some("McpMessage"),
        token: true,
        answers: &[
            (200, "The answer, or events.", Content::Events("McpAnswer")),
            (
                202,
                "A notification, which has no answer.",
                Content::Nothing,
            ),
            (
                400,
                "Not a message of the protocol, or not for this server.",
                Content::Json("McpAnswer"),
            ),
            NO_KEY,
            FORBIDDEN,
            (404, "No such method.", Content::Json("McpAnswer")),
            SLOW,
            LARGE,
            NOT_JSON,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/a/{id}",
        id: "getApprovalPage",
        summary: "The page on which people decide a request, the same for every id.",
        request: None,
        token: false,
        answers: &[(200, "The page.", Content::Html), UNKNOWN, NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/a/{id}/request",
        id: "getRequest",
        summary: "What somebody who has signed in is asked: payload, context, and random bytes.",
        request: None,
        token: false,
        answers: &[
            (200, "The request.", Content::Json("Shown")),
            NO_SESSION,
            UNKNOWN,
            GONE,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/a/{id}/receipt",
        id: "getReceipt",
        summary: "What became of a decision of somebody who has signed in.",
        request: None,
        token: false,
        answers: &[
            (200, "The receipt.", Content::Json("Receipt")),
            NO_SESSION,
            UNKNOWN,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/a/{id}/decision",
        id: "decide",
        summary: "Approve or refuse, by an assertion over the request's own challenge.",
        request: Some("Decide"),
        token: false,
        answers: &[
            (200, "It is taken in.", Content::Json("Receipt")),
            MALFORMED,
            FORBIDDEN,
            UNKNOWN,
            SLOW,
            CONFLICT,
            GONE,
            LARGE,
            NOT_JSON,
            REFUSED,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/session/options",
        id: "beginSession",
        summary: "A challenge of 32 bytes to sign in with.",
        request: Some("BeginSession"),
        token: false,
        answers: &[
            (200, "Options for the browser.", Content::Json("Options")),
            MALFORMED,
            FORBIDDEN,
            SLOW,
            LARGE,
            NOT_JSON,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/session/finish",
        id: "finishSession",
        summary: "Sign in, for 15 minutes.",
        request: Some("FinishSession"),
        token: false,
        answers: &[
            (
                200,
                "The person; a cookie comes along.",
                Content::Json("Session"),
            ),
            MALFORMED,
            FORBIDDEN,
            SLOW,
            LARGE,
            NOT_JSON,
            REFUSED,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/session/end",
        id: "endSession",
        summary: "Sign out.",
        request: Some("EndSession"),
        token: false,
        answers: &[
            (200, "Nobody is signed in.", Content::Json("Ended")),
            MALFORMED,
            FORBIDDEN,
            SLOW,
            LARGE,
            NOT_JSON,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/enrol",
        id: "getEnrolmentPage",
        summary: "The page on which people make their passkeys. Its token stands behind the #.",
        request: None,
        token: false,
        answers: &[(200, "The page.", Content::Html), NOT_NOW],
    },
    Operation {
        method: "post",
        path: "/enrol/options",
        id: "beginEnrolment",
        summary: "Options to make a passkey with. Uses nothing up.",
        request: Some("BeginEnrolment"),
        token: false,
        answers: &[
            (200, "Options for the browser.", Content::Json("Enrolment")),
            MALFORMED,
            FORBIDDEN,
            UNKNOWN,
            SLOW,
            LARGE,
            NOT_JSON,
            NOT_NOW,
        ],
    },
    Operation {
        method: "post",
        path: "/enrol/finish",
        id: "finishEnrolment",
        summary: "Enrol the passkey, and use the link up.",
        request: Some("FinishEnrolment"),
        token: false,
        answers: &[
            (200, "The passkey is enrolled.", Content::Json("Enrolled")),
            MALFORMED,
            FORBIDDEN,
            UNKNOWN,
            SLOW,
            CONFLICT,
            LARGE,
            NOT_JSON,
            REFUSED,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/healthz",
        id: "getHealth",
        summary: "Whether the process lives.",
        request: None,
        token: false,
        answers: &[(200, "It does.", Content::Text)],
    },
    Operation {
        method: "get",
        path: "/readyz",
        id: "getReadiness",
        summary: "Whether requests can be decided, and their signatures logged.",
        request: None,
        token: false,
        answers: &[(200, "They can.", Content::Text), NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/metrics",
        id: "getMetrics",
        summary: "Figures for Prometheus.",
        request: None,
        token: false,
        answers: &[(200, "The text format.", Content::Text)],
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        id: "getDescription",
        summary: "This description.",
        request: None,
        token: false,
        answers: &[(200, "OpenAPI 3.1.", Content::Json("Description"))],
    },
];

/// The document.
pub(crate) fn document() -> String {
    let parameter = |name: &str| (name == "id").then(|| text(UUID));
    let version = env!("CARGO_PKG_VERSION");
    openapi::document(
        "cosignet-gate",
        version,
        OPERATIONS,
        events::WEBHOOKS,
        schemas(),
        parameter,
    )
}

fn schemas() -> Value<'static> {
    let token = |members: &'static [&'static str], more: &'static str| {
        closed(members, members, move |name| match name {
            "token" => text(BASE64URL),
            _ => reference(more),
        })
    };
    let names = || array(string());
    let rule = open(&["name", "sha256"], |name| match name {
        "sha256" => text(HEX_32),
        _ => string(),
    });
    let signatures = closed(&["given", "needed"], &["given", "needed"], |_| integer());
    let statuses = Status::ALL.map(Status::as_str);
    let confirmation = open(
        &[
            "action",
            "createdAt",
            "expiresAt",
            "id",
            "payloadHash",
            "rule",
            "signatures",
            "status",
            "url",
            "waitingForLog",
        ],
        |name| match name {
            "createdAt" | "expiresAt" => text(TIME),
            "id" => text(UUID),
            "payloadHash" => text(HEX_32),
            "rule" => rule.clone(),
            "signatures" => signatures.clone(),
            "status" => one_of(&statuses),
            "waitingForLog" => boolean(),
            _ => string(),
        },
    );
    let create = closed(
        &["action", "expiresIn", "group", "payload", "username"],
        &["action", "payload"],
        |name| match name {
            "expiresIn" => integer(),
            "payload" => Value::Object(std::iter::empty().collect()),
            _ => string(),
        },
    );
    let claimed = open(
        &[
            "claimedAt",
            "decision",
            "id",
            "payload",
            "payloadHash",
            "status",
            "url",
        ],
        |name| match name {
            "claimedAt" => text(TIME),
            "decision" => reference("Decision"),
            "id" => text(UUID),
            "payload" => text(BASE64URL),
            "payloadHash" => text(HEX_32),
            "status" => one_of(&statuses),
            _ => string(),
        },
    );
    let decide = closed(
        &["assertion", "kind", "reason"],
        &["assertion", "kind"],
        |name| match name {
            "assertion" => reference("Assertion"),
            "kind" => one_of(&["approve", "refuse"]),
            _ => string(),
        },
    );
    let response = open(
        &["authenticatorData", "clientDataJSON", "signature"],
        |_| text(BASE64URL),
    );
    let receipt = open_with(
        &[
            "approvalId",
            "payloadHash",
            "status",
            "verifyUrl",
            "waitingForLog",
        ],
        // Once the log has it, without the payload.
        &["bundle"],
        |name| match name {
            "approvalId" => text(UUID),
            "payloadHash" => text(HEX_32),
            "status" => one_of(&statuses),
            "waitingForLog" => boolean(),
            _ => string(),
        },
    );
    let person = closed(
        &["groups", "name"],
        &["groups", "name"],
        |name| match name {
            "groups" => names(),
            _ => string(),
        },
    );
    object([
        ("Assertion", open(&["response"], |_| response.clone())),
        ("BeginEnrolment", token(&["token"], "Description")),
        ("BeginSession", closed(&["name"], &[], |_| string())),
        (
            "Claim",
            closed(&["payloadHash"], &["payloadHash"], |_| text(HEX_32)),
        ),
        ("Claimed", claimed),
        ("Confirmation", confirmation),
        ("Create", create),
        ("Decide", decide),
        (
            "Decision",
            open(&["bundles", "type"], |name| match name {
                "bundles" => array(any_object()),
                _ => one_of(&["cosignet.decision/v1"]),
            }),
        ),
        ("Description", any_object()),
        ("EndSession", any_object()),
        ("Ended", open(&["ended"], |_| boolean())),
        (
            "Enrolled",
            open(
                &[
                    "credentialId",
                    "fingerprint",
                    "person",
                    "synced",
                    "userVerified",
                ],
                |name| match name {
                    "credentialId" => text(BASE64URL),
                    "synced" | "userVerified" => boolean(),
                    _ => string(),
                },
            ),
        ),
        (
            "Enrolment",
            open(
                &["expiresAt", "keys", "person", "publicKey"],
                |name| match name {
                    "expiresAt" => text(TIME),
                    "keys" => integer(),
                    "person" => person.clone(),
                    _ => any_object(),
                },
            ),
        ),
        ("Event", events::event()),
        ("EventData", events::data()),
        (
            "FinishEnrolment",
            token(&["credential", "token"], "Registration"),
        ),
        (
            "FinishSession",
            closed(&["assertion"], &["assertion"], |_| reference("Assertion")),
        ),
        (
            "Options",
            open(
                &["allowCredentials", "challenge", "rpId", "timeout"],
                |name| match name {
                    "allowCredentials" => array(any_object()),
                    "challenge" => text(BASE64URL),
                    "timeout" => integer(),
                    _ => string(),
                },
            ),
        ),
        ("McpAnswer", open(&["jsonrpc"], |_| one_of(&["2.0"]))),
        (
            "McpMessage",
            open(&["jsonrpc", "method"], |name| match name {
                "jsonrpc" => one_of(&["2.0"]),
                _ => string(),
            }),
        ),
        ("Problem", problem()),
        ("Receipt", receipt),
        ("Registration", any_object()),
        (
            "Result",
            closed(&["outcome"], &["outcome"], |_| one_of(&["done", "failed"])),
        ),
        (
            "Session",
            open(&["person", "until"], |name| match name {
                "until" => text(TIME),
                _ => string(),
            }),
        ),
        (
            "Shown",
            open(
                &["context", "id", "payload", "random", "status"],
                |name| match name {
                    "id" => text(UUID),
                    "payload" | "random" => text(BASE64URL),
                    "status" => one_of(&statuses),
                    _ => string(),
                },
            ),
        ),
    ])
}
