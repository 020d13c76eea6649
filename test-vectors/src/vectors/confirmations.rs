//! `bundle`: the approval service's own answer in place of a bundle.

use serde_json::{Value, json};

use super::bundles::{remove, trusting};
use super::{File, sorted};
use crate::approval::{ORIGIN, RP_ID};
use crate::ceremony::UP;
use crate::encoding::{b64url, flip, hex, sha256};
use crate::{Algorithm, Approval, Ceremony, Draft, Passkey, Policy};

/// An approval of this draft, under a policy that wants no log, with the caller's payload.
fn scene(edit: impl FnOnce(&mut Draft)) -> (Value, Approval) {
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    edit(&mut draft);
    let mut approval = draft.mint();
    approval.policy.log = None;
    (approval.confirmation(), approval)
}

fn input(confirmation: &Value, approval: &Approval) -> Value {
    json!({
        "bundleText": sorted(confirmation),
        "policy": approval.policy.value(),
        "payload": b64url(&approval.payload),
    })
}

fn drafted(edit: impl FnOnce(&mut Draft)) -> Value {
    let (confirmation, approval) = scene(edit);
    input(&confirmation, &approval)
}

fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let (mut confirmation, approval) = scene(|_| {});
    edit(&mut confirmation);
    input(&confirmation, &approval)
}

fn under(edit: impl FnOnce(&mut Policy)) -> Value {
    let (confirmation, mut approval) = scene(|_| {});
    edit(&mut approval.policy);
    input(&confirmation, &approval)
}

pub(super) fn confirmations() -> File {
    let mut file = File::new(
        "bundle",
        "confirmation",
        "the approval service's own answer, under policies that want no log",
    );
    for algorithm in Algorithm::ALL {
        let mut draft = Draft::numbered(algorithm, 1);
        draft.edit_policy = |p| p.log = None;
        let approval = draft.mint();
        file.verdict(
            format!("with a key of {}", algorithm.name()),
            input(&approval.confirmation(), &approval),
            "VERIFIED",
            "ok",
        );
    }
    completeness(&mut file);
    contradictions(&mut file);
    forms(&mut file);
    file
}

