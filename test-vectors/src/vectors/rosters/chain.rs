//! Versions that follow each other, and versions that do not. All are properly approved.

use super::super::File;
use super::super::people::member;
use super::scene::versions;
use super::{at_least, input, root, rooted};
use crate::encoding::sha256;
use crate::{Decision, Roster};

/// Breaks a good version.
type Change = fn(&mut Roster);

const ROOT: &[&str] = &["root"];

pub(in super::super) fn chain() -> File {
    let mut file = File::new(
        "roster",
        "chain",
        "versions that follow each other, and versions that do not",
    );
    let [one, two, three, fork] = rosters();
    let all = |list: &[&Roster]| -> Vec<Decision> {
        let list: Vec<(&Roster, &[&str])> = list.iter().map(|roster| (*roster, ROOT)).collect();
        versions(&list)
    };
    let policy = || rooted(1, ROOT);
    let mut put = |name: &str, list: &[&Roster], code: Option<&str>| {
        file.roster(name, input(&all(list), &policy()), code);
    };
    put("one version", &[&one], None);
    put("two versions", &[&one, &two], None);
    put("three versions", &[&one, &two, &three], None);
    put(
        "the other branch of a fork, which alone looks like the first",
        &[&one, &two, &fork],
        None,
    );
    let broken = Some("roster.chain");
    let mut skipping = three.clone();
    skipping.previous = two.previous;
    put(
        "both branches of a fork",
        &[&one, &two, &three, &fork],
        broken,
    );
    put(
        "a version that follows the one branch, behind the other",
        &[&one, &two, &fork, &three.next(&[])],
        broken,
    );
    put("the first version is missing", &[&two, &three], broken);
    put("a version between is missing", &[&one, &three], broken);
    put("the first version twice", &[&one, &one], broken);
    put("the second version twice", &[&one, &two, &two], broken);
    put("an old version at the end", &[&one, &two, &one], broken);
    put("newest first", &[&two, &one], broken);
    let edited = |roster: &Roster, change: Change| {
        let mut roster = roster.clone();
        change(&mut roster);
        roster
    };
    let firsts: [(&str, Change); 4] = [
        ("the first version has one before it", |r| {
            r.previous = Some([0; 32])
        }),
        ("the first version is the second", |r| r.version = 2),
        ("another roster", |r| r.name = "other".into()),
        ("another roster, in capitals", |r| r.name = "ACME".into()),
    ];
    for (name, change) in firsts {
        put(name, &[&edited(&one, change)], broken);
    }
    let seconds: [(&str, Change); 7] = [
        ("a version skipped", |r| r.version = 3),
        ("a version that does not count", |r| r.version = 1),
        ("the largest version", |r| r.version = 1 << 53),
        ("nothing before the second version", |r| r.previous = None),
        ("zeros before the second version", |r| {
            r.previous = Some([0; 32])
        }),
        ("another name in the second version", |r| {
            r.name = "acme 2".into()
        }),
        ("itself before the second version", |r| {
            r.previous = Some(sha256(&r.payload()))
        }),
    ];
    for (name, change) in seconds {
        put(name, &[&one, &edited(&two, change)], broken);
    }
    put(
        "the first version before the third",
        &[&one, &two, &skipping],
        broken,
    );

    // How old a roster may be.
    let too_old = Some("roster.too_old");
    for (name, least, list, code) in [
        ("version 1 is wanted and there", 1, vec![&one], None),
        (
            "version 2 is wanted, and there is 1",
            2,
            vec![&one],
            too_old,
        ),
        ("version 2 is wanted and there", 2, vec![&one, &two], None),
        (
            "version 2 is wanted, and there is 3",
            2,
            vec![&one, &two, &three],
            None,
        ),
        (
            "version 3 is wanted, and there is a fork",
            3,
            vec![&one, &two, &fork],
            None,
        ),
        (
            "version 3 is wanted, and there is 2",
            3,
            vec![&one, &two],
            too_old,
        ),
        ("version 2^53 is wanted", 1 << 53, vec![&one, &two], too_old),
        (
            "version 3 is wanted and there, without 2",
            3,
            vec![&one, &three],
            broken,
        ),
    ] {
        file.roster(name, input(&all(&list), &at_least(least, policy())), code);
    }
    file
}

/// Three versions, and another third one.
fn rosters() -> [Roster; 4] {
    let one = Roster::first("acme", 1, &[root("root")], &[member("ann", &[])]);
    let two = one.next(&[member("ann", &[]), member("bob", &[])]);
    let three = two.next(&[member("bob", &[])]);
    let fork = two.next(&[member("ann", &[])]);
    [one, two, three, fork]
}
