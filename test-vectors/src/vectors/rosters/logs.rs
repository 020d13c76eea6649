//! `bundle`: a roster in one log, and approvals in another, where only proven times compare.

use serde_json::{Value, json};

use super::super::File;
use super::super::people::{SEALED_AT, member};
use super::super::sorted;
use super::in_force::{ABSENT, REMOVED, ROOT, ending, first, keys};
use super::scene::{Scene, approval};
use super::{file_of, rooted};
use crate::{Approval, Decision, Ledger, Policy};

pub(in super::super) fn logs() -> File {
    let mut file = File::new(
        "bundle",
        "roster_logs",
        "a roster in one log, and approvals in another or under heads whose time nobody proves",
    );
    times(&mut file);
    unknown(&mut file);
    both(&mut file);
    file
}

const PAYLOAD: &[u8] = super::super::people::PAYLOAD;
const OTHER: &str = "other.example/log";
const UNPROVEN: &str = "approver.time_unproven";

/// The policy knows both logs.
fn policy() -> Policy {
    let mut policy = rooted(1, ROOT);
    let line = Ledger::new(OTHER).log().policy_line();
    policy.log = policy.log.map(|text| line + &text);
    policy
}

fn unwitnessed(mut policy: Policy) -> Policy {
    let text = policy.log.unwrap();
    policy.log = Some(text.split_once("group").unwrap().0.to_owned() + "quorum none\n");
    policy
}

/// An approval in the other log, under a head of this time.
fn elsewhere(seed: &str, seconds: u64) -> Approval {
    let mut other = Ledger::new(OTHER);
    other.add(approval(seed, "elsewhere", PAYLOAD));
    other.seal(seconds);
    other.approval(0)
}

fn asked(approval: &Approval, decisions: &[Decision], policy: &Policy) -> Value {
    json!({
        "bundleText": approval.bundle.text(),
        "policy": policy.value(),
        "roster": sorted(&file_of(decisions)),
    })
}

/// ann, then bob, then nobody: at minutes 0, 10 and 20.
fn three() -> Vec<Decision> {
    let mut scene = Scene::default();
    let one = first(&["ann"]);
    let two = one.next(&keys(&["bob"]));
    for (roster, minute) in [(&one, 0), (&two, 10), (&two.next(&[]), 20)] {
        scene.version(roster, ROOT);
        scene.seal(minute);
    }
    scene.decisions()
}

fn times(file: &mut File) {
    let decisions = three();
    let at = |minute: u64| SEALED_AT + 60 * minute;
    for (name, who, seconds, code) in [
        (
            "ann, a second before the first version",
            "ann",
            at(0) - 1,
            ABSENT,
        ),
        ("ann, with the first version", "ann", at(0), "ok"),
        (
            "ann, a second before being removed",
            "ann",
            at(10) - 1,
            "ok",
        ),
        (
            "ann, with the version that removes her",
            "ann",
            at(10),
            REMOVED,
        ),
        ("ann, long after being removed", "ann", at(30), REMOVED),
        (
            "bob, a second before being added",
            "bob",
            at(10) - 1,
            ABSENT,
        ),
        ("bob, with the version that adds him", "bob", at(10), "ok"),
        ("bob, long after being removed", "bob", at(30), REMOVED),
        ("eve, who never was in it", "eve", at(15), ABSENT),
    ] {
        let name = format!("another log: {name}");
        file.verdict(
            name,
            asked(&elsewhere(who, seconds), &decisions, &policy()),
            ending(code),
            code,
        );
    }
    let mut short = elsewhere("ann", at(5));
    short.bundle.log_proof.lines.truncate(1);
    let input = asked(&short, &decisions, &policy());
    file.verdict(
        "another log: no witness has seen the head",
        input,
        ending(UNPROVEN),
        UNPROVEN,
    );
    let input = asked(&elsewhere("ann", at(5)), &decisions, &rooted(1, ROOT));
    file.verdict(
        "another log: one that the policy does not know",
        input,
        ending(UNPROVEN),
        UNPROVEN,
    );
    let mut odd = elsewhere("ann", at(5));
    odd.bundle.log_proof.index = 1;
    let input = asked(&odd, &decisions, &policy());
    file.verdict(
        "another log: not in it",
        input,
        "REJECTED",
        UNPROVEN.replace(UNPROVEN, "log.not_included").as_str(),
    );
}

