//! `bundle`: whether anchors belong to the entry. Their timestamps are only pending.

use serde_json::{Value, json};

use super::File;
use super::bundles::input;
use crate::bundle::Anchor;
use crate::encoding::{flip, pseudo_random};
use crate::{Algorithm, Approval, Draft, Policy};

const REQUIRED: fn(&mut Policy) = |p| p.anchor = Some(json!({"required": true}));

pub(super) fn anchors() -> File {
    let mut file = File::new(
        "bundle",
        "anchors",
        "anchors that belong to the entry, and anchors that do not; the timestamps themselves are \
         only pending",
    );
    let mut draft = Draft::sample(Algorithm::Es256);
    let mut required = draft.clone();
    required.edit_policy = REQUIRED;
    let (incomplete, rejected) = ("INCOMPLETE", "REJECTED");

    file.verdict(
        "required and missing",
        input(&required.mint()),
        incomplete,
        "anchor.missing",
    );
    for (name, later) in [("at the same head", 0), ("at a later head", 5)] {
        file.verdict(
            format!("not required, {name}"),
            anchored(&draft, draft.anchor(later)),
            "VERIFIED",
            "ok",
        );
        file.verdict(
            format!("required, {name}"),
            anchored(&required, required.anchor(later)),
            incomplete,
            "anchor.pending",
        );
    }
    file.verdict(
        "required in the policy, and without a log",
        {
            let mut required = required.clone();
            required.edit_policy = |p| {
                REQUIRED(p);
                p.log = None;
            };
            input(&required.mint())
        },
        incomplete,
        "anchor.missing",
    );
    let mut header = draft.anchor(5);
    header.header = Some((900_000, vec![7; 80]));
    file.verdict(
        "with a header, which proves nothing",
        anchored(&draft, header),
        "VERIFIED",
        "ok",
    );

    for (name, anchor) in misfits(&draft) {
        file.verdict(
            name.clone(),
            anchored(&draft, anchor.clone()),
            rejected,
            "anchor.log",
        );
        file.verdict(
            format!("required, {name}"),
            anchored(&required, anchor),
            rejected,
            "anchor.log",
        );
    }

    draft.quorum = 0;
    draft.cosigned.clear();
    let good = draft.anchor(5);
    file.verdict(
        "no quorum, at the same head",
        anchored(&draft, draft.anchor(0)),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "no quorum, with a consistency proof",
        anchored(&draft, good.clone()),
        "VERIFIED",
        "ok",
    );
    let mut without = good.clone();
    without.consistency = None;
    file.verdict(
        "no quorum, without a consistency proof",
        anchored(&draft, without),
        rejected,
        "anchor.log",
    );
    let mut empty = good.clone();
    empty.consistency = Some(vec![]);
    file.verdict(
        "no quorum, with an empty consistency proof",
        anchored(&draft, empty),
        rejected,
        "anchor.log",
    );
    // The bundle's head is four leaves later than the one that was anchored.
    let (_, entry) = draft.sign();
    let size = draft.log(&entry, 0).tree().size();
    let mut later = draft.clone();
    later.leaves_behind += 4;
    let earlier = |consistency| {
        let mut anchor = draft.anchor(0);
        anchor.consistency = consistency;
        anchored(&later, anchor)
    };
    let shown = draft.log(&entry, 4).tree().consistency(size, size + 4);
    file.verdict(
        "no quorum, at an earlier head, with a consistency proof",
        earlier(Some(shown)),
        "VERIFIED",
        "ok",
    );
    file.verdict(
        "no quorum, at an earlier head, without a consistency proof",
        earlier(None),
        rejected,
        "anchor.log",
    );
    let mut wrong = good;
    wrong.consistency.as_mut().unwrap()[0][0] ^= 1;
    file.verdict(
        "no quorum, with a wrong consistency proof",
        anchored(&draft, wrong),
        rejected,
        "anchor.log",
    );
    file
}

fn anchored(draft: &Draft, anchor: Anchor) -> Value {
    let mut approval = draft.mint();
    approval.bundle.anchor = Some(anchor);
    input(&approval)
}

/// Anchors that do not belong to the entry of `draft`.
fn misfits(draft: &Draft) -> Vec<(String, Anchor)> {
    let good = draft.anchor(5);
    let with = |edit: &dyn Fn(&mut Anchor)| {
        let mut anchor = good.clone();
        edit(&mut anchor);
        anchor
    };
    let mut other_log = draft.clone();
    other_log.log_seed = pseudo_random("another log");
    let mut other_entry = draft.clone();
    other_entry.decided_at = "2026-03-01T12:00:01.000Z".into();
    let mut other_place = draft.clone();
    (other_place.leaves_before, other_place.leaves_behind) = (3, 2);
    let note = |anchor: &mut Anchor| anchor.checkpoint = anchor.log_proof.note();
    let rows: Vec<(&str, Anchor)> = vec![
        ("another log", other_log.anchor(5)),
        ("another log at the same size", other_log.anchor(0)),
        ("another entry", other_entry.anchor(5)),
        ("the same size and another root", other_entry.anchor(0)),
        (
            "the same size and another root, with this entry in it",
            other_place.anchor(0),
        ),
        ("another index", with(&|a| a.log_proof.index += 1)),
        (
            "a hash missing",
            with(&|a| a.log_proof.path.truncate(a.log_proof.path.len() - 1)),
        ),
        (
            "a bad signature of the log",
            with(&|a| {
                let key = draft.log("", 0).key;
                a.log_proof.lines[0] = key.line_with(&flip(key.sign(&a.log_proof.checkpoint, 0)));
                note(a);
            }),
        ),
        (
            "no signature of the log",
            with(&|a| {
                a.log_proof.lines.remove(0);
                note(a);
            }),
        ),
        (
            "a checkpoint of another head than the proof",
            with(&|a| a.checkpoint = draft.anchor(4).checkpoint),
        ),
    ];
    rows.into_iter()
        .map(|(name, anchor)| (name.to_owned(), anchor))
        .collect()
}

/// The anchor in a bundle's JSON, for tests that break its form.
pub(super) fn bundle_with_anchor() -> (Value, Policy) {
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.reveal_email = true;
    let mut approval: Approval = draft.mint();
    let mut anchor = draft.anchor(5);
    anchor.header = Some((900_000, vec![7; 80]));
    approval.bundle.anchor = Some(anchor);
    (approval.bundle.value(), approval.policy)
}
