//! `bundle`: which version is in force at a place of the log.

use serde_json::{Value, json};

use super::super::File;
use super::super::bundles::and;
use super::super::people::{member, wanting};
use super::scene::Scene;
use super::{at_least, root, rooted};
use crate::{Approver, Policy, Roster};

pub(super) const ROOT: &[&str] = &["root"];
pub(super) const REMOVED: &str = "approver.removed";
pub(super) const ABSENT: &str = "approver.not_in_roster";

pub(in super::super) fn in_force() -> File {
    let mut file = File::new(
        "bundle",
        "roster",
        "approvals under a policy that leaves it to a roster who may approve",
    );
    removal(&mut file);
    positions(&mut file);
    moved(&mut file);
    super::given::given(&mut file);
    super::moment::moment(&mut file);
    file
}

pub(super) fn ending(code: &str) -> &'static str {
    match code {
        "ok" => "VERIFIED",
        "approver.time_unproven"
        | "approver.unknown_key"
        | "log.missing"
        | "roster.missing"
        | "decision.quorum_short"
        | "log.unknown_key"
        | "log.quorum_short" => "INCOMPLETE",
        _ => "REJECTED",
    }
}

pub(super) fn first(names: &[&str]) -> Roster {
    Roster::first("acme", 1, &[root("root")], &keys(names))
}

pub(super) fn keys(names: &[&str]) -> Vec<Approver> {
    names
        .iter()
        .map(|name| member(name, &["finance"]))
        .collect()
}

/// ann is removed, cat is added, and ann comes back.
fn removal(file: &mut File) {
    let mut scene = Scene::default();
    let one = first(&["ann", "bob"]);
    let two = one.next(&keys(&["bob", "cat"]));
    let three = two.next(&keys(&["ann", "cat"]));
    let mut cases = Vec::new();
    let mut approve = |scene: &mut Scene, when: &str, who: &str, code: &'static str| {
        cases.push((format!("{who} {when}"), scene.approve(who), code));
    };
    approve(&mut scene, "before there is a roster", "ann", ABSENT);
    scene.version(&one, ROOT);
    approve(&mut scene, "right behind the first version", "ann", "ok");
    approve(&mut scene, "under the first version", "bob", "ok");
    approve(&mut scene, "before being added", "cat", ABSENT);
    approve(&mut scene, "right before being removed", "ann", "ok");
    scene.version(&two, ROOT);
    approve(&mut scene, "right behind being removed", "ann", REMOVED);
    approve(&mut scene, "right behind being added", "cat", "ok");
    approve(&mut scene, "under the second version", "bob", "ok");
    approve(&mut scene, "under the second version", "eve", ABSENT);
    approve(&mut scene, "under the second version", "root", ABSENT);
    approve(&mut scene, "later, still removed", "ann", REMOVED);
    scene.version(&three, ROOT);
    approve(&mut scene, "right behind coming back", "ann", "ok");
    approve(
        &mut scene,
        "removed while another comes back",
        "bob",
        REMOVED,
    );
    approve(&mut scene, "under three versions", "eve", ABSENT);
    scene.seal(0);
    let decisions = scene.decisions();
    let policy = rooted(1, ROOT);
    for (name, index, code) in cases {
        file.verdict(
            name,
            scene.asked(index, &decisions, &policy),
            ending(code),
            code,
        );
    }
    // An old file knows nothing of what came behind it.
    let old = |name: &str, file: &mut File, policy: &Policy, code| {
        let input = scene.asked(6 + 1, &decisions[..1], policy);
        file.verdict(name, input, ending(code), code);
    };
    old(
        "rolled back: the removal is not in the file",
        file,
        &policy,
        "ok",
    );
    let wanting = at_least(2, policy.clone());
    old(
        "rolled back: the removal is not in the file, and wanted",
        file,
        &wanting,
        "roster.too_old",
    );
    let input = scene.asked(2, &decisions, &at_least(3, policy));
    file.verdict(
        "before a removal, and the newest version is wanted",
        input,
        "VERIFIED",
        "ok",
    );
}

