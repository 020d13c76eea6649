//! Members of a log whose database, bucket or witnesses fail: nothing that was answered is lost,
//! nothing that was shown is taken back, and a database that went back is never built on.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use postgres_cluster::proxy::Upload;
use postgres_cluster::{Cluster, Proxy, Trio};
use serde_json::json;
use test_vectors::weed::Weed;

use crate::cosigning::policy;
use crate::harness::{Approval, Log, Reply, Server, tree};
use crate::members::{TAKE_OVER, assert_verified, is_found, leads, member, member_with, until};
use crate::witness::{Fake, Manner};

/// A database, and how it was.
struct Snapshot<'c> {
    cluster: &'c Cluster,
    database: String,
}

impl<'c> Snapshot<'c> {
    /// While nobody is connected.
    fn of(cluster: &'c Cluster, database: &str) -> Self {
        let copy = format!("CREATE DATABASE {database}_before TEMPLATE {database} OWNER log");
        until("nobody is connected", || {
            cluster.try_sql("postgres", &copy).is_some()
        });
        Self {
            cluster,
            database: database.into(),
        }
    }

    /// Brings it back, whoever is connected.
    fn restore(self) {
        let (cluster, name) = (self.cluster, self.database);
        cluster.sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
        let rename = format!("ALTER DATABASE {name}_before RENAME TO {name}");
        cluster.sql("postgres", &rename);
    }
}

/// The heads that are kept outside the database.
fn heads(log: &Log) -> BTreeMap<String, String> {
    let folder = fs::read_dir(log.path("public/heads")).unwrap();
    let each = folder.map(|file| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        (name, fs::read_to_string(file.path()).unwrap())
    });
    each.collect()
}

/// Nobody leads, nothing is appended, no checkpoint is shown, and everybody hears why.
fn assert_frozen(member: &Server, why: &str) {
    let client = &member.client;
    let asked: [&dyn Fn() -> Reply; 3] = [
        &|| client.get("/readyz"),
        &|| client.append(&Approval::new(99)),
        &|| client.get("/checkpoint"),
    ];
    for ask in asked {
        // Its sessions may be those of another server at first.
        until("it is frozen", || ask().code() == "log.frozen");
        let reply = ask();
        assert_eq!((reply.status, reply.code()), (503, "log.frozen".into()));
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{detail}");
        assert!(detail.contains("OPERATIONS"), "{detail}");
    }
    let metrics = client.get("/metrics").text();
    for line in ["cosignet_log_frozen 1", "cosignet_log_leading 0"] {
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    }
}

