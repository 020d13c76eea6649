//! Rosters: the next version, its approval, and approvals under it.

use std::process::Stdio;

use serde_json::Value;
use test_vectors::{Draft, Roster};

use crate::fixtures::{Folder, Run};
use crate::people::{PAYLOAD, approving, key, logged, of_admins};

/// A policy that leaves it to the roster of dora and emil.
fn folder() -> Folder {
    let folder = Folder::empty();
    folder.write("policy.toml", of_admins(&["dora", "emil"]).toml());
    folder.write("wire.json", PAYLOAD);
    folder
}

fn run(folder: &Folder, args: &str, code: i32) -> Run {
    let run = folder.run(args);
    assert_eq!(run.code, code, "{args}: {}", run.transcript());
    run
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).expect(&run.stdout)
}

/// The names of the approvers, or of the admins, in the payload of a version.
fn names(folder: &Folder, file: &str, list: &str) -> Vec<String> {
    let version: Value = serde_json::from_str(&folder.read(file)).unwrap();
    let list = version[list].as_array().unwrap().iter();
    list.map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Adds the key with this seed, of finance.
fn add(folder: &Folder, file: &str, name: &str, more: &str) {
    let key = key(name);
    let args = format!("roster add {file} --name {name} --group finance --key {key} {more}");
    run(folder, &args, 0);
}

/// Version 1 with ann and bob in `v1.json`, version 2 without bob in `v2.json`, the decisions about
/// them in `d1.json` and `d2.json`, and what ann and bob approved before and behind version 2.
fn two_versions() -> Folder {
    let folder = folder();
    run(&folder, "roster init --policy policy.toml -o v1.json", 0);
    add(&folder, "v1.json", "ann", "");
    add(&folder, "v1.json", "bob", "");
    let one = folder.read("v1.json").into_bytes();
    let admins = |payload: &[u8]| ["dora", "emil"].map(|admin| approving(admin, payload));
    // The roster's file alone: version 2 comes of it.
    let first = logged(admins(&one));
    folder.write("a.json", first[0].text());
    folder.write("b.json", first[1].text());
    run(&folder, "decision join a.json b.json -o first.json", 0);
    let append = "roster append roster.json first.json --policy policy.toml";
    let said = run(&folder, append, 0).stdout;
    assert!(said.contains("ends with version 1"), "{said}");
    let remove = "roster remove roster.json -o v2.json --name bob";
    let said = run(&folder, remove, 0).stdout;
    assert!(said.contains("Removed 1 key from version 2"), "{said}");

    // The same in one log, with approvals between the versions and behind them.
    let two = folder.read("v2.json").into_bytes();
    let again = |seed: &str| approving(seed, br#"{"amount":"7.00","to":"Acme GmbH"}"#);
    let ordinary = ["ann", "bob"].map(|seed| approving(seed, PAYLOAD));
    let later = ["ann", "bob"].map(again);
    let drafts: Vec<Draft> = [admins(&one), ordinary, admins(&two), later].concat();
    let names = [
        "1a",
        "1b",
        "ann-early",
        "bob-early",
        "2a",
        "2b",
        "ann",
        "bob",
    ];
    for (name, bundle) in names.iter().zip(logged(drafts)) {
        folder.write(format!("{name}.json"), bundle.text());
    }
    run(&folder, "decision join 1a.json 1b.json -o d1.json", 0);
    run(&folder, "decision join 2a.json 2b.json -o d2.json", 0);
    std::fs::remove_file(folder.path("roster.json")).unwrap();
    folder
}

#[test]
fn a_version_is_made_changed_and_shown() {
    let folder = folder();
    run(&folder, "roster init --policy policy.toml -o v1.json", 0);
    // It is the payload that the second reading of the specification makes as well.
    let admins = ["dora", "emil"].map(|name| crate::people::member(name, "admins"));
    let expected = Roster::first("acme", 2, &admins, &[]);
    assert_eq!(folder.read("v1.json").as_bytes(), expected.payload());
    let again = run(&folder, "roster init --policy policy.toml -o v1.json", 5);
    assert!(again.stderr.contains("io.exists"), "{}", again.stderr);

    add(&folder, "v1.json", "ann", "--person anna");
    add(&folder, "v1.json", "spare", "--person anna");
    add(&folder, "v1.json", "fritz", "--admin");
    assert_eq!(names(&folder, "v1.json", "approvers"), ["ann", "spare"]);
    assert_eq!(
        names(&folder, "v1.json", "admins"),
        ["dora", "emil", "fritz"]
    );
    let shown = run(&folder, "roster show v1.json", 0).stdout;
    for words in [
        "NOTHING WAS VERIFIED",
        "2 of admins",
        "ann, of anna, finance",
        "fritz, of fritz",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let shown = json(&run(&folder, "roster show v1.json --format json", 0));
    assert_eq!(
        (&shown["name"], &shown["version"]),
        (&"acme".into(), &1.into())
    );

    // A key twice is no version, and the file stays as it is.
    let before = folder.read("v1.json");
    let twice = format!("roster add v1.json --name other --key {}", key("ann"));
    let twice = run(&folder, &twice, 1);
    assert!(twice.stderr.contains("roster.form"), "{}", twice.stderr);
    let nobody = run(&folder, "roster remove v1.json --name nobody", 2);
    assert!(nobody.stderr.contains("roster show"), "{}", nobody.stderr);
    // dora is no approver, only an admin.
    run(&folder, "roster remove v1.json --name dora", 2);
    assert_eq!(folder.read("v1.json"), before);

    run(&folder, "roster remove v1.json --person anna", 0);
    run(&folder, "roster remove v1.json --name fritz --admin", 0);
    assert_eq!(folder.read("v1.json").as_bytes(), expected.payload());
}

#[test]
fn changes_made_at_once_are_all_there() {
    let folder = folder();
    run(&folder, "roster init --policy policy.toml -o v1.json", 0);
    add(&folder, "v1.json", "goes", "");
    let mut all: Vec<Vec<String>> = (0..8)
        .map(|i| {
            let (name, key) = (format!("p{i}"), key(&format!("p{i}")));
            ["add", "v1.json", "--name", &name, "--key", &key]
                .map(String::from)
                .to_vec()
        })
        .collect();
    all.push(
        ["remove", "v1.json", "--name", "goes"]
            .map(String::from)
            .to_vec(),
    );
    let start = |args: &Vec<String>| {
        let mut command = folder.command();
        command.arg("roster").args(args).stdout(Stdio::null());
        command.spawn().unwrap()
    };
    let children: Vec<_> = all.iter().map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let mut found = names(&folder, "v1.json", "approvers");
    found.sort();
    assert_eq!(found, ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"]);
}

#[test]
fn approved_versions_are_appended_and_the_newest_is_in_force() {
    let folder = two_versions();
    let append = |decision: &str, code| {
        let args = format!("roster append roster.json {decision} --policy policy.toml");
        run(&folder, &args, code)
    };
    // Not the second before the first, and not by one admin alone.
    assert!(append("d2.json", 1).stderr.contains("roster.chain"));
    assert!(append("1a.json", 1).stderr.contains("roster.admins"));
    assert!(!folder.path("roster.json").exists());
    append("d1.json", 0);
    let before = folder.read("roster.json");
    assert!(append("d1.json", 1).stderr.contains("roster.chain"));
    assert!(append("2a.json", 1).stderr.contains("roster.admins"));
    assert_eq!(folder.read("roster.json"), before);
    append("d2.json", 0);

    let check = run(&folder, "roster check roster.json --policy policy.toml", 0);
    assert!(check.stdout.contains("2 versions"), "{}", check.stdout);
    let check = "roster check roster.json --policy policy.toml --format json";
    let newest = json(&run(&folder, check, 0));
    let shown = json(&run(&folder, "roster show roster.json --format json", 0));
    let draft = json(&run(&folder, "roster show v2.json --format json", 0));
    assert_eq!(newest["version"], 2);
    assert_eq!(
        (&newest["sha256"], &newest["sha256"]),
        (&shown["sha256"], &draft["sha256"])
    );

    // A roster's file is approved already, and not changed where it is.
    let add = format!("roster add roster.json --name eve --key {}", key("eve"));
    let refused = run(&folder, &add, 2);
    assert!(refused.stderr.contains("-o FILE"), "{}", refused.stderr);
    run(&folder, &format!("{add} -o v3.json"), 0);
    let draft = json(&run(&folder, "roster show v3.json --format json", 0));
    assert_eq!(draft["version"], 3);

    for (file, code, why) in [
        ("ann-early", 0, "ok"),
        ("bob-early", 0, "ok"),
        ("ann", 0, "ok"),
        ("bob", 1, "approver.removed"),
    ] {
        let verify =
            format!("verify {file}.json --policy policy.toml --roster roster.json --format json");
        let report = json(&run(&folder, &verify, code));
        assert_eq!(report["code"], why, "{file}");
    }
    let verify = "verify ann.json --policy policy.toml --format json";
    assert_eq!(json(&run(&folder, verify, 4))["code"], "roster.missing");
}

#[test]
fn two_appends_at_once_lose_no_version() {
    let folder = two_versions();
    run(
        &folder,
        "roster append roster.json d1.json --policy policy.toml",
        0,
    );
    let start = || {
        let mut command = folder.command();
        command.args(["roster", "append", "roster.json", "d2.json"]);
        command.args(["--policy", "policy.toml"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    let ends = children.into_iter().map(|mut child| child.wait().unwrap());
    assert_eq!(ends.filter(std::process::ExitStatus::success).count(), 1);
    let check = "roster check roster.json --policy policy.toml --format json";
    assert_eq!(json(&run(&folder, check, 0))["version"], 2);
}

#[test]
fn a_roster_that_does_not_hold_is_said_to_be_one() {
    let folder = two_versions();
    run(
        &folder,
        "roster append roster.json d1.json --policy policy.toml",
        0,
    );
    // Another admin's word is not that of those in the policy.
    folder.write("others.toml", of_admins(&["dora", "eve"]).toml());
    let check = run(&folder, "roster check roster.json --policy others.toml", 1);
    assert!(check.stderr.contains("roster.admins"), "{}", check.stderr);
    let verify = "verify ann.json --policy others.toml --roster roster.json --format json";
    assert_eq!(json(&run(&folder, verify, 1))["code"], "roster.admins");
    folder.write("plain.toml", crate::people::of_people(&["ann"], 1).toml());
    for args in [
        "roster check roster.json --policy plain.toml",
        "verify ann.json --policy plain.toml --roster roster.json",
        "roster init --policy plain.toml -o new.json",
    ] {
        let refused = run(&folder, args, 2);
        assert!(refused.stderr.contains("[usage]"), "{}", refused.stderr);
    }
}

#[test]
fn versions_are_compared() {
    let folder = two_versions();
    let run = |args: &str| run(&folder, args, 0);
    let text = run("roster diff v1.json v2.json").stdout;
    assert!(text.contains("version 1 to version 2"), "{text}");
    assert!(text.contains("bob") && !text.contains("ann"), "{text}");
    let changes = json(&run("roster diff v2.json v1.json --format json"));
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
    assert_eq!(changes["changes"][0]["change"], "+");
    run("roster append roster.json d1.json --policy policy.toml");
    let same = run("roster diff roster.json v1.json").stdout;
    assert!(same.contains("the same people"), "{same}");
}
