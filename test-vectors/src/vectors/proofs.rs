//! `tlog.proof`: proofs of inclusion under a policy (C2SP tlog-proof, tlog-policy).

mod forms;
mod signatures;

use serde_json::{Value, json};

use super::File;
use crate::approval::witness;
use crate::encoding::{hex, pseudo_random};
use crate::log::tlog_policy;
use crate::note::{LogProof, NOTE};
use crate::{Log, Witness};

const TIME: u64 = 1_772_366_405;

/// A log of seven leaves, and the proof of the third.
struct Scene {
    log: Log,
    witnesses: Vec<Witness>,
}

impl Scene {
    fn new() -> Self {
        let leaves: Vec<String> = (0..7).map(|i| format!("leaf {i}")).collect();
        Self {
            log: Log::new("log.example/proofs", pseudo_random("proofs"), &leaves),
            witnesses: (1..=5).map(witness).collect(),
        }
    }

    /// Cosigned by the witnesses with these numbers.
    fn proof(&self, numbers: &[usize]) -> LogProof {
        self.log.prove(2, 7, &self.cosigners(numbers))
    }

    fn cosigners(&self, numbers: &[usize]) -> Vec<(&Witness, u64)> {
        numbers
            .iter()
            .map(|n| (&self.witnesses[n - 1], TIME))
            .collect()
    }

    /// As [`proof`](Self::proof) with another checkpoint text, properly signed.
    fn signed(&self, checkpoint: &str, numbers: &[usize]) -> LogProof {
        let lines = self.log.sign(checkpoint, &self.cosigners(numbers));
        self.log.prove_with(2, 7, checkpoint.into(), lines)
    }

    fn policy(&self, k: usize) -> String {
        tlog_policy(&self.log, k, &self.witnesses[..3])
    }

    /// All five witnesses and these last lines.
    fn policy_with(&self, lines: &str) -> String {
        let witnesses: String = self.witnesses.iter().map(Witness::policy_line).collect();
        self.log.policy_line() + &witnesses + lines
    }

    fn input(&self, proof: &str, policy: &str) -> Value {
        json!({"proof": proof, "leafHash": hex(&self.log.tree().leaf(2)), "policy": policy})
    }
}

pub(super) fn generated() -> File {
    let mut file = File::new(
        "tlog.proof",
        "generated",
        "a leaf, a proof of it, and whose signatures on the checkpoint are enough",
    );
    let scene = Scene::new();
    good(&mut file, &scene);
    quorums(&mut file, &scene);
    signatures::rows(&mut file, &scene);
    inclusion(&mut file, &scene);
    forms::rows(&mut file, &scene);
    file
}

fn good(file: &mut File, scene: &Scene) {
    for (size, index) in [(1, 0), (2, 1), (7, 0), (7, 6)] {
        let proof = scene.log.prove(index, size, &scene.cosigners(&[1, 2]));
        let mut input = scene.input(&proof.text(), &scene.policy(2));
        input["leafHash"] = json!(hex(&scene.log.tree().leaf(index)));
        file.valid(format!("leaf {index} of {size}"), input);
    }
    let proof = scene.proof(&[1, 2]);
    let policy = scene.policy(2);
    let mut extra = proof.clone();
    extra.extra = Some(b"anything".to_vec());
    file.valid("with extra data", scene.input(&extra.text(), &policy));
    let mut reversed = proof.clone();
    reversed.lines.reverse();
    file.valid(
        "the log's signature last",
        scene.input(&reversed.text(), &policy),
    );
    let mut foreign = proof.clone();
    let line = witness(9).key.line(&proof.checkpoint, TIME);
    foreign.lines.insert(1, line);
    file.valid(
        "a cosignature by an unknown witness",
        scene.input(&foreign.text(), &policy),
    );
    let checkpoint = format!("{}an extension\nand another\n", proof.checkpoint);
    file.valid(
        "a checkpoint with extension lines",
        scene.input(&scene.signed(&checkpoint, &[1, 2]).text(), &policy),
    );
    let second = Log::new("other.example/log", pseudo_random("other log"), &["x"]);
    file.valid(
        "a policy with two logs",
        scene.input(&proof.text(), &(second.policy_line() + &policy)),
    );
    let layout = format!(
        "# policy\n\n  log\t{} https://log.example/ \n{}\t# w3 is not used\n\nquorum  w1 \n",
        scene.log.key.vkey(),
        scene.witnesses[0].policy_line(),
    );
    file.valid(
        "a policy with comments, tabs and a URL",
        scene.input(&proof.text(), &layout),
    );
}

