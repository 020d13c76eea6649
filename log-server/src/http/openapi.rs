//! `/openapi.json`: the HTTP interface, described for programs. The tests hold every real request
//! and answer against it.

use hyper::StatusCode;
use serving::Answer;
use serving::answer::{json, public};
use serving::openapi::schema::{
    BASE64URL, HEX_32, TIME, UUID, any_object, array, closed, integer, object, one_of, open,
    open_with, problem, reference, string, text,
};
use serving::openapi::{self, Content, Operation, Response};
use verifier_core::hazmat::json::Value;

use crate::admission::{REQUEST_MEMBERS, glass};
use crate::disclosure::CHANGE_MEMBERS;

const MALFORMED: Response = (400, "Not a request of the right form.", Content::Problem);
const NO_TOKEN: Response = (401, "No token, or none of this log.", Content::Problem);
const NO_RIGHT: Response = (403, "The token does not allow this.", Content::Problem);
const UNKNOWN: Response = (404, "There is no such thing.", Content::Problem);
const SLOW: Response = (408, "The body did not arrive in time.", Content::Problem);
const LARGE: Response = (413, "Larger than 1 MiB.", Content::Problem);
const NOT_JSON: Response = (
    415,
    "The body is not application/json, or compressed.",
    Content::Problem,
);
const REFUSED: Response = (
    422,
    "A verifier would reject it: its code.",
    Content::Problem,
);
const TOO_MANY: Response = (
    429,
    "Too many requests of this client; see Retry-After.",
    Content::Problem,
);
const NOT_NOW: Response = (
    503,
    "Not now: repeat the same request after Retry-After seconds.",
    Content::Problem,
);

/// The levels of disclosure.
const LEVELS: [&str; 3] = ["sealed", "hash", "public"];

