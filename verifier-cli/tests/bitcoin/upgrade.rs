//! `anchor upgrade`, against calendars that speak the real API.

use serde_json::{Value, json};
use test_vectors::approval::DECIDED_AT_SECONDS;
use test_vectors::bitcoin::{Chain, display_hash, in_block, proof};
use test_vectors::calendar::{Calendar, Mood, mine};
use test_vectors::encoding::sha256;
use test_vectors::http::{Response, serve};
use test_vectors::{Algorithm, Draft};

use crate::Folder;

/// A log that has one anchor, under any size: an index, a checkpoint, a proof.
fn log(index: &str, checkpoint: &str, ots: &[u8]) -> String {
    let files = [
        ("index.json", index.as_bytes().to_vec()),
        ("checkpoint", checkpoint.as_bytes().to_vec()),
        ("checkpoint.ots", ots.to_vec()),
    ];
    serve(move |request| {
        let mut files = files.iter();
        let last = request.path.rsplit('/').next();
        let file = files.find(|(name, _)| Some(*name) == last);
        Some(file.map_or(Response::new(404, ""), |(_, bytes)| {
            Response::ok(bytes.clone())
        }))
    })
}

/// A bundle that two calendars have promised a block, a policy that requires one, and a chain.
struct Scene {
    folder: Folder,
    calendars: [Calendar; 2],
    chain: Chain,
}

impl Scene {
    fn new() -> Self {
        let draft = Draft::sample(Algorithm::Es256);
        let calendars = [Calendar::start(), Calendar::start()];
        let mut anchor = draft.anchor(5);
        let digest = sha256(anchor.checkpoint.as_bytes());
        let [one, two] = calendars.each_ref().map(|calendar| calendar.stamp(&digest));
        anchor.ots = Some(proof(&digest, &[&[0xff][..], &one, &two].concat()));
        let time = u32::try_from(DECIDED_AT_SECONDS).unwrap();
        let chain = Chain::default().extended(4, time, "before");
        let mut approval = draft.mint();
        approval.bundle.anchor = Some(anchor);
        let pin = json!({"height": 4, "hash": display_hash(&chain.headers[4])});
        approval.policy.anchor =
            Some(json!({"required": true, "network": "regtest", "pinnedBlocks": [pin]}));
        let folder = Folder::new();
        folder.write("approval.json", approval.bundle.text());
        folder.write("policy.json", approval.policy.value().to_string());
        Self {
            folder,
            calendars,
            chain,
        }
    }

    fn mine(&mut self) {
        let time = u32::try_from(DECIDED_AT_SECONDS).unwrap() + 20_000;
        let [one, two] = &self.calendars;
        mine(&[one, two], &mut self.chain, time);
        self.chain = self.chain.clone().extended(9, time + 600, "after");
        self.folder.write("headers", self.chain.file());
    }

    fn upgrade(&self, calendars: usize, more: &str) -> crate::Ran {
        let named = self.calendars.iter().take(calendars);
        let named: Vec<_> = named.map(|c| format!(" --calendar {}/", c.uri())).collect();
        let line = format!("anchor upgrade approval.json{}{more}", named.concat());
        self.folder.run(&line)
    }

    fn verify(&self) -> crate::Ran {
        self.folder
            .run("verify approval.json --policy policy.json --headers headers --format json")
    }
}

#[test]
fn a_promise_becomes_a_block() {
    let mut scene = Scene::new();
    let before = scene.folder.read("approval.json");
    let early = scene.upgrade(2, "");
    assert_eq!(early.code, 4, "{}", early.err);
    assert!(early.out.contains("has no block yet"), "{}", early.out);
    assert_eq!(scene.folder.read("approval.json"), before);
    scene.mine();
    assert_eq!(scene.verify().code, 4);
    let upgraded = scene.upgrade(2, " --headers headers --format json");
    assert_eq!(upgraded.code, 0, "{}", upgraded.err);
    let upgraded: Value = serde_json::from_str(&upgraded.out).unwrap();
    assert_eq!(
        upgraded,
        json!({"blocks": [5], "changed": true, "exitCode": 0, "open": []})
    );
    let verified = scene.verify();
    assert_eq!(verified.code, 0, "{}", verified.out);
    let report: Value = serde_json::from_str(&verified.out).unwrap();
    assert_eq!(report["anchor"]["strength"], "chain");
    let bundle: Value = serde_json::from_slice(&scene.folder.read("approval.json")).unwrap();
    assert_eq!(bundle["anchor"]["header"]["height"], 5);
    // Nobody is asked again.
    let asked = scene.calendars[0].asked().len();
    let again = scene.upgrade(2, "");
    assert_eq!(again.code, 0);
    assert!(again.out.contains("nothing new"), "{}", again.out);
    assert_eq!(scene.calendars[0].asked().len(), asked);
}

