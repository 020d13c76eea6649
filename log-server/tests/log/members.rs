//! Several processes that keep one log, in PostgreSQL.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use postgres_cluster::Cluster;

use crate::harness::{Approval, Log, Server, tree};

/// How soon somebody else has to lead.
pub(crate) const TAKE_OVER: Duration = Duration::from_secs(10);

fn log() -> Option<Log> {
    let cluster = Cluster::shared()?;
    Some(Log::in_database(cluster.address(&cluster.database())))
}

/// A member at an address of its own.
pub(crate) fn member(log: &Log) -> Server {
    member_with(log, &[])
}

pub(crate) fn member_with(log: &Log, env: &[(&str, &str)]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    log.serve_at(&address, env).expect("the member starts")
}

pub(crate) fn leads(member: &Server) -> bool {
    let metrics = member.client.get("/metrics").text();
    metrics.lines().any(|line| line == "cosignet_log_leading 1")
}

/// Looks an approval up at a member, which needs the tiles for that.
pub(crate) fn is_found(member: &Server, approval: &Approval) -> bool {
    let id = &approval.draft.approval_id;
    let path = format!("/public/log/entries/{id}/verification");
    member.client.get(&path).status == 200
}

/// Waits until this is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

pub(crate) fn assert_verified(log: &Log, approval: &Approval, bundle: &str) {
    let report = log.audit(approval, bundle);
    assert_eq!(report.verdict().as_str(), "VERIFIED", "{bundle}");
}

#[test]
fn a_log_in_postgresql_is_made_appended_to_examined_and_copied() {
    let Some(log) = log() else { return };
    log.assert_clean();
    let server = log.serve();
    let approvals: Vec<_> = (1..=40).map(Approval::new).collect();
    std::thread::scope(|scope| {
        for part in approvals.chunks(10) {
            let client = server.client.clone();
            scope.spawn(move || {
                for approval in part {
                    assert_eq!(client.append(approval).status, 201);
                }
            });
        }
    });
    let repeat = server.client.append(&approvals[7]);
    assert_eq!(repeat.status, 200);
    assert_verified(&log, &approvals[7], &repeat.text());
    assert!(is_found(&server, &approvals[7]));
    assert_eq!(tree(&server.client.checkpoint()).0, 40);
    log.assert_clean();
    // A second log of the same name, or the same directory, is refused.
    let data = log.data().display().to_string();
    let again = log.run(&["init", "--data", &data, "--origin", crate::harness::LOG]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");

    // Erased, and gone from the table.
    let sealed = serde_json::json!({"disclosure": "sealed"});
    let begun = Instant::now();
    while server.client.disclose(&approvals[3], &sealed).0 != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it is never gone"
        );
    }

    // A copy is a log of one machine, as it was while this one ran.
    let copy = log.copy();
    let to = copy.data().display().to_string();
    log.succeed(&["export", "--data", &data, "--to", &to]);
    std::fs::copy(log.path("log.key"), copy.path("log.key")).unwrap();
    copy.assert_clean();

    // After a crash the lease has to run out first.
    server.kill();
    let begun = Instant::now();
    let server = member(&log);
    until("it leads", || leads(&server));
    assert!(begun.elapsed() < TAKE_OVER);
    assert_eq!(server.client.append(&Approval::new(41)).status, 201);
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    let other = copy.serve();
    assert_eq!(tree(&other.client.checkpoint()).0, 40);
    assert_eq!(other.client.append(&approvals[0]).status, 200);
}

#[test]
fn a_member_answers_as_the_one_that_leads_and_takes_over_when_that_one_dies() {
    let Some(log) = log() else { return };
    let first = member(&log);
    let second = member(&log);
    assert!(leads(&first) && !leads(&second));
    until("it follows", || second.client.get("/readyz").status == 200);
    let approvals: Vec<_> = (1..=8).map(Approval::new).collect();
    let (early, late) = approvals.split_at(5);
    for (n, approval) in (1..).zip(early) {
        let appended = second.client.append(approval);
        assert_eq!(appended.status, 201, "{}", appended.text());
        assert_verified(&log, approval, &appended.text());
        // Right away, at both, also by look-up.
        assert!(is_found(&second, approval));
        for member in [&first, &second] {
            assert_eq!(tree(&member.client.checkpoint()).0, n);
        }
    }
    // What the one that leads would refuse is refused at the door, and so is a stranger.
    let bad = second
        .client
        .write("POST", "/v1/entries", &serde_json::json!({}));
    assert_eq!(bad.unwrap().status, 400);
    let mut stranger = second.client.clone();
    stranger.token = stranger
        .token
        .replace(|digit: char| digit.is_ascii_digit(), "0");
    assert_eq!(stranger.append(&Approval::new(90)).status, 401);

    first.kill();
    let begun = Instant::now();
    let appended = second.client.append(&late[0]);
    assert_eq!(appended.status, 201, "{}", appended.text());
    assert!(begun.elapsed() < TAKE_OVER, "{:?}", begun.elapsed());
    assert!(leads(&second));
    assert_verified(&log, &late[0], &appended.text());
    let third = member(&log);
    assert!(!leads(&third));
    until("it follows", || third.client.get("/readyz").status == 200);
    assert_eq!(third.client.append(&late[1]).status, 201);
    // One that ends hands over.
    assert_eq!(second.stop(), Some(0));
    let took = until("it leads", || leads(&third));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(third.client.append(&late[2]).status, 201);
    for approval in &approvals {
        assert_eq!(third.client.append(approval).status, 200);
    }
    assert_eq!(tree(&third.client.checkpoint()).0, 8);
    log.assert_clean();
}

