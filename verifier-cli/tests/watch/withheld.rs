//! Logs that show something once, or sign what they never show.

use test_vectors::server::{Answer, Server};
use test_vectors::{Draft, site};

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

/// The same log with one entry exchanged.
fn forked(count: usize, at: usize) -> Vec<Vec<u8>> {
    let mut leaves = entries(count);
    leaves[at] = entries(SIZE + 60)[SIZE + 59].clone();
    leaves
}

/// Serves a log whose entries can be read once.
fn serve_once(world: &World, leaves: &[Vec<u8>]) {
    world.serve(leaves, NOW);
    for (path, bytes) in site::tiles(leaves) {
        if path.starts_with("tile/entries/") {
            world.server.set(&path, Answer::Once(bytes));
        }
    }
}

/// A log with one entry that breaks a rule, which can be read once.
fn proven(edit: impl Fn(&mut Draft), kind: &str) {
    let world = World::new();
    let mut changed = draft(SIZE + 60);
    edit(&mut changed);
    let mut leaves = entries(SIZE - 1);
    leaves.insert(290, leaf(&changed));
    serve_once(&world, &leaves);
    let round = world.round("--init");
    assert_eq!(round.code, 1, "{round:?}");
    world.alarm(kind);
}

#[test]
fn what_was_read_once_is_proven_without_the_log() {
    proven(
        |draft| draft.edit_entry = |entry| entry.signature[9] ^= 1,
        "entry.rejected",
    );
    proven(
        |draft| draft.entry_text = Some("{ }".into()),
        "entry.rejected",
    );
    proven(
        |draft| draft.decided_at = "2026-03-01T12:05:03.001Z".into(),
        "entry.post_dated",
    );
    for other in [5, 280] {
        proven(
            move |changed| changed.approval_id = draft(other + 1).approval_id,
            "duplicate.approval",
        );
    }
}

#[test]
fn what_was_read_is_judged_when_the_rest_is_withheld() {
    // A bundle that is missing, one that does not fit, one that nobody can reach.
    for answer in [
        Answer::Status(404),
        Answer::from(vec![0; 88]),
        Answer::Nothing,
    ] {
        let world = World::new();
        let mut changed = draft(SIZE + 60);
        changed.edit_entry = |entry| entry.signature[9] ^= 1;
        let mut leaves = entries(SIZE - 1);
        leaves.insert(7, leaf(&changed));
        serve_once(&world, &leaves);
        world.server.set("tile/entries/001.p/44", answer);
        let round = world.round("--init --connections 1");
        assert_eq!(round.code, 1, "{round:?}");
        world.alarm("entry.rejected");
        assert!(round.events("checked").is_empty());
        // And the rest of it when it is there.
        world.serve(&leaves, NOW);
        let round = world.round("");
        assert_eq!(round.events("resumed").len(), 1, "{round:?}");
        assert_eq!(round.events("checked")[0]["size"], SIZE, "{round:?}");
        assert_eq!(world.alarms().len(), 1);
    }
}

#[test]
fn one_entry_that_cannot_be_proven_holds_up_no_other() {
    // The first half of a duplicate is withheld; the other fault is in hand.
    let world = World::new();
    world.audited(&entries(SIZE));
    let mut twice = draft(SIZE + 30);
    twice.approval_id = draft(6).approval_id;
    let mut bad = draft(SIZE + 31);
    bad.edit_entry = |entry| entry.signature[9] ^= 1;
    let leaves = [entries(SIZE), vec![leaf(&twice), leaf(&bad)]].concat();
    world.serve(&leaves, NOW + 60);
    world.server.remove("tile/entries/000");
    let round = world.round("");
    assert_eq!(round.code, 1, "{round:?}");
    assert!(round.codes().contains(&"served.missing".to_owned()));
    world.alarm("entry.rejected");
    world.serve(&leaves, NOW + 60);
    assert_eq!(world.round("").code, 1);
    assert_eq!(world.alarms().len(), 2);
}

#[test]
fn however_many_heads_are_withheld_none_is_forgotten() {
    let world = World::new();
    world.audited(&entries(SIZE));
    // Twenty heads that nobody can read. All but the last one are heads of the truth.
    for more in 1..=20 {
        let leaves = match more {
            20 => forked(SIZE + more, 3),
            _ => entries(SIZE + more),
        };
        let head = world.head(&leaves, NOW + 60);
        world.server.replace([("checkpoint".to_owned(), head)]);
        assert_eq!(world.round("").code, 4);
    }
    // What the log has signed and does not show is not a clean round.
    world.serve(&entries(SIZE), NOW + 60);
    let round = world.round("");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.behind".into()])
    );
    world.serve(&entries(SIZE + 30), NOW + 120);
    let round = world.round("");
    assert_eq!(round.code, 1, "{round:?}");
    world.alarm("fork.rewritten");
}

#[test]
fn two_heads_of_one_size_need_no_tiles_to_be_a_fork() {
    let world = World::new();
    world.audited(&entries(SIZE));
    let witness = Server::start();
    let heads = [entries(SIZE + 10), forked(SIZE + 10, 3)];
    let heads = heads.map(|leaves| world.head(&leaves, NOW + 60));
    let [honest, fork] = &heads;
    world
        .server
        .replace([("checkpoint".to_owned(), honest.clone())]);
    assert_eq!(world.round("").code, 4);
    // From the log itself, or from somebody else.
    world.serve(&entries(SIZE), NOW);
    witness.set("checkpoint", fork.clone());
    let round = world.round(&format!("--compare {}", witness.url()));
    assert_eq!(round.code, 1, "{round:?}");
    world.alarm("fork.same_size");
}
