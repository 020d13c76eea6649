//! A log with witnesses: publication waits for their quorum and for nobody else, and a log that
//! was rolled back forks nothing.

use std::time::Duration;

use test_vectors::encoding::{hex, sha256};
use test_vectors::note::NoteKey;
use verifier_core::Verdict;

use crate::harness::{Approval, LOG, Log, Reply, Server, tree};
use crate::witness::{Fake, Manner, Real};

/// Writes the log's policy: `k` of these witnesses.
pub(crate) fn policy(log: &Log, lines: &[String], k: usize) -> String {
    let mut text = format!("log {}\n{}", log.vkey, lines.concat());
    let names = lines.iter().map(|line| line.split(' ').nth(1).unwrap());
    let names: Vec<&str> = names.collect();
    text += &format!(
        "group quorum-of {k} {}\nquorum quorum-of\n",
        names.join(" ")
    );
    std::fs::write(log.path("../log.policy"), &text).unwrap();
    text
}

/// Starts the log with that policy. An append waits for one second.
pub(crate) fn try_serve(log: &Log, more: &[(&str, &str)]) -> Result<Server, String> {
    let path = log.path("../log.policy").display().to_string();
    let env = [
        ("COSIGNET_LOG_WITNESS_POLICY", path.as_str()),
        ("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "2"),
    ];
    log.serve_with(&[&env, more].concat())
}

fn serve(log: &Log) -> Server {
    try_serve(log, &[]).expect("the server starts")
}

/// A log with three fake witnesses, two of which have to sign.
pub(crate) fn two_of_three(manners: [Manner; 3]) -> (Log, [Fake; 3], String) {
    let log = Log::new();
    let [a, b, c] = manners;
    let fakes = [Fake::new("a", a), Fake::new("b", b), Fake::new("c", c)];
    let lines: Vec<String> = fakes.iter().map(Fake::policy_line).collect();
    let policy = policy(&log, &lines, 2);
    (log, fakes, policy)
}

pub(crate) fn verifies(log: &Log, policy: &str, approval: &Approval, reply: &Reply) {
    let report = log.audit_under(policy, approval, &reply.text());
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
}

/// Repeats until it is so: what happens beside the test has no other sign.
pub(crate) fn until(what: &str, so: impl FnMut() -> bool) {
    let tries = std::iter::repeat_with(so).take(400);
    let mut tries = tries.inspect(|so| {
        if !so {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert!(tries.any(|so| so), "never: {what}");
}

fn not_published(reply: &Reply) {
    let code = reply.code();
    assert_eq!((reply.status, code.as_str()), (503, "log.not_published"));
}

#[test]
fn an_answer_carries_the_cosignatures_of_the_quorum() {
    let log = Log::new();
    let mut witnesses = [Real::new("w1", &log.vkey), Real::new("w2", &log.vkey)];
    let lines: Vec<String> = witnesses.iter().map(Real::policy_line).collect();
    let policy = policy(&log, &lines, 2);
    let server = serve(&log);
    for number in 1..=3 {
        let approval = Approval::new(number);
        let reply = server.client.append(&approval);
        assert_eq!(reply.status, 201, "{}", reply.text());
        verifies(&log, &policy, &approval, &reply);
        verifies(&log, &policy, &approval, &server.client.append(&approval));
    }
    let info = server.client.get("/log.json").json();
    assert_eq!(info["quorum"], "2 of w1, w2");
    assert_eq!(info["witnesses"][1]["name"], "w2");
    let vkey = lines[1].split(' ').nth(2).unwrap();
    assert_eq!(info["witnesses"][1]["vkey"], vkey);
    // On the front page every witness has the time of its cosignature, or none yet.
    let front = server.client.get("/").text();
    assert!(front.contains("2 of w1, w2"), "{front}");
    assert!(!front.contains("not yet"), "{front}");
    // What a witness shows is the same head.
    let hash = hex(&sha256(LOG.as_bytes()));
    let url = format!("{}/{hash}/checkpoint", witnesses[0].url());
    let shown = ureq::get(url).call().unwrap().body_mut().read_to_string();
    assert_eq!(tree(&shown.unwrap()), tree(&server.client.checkpoint()));
    // Witnesses and log die and come back.
    server.kill();
    for witness in &mut witnesses {
        witness.kill();
        witness.start();
    }
    let server = serve(&log);
    let reply = server.client.append(&Approval::new(4));
    assert_eq!((reply.status, reply.index()), (201, 3));
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn one_witness_of_three_may_be_down_or_silent_or_refuse() {
    for manner in [
        Manner::Down,
        Manner::Silent,
        Manner::Says(403, "text/plain", b"no\n".to_vec()),
        Manner::Says(404, "text/plain", b"who?\n".to_vec()),
        Manner::Says(500, "text/plain", Vec::new()),
        Manner::Says(301, "text/plain", Vec::new()),
    ] {
        let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, manner.clone()]);
        let server = serve(&log);
        for number in 1..=3 {
            let approval = Approval::new(number);
            let reply = server.client.append(&approval);
            assert_eq!(reply.status, 201, "{manner:?}: {}", reply.text());
            verifies(&log, &policy, &approval, &reply);
        }
        assert_eq!(server.client.get("/readyz").status, 200);
        assert_eq!(fakes[2].size(), 0);
    }
}

#[test]
fn what_is_no_cosignature_does_not_count() {
    type Sign = fn(&NoteKey, &str, u64) -> String;
    let signs: [(&str, Sign); 6] = [
        ("another text", |key, text, now| {
            key.line(&text.replace("log.example", "log.other"), now)
        }),
        ("another time than it says", |key, text, now| {
            let mut signature = key.sign(text, now);
            signature[7] ^= 1;
            key.line_with(&signature)
        }),
        ("an hour ago", |key, text, now| key.line(text, now - 3600)),
        ("in an hour", |key, text, now| key.line(text, now + 3600)),
        (
            "a key of its name that it does not have",
            |key, text, now| {
                let other = NoteKey::new(&key.name, key.kind, [200; 32]);
                other.line(text, now)
            },
        ),
        ("a plain signature", |key, text, _| {
            key.with_kind(test_vectors::note::NOTE).line(text, 0)
        }),
    ];
    let signs = signs.map(|(what, sign)| (what, Manner::Signs(sign)));
    let says = [
        ("nothing", Vec::new()),
        ("no lines", b"garbage".to_vec()),
        ("no text", vec![0xff; 100]),
        ("far too much", vec![b'a'; 1 << 20]),
    ];
    let says = says.map(|(what, body)| (what, Manner::Says(200, "text/plain", body)));
    // A size that is none, or not said to be one, proves nothing.
    let sizes = [
        (
            "a size as text",
            Manner::Says(409, "text/plain", b"99\n".to_vec()),
        ),
        (
            "no size",
            Manner::Says(409, "text/x.tlog.size", b"many\n".to_vec()),
        ),
    ];
    for (what, manner) in signs.into_iter().chain(says).chain(sizes) {
        let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, manner]);
        let server = serve(&log);
        let failed = "cosignet_log_witness_failures_total{reason=\"";
        until(what, || {
            let metrics = server.client.get("/metrics").text();
            let mut lines = metrics.lines().filter(|line| line.starts_with(failed));
            lines.any(|line| line.contains("witness=\"c\""))
        });
        let approval = Approval::new(1);
        let reply = server.client.append(&approval);
        assert_eq!(reply.status, 201, "{what}: {}", reply.text());
        verifies(&log, &policy, &approval, &reply);
        let checkpoint = server.client.checkpoint();
        assert!(!checkpoint.contains(fakes[2].key_name()), "{what}");
    }
    // Where it is needed, that is no quorum.
    let garbage = Manner::Says(200, "text/plain", b"garbage".to_vec());
    let (log, fakes, _) = two_of_three([Manner::Honest, Manner::Honest, garbage]);
    let lines: Vec<String> = fakes.iter().map(Fake::policy_line).collect();
    policy(&log, &lines, 3);
    not_published(&serve(&log).client.append(&Approval::new(1)));
}

#[test]
fn without_a_quorum_nothing_is_published_and_everything_when_it_is_back() {
    let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, Manner::Down]);
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let before = server.client.checkpoint();
    fakes[1].behave(Manner::Down);
    // The first is committed, the second waits in the queue.
    let (two, three) = (Approval::new(2), Approval::new(3));
    for approval in [&two, &three, &two] {
        not_published(&server.client.append(approval));
    }
    assert_eq!(server.client.checkpoint(), before);
    assert_eq!(server.client.verification(&two).status, 404);
    let ready = server.client.get("/readyz");
    not_published(&ready);
    let why = ready.json()["detail"].to_string();
    assert!(why.contains("2 of a, b, c"), "{why}");
    assert!(why.contains("a has signed; b: it cannot be "), "{why}");
    let metrics = server.client.get("/metrics").text();
    for line in [
        "cosignet_log_publication_held_back 1",
        "cosignet_log_witness_up{witness=\"a\"} 1",
        "cosignet_log_witness_up{witness=\"b\"} 0",
        "cosignet_log_witness_failures_total{reason=\"unreachable\",witness=\"b\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    // The partition heals, on the other side.
    fakes[2].behave(Manner::Honest);
    until("published again", || {
        server.client.append(&two).status == 200
    });
    for (approval, index) in [(&two, 1), (&three, 2)] {
        let reply = server.client.append(approval);
        assert_eq!((reply.status, reply.index()), (200, index));
        verifies(&log, &policy, approval, &reply);
    }
    assert_eq!(server.client.get("/readyz").status, 200);
    assert_eq!(tree(&server.client.checkpoint()).0, 3);
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn a_head_costs_each_witness_one_request() {
    let log = Log::new();
    let fakes = ["a", "b"].map(|name| Fake::new(name, Manner::Honest));
    let lines = fakes.each_ref().map(Fake::policy_line);
    policy(&log, &lines, 2);
    let server = serve(&log);
    let before = fakes.each_ref().map(Fake::requests);
    let approvals: Vec<_> = (1..=5).map(Approval::new).collect();
    for approval in &approvals {
        assert_eq!(server.client.append(approval).status, 201);
    }
    // Nor does a repeat ask anybody.
    assert_eq!(server.client.append(&approvals[0]).status, 200);
    assert_eq!(fakes.each_ref().map(Fake::requests), before.map(|n| n + 5));
}

#[test]
fn while_publication_is_held_back_the_queue_fills_and_no_more_is_taken() {
    let (log, _fakes, _) = two_of_three([Manner::Honest, Manner::Down, Manner::Down]);
    let server = try_serve(&log, &[("COSIGNET_LOG_QUEUE", "2")]).unwrap();
    // Not even the empty tree is published, so none of them is committed.
    for number in 1..=2 {
        not_published(&server.client.append(&Approval::new(number)));
    }
    let reply = server.client.append(&Approval::new(3));
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (503, "log.overloaded")
    );
}

