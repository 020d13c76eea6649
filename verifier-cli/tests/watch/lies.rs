//! Logs that lie, and are caught with evidence.

use std::fs;

use serde_json::{Value, json};
use test_vectors::Draft;
use test_vectors::approval::DECIDED_AT_SECONDS;
use test_vectors::bitcoin::{Chain, display_hash, follow, in_block, path, proof, timestamp};
use test_vectors::encoding::{pseudo_random, sha256};
use test_vectors::server::{Answer, Server};
use verifier_core::Time;

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

/// The same log with one entry exchanged.
fn rewritten(count: usize, at: usize) -> Vec<Vec<u8>> {
    let mut leaves = entries(count);
    leaves[at] = entries(SIZE + 60)[SIZE + 59].clone();
    leaves
}

#[test]
fn two_trees_of_one_size() {
    let world = World::new();
    world.audited(&entries(SIZE));
    world.serve(&rewritten(SIZE, 7), NOW);
    let round = world.round("");
    assert_eq!(round.code, 1, "{round:?}");
    assert_eq!(round.events("alarm").len(), 1);
    let json = world.alarm("fork.same_size");
    // Both witnesses of the first head cosigned the second one, too.
    assert_eq!(json["against"].as_array().unwrap().len(), 3, "{json}");
    // It is said once, and never forgotten, also when the log tells the truth again.
    world.serve(&entries(SIZE), NOW);
    let again = world.round("");
    assert_eq!(
        (again.code, again.events("alarm").len()),
        (1, 0),
        "{again:?}"
    );
    world.alarm("fork.same_size");
    fs::rename(world.path("state/alarms"), world.path("dealt-with")).unwrap();
    assert_eq!(world.round("").code, 0);
}

#[test]
fn history_that_was_rewritten_or_dropped() {
    let mut dropped = entries(SIZE + 20);
    dropped.remove(250);
    for leaves in [
        rewritten(SIZE + 10, 0),
        rewritten(SIZE + 10, SIZE - 1),
        dropped,
    ] {
        let world = World::new();
        world.audited(&entries(SIZE));
        world.serve(&leaves, NOW + 60);
        let round = world.round("");
        assert_eq!(round.code, 1, "{round:?}");
        world.alarm("fork.rewritten");
        // The state still stands where the truth ended.
        fs::rename(world.path("state/alarms"), world.path("dealt-with")).unwrap();
        world.serve(&entries(SIZE + 1), NOW + 60);
        assert_eq!(world.round("").code, 0);
    }
}

#[test]
fn a_log_that_went_back_and_took_another_way() {
    let world = World::new();
    world.audited(&entries(SIZE));
    // Going back alone is what an old cache does.
    world.serve(&entries(200), NOW);
    let round = world.round("");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.behind".into()]),
        "{round:?}"
    );
    assert!(world.alarms().is_empty());
    // The tree that it had is no longer served: the monitor has kept what proves it.
    world.serve(&rewritten(280, 270), NOW);
    assert_eq!(world.round("").code, 1);
    world.alarm("fork.rewritten");
}

#[test]
fn a_signed_head_whose_tiles_are_withheld_is_not_forgotten() {
    let world = World::new();
    world.audited(&entries(SIZE));
    // A fork that nobody can read, and then the truth again.
    let fork = world.head(&rewritten(SIZE + 10, 3), NOW + 60);
    world.server.replace([("checkpoint".to_owned(), fork)]);
    let round = world.round("");
    assert_eq!(round.code, 4, "{round:?}");
    world.serve(&entries(SIZE + 20), NOW + 120);
    let round = world.round("");
    assert_eq!(round.code, 1, "{round:?}");
    world.alarm("fork.rewritten");
}

#[test]
fn a_fork_counts_without_witnesses() {
    let world = World::new();
    world.audited(&entries(SIZE));
    let leaves = rewritten(SIZE + 5, 3);
    let head = world.head_by(&leaves, &[]);
    world.publish(&world.server, &leaves, &head);
    assert_eq!(world.round("").code, 1);
    world.alarm("fork.rewritten");
}

#[test]
fn others_are_shown_another_log() {
    let same = rewritten(SIZE, 100);
    let larger = rewritten(SIZE + 30, 100);
    let smaller = rewritten(200, 100);
    for (leaves, kind) in [
        (same, "fork.same_size"),
        (larger, "fork.rewritten"),
        (smaller, "fork.rewritten"),
    ] {
        let world = World::new();
        world.audited(&entries(SIZE));
        let mirror = Server::start();
        world.publish(&mirror, &leaves, &world.head(&leaves, NOW));
        let round = world.round(&format!("--compare {}", mirror.url()));
        assert_eq!(round.code, 1, "{round:?}");
        world.alarm(kind);
        let alarm: Value = serde_json::from_slice(&fs::read(&world.alarms()[0]).unwrap()).unwrap();
        let from = alarm["observed"]["from"].as_array().unwrap();
        assert!(from.contains(&json!(mirror.url())), "{alarm}");
        assert!(from.contains(&json!(world.server.url())), "{alarm}");
    }
}