/// Waits until a member leads no more: its exit code, or `None` if it stays and says why.
fn frozen_or_ended(member: &mut Server) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(code) = member.ended() {
            return Some(code);
        }
        let metrics = member.client.send("GET", "/metrics", &[], b"");
        if metrics.is_ok_and(|reply| reply.text().contains("\ncosignet_log_frozen 1\n")) {
            assert_frozen(member, "the database went back");
            return None;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn members_go_on_at_the_standby_that_has_everything() {
    let Some(mut trio) = Trio::start() else {
        return;
    };
    let log = Log::in_database(trio.address(&trio.primary().database()));
    let first = member(&log);
    let second = member(&log);
    until("it follows", || second.client.get("/readyz").status == 200);
    // One of the standbys has nothing of it.
    trio.pause(1);
    let approvals: Vec<_> = (1..=6).map(Approval::new).collect();
    for approval in &approvals[..5] {
        assert_eq!(second.client.append(approval).status, 201);
    }
    trio.cut_off(1);
    trio.kill_primary();
    trio.resume(1);
    let begun = Instant::now();
    let next = trio.most_advanced();
    assert_eq!(next, 2);
    trio.promote(next, true);
    // A reign ends with its server.
    assert_eq!(first.wait(), Some(5));
    until("the other one leads", || leads(&second));
    let reply = second.client.append(&approvals[5]);
    assert_eq!((reply.status, reply.index()), (201, 5), "{}", reply.text());
    assert!(begun.elapsed() < 2 * TAKE_OVER, "{:?}", begun.elapsed());
    let first = member(&log);
    for approval in &approvals {
        let repeat = first.client.append(approval);
        assert_eq!(repeat.status, 200);
        assert_verified(&log, approval, &repeat.text());
    }
    log.assert_clean();
}

/// The one that leads stands still, another one takes over and publishes, then the servers that have
/// that are lost, and the operator promotes the one that has not.
#[test]
fn a_standby_that_lags_is_frozen_and_never_forks_the_log() {
    let Some(mut trio) = Trio::start() else {
        return;
    };
    let log = Log::in_database(trio.address(&trio.primary().database()));
    let (first, second, third) = (member(&log), member(&log), member(&log));
    until("they follow", || {
        [&second, &third]
            .iter()
            .all(|member| member.client.get("/readyz").status == 200)
    });
    let approvals: Vec<_> = (1..=3).map(Approval::new).collect();
    assert_eq!(first.client.append(&approvals[0]).status, 201);
    trio.pause(1);
    first.signal("-STOP");
    assert_eq!(second.client.append(&approvals[1]).status, 201);
    until("it is shown", || tree(&third.client.checkpoint()).0 == 2);
    let before = heads(&log);
    assert!(before.contains_key("00000000000000000002"));
    trio.cut_off(1);
    trio.kill_primary();
    trio.kill_standby(2);
    trio.promote(1, false);
    first.signal("-CONT");
    // Whoever led is led no more, at whichever server.
    let ends = [first, second, third].map(|mut member| frozen_or_ended(&mut member));
    // The one that was asleep has led, and so has one of the others; what follows stays.
    assert_eq!(ends[0], Some(5));
    assert!(ends[1..].contains(&Some(5)), "{ends:?}");
    let other = |end: &Option<i32>| matches!(end, None | Some(1) | Some(5));
    assert!(ends.iter().all(other), "{ends:?}");
    // Also after every start.
    for _ in 0..2 {
        let member = member(&log);
        assert_frozen(&member, "the database went back");
        // Look-ups go on.
        assert!(is_found(&member, &approvals[0]));
        assert_eq!(member.stop(), Some(0));
    }
    assert_eq!(heads(&log), before);
    let (code, report) = log.fsck();
    assert_eq!(code, Some(1));
    assert!(
        report["damage"].to_string().contains("is frozen"),
        "{report}"
    );
}

#[test]
fn a_database_behind_the_heads_outside_it_is_frozen() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.database();
    let log = Log::in_database(cluster.address(&database));
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    assert_eq!(server.stop(), Some(0));
    let snapshot = Snapshot::of(cluster, &database);
    // It dies before anybody but the folder has seen the head.
    let server = log.serve_until("before-checkpoint");
    assert!(server.client.try_append(&Approval::new(2)).is_err());
    server.wait();
    snapshot.restore();
    let before = heads(&log);
    let (one, other) = (member(&log), member(&log));
    for member in [&one, &other] {
        assert_frozen(member, "heads/00000000000000000002");
    }
    assert_eq!(heads(&log), before);
    // The reason is in the row, for whoever asks the database.
    let reason = cluster.sql(&database, "SELECT frozen FROM cosignet_log.head");
    assert!(
        reason.contains("bring the newest database back"),
        "{reason}"
    );
    let copy = log.copy();
    let (data, to) = (log.data(), copy.data());
    let export = [
        "export",
        "--data",
        data.to_str().unwrap(),
        "--to",
        to.to_str().unwrap(),
    ];
    let refused = log.run(&export);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

/// The files of the log went back together with the database, so it looks sound from inside.
#[test]
fn a_database_behind_its_witnesses_is_frozen_if_they_prove_it() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    for proves in [false, true] {
        let database = cluster.database();
        let log = Log::in_database(cluster.address(&database));
        let witness = Fake::new("w", Manner::Honest);
        policy(&log, &[witness.policy_line()], 1);
        let path = log.path("../log.policy").display().to_string();
        let env = [("COSIGNET_LOG_WITNESS_POLICY", path.as_str())];
        let server = log.serve_with(&env).unwrap();
        assert_eq!(server.client.append(&Approval::new(1)).status, 201);
        assert_eq!(server.stop(), Some(0));
        witness.behave(match proves {
            true => Manner::Knows(log.signed(2)),
            // Anybody can say so.
            false => Manner::Says(409, "text/x.tlog.size", b"2\n".to_vec()),
        });
        // Nothing is signed, whatever the witness is.
        let late = Approval::new(2);
        let server = log.serve_with(&env).unwrap();
        let refused = server.client.try_append(&late);
        assert!(refused.is_err() || refused.is_ok_and(|reply| reply.status == 503));
        if proves {
            assert_frozen(&server, "It shows a checkpoint of 2 entries");
            assert_eq!(server.stop(), Some(0));
        } else {
            // To be started again.
            assert_eq!(server.wait(), Some(5));
        }
        let frozen = cluster.sql(
            &database,
            "SELECT frozen IS NOT NULL FROM cosignet_log.head",
        );
        assert_eq!(frozen, if proves { "t" } else { "f" });
        witness.behave(Manner::Honest);
        if proves {
            let follower = member_with(&log, &env);
            assert_frozen(&follower, "It shows a checkpoint of 2 entries");
        } else {
            let server = member_with(&log, &env);
            until("it leads", || leads(&server));
            assert_eq!(server.client.append(&late).status, 201);
        }
        let kept = heads(&log).len();
        assert_eq!(kept, if proves { 2 } else { 3 });
    }
}