#[test]
fn an_end_without_a_quorum_builds_nothing_on_what_is_not_published() {
    let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, Manner::Down]);
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    fakes[1].behave(Manner::Down);
    let (two, three) = (Approval::new(2), Approval::new(3));
    for approval in [&two, &three] {
        not_published(&server.client.append(approval));
    }
    assert_eq!(server.stop(), Some(0));
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    let committed = "SELECT size FROM head";
    let committed: i64 = database.query_row(committed, [], |row| row.get(0)).unwrap();
    assert_eq!(committed, 2);
    drop(database);
    fakes[1].behave(Manner::Honest);
    let server = serve(&log);
    for (approval, status, index) in [(&two, 200, 1), (&three, 201, 2)] {
        let reply = server.client.append(approval);
        assert_eq!((reply.status, reply.index()), (status, index));
        verifies(&log, &policy, approval, &reply);
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn a_quorum_may_be_made_of_groups() {
    let log = Log::new();
    let fakes = ["a", "b", "c"].map(|name| Fake::new(name, Manner::Honest));
    let lines: String = fakes.iter().map(Fake::policy_line).collect();
    let vkey = &log.vkey;
    let groups = "group either any a b\ngroup both all either c\nquorum both\n";
    let policy = format!("log {vkey}\n{lines}{groups}");
    std::fs::write(log.path("../log.policy"), &policy).unwrap();
    let server = serve(&log);
    fakes[0].behave(Manner::Down);
    let approval = Approval::new(1);
    let reply = server.client.append(&approval);
    assert_eq!(reply.status, 201, "{}", reply.text());
    verifies(&log, &policy, &approval, &reply);
    // Two of three have signed then, and they are not the right ones.
    fakes[0].behave(Manner::Honest);
    fakes[2].behave(Manner::Down);
    not_published(&server.client.append(&Approval::new(2)));
}

#[test]
fn an_append_that_waits_is_answered_when_the_quorum_is_back() {
    let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Silent, Manner::Down]);
    let long = [("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "60")];
    let server = try_serve(&log, &long).unwrap();
    let approval = Approval::new(1);
    let (client, asked) = (server.client.clone(), approval.clone());
    let reply = std::thread::spawn(move || client.append(&asked));
    until("held back", || server.client.get("/readyz").status == 503);
    fakes[2].behave(Manner::Honest);
    let reply = reply.join().unwrap();
    assert_eq!(reply.status, 201, "{}", reply.text());
    verifies(&log, &policy, &approval, &reply);
}

#[test]
fn a_quorum_that_another_one_need_not_meet_is_not_enough_at_the_start() {
    // One of two: the silent one may know a larger tree, cosigned without the other.
    let log = Log::new();
    let fakes = [
        Fake::new("a", Manner::Honest),
        Fake::new("b", Manner::Silent),
    ];
    let lines: Vec<String> = fakes.iter().map(Fake::policy_line).collect();
    policy(&log, &lines, 1);
    let server = serve(&log);
    let approval = Approval::new(1);
    assert_eq!(server.client.append(&approval).code(), "log.not_published");
    assert_eq!(tree(&server.client.checkpoint()).0, 0);
    fakes[1].behave(Manner::Honest);
    until("both have said what they know", || {
        matches!(server.client.append(&approval).status, 200 | 201)
    });
    // From then on one is enough.
    fakes[1].behave(Manner::Silent);
    assert_eq!(server.client.append(&Approval::new(2)).status, 201);
}

#[test]
fn a_cosignature_that_comes_later_is_added() {
    let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, Manner::Silent]);
    let server = serve(&log);
    let approval = Approval::new(1);
    let reply = server.client.append(&approval);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let early = server.client.checkpoint();
    assert!(!early.contains(fakes[2].key_name()));
    fakes[2].behave(Manner::Honest);
    until("the second cosignature", || {
        server.client.checkpoint().contains(fakes[1].key_name())
    });
    assert!(server.client.checkpoint().starts_with(&early));
    verifies(&log, &policy, &approval, &server.client.append(&approval));
}

