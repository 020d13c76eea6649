//! Decisions whose entries a block of Bitcoin holds, some of them or all.

use serde_json::{Value, json};

use super::super::File;
use super::super::blocks::{HEIGHT, block_time, pin, stamp};
use super::super::bundles::and;
use super::super::people::{SEALED_AT, asked, members, no, policy, wanting, yes};
use crate::bitcoin::{Chain, follow, in_block, path, promised, proof, timestamp};
use crate::bundle::Anchor;
use crate::encoding::{b64url, sha256};
use crate::{Decision, Ledger};

/// Three answers under one head, two more and another head two hours later, and the chain with the
/// block that holds the later head.
struct Scene {
    ledger: Ledger,
    chain: Chain,
}

impl Scene {
    fn new() -> Self {
        let mut ledger = Ledger::default();
        ledger.add(yes("bob"));
        ledger.add(yes("cat"));
        ledger.add(no("ann"));
        ledger.seal(SEALED_AT);
        ledger.add(yes("dan"));
        ledger.add(yes("eve"));
        ledger.seal(SEALED_AT + 7200);
        let root = follow(&path(), &stamp(&ledger.anchor(0, 1)));
        let chain = Chain::default()
            .extended(4, block_time() - 3000, "below")
            .with(root, block_time())
            .extended(9, block_time() + 600, "above");
        Self { ledger, chain }
    }

    fn anchor(&self, index: usize) -> Anchor {
        let mut anchor = self.ledger.anchor(index, 1);
        let stamp = stamp(&anchor);
        anchor.ots = Some(proof(&stamp, &timestamp(&path(), &in_block(HEIGHT))));
        anchor
    }

    /// The decision of these, each with what `anchor` gives it.
    fn input(&self, of: &[usize], anchor: impl Fn(usize) -> Option<Anchor>) -> Value {
        let all: Vec<_> = of.iter().map(|i| self.ledger.approval(*i)).collect();
        let mut decision = Decision::of(&all);
        for (bundle, i) in decision.bundles.iter_mut().zip(of) {
            bundle.anchor = anchor(*i);
        }
        let mut policy = policy(&members(), Some(wanting(&[("finance", 2)])));
        policy.anchor = Some(json!({
            "required": true,
            "network": "regtest",
            "pinnedBlocks": [pin(&self.chain, 2)],
        }));
        let headers = json!({"headers": b64url(&self.chain.file())});
        and(asked(&decision.value(), &policy), headers)
    }
}

pub(in super::super) fn anchors() -> File {
    let mut file = File::new(
        "decision",
        "anchors",
        "decisions under a policy that wants each entry in a block",
    );
    let scene = Scene::new();
    let all = |index| Some(scene.anchor(index));
    let two = &[0, 1][..];
    let short = ("INCOMPLETE", "decision.quorum_short");
    let mut put = |name: &str, input: Value, (verdict, code): (&str, &str)| {
        file.verdict(name, input, verdict, code);
    };
    put(
        "each in the block",
        scene.input(two, all),
        ("VERIFIED", "ok"),
    );
    put(
        "without the headers",
        {
            let mut input = scene.input(two, all);
            input.as_object_mut().unwrap().remove("headers");
            input
        },
        short,
    );
    put(
        "one without an anchor",
        scene.input(two, |i| all(i).filter(|_| i == 0)),
        short,
    );
    put(
        "one whose anchor is only promised",
        scene.input(two, |i| {
            let mut anchor = scene.anchor(i);
            if i == 1 {
                let promise = promised("https://calendar.example");
                anchor.ots = Some(proof(&stamp(&anchor), &promise));
            }
            Some(anchor)
        }),
        short,
    );
    put(
        "one too few, and one more without an anchor",
        scene.input(&[0, 1, 3], |i| all(i).filter(|_| i != 1)),
        short,
    );
    put(
        "one with the anchor of the other",
        scene.input(two, |_| all(0)),
        ("REJECTED", "anchor.log"),
    );
    put(
        "one with a timestamp of something else",
        {
            scene.input(two, |i| {
                let mut anchor = scene.anchor(i);
                if i == 1 {
                    let other = timestamp(&path(), &in_block(HEIGHT));
                    anchor.ots = Some(proof(&sha256(b"other"), &other));
                }
                Some(anchor)
            })
        },
        ("REJECTED", "anchor.bad_proof"),
    );
    put(
        "a refusal without an anchor",
        scene.input(&[0, 1, 2], |i| all(i).filter(|_| i != 2)),
        ("REJECTED", "decision.refused"),
    );
    put(
        "a refusal, and nothing is anchored",
        scene.input(&[0, 2], |_| None),
        ("REJECTED", "decision.refused"),
    );
    file
}
