//! Whether the admins of the version before have approved a version.

use serde_json::json;

use super::super::File;
use super::super::people::member;
use super::scene::versions;
use super::{input, root, rooted};
use crate::{Approver, Policy, Roster};

pub(in super::super) fn admins() -> File {
    let mut file = File::new(
        "roster",
        "admins",
        "versions that the admins of the one before have, or have not, approved",
    );
    who(&mut file);
    super::approvals::how(&mut file);
    file
}

pub(super) const R1: &[&str] = &["root1"];
pub(super) const R12: &[&str] = &["root1", "root2"];
pub(super) const BAD: Option<&str> = Some("roster.admins");

pub(super) fn first(at_least: u64, admins: &[&str]) -> Roster {
    let admins: Vec<Approver> = admins.iter().map(|name| root(name)).collect();
    Roster::first("acme", at_least, &admins, &[member("ann", &["admins"])])
}

/// Whose approvals count.
fn who(file: &mut File) {
    let mut put = |name: &str, policy: &Policy, list: &[(&Roster, &[&str])], code| {
        file.roster(name, input(&versions(list), policy), code);
    };
    let (one, two) = (first(1, R12), first(2, R12));
    let open = rooted(1, R12);
    let both = rooted(2, R12);
    put("one of one", &open, &[(&one, R1)], None);
    put("two of two", &both, &[(&two, R12)], None);
    put("two where one is wanted", &open, &[(&one, R12)], None);
    put(
        "an admin and a key that nobody knows",
        &open,
        &[(&one, &["eve", "root1"])],
        None,
    );
    put("one of two", &both, &[(&two, R1)], BAD);
    put("nobody who is an admin", &open, &[(&one, &["eve"])], BAD);
    put(
        "an approver of the version",
        &open,
        &[(&one, &["ann"])],
        BAD,
    );
    put(
        "admins that only the version itself names",
        &rooted(1, R1),
        &[(&one, &["root2"])],
        BAD,
    );
    put(
        "the second version, by an approver in the group of admins",
        &open,
        &[(&one, R1), (&one.next(&[]), &["ann"])],
        BAD,
    );
    put(
        "the second version, by an admin of the policy who is none in the first",
        &rooted(1, R12),
        &[(&first(1, R1), R1), (&first(1, R1).next(&[]), &["root2"])],
        BAD,
    );
    put(
        "the second version, by an admin of the first who is none in the policy",
        &rooted(1, R1),
        &[(&one, R1), (&one.next(&[]), &["root2"])],
        None,
    );
    put(
        "the second version, by one of the two whom the first asks for",
        &open,
        &[(&two, R1), (&two.next(&[]), R1)],
        BAD,
    );
    put(
        "the second version, by the two whom the first asks for",
        &open,
        &[(&two, R1), (&two.next(&[]), R12)],
        None,
    );

    // Admins come and go.
    let admins = |roster: &Roster, names: &[&str]| {
        let mut next = roster.next(&roster.approvers);
        next.admins = names.iter().map(|name| root(name)).collect();
        next
    };
    let start = first(1, R1);
    let added = admins(&start, R12);
    put(
        "an admin added by another",
        &rooted(1, R1),
        &[(&start, R1), (&added, R1)],
        None,
    );
    put(
        "an admin who adds himself",
        &rooted(1, R1),
        &[(&start, R1), (&added, &["root2"])],
        BAD,
    );
    let removed = admins(&one, R1);
    put(
        "an admin who removes himself",
        &open,
        &[(&one, R1), (&removed, &["root2"])],
        None,
    );
    put(
        "a removed admin signs the next version",
        &open,
        &[(&one, R1), (&removed, R1), (&removed.next(&[]), &["root2"])],
        BAD,
    );
    put(
        "the admin who stayed signs the next version",
        &open,
        &[(&one, R1), (&removed, R1), (&removed.next(&[]), R1)],
        None,
    );
    let back = admins(&removed, R12);
    put(
        "a removed admin takes himself back",
        &open,
        &[(&one, R1), (&removed, R1), (&back, &["root2"])],
        BAD,
    );

    // A clause that two have to serve.
    let mut guarded = first(1, R12);
    guarded.require = vec![("admins".into(), 1), ("security".into(), 1)];
    guarded.admins = vec![root("root1"), member("guard", &["security"])];
    let mut joined = guarded.next(&[]);
    joined.admins[0] = member("root1", &["admins", "security"]);
    let list = |by: &'static [&'static str]| [(guarded.clone(), R1), (joined.clone(), by)];
    for (name, by, code) in [
        ("both clauses are served", &["root1", "guard"][..], None),
        ("an admin joins the group that he then serves", R1, BAD),
        ("one of the clauses is served", &["guard"], BAD),
    ] {
        let list = list(by);
        let list: Vec<(&Roster, &[&str])> = list.iter().map(|(r, by)| (r, *by)).collect();
        put(name, &rooted(1, R1), &list, code);
    }
    put(
        "one who serves both clauses by now, alone",
        &rooted(1, R1),
        &[
            (&guarded, R1),
            (&joined, &["root1", "guard"]),
            (&joined.next(&[]), R1),
        ],
        BAD,
    );
    let mut twice = guarded.clone();
    twice.admins = vec![
        member("home", &["admins"]).of_person("eve"),
        member("work", &["security"]).of_person("eve"),
        member("guard", &["security"]),
    ];
    for (name, by, code) in [
        (
            "one person with two keys for two clauses",
            &["home", "work"][..],
            BAD,
        ),
        (
            "one person with two keys, and another",
            &["home", "work", "guard"],
            None,
        ),
    ] {
        put(
            name,
            &rooted(1, R1),
            &[(&twice, R1), (&twice.next(&[]), by)],
            code,
        );
    }
    let mut same = rooted(2, R12);
    for admin in same.roster.as_mut().unwrap()["admins"]
        .as_array_mut()
        .unwrap()
    {
        admin["person"] = json!("root");
    }
    put(
        "two keys of one person in the policy",
        &same,
        &[(&two, R12)],
        BAD,
    );
}
