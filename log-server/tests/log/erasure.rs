//! Erasing: an answer of success means that the bytes are gone, and nobody waits for that.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use test_vectors::encoding::b64url;

use crate::cosigning::until;
use crate::harness::{Approval, Client, Log, Reply};

/// An approval with a payload that is found again.
pub(crate) fn public(number: u32) -> Approval {
    let payload = format!("ERASE-ME-{number}-").repeat(20).into_bytes();
    Approval::paying(number, payload).with("disclosure", json!("public"))
}

pub(crate) fn erase(client: &Client, approval: &Approval) -> Reply {
    let path = format!("/v1/entries/{}/disclosure", approval.draft.approval_id);
    let sealed = json!({"disclosure": "sealed"});
    client.write("PUT", &path, &sealed).unwrap()
}

/// Whether some file of the database has these bytes.
pub(crate) fn is_kept(log: &Log, bytes: &[u8]) -> bool {
    ["log.sqlite", "log.sqlite-wal"].iter().any(|name| {
        let file = std::fs::read(log.path(name)).unwrap_or_default();
        file.windows(bytes.len()).any(|window| window == bytes)
    })
}

/// Somebody who reads, and keeps what they read.
pub(crate) fn snapshot(log: &Log) -> Connection {
    let reader = Connection::open(log.path("log.sqlite")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count: i64 = reader
        .query_row("SELECT count(*) FROM evidence", [], |row| row.get(0))
        .unwrap();
    assert!(count > 0);
    reader
}

fn pending(client: &Client) -> String {
    let metrics = client.get("/metrics").text();
    let name = "cosignet_log_erasures_pending ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().to_owned()
}

#[test]
fn what_is_answered_with_success_is_gone_and_no_append_waits() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let approvals: Vec<_> = (1..=8).map(public).collect();
    for approval in &approvals {
        assert_eq!(client.append(approval).status, 201);
    }
    let erased = &approvals[0];
    assert_eq!(erase(client, erased).status, 200);
    assert!(!is_kept(&log, &erased.draft.payload));

    let reader = snapshot(&log);
    let slowest = std::thread::scope(|scope| {
        for approval in &approvals[1..] {
            scope.spawn(move || {
                let reply = erase(client, approval);
                assert_eq!((reply.status, reply.retry_after.as_str()), (202, "1"));
                // The public sees it no more.
                assert!(reply.json().get("evidence").is_none());
            });
        }
        let appends = (100..130).map(|number| {
            let begun = Instant::now();
            assert_eq!(client.append(&Approval::new(number)).status, 201);
            begun.elapsed()
        });
        appends.max().unwrap()
    });
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(is_kept(&log, &approvals[1].draft.payload));
    assert_eq!(pending(client), "7");
    assert_eq!(erase(client, &approvals[1]).status, 202);

    drop(reader);
    until("the bytes are gone", || {
        approvals
            .iter()
            .all(|approval| !is_kept(&log, &approval.draft.payload))
    });
    for approval in &approvals {
        assert_eq!(erase(client, approval).status, 200);
    }
    assert_eq!(pending(client), "0");
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn an_erasure_that_is_not_finished_survives_the_process() {
    let log = Log::new();
    let server = log.serve();
    let approval = public(1);
    assert_eq!(server.client.append(&approval).status, 201);
    let reader = snapshot(&log);
    assert_eq!(erase(&server.client, &approval).status, 202);
    server.kill();
    let server = log.serve();
    assert_eq!(pending(&server.client), "1");
    assert_eq!(erase(&server.client, &approval).status, 202);
    drop(reader);
    until("it is finished", || pending(&server.client) == "0");
    assert!(!is_kept(&log, &approval.draft.payload));
}

#[test]
fn lowering_and_replacing_erase_too() {
    let log = Log::new();
    let server = log.serve();
    let approval = public(1);
    assert_eq!(server.client.append(&approval).status, 201);
    let path = format!("/v1/entries/{}/disclosure", approval.draft.approval_id);
    let reader = snapshot(&log);
    let hash = json!({"disclosure": "hash"});
    let put = |body| server.client.write("PUT", &path, body).unwrap().status;
    assert_eq!(put(&hash), 202);
    drop(reader);
    until("it is finished", || put(&hash) == 200);
    assert!(!is_kept(&log, &approval.draft.payload));
    // Raising takes nothing away, and does not wait.
    let reader = snapshot(&log);
    let payload = b64url(&approval.draft.payload);
    let public = json!({"disclosure": "public", "payload": payload, "action": "one"});
    assert_eq!(put(&public), 200);
    let other = json!({"disclosure": "public", "payload": payload, "action": "two"});
    assert_eq!(put(&other), 202);
    drop(reader);
}

#[test]
fn the_write_ahead_log_shrinks_after_a_long_snapshot() {
    let log = Log::new();
    let server = log.serve();
    assert_eq!(server.client.append(&public(1)).status, 201);
    let reader = snapshot(&log);
    let length = || {
        let file = std::fs::metadata(log.path("log.sqlite-wal"));
        file.map_or(0, |file| file.len())
    };
    let mut number = 10;
    while length() < 20 * 1024 * 1024 {
        let approval = Approval::paying(number, vec![b'x'; 500_000]);
        let approval = approval.with("disclosure", json!("public"));
        assert_eq!(server.client.append(&approval).status, 201);
        number += 1;
    }
    drop(reader);
    until("it is short", || length() < 1024 * 1024);
}

#[test]
fn one_token_cannot_take_all_places_for_changes() {
    let log = Log::new();
    let other = log.another_token("other");
    let server = log.serve();
    let client = &server.client;
    let approval = public(1);
    assert_eq!(client.append(&approval).status, 201);
    let reader = snapshot(&log);
    // From now on each change waits for a while.
    assert_eq!(erase(client, &approval).status, 202);
    let (statuses, others) = std::thread::scope(|scope| {
        let changes: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| erase(client, &approval)))
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        let mut stranger = client.clone();
        stranger.token = other;
        let others = (erase(&stranger, &approval), client.verification(&approval));
        let statuses: Vec<u16> = changes
            .into_iter()
            .map(|one| one.join().unwrap().status)
            .collect();
        (statuses, others)
    });
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert!(count(202) >= 64 && count(429) > 0, "{statuses:?}");
    assert_eq!(count(202) + count(429), 100, "{statuses:?}");
    assert_eq!((others.0.status, others.1.status), (202, 200));
    drop(reader);
}
