//! `bundle`: how far a policy knows a chain, and the time that its blocks prove.

use serde_json::{Value, json};

use super::File;
use super::blocks::{HEIGHT, Scene, block_time, far, pin};
use super::bundles::and;
use crate::approval::DECIDED_AT_SECONDS;
use crate::bitcoin::{
    Block, Chain, SIGNET_GENESIS, block_hash, display_hash, follow, header_file, path,
};
use crate::encoding::b64url;
use crate::{Algorithm, Draft};

pub(super) fn trust() -> File {
    let mut file = File::new(
        "bundle",
        "trust",
        "which chains a policy knows, and how far: pinned blocks that are contradicted or out of \
         reach, work, signet, and the median of the blocks that count",
    );
    pins(&mut file);
    medians(&mut file);
    signet(&mut file);
    file
}

const UNKNOWN: (&str, &str) = ("INCOMPLETE", "anchor.not_pinned");
const SHALLOW: (&str, &str) = ("INCOMPLETE", "anchor.too_shallow");
const OK: (&str, &str) = ("VERIFIED", "ok");

fn pins(file: &mut File) {
    let scene = Scene::new();
    let known = |height| pin(&scene.chain, height);
    let wrong = |height: u64| json!({"height": height, "hash": "11".repeat(32)});
    type Row<'r> = (&'r str, Vec<Value>, Value, (&'r str, &'r str));
    let rows: Vec<Row<'_>> = vec![
        (
            "the lower of two pinned blocks is there, at the height of the higher is another",
            vec![known(7), wrong(12)],
            json!({}),
            UNKNOWN,
        ),
        (
            "the higher of two pinned blocks is there, at the height of the lower is another",
            vec![wrong(2), known(12)],
            json!({}),
            UNKNOWN,
        ),
        (
            "enough work, and another block at the height of a pinned one",
            vec![wrong(2)],
            json!({"minChainWork": format!("{:0>64}", "1")}),
            UNKNOWN,
        ),
        (
            "the higher of two pinned blocks is above the chain, and the lower above the block",
            vec![known(12), far()],
            json!({}),
            OK,
        ),
        (
            "the higher of two pinned blocks is above the chain, and the lower below the block",
            vec![known(3), far()],
            json!({}),
            UNKNOWN,
        ),
        (
            "the higher of two pinned blocks is above the chain: confirmations up to the lower",
            vec![known(10), far()],
            json!({"minConfirmations": 6}),
            OK,
        ),
        (
            "the higher of two pinned blocks is above the chain: a confirmation more than that",
            vec![known(10), far()],
            json!({"minConfirmations": 7}),
            SHALLOW,
        ),
        (
            "the block itself is the pinned one, and another is above the chain",
            vec![known(5), far()],
            json!({"minConfirmations": 1}),
            OK,
        ),
        (
            "enough work, and a pinned block above the chain",
            vec![known(2), far()],
            json!({"minChainWork": format!("{:0>64}", "1e"), "minConfirmations": 10}),
            OK,
        ),
    ];
    for (name, pins, more, (verdict, code)) in rows {
        let input = scene.with(|s| {
            s.pinned(pins);
            s.rule = and(s.rule.clone(), more);
        });
        file.verdict(name, input.input(), verdict, code);
    }
}

/// A chain whose block has this time, and the blocks above it these times, all in seconds after
/// [`block_time`]. The median of the blocks before is earlier than all of them.
fn timed(own: u32, above: &[u32]) -> Scene {
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.quorum = 0;
    draft.cosigned.clear();
    let mut scene = Scene::of(draft);
    let root = follow(&path(), &super::blocks::stamp(&scene.anchor));
    scene
        .chain
        .headers
        .truncate(usize::try_from(HEIGHT).unwrap());
    scene.chain = scene.chain.with(root, block_time() + own);
    for (i, time) in above.iter().enumerate() {
        let root = crate::encoding::sha256(format!("above {i}").as_bytes());
        scene.chain = scene.chain.with(root, block_time() + time);
    }
    scene.headers = Some(scene.chain.file());
    scene.rule["minConfirmations"] = json!(1);
    scene
}

/// Whether a key that is valid until this many seconds and two hours after [`block_time`] is.
fn until(scene: &Scene, seconds: u64) -> Value {
    let mut input = scene.input();
    // block_time() is 15:00.
    let seconds = 17 * 3600 + seconds;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let end = format!("2026-03-01T{hour:02}:{minute:02}:{second:02}.000Z");
    input["policy"]["approvers"][0]["notAfter"] = json!(end);
    input
}

