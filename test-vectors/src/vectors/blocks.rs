//! `bundle`: anchors that lead to a block, and how far a policy may believe it. All on regtest,
//! with real work, except where a header of regtest pretends to be another network's.

use serde_json::{Value, json};

use super::File;
use super::bundles::{and, input};
use crate::approval::DECIDED_AT_SECONDS;
use crate::bitcoin::{
    Chain, attestation, display_hash, follow, header_file, in_block, path, promised, proof,
    timestamp,
};
use crate::bundle::Anchor;
use crate::encoding::{b64url, pseudo_random, sha256};
use crate::{Algorithm, Draft};

/// The height of the anchored block: four blocks are below it, nine above.
pub(super) const HEIGHT: u64 = 5;

/// An approval, its anchor, the chain that the anchor is in, and the policy's rule for it.
#[derive(Clone)]
pub(super) struct Scene {
    draft: Draft,
    pub(super) anchor: Anchor,
    pub(super) chain: Chain,
    pub(super) headers: Option<Vec<u8>>,
    pub(super) rule: Value,
}

/// When the anchored block was made: an hour after the anchored head was cosigned.
pub(super) fn block_time() -> u32 {
    u32::try_from(DECIDED_AT_SECONDS + 10_800).unwrap()
}

pub(super) fn stamp(anchor: &Anchor) -> [u8; 32] {
    sha256(anchor.checkpoint.as_bytes())
}

/// The anchor with a timestamp that leads to a block, and the chain with that block.
pub(super) fn in_a_block(mut anchor: Anchor) -> (Anchor, Chain) {
    let digest = stamp(&anchor);
    let root = follow(&path(), &digest);
    let chain = Chain::default()
        .extended(4, block_time() - 3000, "below")
        .with(root, block_time())
        .extended(9, block_time() + 600, "above");
    anchor.ots = Some(proof(&digest, &timestamp(&path(), &in_block(HEIGHT))));
    (anchor, chain)
}

/// The rule that asks for a block of this chain.
pub(super) fn required(chain: &Chain) -> Value {
    json!({"required": true, "network": "regtest", "pinnedBlocks": [pin(chain, 2)]})
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::of(Draft::sample(Algorithm::Es256))
    }

    pub(super) fn of(draft: Draft) -> Self {
        let (anchor, chain) = in_a_block(draft.anchor(5));
        let rule = required(&chain);
        Self {
            draft,
            anchor,
            headers: Some(chain.file()),
            chain,
            rule,
        }
    }

    pub(super) fn with(&self, edit: impl FnOnce(&mut Self)) -> Self {
        let mut scene = self.clone();
        edit(&mut scene);
        scene
    }

    /// The bundle shows the header of its block.
    fn shown(mut self) -> Self {
        let header = self.chain.headers[usize::try_from(HEIGHT).unwrap()];
        self.anchor.header = Some((HEIGHT, header.to_vec()));
        self
    }

    pub(super) fn pinned(&mut self, pins: Vec<Value>) {
        self.rule["pinnedBlocks"] = json!(pins);
    }

    fn ends_at(&mut self, tip: usize) {
        self.chain.headers.truncate(tip + 1);
        self.headers = Some(self.chain.file());
    }

    pub(super) fn ots(&mut self, timestamp: &[u8]) {
        self.anchor.ots = Some(proof(&stamp(&self.anchor), timestamp));
    }

    pub(super) fn input(&self) -> Value {
        let mut approval = self.draft.mint();
        approval.bundle.anchor = Some(self.anchor.clone());
        approval.policy.anchor = Some(self.rule.clone());
        match &self.headers {
            None => input(&approval),
            Some(bytes) => and(input(&approval), json!({"headers": b64url(bytes)})),
        }
    }
}

pub(super) fn pin(chain: &Chain, height: usize) -> Value {
    json!({"height": height, "hash": display_hash(&chain.headers[height])})
}

/// The rule with `required = false`.
fn optional(rule: &Value) -> Value {
    let mut rule = rule.clone();
    rule["required"] = json!(false);
    rule
}

/// The same chain up to `height`, and another one above it.
fn reorganised(chain: &Chain, height: usize) -> Chain {
    let mut other = chain.clone();
    other.headers.truncate(height + 1);
    let count = chain.tip() - height;
    other.extended(count, block_time(), "another branch")
}