#[test]
fn a_witness_without_tiles_is_compared_when_the_log_has_grown() {
    let world = World::new();
    world.audited(&entries(SIZE));
    let witness = Server::start();
    let leaves = rewritten(SIZE + 5, 100);
    let log = world.log(&leaves);
    let origin = test_vectors::encoding::hex(&sha256(log.key.name.as_bytes()));
    witness.set(&format!("{origin}/checkpoint"), world.head(&leaves, NOW));
    let round = world.round(&format!("--compare {}", witness.url()));
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.behind".into()]),
        "{round:?}"
    );
    world.serve(&entries(SIZE + 10), NOW + 60);
    assert_eq!(world.round("").code, 1);
    world.alarm("fork.rewritten");
}

#[test]
fn mirrors_that_agree_are_no_alarm() {
    let world = World::new();
    world.audited(&entries(SIZE));
    let mirror = Server::start();
    for (size, code) in [(SIZE, 0), (SIZE - 100, 0), (SIZE + 10, 4)] {
        let leaves = entries(size);
        world.publish(&mirror, &leaves, &world.head(&leaves, NOW));
        let round = world.round(&format!("--compare {}", mirror.url()));
        assert_eq!(round.code, code, "{size}: {round:?}");
    }
    world.serve(&entries(SIZE + 10), NOW + 60);
    assert_eq!(world.round(&format!("--compare {}", mirror.url())).code, 0);
    assert!(world.alarms().is_empty());
    // A mirror that is down accuses nobody.
    mirror.otherwise(Answer::Nothing);
    mirror.remove("checkpoint");
    let round = world.round(&format!("--compare {}", mirror.url()));
    assert_eq!(round.code, 5, "{round:?}");
}

/// An audit of a log in which one entry, the last of a first round or of a second one, is another.
fn with_entry(edit: impl Fn(&mut Draft), kind: &str) {
    for first in [SIZE, 10] {
        let world = World::new();
        let mut changed = draft(SIZE + 60);
        edit(&mut changed);
        let mut leaves = entries(SIZE - 1);
        leaves.insert(290, leaf(&changed));
        if first != SIZE {
            world.audited(&leaves[..first]);
        }
        world.serve(&leaves, NOW);
        let round = world.round(if first == SIZE { "--init" } else { "" });
        assert_eq!(round.code, 1, "{round:?}");
        let json = world.alarm(kind);
        assert!(json["proves"].as_str().unwrap().contains("290"), "{json}");
        // The rest was checked as well.
        assert_eq!(round.events("checked")[0]["size"], SIZE);
    }
}

#[test]
fn entries_that_break_a_rule() {
    const KIND: &str = "entry.rejected";
    with_entry(
        |draft| draft.edit_entry = |entry| entry.signature[9] ^= 1,
        KIND,
    );
    with_entry(|draft| draft.entry_text = Some("{ }".into()), KIND);
    with_entry(|draft| draft.ceremony.flags = 0x01, KIND);
    with_entry(|draft| draft.entry_rp_id = "other.example".into(), KIND);
    let other = |draft: &mut Draft| {
        draft.ceremony.rp_id = "other.example".into();
        draft.entry_rp_id = "other.example".into();
    };
    with_entry(other, KIND);
}

#[test]
fn an_id_or_an_assertion_that_is_there_twice() {
    // Once far away, once in the same bundle; across rounds as well.
    for other in [5, 280] {
        let id = move |changed: &mut Draft| changed.approval_id = draft(other + 1).approval_id;
        with_entry(id, "duplicate.approval");
        let assertion = move |changed: &mut Draft| {
            let id = changed.approval_id.clone();
            *changed = draft(other + 1);
            changed.approval_id = id;
        };
        with_entry(assertion, "duplicate.assertion");
    }
}

/// A sound entry that was decided so many seconds after the others.
fn decided(number: usize, later: u64) -> Vec<u8> {
    let mut draft = draft(number);
    let time = Time::from_seconds(DECIDED_AT_SECONDS + later).unwrap();
    draft.decided_at = time.to_string();
    leaf(&draft)
}

