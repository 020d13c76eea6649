//! Logs that tell the truth, and monitors that are treated badly.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use test_vectors::encoding::b64url;
use test_vectors::server::Answer;
use test_vectors::{Algorithm, Passkey};

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

#[test]
fn a_log_that_grows_is_clean() {
    let world = World::new();
    world.audited(&entries(SIZE));
    world.server.received();
    let round = world.round("");
    assert_eq!(round.code, 0, "{round:?}");
    assert_eq!(round.events("unchanged").len(), 1);
    let requests = world.server.received();
    assert_eq!(requests.len(), 1, "{requests:?}");

    for size in [SIZE + 1, SIZE + 60] {
        world.serve(&entries(size), NOW + 60);
        let round = world.round("");
        assert_eq!(round.code, 0, "{round:?}");
        assert_eq!(round.events("checked")[0]["size"], size);
    }
    assert!(world.alarms().is_empty());
}

#[test]
fn a_page_for_people_says_what_is_known() {
    let world = World::new();
    world.serve(&entries(10), NOW);
    let round = world.round("--init --html watched.html");
    assert_eq!(round.code, 0, "{round:?}");
    let page = fs::read_to_string(world.path("watched.html")).unwrap();
    for words in [
        "The last round was complete, and nothing is wrong.",
        "1 complete, 0 with evidence",
        "<th scope=\"row\">Entries that are checked</th><td>10</td>",
        "<h2>Alarms</h2><p>None.</p>",
        "default-src &#39;none&#39;",
        "Entries a day",
    ] {
        let words = words.replace("&#39;", "'");
        assert!(page.contains(&words), "{words}: {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    // A log that answers no more: the page says so, and keeps what is known.
    world.server.set("checkpoint", b"nonsense".to_vec());
    assert_ne!(world.round("--html watched.html").code, 0);
    let page = fs::read_to_string(world.path("watched.html")).unwrap();
    assert!(page.contains("no evidence against anybody"), "{page}");
    assert!(page.contains("<td>10</td>"), "{page}");
}

#[test]
fn an_empty_log_is_clean_and_may_begin() {
    let world = World::new();
    world.audited(&[]);
    world.serve(&entries(1), NOW);
    assert_eq!(world.round("").code, 0);
    assert_eq!(world.round("").code, 0);
}

#[test]
fn partial_tiles_may_be_gone_once_the_full_one_is_there() {
    let world = World::new();
    let older = entries(200);
    world.serve(&entries(SIZE), NOW);
    world.server.set("checkpoint", world.head(&older, NOW));
    let round = world.round("--init");
    assert_eq!(round.code, 0, "{round:?}");
    assert_eq!(round.events("checked")[0]["size"], 200);
}

#[test]
fn the_state_is_never_replaced_silently() {
    let world = World::new();
    world.serve(&entries(10), NOW);
    let round = world.round("");
    assert_eq!(round.code, 2);
    assert!(round.err.contains("monitor.no_state"), "{round:?}");
    world.audited(&entries(10));
    let round = world.round("--init");
    assert_eq!(round.code, 2);
    assert!(round.err.contains("monitor.state"), "{round:?}");
    fs::remove_file(world.path("state/leaves")).unwrap();
    let round = world.round("");
    assert_eq!(round.code, 2);
    assert!(round.err.contains("monitor.state"), "{round:?}");
}

#[test]
fn a_state_is_about_one_log() {
    let world = World::new();
    world.audited(&entries(10));
    let other = World::with_policy(|_| {});
    let log = test_vectors::Log::new("log.example/other", [5; 32], &entries(10));
    let text = log.checkpoint(10).text();
    let head = test_vectors::note::note(&text, &log.sign(&text, &[]));
    other.publish(&world.server, &entries(10), &head);
    let policy = world.path("policy.toml");
    let both = fs::read_to_string(&policy).unwrap();
    let both = both.replacen(
        "log log.example",
        &format!("{}log log.example", log.policy_line()),
        1,
    );
    fs::write(&policy, both.replace("quorum all-witnesses", "quorum none")).unwrap();
    let round = world.round("");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.head".into()]),
        "{round:?}"
    );
}

#[test]
fn an_interrupted_scan_goes_on_where_it_was() {
    let world = World::new();
    world.serve(&entries(SIZE), NOW);
    world.server.remove("tile/entries/001.p/44");
    assert_eq!(world.round("--init").code, 4);
    world.serve(&entries(SIZE + 60), NOW);
    world.server.received();
    // The first audit is still the first audit.
    let round = world.round("--init");
    assert_eq!(round.code, 0, "{round:?}");
    assert_eq!(round.events("resumed")[0]["size"], 256);
    let again = world.server.received();
    assert!(
        again
            .iter()
            .all(|request| request.path != "tile/entries/000")
    );
}

#[test]
fn what_was_found_outlives_an_interruption() {
    let mut bad = draft(SIZE + 60);
    bad.edit_entry = |entry| entry.signature[9] ^= 1;
    let mut twice = draft(SIZE + 60);
    twice.approval_id = draft(1).approval_id;
    for (changed, kind) in [(bad, "entry.rejected"), (twice, "duplicate.approval")] {
        let world = World::new();
        let mut leaves = entries(SIZE);
        leaves[7] = leaf(&changed);
        world.serve(&leaves, NOW);
        world.server.remove("tile/entries/001.p/44");
        let round = world.round("--init");
        assert_eq!(round.code, 1, "{kind}: {round:?}");
        assert_eq!(round.codes(), ["served.missing"], "{kind}: {round:?}");
        world.alarm(kind);
        // What was judged is not needed again, and not judged twice.
        world.serve(&leaves, NOW);
        world.server.set("tile/entries/000", Answer::Status(503));
        let round = world.round("");
        assert_eq!(
            (round.code, round.codes().len()),
            (1, 0),
            "{kind}: {round:?}"
        );
        assert_eq!(round.events("checked")[0]["size"], SIZE);
        world.alarm(kind);
    }
}

#[test]
fn rules_that_change_apply_to_what_is_not_checked_yet() {
    let world = World::new();
    let mut leaves = entries(SIZE);
    let mut other = draft(SIZE + 60);
    other.ceremony.rp_id = "other.example".into();
    other.entry_rp_id = "other.example".into();
    leaves[7] = leaf(&other);
    world.serve(&leaves, NOW);
    world.server.remove("tile/entries/001.p/44");
    // What was read is judged by the rules of that time.
    assert_eq!(world.round("--init").code, 1);
    fs::rename(world.path("state/alarms"), world.path("dealt-with")).unwrap();
    let policy = fs::read_to_string(world.path("policy.toml")).unwrap();
    let both = policy.replace("rpIds = [", "rpIds = [\"other.example\", ");
    assert_ne!(both, policy);
    world.write("policy.toml", both);
    world.serve(&leaves, NOW);
    let round = world.round("");
    assert_eq!(round.code, 0, "{round:?}");
    // Witnesses may change, too: the head of before gives no time any more.
    let policy = fs::read_to_string(world.path("policy.toml")).unwrap();
    world.write(
        "policy.toml",
        policy.replace("all-witnesses 2", "all-witnesses 3"),
    );
    assert_eq!(world.round("").codes(), ["monitor.head"]);
    leaves.push(entries(SIZE + 1)[SIZE].clone());
    let head = world.head_by(&leaves, &[(0, NOW), (1, NOW), (2, NOW)]);
    world.publish(&world.server, &leaves, &head);
    assert_eq!(world.round("").code, 0);
}

#[test]
fn a_monitor_that_is_killed_goes_on() {
    let world = World::new();
    world.serve(&entries(SIZE), NOW);
    world.server.set("tile/entries/001.p/44", Answer::Stall);
    let url = world.server.url();
    let mut child = world
        .command()
        .args([
            "monitor",
            &url,
            "--policy",
            "policy.toml",
            "--state",
            "state",
            "--init",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !world
        .server
        .received()
        .iter()
        .any(|request| request.path.contains("entries/001"))
    {
        thread::sleep(Duration::from_millis(10));
    }
    // One at a time.
    let second = world.round("");
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.err.contains("Another monitor"), "{second:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    world.serve(&entries(SIZE), NOW);
    let round = world.round("");
    assert_eq!(round.code, 0, "{round:?}");
}

#[test]
fn entries_by_a_watched_key_are_reported_once() {
    let world = World::new();
    let bob = Passkey::new(Algorithm::Es256, "bob");
    world.write("bob.key", b64url(&bob.public_key));
    let mut leaves = entries(SIZE);
    let mut own = draft(SIZE + 50);
    own.passkey = bob;
    leaves[270] = leaf(&own);
    world.serve(&leaves, NOW);
    let round = world.round("--init --watch-key bob.key");
    assert_eq!(round.code, 0, "{round:?}");
    let reports = round.events("watched");
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["index"], 270);
    assert!(
        world
            .round("--watch-key bob.key")
            .events("watched")
            .is_empty()
    );
}

#[test]
fn unknown_entries_are_said_and_not_accused() {
    let world = World::new();
    let mut leaves = entries(10);
    leaves[3] = br#"{"type":"cosignet.approval/v2"}"#.to_vec();
    world.serve(&leaves, NOW);
    let round = world.round("--init");
    assert_eq!(
        (round.code, round.codes()),
        (4, vec!["monitor.unknown_entries".into()])
    );
    assert_eq!(round.events("checked")[0]["unknown"], 1);
    assert!(world.alarms().is_empty());
    assert_eq!(world.round("").code, 0);
}

#[test]
fn figures_are_written_and_served() {
    let world = World::new();
    world.serve(&entries(10), NOW);
    assert_eq!(world.round("--init --metrics figures.prom").code, 0);
    let figures = fs::read_to_string(world.path("figures.prom")).unwrap();
    assert!(
        figures.contains("\ncosignet_monitor_tree_size 10\n"),
        "{figures}"
    );
    assert!(
        figures.contains("rounds_total{result=\"clean\"} 1\n"),
        "{figures}"
    );

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let url = world.server.url();
    let mut child = world
        .command()
        .args([
            "monitor",
            &url,
            "--policy",
            "policy.toml",
            "--state",
            "state",
        ])
        .args(["--every", "1", "--metrics", &address])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut answer = String::new();
    while !answer.contains("rounds_total{result=\"clean\"} 2") {
        thread::sleep(Duration::from_millis(50));
        assert!(child.try_wait().unwrap().is_none());
        let Ok(mut stream) = TcpStream::connect(&address) else {
            continue;
        };
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        answer.clear();
        stream.read_to_string(&mut answer).unwrap();
    }
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    child.kill().unwrap();
    child.wait().unwrap();
}