#[test]
fn an_answer_may_lead_to_other_chains_besides() {
    let mut scene = Scene::new();
    scene.mine();
    for calendar in &scene.calendars {
        calendar.set(Mood::Besides);
    }
    let upgraded = scene.upgrade(2, " --headers headers --format json");
    assert_eq!(upgraded.code, 0, "{}", upgraded.out);
    let upgraded: Value = serde_json::from_str(&upgraded.out).unwrap();
    assert_eq!(
        (&upgraded["blocks"], &upgraded["open"]),
        (&json!([5]), &json!([]))
    );
    let verified = scene.verify();
    assert_eq!(verified.code, 0, "{}", verified.out);
}

#[test]
fn no_calendar_is_asked_but_those_that_are_known() {
    let mut scene = Scene::new();
    scene.mine();
    let none = scene.upgrade(0, "");
    assert_eq!(none.code, 4, "{}", none.err);
    assert!(none.out.contains("not a known calendar"), "{}", none.out);
    for calendar in &scene.calendars {
        assert_eq!(calendar.asked(), [""; 0]);
    }
    let one = scene.upgrade(1, "");
    assert_eq!(one.code, 0, "{}", one.err);
    assert_eq!(scene.calendars[1].asked(), [""; 0]);
    assert_eq!(scene.verify().code, 0);
}

#[test]
fn what_calendars_make_up_is_not_written() {
    let stranger = Calendar::start();
    for (mood, code) in [
        (Mood::Gone, 5),
        (Mood::Moved(stranger.uri().into()), 5),
        (Mood::Floods, 5),
        (Mood::Lies, 1),
    ] {
        let mut scene = Scene::new();
        for calendar in &scene.calendars {
            calendar.set(mood.clone());
        }
        scene.mine();
        let before = scene.folder.read("approval.json");
        let refused = scene.upgrade(2, " --headers headers");
        assert_eq!(refused.code, code, "{mood:?}: {}", refused.err);
        assert_eq!(scene.folder.read("approval.json"), before, "{mood:?}");
        // The promises can still be kept.
        assert_eq!(scene.verify().code, 4, "{mood:?}");
    }
    assert_eq!(stranger.asked(), [""; 0]);
}

#[test]
fn what_is_no_bundle_with_a_timestamp_is_left_alone() {
    let scene = Scene::new();
    let mut bundle: Value = serde_json::from_slice(&scene.folder.read("approval.json")).unwrap();
    bundle["anchor"]["ots"] = json!("AAAA");
    scene.folder.write("bad.json", bundle.to_string());
    bundle.as_object_mut().unwrap().remove("anchor");
    scene.folder.write("none.json", bundle.to_string());
    scene.folder.write("text.json", "{");
    for (name, code, text) in [
        ("bad.json", 1, "[anchor.bad_proof]"),
        ("none.json", 4, "[anchor.missing]"),
        ("text.json", 3, "[bundle.not_json]"),
        ("nothing.json", 5, "[io.unreadable]"),
    ] {
        let ran = scene.folder.run(&format!("anchor upgrade {name}"));
        assert_eq!(ran.code, code, "{name}: {}", ran.err);
        assert!(ran.err.contains(text), "{name}: {}", ran.err);
    }
}

#[test]
fn a_log_s_own_anchor_has_to_fit_the_bundle() {
    let draft = Draft::sample(Algorithm::Es256);
    let bundle = draft.mint().bundle.text();
    let checkpoint = draft.anchor(0).checkpoint;
    let stamp = |text: &str| proof(&sha256(text.as_bytes()), &in_block(5));
    let other = checkpoint.replace("log.example", "lag.example");
    let good = r#"{"anchors":[{"height":5,"treeSize":6}],"schema":"cosignet.anchors/v1"}"#;
    for (index, checkpoint, ots, code, says) in [
        (good, &checkpoint, stamp(&checkpoint), 0, ""),
        // Nothing is in a block, or nothing covers the entry.
        (
            r#"{"anchors":[{"treeSize":6},{"height":5,"treeSize":2}]}"#,
            &checkpoint,
            stamp(&checkpoint),
            4,
            "[anchor.pending]",
        ),
        (
            good,
            &checkpoint,
            stamp("other bytes"),
            5,
            "[io.unreachable]",
        ),
        (good, &other, stamp(&other), 1, "[anchor.log]"),
        (
            r#"{"anchors":[{"height":5,"treeSize":7}]}"#,
            &checkpoint,
            stamp(&checkpoint),
            5,
            "[io.unreachable]",
        ),
        ("{}", &checkpoint, stamp(&checkpoint), 5, "[io.unreachable]"),
    ] {
        let folder = Folder::new();
        folder.write("approval.json", &bundle);
        let url = log(index, checkpoint, &ots);
        let ran = folder.run(&format!("anchor upgrade approval.json --log {url}/"));
        assert_eq!(ran.code, code, "{index}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(says), "{index}: {}", ran.err);
        let changed = folder.read("approval.json") != bundle.as_bytes();
        assert_eq!(changed, code == 0, "{index}");
    }
}