pub(super) fn blocks() -> File {
    let mut file = File::new(
        "bundle",
        "blocks",
        "anchors that lead to a block, with and without headers: the work of a block, pinned \
         blocks, confirmations, and what an anchored time proves",
    );
    verified(&mut file);
    incomplete(&mut file);
    rejected(&mut file);
    times(&mut file);
    file
}

fn verified(file: &mut File) {
    let scene = Scene::new();
    let mut verified =
        |name: &str, scene: Scene| file.verdict(name, scene.input(), "VERIFIED", "ok");
    verified("above a pinned block", scene.clone());
    verified("above a pinned block, and shown", scene.clone().shown());
    let pinned_at = |height| scene.with(|s| s.pinned(vec![pin(&s.chain, height)]));
    verified("below a pinned block", pinned_at(12));
    verified("the pinned block itself is the last one", pinned_at(14));
    verified(
        "between two pinned blocks",
        scene.with(|s| s.pinned(vec![pin(&s.chain, 12), pin(&s.chain, 2)])),
    );
    verified(
        "a pinned block that the headers do not reach down to",
        // A pin at the height of nothing, below one that is there.
        scene.with(|s| s.pinned(vec![pin(&s.chain, 0), pin(&s.chain, 10)])),
    );
    verified(
        "exactly as many confirmations as the policy wants",
        scene.with(|s| s.rule["minConfirmations"] = json!(10)),
    );
    verified(
        "the least work, to the unit",
        scene.with(|s| least_work(s, "1e")),
    );
    verified(
        "another timestamp leads to a block that does not exist",
        scene.with(|s| {
            let other = timestamp(&path()[..2], &in_block(3));
            let good = timestamp(&path(), &in_block(HEIGHT));
            s.ots(&[&[0xff][..], &other, &good].concat());
        }),
    );
    verified(
        "another timestamp is pending",
        scene.with(|s| {
            let good = timestamp(&path(), &in_block(HEIGHT));
            s.ots(&[&[0xff][..], &promised("https://calendar.example"), &good].concat());
        }),
    );
    // Without an anchor in the policy, what is missing does no harm.
    let free = scene.with(|s| s.rule = optional(&s.rule));
    verified("not required", free.clone());
    verified(
        "not required, without headers",
        free.with(|s| s.headers = None),
    );
    verified(
        "not required, shown, without headers",
        free.clone().shown().with(|s| s.headers = None),
    );
    verified(
        "not required, too few confirmations",
        free.with(|s| s.ends_at(6)),
    );
    verified(
        "not required, of an unknown chain",
        free.with(|s| s.pinned(vec![far()])),
    );
}

/// A pinned block above every chain here.
pub(super) fn far() -> Value {
    json!({"height": 30, "hash": "00".repeat(32)})
}

/// Each block of regtest is two hashes' worth of work; there are fifteen of them.
fn least_work(scene: &mut Scene, last_digits: &str) {
    scene.pinned(vec![far()]);
    scene.rule["minChainWork"] = json!(format!("{last_digits:0>64}"));
}

