//! `bundle`: who signed the head and the anchored one, and when the quorum was met.

use serde_json::{Value, json};

use super::File;
use super::bundles::{and, input, input_of};
use crate::approval::{DECIDED_AT_SECONDS, LOG_ORIGIN};
use crate::bitcoin::{promised, proof};
use crate::bundle::Anchor;
use crate::encoding::{flip, pseudo_random, sha256};
use crate::note::{NOTE, NoteKey};
use crate::{Algorithm, Approval, Draft, Policy};

const OK: (&str, &str) = ("VERIFIED", "ok");
const EXPIRED: (&str, &str) = ("REJECTED", "approver.key_expired");
const ANCHOR: (&str, &str) = ("REJECTED", "anchor.log");

pub(super) fn heads() -> File {
    let mut file = File::new(
        "bundle",
        "heads",
        "signatures on the head of the log and on the anchored head: several lines of one witness, \
         several keys of one log, and the time that they prove",
    );
    times(&mut file);
    anchored(&mut file);
    rotated(&mut file);
    file
}

/// Seconds after the decision as a time.
fn at(seconds: u64) -> String {
    format!("2026-03-01T12:{:02}:{:02}.000Z", seconds / 60, seconds % 60)
}

/// The head of this draft is cosigned by these lines; `alice` may sign until `not_after`.
fn until(draft: &Draft, not_after: &str) -> Approval {
    let mut approval = draft.mint();
    approval.policy.approvers[0].not_after = Some(not_after.into());
    approval
}

fn times(file: &mut File) {
    let mut twice = Draft::sample(Algorithm::Es256);
    // The first witness again, earlier: both lines are true, and the earlier one says more.
    twice.cosigned = vec![
        (0, DECIDED_AT_SECONDS + 30),
        (1, DECIDED_AT_SECONDS + 7),
        (0, DECIDED_AT_SECONDS + 5),
    ];
    for (name, end, (verdict, code)) in [
        ("that of the later witness", at(7), OK),
        ("a second less", at(6), EXPIRED),
    ] {
        let name = format!("two lines of one witness, the earlier one counts: until {name}");
        file.verdict(name, input(&until(&twice, &end)), verdict, code);
    }
    // The second smallest of three, not the largest and not the smallest.
    let mut three = Draft::sample(Algorithm::Es256);
    three.cosigned.push((2, DECIDED_AT_SECONDS + 1));
    for (name, end, (verdict, code)) in [
        ("the second of three times", at(5), OK),
        ("less than the second of three times", at(4), EXPIRED),
    ] {
        let name = format!("a quorum of two of three: until {name}");
        file.verdict(name, input(&until(&three, &end)), verdict, code);
    }
    for (name, seconds, (verdict, code)) in [
        ("the first second", 1, OK),
        ("the last second", 253_402_300_799, OK),
        (
            "a second after the last one",
            253_402_300_800,
            ("REJECTED", "log.bad_cosignature"),
        ),
        ("no second", 0, ("REJECTED", "log.bad_cosignature")),
    ] {
        let mut draft = Draft::sample(Algorithm::Es256);
        draft.cosigned = vec![(0, seconds), (1, seconds)];
        file.verdict(
            format!("cosigned at {name} that there is"),
            input(&draft.mint()),
            verdict,
            code,
        );
    }
    let draft = Draft::sample(Algorithm::Es256);
    let asked = |millis: &str| and(input(&draft.mint()), json!({"at": millis}));
    for (name, moment, (verdict, code)) in [
        ("two minutes before the last witness", "11:58:07.000", OK),
        (
            "a millisecond more than two minutes before the last witness",
            "11:58:06.999",
            ("REJECTED", "time.in_future"),
        ),
    ] {
        let moment = format!("2026-03-01T{moment}Z");
        file.verdict(format!("asked {name}"), asked(&moment), verdict, code);
    }
    for (name, moment, (verdict, code)) in [
        (
            "asked at the first moment",
            "1970-01-01T00:00:00.000Z",
            ("REJECTED", "time.in_future"),
        ),
        ("asked at the last moment", "9999-12-31T23:59:59.999Z", OK),
    ] {
        file.verdict(name, asked(moment), verdict, code);
    }
    for (name, decided, (verdict, code)) in [
        (
            "decided at the first moment",
            "1970-01-01T00:00:00.000Z",
            OK,
        ),
        ("decided at the last moment", "9999-12-31T23:59:59.999Z", OK),
        (
            "decided before the first moment",
            "1969-12-31T23:59:59.999Z",
            ("REJECTED", "entry.field"),
        ),
    ] {
        let mut draft = Draft::sample(Algorithm::Es256);
        draft.decided_at = decided.into();
        file.verdict(name, input(&draft.mint()), verdict, code);
    }
    let mut limits = until(&draft, &at(7));
    limits.policy.approvers[0].not_before = Some(at(7));
    file.verdict("both limits are the bound", input(&limits), OK.0, OK.1);
}

fn with_anchor(draft: &Draft, anchor: Anchor) -> Approval {
    let mut approval = draft.mint();
    approval.bundle.anchor = Some(anchor);
    approval
}

/// The anchored head with other signature lines.
fn relined(draft: &Draft, edit: impl FnOnce(&mut Vec<String>, &str)) -> Anchor {
    let mut anchor = draft.anchor(5);
    let text = anchor.log_proof.checkpoint.clone();
    edit(&mut anchor.log_proof.lines, &text);
    stamped(anchor)
}

