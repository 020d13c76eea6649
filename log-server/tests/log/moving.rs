//! A log that moves from one machine into a database, and back.

use std::fs;

use postgres_cluster::Cluster;
use serde_json::json;

use crate::damage::copy;
use crate::erasure::public;
use crate::harness::{Approval, LOG, Log, flip, tree};
use crate::members::{assert_verified, is_found, leads, member, until};

/// The same log as a member of it will have it: nothing yet but the address of an empty database.
fn member_of(log: &Log) -> Option<Log> {
    let cluster = Cluster::shared()?;
    let mut there = log.copy();
    there.set(&[("COSIGNET_LOG_STORE", &cluster.address(&cluster.database()))]);
    Some(there)
}

/// Exit code, and everything that was said.
fn import(log: &Log, to: &Log) -> (Option<i32>, String) {
    let (from, data) = (
        log.data().display().to_string(),
        to.data().display().to_string(),
    );
    let output = to.run(&["import", "--from", &from, "--data", &data]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Appends to a log, and stops it.
fn fill(log: &Log, approvals: &[Approval]) {
    let server = log.serve();
    for approval in approvals {
        assert_eq!(server.client.append(approval).status, 201);
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_log_that_is_closed_is_closed_where_it_arrives() {
    let log = Log::new();
    let Some(cluster) = member_of(&log) else {
        return;
    };
    let approval = Approval::new(1);
    fill(&log, std::slice::from_ref(&approval));
    let data = log.data().display().to_string();
    log.succeed(&["close", "--data", &data, "--origin", LOG]);
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(0), "{said}");
    let member = member(&cluster);
    assert_eq!(member.client.append(&approval).status, 200);
    let refused = member.client.append(&Approval::new(2));
    assert_eq!(refused.code(), "log.closed", "{}", refused.text());
}

#[test]
fn a_log_moves_into_a_database_and_back_without_a_gap() {
    let log = Log::new();
    let Some(cluster) = member_of(&log) else {
        return;
    };
    let server = log.serve();
    let mut approvals: Vec<_> = (1..=300).map(Approval::new).collect();
    std::thread::scope(|scope| {
        for part in approvals.chunks(75) {
            let client = server.client.clone();
            scope.spawn(move || {
                for approval in part {
                    assert_eq!(client.append(approval).status, 201);
                }
            });
        }
    });
    for number in 301..=303 {
        let approval = public(number);
        assert_eq!(server.client.append(&approval).status, 201);
        approvals.push(approval);
    }
    let sealed = json!({"disclosure": "sealed"});
    assert_eq!(server.client.disclose(&approvals[301], &sealed).0, 200);
    let shown = server.client.verification(&approvals[302]).json();
    let indexes: Vec<u64> = approvals
        .iter()
        .map(|approval| server.client.append(approval).index())
        .collect();
    let checkpoint = server.client.checkpoint();

    // Not while it runs.
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(server.stop(), Some(0));
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("303 entries"), "{said}");
    cluster.assert_clean();

    // The directory is no log any more, whoever asks.
    let Err(said) = log.serve_with(&[]) else {
        panic!("the old log starts");
    };
    assert!(said.contains("has left"), "{said}");
    let (data, to) = (
        log.data().display().to_string(),
        log.path("../copy").display().to_string(),
    );
    for args in [
        &["export", "--data", &data, "--to", &to][..],
        &["token", "list", "--data", &data],
        &["init", "--data", &data, "--origin", "log.example/other"],
    ] {
        assert_eq!(log.run(args).status.code(), Some(2), "{args:?}");
    }
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("left already"), "{said}");
    // Nor if somebody brings the database back.
    fs::copy(log.path("log.sqlite.moved"), log.path("log.sqlite")).unwrap();
    assert!(log.serve_with(&[]).is_err());

    let first = member(&cluster);
    assert_eq!(first.client.checkpoint(), checkpoint);
    for (approval, index) in approvals.iter().zip(&indexes) {
        let repeat = first.client.append(approval);
        assert_eq!((repeat.status, repeat.index()), (200, *index));
    }
    assert_verified(
        &cluster,
        &approvals[7],
        &first.client.append(&approvals[7]).text(),
    );
    let same = first.client.verification(&approvals[302]).json();
    assert_eq!(same["evidence"], shown["evidence"]);
    let hidden = first.client.verification(&approvals[301]).json();
    assert!(hidden.get("evidence").is_none());
    for number in 400..410 {
        let approval = Approval::new(number);
        let appended = first.client.append(&approval);
        assert_eq!(appended.status, 201, "{}", appended.text());
        assert_verified(&cluster, &approval, &appended.text());
        approvals.push(approval);
    }
    let second = member(&cluster);
    until("it follows", || is_found(&second, &approvals[310]));
    assert!(leads(&first) && !leads(&second));
    assert_eq!((first.stop(), second.stop()), (Some(0), Some(0)));
    cluster.assert_clean();

    let back = log.copy();
    let (data, to) = (
        cluster.data().display().to_string(),
        back.data().display().to_string(),
    );
    cluster.succeed(&["export", "--data", &data, "--to", &to]);
    fs::copy(cluster.path("log.key"), back.path("log.key")).unwrap();
    back.assert_clean();
    // What OPERATIONS says, so that no member goes on.
    let address = cluster.variable("COSIGNET_LOG_STORE");
    let database = address.rsplit('/').next().unwrap();
    let end = format!(
        "UPDATE cosignet_log.head SET frozen = 'moved back to a directory' WHERE log_id = \
         (SELECT log_id FROM cosignet_log.log WHERE origin = '{LOG}')"
    );
    Cluster::shared().unwrap().sql(database, &end);
    let late = member(&cluster);
    let ready = late.client.get("/readyz");
    assert_eq!((ready.status, ready.code().as_str()), (503, "log.frozen"));
    assert!(!leads(&late));
    drop(late);
    let server = back.serve();
    for (index, approval) in (0..).zip(&approvals).skip(303) {
        let repeat = server.client.append(approval);
        assert_eq!((repeat.status, repeat.index()), (200, index));
    }
    for (approval, index) in approvals.iter().zip(&indexes).step_by(50) {
        let repeat = server.client.append(approval);
        assert_eq!((repeat.status, repeat.index()), (200, *index));
        assert_verified(&back, approval, &repeat.text());
    }
    let more = server.client.append(&Approval::new(500));
    assert_eq!((more.status, more.index()), (201, 313));
    assert_eq!(server.stop(), Some(0));
    back.assert_clean();
}

#[test]
fn what_is_committed_and_not_published_moves_too() {
    let log = Log::new();
    let Some(cluster) = member_of(&log) else {
        return;
    };
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    drop(server);
    let server = log.serve_until("after-commit");
    let late = Approval::new(2);
    assert!(server.client.try_append(&late).is_err());
    server.wait();
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(0), "{said}");
    cluster.assert_clean();
    let first = member(&cluster);
    assert_eq!(tree(&first.client.checkpoint()).0, 2);
    let repeat = first.client.append(&late);
    assert_eq!((repeat.status, repeat.index()), (200, 1));
    assert_eq!(first.stop(), Some(0));
    cluster.assert_clean();
}