/// A member has shown more than the database has by now, and nothing else remembers.
#[test]
fn a_database_behind_what_a_member_has_shown_is_frozen() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.database();
    let log = Log::in_database(cluster.address(&database));
    let first = member(&log);
    assert_eq!(first.client.append(&Approval::new(1)).status, 201);
    assert_eq!(first.stop(), Some(0));
    let snapshot = Snapshot::of(cluster, &database);
    let (first, second) = (member(&log), member(&log));
    until("it leads", || leads(&first));
    assert_eq!(second.client.append(&Approval::new(2)).status, 201);
    until("it is shown", || tree(&second.client.checkpoint()).0 == 2);
    first.kill();
    fs::remove_file(log.path("public/heads/00000000000000000002")).unwrap();
    fs::remove_file(log.path("public/checkpoint")).unwrap();
    snapshot.restore();
    // Be it that it comes to lead before it looks.
    let mut second = second;
    assert!(matches!(frozen_or_ended(&mut second), None | Some(5)));
    drop(second);
    let third = member(&log);
    assert_frozen(&third, "a member has shown a checkpoint of 2 entries");
    // It was acknowledged, so nobody says that it is not there.
    let id = Approval::new(2).draft.approval_id;
    let path = format!("/public/log/entries/{id}/verification");
    let reply = third.client.get(&path);
    assert_eq!((reply.status, reply.code()), (503, "log.frozen".into()));
    assert!(is_found(&third, &Approval::new(1)));
    // It would be undone by the next database, and an erasure is one of these.
    let changed = third
        .client
        .disclose(&Approval::new(1), &json!({"disclosure": "hash"}));
    assert_eq!(changed, (503, "log.frozen".into()));
}