#[test]
fn a_leader_that_was_frozen_wakes_up_and_changes_nothing() {
    let Some(log) = log() else { return };
    let first = member(&log);
    let second = member(&log);
    let early = Approval::new(1);
    assert_eq!(first.client.append(&early).status, 201);
    until("it follows", || second.client.get("/readyz").status == 200);
    first.signal("-STOP");
    let begun = Instant::now();
    let appended = second.client.append(&Approval::new(2));
    assert_eq!(appended.status, 201, "{}", appended.text());
    assert!(begun.elapsed() < TAKE_OVER, "{:?}", begun.elapsed());
    // Somebody has asked the frozen one meanwhile.
    let late = std::thread::spawn({
        let client = first.client.clone();
        move || client.try_append(&Approval::new(3))
    });
    std::thread::sleep(Duration::from_millis(200));
    first.signal("-CONT");
    assert_eq!(first.wait(), Some(5));
    // Nothing that it has said was a success.
    let late = late.join().unwrap();
    assert!(late.is_err() || late.is_ok_and(|reply| reply.status >= 500));
    assert_eq!(tree(&second.client.checkpoint()).0, 2);
    assert_eq!(second.client.append(&Approval::new(3)).status, 201);
    assert_eq!(second.client.append(&early).status, 200);
    log.assert_clean();
}

#[test]
fn members_share_no_directory_if_public_files_are_elsewhere() {
    let Some(log) = log() else { return };
    let other = log.on_another_machine();
    let place = log.path("../elsewhere").display().to_string();
    let start = |log: &Log| member_with(log, &[("COSIGNET_LOG_OBJECTS", &place)]);
    let first = start(&log);
    let second = start(&other);
    assert!(leads(&first) && !leads(&second));
    until("it follows", || second.client.get("/readyz").status == 200);
    let approvals: Vec<_> = (1..=4).map(Approval::new).collect();
    for (member, approval) in [&first, &second].into_iter().zip(&approvals) {
        let appended = member.client.append(approval);
        assert_eq!(appended.status, 201, "{}", appended.text());
        // A member that follows looks ten times a second what is published.
        until("it is found", || {
            is_found(&first, approval) && is_found(&second, approval)
        });
    }
    assert!(!other.path("public/tile").exists(), "tiles are elsewhere");

    first.kill();
    assert_eq!(second.client.append(&approvals[2]).status, 201);
    assert!(leads(&second));
    let first = start(&log);
    until("it follows", || first.client.get("/readyz").status == 200);
    assert_eq!(first.client.append(&approvals[3]).status, 201);
    for approval in &approvals {
        until("it is found", || {
            is_found(&first, approval) && is_found(&second, approval)
        });
        assert_verified(&log, approval, &first.client.append(approval).text());
    }
    // What is written elsewhere is the history that a database cannot lose.
    let heads = std::fs::read_dir(log.path("../elsewhere/heads")).unwrap();
    assert!(heads.count() >= 4);
    let data = other.data().display().to_string();
    let (code, report) = other.fsck_of(&["--objects", &place, &data]);
    assert_eq!(code, Some(0), "{report}");
}

/// The new one may be another server, which has lost something: the start finds out.
#[test]
fn a_leader_ends_when_the_server_is_restarted_and_leads_when_it_is_started_again() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let log = Log::in_database(cluster.address(&cluster.database()));
    let first = member(&log);
    let early = Approval::new(1);
    assert_eq!(first.client.append(&early).status, 201);
    // A history outside the database.
    assert!(log.path("public/heads/00000000000000000001").is_file());
    cluster.restart();
    assert_eq!(first.wait(), Some(5));
    let second = member(&log);
    until("it leads", || leads(&second));
    assert_eq!(second.client.append(&early).status, 200);
    assert_eq!(second.client.append(&Approval::new(2)).status, 201);
    assert_eq!(tree(&second.client.checkpoint()).0, 2);
    assert_eq!(second.stop(), Some(0));
    log.assert_clean();
}