/// Wherever it was killed, there is one log, and the next run goes on.
#[test]
fn an_import_that_was_interrupted_is_repeated() {
    for (place, has_left) in [
        ("after-arrival:1", false),
        ("after-arrival:3", false),
        ("before-mark", false),
        ("after-mark", true),
        ("after-move", true),
    ] {
        let log = Log::new();
        let Some(mut cluster) = member_of(&log) else {
            return;
        };
        let mut approvals: Vec<_> = (1..=3).map(Approval::new).collect();
        fill(&log, &approvals);
        cluster.set(&[("COSIGNET_LOG_FAILPOINT", place)]);
        assert_eq!(import(&log, &cluster).0, None, "{place}");
        cluster.set(&[("COSIGNET_LOG_FAILPOINT", "")]);
        match log.serve_with(&[]) {
            Ok(server) => {
                assert!(!has_left, "{place}");
                // It went on, and the database has no log yet.
                approvals.push(Approval::new(4));
                assert_eq!(server.client.append(&approvals[3]).status, 201);
                assert_eq!(server.stop(), Some(0));
                let data = cluster.data().display().to_string();
                let list = cluster.run(&["token", "list", "--data", &data]);
                assert_eq!(list.status.code(), Some(2), "{place}");
            }
            Err(said) => assert!(has_left && said.contains("has left"), "{place}: {said}"),
        }
        let (code, said) = import(&log, &cluster);
        assert_eq!(code, Some(0), "{place}: {said}");
        assert!(log.serve_with(&[]).is_err());
        cluster.assert_clean();
        let first = member(&cluster);
        for (index, approval) in (0..).zip(&approvals) {
            let repeat = first.client.append(approval);
            assert_eq!((repeat.status, repeat.index()), (200, index));
        }
        assert_eq!(first.client.append(&Approval::new(9)).status, 201);
    }
}

