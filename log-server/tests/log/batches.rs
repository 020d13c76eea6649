//! A batch is committed while the one before is on its way to its publication.

use std::fs;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use test_vectors::encoding::b64url;
use test_vectors::entry::email_hash;

use crate::cosigning::{policy, try_serve, two_of_three, until, verifies};
use crate::harness::{Approval, Log, Reply, Server, tree};
use crate::witness::{Fake, Manner, Real};

/// Nobody gives up waiting for a publication.
const PATIENT: (&str, &str) = ("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "60");

/// A folder in the place of a file that is to be written: until it is dropped, it cannot be.
struct Jam(PathBuf);

impl Jam {
    fn new(log: &Log, file: &str) -> Self {
        let path = log.path(&format!("public/{file}.new"));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Jam {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).unwrap();
    }
}

/// The size of the committed tree.
fn committed(log: &Log) -> u64 {
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    let size = database.query_row("SELECT size FROM head", [], |row| row.get::<_, i64>(0));
    size.unwrap().try_into().unwrap()
}

/// Somebody who waits for an answer.
type Asked = JoinHandle<Result<Reply, ureq::Error>>;

fn ask(server: &Server, approval: &Approval) -> Asked {
    let (client, approval) = (server.client.clone(), approval.clone());
    std::thread::spawn(move || client.try_append(&approval))
}

fn answer(asked: Asked) -> Reply {
    asked.join().unwrap().unwrap()
}

/// A batch of one entry, which cannot be published while the jam lasts.
fn one_committed(log: &Log, server: &Server, approval: &Approval) -> (Jam, Asked) {
    let before = committed(log);
    let jam = Jam::new(log, "checkpoint");
    let asked = ask(server, approval);
    until("it waits for its checkpoint", || {
        let ready = server.client.get("/readyz");
        ready.status == 503 && ready.text().contains("public/checkpoint: ")
    });
    assert_eq!(committed(log), before + 1);
    (jam, asked)
}

/// The same, and another batch behind it.
fn two_committed(log: &Log, server: &Server, approvals: [&Approval; 2]) -> (Jam, [Asked; 2]) {
    let before = committed(log);
    let (jam, first) = one_committed(log, server, approvals[0]);
    let second = ask(server, approvals[1]);
    until("the second one is committed", || {
        committed(log) == before + 2
    });
    (jam, [first, second])
}

fn patient(log: &Log) -> Server {
    log.serve_with(&[PATIENT]).unwrap()
}

/// A log of one entry that all of its three witnesses have cosigned. It needs two of them.
fn all_have_spoken() -> (Log, [Fake; 3], Server) {
    let (log, fakes, _) = two_of_three([Manner::Honest, Manner::Honest, Manner::Honest]);
    let server = try_serve(&log, &[PATIENT]).unwrap();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    until("all three have spoken", || fakes[2].size() == 1);
    (log, fakes, server)
}

/// The size of the tree that an answer proves its entry to be in.
fn proven_in(reply: &Reply) -> u64 {
    let proof = reply.json()["logProof"].as_str().unwrap().to_owned();
    tree(proof.split_once("\n\n").unwrap().1).0
}

#[test]
fn two_batches_that_wait_are_published_one_after_the_other() {
    let log = Log::new();
    let server = patient(&log);
    let approvals: Vec<_> = (1..=3).map(Approval::new).collect();
    assert_eq!(server.client.append(&approvals[0]).status, 201);
    let (jam, asked) = two_committed(&log, &server, [&approvals[1], &approvals[2]]);
    drop(jam);
    let replies = asked.map(answer);
    for (reply, index) in replies.iter().zip(1..) {
        assert_eq!((reply.status, reply.index()), (201, index));
        assert_eq!(proven_in(reply), index + 1);
    }
    assert_eq!(server.client.get("/readyz").status, 200);
    for (approval, index) in approvals.iter().zip(0..) {
        let repeat = server.client.append(approval);
        assert_eq!((repeat.status, repeat.index()), (200, index));
    }
    assert_eq!(tree(&server.client.checkpoint()).0, 3);
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn look_ups_see_nothing_that_is_committed_and_not_published() {
    let log = Log::new();
    let server = patient(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let before = server.client.checkpoint();
    let (two, three) = (Approval::new(2), Approval::new(3));
    let (jam, asked) = two_committed(&log, &server, [&two, &three]);
    for approval in [&two, &three] {
        assert_eq!(server.client.verification(approval).status, 404);
        let id = &approval.draft.approval_id;
        let path = format!("/v1/entries/{id}/disclosure");
        let sealed = json!({"disclosure": "sealed"});
        let reply = server.client.write("PUT", &path, &sealed).unwrap();
        assert_eq!(reply.status, 404);
    }
    // The tiles of the first are there, and not shown.
    assert!(log.path("public/tile/0/000.p/2").is_file());
    for tile in ["0/000.p/2", "0/000.p/3", "entries/000.p/2"] {
        assert_eq!(server.client.get(&format!("/tile/{tile}")).status, 404);
    }
    assert_eq!(server.client.checkpoint(), before);
    let size = "cosignet_log_tree_size 1\n";
    assert!(server.client.get("/metrics").text().contains(size));
    drop(jam);
    assert!(asked.map(answer).iter().all(|reply| reply.status == 201));
    assert_eq!(server.client.verification(&three).index(), 2);
}

#[test]
fn a_repeat_of_what_is_not_published_waits_and_gets_the_first_entry() {
    let log = Log::new();
    let server = patient(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let salt = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";
    let approver = json!({"emailHash": salt, "salt": salt});
    let two = Approval::new(2).with("approver", approver);
    let jam = Jam::new(&log, "checkpoint");
    let first = ask(&server, &two);
    until("it is committed", || committed(&log) == 2);
    // A batch that has nothing to commit, and then one behind it.
    let repeat = ask(&server, &two);
    std::thread::sleep(Duration::from_millis(300));
    let other = two.with("decidedAt", json!(crate::harness::time(-60)));
    let others = [ask(&server, &two), ask(&server, &other)];
    std::thread::sleep(Duration::from_millis(300));
    assert!(!repeat.is_finished() && !others.iter().any(Asked::is_finished));
    assert_eq!(committed(&log), 2);
    drop(jam);
    let first = answer(first);
    assert_eq!((first.status, first.index()), (201, 1));
    let [again, other] = others.map(answer);
    assert_eq!(
        (other.status, other.code().as_str()),
        (409, "entry.conflict")
    );
    for repeat in [answer(repeat), again] {
        assert_eq!((repeat.status, repeat.index()), (200, 1));
        assert_eq!(repeat.json()["entry"], first.json()["entry"]);
        // What opens the approver is kept, and is that of the first.
        assert_eq!(repeat.json()["evidence"], first.json()["evidence"]);
        assert!(repeat.json()["evidence"].get("approver").is_some());
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    assert_eq!(log.fsck().1["size"], 2);
}

#[test]
fn no_more_than_two_batches_are_committed_and_not_published() {
    let log = Log::new();
    let server = log
        .serve_with(&[PATIENT, ("COSIGNET_LOG_QUEUE", "2")])
        .unwrap();
    let approvals: Vec<_> = (1..=5).map(Approval::new).collect();
    let (jam, asked) = two_committed(&log, &server, [&approvals[0], &approvals[1]]);
    let waiting = [ask(&server, &approvals[2]), ask(&server, &approvals[3])];
    until("the queue is full", || {
        let depth = "cosignet_log_queue_depth 2\n";
        server.client.get("/metrics").text().contains(depth)
    });
    let refused = server.client.append(&approvals[4]);
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (503, "log.overloaded")
    );
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(committed(&log), 2);
    drop(jam);
    for reply in asked.map(answer).into_iter().chain(waiting.map(answer)) {
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    assert_eq!(server.client.append(&approvals[4]).status, 201);
}

#[test]
fn nothing_is_signed_on_top_of_a_head_that_has_no_quorum() {
    let (log, fakes, policy) = two_of_three([Manner::Honest, Manner::Honest, Manner::Down]);
    let server = try_serve(&log, &[PATIENT]).unwrap();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    fakes[1].behave(Manner::Silent);
    let (two, three) = (Approval::new(2), Approval::new(3));
    let first = ask(&server, &two);
    until("one has signed", || fakes[0].size() == 2);
    let second = ask(&server, &three);
    until("held back", || server.client.get("/readyz").status == 503);
    assert_eq!(committed(&log), 2);
    fakes[1].behave(Manner::Honest);
    for (asked, approval, index) in [(first, &two, 1), (second, &three, 2)] {
        let reply = answer(asked);
        assert_eq!((reply.status, reply.index()), (201, index));
        verifies(&log, &policy, approval, &reply);
    }
}

#[test]
fn two_batches_that_a_kill_left_are_published_by_the_next_start() {
    // The first of them fills the first tiles, the second begins the next ones.
    const BEFORE: u32 = 255;
    let (log, reference) = (Log::new(), Log::new());
    let approvals: Vec<_> = (0..BEFORE + 2).map(Approval::new).collect();
    let (last, first) = approvals
        .split_last_chunk::<2>()
        .map(|(a, b)| (b, a))
        .unwrap();
    let server = patient(&log);
    for approval in first {
        assert_eq!(server.client.append(approval).status, 201);
    }
    let (jam, _asked) = two_committed(&log, &server, [&last[0], &last[1]]);
    server.kill();
    drop(jam);
    let text = fs::read_to_string(log.path("public/checkpoint")).unwrap();
    assert_eq!(tree(&text).0, u64::from(BEFORE));
    // fsck looks into the database for what is not published.
    log.assert_clean();
    let server = log.serve();
    assert_eq!(tree(&server.client.checkpoint()).0, u64::from(BEFORE) + 2);
    for (approval, index) in approvals.iter().zip(0..) {
        let repeat = server.client.append(approval);
        assert_eq!((repeat.status, repeat.index()), (200, index));
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    // One that has published each head has the same tiles.
    let server = reference.serve();
    for approval in &approvals {
        assert_eq!(server.client.append(approval).status, 201);
    }
    assert_eq!(server.stop(), Some(0));
    reference.assert_clean();
    assert_eq!(log.fsck().1["root"], reference.fsck().1["root"]);
    for tile in [
        "0/000",
        "0/001.p/1",
        "1/000.p/1",
        "entries/000",
        "entries/001.p/1",
    ] {
        let of = |log: &Log| fs::read(log.path(&format!("public/tile/{tile}"))).unwrap();
        assert!(of(&log) == of(&reference), "{tile}");
    }
    for folder in ["0/000.p", "entries/000.p"] {
        let folder = format!("public/tile/{folder}");
        assert!(!log.path(&folder).exists() && !reference.path(&folder).exists());
    }
}

#[test]
fn an_end_in_the_middle_leaves_both_batches_to_the_next_start() {
    let log = Log::new();
    let short = [("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "1")];
    let server = log.serve_with(&short).unwrap();
    let approvals: Vec<_> = (1..=3).map(Approval::new).collect();
    let (jam, asked) = two_committed(&log, &server, [&approvals[0], &approvals[1]]);
    let third = ask(&server, &approvals[2]);
    for asked in asked.into_iter().chain([third]) {
        let reply = answer(asked);
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (503, "log.not_published")
        );
    }
    assert_eq!(server.stop(), Some(0));
    // The third was in the queue.
    assert_eq!(committed(&log), 2);
    drop(jam);
    let server = log.serve();
    for (approval, status, index) in [
        (&approvals[0], 200, 0),
        (&approvals[1], 200, 1),
        (&approvals[2], 201, 2),
    ] {
        let reply = server.client.append(approval);
        assert_eq!((reply.status, reply.index()), (status, index));
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn a_rollback_that_is_noticed_while_two_batches_wait_ends_the_process() {
    let (log, fakes, server) = all_have_spoken();
    fakes[2].behave(Manner::Silent);
    let before = fs::read_to_string(log.path("public/checkpoint")).unwrap();
    let (jam, asked) = two_committed(&log, &server, [&Approval::new(2), &Approval::new(3)]);
    // As many as are committed, of which nobody can know.
    fakes[2].behave(Manner::Knows(log.signed(3)));
    assert_eq!(server.wait(), Some(1));
    for asked in asked {
        let reply = asked.join().unwrap();
        assert!(!reply.is_ok_and(|reply| reply.status < 500));
    }
    drop(jam);
    let text = fs::read_to_string(log.path("public/checkpoint")).unwrap();
    assert_eq!(tree(&text), tree(&before));
    // Nobody was shown the second.
    assert!(fakes.iter().all(|fake| fake.size() <= 2));
}

#[test]
fn nothing_is_signed_after_a_rollback_was_noticed() {
    let (log, fakes, server) = all_have_spoken();
    let requests = fakes[2].requests();
    fakes[2].behave(Manner::Silent);
    let (jam, _first) = one_committed(&log, &server, &Approval::new(2));
    until("the last one was asked", || fakes[2].requests() > requests);
    // The publisher looks again in half a second at most, and the writer could go on before.
    let requests = fakes[2].requests();
    fakes[2].behave(Manner::Knows(log.signed(1_000_000)));
    until("it was asked what it shows", || {
        fakes[2].requests() > requests
    });
    let _second = ask(&server, &Approval::new(3));
    assert_eq!(server.wait(), Some(1));
    assert_eq!(committed(&log), 2);
    drop(jam);
}

#[test]
fn what_is_erased_while_a_repeat_waits_is_not_in_its_answer() {
    let log = Log::new();
    let server = patient(&log);
    let (email, salt) = ("alice@example.com", [3; 32]);
    let approver = json!({"emailHash": b64url(&email_hash(email, &salt)), "salt": b64url(&salt)});
    let approval = Approval::new(1).with("approver", approver);
    let shows_approver = |reply: &Reply| reply.json()["evidence"].get("approver").is_some();
    assert!(shows_approver(&server.client.append(&approval)));
    assert!(shows_approver(&server.client.append(&approval)));
    let (jam, first) = one_committed(&log, &server, &Approval::new(2));
    let repeat = ask(&server, &approval);
    std::thread::sleep(Duration::from_millis(200));
    let last = ask(&server, &Approval::new(3));
    until(
        "the repeat is in a batch, and the last one waits for it",
        || {
            let metrics = server.client.get("/metrics").text();
            metrics.contains("cosignet_log_queue_depth 1\n")
        },
    );
    let path = format!("/v1/entries/{}/disclosure", approval.draft.approval_id);
    let sealed = json!({"disclosure": "sealed"});
    let reply = server.client.write("PUT", &path, &sealed).unwrap();
    assert_eq!(reply.status, 200);
    drop(jam);
    let reply = answer(repeat);
    assert_eq!((reply.status, shows_approver(&reply)), (200, false));
    assert_eq!([first, last].map(|asked| answer(asked).status), [201, 201]);
}

#[test]
fn witnesses_are_asked_while_the_tiles_are_written() {
    let log = Log::new();
    let witness = Real::new("w1", &log.vkey);
    let policy = policy(&log, &[witness.policy_line()], 1);
    let server = try_serve(&log, &[PATIENT]).unwrap();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let jam = Jam::new(&log, "tile/0/000.p/3");
    assert_eq!(server.client.append(&Approval::new(2)).status, 201);
    let three = Approval::new(3);
    let asked = ask(&server, &three);
    // It has verified that this tree begins with the last one.
    until("the witness has signed", || {
        let metrics = server.client.get("/metrics").text();
        metrics.contains("cosignet_log_witness_cosignatures_total{witness=\"w1\"} 4\n")
    });
    assert_eq!(tree(&server.client.checkpoint()).0, 2);
    drop(jam);
    let reply = answer(asked);
    assert_eq!((reply.status, reply.index()), (201, 2));
    verifies(&log, &policy, &three, &reply);
    let metrics = server.client.get("/metrics").text();
    assert!(!metrics.contains("cosignet_log_witness_failures_total{"));
}
