//! `tlog.proof`: proofs of inclusion under a policy (C2SP tlog-proof, tlog-policy).

use serde_json::{Value, json};

use super::File;
use crate::approval::witness;
use crate::encoding::{b64, flip, hex, pseudo_random};
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
    signatures(&mut file, &scene);
    inclusion(&mut file, &scene);
    forms(&mut file, &scene);
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

fn signatures(file: &mut File, scene: &Scene) {
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

fn forms(file: &mut File, scene: &Scene) {
    let good = scene.proof(&[1, 2]);
    let text = good.text();
    let policy = scene.policy(2);
    let hash = b64(&good.path[0]);
    let replace = |from: &str, to: &str| text.replacen(from, to, 1);
    let rows = vec![
        ("empty", String::new()),
        ("the first line alone", "c2sp.org/tlog-proof@v1\n".into()),
        ("another version", replace("@v1", "@v2")),
        ("a space behind the first line", replace("@v1\n", "@v1 \n")),
        ("an empty line in front", format!("\n{text}")),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("carriage returns", text.replace('\n', "\r\n")),
        ("no index", replace("index 2\n", "")),
        (
            "the index on two lines",
            replace("index 2", "index 2\nindex 2"),
        ),
        (
            "an index with a leading zero",
            replace("index 2", "index 02"),
        ),
        ("an index with a sign", replace("index 2", "index +2")),
        ("a negative index", replace("index 2", "index -2")),
        ("an index in hex", replace("index 2", "index 0x2")),
        ("no number behind index", replace("index 2", "index ")),
        ("a space behind the index", replace("index 2", "index 2 ")),
        (
            "two spaces in front of the index",
            replace("index 2", "index  2"),
        ),
        (
            "an index of 2^64",
            replace("index 2", "index 18446744073709551616"),
        ),
        ("Index with a capital", replace("index 2", "Index 2")),
        (
            "extra data in base64url",
            replace("index", "extra __-_\nindex"),
        ),
        (
            "extra data behind the index",
            replace("index 2", "index 2\nextra AAAA"),
        ),
        (
            "extra data twice",
            replace("index", "extra AAAA\nextra AAAA\nindex"),
        ),
        (
            "a hash without padding",
            replace(&hash, hash.trim_end_matches('=')),
        ),
        ("a hash of 31 bytes", replace(&hash, &b64(&[7; 31]))),
        ("a hash of 33 bytes", replace(&hash, &b64(&[7; 33]))),
        ("a hash in hex", replace(&hash, &hex(&good.path[0]))),
        (
            "a space in front of a hash",
            replace(&hash, &format!(" {hash}")),
        ),
        ("65 hashes", {
            let mut long = good.clone();
            long.path.resize(65, [7; 32]);
            long.text()
        }),
        ("no empty line", replace("\n\nlog.example", "\nlog.example")),
        ("no checkpoint", text.split_once("\n\n").unwrap().0.into()),
    ];
    for (name, text) in rows {
        file.invalid(
            format!("form: {name}"),
            scene.input(&text, &policy),
            "log.proof_form",
        );
    }

    let checkpoint = &good.checkpoint;
    let root = b64(&scene.log.tree().root(7));
    let rows = vec![
        (
            "the size with a leading zero",
            checkpoint.replace("\n7\n", "\n07\n"),
        ),
        (
            "the size with a sign",
            checkpoint.replace("\n7\n", "\n+7\n"),
        ),
        (
            "the size in words",
            checkpoint.replace("\n7\n", "\nseven\n"),
        ),
        ("an empty size", checkpoint.replace("\n7\n", "\n \n")),
        (
            "a size of 2^64",
            checkpoint.replace("\n7\n", "\n18446744073709551616\n"),
        ),
        (
            "a root of 31 bytes",
            checkpoint.replace(&root, &b64(&[7; 31])),
        ),
        (
            "a root in hex",
            checkpoint.replace(&root, &hex(&scene.log.tree().root(7))),
        ),
        (
            "a root without padding",
            checkpoint.replace(&root, root.trim_end_matches('=')),
        ),
        ("no root", checkpoint.replace(&format!("{root}\n"), "")),
        ("no origin", checkpoint.replace("log.example/proofs\n", "")),
        ("an empty extension line", format!("{checkpoint}\nmore\n")),
        (
            "a space behind the size",
            checkpoint.replace("\n7\n", "\n7 \n"),
        ),
    ];
    for (name, checkpoint) in rows {
        file.invalid(
            format!("checkpoint: {name}"),
            scene.input(&scene.signed(&checkpoint, &[1, 2]).text(), &policy),
            "log.checkpoint_form",
        );
    }
    let rows = vec![
        (
            "no signatures",
            text.split_once("\n\u{2014}").unwrap().0.to_owned() + "\n",
        ),
        ("the last newline missing", text.trim_end().into()),
        (
            "a hyphen instead of the dash",
            text.replace('\u{2014}', "-"),
        ),
        ("something behind the signatures", format!("{text}more\n")),
        ("a malformed line", format!("{text}\u{2014} x.example !!\n")),
        (
            "a control character",
            text.replacen("\n7\n", "\n7\u{1}\n", 1),
        ),
        ("65 lines", {
            let checkpoint = format!("{checkpoint}{}", "x\n".repeat(62));
            scene.signed(&checkpoint, &[1, 2]).text()
        }),
    ];
    for (name, text) in rows {
        file.invalid(
            format!("note: {name}"),
            scene.input(&text, &policy),
            "log.checkpoint_form",
        );
    }
}
