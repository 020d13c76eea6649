//! Rosters as programs use them: what no vector can say.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use core::slice::from_ref;

use test_vectors::{Approver, Decision, Draft, Ledger};
use verifier_core::hazmat::input::Input;
use verifier_core::roster::{self, appended, newest_payload};
use verifier_core::{Code, Request, Roster, Verdict, verify};

use crate::parsed;

const SEALED_AT: u64 = 1_772_366_405;
const PAYLOAD: &[u8] = br#"{"amount":"4200.00","to":"Acme GmbH"}"#;

/// One log: ann approves something, root makes two versions, and ann again: before the first
/// version, between them, and behind the second one, which removes her.
struct World {
    ledger: Ledger,
    versions: [test_vectors::Roster; 2],
    policy: test_vectors::Policy,
}

impl World {
    fn new() -> Self {
        let root = key("root").in_groups(&["admins"]);
        let one = test_vectors::Roster::first("acme", 1, from_ref(&root), &[key("ann")]);
        let two = one.next(&[key("bob")]);
        let mut ledger = Ledger::default();
        let mut add = |by: &str, payload: &[u8]| {
            ledger.add(Draft::by(by).approving(payload));
        };
        add("ann", PAYLOAD);
        add("root", &one.payload());
        add("ann", PAYLOAD);
        add("root", &two.payload());
        add("ann", PAYLOAD);
        ledger.seal(SEALED_AT);
        let mut policy = ledger.approval(0).policy;
        policy.approvers.clear();
        policy.log = Some(ledger.tlog_policy());
        policy.roster = Some(one.rule());
        Self {
            ledger,
            versions: [one, two],
            policy,
        }
    }

    /// The decisions about both versions.
    fn decisions(&self) -> [Decision; 2] {
        [1, 3].map(|index| Decision::of(&[self.ledger.approval(index)]))
    }

    fn file(&self) -> Vec<u8> {
        let file = test_vectors::roster::chain(&self.decisions());
        file.to_string().into_bytes()
    }
}

fn key(seed: &str) -> Approver {
    Approver::new(seed, &Draft::by(seed).passkey)
}

/// A roster is good for the policy under which its admins were judged, and for no other one that
/// names it as well.
#[test]
fn a_roster_verified_under_another_policy_does_not_count() {
    let world = World::new();
    let policy = parsed(&world.policy);
    let mut other = world.policy.clone();
    other.name = "other".into();
    let other = parsed(&other);
    let file = world.file();
    let under = |policy| Ok(Roster::verify(&file, &Request::new().policy(policy)).unwrap());
    let approval = world.ledger.approval(2).bundle.text();
    for (roster, expected) in [
        (under(&policy), (Verdict::Verified, Code::Ok)),
        (under(&other), (Verdict::Incomplete, Code::RosterMissing)),
    ] {
        let request = Request::new().policy(&policy).roster(&roster);
        let report = verify(approval.as_bytes(), &request);
        assert_eq!((report.verdict(), report.code()), expected);
        let version = report.roster().map(|roster| roster.version);
        assert_eq!(version, (report.code() == Code::Ok).then_some(1));
    }
}

/// A log that admits only those who are listed asks this, for the place that an entry would have.
#[test]
fn a_key_is_listed_where_its_version_is_in_force() {
    let world = World::new();
    let policy = parsed(&world.policy);
    let roster = Roster::verify(&world.file(), &Request::new().policy(&policy)).unwrap();
    let origin = &world.ledger.origin;
    let listed = |seed: &str, origin: &str, at: u64| {
        roster.lists(&Draft::by(seed).passkey.public_key, origin, at)
    };
    let everywhere = |seed: &str| [0, 1, 2, 3, 4].map(|at| listed(seed, origin, at));
    // An admin can change it from the beginning.
    assert_eq!(everywhere("root"), [true; 5]);
    // The first version is at index 1, and the second one at index 3.
    assert_eq!(everywhere("ann"), [false, false, true, true, false]);
    assert_eq!(everywhere("bob"), [false, false, false, false, true]);
    assert_eq!(everywhere("eve"), [false; 5]);
    // Nothing is in force in a log that the versions are not in.
    assert_eq!(
        ["root", "ann"].map(|seed| listed(seed, "other.example", 9)),
        [true, false]
    );
}

/// The file as the command line writes it, one version after the other.
#[test]
fn a_file_grows_by_the_decision_about_the_next_version() {
    let world = World::new();
    let policy = parsed(&world.policy);
    let request = Request::new().policy(&policy);
    let mut file: Option<String> = None;
    for (number, decision) in [1, 2].into_iter().zip(world.decisions()) {
        let Ok(Input::Decision(decision)) = Input::parse(decision.text().as_bytes()) else {
            panic!("no decision");
        };
        file = Some(appended(file.as_deref().map(str::as_bytes), &decision).unwrap());
        let text = file.as_deref().unwrap();
        let roster = Roster::verify(text.as_bytes(), &request).unwrap();
        assert_eq!(roster.newest().number(), number);
        let version = &world.versions[usize::try_from(number).unwrap() - 1];
        assert_eq!(newest_payload(text.as_bytes()), Some(version.payload()));
    }
    assert_eq!(file.unwrap().into_bytes(), world.file());
    assert_eq!(newest_payload(b"{}"), None);
    assert_eq!(newest_payload(b"none"), None);
}

#[test]
fn a_draft_is_the_next_version_or_one_that_nobody_has_approved() {
    let world = World::new();
    let payload = |draft: &roster::Draft| draft.to_payload().into_bytes();
    let next = roster::Draft::of(&world.file()).unwrap();
    assert!(next.follows());
    assert_eq!(next.from().number(), 2);
    assert_eq!(next.from().approvers().len(), 1);
    assert_eq!(next.from().admins().len(), 1);
    assert_eq!(
        payload(&next),
        world.versions[1].next(&[key("bob")]).payload()
    );

    let first = world.versions[0].payload();
    for text in [first.clone(), [&first[..], b"\n"].concat()] {
        let draft = roster::Draft::of(&text).unwrap();
        assert!(!draft.follows());
        assert_eq!(draft.from().number(), 1);
        assert_eq!(payload(&draft), first);
    }
    assert!(roster::Draft::of(b"none").is_err());
}
