//! A monitor, and what was done under break-glass.

use test_vectors::approval::RP_ID;
use test_vectors::break_glass::leaf as leaf_of;
use test_vectors::encoding::{b64url, pseudo_random};
use test_vectors::entry::canonical;
use test_vectors::server::Server;
use test_vectors::{Algorithm, Glass, Passkey};

use crate::world::{NOW, World, entries};

fn glass(seed: &str, edit: fn(&mut std::collections::BTreeMap<String, String>)) -> Vec<u8> {
    let mut glass = Glass::new(&"11".repeat(32));
    glass.random = pseudo_random(seed);
    let mut members = leaf_of(&glass, RP_ID, &Passkey::new(Algorithm::Es256, "alice"));
    edit(&mut members);
    canonical(&members).into_bytes()
}

#[test]
fn each_use_is_an_alarm_of_its_own_and_none_against_the_log() {
    let world = World::new();
    let mut leaves = entries(5);
    leaves.push(glass("one", |_| {}));
    leaves.extend(entries(7).drain(5..));
    leaves.push(glass("two", |_| {}));
    world.serve(&leaves, NOW);
    let hook = Server::start();
    hook.set("hook", Vec::new());
    let round = world.round(&format!("--init --webhook {}/hook", hook.url()));
    assert_eq!(round.code, 1, "{round:?}");
    let events = round.events("break-glass");
    let places: Vec<u64> = events
        .iter()
        .map(|one| one["index"].as_u64().unwrap())
        .collect();
    assert_eq!(places, [5, 8], "{round:?}");
    assert_eq!(events[0]["code"], "entry.break_glass");
    assert_eq!(events[0]["notBefore"], "2026-03-01T12:00:00.000Z");
    let posted = hook.received();
    assert_eq!(posted.len(), 2);
    assert!(String::from_utf8_lossy(&posted[0].body).contains("entry.break_glass"));
    assert!(world.alarms().is_empty());
    // Once.
    let again = world.round("");
    assert_eq!(
        (again.code, again.events("break-glass").len()),
        (0, 0),
        "{again:?}"
    );
    // Also in a later round, alone.
    leaves.push(glass("three", |_| {}));
    world.serve(&leaves, NOW + 60);
    let round = world.round("");
    assert_eq!(
        (round.code, round.events("break-glass").len()),
        (1, 1),
        "{round:?}"
    );
}

#[test]
fn a_webhook_that_fails_gets_it_in_the_next_round() {
    let world = World::new();
    let mut leaves = entries(3);
    leaves.push(glass("one", |_| {}));
    world.serve(&leaves, NOW);
    let hook = Server::start();
    let url = format!("--webhook {}/hook", hook.url());
    let round = world.round(&format!("--init {url}"));
    assert_eq!(round.events("break-glass").len(), 1, "{round:?}");
    hook.set("hook", Vec::new());
    let round = world.round(&url);
    assert_eq!(round.code, 0, "{round:?}");
    let bodies: Vec<_> = hook.received().into_iter().map(|got| got.body).collect();
    let last = String::from_utf8_lossy(bodies.last().unwrap()).into_owned();
    assert!(last.contains("entry.break_glass"), "{last}");
}

/// A log that puts something else under this name is accused, as with any other entry.
#[test]
fn what_breaks_a_rule_is_evidence_against_the_log() {
    for (name, bad) in [
        (
            "signature",
            glass("one", |m| {
                drop(m.insert("signature".into(), b64url(&[0; 64])))
            }),
        ),
        (
            "key",
            glass("one", |m| {
                let bob = Passkey::new(Algorithm::Es256, "bob").public_key;
                m.insert("credentialPublicKey".into(), b64url(&bob));
            }),
        ),
        ("form", glass("one", |m| drop(m.remove("notBefore")))),
    ] {
        let world = World::new();
        let mut leaves = entries(3);
        leaves.push(bad);
        world.serve(&leaves, NOW);
        let round = world.round("--init");
        assert_eq!(round.code, 1, "{name}: {round:?}");
        assert!(round.events("break-glass").is_empty(), "{name}");
        world.alarm("entry.rejected");
    }
}

#[test]
fn one_signature_twice_is_evidence_against_the_log() {
    let world = World::new();
    let mut leaves = entries(3);
    leaves.push(glass("one", |_| {}));
    leaves.push(glass("one", |m| {
        m.insert("notBefore".into(), "2026-03-01T12:00:00.001Z".into());
    }));
    world.serve(&leaves, NOW);
    let round = world.round("--init");
    assert_eq!(round.events("break-glass").len(), 2, "{round:?}");
    world.alarm("duplicate.approval");
}