/// The head with its lines as they are now, and a promise for it.
fn stamped(mut anchor: Anchor) -> Anchor {
    anchor.checkpoint = anchor.log_proof.note();
    let promise = promised("https://calendar.example");
    anchor.ots = Some(proof(&sha256(anchor.checkpoint.as_bytes()), &promise));
    anchor
}

fn anchored(file: &mut File) {
    let draft = Draft::sample(Algorithm::Es256);
    let third = &draft.witnesses[2].key;
    let late = DECIDED_AT_SECONDS + 7210;
    file.verdict(
        "an anchored head with a bad cosignature beyond its quorum",
        input(&with_anchor(
            &draft,
            relined(&draft, |lines, text| {
                lines.push(third.line_with(&flip(third.sign(text, late))));
            }),
        )),
        ANCHOR.0,
        ANCHOR.1,
    );
    let short = |required: bool| {
        let anchor = relined(&draft, |lines, _| drop(lines.pop()));
        let mut approval = with_anchor(&draft, anchor);
        approval.policy.anchor = Some(json!({"required": required}));
        input(&approval)
    };
    let name = "an anchored head with too few cosignatures is no anchor";
    file.verdict(name, short(false), OK.0, OK.1);
    file.verdict(
        format!("{name}, and one is required"),
        short(true),
        "INCOMPLETE",
        "anchor.missing",
    );
    let mut alone = draft.anchor(5);
    alone.consistency = None;
    file.verdict(
        "witnesses stand for consistency where there are any",
        input(&with_anchor(&draft, alone)),
        OK.0,
        OK.1,
    );
    let anchor = draft.anchor(5);
    let moment = |text: &str| {
        let approval = with_anchor(&draft, anchor.clone());
        and(input(&approval), json!({ "at": text }))
    };
    file.verdict(
        "asked two minutes before the anchored head was cosigned",
        moment("2026-03-01T13:58:07.000Z"),
        OK.0,
        OK.1,
    );
    file.verdict(
        "asked more than two minutes before the anchored head was cosigned",
        moment("2026-03-01T13:58:06.999Z"),
        "REJECTED",
        "time.in_future",
    );
    // The head of the bundle was cosigned a day later than the anchored one.
    let mut slow = Draft::sample(Algorithm::Es256);
    slow.cosigned = vec![(0, DECIDED_AT_SECONDS + 59), (1, DECIDED_AT_SECONDS + 58)];
    let early = relined(&draft, |lines, text| {
        for (line, witness) in lines[1..].iter_mut().zip(&draft.witnesses) {
            *line = witness.key.line(text, DECIDED_AT_SECONDS + 9);
        }
    });
    for (name, end, (verdict, code)) in [
        ("until it was met", at(9), OK),
        ("a second less", at(8), EXPIRED),
    ] {
        let mut approval = until(&slow, &end);
        approval.bundle.anchor = Some(early.clone());
        file.verdict(
            format!("the quorum of the anchored head was met earlier: {name}"),
            input(&approval),
            verdict,
            code,
        );
    }
}

/// A policy has two keys of one log, the next one first; the head is signed by the old one.
fn rotated(file: &mut File) {
    let draft = Draft::sample(Algorithm::Es256);
    let new = NoteKey::new(LOG_ORIGIN, NOTE, pseudo_random("the log's next key"));
    let both = |mut policy: Policy| {
        let log = policy.log.unwrap();
        policy.log = Some(format!("log {}\n{log}", new.vkey()));
        policy
    };
    let rekeyed = |lines: &mut Vec<String>, text: &str| lines[0] = new.line(text, 0);
    let under_both = |approval: &Approval| -> Value {
        input_of(&approval.bundle.text(), &both(approval.policy.clone()))
    };
    for later in [0, 5] {
        let mut anchor = draft.anchor(later);
        let text = anchor.log_proof.checkpoint.clone();
        rekeyed(&mut anchor.log_proof.lines, &text);
        let anchor = stamped(anchor);
        file.verdict(
            format!("an anchored head {later} leaves later, by another key of the same log"),
            under_both(&with_anchor(&draft, anchor)),
            ANCHOR.0,
            ANCHOR.1,
        );
    }
    let first = relined(&draft, |lines, text| lines.insert(1, new.line(text, 0)));
    let second = relined(&draft, |lines, text| lines.insert(0, new.line(text, 0)));
    file.verdict(
        "an anchored head by both keys, the key of the head first",
        under_both(&with_anchor(&draft, first)),
        OK.0,
        OK.1,
    );
    file.verdict(
        "an anchored head by both keys, the other one first",
        under_both(&with_anchor(&draft, second)),
        ANCHOR.0,
        ANCHOR.1,
    );
    let mut approval = draft.mint();
    let text = approval.bundle.log_proof.checkpoint.clone();
    rekeyed(&mut approval.bundle.log_proof.lines, &text);
    file.verdict(
        "a head by the second of two keys in the policy",
        under_both(&approval),
        OK.0,
        OK.1,
    );
    let proof = &mut approval.bundle.log_proof;
    proof.lines.push(new.line_with(&flip(new.sign(&text, 0))));
    file.verdict(
        "a head by a key of the log, and a bad signature by it as well",
        under_both(&approval),
        "REJECTED",
        "log.bad_signature",
    );
}
