//! `bundle`: the admins' approvals of a roster are judged by the headers and at the moment of the
//! question, as the approval under it is.

use serde_json::{Value, json};

use super::super::File;
use super::super::blocks::{in_a_block, required};
use super::super::bundles::and;
use super::in_force::{ROOT, ending, first};
use super::rooted;
use super::scene::Scene;
use crate::bitcoin::Chain;
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

    let anchored = |index| in_a_block(scene.ledger.anchor(index, 1));
    let (of_ann, chain) = anchored(ann);
    let (of_root, same) = anchored(0);
    assert_eq!(chain.bytes(), same.bytes());
    let mut ruled = policy.clone();
    ruled.anchor = Some(required(&chain));
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
