//! The signatures on the checkpoint.

use super::{File, Scene, TIME};
use crate::Log;
use crate::encoding::{flip, pseudo_random};
use crate::log::tlog_policy;
use crate::note::NOTE;

pub(super) fn rows(file: &mut File, scene: &Scene) {
    let policy = scene.policy(2);
    let good = scene.proof(&[1, 2, 3]);
    let text = &good.checkpoint;
    let with = |at: usize, line: String| {
        let mut proof = good.clone();
        proof.lines[at] = line;
        scene.input(&proof.text(), &policy)
    };
    let log = &scene.log.key;
    let bad = "log.bad_signature";
    file.invalid(
        "log signature: a bit flipped",
        with(0, log.line_with(&flip(log.sign(text, 0)))),
        bad,
    );
    file.invalid(
        "log signature: zeros",
        with(0, log.line_with(&[0; 64])),
        bad,
    );
    file.invalid(
        "log signature: cut short",
        with(0, log.line_with(&log.sign(text, 0)[..63])),
        bad,
    );
    file.invalid(
        "log signature: over another checkpoint",
        with(0, log.line(&scene.log.checkpoint(6).text(), 0)),
        bad,
    );
    file.invalid(
        "log signature: made by a witness",
        with(
            0,
            log.line_with(&scene.witnesses[0].key.with_kind(NOTE).sign(text, 0)),
        ),
        bad,
    );

    let form = "log.checkpoint_form";
    let first = &scene.witnesses[0].key;
    let many = |keep: usize, line: String, index: u64| {
        let mut proof = good.clone();
        proof.lines.truncate(keep);
        proof.lines.extend(vec![line; 17]);
        proof.index = index;
        scene.input(&proof.text(), &policy)
    };
    for (name, input) in [
        ("17 lines of the log", many(0, log.line(text, 0), 2)),
        (
            "17 lines of the log, and another index",
            many(0, log.line(text, 0), 3),
        ),
        (
            "17 bad lines of the log",
            many(0, log.line_with(&[7; 64]), 2),
        ),
        ("17 lines of a witness", many(1, first.line(text, TIME), 2)),
        (
            "17 lines of a witness, and another index",
            many(1, first.line(text, TIME), 3),
        ),
        (
            "17 lines of a witness, and none of the log",
            many(0, first.line(text, TIME), 2),
        ),
    ] {
        file.invalid(format!("limits: {name}"), input, form);
    }
    file.invalid(
        "limits: 17 lines of an unknown key and none of the log",
        many(0, log.renamed("x.example").line(text, 0), 2),
        "log.unknown_key",
    );
    let mut refused = scene.input(&good.text(), &policy);
    refused["policy"] = serde_json::json!(policy.replace("quorum all", "quorum of all"));
    file.invalid("a policy that is refused", refused, "policy.log");

    let unknown = "log.unknown_key";
    let other = Log::new("log.example/proofs", pseudo_random("another key"), &["x"]).key;
    file.invalid(
        "log signature: missing",
        {
            let mut proof = good.clone();
            proof.lines.remove(0);
            scene.input(&proof.text(), &policy)
        },
        unknown,
    );
    file.invalid(
        "log signature: by another key of the same name",
        with(0, other.line(text, 0)),
        unknown,
    );
    file.invalid(
        "log signature: under another name",
        with(0, log.renamed("other.example").line(text, 0)),
        unknown,
    );
    file.invalid(
        "log signature: another origin, the key named after it",
        {
            let text = text.replace("log.example/proofs", "other.example");
            let mut proof = scene.signed(&text, &[1, 2]);
            proof.lines[0] = log.renamed("other.example").line(&text, 0);
            scene.input(&proof.text(), &policy)
        },
        unknown,
    );
    file.invalid(
        "log signature: another origin, the key named as in the policy",
        {
            let text = text.replace("log.example/proofs", "other.example");
            scene.input(&scene.signed(&text, &[1, 2]).text(), &policy)
        },
        unknown,
    );
    file.invalid(
        "log signature: the policy knows another log",
        {
            let second = Log::new("other.example/log", pseudo_random("other log"), &["x"]);
            scene.input(
                &good.text(),
                &tlog_policy(&second, 2, &scene.witnesses[..3]),
            )
        },
        unknown,
    );
    let bad = "log.bad_cosignature";
    let third = &scene.witnesses[2].key;
    let cosignature = third.sign(text, TIME);
    let later = [&(TIME + 1).to_be_bytes()[..], &cosignature[8..]].concat();
    for (name, line) in [
        ("a bit flipped", third.line_with(&flip(cosignature.clone()))),
        ("the time changed", third.line_with(&later)),
        ("a time of 2^63", third.line(text, 1 << 63)),
        ("without a time", third.line_with(&cosignature[8..])),
        ("cut short", third.line_with(&cosignature[..71])),
        (
            "a byte too long",
            third.line_with(&[&cosignature[..], &[0]].concat()),
        ),
        (
            "over another checkpoint",
            third.line(&scene.log.checkpoint(6).text(), TIME),
        ),
        (
            "made by another witness",
            third.line_with(&scene.witnesses[1].key.sign(text, TIME)),
        ),
        (
            "a plain signature",
            third.line_with(&third.with_kind(NOTE).sign(text, 0)),
        ),
    ] {
        file.invalid(
            format!("cosignature beyond the quorum: {name}"),
            with(3, line),
            bad,
        );
    }
    file.invalid(
        "cosignature within the quorum: a bit flipped",
        {
            let mut proof = scene.proof(&[1]);
            proof
                .lines
                .push(third.line_with(&flip(cosignature.clone())));
            scene.input(&proof.text(), &policy)
        },
        bad,
    );
}
