//! `bundle`: good ones, and what the policy and the caller make of them.

use serde_json::{Value, json};

use super::File;
use crate::approval::{DECIDED_AT_SECONDS, ORIGIN, RP_ID};
use crate::ceremony::{BE, BS, ED, UP, UV};
use crate::encoding::{b64url, flip, hex, pseudo_random, sha256};
use crate::entry::canonical;
use crate::{Algorithm, Approval, Approver, Ceremony, Draft, Passkey, Policy};

/// The input that a bundle and its own policy make.
pub(super) fn input(approval: &Approval) -> Value {
    input_of(&approval.bundle.text(), &approval.policy)
}

pub(super) fn input_of(text: &str, policy: &Policy) -> Value {
    json!({"bundleText": text, "policy": policy.value()})
}

/// The input of a changed draft.
pub(super) fn drafted(edit: impl FnOnce(&mut Draft)) -> Value {
    let mut draft = Draft::sample(Algorithm::Es256);
    edit(&mut draft);
    input(&draft.mint())
}

/// The input of a good bundle whose JSON was changed afterwards.
pub(super) fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let approval = Approval::sample(Algorithm::Es256);
    let mut bundle = approval.bundle.value();
    edit(&mut bundle);
    input_of(&bundle.to_string(), &approval.policy)
}

/// The input of a good bundle under a changed policy.
fn under(edit: fn(&mut Policy)) -> Value {
    drafted(|draft| draft.edit_policy = edit)
}

/// `input` with further members.
fn and(mut input: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    input.as_object_mut().unwrap().extend(more);
    input
}

/// Removes what `pointer` names.
pub(super) fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(key).unwrap();
}

pub(super) fn good() -> File {
    let mut file = File::new(
        "bundle",
        "good",
        "bundles that are VERIFIED, and sealed ones, which cannot be",
    );
    for algorithm in Algorithm::ALL {
        file.verdict(
            format!("with a key of {}", algorithm.name()),
            input(&Approval::sample(algorithm)),
            "VERIFIED",
            "ok",
        );
    }
    let mut verified = |name: &str, input: Value| file.verdict(name, input, "VERIFIED", "ok");
    verified(
        "without a commitment to an approver",
        drafted(|d| d.disclosure = None),
    );
    verified(
        "one leaf in the log",
        drafted(|d| (d.leaves_before, d.leaves_behind) = (0, 0)),
    );
    verified(
        "the last leaf of many",
        drafted(|d| (d.leaves_before, d.leaves_behind) = (299, 0)),
    );
    verified(
        "all three witnesses",
        drafted(|d| d.cosigned.push((2, DECIDED_AT_SECONDS))),
    );
    verified(
        "no quorum",
        drafted(|d| {
            d.quorum = 0;
            d.cosigned.clear();
        }),
    );
    verified("no log in the policy", under(|p| p.log = None));
    verified("no log in the policy, and garbage for a proof", {
        let approval = Approval::sample(Algorithm::Es256);
        let mut bundle = approval.bundle.value();
        bundle["logProof"] = json!("not a proof");
        input_of(
            &bundle.to_string(),
            &Policy {
                log: None,
                ..approval.policy
            },
        )
    });
    verified(
        "a checkpoint with an extension line",
        drafted(|d| d.extensions.push("more".into())),
    );
    verified(
        "a passkey that is backed up",
        drafted(|d| d.ceremony.flags = UP | UV | BE | BS),
    );
    verified(
        "an extension output",
        drafted(|d| {
            d.ceremony.flags = UP | UV | ED;
            d.ceremony.tail = b"\xa1\x67example\xf5".to_vec();
        }),
    );
    verified(
        "client data with a member that browsers add",
        drafted(|d| {
            d.ceremony
                .extra
                .push(r#""other_keys_can_be_added_here":"x""#.into());
        }),
    );
    for length in [16, 64] {
        verified(
            &format!("a nonce of {length} bytes"),
            drafted(|d| {
                let nonce = [pseudo_random("a"), pseudo_random("b")].concat();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &nonce[..length], &d.payload);
            }),
        );
    }
    verified(
        "user verification preferred and not done",
        drafted(|d| {
            d.ceremony.flags = UP;
            d.edit_policy = |p| p.user_verification = Some("preferred".into());
        }),
    );
    verified(
        "in an allowed frame",
        drafted(|d| {
            d.ceremony.cross_origin = Some(true);
            d.ceremony.top_origin = Some("https://top.example".into());
            d.edit_policy = |p| {
                p.cross_origin = Some(true);
                p.top_origins = Some(vec!["https://top.example".into()]);
            };
        }),
    );
    verified(
        "the payload is not JSON",
        drafted(|d| {
            d.payload = b"\x00\xff".to_vec();
            d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
        }),
    );
    verified(
        "the payload is empty",
        drafted(|d| {
            d.payload = vec![];
            d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
        }),
    );
    for (name, pointer) in [
        ("the approval id", "/evidence/approvalId"),
        ("the action", "/evidence/action"),
        ("the approver", "/evidence/approver"),
        ("the e-mail address", "/evidence/approver/email"),
    ] {
        verified(
            &format!("{name} is not disclosed"),
            edited(|b| remove(b, pointer)),
        );
    }
    verified(
        "hash only: the payload is not disclosed, and the policy does not ask for it",
        {
            let draft = {
                let mut d = Draft::sample(Algorithm::Es256);
                d.edit_policy = |p| p.payload = Some("hash-only".into());
                d
            };
            let mut approval = draft.mint();
            approval.bundle.evidence.as_mut().unwrap().payload = None;
            input(&approval)
        },
    );
    verified(
        "the e-mail address is spelled differently",
        edited(|b| {
            b["evidence"]["approver"]["email"] = json!(" Alice@Example.COM\n");
        }),
    );
    verified("the JSON is indented", {
        let approval = Approval::sample(Algorithm::Es256);
        let text = serde_json::to_string_pretty(&approval.bundle.value()).unwrap();
        input_of(&text, &approval.policy)
    });
    verified("one of many approvals in one log", {
        input(&Approval::many(40).pop().unwrap())
    });
    let sealed = "evidence.client_data_missing";
    file.verdict(
        "sealed: no evidence at all",
        edited(|b| remove(b, "/evidence")),
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "sealed: empty evidence",
        edited(|b| b["evidence"] = json!({})),
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "sealed: all but the client data",
        edited(|b| remove(b, "/evidence/clientDataJSON")),
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "sealed: the caller has the payload",
        {
            let approval = Approval::sample(Algorithm::Es256);
            let input = edited(|b| remove(b, "/evidence"));
            and(input, json!({"payload": b64url(&approval.payload)}))
        },
        "INCOMPLETE",
        sealed,
    );
    file.verdict(
        "an entry of a type that is not known",
        drafted(|d| {
            let members = [("type", "cosignet.refusal/v1"), ("reason", "no")];
            let members = members.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            d.entry_text = Some(canonical(&members));
        }),
        "INCOMPLETE",
        "entry.unknown_type",
    );
    file
}