fn quorums(file: &mut File, scene: &Scene) {
    let nested = "group x 2 w1 w2 w3\ngroup y any w4 w5\ngroup both all x y\nquorum both\n";
    let rows: [(&str, &[usize], String, bool); 20] = [
        ("none, and nobody", &[], scene.policy(0), true),
        ("none, and one", &[1], scene.policy(0), true),
        ("1 of 3, and one", &[3], scene.policy(1), true),
        ("1 of 3, and nobody", &[], scene.policy(1), false),
        ("2 of 3, and two", &[1, 3], scene.policy(2), true),
        ("2 of 3, and three", &[1, 2, 3], scene.policy(2), true),
        ("2 of 3, and one", &[2], scene.policy(2), false),
        ("2 of 3, and one twice", &[2, 2], scene.policy(2), false),
        (
            "2 of 3, and one with two strangers",
            &[2, 4, 5],
            scene.policy(2),
            false,
        ),
        ("3 of 3, and two", &[1, 2], scene.policy(3), false),
        (
            "one witness, and this one",
            &[4],
            scene.policy_with("quorum w4\n"),
            true,
        ),
        (
            "one witness, and another one",
            &[3],
            scene.policy_with("quorum w4\n"),
            false,
        ),
        (
            "any, and one",
            &[2],
            scene.policy_with("group g any w1 w2\nquorum g\n"),
            true,
        ),
        (
            "any, and one outside",
            &[3],
            scene.policy_with("group g any w1 w2\nquorum g\n"),
            false,
        ),
        (
            "all, and all",
            &[1, 2],
            scene.policy_with("group g all w1 w2\nquorum g\n"),
            true,
        ),
        (
            "all, and all but one",
            &[1, 3],
            scene.policy_with("group g all w1 w2\nquorum g\n"),
            false,
        ),
        (
            "nested groups, both met",
            &[1, 3, 5],
            scene.policy_with(nested),
            true,
        ),
        (
            "nested groups, the first met",
            &[1, 2, 3],
            scene.policy_with(nested),
            false,
        ),
        (
            "nested groups, the second met",
            &[1, 4, 5],
            scene.policy_with(nested),
            false,
        ),
        (
            "a group of one that is defined and not used",
            &[2],
            scene.policy_with("group g 1 w1\nquorum w2\n"),
            true,
        ),
    ];
    for (name, numbers, policy, enough) in rows {
        let input = scene.input(&scene.proof(numbers).text(), &policy);
        let name = format!("quorum {name}");
        if enough {
            file.valid(name, input);
        } else {
            file.invalid(name, input, "log.quorum_short");
        }
    }
    let policy = scene.policy(1);
    let mut plain = scene.proof(&[]);
    let line = scene.witnesses[0]
        .key
        .with_kind(NOTE)
        .line(&plain.checkpoint, 0);
    plain.lines.push(line);
    file.invalid(
        "quorum: a plain signature by a witness's key does not count",
        scene.input(&plain.text(), &policy),
        "log.quorum_short",
    );
    let mut renamed = scene.proof(&[]);
    let line = scene.witnesses[0]
        .key
        .renamed("w1")
        .line(&renamed.checkpoint, TIME);
    renamed.lines.push(line);
    file.invalid(
        "quorum: a witness's key under another name does not count",
        scene.input(&renamed.text(), &policy),
        "log.quorum_short",
    );
}

fn inclusion(file: &mut File, scene: &Scene) {
    let good = scene.proof(&[1, 2]);
    let policy = scene.policy(2);
    let mut row = |name: &str, edit: &dyn Fn(&mut LogProof)| {
        let mut proof = good.clone();
        edit(&mut proof);
        file.invalid(
            format!("inclusion: {name}"),
            scene.input(&proof.text(), &policy),
            "log.not_included",
        );
    };
    row("another index", &|p| p.index = 3);
    row("an index behind the end", &|p| p.index = 7);
    row("the largest index there is", &|p| p.index = u64::MAX);
    row("no hashes", &|p| p.path.clear());
    row("a hash missing", &|p| p.path.truncate(p.path.len() - 1));
    row("a hash more", &|p| p.path.push([7; 32]));
    row("64 hashes", &|p| p.path.resize(64, [7; 32]));
    row("another hash", &|p| p.path[1][0] ^= 1);
    row("two hashes swapped", &|p| p.path.swap(0, 1));
    row("another tree of the log", &|p| {
        let smaller = scene.log.prove(2, 6, &scene.cosigners(&[1, 2]));
        (p.checkpoint, p.lines) = (smaller.checkpoint, smaller.lines);
    });
    row("an empty tree", &|p| {
        let empty = scene.log.checkpoint(0).text();
        *p = scene.signed(&empty, &[1, 2]);
    });
    let mut input = scene.input(&good.text(), &policy);
    input["leafHash"] = json!(hex(&scene.log.tree().leaf(3)));
    file.invalid("inclusion: another leaf", input, "log.not_included");
}