fn completeness(file: &mut File) {
    let (verified, incomplete, rejected) = ("VERIFIED", "INCOMPLETE", "REJECTED");
    let without_payload = |mut input: Value| {
        remove(&mut input, "/payload");
        input
    };
    let good = drafted(|_| {});
    file.verdict(
        "unknown members",
        edited(|c| c["more"] = json!({"x": [1]})),
        verified,
        "ok",
    );
    file.verdict(
        "no payload",
        without_payload(good.clone()),
        incomplete,
        "payload.missing",
    );
    file.verdict(
        "no payload, but its hash",
        {
            let mut input = without_payload(good.clone());
            let (_, approval) = scene(|_| {});
            input["expectations"] = json!({"payloadSha256": hex(&sha256(&approval.payload))});
            input
        },
        verified,
        "ok",
    );
    file.verdict(
        "no payload, and a policy for hashes only",
        without_payload(under(|p| {
            p.payload = Some("hash-only".into());
        })),
        verified,
        "ok",
    );
    for handle in [
        json!(null),
        json!(""),
        json!("alice@example.com"),
        json!("dXNlci0xMg=="),
        json!(7),
        json!([117, 115, 101, 114]),
        json!({}),
    ] {
        file.verdict(
            format!("userHandle, which is not used, is {handle}"),
            edited(|c| c["rawAssertion"]["response"]["userHandle"] = handle),
            verified,
            "ok",
        );
    }
    file.verdict(
        "no userHandle",
        edited(|c| remove(c, "/rawAssertion/response/userHandle")),
        verified,
        "ok",
    );
    file.verdict(
        "another payload",
        {
            let mut input = good.clone();
            input["payload"] = json!(b64url(b"{}"));
            input
        },
        rejected,
        "payload.mismatch",
    );
    file.verdict(
        "no policy",
        {
            let mut input = good.clone();
            input["policy"] = json!(null);
            input
        },
        incomplete,
        "approver.unknown_key",
    );
    file.verdict(
        "a policy that wants a log",
        {
            let approval = Draft::numbered(Algorithm::Es256, 1).mint();
            input(&approval.confirmation(), &approval)
        },
        incomplete,
        "log.missing",
    );
    file.verdict(
        "an approval id is expected",
        {
            let mut input = good.clone();
            let (_, approval) = scene(|_| {});
            input["expectations"] = json!({"approvalId": approval.approval_id});
            input
        },
        incomplete,
        "expectation.approval_id_missing",
    );
    file.verdict(
        "the approver is expected",
        {
            let mut input = good.clone();
            input["expectations"] = json!({"approver": "alice"});
            input
        },
        verified,
        "ok",
    );
    // A confirmation states no RP id: only its hash was signed.
    for (name, rp_id, verdict, code) in [
        ("the RP id is expected", RP_ID, verified, "ok"),
        (
            "another RP id is expected",
            "other.example",
            rejected,
            "expectation.rp_id",
        ),
    ] {
        let mut input = good.clone();
        input["expectations"] = json!({"rpId": rp_id});
        file.verdict(name, input, verdict, code);
    }
    file.verdict(
        "another approver is expected",
        {
            let mut input = good;
            input["expectations"] = json!({"approver": "bob"});
            input
        },
        rejected,
        "expectation.approver",
    );

    let stranger = Passkey::new(Algorithm::Es256, "stranger");
    file.verdict(
        "an unknown credential id",
        under(|p| {
            for approver in &mut p.approvers {
                approver.credential_id = Some(approver.public_key[10..26].to_vec());
            }
        }),
        incomplete,
        "approver.unknown_key",
    );
    file.verdict(
        "no approvers",
        under(|p| p.approvers.clear()),
        incomplete,
        "approver.unknown_key",
    );
    file.verdict(
        "keys without credential ids, one of which fits",
        under(|p| {
            for approver in &mut p.approvers {
                approver.credential_id = None;
            }
            p.approvers.reverse();
        }),
        verified,
        "ok",
    );
    file.verdict(
        "keys without credential ids, none of which fits",
        under(|p| {
            *p = trusting(p, &stranger);
            p.approvers[0].credential_id = None;
        }),
        incomplete,
        "approver.unknown_key",
    );
    file.verdict(
        "another key under this credential id",
        under(|p| {
            p.approvers[0].public_key = stranger.public_key.clone();
        }),
        rejected,
        "webauthn.bad_signature",
    );
    file.verdict(
        "a key with an expiry",
        under(|p| {
            p.approvers[0].not_after = Some("2030-01-01T00:00:00.000Z".into());
        }),
        incomplete,
        "approver.time_unproven",
    );
    file.verdict(
        "a required anchor",
        under(|p| p.anchor = Some(json!({"required": true}))),
        incomplete,
        "anchor.missing",
    );
}