#[test]
fn a_log_that_is_damaged_or_not_alone_stays_where_it_is() {
    let log = Log::new();
    let Some(cluster) = member_of(&log) else {
        return;
    };
    let approval = Approval::new(1);
    fill(&log, std::slice::from_ref(&approval));
    let tile = log.path("public/tile/entries/000.p/1");
    flip(&tile);
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing was moved"), "{said}");
    flip(&tile);
    // A place of public files that has more of this log than the directory.
    let elsewhere = log.path("../elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("checkpoint"), log.signed(7)).unwrap();
    let (from, data, place) = (
        log.data().display().to_string(),
        cluster.data().display().to_string(),
        elsewhere.display().to_string(),
    );
    let ahead = [
        "import",
        "--from",
        &from,
        "--data",
        &data,
        "--objects",
        &place,
    ];
    assert_eq!(cluster.run(&ahead).status.code(), Some(1));
    // Another log of this name.
    let other = Log::in_database(cluster.variable("COSIGNET_LOG_STORE"));
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(2), "{said}");
    drop(other);
    let server = log.serve();
    assert_eq!(server.client.append(&approval).status, 200);
}

/// With everything that a cluster has: a place for public files, and an erasure key.
#[test]
fn public_files_move_along_and_evidence_is_sealed_on_the_way() {
    let log = Log::new();
    let Some(mut cluster) = member_of(&log) else {
        return;
    };
    let approval = public(1);
    fill(&log, std::slice::from_ref(&approval));
    let twin = log.copy();
    copy(&log.data(), &twin.data());
    let key = log.path("../erasure.key").display().to_string();
    let id = log.succeed(&["erasure-key", "create", &key]);
    let place = log.path("../elsewhere").display().to_string();
    cluster.set(&[
        ("COSIGNET_LOG_OBJECTS", &place),
        ("COSIGNET_LOG_ERASURE_KEYS", &key),
    ]);
    let (code, said) = import(&log, &cluster);
    assert_eq!(code, Some(0), "{said}");
    assert!(!cluster.path("public").exists());
    // A copy of the directory that somebody kept is the same log, and knows nothing of that.
    let (code, said) = import(&twin, &cluster);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("was not on its way"), "{said}");
    cluster.assert_clean();
    let data = cluster.data().display().to_string();
    let status = cluster.succeed(&["erasure-key", "status", "--data", &data]);
    assert!(status.contains(&format!("{id}: 1 entries")), "{status}");
    assert!(status.contains("plain: 0 entries"), "{status}");
    let first = member(&cluster);
    assert!(first.client.verification(&approval).json()["evidence"]["payload"].is_string());
    assert_eq!(first.client.append(&Approval::new(2)).status, 201);
}
