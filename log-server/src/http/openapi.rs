//! `/openapi.json`: the HTTP interface, described for programs. The tests hold every real request
//! and answer against it.

use std::borrow::Cow;

use verifier_core::json::Value;

use crate::admission::REQUEST_MEMBERS;
use crate::disclosure::CHANGE_MEMBERS;

/// What an answer carries.
#[derive(Clone, Copy)]
enum Body {
    Bytes,
    Html,
    Json(&'static str),
    Problem,
    Text,
}

struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// The schema of the request, and with it a token.
    request: Option<&'static str>,
    answers: &'static [(u16, &'static str, Body)],
}

const MALFORMED: (u16, &str, Body) = (400, "Not a request of the right form.", Body::Problem);
const NO_TOKEN: (u16, &str, Body) = (401, "No token, or none of this log.", Body::Problem);
const NO_RIGHT: (u16, &str, Body) = (403, "The token does not allow this.", Body::Problem);
const UNKNOWN: (u16, &str, Body) = (404, "There is no such thing.", Body::Problem);
const SLOW: (u16, &str, Body) = (408, "The body did not arrive in time.", Body::Problem);
const LARGE: (u16, &str, Body) = (413, "Larger than 1 MiB.", Body::Problem);
const NOT_JSON: (u16, &str, Body) = (415, "The body is not application/json.", Body::Problem);
const REFUSED: (u16, &str, Body) = (422, "A verifier would reject it: its code.", Body::Problem);
const TOO_MANY: (u16, &str, Body) = (
    429,
    "Too many requests with this token; see Retry-After.",
    Body::Problem,
);
const NOT_NOW: (u16, &str, Body) = (
    503,
    "Not now: repeat the same request after Retry-After seconds.",
    Body::Problem,
);