#[test]
fn a_cosignature_of_an_older_head_does_not_count_for_the_newest() {
    let (log, fakes, _) = two_of_three([Manner::Honest, Manner::Honest, Manner::Silent]);
    let server = serve(&log);
    for number in 1..=2 {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    fakes[1].behave(Manner::Down);
    let three = Approval::new(3);
    not_published(&server.client.append(&three));
    // The question that it did not answer was about the empty tree.
    fakes[2].behave(Manner::Signs(|key, text, now| match text.lines().nth(1) {
        Some("0") => key.line(text, now),
        _ => String::new(),
    }));
    until("it has signed what it was asked then", || {
        let metrics = server.client.get("/metrics").text();
        metrics.contains("cosignet_log_witness_cosignatures_total{witness=\"c\"} 1\n")
    });
    not_published(&server.client.append(&three));
    assert_eq!(tree(&server.client.checkpoint()).0, 2);
}

#[test]
fn a_crash_before_the_publication_is_made_good_with_cosignatures() {
    for step in [
        "after-commit",
        "after-hand-over",
        "after-tile",
        "before-checkpoint",
    ] {
        let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, Manner::Honest]);
        // The head of the empty tree passes the last step, too.
        let server = serve(&log);
        assert_eq!(server.client.append(&Approval::new(1)).status, 201);
        server.kill();
        let server = try_serve(&log, &[("COSIGNET_LOG_FAILPOINT", step)]).unwrap();
        let approval = Approval::new(2);
        assert!(server.client.try_append(&approval).is_err());
        server.wait();
        let server = serve(&log);
        until("published", || tree(&server.client.checkpoint()).0 == 2);
        let reply = server.client.append(&approval);
        assert_eq!((reply.status, reply.index()), (200, 1), "{step}");
        verifies(&log, &policy, &approval, &reply);
        assert_eq!(fakes[0].size(), 2);
    }
}