/// A version has as many entries as it needs, and its position is that of the last of them.
fn positions(file: &mut File) {
    let admins = ["root1", "root2", "root3"].map(root);
    let one = Roster::first("acme", 2, &admins, &keys(&["ann"]));
    let two = one.next(&[]);
    let mut scene = Scene::default();
    let mut cases = Vec::new();
    scene.version(&one, &["root1"]);
    cases.push((
        "between the two entries of the first version",
        scene.approve("ann"),
        ABSENT,
    ));
    scene.late(&one, "root2");
    cases.push((
        "behind both entries of the first version",
        scene.approve("ann"),
        "ok",
    ));
    scene.version(&two, &["root1"]);
    cases.push((
        "between the two entries of a removal",
        scene.approve("ann"),
        "ok",
    ));
    scene.late(&two, "root2");
    cases.push((
        "behind both entries of a removal",
        scene.approve("ann"),
        REMOVED,
    ));
    scene.late(&two, "root3");
    cases.push((
        "behind an entry more than the removal needs",
        scene.approve("ann"),
        REMOVED,
    ));
    scene.seal(0);
    let policy = rooted(2, &["root1", "root2", "root3"]);
    for (name, index, code) in &cases {
        let input = scene.asked(*index, &scene.decisions(), &policy);
        file.verdict(*name, input, ending(code), code);
    }
    let mut reversed = scene.decisions();
    for decision in &mut reversed {
        decision.bundles.reverse();
    }
    for (name, index, code) in &cases {
        let input = scene.asked(*index, &reversed, &policy);
        file.verdict(
            format!("{name}, bundles reversed"),
            input,
            ending(code),
            code,
        );
    }
    // Who hands over the file decides which of the entries stand in it.
    let mut thinned = scene.decisions();
    thinned[1].bundles.remove(1);
    let input = scene.asked(cases[3].1, &thinned, &policy);
    file.verdict(
        "behind a removal, one of whose entries was left out",
        input,
        "VERIFIED",
        "ok",
    );

    two_keys(file);
    own_entries(file);

    // A later version whose entries come first.
    let mut scene = Scene::default();
    let one = first(&["ann"]);
    scene.version(&one.next(&keys(&["bob"])), ROOT);
    let early = scene.approve("bob");
    scene.version(&one, ROOT);
    let late = ["ann", "bob"].map(|who| scene.approve(who));
    scene.seal(0);
    let mut decisions = scene.decisions();
    decisions.reverse();
    let policy = rooted(1, ROOT);
    for (name, index, code) in [
        (
            "a second version that stands before the first, and an approval between",
            early,
            ABSENT,
        ),
        (
            "a second version that stands before the first, and one whom it removed",
            late[0],
            REMOVED,
        ),
        (
            "a second version that stands before the first, and one whom it added",
            late[1],
            "ok",
        ),
    ] {
        file.verdict(
            name,
            scene.asked(index, &decisions, &policy),
            ending(code),
            code,
        );
    }
}

/// Two keys of one admin are one admin: a version is not in force before another one has approved.
fn two_keys(file: &mut File) {
    let admins = [
        root("root1"),
        root("phone").of_person("root1"),
        root("root2"),
    ];
    let one = Roster::first("acme", 2, &admins, &keys(&["ann"]));
    let mut scene = Scene::default();
    scene.version(&one, &["root1", "phone"]);
    let between = scene.approve("ann");
    scene.late(&one, "root2");
    let behind = scene.approve("ann");
    scene.seal(0);
    let admins: Vec<Value> = admins.iter().map(Approver::value).collect();
    let mut policy = rooted(2, &[]);
    policy.roster.as_mut().unwrap()["admins"] = json!(admins);
    for (name, index, code) in [
        ("behind two keys of one admin", between, ABSENT),
        (
            "behind two keys of one admin and another admin",
            behind,
            "ok",
        ),
    ] {
        let input = scene.asked(index, &scene.decisions(), &policy);
        file.verdict(name, input, ending(code), code);
    }
}

/// The entry that makes a version is not behind it: what it adds does not count there yet, and what
/// it removes counts still.
fn own_entries(file: &mut File) {
    let mut scene = Scene::default();
    let one = first(&["ann"]);
    let two = one.next(&keys(&["ann", "root"]));
    let start = scene.ledger.len();
    scene.version(&one, ROOT);
    scene.version(&two, ROOT);
    let added = scene.approve("root");
    scene.version(&two.next(&keys(&["ann"])), ROOT);
    let removed = scene.approve("root");
    scene.seal(0);
    let decisions = scene.decisions();
    for (name, index, code) in [
        ("the entry of the first version", start, ABSENT),
        (
            "the entry of the version that adds its key",
            start + 1,
            ABSENT,
        ),
        ("right behind the entry that adds its key", added, "ok"),
        (
            "the entry of the version that removes its key",
            added + 1,
            "ok",
        ),
        (
            "right behind the entry that removes its key",
            removed,
            REMOVED,
        ),
    ] {
        let input = scene.asked(index, &decisions, &rooted(1, ROOT));
        file.verdict(
            format!("an admin who approves: {name}"),
            input,
            ending(code),
            code,
        );
    }
}

/// Keys that go from one person to another, and people who go from one group to another.
fn moved(file: &mut File) {
    let one = Roster::first(
        "acme",
        1,
        &[root("root")],
        &[
            member("phone", &["finance"]).of_person("ann"),
            member("dan", &["finance"]),
        ],
    );
    let two = one.next(&[
        member("phone", &["finance"]).of_person("bob"),
        member("dan", &["board"]),
    ]);
    let mut scene = Scene::default();
    scene.version(&one, ROOT);
    let before = ["phone", "dan"].map(|who| scene.approve(who));
    scene.version(&two, ROOT);
    let behind = ["phone", "dan"].map(|who| scene.approve(who));
    scene.seal(0);
    let decisions = scene.decisions();
    let policy = Policy {
        decision: Some(wanting(&[("finance", 1)])),
        ..rooted(1, ROOT)
    };
    let short = "decision.quorum_short";
    for (name, index, code) in [
        ("a key before it goes to another person", before[0], "ok"),
        ("a key that has gone to another person", behind[0], "ok"),
        ("one who is still in the group", before[1], "ok"),
        ("one who has left the group", behind[1], short),
    ] {
        file.verdict(
            name,
            scene.asked(index, &decisions, &policy),
            ending(code),
            code,
        );
    }
    // The name that it has at its place.
    let named = [("dan", "ok"), ("phone", "expectation.approver")];
    for (who, code) in named {
        let input = scene.asked(before[1], &decisions, &policy);
        let input = and(input, json!({"expectations": {"approver": who}}));
        file.verdict(
            format!("dan, and {who} was asked for"),
            input,
            ending(code),
            code,
        );
    }
}
