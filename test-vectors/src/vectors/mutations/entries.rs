//! The entry changed, its proof left alone.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::File;
use super::super::bundles::edited;
use super::edit_entry;
use crate::ceremony::UP;
use crate::encoding::{b64url, flip, from_b64url};
use crate::passkey::cose;
use crate::{Algorithm, Approval, Passkey};

pub(super) fn rows(file: &mut File) {
    let member = |key: &'static str, value: String| {
        edited(|b| edit_entry(b, |m| drop(m.insert(key.into(), value))))
    };
    let good: BTreeMap<String, String> =
        serde_json::from_str(&Approval::sample(Algorithm::Es256).bundle.entry).unwrap();
    let flipped = |key: &str| b64url(&flip(from_b64url(&good[key])));
    let bob = Passkey::new(Algorithm::Es256, "bob");
    let stranger = Passkey::new(Algorithm::Es256, "stranger");
    let signature = "webauthn.bad_signature";
    let rows = vec![
        (
            "signature: a bit flipped",
            member("signature", flipped("signature")),
            signature,
        ),
        (
            "authenticatorData: counter changed",
            member("authenticatorData", flipped("authenticatorData")),
            signature,
        ),
        (
            "authenticatorData: user verification cleared",
            {
                let mut data = from_b64url(&good["authenticatorData"]);
                data[32] = UP;
                member("authenticatorData", b64url(&data))
            },
            signature,
        ),
        (
            "clientDataHash: a bit flipped",
            member("clientDataHash", flipped("clientDataHash")),
            "evidence.client_data_mismatch",
        ),
        (
            "approvalIdHash: a bit flipped",
            member("approvalIdHash", flipped("approvalIdHash")),
            "evidence.approval_id_mismatch",
        ),
        (
            "approver: a bit flipped",
            member("approver", flipped("approver")),
            "log.not_included",
        ),
        (
            "approver: removed",
            edited(|b| edit_entry(b, |m| drop(m.remove("approver")))),
            "log.not_included",
        ),
        (
            "credentialPublicKey: another approver's",
            member("credentialPublicKey", b64url(&bob.public_key)),
            signature,
        ),
        (
            "credentialPublicKey: a stranger's",
            member("credentialPublicKey", b64url(&stranger.public_key)),
            signature,
        ),
        (
            "credentialPublicKey: no key",
            member("credentialPublicKey", b64url(b"key")),
            "webauthn.bad_key",
        ),
        (
            "credentialPublicKey: not on the curve",
            member(
                "credentialPublicKey",
                b64url(&cose::ec2(-7, 1, &[1; 32], &[2; 32])),
            ),
            "webauthn.bad_key",
        ),
        (
            "credentialPublicKey: of an algorithm that is not accepted",
            member("credentialPublicKey", b64url(&cose::okp(-53, 7, &[7; 57]))),
            "webauthn.unsupported_algorithm",
        ),
        (
            "decidedAt: a second later",
            member("decidedAt", "2026-03-01T12:00:01.000Z".into()),
            "log.not_included",
        ),
        (
            "rpId: another",
            member("rpId", "other.example".into()),
            "webauthn.rp_id",
        ),
        (
            "type: a later version, so that nothing else is looked at",
            member("type", "cosignet.approval/v2".into()),
            "log.not_included",
        ),
        ("a member more", member("note", "x".into()), "entry.field"),
        (
            "a member less",
            edited(|b| edit_entry(b, |m| drop(m.remove("rpId")))),
            "entry.field",
        ),
        (
            "decidedAt without milliseconds",
            member("decidedAt", "2026-03-01T12:00:00Z".into()),
            "entry.field",
        ),
        (
            "signature in padded base64",
            member("signature", format!("{}=", good["signature"])),
            "entry.field",
        ),
        (
            "a newline behind the entry",
            edited(|b| {
                b["entry"] = json!(format!("{}\n", b["entry"].as_str().unwrap()));
            }),
            "entry.not_canonical",
        ),
        (
            "the entry indented",
            edited(|b| {
                b["entry"] = json!(serde_json::to_string_pretty(&good).unwrap());
            }),
            "entry.not_canonical",
        ),
        (
            "an empty entry",
            edited(|b| b["entry"] = json!("")),
            "entry.not_canonical",
        ),
        (
            "an entry of 9 KiB",
            member("rpId", "r".repeat(9000)),
            "entry.too_large",
        ),
        (
            "the other s, which is as good a signature",
            {
                let signature =
                    p256::ecdsa::Signature::from_der(&from_b64url(&good["signature"])).unwrap();
                let (r, s) = signature.split_scalars();
                let other = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
                member("signature", b64url(other.to_der().as_bytes()))
            },
            "log.not_included",
        ),
    ];
    for (name, input, code) in rows {
        file.verdict(format!("entry: {name}"), input, "REJECTED", code);
    }
}
