//! `bundle`: good bundles under policies that trust something else.

use serde_json::{Value, json};

use super::bundles::{and, drafted, edited, input_of, remove, under};
use super::{File, sorted};
use crate::approval::DECIDED_AT_SECONDS;
use crate::encoding::pseudo_random;
use crate::{Algorithm, Approval, Draft, Passkey, Policy};

/// Changes the policy that trusts the good bundle.
type Edit = fn(&mut Policy);

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
                &sorted(&bundle),
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
    let times: [(&str, Edit, &str, &str); 8] = [
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
    let until_2030: Edit = |p| p.approvers[0].not_after = Some("2030-01-01T00:00:00.000Z".into());
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

    let listed: [(&str, Edit, &str); 8] = [
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