fn incomplete(file: &mut File) {
    let scene = Scene::new();
    let mut incomplete = |name: &str, scene: Scene, code: &str| {
        file.verdict(name, scene.input(), "INCOMPLETE", code);
    };
    let alone = scene.clone().shown().with(|s| s.headers = None);
    incomplete("a lone header", alone.clone(), "anchor.not_pinned");
    incomplete(
        "neither header nor headers",
        scene.with(|s| s.headers = None),
        "anchor.header_missing",
    );
    incomplete(
        "no timestamp",
        scene.with(|s| s.anchor.ots = None),
        "anchor.missing",
    );
    incomplete(
        "pending",
        scene.with(|s| s.ots(&promised("https://calendar.example"))),
        "anchor.pending",
    );
    incomplete(
        "a timestamp in Litecoin only",
        scene.with(|s| s.ots(&attestation("06869a0d73d71b45", &[5]))),
        "anchor.pending",
    );
    incomplete(
        "headers that end below the block",
        scene.with(|s| s.ends_at(4)),
        "anchor.header_missing",
    );
    incomplete(
        "headers that end at the block",
        scene.with(|s| s.ends_at(5)),
        "anchor.too_shallow",
    );
    incomplete(
        "a confirmation too few",
        scene.with(|s| s.rule["minConfirmations"] = json!(11)),
        "anchor.too_shallow",
    );
    let code = "anchor.not_pinned";
    for (name, shown) in [
        ("an unknown chain", false),
        ("an unknown chain, shown", true),
    ] {
        let scene = if shown {
            scene.clone().shown()
        } else {
            scene.clone()
        };
        incomplete(name, scene.with(|s| s.pinned(vec![far()])), code);
        incomplete(
            &format!("{name}, without any pinned block"),
            scene.with(|s| s.pinned(vec![])),
            code,
        );
        incomplete(
            &format!("{name}, with another block in place of the pinned one"),
            scene.with(|s| s.pinned(vec![json!({"height": 2, "hash": "00".repeat(32)})])),
            code,
        );
        incomplete(
            &format!("{name}, with one pinned block of two"),
            scene.with(|s| {
                let wrong = json!({"height": 3, "hash": "00".repeat(32)});
                s.pinned(vec![pin(&s.chain, 2), wrong]);
            }),
            code,
        );
        incomplete(
            &format!("{name}, which leaves the real one at an old pinned block"),
            scene.with(|s| s.pinned(vec![pin(&s.chain, 2), far()])),
            code,
        );
        incomplete(
            &format!("{name}, with a unit of work too little"),
            scene.with(|s| least_work(s, "1f")),
            code,
        );
    }
    incomplete(
        "confirmations above the last pinned block that counts",
        scene.with(|s| s.pinned(vec![pin(&s.chain, 8), far()])),
        "anchor.too_shallow",
    );
    incomplete(
        "headers of regtest under a policy for mainnet",
        scene.with(|s| s.rule["network"] = json!("mainnet")),
        "anchor.not_pinned",
    );
}

fn rejected(file: &mut File) {
    let scene = Scene::new();
    let mut rejected = |name: &str, scene: Scene, code: &str| {
        file.verdict(name, scene.input(), "REJECTED", code);
        let free = scene.with(|s| s.rule = optional(&s.rule));
        file.verdict(
            format!("not required, {name}"),
            free.input(),
            "REJECTED",
            code,
        );
    };
    let bad = "anchor.bad_proof";
    rejected(
        "a timestamp of other bytes",
        scene.with(|s| {
            let other = sha256(b"other bytes");
            s.anchor.ots = Some(proof(&other, &timestamp(&path(), &in_block(HEIGHT))));
        }),
        bad,
    );
    rejected(
        "a timestamp of the checkpoint without its signatures",
        scene.with(|s| {
            let text = s.anchor.log_proof.checkpoint.clone();
            let digest = sha256(text.as_bytes());
            s.anchor.ots = Some(proof(&digest, &timestamp(&path(), &in_block(HEIGHT))));
        }),
        bad,
    );
    rejected(
        "a timestamp that is cut off",
        scene.with(|s| {
            s.anchor.ots.as_mut().unwrap().pop();
        }),
        bad,
    );
    rejected(
        "an empty timestamp",
        scene.with(|s| s.anchor.ots = Some(vec![])),
        bad,
    );

    let header = "anchor.header";
    rejected(
        "a path to another root",
        scene.with(|s| s.ots(&timestamp(&path()[..2], &in_block(HEIGHT)))),
        header,
    );
    rejected(
        "a path to another height",
        scene.with(|s| s.ots(&timestamp(&path(), &in_block(HEIGHT + 1)))),
        header,
    );
    rejected(
        "a block that is not in the chain any more",
        scene.with(|s| s.headers = Some(reorganised(&s.chain, 4).file())),
        header,
    );
    let shown = scene.clone().shown();
    rejected(
        "a block that is not in the chain any more, shown",
        shown.with(|s| s.headers = Some(reorganised(&s.chain, 4).file())),
        "anchor.chain",
    );
    let root = follow(&path(), &stamp(&scene.anchor));
    let below = {
        let mut below = scene.chain.clone();
        below.headers.truncate(5);
        below
    };
    let block = below.next(root, block_time());
    let twin = below.next(root, block_time() + 1).mine();
    rejected(
        "another block with the same root, shown",
        shown.with(|s| s.anchor.header = Some((HEIGHT, twin.to_vec()))),
        "anchor.chain",
    );
    for (name, height, bytes) in [
        ("a shown header without its work", HEIGHT, block.fail()),
        ("a shown header of another height", HEIGHT + 1, block.mine()),
        (
            "a shown header of a height that no block has",
            1 << 32 | HEIGHT,
            block.mine(),
        ),
        (
            "a shown header with another root",
            HEIGHT,
            below.next(sha256(b"another root"), block_time()).mine(),
        ),
    ] {
        let shown = scene.with(|s| s.anchor.header = Some((height, bytes.to_vec())));
        rejected(name, shown.clone(), header);
        rejected(
            &format!("{name}, without headers"),
            shown.with(|s| s.headers = None),
            header,
        );
    }
    for network in ["mainnet", "testnet4", "signet"] {
        let name = format!("a shown header with the work of regtest, on {network}");
        let shown = shown.with(|s| {
            s.rule["network"] = json!(network);
            s.headers = None;
        });
        rejected(&name, shown, header);
    }
    // What a chain proves helps nobody whose head is another log's.
    let mut other = scene.draft.clone();
    other.log_seed = pseudo_random("another log");
    let other = Scene::of(other);
    rejected(
        "a block with another log's head",
        other.with(|s| s.draft = scene.draft.clone()),
        "anchor.log",
    );
}

