//! `bundle`: the admins' approvals of a roster are judged by the headers and at the moment of the
//! question, as the approval under it is.

use serde_json::{Value, json};

use super::super::File;
use super::super::blocks::{HEIGHT, block_time, pin, stamp};
use super::super::bundles::and;
use super::in_force::{ROOT, ending, first};
use super::rooted;
use super::scene::Scene;
use crate::bitcoin::{Chain, follow, in_block, path, proof, timestamp};
use crate::bundle::Anchor;
use crate::encoding::b64url;
use crate::roster::chain as file_of;

pub(super) fn moment(file: &mut File) {
    let mut scene = Scene::default();
    scene.version(&first(&["ann", "bob"]), ROOT);
    scene.seal(0);
    let ann = scene.approve("ann");
    scene.seal(60);
    let policy = rooted(1, ROOT);
    let mut put = |name: &str, input: Value, code: &str| {
        file.verdict(name, input, ending(code), code);
    };
    let at = |time: &str| {
        and(
            scene.asked(ann, &scene.decisions(), &policy),
            json!({"at": time}),
        )
    };
    put(
        "seen after the approval",
        at("2026-03-02T00:00:00.000Z"),
        "ok",
    );
    put(
        "seen before its roster was approved",
        at("2026-02-01T00:00:00.000Z"),
        "roster.admins",
    );

    let anchored = |index| in_a_block(&scene, index);
    let (chain, of_ann) = anchored(ann);
    let (same, of_root) = anchored(0);
    assert_eq!(chain.bytes(), same.bytes());
    let mut ruled = policy.clone();
    ruled.anchor =
        Some(json!({"required": true, "network": "regtest", "pinnedBlocks": [pin(&chain, 2)]}));
    let asked = |root: Option<&Anchor>, headers: Option<&Chain>| {
        let mut decisions = scene.decisions();
        decisions[0].bundles[0].anchor = root.cloned();
        let mut bundle = scene.ledger.approval(ann).bundle;
        bundle.anchor = Some(of_ann.clone());
        let input = json!({
            "bundleText": bundle.text(),
            "policy": ruled.value(),
            "roster": super::sorted(&file_of(&decisions)),
        });
        match headers {
            None => input,
            Some(chain) => and(input, json!({"headers": b64url(&chain.file())})),
        }
    };
    put(
        "anchored with its roster, in a block of the headers",
        asked(Some(&of_root), Some(&chain)),
        "ok",
    );
    put(
        "anchored with its roster, without headers",
        asked(Some(&of_root), None),
        "roster.admins",
    );
    put(
        "anchored without its roster",
        asked(None, Some(&chain)),
        "roster.admins",
    );
}

/// An anchor of this entry, and the chain with its block.
fn in_a_block(scene: &Scene, index: usize) -> (Chain, Anchor) {
    let mut anchor = scene.ledger.anchor(index, 1);
    let digest = stamp(&anchor);
    anchor.ots = Some(proof(&digest, &timestamp(&path(), &in_block(HEIGHT))));
    let chain = Chain::default()
        .extended(4, block_time() - 3000, "below")
        .with(follow(&path(), &digest), block_time())
        .extended(9, block_time() + 600, "above");
    (chain, anchor)
}