fn contradictions(file: &mut File) {
    let rejected = "REJECTED";
    for status in [
        "rejected",
        "pending",
        "expired",
        "Approved",
        "approved ",
        "",
    ] {
        file.verdict(
            format!("status {status:?}"),
            edited(|c| c["status"] = json!(status)),
            rejected,
            "expectation.status",
        );
    }
    file.verdict(
        "a status and nothing else",
        edited(|c| *c = json!({"status": "rejected"})),
        rejected,
        "expectation.status",
    );

    let hash = "evidence.payload_hash_mismatch";
    let credential = "evidence.credential_mismatch";
    let (_, approval) = scene(|_| {});
    let other = b64url(&Passkey::new(Algorithm::Es256, "bob").credential_id);
    let rows: Vec<(&str, Value, &str)> = vec![
        (
            "another payload hash",
            edited(|c| c["payloadHash"] = json!(hex(&sha256(b"{}")))),
            hash,
        ),
        (
            "a bit of the payload hash flipped",
            edited(|c| c["payloadHash"] = json!(hex(&flip(sha256(&approval.payload).to_vec())))),
            hash,
        ),
        (
            "another credential id",
            edited(|c| c["credentialId"] = json!(other)),
            credential,
        ),
        (
            "another id in the assertion",
            edited(|c| c["rawAssertion"]["id"] = json!(other)),
            credential,
        ),
        (
            "another raw id in the assertion",
            edited(|c| c["rawAssertion"]["rawId"] = json!(other)),
            credential,
        ),
        (
            "another type of credential",
            edited(|c| c["rawAssertion"]["type"] = json!("password")),
            credential,
        ),
        (
            "a broken signature",
            edited(|c| {
                c["rawAssertion"]["response"]["signature"] =
                    json!(b64url(&flip(approval.assertion.signature.clone())))
            }),
            "webauthn.bad_signature",
        ),
        (
            "another counter",
            edited(|c| {
                c["rawAssertion"]["response"]["authenticatorData"] =
                    json!(b64url(&flip(approval.assertion.authenticator_data.clone())))
            }),
            "webauthn.bad_signature",
        ),
        (
            "another type",
            drafted(|d| d.ceremony.kind = "webauthn.create".into()),
            "webauthn.type",
        ),
        (
            "another origin",
            drafted(|d| d.ceremony.origin = "https://evil.example".into()),
            "webauthn.origin",
        ),
        (
            "inside a frame",
            drafted(|d| d.ceremony.cross_origin = Some(true)),
            "webauthn.cross_origin",
        ),
        (
            "another RP id",
            drafted(|d| d.ceremony.rp_id = "evil.example".into()),
            "webauthn.rp_id",
        ),
        (
            "a backup flag without the other",
            drafted(|d| d.ceremony.flags |= 0x10),
            "webauthn.authenticator_data",
        ),
        (
            "no user present",
            drafted(|d| d.ceremony.flags = 4),
            "webauthn.user_presence",
        ),
        (
            "no user verified",
            drafted(|d| d.ceremony.flags = UP),
            "webauthn.user_verification",
        ),
        (
            "a nonce of 15 bytes",
            drafted(|d| d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 15], &d.payload)),
            "webauthn.challenge",
        ),
        (
            "client data with two types",
            drafted(|d| d.ceremony.extra.push("\"type\":\"webauthn.create\"".into())),
            "webauthn.client_data_form",
        ),
    ];
    for (name, input, code) in rows {
        file.verdict(name, input, rejected, code);
    }
}

fn forms(file: &mut File) {
    let malformed = "MALFORMED";
    for pointer in [
        "/payloadHash",
        "/credentialId",
        "/rawAssertion",
        "/rawAssertion/response",
        "/rawAssertion/response/authenticatorData",
        "/rawAssertion/response/clientDataJSON",
        "/rawAssertion/response/signature",
    ] {
        file.verdict(
            format!("without {pointer}"),
            edited(|c| remove(c, pointer)),
            malformed,
            "bundle.schema",
        );
    }
    let upper = hex(&sha256(b"{}")).to_ascii_uppercase();
    for (pointer, value) in [
        ("/status", json!(1)),
        ("/status", json!(null)),
        ("/payloadHash", json!(7)),
        ("/payloadHash", json!("00")),
        ("/payloadHash", json!(upper)),
        ("/credentialId", json!(7)),
        ("/rawAssertion", json!("x")),
        ("/rawAssertion/response", json!([])),
        ("/rawAssertion/response/signature", json!([1, 2])),
    ] {
        let name = format!("{pointer} is {value}");
        file.verdict(
            name,
            edited(|c| *c.pointer_mut(pointer).unwrap() = value),
            malformed,
            "bundle.schema",
        );
    }
    for pointer in [
        "/credentialId",
        "/rawAssertion/id",
        "/rawAssertion/rawId",
        "/rawAssertion/response/authenticatorData",
        "/rawAssertion/response/clientDataJSON",
        "/rawAssertion/response/signature",
    ] {
        for (what, tail) in [("with padding", "=="), ("with a newline", "\n")] {
            file.verdict(
                format!("{pointer} {what}"),
                edited(|c| {
                    let value = c.pointer_mut(pointer).unwrap();
                    *value = json!(format!("{}{tail}", value.as_str().unwrap()));
                }),
                malformed,
                "bundle.base64",
            );
        }
    }
    file.verdict(
        "with a type, it is no confirmation",
        edited(|c| c["type"] = json!("cosignet.bundle/v1")),
        malformed,
        "bundle.schema",
    );
    file.verdict(
        "a member twice",
        {
            let mut input = edited(|_| {});
            let text = input["bundleText"].as_str().unwrap();
            input["bundleText"] = json!(text.replacen('{', "{\"status\":\"approved\",", 1));
            input
        },
        malformed,
        "bundle.not_json",
    );
}