const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/v1/entries",
        id: "append",
        summary: "Append an approval, a refusal, or a signature of a break-glass grant that was used. \
                  Repeat it until it is answered with 200 or 201.",
        token: true,
        request: Some("AppendRequest"),
        parameters: &[],
        answers: &[
            (200, "A repeat: the first entry.", Content::Json("Bundle")),
            (
                201,
                "Durable, and covered by the published checkpoint.",
                Content::Json("Bundle"),
            ),
            MALFORMED,
            NO_TOKEN,
            NO_RIGHT,
            SLOW,
            (
                409,
                "entry.conflict or entry.assertion_reused.",
                Content::Problem,
            ),
            (
                410,
                "log.closed: this log takes no new entries, and `successor` may say which one does.",
                Content::Problem,
            ),
            LARGE,
            NOT_JSON,
            REFUSED,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "put",
        path: "/v1/entries/{approvalId}/disclosure",
        id: "disclose",
        summary: "Change what the public sees of an approval beside its leaf.",
        token: true,
        request: Some("DisclosureRequest"),
        parameters: &[],
        answers: &[
            (
                200,
                "What the public sees now; what was taken away is erased.",
                Content::Json("Bundle"),
            ),
            (
                202,
                "What the public sees now. The bytes that were taken away leave the database as \
                 soon as nobody reads an older snapshot of it: repeat the request after \
                 Retry-After seconds until it is answered with 200.",
                Content::Json("Bundle"),
            ),
            MALFORMED,
            NO_TOKEN,
            NO_RIGHT,
            UNKNOWN,
            SLOW,
            LARGE,
            NOT_JSON,
            REFUSED,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/public/log/entries/{approvalId}/verification",
        id: "getVerification",
        summary: "The bundle of an approval, as far as it is disclosed; or of a use of break-glass, \
                  which is no approval.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (200, "The bundle.", Content::Json("Bundle")),
            UNKNOWN,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/checkpoint",
        id: "getCheckpoint",
        summary: "The published checkpoint (c2sp.org/tlog-checkpoint).",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "A signed note.", Content::Text), NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/tile/{level}/{tile}",
        id: "getTile",
        summary: "A tile, or with the level `entries` a bundle of entries (c2sp.org/tlog-tiles). \
                  The number of a tile may have several segments.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (
                200,
                "Hashes or entries; entries compressed with gzip if asked for.",
                Content::Bytes,
            ),
            UNKNOWN,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/index.json",
        id: "getAnchors",
        summary: "The heads that are anchored in Bitcoin, or on their way there.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (200, "Tree sizes and states.", Content::Json("Anchors")),
            UNKNOWN,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/{treeSize}/checkpoint",
        id: "getAnchorCheckpoint",
        summary: "A checkpoint exactly as it was stamped.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (200, "A signed note.", Content::Text),
            UNKNOWN,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/{treeSize}/checkpoint.ots",
        id: "getAnchorProof",
        summary: "Its OpenTimestamps proof, as the stock client reads it.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (200, "A detached timestamp.", Content::Bytes),
            UNKNOWN,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/{treeSize}/header",
        id: "getAnchorHeader",
        summary: "The header of the block that the proof leads to.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (200, "80 bytes.", Content::Bytes),
            UNKNOWN,
            TOO_MANY,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/",
        id: "getFrontPage",
        summary: "What the log says of itself, for people.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "HTML.", Content::Html), TOO_MANY, NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/log.json",
        id: "getLog",
        summary: "What the log says of itself: information, never a reason to trust.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "The log.", Content::Json("Log")), TOO_MANY, NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/verify",
        id: "getVerifyPage",
        summary: "The page that verifies approvals in a browser, where it is built in.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[
            (200, "HTML.", Content::Html),
            (308, "It is at /verify/.", Content::Html),
            UNKNOWN,
        ],
    },
    Operation {
        method: "get",
        path: "/healthz",
        id: "getHealth",
        summary: "Whether the process lives.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "It does.", Content::Text)],
    },
    Operation {
        method: "get",
        path: "/readyz",
        id: "getReadiness",
        summary: "Whether the log takes appends and publishes.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "It does.", Content::Text), NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/metrics",
        id: "getMetrics",
        summary: "Counters for Prometheus.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "The text format.", Content::Text)],
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        id: "getDescription",
        summary: "This description.",
        token: false,
        request: None,
        parameters: &[],
        answers: &[(200, "OpenAPI 3.1.", Content::Json("Description"))],
    },
];

/// `/openapi.json`
pub(crate) fn answer() -> Answer {
    let mut answer = json(StatusCode::OK, document());
    public(&mut answer, "public, max-age=3600");
    answer
}

/// The document.
pub(crate) fn document() -> String {
    let parameter = |name: &str| match name {
        "approvalId" => Some(text(UUID)),
        "treeSize" => Some(integer()),
        _ => None,
    };
    let version = env!("CARGO_PKG_VERSION");
    openapi::document(
        "cosignet-log",
        version,
        OPERATIONS,
        &[],
        schemas(),
        parameter,
    )
}