const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/v1/entries",
        summary: "Append an approval. Repeat it until it is answered with 200 or 201.",
        request: Some("AppendRequest"),
        answers: &[
            (200, "A repeat: the first entry.", Body::Json("Bundle")),
            (
                201,
                "Durable, and covered by the published checkpoint.",
                Body::Json("Bundle"),
            ),
            MALFORMED,
            NO_TOKEN,
            NO_RIGHT,
            SLOW,
            (
                409,
                "entry.conflict or entry.assertion_reused.",
                Body::Problem,
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
        summary: "Change what the public sees of an approval beside its leaf.",
        request: Some("DisclosureRequest"),
        answers: &[
            (
                200,
                "What the public sees now; what was taken away is erased.",
                Body::Json("Bundle"),
            ),
            (
                202,
                "What the public sees now. The bytes that were taken away leave the database as \
                 soon as nobody reads an older snapshot of it: repeat the request after \
                 Retry-After seconds until it is answered with 200.",
                Body::Json("Bundle"),
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
        summary: "The bundle of an approval, as far as it is disclosed.",
        request: None,
        answers: &[(200, "The bundle.", Body::Json("Bundle")), UNKNOWN, NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/checkpoint",
        summary: "The published checkpoint (c2sp.org/tlog-checkpoint).",
        request: None,
        answers: &[(200, "A signed note.", Body::Text)],
    },
    Operation {
        method: "get",
        path: "/tile/{level}/{tile}",
        summary: "A tile, or with the level `entries` a bundle of entries (c2sp.org/tlog-tiles). \
                  The number of a tile may have several segments.",
        request: None,
        answers: &[
            (
                200,
                "Hashes or entries; entries compressed with gzip if asked for.",
                Body::Bytes,
            ),
            UNKNOWN,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/index.json",
        summary: "The heads that are anchored in Bitcoin, or on their way there.",
        request: None,
        answers: &[
            (200, "Tree sizes and states.", Body::Json("Any")),
            UNKNOWN,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/{treeSize}/checkpoint",
        summary: "A checkpoint exactly as it was stamped.",
        request: None,
        answers: &[(200, "A signed note.", Body::Text), UNKNOWN, NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/anchors/{treeSize}/checkpoint.ots",
        summary: "Its OpenTimestamps proof, as the stock client reads it.",
        request: None,
        answers: &[
            (200, "A detached timestamp.", Body::Bytes),
            UNKNOWN,
            NOT_NOW,
        ],
    },
    Operation {
        method: "get",
        path: "/anchors/{treeSize}/header",
        summary: "The header of the block that the proof leads to.",
        request: None,
        answers: &[(200, "80 bytes.", Body::Bytes), UNKNOWN, NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/log.json",
        summary: "What the log says of itself: information, never a reason to trust.",
        request: None,
        answers: &[(200, "The log.", Body::Json("Log"))],
    },
    Operation {
        method: "get",
        path: "/verify",
        summary: "The page that verifies approvals in a browser, where it is built in.",
        request: None,
        answers: &[
            (200, "HTML.", Body::Html),
            (308, "It is at /verify/.", Body::Html),
            UNKNOWN,
        ],
    },
    Operation {
        method: "get",
        path: "/healthz",
        summary: "Whether the process lives.",
        request: None,
        answers: &[(200, "It does.", Body::Text)],
    },
    Operation {
        method: "get",
        path: "/readyz",
        summary: "Whether the log takes appends and publishes.",
        request: None,
        answers: &[(200, "It does.", Body::Text), NOT_NOW],
    },
    Operation {
        method: "get",
        path: "/metrics",
        summary: "Counters for Prometheus.",
        request: None,
        answers: &[(200, "The text format.", Body::Text)],
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        summary: "This description.",
        request: None,
        answers: &[(200, "OpenAPI 3.1.", Body::Json("Any"))],
    },
];

/// The document.
pub(crate) fn document() -> String {
    let mut paths: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for operation in OPERATIONS {
        match paths.iter_mut().find(|(path, _)| *path == operation.path) {
            Some((_, operations)) => operations.push(operation),
            None => paths.push((operation.path, vec![operation])),
        }
    }
    let paths = paths.into_iter().map(|(path, operations)| {
        let methods = operations.iter().map(|one| (one.method, describe(one)));
        (path, object(methods))
    });
    let token = Value::from([
        ("type", Value::from("http")),
        ("scheme", Value::from("bearer")),
    ]);
    object([
        ("openapi", Value::from("3.1.0")),
        (
            "info",
            Value::from([
                ("title", Value::from("cosignet-log")),
                ("version", Value::from(env!("CARGO_PKG_VERSION"))),
            ]),
        ),
        ("paths", object(paths)),
        (
            "components",
            Value::from([
                ("schemas", schemas()),
                ("securitySchemes", Value::from([("token", token)])),
            ]),
        ),
    ])
    .to_text()
}

fn describe(operation: &Operation) -> Value<'static> {
    let parameters = operation.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        let schema = match name {
            "approvalId" => text(UUID),
            _ => string(),
        };
        Some(Value::from([
            ("in", Value::from("path")),
            ("name", Value::from(name)),
            ("required", Value::from(true)),
            ("schema", schema),
        ]))
    });
    let answers = operation.answers.iter().map(|(status, meaning, body)| {
        let answer = Value::from([
            ("content", content(*body)),
            ("description", Value::from(*meaning)),
        ]);
        (Cow::from(status.to_string()), answer)
    });
    let mut members = vec![
        ("parameters", parameters.collect()),
        ("responses", Value::Object(answers.collect())),
        ("summary", Value::from(operation.summary)),
    ];
    if let Some(schema) = operation.request {
        let body = [
            ("content", content(Body::Json(schema))),
            ("required", Value::from(true)),
        ];
        members.push(("requestBody", Value::from(body)));
        let token = Value::from([("token", Value::Array(Vec::new()))]);
        members.push(("security", Value::Array(vec![token])));
    }
    object(members)
}

fn content(body: Body) -> Value<'static> {
    let (kind, schema) = match body {
        Body::Bytes => ("application/octet-stream", string()),
        Body::Html => ("text/html; charset=utf-8", string()),
        Body::Json(name) => ("application/json", reference(name)),
        Body::Problem => ("application/problem+json", reference("Problem")),
        Body::Text => ("text/plain; charset=utf-8", string()),
    };
    Value::from([(kind, Value::from([("schema", schema)]))])
}

const BASE64URL: &str = "^[A-Za-z0-9_-]*$";
const HEX: &str = "^[0-9a-f]{64}$";
const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
const TIME: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$";

fn schemas() -> Value<'static> {
    let approver = closed(&["emailHash", "salt"], &["emailHash", "salt"], |_| {
        text(BASE64URL)
    });
    let response = open(
        &["authenticatorData", "clientDataJSON", "signature"],
        |_| text(BASE64URL),
    );
    let assertion = open(&["response"], |_| response.clone());
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
            "disclosure" => level(),
            "payloadHash" => text(HEX),
            _ => string(),
        },
    );
    let change = closed(CHANGE_MEMBERS, &["disclosure"], |name| match name {
        "clientDataJSON" | "payload" => text(BASE64URL),
        "disclosure" => level(),
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
            "payload",
        ],
        &[],
        |name| match name {
            "approvalId" => text(UUID),
            "approver" => reveal.clone(),
            "clientDataJSON" | "payload" => text(BASE64URL),
            _ => string(),
        },
    );
    let bundle = closed(
        &["anchor", "entry", "evidence", "logProof", "type"],
        &["entry", "logProof", "type"],
        |name| match name {
            "anchor" => Value::from([("type", Value::from("object"))]),
            "evidence" => evidence.clone(),
            "type" => Value::from([("const", Value::from("cosignet.bundle/v1"))]),
            _ => string(),
        },
    );
    let problem = closed(
        &["code", "detail", "expected", "found", "status", "title"],
        &["code", "detail", "status", "title"],
        |name| match name {
            "status" => integer(),
            _ => string(),
        },
    );
    let log = open(
        &[
            "maxAppendDelaySeconds",
            "maxDecisionAgeSeconds",
            "origin",
            "vkey",
            "witnesses",
        ],
        |name| match name {
            "maxAppendDelaySeconds" | "maxDecisionAgeSeconds" => integer(),
            "witnesses" => Value::from([("type", Value::from("array"))]),
            _ => string(),
        },
    );
    Value::from([
        ("Any", Value::from(true)),
        ("AppendRequest", append),
        ("Bundle", bundle),
        ("DisclosureRequest", change),
        ("Log", log),
        ("Problem", problem),
    ])
}