/// A file is damaged, and whoever comes to lead notices.
#[test]
fn a_member_that_cannot_lead_follows_and_leads_when_it_can() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let log = Log::in_database(cluster.address(&cluster.database()));
    let (first, second) = (member(&log), member(&log));
    until("it leads", || leads(&first));
    assert_eq!(second.client.append(&Approval::new(1)).status, 201);
    let tile = log.path("public/tile/0/000.p/1");
    let sound = fs::read(&tile).unwrap();
    fs::write(&tile, [7; 32]).unwrap();
    assert_eq!(first.stop(), Some(0));
    // Also one that has just started.
    let third = member(&log);
    for member in [&second, &third] {
        let says = || {
            let reply = member.client.get("/readyz");
            (reply.status, reply.code(), reply.text())
        };
        until("it says why", || says().2.contains("This one has tried"));
        let (status, code, text) = says();
        assert_eq!((status, code.as_str()), (503, "log.not_leading"));
        assert!(text.contains("tiles at the right edge"), "{text}");
        assert_eq!(tree(&member.client.checkpoint()).0, 1);
    }
    fs::write(&tile, sound).unwrap();
    until("one leads", || leads(&second) || leads(&third));
    let late = Approval::new(2);
    assert_eq!(second.client.append(&late).status, 201);
    assert_eq!(third.client.append(&late).status, 200);
}

/// A process that stands still at any step, while another one leads, changes nothing when it goes on.
#[test]
fn a_leader_that_stands_still_at_any_step_changes_nothing_afterwards() {
    const STEPS: [&str; 7] = [
        "before-batch",
        "after-batch",
        "after-hand-over",
        "before-tiles",
        "after-tile",
        "before-checkpoint",
        "after-checkpoint",
    ];
    if Cluster::shared().is_none() {
        return;
    }
    std::thread::scope(|scope| {
        for step in STEPS {
            scope.spawn(move || stand_still(step));
        }
    });
}

fn stand_still(step: &str) {
    let cluster = Cluster::shared().unwrap();
    let log = Log::in_database(cluster.address(&cluster.database()));
    let first = member_with(&log, &[("COSIGNET_LOG_FREEZE", step)]);
    let second = member(&log);
    let (early, late) = (Approval::new(1), Approval::new(2));
    let asked = std::thread::spawn({
        let (client, early) = (first.client.clone(), early.clone());
        move || client.try_append(&early)
    });
    until(step, || first.is_stopped());
    let reply = second.client.append(&late);
    assert_eq!(reply.status, 201, "{step}: {}", reply.text());
    let shown = second.client.checkpoint();
    first.signal("-CONT");
    assert_eq!(first.wait(), Some(5), "{step}");
    assert_eq!(second.client.checkpoint(), shown, "{step}");
    let reply_of_first = asked.join().unwrap();
    let repeat = second.client.append(&early);
    assert!(
        matches!(repeat.status, 200 | 201),
        "{step}: {}",
        repeat.text()
    );
    if let Ok(reply) = reply_of_first
        && matches!(reply.status, 200 | 201)
    {
        assert_eq!(
            (repeat.status, repeat.index()),
            (200, reply.index()),
            "{step}"
        );
    }
    assert_eq!(tree(&second.client.checkpoint()).0, 2, "{step}");
    assert_eq!(second.client.append(&late).status, 200, "{step}");
    log.assert_clean();
}

