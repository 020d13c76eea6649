//! A monitor that knows who may be in the log.

use serde_json::{Value, json};
use test_vectors::approval::uuid;
use test_vectors::roster::chain;
use test_vectors::server::Server;
use test_vectors::{Algorithm, Approver, Decision, Draft, Passkey, Roster};

use crate::world::{NOW, World, leaf};

const PAYLOAD: &[u8] = br#"{"amount":"4200.00","to":"Acme GmbH"}"#;

fn member(name: &str, group: &str) -> Approver {
    Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(&[group])
}

fn approving(seed: &str, label: &str, payload: &[u8]) -> Draft {
    let mut draft = Draft::by(seed);
    draft.approval_id = uuid(&format!("{seed} {label}"));
    draft.approving(payload)
}

/// A world whose policy names dora as the admin of a roster.
fn world() -> World {
    World::with_policy(|policy| {
        policy.approvers.clear();
        policy.roster = Some(json!({
            "admins": [member("dora", "admins").value()],
            "name": "acme",
            "require": [{"atLeast": 1, "group": "admins"}],
        }));
    })
}

/// Entries of the world's log with two versions of the roster in it, the second of which is without
/// bob: dora for version 1 (entry 0), ann (1), bob (2), dora for version 2 (3), and then these.
fn entries(world: &World, behind: &[&str]) -> Vec<Vec<u8>> {
    let admins = [member("dora", "admins")];
    let people = ["ann", "bob"].map(|name| member(name, "finance"));
    let first = Roster::first("acme", 1, &admins, &people);
    let second = first.next(&people[..1]);
    let mut drafts = vec![
        approving("dora", "version 1", &first.payload()),
        approving("ann", "early", PAYLOAD),
        approving("bob", "early", PAYLOAD),
        approving("dora", "version 2", &second.payload()),
    ];
    drafts.extend(behind.iter().map(|name| approving(name, "late", PAYLOAD)));
    let leaves: Vec<Vec<u8>> = drafts.iter().map(leaf).collect();
    let log = world.log(&leaves);
    let decision = |index: usize| {
        let proof = log.prove(index, leaves.len(), &world.cosigners(NOW));
        let mut bundle = drafts[index].mint().bundle;
        bundle.log_proof = proof;
        Decision {
            context: None,
            payload: None,
            bundles: vec![bundle],
        }
    };
    world.write(
        "roster.json",
        chain(&[decision(0), decision(3)]).to_string(),
    );
    leaves
}

const ROSTER: &str = "--roster roster.json";

fn places(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .filter_map(|event| event["index"].as_u64())
        .collect()
}

#[test]
fn keys_that_nobody_put_into_the_roster_are_an_alarm() {
    let world = world();
    // In order: sound, removed, unknown, an admin.
    let leaves = entries(&world, &["ann", "bob", "eve", "dora"]);
    world.serve(&leaves, NOW);
    let hook = Server::start();
    hook.set("hook", Vec::new());
    let round = world.round(&format!("--init {ROSTER} --webhook {}/hook", hook.url()));
    assert_eq!(round.code, 1, "{round:?}");
    let events = round.events("unlisted");
    assert_eq!(places(&events), [5, 6], "{round:?}");
    assert_eq!(events[0]["code"], "entry.unlisted_key");
    let posted = hook.received();
    assert_eq!(posted.len(), 2);
    assert!(String::from_utf8_lossy(&posted[0].body).contains("entry.unlisted_key"));
    // It is about the approval service: no evidence against the log, and said once.
    assert!(world.alarms().is_empty());
    let again = world.round(ROSTER);
    assert_eq!(
        (again.code, again.events("unlisted").len()),
        (0, 0),
        "{again:?}"
    );
}

#[test]
fn the_version_in_force_decides_and_not_the_newest() {
    let world = world();
    let leaves = entries(&world, &["ann"]);
    world.serve(&leaves, NOW);
    let round = world.round(&format!("--init {ROSTER}"));
    // bob is in version 1 alone, and approved before version 2.
    assert_eq!(
        (round.code, round.events("unlisted").len()),
        (0, 0),
        "{round:?}"
    );
}

#[test]
fn entries_of_later_rounds_are_looked_at_as_well() {
    let world = world();
    let leaves = entries(&world, &["ann", "eve"]);
    world.serve(&leaves[..5], NOW);
    let round = world.round(&format!("--init {ROSTER}"));
    assert_eq!(round.code, 0, "{round:?}");
    world.serve(&leaves, NOW + 60);
    let round = world.round(ROSTER);
    assert_eq!(places(&round.events("unlisted")), [5], "{round:?}");
    assert_eq!(round.code, 1);
}

#[test]
fn a_roster_that_does_not_hold_starts_no_monitor() {
    let world = world();
    let leaves = entries(&world, &["ann"]);
    world.serve(&leaves, NOW);
    let text = std::fs::read_to_string(world.path("roster.json")).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let mut turned = value.clone();
    turned["decisions"].as_array_mut().unwrap().reverse();
    world.write("roster.json", turned.to_string());
    let round = world.round(&format!("--init {ROSTER}"));
    assert!(round.err.contains("roster.chain"), "{round:?}");
    assert!(!world.path("state").exists());
    // And a policy without a roster takes none.
    let world = World::new();
    world.write("roster.json", value.to_string());
    let round = world.round(&format!("--init {ROSTER}"));
    assert_eq!(round.code, 2, "{round:?}");
}