fn times(file: &mut File) {
    // Without witnesses the block is the only thing that proves a time: that of the block, the
    // later one of its own and the median of it and those above, and two hours.
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.quorum = 0;
    draft.cosigned.clear();
    let scene = Scene::of(draft);
    let valid = |from: Option<&str>, to: Option<&str>, scene: &Scene| {
        let mut input = scene.input();
        let approver = &mut input["policy"]["approvers"][0];
        if let Some(from) = from {
            approver["notBefore"] = json!(from);
        }
        if let Some(to) = to {
            approver["notAfter"] = json!(to);
        }
        input
    };
    // Block 5 is of 15:00, the median of it and its nine followers is that of block 10, 15:50.
    let (exact, early) = ("2026-03-01T17:50:00.000Z", "2026-03-01T17:49:59.999Z");
    let late = "2026-03-01T17:50:00.001Z";
    let (verified, incomplete, rejected) = ("VERIFIED", "INCOMPLETE", "REJECTED");
    file.verdict(
        "a key that was valid when the block was made",
        valid(None, Some(exact), &scene),
        verified,
        "ok",
    );
    file.verdict(
        "a key that was no longer valid two hours after the block",
        valid(None, Some(early), &scene),
        rejected,
        "approver.key_expired",
    );
    file.verdict(
        "a key that became valid with the block",
        valid(Some(exact), None, &scene),
        verified,
        "ok",
    );
    file.verdict(
        "a key that became valid after the block",
        valid(Some(late), None, &scene),
        rejected,
        "approver.key_not_yet_valid",
    );
    let alone = scene.clone().shown().with(|s| {
        s.headers = None;
        s.rule = optional(&s.rule);
    });
    file.verdict(
        "a lone header proves no time",
        valid(None, Some(exact), &alone),
        incomplete,
        "approver.time_unproven",
    );
    file.verdict(
        "a lone header proves no time, long before it",
        and(alone.input(), json!({"at": "2026-03-01T12:30:00.000Z"})),
        verified,
        "ok",
    );
    let shallow = scene.with(|s| {
        s.ends_at(6);
        s.rule = optional(&s.rule);
    });
    file.verdict(
        "a block without its confirmations proves no time",
        valid(None, Some(exact), &shallow),
        incomplete,
        "approver.time_unproven",
    );
    let witnessed = Scene::new();
    file.verdict(
        "witnesses were earlier than the block",
        valid(None, Some("2026-03-01T12:00:07.000Z"), &witnessed),
        verified,
        "ok",
    );
    let asked = |at: &str| and(scene.input(), json!({"at": at}));
    file.verdict(
        "two hours before the block",
        asked("2026-03-01T13:48:00.000Z"),
        verified,
        "ok",
    );
    file.verdict(
        "more than two hours before the block",
        asked("2026-03-01T13:47:59.999Z"),
        rejected,
        "time.in_future",
    );
    let mut elsewhere = scene.input();
    elsewhere["headers"] = json!(b64url(&header_file("regtest", 0, &scene.chain.bytes())));
    file.verdict("the header file spelled out", elsewhere, verified, "ok");
}
