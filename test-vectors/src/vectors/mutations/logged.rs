//! Approvals that were signed, logged and witnessed as they stand, and are wrong.

use super::super::File;
use super::super::bundles::drafted;
use crate::Ceremony;
use crate::approval::{ORIGIN, RP_ID};
use crate::ceremony::{AT, BS, ED, UP, UV};
use crate::encoding::{b64url, from_b64url, sha256};
use crate::passkey::cose;

/// Everything below is signed, logged and witnessed as it stands.
pub(super) fn rows(file: &mut File) {
    let nonce = |length: usize| {
        drafted(|d| d.ceremony = Ceremony::new(RP_ID, ORIGIN, &vec![7; length], &d.payload))
    };
    let raw_client_data = |edit: &dyn Fn(String) -> String| {
        drafted(|d| {
            let text = String::from_utf8(d.ceremony.client_data_json()).unwrap();
            d.ceremony.client_data_json = Some(edit(text).into_bytes());
        })
    };
    let rows = vec![
        (
            "a registration",
            drafted(|d| d.ceremony.kind = "webauthn.create".into()),
            "webauthn.type",
        ),
        (
            "a payment",
            drafted(|d| d.ceremony.kind = "payment.get".into()),
            "webauthn.type",
        ),
        (
            "a login: 32 random bytes for a challenge",
            drafted(|d| d.ceremony.challenge = b64url(&[7; 32])),
            "webauthn.challenge",
        ),
        (
            "a login: 64 random bytes for a challenge",
            drafted(|d| d.ceremony.challenge = b64url(&[7; 64])),
            "payload.mismatch",
        ),
        (
            "no challenge",
            drafted(|d| d.ceremony.challenge.clear()),
            "webauthn.challenge",
        ),
        ("no nonce", nonce(0), "webauthn.challenge"),
        ("a nonce of 15 bytes", nonce(15), "webauthn.challenge"),
        ("a nonce of 65 bytes", nonce(65), "webauthn.challenge"),
        (
            "the challenge with padding",
            drafted(|d| d.ceremony.challenge.push_str("==")),
            "webauthn.challenge",
        ),
        (
            "the challenge in hex, which reads as 96 other bytes",
            drafted(|d| {
                d.ceremony.challenge = crate::encoding::hex(&from_b64url(&d.ceremony.challenge))
            }),
            "payload.mismatch",
        ),
        (
            "the challenge with stray bits",
            drafted(|d| d.ceremony.challenge = crate::encoding::stray_bits(&d.ceremony.challenge)),
            "webauthn.challenge",
        ),
        (
            "the hash in front of the nonce",
            drafted(|d| {
                d.ceremony.challenge = b64url(&[&sha256(&d.payload)[..], &[7; 32]].concat());
            }),
            "payload.mismatch",
        ),
        (
            "a byte between nonce and hash",
            drafted(|d| {
                let hash = sha256(&d.payload);
                d.ceremony.challenge = b64url(&[&[7; 32], &hash[..31], &[0], &hash[31..]].concat());
            }),
            "payload.mismatch",
        ),
        (
            "a look-alike origin",
            drafted(|d| d.ceremony.origin = "https://approvals.example.evil.example".into()),
            "webauthn.origin",
        ),
        (
            "an origin with a port",
            drafted(|d| d.ceremony.origin = "https://approvals.example:8443".into()),
            "webauthn.origin",
        ),
        (
            "an origin without https",
            drafted(|d| d.ceremony.origin = "http://approvals.example".into()),
            "webauthn.origin",
        ),
        (
            "inside a frame",
            drafted(|d| d.ceremony.cross_origin = Some(true)),
            "webauthn.cross_origin",
        ),
        (
            "inside a frame that is named",
            drafted(|d| d.ceremony.top_origin = Some("https://evil.example".into())),
            "webauthn.cross_origin",
        ),
        (
            "a frame that is not listed",
            drafted(|d| {
                d.ceremony.cross_origin = Some(true);
                d.ceremony.top_origin = Some("https://evil.example".into());
                d.edit_policy = |p| {
                    p.cross_origin = Some(true);
                    p.top_origins = Some(vec!["https://top.example".into()]);
                };
            }),
            "webauthn.cross_origin",
        ),
        (
            "client data with a byte order mark",
            raw_client_data(&|t| format!("\u{feff}{t}")),
            "webauthn.client_data_form",
        ),
        (
            "client data with two challenges",
            raw_client_data(&|t| t.replacen('{', "{\"challenge\":\"AAAA\",", 1)),
            "webauthn.client_data_form",
        ),
        (
            "client data with two origins",
            raw_client_data(&|t| t.replacen('{', "{\"origin\":\"https://approvals.example\",", 1)),
            "webauthn.client_data_form",
        ),
        (
            "client data without a type",
            raw_client_data(&|t| t.replace("\"type\":\"webauthn.get\",", "")),
            "webauthn.client_data_form",
        ),
        (
            "client data that are not JSON",
            raw_client_data(&|_| "approved".into()),
            "webauthn.client_data_form",
        ),
        (
            "authenticator data of 36 bytes",
            drafted(|d| {
                let data = d.ceremony.authenticator_data();
                d.ceremony.authenticator_data = Some(data[..36].to_vec());
            }),
            "webauthn.authenticator_data",
        ),
        (
            "authenticator data with a tail",
            drafted(|d| d.ceremony.tail = vec![0]),
            "webauthn.authenticator_data",
        ),
        (
            "attested credential data",
            drafted(|d| d.ceremony.flags = UP | UV | AT),
            "webauthn.authenticator_data",
        ),
        (
            "extensions that are missing",
            drafted(|d| d.ceremony.flags = UP | UV | ED),
            "webauthn.authenticator_data",
        ),
        (
            "backed up but not eligible",
            drafted(|d| d.ceremony.flags = UP | UV | BS),
            "webauthn.authenticator_data",
        ),
        (
            "another RP id signed",
            drafted(|d| d.ceremony.rp_id = "other.example".into()),
            "webauthn.rp_id",
        ),
        (
            "another RP id signed and in the entry",
            drafted(|d| {
                d.ceremony.rp_id = "other.example".into();
                d.entry_rp_id = "other.example".into();
            }),
            "webauthn.rp_id",
        ),
        (
            "the hash of an app id signed",
            drafted(|d| d.ceremony.rp_id = "https://approvals.example".into()),
            "webauthn.rp_id",
        ),
        (
            "two RP ids in the policy, one signed, the other in the entry",
            drafted(|d| {
                d.entry_rp_id = "other.example".into();
                d.edit_policy = |p| p.rp_ids.push("other.example".into());
            }),
            "webauthn.rp_id",
        ),
        (
            "no user present",
            drafted(|d| d.ceremony.flags = UV),
            "webauthn.user_presence",
        ),
        (
            "no user present, under a policy that asks for little",
            drafted(|d| {
                d.ceremony.flags = 0;
                d.edit_policy = |p| p.user_verification = Some("preferred".into());
            }),
            "webauthn.user_presence",
        ),
        (
            "no user verified",
            drafted(|d| d.ceremony.flags = UP),
            "webauthn.user_verification",
        ),
        (
            "another approval id in the entry",
            drafted(|d| d.edit_entry = |e| e.approval_id_hash = vec![7; 32]),
            "evidence.approval_id_mismatch",
        ),
        (
            "other client data in the entry",
            drafted(|d| d.edit_entry = |e| e.client_data_hash = vec![7; 32]),
            "evidence.client_data_mismatch",
        ),
        (
            "another commitment in the entry",
            drafted(|d| {
                d.reveal_email = true;
                d.edit_entry = |e| e.approver = Some(vec![7; 32]);
            }),
            "evidence.approver_mismatch",
        ),
        (
            "no key in the entry",
            drafted(|d| d.edit_entry = |e| e.credential_public_key = vec![7; 32]),
            "webauthn.bad_key",
        ),
        (
            "a key that anybody can sign with",
            drafted(|d| {
                d.edit_entry = |e| {
                    let mut identity = [0; 32];
                    identity[0] = 1;
                    e.credential_public_key = cose::okp(-8, 6, &identity);
                    e.signature = [&identity[..], &[0; 32]].concat();
                };
            }),
            "webauthn.bad_key",
        ),
        (
            "a signature of nothing",
            drafted(|d| {
                d.edit_entry = |e| e.signature = b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec()
            }),
            "webauthn.bad_signature",
        ),
        (
            "an entry that is not canonical",
            drafted(|d| {
                let (_, text) = d.sign();
                d.entry_text = Some(format!("{text}\n"));
            }),
            "entry.not_canonical",
        ),
        (
            "an entry with a member too many",
            drafted(|d| {
                let (_, text) = d.sign();
                d.entry_text = Some(text.replace("\"decidedAt\"", "\"d\":\"\",\"decidedAt\""));
            }),
            "entry.field",
        ),
        (
            "an entry of more than 8 KiB",
            drafted(|d| d.edit_entry = |e| e.rp_id = "r".repeat(8192)),
            "entry.too_large",
        ),
    ];
    for (name, input, code) in rows {
        file.verdict(format!("logged: {name}"), input, "REJECTED", code);
    }
}