#[test]
fn without_its_database_a_log_shows_tiles_and_no_checkpoint() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let log = Log::in_database(cluster.address(&cluster.database()));
    let env = [("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "2")];
    let (first, second) = (member_with(&log, &env), member_with(&log, &env));
    assert_eq!(first.client.append(&Approval::new(1)).status, 201);
    until("it is shown", || is_found(&second, &Approval::new(1)));
    cluster.kill();
    for member in [&first, &second] {
        until("it is not ready", || {
            member.client.get("/readyz").status == 503
        });
        assert_eq!(member.client.get("/tile/entries/000.p/1").status, 200);
        assert_eq!(member.client.get("/checkpoint").status, 503);
        let refused = member.client.append(&Approval::new(2));
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert_ne!(refused.code(), "log.frozen");
    }
    let metrics = second.client.get("/metrics").text();
    assert!(metrics.contains("cosignet_log_frozen 0"), "{metrics}");
}

/// A bucket that answers with errors, loses what it has acknowledged, or writes it much later.
#[test]
fn uploads_that_go_wrong_publish_nothing_that_is_not_there() {
    let (Some(cluster), disk) = (Cluster::shared(), tempfile::tempdir().unwrap()) else {
        return;
    };
    let Some(weed) = Weed::start(disk.path()) else {
        return;
    };
    let port = weed.url().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(port);
    let database = cluster.address(&cluster.database());
    let endpoint = format!("http://127.0.0.1:{}", proxy.port);
    let place = "s3://logs/faults";
    let log = Log::kept_in(
        &[
            &Weed::credentials()[..],
            &[
                ("COSIGNET_LOG_STORE", &database),
                ("COSIGNET_LOG_OBJECTS", place),
                ("COSIGNET_LOG_OBJECTS_ENDPOINT", &endpoint),
                ("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "2"),
            ],
        ]
        .concat(),
    );
    let server = member(&log);
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let faults = [Upload::Refused, Upload::Lost, Upload::Late];
    for (number, fault) in (2..).zip(faults) {
        let hits = proxy.hits();
        let before = server.client.checkpoint();
        proxy.uploads(fault);
        let approval = Approval::new(number);
        let refused = server.client.append(&approval);
        let code = refused.code();
        assert_eq!((refused.status, code.as_str()), (503, "log.not_published"));
        assert_eq!(server.client.checkpoint(), before, "{fault:?}");
        assert!(proxy.hits() > hits, "{fault:?}");
        proxy.heal();
        let mut reply = refused;
        until("it is published", || {
            reply = server.client.append(&approval);
            reply.status == 200
        });
        assert_eq!(reply.index(), u64::from(number) - 1);
        assert_verified(&log, &approval, &reply.text());
    }
    // The copy is the newest one again, whatever came late.
    let newest = server.client.checkpoint();
    assert_eq!(server.stop(), Some(0));
    let (code, report) = log.fsck_of(&[place, "--vkey", &log.vkey]);
    assert_eq!((code, &report["size"]), (Some(0), &json!(4)), "{report}");
    assert_eq!(tree(&newest).0, 4);
    log.assert_clean();
}

/// What proves to it that the head extends the one that it knows is read out of the bucket then.
#[test]
fn a_witness_that_is_behind_is_shown_a_proof_out_of_the_bucket() {
    let disk = tempfile::tempdir().unwrap();
    let Some(weed) = Weed::start(disk.path()) else {
        return;
    };
    let url = weed.url();
    let log = Log::kept_in(
        &[
            &Weed::credentials()[..],
            &[
                ("COSIGNET_LOG_OBJECTS", "s3://logs/behind"),
                ("COSIGNET_LOG_OBJECTS_ENDPOINT", &url),
            ],
        ]
        .concat(),
    );
    let witness = Fake::new("w", Manner::Honest);
    let policy = policy(&log, &[witness.policy_line()], 1);
    let path = log.path("../log.policy").display().to_string();
    let env = [("COSIGNET_LOG_WITNESS_POLICY", path.as_str())];
    let mut number = 0;
    for (env, count) in [(&env[..], 3), (&[], 2), (&env[..], 2)] {
        let server = log.serve_with(env).unwrap();
        for _ in 0..count {
            number += 1;
            let approval = Approval::new(number);
            let reply = server.client.append(&approval);
            assert_eq!(reply.status, 201, "{}", reply.text());
            if !env.is_empty() {
                let report = log.audit_under(&policy, &approval, &reply.text());
                assert_eq!(report.verdict().as_str(), "VERIFIED");
            }
        }
        assert_eq!(server.stop(), Some(0));
    }
    assert_eq!(witness.size(), 7);
}
