//! Logs that are slow, down, half there or damaged on the way. Nobody is accused.

use std::time::Duration;

use test_vectors::server::Answer;
use test_vectors::site;

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

/// A log that has grown, with something wrong on the way: the round ends with this and no alarm,
/// and the next one, when it is gone, is clean.
fn goes_wrong(path: &str, answer: Option<Answer>, code: i32, why: &str) {
    let world = World::new();
    world.audited(&entries(10));
    world.serve(&entries(SIZE), NOW + 60);
    match answer {
        Some(answer) => world.server.set(path, answer),
        None => world.server.remove(path),
    }
    let round = world.round("");
    assert_eq!(
        (round.code, round.codes()),
        (code, vec![why.into()]),
        "{path}: {round:?}"
    );
    assert!(world.alarms().is_empty(), "{path}");
    world.serve(&entries(SIZE), NOW + 60);
    let round = world.round("");
    assert_eq!(round.code, 0, "{path}: {round:?}");
    assert_eq!(round.events("checked")[0]["size"], SIZE);
}

const BUNDLE: &str = "tile/entries/001.p/44";
const HASHES: &str = "tile/0/001.p/44";

#[test]
fn slow_and_down_is_unreachable() {
    let why = "io.unreachable";
    for path in ["checkpoint", BUNDLE] {
        goes_wrong(path, Some(Answer::Status(503)), 5, why);
        goes_wrong(path, Some(Answer::Nothing), 5, why);
        goes_wrong(path, Some(Answer::CutOff(b"log.example".to_vec())), 5, why);
    }
    goes_wrong(BUNDLE, Some(Answer::Endless), 5, why);
    goes_wrong("checkpoint", Some(Answer::Endless), 5, why);
}

#[test]
fn stalls_and_drips_end_in_time() {
    goes_wrong("checkpoint", Some(Answer::Stall), 5, "io.unreachable");
    let drip = Answer::Drip(vec![b'x'; 1000], Duration::from_millis(100));
    goes_wrong(HASHES, Some(drip), 5, "io.unreachable");
}

#[test]
fn nobody_there_is_unreachable() {
    let world = World::new();
    let url = "http://127.0.0.1:1";
    let round = world.run(&format!(
        "monitor {url} --policy policy.toml --state state --init --once --format json"
    ));
    assert_eq!(
        (round.code, round.codes()),
        (5, vec!["io.unreachable".into()]),
        "{round:?}"
    );
}

#[test]
fn a_log_that_has_moved_says_where_to() {
    let world = World::new();
    let moved = Answer::Said(
        301,
        "location: https://log.example/checkpoint\r\n",
        Vec::new(),
    );
    world.server.set("checkpoint", moved);
    let round = world.round("--init");
    assert_eq!(round.code, 5, "{round:?}");
    for part in [
        "https://log.example/checkpoint",
        "redirects are not followed",
    ] {
        assert!(round.out.contains(part), "{round:?}");
    }
}

#[test]
fn slow_but_whole_is_clean() {
    let world = World::new();
    let leaves = entries(3);
    world.serve(&leaves, NOW);
    let head = world.head(&leaves, NOW).into_bytes();
    world
        .server
        .set("checkpoint", Answer::Drip(head, Duration::from_millis(1)));
    assert_eq!(world.round("--init").code, 0);
}

#[test]
fn what_is_not_served_yet_is_missing() {
    goes_wrong("checkpoint", None, 4, "served.missing");
    goes_wrong(BUNDLE, None, 4, "served.missing");
    goes_wrong(HASHES, None, 4, "served.missing");
    goes_wrong("tile/1/000.p/1", None, 4, "served.missing");
}