#[test]
fn a_log_that_gets_witnesses_has_its_old_entries_cosigned_first() {
    let log = Log::new();
    let server = log.serve();
    let approval = Approval::new(1);
    assert_eq!(server.client.append(&approval).status, 201);
    assert_eq!(server.stop(), Some(0));
    let fakes = [Fake::new("a", Manner::Honest)];
    let policy = policy(&log, &[fakes[0].policy_line()], 1);
    let server = serve(&log);
    let reply = server.client.append(&approval);
    assert_eq!(reply.status, 200);
    verifies(&log, &policy, &approval, &reply);
}

#[test]
fn a_snapshot_that_was_restored_does_not_start_and_forks_nothing() {
    let log = Log::new();
    let mut witnesses = [Real::new("w1", &log.vkey), Real::new("w2", &log.vkey)];
    // It would cosign the fork, and cannot make a quorum alone.
    let equivocates = Fake::new("a", Manner::Careless);
    let mut lines: Vec<String> = witnesses.iter().map(Real::policy_line).collect();
    lines.push(equivocates.policy_line());
    policy(&log, &lines, 2);
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    assert_eq!(server.stop(), Some(0));
    let snapshot = log.snapshot();
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(2)).status, 201);
    let newest = server.client.checkpoint();
    server.kill();
    snapshot.restore();

    let said = try_serve(&log, &[]).err().expect("it must not start");
    assert!(said.contains("the log was rolled back"), "{said}");
    assert!(
        said.contains("has cosigned 2 entries of this log, and there are only 1"),
        "{said}"
    );
    assert!(
        said.contains("that the key of this log has signed"),
        "{said}"
    );

    // Nor does it fork while the honest ones cannot be asked, and it ends when they can.
    witnesses.iter_mut().for_each(Real::kill);
    let server = try_serve(&log, &[]).unwrap();
    not_published(&server.client.append(&Approval::new(3)));
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    let committed = "SELECT size FROM head";
    let committed: i64 = database.query_row(committed, [], |row| row.get(0)).unwrap();
    assert_eq!(committed, 1);
    assert_eq!(
        equivocates.size(),
        1,
        "nothing but the old head was shown to it"
    );
    witnesses.iter_mut().for_each(Real::start);
    assert_eq!(server.wait(), Some(1));
    let text = std::fs::read_to_string(log.path("public/checkpoint")).unwrap();
    assert_eq!(tree(&text).0, 1);
    assert_eq!(tree(&newest).0, 2);
}

