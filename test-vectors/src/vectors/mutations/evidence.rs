//! The evidence changed.

use serde_json::{Value, json};

use super::super::File;
use super::super::bundles::{edited, input, input_of, remove};
use super::edit_entry;
use crate::approval::ORIGIN;
use crate::encoding::{b64url, flip, sha256};
use crate::{Algorithm, Draft};

pub(super) fn rows(file: &mut File) {
    let draft = Draft::sample(Algorithm::Es256);
    let approval = draft.mint();
    let mut telling = draft.clone();
    telling.reveal_email = true;
    let telling = telling.mint();
    let client_data = approval.assertion.client_data_json.clone();
    let text = String::from_utf8(client_data.clone()).unwrap();
    let set = |pointer: &str, value: Value| {
        let tells = pointer.starts_with("/evidence/approver");
        let approval = if tells { &telling } else { &approval };
        let mut bundle = approval.bundle.value();
        *bundle.pointer_mut(pointer).unwrap() = value;
        input_of(&bundle.to_string(), &approval.policy)
    };
    let client = |text: &str| set("/evidence/clientDataJSON", json!(b64url(text.as_bytes())));
    let approver = |key: &str| {
        let pointer = format!("/evidence/approver/{key}");
        set(&pointer, json!(b64url(&[9; 32])))
    };
    let mismatch = "evidence.client_data_mismatch";
    let rows = vec![
        (
            "client data: a space more",
            client(&format!("{text} ")),
            mismatch,
        ),
        (
            "client data: another origin",
            client(&text.replace(ORIGIN, "https://evil.example")),
            mismatch,
        ),
        ("client data: empty", client(""), mismatch),
        (
            "client data: another approval's",
            {
                let other = Draft::numbered(Algorithm::Es256, 2).mint();
                set(
                    "/evidence/clientDataJSON",
                    json!(b64url(&other.assertion.client_data_json)),
                )
            },
            mismatch,
        ),
        (
            "approval id: another",
            set(
                "/evidence/approvalId",
                json!("00000000-0000-4000-8000-000000000000"),
            ),
            "evidence.approval_id_mismatch",
        ),
        (
            "approver: another address",
            set("/evidence/approver/email", json!("mallory@example.com")),
            "evidence.approver_mismatch",
        ),
        (
            "approver: an empty address",
            set("/evidence/approver/email", json!("")),
            "evidence.approver_mismatch",
        ),
        (
            // HMAC pads its key with zeros, and there are more of them here.
            "approver: the address with a NUL behind it",
            set("/evidence/approver/email", json!("alice@example.com\0")),
            "evidence.approver_mismatch",
        ),
        (
            "approver: the address with NULs and a newline behind it",
            set("/evidence/approver/email", json!("alice@example.com\0\0\n")),
            "evidence.approver_mismatch",
        ),
        (
            "approver: another blind",
            approver("blind"),
            "evidence.approver_mismatch",
        ),
        (
            "approver: another salt",
            approver("salt"),
            "evidence.approver_mismatch",
        ),
        (
            "payload: another",
            set("/evidence/payload", json!(b64url(b"{}"))),
            "payload.mismatch",
        ),
        (
            "payload: a newline more",
            set(
                "/evidence/payload",
                json!(b64url(&[&draft.payload[..], b"\n"].concat())),
            ),
            "payload.mismatch",
        ),
        (
            "payload: empty",
            set("/evidence/payload", json!("")),
            "payload.mismatch",
        ),
        (
            "payload: its hash in its place",
            set("/evidence/payload", json!(b64url(&sha256(&draft.payload)))),
            "payload.mismatch",
        ),
    ];
    for (name, input, code) in rows {
        file.verdict(format!("evidence: {name}"), input, "REJECTED", code);
    }
    file.verdict(
        "evidence: approver: an address where the entry commits to none",
        {
            let disclosure = telling.bundle.evidence.clone().unwrap().approver;
            let mut approval = Draft::numbered(Algorithm::Es256, 1).mint();
            approval.bundle.evidence.as_mut().unwrap().approver = disclosure;
            input(&approval)
        },
        "REJECTED",
        "evidence.approver_mismatch",
    );
    file.verdict(
        "evidence: the payload removed",
        edited(|b| remove(b, "/evidence/payload")),
        "INCOMPLETE",
        "payload.missing",
    );
    file.verdict(
        "evidence: the client data removed",
        edited(|b| remove(b, "/evidence/clientDataJSON")),
        "INCOMPLETE",
        "evidence.client_data_missing",
    );
    file.verdict(
        "evidence: the client data and a bit of the signature gone",
        edited(|b| {
            remove(b, "/evidence/clientDataJSON");
            edit_entry(b, |m| {
                drop(m.insert(
                    "signature".into(),
                    b64url(&flip(approval.assertion.signature.clone())),
                ))
            });
        }),
        "REJECTED",
        "webauthn.bad_signature",
    );
    file.verdict(
        "evidence: another action, which nothing vouches for",
        set("/evidence/action", json!("nothing")),
        "VERIFIED",
        "ok",
    );
}