#[test]
fn bytes_that_do_not_fit_the_head_prove_nothing() {
    let why = "served.mismatch";
    let files = site::tiles(&entries(SIZE));
    let flipped = |path: &str, at: usize| {
        let mut bytes = files[path].clone();
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1;
        Some(Answer::from(bytes))
    };
    goes_wrong(BUNDLE, flipped(BUNDLE, 100), 4, why);
    goes_wrong(HASHES, flipped(HASHES, 100), 4, why);
    goes_wrong("tile/0/000", flipped("tile/0/000", 9999), 4, why);
    goes_wrong("tile/1/000.p/1", flipped("tile/1/000.p/1", 0), 4, why);
    let shorter = files[BUNDLE][..1000].to_vec();
    goes_wrong(BUNDLE, Some(shorter.into()), 4, why);
    goes_wrong(BUNDLE, Some(Vec::new().into()), 4, why);
    let longer = [files[HASHES].clone(), vec![0; 32]].concat();
    goes_wrong(HASHES, Some(longer.into()), 4, why);
}

#[test]
fn a_tile_that_no_proof_needs_is_compared_all_the_same() {
    for path in [HASHES, "tile/1/000.p/1"] {
        let world = World::new();
        world.serve(&entries(SIZE), NOW);
        let mut bytes = site::tiles(&entries(SIZE))[path].clone();
        bytes[5] ^= 1;
        world.server.set(path, bytes);
        let round = world.round("--init");
        let codes = vec!["served.mismatch".to_owned()];
        assert_eq!((round.code, round.codes()), (4, codes), "{path}: {round:?}");
    }
}

#[test]
fn tiles_of_another_log_prove_nothing() {
    // All of it fits together, and none of it is what was signed. One entry would be an alarm.
    let world = World::new();
    let mut changed = draft(1);
    changed.edit_entry = |entry| entry.signature[9] ^= 1;
    let mut leaves = entries(SIZE);
    leaves[7] = leaf(&changed);
    let head = world.head(&entries(SIZE), NOW);
    world.publish(&world.server, &leaves, &head);
    let round = world.round("--init");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["served.mismatch".into()]),
        "{round:?}"
    );
    assert!(world.alarms().is_empty());
    // What was read is forgotten: the true entries are clean.
    world.serve(&entries(SIZE), NOW);
    let round = world.round("");
    assert_eq!(round.code, 0, "{round:?}");
}

#[test]
fn heads_that_the_policy_does_not_accept_prove_nothing() {
    let world = World::new();
    world.audited(&entries(10));
    let leaves = entries(SIZE);
    let good = world.head(&leaves, NOW);
    let stranger = test_vectors::Log::new("log.example/approvals", [9; 32], &leaves);
    let text = stranger.checkpoint(SIZE).text();
    let unknown = test_vectors::note::note(&text, &stranger.sign(&text, &[]));
    let short = world.head_by(&leaves, &[(0, NOW)]);
    for bad in [
        good.replacen("300\n", "299\n", 1),
        good.replacen("w2 ", "w1 ", 1),
        unknown,
        short,
        "no checkpoint".into(),
        String::new(),
    ] {
        world.publish(&world.server, &leaves, &bad);
        let round = world.round("");
        assert_eq!(
            (round.code, round.codes()),
            (4, vec!["monitor.head".into()]),
            "{bad}"
        );
        assert!(world.alarms().is_empty());
    }
    world.serve(&leaves, NOW);
    assert_eq!(world.round("").code, 0);
}

#[test]
fn an_old_head_is_stale_if_that_matters() {
    let world = World::new();
    world.audited(&entries(10));
    let round = world.round("--max-age 3600");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.stale".into()])
    );
    assert_eq!(world.round("").code, 0);
}

#[test]
fn passwords_in_addresses_appear_in_no_message() {
    let world = World::new();
    world.audited(&entries(10));
    let secret = world.server.url().replace("http://", "http://user:secret@");
    let round = |more: &str| {
        let args = format!("monitor {secret} --policy policy.toml --state state --once {more}");
        let round = world.run(&args);
        assert!(!format!("{round:?}").contains("secret"), "{round:?}");
        round
    };
    world.serve(&entries(SIZE), NOW + 60);
    world.server.set(BUNDLE, Answer::Status(503));
    assert_eq!(round("").code, 5);
    world.server.remove(BUNDLE);
    assert_eq!(round("").code, 4);
    world.serve(&entries(5), NOW + 60);
    assert_eq!(round(&format!("--compare {secret}")).code, 4);
}