#[test]
fn another_tree_of_the_same_size_is_a_fork_and_does_not_start() {
    let log = Log::new();
    let witnesses = [Real::new("w1", &log.vkey), Real::new("w2", &log.vkey)];
    let lines: Vec<String> = witnesses.iter().map(Real::policy_line).collect();
    policy(&log, &lines, 1);
    let snapshot = log.snapshot();
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    until("both have signed", || {
        let checkpoint = server.client.checkpoint();
        checkpoint.lines().count() == 7
    });
    server.kill();
    snapshot.restore();
    // Somebody restores a snapshot and lets the log run without its witnesses.
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(2)).status, 201);
    assert_eq!(server.stop(), Some(0));
    // One that has never seen the log is shown nothing that it could sign.
    let fresh = Fake::new("c", Manner::Honest);
    policy(&log, &[&lines[..], &[fresh.policy_line()]].concat(), 1);
    let said = try_serve(&log, &[]).err().expect("it must not start");
    assert!(said.contains("shows another tree of 1 entries"), "{said}");
    assert_eq!(fresh.size(), 0);
}

#[test]
fn a_fork_that_has_outgrown_its_witnesses_is_noticed() {
    let log = Log::new();
    let witnesses = [Real::new("w1", &log.vkey), Real::new("w2", &log.vkey)];
    let lines: Vec<String> = witnesses.iter().map(Real::policy_line).collect();
    policy(&log, &lines, 2);
    let snapshot = log.snapshot();
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    server.kill();
    snapshot.restore();
    let server = log.serve();
    for number in 2..4 {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    assert_eq!(server.stop(), Some(0));
    let said = try_serve(&log, &[]).err().expect("it must not start");
    assert!(said.contains("shows another tree of 1 entries"), "{said}");
}

#[test]
fn nothing_is_admitted_while_publication_is_held_back_for_long() {
    let (log, fakes, _) = two_of_three([Manner::Honest, Manner::Honest, Manner::Down]);
    let server = try_serve(&log, &[("COSIGNET_LOG_TEST_PATIENCE", "3000")]).unwrap();
    let client = &server.client;
    assert_eq!(client.append(&Approval::new(1)).status, 201);
    fakes[1].behave(Manner::Down);
    let second = Approval::new(2);
    not_published(&client.append(&second));
    until("it admits nothing", || {
        let reply = client.append(&Approval::new(3));
        reply.code() == "log.held_back" && reply.retry_after == "30"
    });
    assert_eq!(client.get("/readyz").status, 503);
    fakes[1].behave(Manner::Honest);
    until("it publishes", || client.get("/readyz").status == 200);
    assert_eq!(client.append(&second).status, 200);
    assert_eq!(client.append(&Approval::new(4)).status, 201);
}

#[test]
fn a_witness_that_claims_to_know_more_and_shows_nothing_is_outvoted() {
    let (log, fakes, _) = two_of_three([Manner::Honest, Manner::Honest, Manner::Honest]);
    let server = serve(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let larger = Manner::Says(409, "text/x.tlog.size", b"1000000\n".to_vec());
    fakes[2].behave(larger.clone());
    for number in 2..5 {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    until("its claim is seen", || {
        let metrics = server.client.get("/metrics").text();
        metrics.contains("cosignet_log_witness_failures_total{reason=\"409\",witness=\"c\"}")
    });
    // Two of them are enough to have made a quorum without the third.
    fakes[1].behave(larger.clone());
    let _ = server.client.try_append(&Approval::new(5));
    assert_eq!(server.wait(), Some(1));
    let said = try_serve(&log, &[]).err().expect("it must not start");
    assert!(said.contains("says that it has cosigned 1000000"), "{said}");
    assert!(said.contains("out of the witness policy"), "{said}");
}

#[test]
fn bad_policies_are_refused_with_a_reason() {
    let log = Log::new();
    let fake = Fake::new("a", Manner::Honest);
    let other = Log::new();
    let line = fake.policy_line();
    let vkey = line.split(' ').nth(2).unwrap();
    for (text, because) in [
        (format!("log {}\nquorum none\n", other.vkey), "another log"),
        (format!("witness a {vkey}\nquorum a\n"), "without a URL"),
        (format!("witness a {vkey} ftp://a\nquorum a\n"), "ftp://a"),
        (format!("witness a {vkey} nothing\nquorum a\n"), "not a URL"),
        ("quorum a\n".into(), "line 1"),
    ] {
        std::fs::write(log.path("../log.policy"), &text).unwrap();
        let said = try_serve(&log, &[]).err().expect("it must not start");
        assert!(said.contains(because), "{said}");
    }
    // Without a log line it is this log's.
    std::fs::write(log.path("../log.policy"), format!("{line}quorum a\n")).unwrap();
    assert_eq!(serve(&log).client.append(&Approval::new(1)).status, 201);
}