pub(super) fn policies() -> File {
    let mut file = File::new(
        "bundle",
        "policies",
        "good bundles under policies that trust something else",
    );
    let (incomplete, rejected) = ("INCOMPLETE", "REJECTED");
    let unknown = "approver.unknown_key";
    let without = |input: Value| and(input, json!({"policy": null}));
    file.verdict("no policy", without(drafted(|_| {})), incomplete, unknown);
    file.verdict(
        "no policy, sealed",
        without(edited(|b| remove(b, "/evidence"))),
        incomplete,
        "evidence.client_data_missing",
    );
    file.verdict(
        "no policy, another payload",
        without(edited(|b| b["evidence"]["payload"] = json!("AA"))),
        rejected,
        "payload.mismatch",
    );
    file.verdict(
        "no policy, a broken signature",
        without(edited(|b| {
            super::mutations::edit_entry(b, |m| drop(m.insert("signature".into(), "AA".into())));
        })),
        rejected,
        "webauthn.bad_signature",
    );

    file.verdict(
        "unknown key",
        under(|p| drop(p.approvers.remove(0))),
        incomplete,
        unknown,
    );
    file.verdict(
        "no approvers",
        under(|p| p.approvers.clear()),
        incomplete,
        unknown,
    );
    file.verdict(
        "unknown key under a known credential id",
        under(|p| {
            p.approvers[0].public_key = Passkey::new(Algorithm::Es256, "other").public_key;
        }),
        incomplete,
        unknown,
    );
    file.verdict(
        "unknown key and a broken signature",
        {
            let approval = Approval::sample(Algorithm::Es256);
            let mut bundle = approval.bundle.value();
            super::mutations::edit_entry(&mut bundle, |m| {
                drop(m.insert("signature".into(), "AA".into()))
            });
            input_of(
                &bundle.to_string(),
                &Policy {
                    approvers: vec![],
                    ..approval.policy
                },
            )
        },
        rejected,
        "webauthn.bad_signature",
    );
    file.verdict(
        "a known key without a credential id",
        under(|p| p.approvers[0].credential_id = None),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "a known key with another credential id",
        under(|p| p.approvers[0].credential_id = Some(vec![7; 16])),
        "VERIFIED",
        "ok",
    );

    // The quorum of two stands seven seconds after the decision.
    let times: [(&str, fn(&mut Policy), &str, &str); 8] = [
        (
            "valid until the quorum",
            |p| p.approvers[0].not_after = Some("2026-03-01T12:00:07.000Z".into()),
            "VERIFIED",
            "ok",
        ),
        (
            "expired a millisecond before the quorum",
            |p| p.approvers[0].not_after = Some("2026-03-01T12:00:06.999Z".into()),
            rejected,
            "approver.key_expired",
        ),
        (
            "expired between decision and first cosignature",
            |p| p.approvers[0].not_after = Some("2026-03-01T12:00:01.000Z".into()),
            rejected,
            "approver.key_expired",
        ),
        (
            "expired long ago",
            |p| p.approvers[0].not_after = Some("2020-01-01T00:00:00.000Z".into()),
            rejected,
            "approver.key_expired",
        ),
        (
            "valid from the quorum on",
            |p| p.approvers[0].not_before = Some("2026-03-01T12:00:07.000Z".into()),
            "VERIFIED",
            "ok",
        ),
        (
            "valid from a millisecond after the quorum",
            |p| p.approvers[0].not_before = Some("2026-03-01T12:00:07.001Z".into()),
            rejected,
            "approver.key_not_yet_valid",
        ),
        (
            "not valid for a year yet",
            |p| p.approvers[0].not_before = Some("2027-03-01T12:00:00.000Z".into()),
            rejected,
            "approver.key_not_yet_valid",
        ),
        (
            "another approver's key has expired",
            |p| p.approvers[1].not_after = Some("2020-01-01T00:00:00.000Z".into()),
            "VERIFIED",
            "ok",
        ),
    ];
    for (name, edit, verdict, code) in times {
        file.verdict(name, under(edit), verdict, code);
    }
    let until_2030: fn(&mut Policy) =
        |p| p.approvers[0].not_after = Some("2030-01-01T00:00:00.000Z".into());
    file.verdict(
        "three witnesses, and the earliest two count",
        drafted(|d| {
            d.cosigned = vec![
                (0, DECIDED_AT_SECONDS + 9000),
                (1, DECIDED_AT_SECONDS + 5),
                (2, DECIDED_AT_SECONDS + 7),
            ];
            d.edit_policy = |p| p.approvers[0].not_after = Some("2026-03-01T12:00:07.000Z".into());
        }),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "an expiry, and no quorum in the policy",
        drafted(|d| {
            d.quorum = 0;
            d.edit_policy = until_2030;
        }),
        incomplete,
        "approver.time_unproven",
    );
    file.verdict(
        "an expiry, and no log in the policy",
        under(|p| {
            p.approvers[0].not_after = Some("2030-01-01T00:00:00.000Z".into());
            p.log = None;
        }),
        incomplete,
        "approver.time_unproven",
    );
    file.verdict(
        "an expiry, and too few cosignatures",
        drafted(|d| {
            d.cosigned.truncate(1);
            d.edit_policy = until_2030;
        }),
        incomplete,
        "approver.time_unproven",
    );

    let listed: [(&str, fn(&mut Policy), &str); 8] = [
        (
            "another RP id",
            |p| p.rp_ids = vec!["other.example".into()],
            "webauthn.rp_id",
        ),
        (
            "an RP id of the parent domain",
            |p| p.rp_ids = vec!["example".into()],
            "webauthn.rp_id",
        ),
        (
            "an RP id in capitals",
            |p| p.rp_ids = vec!["APPROVALS.example".into()],
            "webauthn.rp_id",
        ),
        (
            "another origin",
            |p| p.origins = vec!["https://other.example".into()],
            "webauthn.origin",
        ),
        (
            "an origin with a slash",
            |p| p.origins = vec!["https://approvals.example/".into()],
            "webauthn.origin",
        ),
        (
            "an origin with a port",
            |p| p.origins = vec!["https://approvals.example:443".into()],
            "webauthn.origin",
        ),
        (
            "an origin without https",
            |p| p.origins = vec!["http://approvals.example".into()],
            "webauthn.origin",
        ),
        (
            "an RP id where an origin belongs",
            |p| p.origins = vec!["approvals.example".into()],
            "webauthn.origin",
        ),
    ];
    for (name, edit, code) in listed {
        file.verdict(name, under(edit), rejected, code);
    }
    file.verdict(
        "the second of two RP ids and origins",
        under(|p| {
            p.rp_ids.insert(0, "other.example".into());
            p.origins.insert(0, "https://other.example".into());
        }),
        "VERIFIED",
        "ok",
    );

    file.verdict(
        "another log",
        {
            let approval = Approval::sample(Algorithm::Es256);
            let mut other = Draft::sample(Algorithm::Es256);
            other.log_seed = pseudo_random("another log");
            input_of(&approval.bundle.text(), &other.mint().policy)
        },
        incomplete,
        "log.unknown_key",
    );
    for (name, quorum, cosigned) in [
        (
            "two witnesses wanted, one there",
            2,
            vec![(0, DECIDED_AT_SECONDS)],
        ),
        ("two witnesses wanted, none there", 2, vec![]),
        (
            "two witnesses wanted, one there twice",
            2,
            vec![(0, DECIDED_AT_SECONDS), (0, DECIDED_AT_SECONDS + 1)],
        ),
        (
            "three witnesses wanted, two there",
            3,
            vec![(0, DECIDED_AT_SECONDS), (1, DECIDED_AT_SECONDS)],
        ),
    ] {
        file.verdict(
            name,
            drafted(|d| (d.quorum, d.cosigned) = (quorum, cosigned)),
            incomplete,
            "log.quorum_short",
        );
    }
    file.verdict(
        "other witnesses wanted",
        drafted(|d| {
            d.cosigned = vec![(3, DECIDED_AT_SECONDS), (4, DECIDED_AT_SECONDS)];
            d.witnesses = (1..=5).map(crate::approval::witness).collect();
            d.edit_policy = |p| {
                let text = p.log.as_ref().unwrap();
                p.log = Some(text.replace("w1 w2 w3 w4 w5", "w1 w2 w3"));
            };
        }),
        incomplete,
        "log.quorum_short",
    );
    file
}

