//! `bundle`: what the caller asked for: approval id, approver, RP id, a moment.

use serde_json::{Value, json};

use super::File;
use super::bundles::{and, drafted, edited, input, remove};
use crate::approval::{DECIDED_AT_SECONDS, RP_ID};
use crate::encoding::{flip, hex, sha256};
use crate::{Algorithm, Approval, Draft};

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
    // What cannot be compared does not hide what is wrong.
    for (name, wrong, code) in [
        (
            "approval id",
            json!({"approvalId": other}),
            "expectation.approval_id",
        ),
        (
            "RP id",
            json!({"rpId": "other.example"}),
            "expectation.rp_id",
        ),
    ] {
        let mut asked = and(
            expecting(json!({"approver": "alice"})),
            json!({"policy": null}),
        );
        for (key, value) in wrong.as_object().unwrap() {
            asked["expectations"][key] = value.clone();
        }
        file.verdict(
            format!("an approver and another {name}, without a policy"),
            asked,
            rejected,
            code,
        );
    }
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