#[test]
fn an_entry_that_was_dated_back() {
    let later = 86_400 + 241;
    let newer = decided(SIZE + 1, later);
    let late = DECIDED_AT_SECONDS + later;
    // In the bundle before, in a round before, in the same batch; no witness has to say anything.
    for (first, then) in [
        (vec![newer.clone()], entries(1)),
        (
            [&entries(SIZE)[..], std::slice::from_ref(&newer)].concat(),
            vec![entries(SIZE + 2)[SIZE + 1].clone()],
        ),
        (
            entries(SIZE),
            vec![newer.clone(), entries(SIZE + 2)[SIZE + 1].clone()],
        ),
    ] {
        let world = World::new();
        world.serve(&first, late);
        assert_eq!(world.round("--init").code, 0);
        world.serve(&[first, then].concat(), late);
        let round = world.round("");
        assert_eq!(round.code, 1, "{round:?}");
        let json = world.alarm("entry.late");
        assert_eq!(json["against"].as_array().unwrap().len(), 1, "{json}");
    }
    // The same, a second earlier and in the other order.
    let world = World::new();
    world.serve(&entries(SIZE), late);
    assert_eq!(world.round("--init").code, 0);
    let in_time = decided(SIZE + 1, later - 1);
    world.serve(
        &[
            &entries(SIZE)[..],
            &[in_time],
            &entries(SIZE + 2)[SIZE + 1..],
        ]
        .concat(),
        late,
    );
    assert!(world.round("").code != 1 && world.alarms().is_empty());
}

#[test]
fn a_head_that_is_cosigned_again_proves_nothing_against_the_log() {
    let world = World::new();
    world.audited(&entries(SIZE));
    // Cosigned again a day later: by a stranger, while the log cannot reach its witnesses.
    let late = DECIDED_AT_SECONDS + 86_400 + 600;
    world.serve(&entries(SIZE), late);
    assert_eq!(world.round("").code, 0);
    world.serve(&entries(SIZE + 2), late + 60);
    let round = world.round("");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.overdue".into()]),
        "{round:?}"
    );
    assert!(round.out.contains("one more entry"), "{round:?}");
    assert!(world.alarms().is_empty());
    // It is said once.
    assert_eq!(world.round("").code, 0);
}

#[test]
fn an_entry_that_was_logged_before_it_was_decided() {
    with_entry(
        |draft| draft.decided_at = "2026-03-01T12:05:03.001Z".into(),
        "entry.post_dated",
    );
}