pub(super) fn expectations() -> File {
    let mut file = File::new(
        "bundle",
        "expectations",
        "good bundles that are not the ones that the caller asked for",
    );
    let approval = Approval::sample(Algorithm::Es256);
    let expecting = |value: Value| and(input(&approval), json!({"expectations": value}));
    let id = approval.approval_id.clone();
    let other = Draft::numbered(Algorithm::Es256, 2).approval_id;
    let hash = hex(&sha256(&approval.payload));
    let rejected = "REJECTED";

    file.verdict(
        "everything as expected",
        expecting(json!({
            "approvalId": id, "approver": "alice", "rpId": RP_ID, "payloadSha256": hash,
        })),
        "VERIFIED",
        "ok",
    );
    file.verdict("nothing expected", expecting(json!({})), "VERIFIED", "ok");
    file.verdict(
        "the approval id, which the bundle does not disclose",
        and(
            edited(|b| remove(b, "/evidence/approvalId")),
            json!({"expectations": {"approvalId": id}}),
        ),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "another approval id",
        expecting(json!({"approvalId": other})),
        rejected,
        "expectation.approval_id",
    );
    file.verdict(
        "another approval id, and the bundle discloses none",
        and(
            edited(|b| remove(b, "/evidence/approvalId")),
            json!({"expectations": {"approvalId": other}}),
        ),
        rejected,
        "expectation.approval_id",
    );
    file.verdict(
        "another approval id, sealed",
        and(
            edited(|b| remove(b, "/evidence")),
            json!({"expectations": {"approvalId": other}}),
        ),
        rejected,
        "expectation.approval_id",
    );
    for name in ["bob", "Alice", "alice ", "mallory", ""] {
        file.verdict(
            format!("approver {name:?}"),
            expecting(json!({"approver": name})),
            rejected,
            "expectation.approver",
        );
    }
    file.verdict(
        "one of two keys of the approver",
        and(
            drafted(|d| {
                d.edit_policy = |p| {
                    p.approvers[1].name = "alice".into();
                }
            }),
            json!({"expectations": {"approver": "alice"}}),
        ),
        "VERIFIED",
        "ok",
    );
    for rp_id in ["other.example", "example", "approvals.example.", ""] {
        file.verdict(
            format!("RP id {rp_id:?}"),
            expecting(json!({"rpId": rp_id})),
            rejected,
            "expectation.rp_id",
        );
    }
    file.verdict(
        "another RP id that the policy lists too",
        and(
            drafted(|d| {
                d.edit_policy = |p| {
                    p.rp_ids.push("other.example".into());
                }
            }),
            json!({"expectations": {"rpId": "other.example"}}),
        ),
        rejected,
        "expectation.rp_id",
    );
    file.verdict(
        "another payload hash",
        expecting(json!({"payloadSha256": hex(&flip(sha256(&approval.payload).to_vec()))})),
        rejected,
        "payload.mismatch",
    );
    file.verdict(
        "another payload hash, under a policy for hashes only",
        and(
            drafted(|d| {
                d.edit_policy = |p| {
                    p.payload = Some("hash-only".into());
                }
            }),
            json!({"expectations": {"payloadSha256": hex(&[7; 32])}}),
        ),
        rejected,
        "payload.mismatch",
    );

    let at = |time: &str| and(input(&approval), json!({"at": time}));
    for (name, time, good) in [
        ("a day later", "2026-03-02T12:00:00.000Z", true),
        ("at the last cosignature", "2026-03-01T12:00:07.000Z", true),
        (
            "two minutes before the last cosignature",
            "2026-03-01T11:58:07.000Z",
            true,
        ),
        (
            "a millisecond before that",
            "2026-03-01T11:58:06.999Z",
            false,
        ),
        (
            "two minutes before the decision",
            "2026-03-01T11:58:00.000Z",
            false,
        ),
        ("a year before", "2025-03-01T12:00:00.000Z", false),
    ] {
        let (verdict, code) = if good {
            ("VERIFIED", "ok")
        } else {
            (rejected, "time.in_future")
        };
        file.verdict(format!("at: {name}"), at(time), verdict, code);
    }
    file.verdict(
        "at: the service dates the decision an hour after its cosignatures",
        and(
            drafted(|d| {
                d.decided_at = "2026-03-01T13:00:00.000Z".into();
            }),
            json!({"at": "2026-03-01T12:30:00.000Z"}),
        ),
        rejected,
        "time.in_future",
    );
    file.verdict(
        "at: a witness outside the quorum is ahead of time",
        and(
            drafted(|d| {
                d.cosigned.push((2, DECIDED_AT_SECONDS + 86_400));
            }),
            json!({"at": "2026-03-01T12:30:00.000Z"}),
        ),
        rejected,
        "time.in_future",
    );
    file
}