/// No times at all: what all versions say alike holds all the same.
fn unknown(file: &mut File) {
    let one = first(&["ann", "bob"]);
    let renamed = |name: &str| {
        let mut bob = member("bob", &["finance"]).of_person("bob");
        bob.name = name.into();
        bob
    };
    let cases = [
        (
            "in all versions",
            vec![keys(&["ann", "bob"]), keys(&["ann"])],
            "ann",
            "ok",
        ),
        (
            "in all versions but the last",
            vec![keys(&["ann", "bob"]), keys(&["ann"])],
            "bob",
            UNPROVEN,
        ),
        (
            "in all versions but the first",
            vec![keys(&["cat"]), keys(&["cat"])],
            "cat",
            UNPROVEN,
        ),
        (
            "in all versions but one between",
            vec![keys(&["ann"]), keys(&["bob"])],
            "bob",
            UNPROVEN,
        ),
        ("in none", vec![keys(&["ann"])], "eve", ABSENT),
        (
            "in all versions, under another name",
            vec![vec![renamed("bob's phone")]],
            "bob",
            "ok",
        ),
        (
            "in all versions, of two people",
            vec![vec![member("bob", &["finance"]).of_person("eve")]],
            "bob",
            UNPROVEN,
        ),
        (
            "in all versions, in two groups",
            vec![vec![member("bob", &["board"])]],
            "bob",
            UNPROVEN,
        ),
        (
            "in all versions, in a group more",
            vec![vec![member("bob", &["board", "finance"])]],
            "bob",
            UNPROVEN,
        ),
        ("in the only version", vec![], "bob", "ok"),
        ("not in the only version", vec![], "eve", ABSENT),
    ];
    for (name, more, who, code) in cases {
        let mut scene = Scene::default();
        scene.version(&one, ROOT);
        let mut roster = one.clone();
        for approvers in more {
            roster = roster.next(&approvers);
            scene.version(&roster, ROOT);
        }
        scene.seal(0);
        let policy = unwitnessed(policy());
        let input = asked(&elsewhere(who, SEALED_AT), &scene.decisions(), &policy);
        file.verdict(format!("no times: a key {name}"), input, ending(code), code);
        if name.contains("another name") {
            let mut named = asked(&elsewhere(who, SEALED_AT), &scene.decisions(), &policy);
            named["expectations"] = json!({"approver": "bob's phone"});
            file.verdict(
                "no times: the newest name is asked for",
                named,
                "VERIFIED",
                "ok",
            );
        }
        if name.contains("two people") {
            let mut named = asked(&elsewhere(who, SEALED_AT), &scene.decisions(), &policy);
            named["expectations"] = json!({"approver": "bob"});
            file.verdict(
                "no times: a name is asked for, and versions differ",
                named,
                ending(UNPROVEN),
                UNPROVEN,
            );
        }
    }
    // Within the log of the roster the place is enough.
    let mut scene = Scene::default();
    scene.version(&one, ROOT);
    let before = scene.approve("ann");
    scene.version(&one.next(&[]), ROOT);
    let behind = scene.approve("ann");
    scene.seal(0);
    for (name, index, code) in [("before", before, "ok"), ("behind", behind, REMOVED)] {
        let name = format!("no times: {name} a removal in the same log");
        let input = scene.asked(index, &scene.decisions(), &unwitnessed(policy()));
        file.verdict(name, input, ending(code), code);
    }
}

/// Versions that stand in two logs, or whose place is known in one of them alone.
fn both(file: &mut File) {
    let one = first(&["ann"]);
    let two = one.next(&[]);
    let mut scene = Scene::default();
    scene.version(&one, ROOT);
    let before = scene.approve("ann");
    scene.version(&two, ROOT);
    let behind = scene.approve("ann");
    scene.seal(0);
    // The removal once more, in the other log and long after.
    let mut other = Ledger::new(OTHER);
    other.add(approval("root", "once more", &two.payload()));
    other.seal(SEALED_AT + 7200);
    let once_more = other.approval(0);
    for (name, index, code) in [("before", before, "ok"), ("behind", behind, REMOVED)] {
        let mut decisions = scene.decisions();
        decisions[1].bundles.push(stripped(&once_more));
        let input = scene.asked(index, &decisions, &policy());
        file.verdict(
            format!("two logs: {name} a removal that stands in another log too"),
            input,
            ending(code),
            code,
        );
        decisions[1].bundles.reverse();
        let input = scene.asked(index, &decisions, &policy());
        file.verdict(
            format!("two logs: {name} a removal that stands in another log first"),
            input,
            ending(code),
            code,
        );
    }
    // Two admins, one of them in each log: no place, and the time of the later.
    let admins = ["root1", "root2"].map(super::root);
    let one = crate::Roster::first("acme", 1, &admins, &keys(&["ann"]));
    let two = one.next(&[]);
    let mut one = one;
    one.require = vec![("admins".into(), 2)];
    let two = crate::Roster {
        previous: Some(crate::encoding::sha256(&one.payload())),
        require: one.require.clone(),
        ..two
    };
    let mut scene = Scene::default();
    scene.version(&one, &["root1", "root2"]);
    scene.seal(0);
    scene.version(&two, &["root1"]);
    scene.seal(10);
    let behind = scene.approve("ann");
    scene.seal(20);
    let mut other = Ledger::new(OTHER);
    other.add(approval("root2", "apart", &two.payload()));
    let mut policy = policy();
    policy.roster = rooted(2, &["root1", "root2"]).roster;
    for (minute, code) in [(15, REMOVED), (20, REMOVED), (25, "ok")] {
        let mut other = other.clone();
        other.seal(SEALED_AT + 60 * minute);
        let mut decisions = scene.decisions();
        decisions[1].bundles.push(stripped(&other.approval(0)));
        let name = format!("two logs: a removal by one in each, the other at minute {minute}");
        file.verdict(
            name,
            scene.asked(behind, &decisions, &policy),
            ending(code),
            code,
        );
    }
}

/// Without the payload, which the decision states.
fn stripped(approval: &Approval) -> crate::Bundle {
    let mut bundle = approval.bundle.clone();
    bundle.evidence.as_mut().unwrap().payload = None;
    bundle
}
