//! `bundle`: one change to a good bundle each, and approvals that were wrong from the start.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::File;
use super::bundles::{drafted, edited, input, input_of, remove};
use crate::approval::{DECIDED_AT_SECONDS, ORIGIN, RP_ID};
use crate::ceremony::{AT, BS, ED, UP, UV};
use crate::encoding::{b64url, flip, from_b64url, sha256};
use crate::entry::canonical;
use crate::note::LogProof;
use crate::passkey::cose;
use crate::{Algorithm, Approval, Ceremony, Draft, Passkey};

/// Changes the members of the entry inside a bundle, and leaves its proof alone.
pub(super) fn edit_entry(bundle: &mut Value, edit: impl FnOnce(&mut BTreeMap<String, String>)) {
    let text = bundle["entry"].as_str().unwrap();
    let mut members = serde_json::from_str(text).unwrap();
    edit(&mut members);
    bundle["entry"] = json!(canonical(&members));
}

pub(super) fn mutations() -> File {
    let mut file = File::new(
        "bundle",
        "mutations",
        "a good bundle with one thing changed, and properly logged approvals with one thing wrong",
    );
    entries(&mut file);
    evidence(&mut file);
    proofs(&mut file);
    wrong_from_the_start(&mut file);
    file
}

fn entries(file: &mut File) {
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
            "evidence.approver_mismatch",
        ),
        (
            "approver: removed",
            edited(|b| edit_entry(b, |m| drop(m.remove("approver")))),
            "evidence.approver_mismatch",
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

fn evidence(file: &mut File) {
    let draft = Draft::sample(Algorithm::Es256);
    let approval = draft.mint();
    let client_data = approval.assertion.client_data_json.clone();
    let text = String::from_utf8(client_data.clone()).unwrap();
    let set = |pointer: &str, value: Value| edited(|b| *b.pointer_mut(pointer).unwrap() = value);
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
            let disclosure = draft.disclosure.clone();
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

fn proofs(file: &mut File) {
    let draft = Draft::sample(Algorithm::Es256);
    let approval = draft.mint();
    let log = draft.log(&approval.bundle.entry, 0);
    let proof = |edit: &dyn Fn(&mut LogProof)| {
        let mut approval = approval.clone();
        edit(&mut approval.bundle.log_proof);
        input(&approval)
    };
    let text = |edit: &dyn Fn(&str) -> String| {
        let mut bundle = approval.bundle.value();
        bundle["logProof"] = json!(edit(&approval.bundle.log_proof.text()));
        input_of(&bundle.to_string(), &approval.policy)
    };
    let witness = |i: usize| &draft.witnesses[i].key;
    let rejected = "REJECTED";
    let rows = vec![
        (
            "another index",
            proof(&|p| p.index += 1),
            rejected,
            "log.not_included",
        ),
        (
            "an index behind the end",
            proof(&|p| p.index = 6),
            rejected,
            "log.not_included",
        ),
        (
            "another hash",
            proof(&|p| p.path[0][0] ^= 1),
            rejected,
            "log.not_included",
        ),
        (
            "a hash missing",
            proof(&|p| p.path.truncate(p.path.len() - 1)),
            rejected,
            "log.not_included",
        ),
        (
            "a hash more",
            proof(&|p| p.path.push([7; 32])),
            rejected,
            "log.not_included",
        ),
        (
            "another root",
            proof(&|p| {
                let mut checkpoint = log.checkpoint(6);
                checkpoint.root[0] ^= 1;
                p.checkpoint = checkpoint.text();
            }),
            rejected,
            "log.not_included",
        ),
        (
            "another size, which the same path fits",
            proof(&|p| p.checkpoint = p.checkpoint.replace("\n6\n", "\n7\n")),
            rejected,
            "log.bad_signature",
        ),
        (
            "an extension line more",
            proof(&|p| p.checkpoint.push_str("more\n")),
            rejected,
            "log.bad_signature",
        ),
        (
            "the log's signature: a bit flipped",
            proof(&|p| p.lines[0] = log.key.line_with(&flip(log.key.sign(&p.checkpoint, 0)))),
            rejected,
            "log.bad_signature",
        ),
        (
            "the log's signature: over the head before",
            proof(&|p| p.lines[0] = log.key.line(&log.checkpoint(5).text(), 0)),
            rejected,
            "log.bad_signature",
        ),
        (
            "the log's signature: missing",
            proof(&|p| drop(p.lines.remove(0))),
            "INCOMPLETE",
            "log.unknown_key",
        ),
        (
            "a cosignature: a bit flipped",
            proof(&|p| p.lines[1] = witness(0).line_with(&flip(witness(0).sign(&p.checkpoint, 1)))),
            rejected,
            "log.bad_cosignature",
        ),
        (
            "a cosignature: its time changed",
            proof(&|p| {
                let signature = witness(0).sign(&p.checkpoint, DECIDED_AT_SECONDS + 5);
                let earlier = [&DECIDED_AT_SECONDS.to_be_bytes()[..], &signature[8..]].concat();
                p.lines[1] = witness(0).line_with(&earlier);
            }),
            rejected,
            "log.bad_cosignature",
        ),
        (
            "a cosignature: of another head",
            proof(&|p| p.lines[1] = witness(0).line(&log.checkpoint(5).text(), DECIDED_AT_SECONDS)),
            rejected,
            "log.bad_cosignature",
        ),
        (
            "a third cosignature: bad, though two are enough",
            proof(&|p| p.lines.push(witness(2).line_with(&[0; 72]))),
            rejected,
            "log.bad_cosignature",
        ),
        (
            "a cosignature: removed",
            proof(&|p| drop(p.lines.pop())),
            "INCOMPLETE",
            "log.quorum_short",
        ),
        (
            "a cosignature: once more instead of the second",
            proof(&|p| p.lines[2] = p.lines[1].clone()),
            "INCOMPLETE",
            "log.quorum_short",
        ),
        (
            "a cosignature: by a stranger under the witness's name",
            proof(&|p| {
                let stranger = crate::Witness::new("w1", "witness.example/w1", [9; 32]);
                p.lines[1] = stranger.key.line(&p.checkpoint, DECIDED_AT_SECONDS);
            }),
            "INCOMPLETE",
            "log.quorum_short",
        ),
        (
            "a stranger's cosignature more",
            proof(&|p| {
                let stranger = crate::Witness::new("x", "x.example", [9; 32]);
                p.lines
                    .push(stranger.key.line(&p.checkpoint, DECIDED_AT_SECONDS));
            }),
            "VERIFIED",
            "ok",
        ),
        (
            "extra data",
            proof(&|p| p.extra = Some(vec![1])),
            "VERIFIED",
            "ok",
        ),
        (
            "no signatures",
            proof(&|p| p.lines.clear()),
            rejected,
            "log.checkpoint_form",
        ),
        (
            "a signature line that is none",
            proof(&|p| p.lines.push("more\n".into())),
            rejected,
            "log.checkpoint_form",
        ),
        (
            "the size with a leading zero",
            proof(&|p| p.checkpoint = p.checkpoint.replace("\n6\n", "\n06\n")),
            rejected,
            "log.checkpoint_form",
        ),
        (
            "another version",
            proof(&|p| p.header = "c2sp.org/tlog-proof@v2".into()),
            rejected,
            "log.proof_form",
        ),
        (
            "an empty proof",
            text(&|_| String::new()),
            rejected,
            "log.proof_form",
        ),
        (
            "carriage returns",
            text(&|t| t.replace('\n', "\r\n")),
            rejected,
            "log.proof_form",
        ),
        (
            "only the checkpoint",
            text(&|t| t.split_once("\n\n").unwrap().1.into()),
            rejected,
            "log.proof_form",
        ),
        (
            "the last newline missing",
            text(&|t| t.trim_end().into()),
            rejected,
            "log.checkpoint_form",
        ),
    ];
    for (name, input, verdict, code) in rows {
        file.verdict(format!("log proof: {name}"), input, verdict, code);
    }
    file.verdict(
        "log proof: under a head of another log",
        {
            let other = crate::Log::new("other.example/log", [9; 32], &[&approval.bundle.entry]);
            let mut approval = approval.clone();
            approval.bundle.log_proof = other.prove(0, 1, &[]);
            input(&approval)
        },
        "INCOMPLETE",
        "log.unknown_key",
    );
}

/// Everything below is signed, logged and witnessed as it stands.
fn wrong_from_the_start(file: &mut File) {
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
            "a reserved bit",
            drafted(|d| d.ceremony.flags = UP | UV | 2),
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
            drafted(|d| d.edit_entry = |e| e.approver = Some(vec![7; 32])),
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