pub(super) fn payloads() -> File {
    let mut file = File::new(
        "bundle",
        "payloads",
        "the payload that the caller has, against the one that was approved",
    );
    let approval = Approval::sample(Algorithm::Es256);
    let given = |text: &str| {
        and(
            input(&approval),
            json!({"payload": b64url(text.as_bytes())}),
        )
    };
    let text = String::from_utf8(approval.payload.clone()).unwrap();
    let spaced = text.replace(',', ", \n ").replace(':', " : ");
    let reordered = {
        let inside = &text[1..text.len() - 1];
        let (first, rest) = inside.split_once(',').unwrap();
        format!("{{{rest},{first}}}")
    };
    let (rejected, mismatch) = ("REJECTED", "payload.mismatch");

    file.verdict("the same bytes", given(&text), "VERIFIED", "ok");
    file.verdict("with white space", given(&spaced), "VERIFIED", "ok");
    file.verdict(
        "with its keys in another order",
        given(&reordered),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "with escapes that mean the same",
        given(&text.replace("wire", "\\u0077ire")),
        "VERIFIED",
        "ok",
    );
    let without = || edited(|b| remove(b, "/evidence/payload"));
    file.verdict(
        "not in the bundle, the same bytes",
        and(without(), json!({"payload": b64url(text.as_bytes())})),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "not in the bundle, the same hash",
        and(
            without(),
            json!({"expectations": {"payloadSha256": hex(&sha256(text.as_bytes()))}}),
        ),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "neither in the bundle nor given",
        without(),
        "INCOMPLETE",
        "payload.missing",
    );
    file.verdict(
        "not in the bundle, and laid out otherwise",
        and(without(), json!({"payload": b64url(spaced.as_bytes())})),
        rejected,
        mismatch,
    );
    for (name, other) in [
        ("another amount", text.replace("1001.00", "1001.01")),
        (
            "an amount as a number",
            text.replace("\"1001.00\"", "1001.00"),
        ),
        ("a member more", text.replacen('{', "{\"a\":1,", 1)),
        ("a member less", text.replace(",\"currency\":\"EUR\"", "")),
        (
            "a member twice",
            text.replacen('{', "{\"amount\":\"9\",", 1),
        ),
        (
            "a member twice, the same",
            text.replacen('{', "{\"amount\":\"1001.00\",", 1),
        ),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("a comma too many", text.replace('}', ",}")),
        (
            "white space inside a string",
            text.replace("Acme GmbH", "Acme  GmbH"),
        ),
        (
            "a letter that looks the same",
            text.replace("Acme", "\u{410}cme"),
        ),
        ("not JSON", "transfer it".into()),
        ("empty", String::new()),
    ] {
        file.verdict(name, given(&other), rejected, mismatch);
    }
    file.verdict(
        "another one, under a policy for hashes only",
        {
            let input = under(|p| p.payload = Some("hash-only".into()));
            and(input, json!({"payload": b64url(b"{}")}))
        },
        rejected,
        mismatch,
    );
    file.verdict(
        "another one in the bundle, the right one given",
        and(
            edited(|b| b["evidence"]["payload"] = json!(b64url(b"{}"))),
            json!({"payload": b64url(text.as_bytes())}),
        ),
        rejected,
        mismatch,
    );
    file.verdict(
        "another one in the bundle and given",
        and(
            edited(|b| b["evidence"]["payload"] = json!(b64url(b"{}"))),
            json!({"payload": b64url(b"{}")}),
        ),
        rejected,
        mismatch,
    );
    file.verdict(
        "laid out otherwise in the bundle",
        edited(|b| {
            b["evidence"]["payload"] = json!(b64url(spaced.as_bytes()));
        }),
        rejected,
        mismatch,
    );

    // Approved texts that have no canonical form: only the same bytes will do.
    for (name, approved, same) in [
        ("1.0 and 1", r#"{"n":1.0}"#, r#"{"n":1}"#),
        ("1.0 twice, spaced", r#"{"n":1.0}"#, r#"{"n": 1.0}"#),
        ("1e2 and 100", r#"{"n":1e2}"#, r#"{"n":100}"#),
        ("-0 and 0", r#"{"n":-0}"#, r#"{"n":0}"#),
        (
            "2^53 + 1 and 2^53",
            r#"{"n":9007199254740993}"#,
            r#"{"n":9007199254740992}"#,
        ),
        (
            "2^53 + 1 twice, spaced",
            r#"{"n":9007199254740993}"#,
            r#"{"n": 9007199254740993}"#,
        ),
        ("1e400 twice, spaced", r#"{"n":1e400}"#, r#"{"n": 1e400}"#),
        (
            "a member twice in both, spaced",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1, "a":2}"#,
        ),
    ] {
        let approve = || {
            drafted(|d| {
                d.payload = approved.as_bytes().to_vec();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
            })
        };
        let exact = json!({"payload": b64url(approved.as_bytes())});
        file.verdict(
            format!("number forms: {name}: the same bytes"),
            and(approve(), exact),
            "VERIFIED",
            "ok",
        );
        let other = json!({"payload": b64url(same.as_bytes())});
        file.verdict(
            format!("number forms: {name}"),
            and(approve(), other),
            rejected,
            mismatch,
        );
    }
    file.verdict(
        "canonical numbers, spaced",
        and(
            drafted(|d| {
                d.payload = br#"{"n":[1,0.5,1e+21,-7]}"#.to_vec();
                d.ceremony = Ceremony::new(RP_ID, ORIGIN, &[7; 32], &d.payload);
            }),
            json!({"payload": b64url(br#"{ "n": [1, 0.5, 1e+21, -7] }"#)}),
        ),
        "VERIFIED",
        "ok",
    );
    file
}

/// The policy that trusts `passkey` alone.
pub(super) fn trusting(policy: &Policy, passkey: &Passkey) -> Policy {
    Policy {
        approvers: vec![Approver::new("alice", passkey)],
        ..policy.clone()
    }
}
