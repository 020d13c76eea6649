//! The values that the interface takes and gives.

use serving::openapi::schema::{
    BASE64URL, HEX_32, TIME, UUID, any_object, array, boolean, closed, integer, object, one_of,
    open, open_with, problem, reference, string, text, text_or_null,
};
use verifier_core::hazmat::json::Value;

use crate::break_glass::Used;
use crate::request::Status;

/// A stable code.
pub(super) const CODE: &str = "^[a-z0-9_.]+$";

/// All of them, by name.
pub(super) fn all() -> Value<'static> {
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
            "BreakGlassRecord",
            open(
                &["code", "number", "recordedAt", "signers", "useId", "valid"],
                |name| match name {
                    "code" => text_or_null(CODE),
                    "number" => integer(),
                    "recordedAt" => text(TIME),
                    "signers" => names(),
                    "useId" => text(UUID),
                    _ => boolean(),
                },
            ),
        ),
        (
            "BreakGlassUse",
            closed(&Used::MEMBERS, &Used::MEMBERS, |name| match name {
                "outcome" => text_or_null("^(done|failed)$"),
                "payloadHash" => text(HEX_32),
                "useId" => text(UUID),
                "usedAt" => text(TIME),
                _ => string(),
            }),
        ),
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
        ("Event", super::events::event()),
        ("EventData", super::events::data()),
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
        ("UseEvent", super::events::use_event()),
        ("UseEventData", super::events::use_data()),
    ])
}