fn schemas() -> Value<'static> {
    let approver = closed(&["emailHash", "salt"], &["emailHash", "salt"], |_| {
        text(BASE64URL)
    });
    let response = open(
        &["authenticatorData", "clientDataJSON", "signature"],
        |_| text(BASE64URL),
    );
    let assertion = open(&["response"], |_| response.clone());
    let refusal = closed(&["random"], &["random"], |_| text(BASE64URL));
    let append = closed(
        REQUEST_MEMBERS,
        &[
            "approvalId",
            "assertion",
            "credentialPublicKey",
            "decidedAt",
            "payloadHash",
            "rpId",
        ],
        |name| match name {
            "approvalId" => text(UUID),
            "approver" => approver.clone(),
            "assertion" => assertion.clone(),
            "credentialPublicKey" | "payload" => text(BASE64URL),
            "decidedAt" => text(TIME),
            "disclosure" => one_of(&LEVELS),
            "payloadHash" => text(HEX_32),
            "refusal" => refusal.clone(),
            _ => string(),
        },
    );
    let broken = closed(glass::MEMBERS, glass::MEMBERS, |name| match name {
        "assertion" => assertion.clone(),
        "credentialPublicKey" => text(BASE64URL),
        _ => string(),
    });
    let either = [reference("AppendApproval"), reference("AppendBreakGlass")];
    let either = object([("oneOf", either.into_iter().collect())]);
    let change = closed(CHANGE_MEMBERS, &["disclosure"], |name| match name {
        "clientDataJSON" | "payload" => text(BASE64URL),
        "disclosure" => one_of(&LEVELS),
        "refusal" => refusal.clone(),
        _ => string(),
    });
    let reveal = closed(
        &["blind", "email", "salt"],
        &["blind", "salt"],
        |name| match name {
            "email" => string(),
            _ => text(BASE64URL),
        },
    );
    let evidence = closed(
        &[
            "action",
            "approvalId",
            "approver",
            "clientDataJSON",
            "context",
            "payload",
            "refusal",
        ],
        &[],
        |name| match name {
            "approvalId" => text(UUID),
            "approver" => reveal.clone(),
            "clientDataJSON" | "payload" => text(BASE64URL),
            "refusal" => refusal.clone(),
            _ => string(),
        },
    );
    let bundle = closed(
        &["anchor", "entry", "evidence", "logProof", "type"],
        &["entry", "logProof", "type"],
        |name| match name {
            "anchor" => reference("Anchor"),
            "evidence" => evidence.clone(),
            "type" => one_of(&["cosignet.bundle/v1"]),
            _ => string(),
        },
    );
    let witness = closed(&["name", "vkey"], &["name", "vkey"], |_| string());
    let log = open_with(
        &[
            "maxAppendDelaySeconds",
            "maxDecisionAgeSeconds",
            "origin",
            "quorum",
            "vkey",
            "witnesses",
        ],
        &["closedAt", "predecessors", "shards", "successor"],
        |name| match name {
            "closedAt" => text(TIME),
            "shards" => array(reference("Shard")),
            "predecessors" => array(string()),
            "maxAppendDelaySeconds" | "maxDecisionAgeSeconds" => integer(),
            "witnesses" => array(witness.clone()),
            _ => string(),
        },
    );
    object([
        ("Anchor", anchor()),
        ("Anchors", anchors()),
        ("AppendApproval", append),
        ("AppendBreakGlass", broken),
        ("AppendRequest", either),
        ("Bundle", bundle),
        ("Description", any_object()),
        ("DisclosureRequest", change),
        ("Log", log),
        ("Problem", problem()),
        ("Shard", shard()),
    ])
}

/// One of several logs at one address.
fn shard() -> Value<'static> {
    open_with(
        &["origin", "path", "state", "vkey"],
        &["closedAt"],
        |name| match name {
            "closedAt" => text(TIME),
            "state" => one_of(&["closed", "down", "open", "waiting"]),
            _ => string(),
        },
    )
}

fn anchor() -> Value<'static> {
    let header = closed(
        &["bytes", "height"],
        &["bytes", "height"],
        |name| match name {
            "height" => integer(),
            _ => text(BASE64URL),
        },
    );
    closed(
        &["checkpoint", "consistency", "header", "logProof", "ots"],
        &[],
        |name| match name {
            "consistency" => array(string()),
            "header" => header.clone(),
            "ots" => text(BASE64URL),
            _ => string(),
        },
    )
}

/// The index of anchors.
fn anchors() -> Value<'static> {
    let stamp = closed(
        &["height", "pending", "stampedAt", "submittedAt", "treeSize"],
        &["stampedAt", "submittedAt", "treeSize"],
        |name| match name {
            "height" | "treeSize" => integer(),
            "pending" => array(string()),
            _ => text(TIME),
        },
    );
    closed(
        &["anchors", "schema"],
        &["anchors", "schema"],
        |name| match name {
            "anchors" => array(stamp.clone()),
            _ => one_of(&["cosignet.anchors/v1"]),
        },
    )
}