#[test]
fn anchored_heads_are_heads_of_the_past() {
    let index = |size: usize| format!(r#"{{"anchors":[{{"treeSize":{size}}}]}}"#);
    // One that contradicts the log, one that lacks an entry it should have had: which may be the
    // fault of its witnesses.
    let late = DECIDED_AT_SECONDS + 86_400 + 600;
    let other = rewritten(200, 9);
    for (leaves, code) in [(other, 1), (entries(299), 4)] {
        let world = World::new();
        world.serve(&entries(SIZE), late + 60);
        let head = world.head(&leaves, late);
        world.server.set("anchors/index.json", index(leaves.len()));
        world
            .server
            .set(&format!("anchors/{}/checkpoint", leaves.len()), head);
        let round = world.round("--init");
        assert_eq!(round.code, code, "{round:?}");
        match code {
            1 => drop(world.alarm("fork.rewritten")),
            _ => assert_eq!(round.codes(), ["monitor.overdue"]),
        }
    }
}

#[test]
fn an_entry_that_is_in_a_block_before_it_was_decided() {
    // Well over two hours before the decision, also by the times of the next ten blocks.
    let block_time = u32::try_from(DECIDED_AT_SECONDS - 7200 - 6000).unwrap();
    let leaves = entries(40);
    let signed = World::new();
    let head = signed.head_by(&leaves[..20], &[]);
    let digest = sha256(head.as_bytes());
    let chain = Chain::default()
        .extended(4, block_time - 3000, "below")
        .with(follow(&path(), &digest), block_time)
        .extended(9, block_time, "above");
    let tip = chain.tip();
    let anchor = json!({"network": "regtest", "pinnedBlocks":
        [{"height": tip, "hash": display_hash(&chain.headers[tip])}]});
    let world = World::with_policy(|policy| {
        policy.anchor = Some(anchor);
        let text = policy.log.take().unwrap();
        policy.log = Some(text.replace("quorum all-witnesses", "quorum none"));
    });
    world.write("headers", chain.file());
    let publish = |height: &str| {
        world.publish(&world.server, &leaves, &world.head_by(&leaves, &[]));
        let index = format!(r#"{{"anchors":[{{{height}"treeSize":20}}]}}"#);
        world.server.set("anchors/index.json", index);
        world.server.set("anchors/20/checkpoint", head.clone());
        let ots = proof(&digest, &timestamp(&path(), &in_block(5)));
        world.server.set("anchors/20/checkpoint.ots", ots);
    };
    // No block yet, then no headers, then both: when the log has grown.
    publish("");
    assert_eq!(world.round("--init --headers headers").code, 0);
    publish("\"height\":5,");
    let more = [&leaves[..], &entries(60)[50..51]].concat();
    let grown = |leaves: &[Vec<u8>]| {
        for (path, bytes) in test_vectors::site::tiles(leaves) {
            world.server.set(&path, bytes);
        }
        world.server.set("checkpoint", world.head_by(leaves, &[]));
    };
    grown(&more);
    assert_eq!(world.round("").code, 0);
    grown(&[&more[..], &entries(60)[51..52]].concat());
    let round = world.round("--headers headers");
    assert_eq!(round.code, 1, "{round:?}");
    // All twenty entries of the anchored head were decided after it.
    assert_eq!(world.alarms().len(), 20);
    let alarm = world.alarms()[0].display().to_string();
    let verdict = world.verify_alarm(&format!("{alarm} --headers headers"));
    assert_eq!(verdict.code, 0, "{verdict:?}");
    assert!(verdict.out.contains("entry.post_dated"), "{verdict:?}");
    let open = world.verify_alarm(&alarm);
    assert_eq!(open.code, 4, "{open:?}");
}

#[test]
fn hooks_hear_of_an_alarm_at_least_once() {
    let world = World::new();
    world.audited(&entries(SIZE));
    world.serve(&rewritten(SIZE, 7), NOW);
    let hook = Server::start();
    let url = format!("{}/hook", hook.url());
    let monitor = world.server.url();
    let common = [
        "monitor",
        &monitor,
        "--policy",
        "policy.toml",
        "--state",
        "state",
        "--once",
        "--format",
        "json",
        "--webhook",
        &url,
        "--on-alarm",
    ];
    let run = |command| world.run_args(&[&common[..], &[command]].concat());
    // The webhook answers 404, then the command fails.
    let round = run("echo again >> told");
    assert_eq!((round.code, round.codes().len()), (1, 0), "{round:?}");
    assert_eq!(round.events("undelivered")[0]["code"], "monitor.hook");
    hook.set("hook", Vec::new());
    let round = run("exit 3");
    assert_eq!(round.events("undelivered")[0]["code"], "monitor.hook");
    let round = run("cat >> told && cp \"$COSIGNET_ALARM\" copy.json && echo noise");
    assert_eq!((round.code, round.codes().len()), (1, 0), "{round:?}");
    assert_eq!(run("touch again").code, 1);
    assert!(!world.path("again").exists(), "told twice");
    let told = fs::read_to_string(world.path("told")).unwrap();
    assert!(told.starts_with("again\n{\"against\":"), "{told}");
    assert_eq!(world.verify_alarm("copy.json").code, 0);
    let received = hook.received();
    let posted: Value = serde_json::from_slice(&received.last().unwrap().body).unwrap();
    assert_eq!(
        (posted["event"].as_str(), posted["kind"].as_str()),
        (Some("alarm"), Some("fork.same_size"))
    );
    world.write("posted.json", posted["alarm"].to_string());
    assert_eq!(world.verify_alarm("posted.json").code, 0);
}

#[test]
fn an_alarm_is_nothing_under_another_policy() {
    let world = World::new();
    world.audited(&entries(SIZE));
    world.serve(&rewritten(SIZE, 7), NOW);
    world.round("");
    let alarm = world.alarms()[0].clone();
    let stranger = World::with_policy(|policy| {
        let text = policy.log.take().unwrap();
        let log = test_vectors::Log::new("log.example/approvals", pseudo_random("other"), &["x"]);
        let first = text.lines().next().unwrap().to_owned() + "\n";
        policy.log = Some(text.replace(&first, &log.policy_line()));
    });
    let verdict = stranger.verify_alarm(alarm.to_str().unwrap());
    assert_eq!(verdict.code, 4, "{verdict:?}");
    // For people, it says what is proven, against whom, and what is not.
    let words = world.run(&format!(
        "verify-alarm {} --policy policy.toml",
        alarm.display()
    ));
    assert_eq!(words.code, 0, "{words:?}");
    let expected =
        "PROVEN     The log signed two different trees of the same size, 300.  [fork.same_size]\n";
    assert!(words.out.starts_with(expected), "{}", words.out);
    for part in [
        "  against   the log log.example/approvals+",
        "the witness witness.example/w2+",
        "Not proven:\n  - Who used",
    ] {
        assert!(words.out.contains(part), "{}", words.out);
    }
    assert!(
        words.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        words.out
    );
    // Nor is one that was edited.
    let text = fs::read_to_string(&alarm).unwrap();
    let mut edited: Value = serde_json::from_str(&text).unwrap();
    let first = edited["checkpoints"][0].clone();
    edited["checkpoints"][1] = first;
    world.write("edited.json", edited.to_string());
    assert_eq!(world.verify_alarm("edited.json").code, 1);
    world.write("edited.json", text.replace("fork", "spoon"));
    assert_eq!(world.verify_alarm("edited.json").code, 3);
    assert_eq!(world.verify_alarm("missing.json").code, 5);
}