/// An object with these members and no others.
fn closed(
    members: &[&'static str],
    required: &[&'static str],
    schema: impl Fn(&str) -> Value<'static>,
) -> Value<'static> {
    let properties = members.iter().map(|name| (*name, schema(name)));
    object([
        ("additionalProperties", Value::from(false)),
        ("properties", object(properties)),
        (
            "required",
            required.iter().map(|name| Value::from(*name)).collect(),
        ),
        ("type", Value::from("object")),
    ])
}

/// An object with at least these members.
fn open(required: &[&'static str], schema: impl Fn(&str) -> Value<'static>) -> Value<'static> {
    let properties = required.iter().map(|name| (*name, schema(name)));
    object([
        ("properties", object(properties)),
        (
            "required",
            required.iter().map(|name| Value::from(*name)).collect(),
        ),
        ("type", Value::from("object")),
    ])
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Value<'a> {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(key, value)| (Cow::from(key), value))
            .collect(),
    )
}

fn level() -> Value<'static> {
    let levels = ["sealed", "hash", "public"].map(Value::from);
    Value::from([("enum", levels.into_iter().collect())])
}

fn reference(schema: &str) -> Value<'static> {
    Value::from([("$ref", format!("#/components/schemas/{schema}").into())])
}

fn text(pattern: &'static str) -> Value<'static> {
    Value::from([
        ("pattern", Value::from(pattern)),
        ("type", Value::from("string")),
    ])
}

fn string() -> Value<'static> {
    Value::from([("type", Value::from("string"))])
}

fn integer() -> Value<'static> {
    Value::from([
        ("minimum", Value::from(0_u64)),
        ("type", Value::from("integer")),
    ])
}
