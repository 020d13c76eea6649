//! The log proof changed.

use serde_json::json;

use super::super::File;
use super::super::bundles::{input, input_of};
use crate::approval::DECIDED_AT_SECONDS;
use crate::encoding::flip;
use crate::note::LogProof;
use crate::{Algorithm, Draft};

pub(super) fn rows(file: &mut File) {
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