fn medians(file: &mut File) {
    let rows: [(&str, Scene, u64); 5] = [
        (
            "its own time, where that is later than the median",
            timed(3000, &[600, 700, 800]),
            3000,
        ),
        (
            "the median of it and those above, where that is later",
            timed(0, &[600, 1200, 1800, 2400]),
            1200,
        ),
        (
            "the later of the two in the middle",
            timed(0, &[600, 1200, 1800]),
            1200,
        ),
        (
            "ten blocks above it and no more",
            timed(
                0,
                &[
                    600, 1200, 1800, 2400, 3000, 3600, 4200, 4800, 5400, 6000, 6600, 7200,
                ],
            ),
            3000,
        ),
        (
            "blocks that count and no others",
            timed(0, &[600, 1200, 1800, 2400, 3000]).with(|s| {
                s.pinned(vec![pin(&s.chain, 7), far()]);
            }),
            600,
        ),
    ];
    for (name, scene, seconds) in rows {
        for (more, seconds, (verdict, code)) in [
            ("until then", seconds, OK),
            (
                "a second less",
                seconds - 1,
                ("REJECTED", "approver.key_expired"),
            ),
        ] {
            file.verdict(
                format!("the time of a block is {name}: {more}"),
                until(&scene, seconds),
                verdict,
                code,
            );
        }
    }
}

/// Two blocks of signet with real work, which stand for nothing: nobody has signed them.
fn signet(file: &mut File) {
    let draft = Draft::sample(Algorithm::Es256);
    let mut scene = Scene::of(draft);
    let root = follow(&path(), &super::blocks::stamp(&scene.anchor));
    scene.ots(&crate::bitcoin::timestamp(
        &path(),
        &crate::bitcoin::in_block(1),
    ));
    let time = u32::try_from(DECIDED_AT_SECONDS + 10_800).unwrap();
    let mut chain = Chain {
        headers: vec![SIGNET_GENESIS],
    };
    // Where the work was found. It is found again if anything before it changes, in some seconds.
    for (i, nonce) in [FIRST_NONCE, SECOND_NONCE].into_iter().enumerate() {
        let block = Block {
            previous: block_hash(chain.headers.last().unwrap()),
            merkle_root: match i {
                0 => root,
                _ => crate::encoding::sha256(b"above"),
            },
            time: time + 600 * u32::try_from(i).unwrap(),
            bits: 0x1e03_77ae,
        };
        chain.headers.push(block.mine_from(nonce));
    }
    let file_of = |chain: &Chain| header_file("signet", 0, &chain.bytes());
    scene.headers = Some(file_of(&chain));
    scene.chain = chain.clone();
    let known =
        |height: usize| json!({"height": height, "hash": display_hash(&chain.headers[height])});
    let rule = |more: Value| {
        let rule = json!({"required": true, "network": "signet", "minConfirmations": 1});
        and(rule, more)
    };
    let least = format!("{:0>64}", "1");
    let rows: Vec<(&str, Value, (&str, &str))> = vec![
        ("pinned", json!({"pinnedBlocks": [known(1)]}), OK),
        (
            "below a pinned block",
            json!({"pinnedBlocks": [known(2)], "minConfirmations": 2}),
            OK,
        ),
        (
            "above a pinned block: work says nothing",
            json!({"pinnedBlocks": [known(0)]}),
            UNKNOWN,
        ),
        (
            "confirmations above the pinned block do not count",
            json!({"pinnedBlocks": [known(1)], "minConfirmations": 2}),
            SHALLOW,
        ),
        (
            "the least work says nothing",
            json!({"minChainWork": least}),
            UNKNOWN,
        ),
        (
            "the least work and a pinned block: up to that",
            json!({"minChainWork": least, "pinnedBlocks": [known(1)], "minConfirmations": 2}),
            SHALLOW,
        ),
        ("no pinned block and no work", json!({}), UNKNOWN),
    ];
    for (name, more, (verdict, code)) in rows {
        let scene = scene.with(|s| s.rule = rule(more));
        file.verdict(format!("signet: {name}"), scene.input(), verdict, code);
    }
    let testnet = header_file("regtest", 0, &Chain::default().bytes());
    let mut other = scene
        .with(|s| s.rule = rule(json!({"pinnedBlocks": [known(1)]})))
        .input();
    other["headers"] = json!(b64url(&testnet));
    file.verdict("signet: headers of regtest", other, UNKNOWN.0, UNKNOWN.1);
}

const FIRST_NONCE: u32 = 964_913;
const SECOND_NONCE: u32 = 8_620_257;
