//! Rollback, foreign keys, holes, flipped bits, full disks: refused with a sentence that says what
//! to do, and found by `fsck`.

use std::fs;
use std::path::Path;

use serde_json::json;
use test_vectors::Server;
use test_vectors::encoding::{b64, sha256};
use test_vectors::note::{NoteKey, note};

use crate::harness::{Approval, Log, flip, time, tree};

/// How long an append waits for its publication.
const SHORT_WAIT: [(&str, &str); 1] = [("COSIGNET_LOG_PUBLISH_WAIT_SECONDS", "1")];

/// A log with `entries` entries, not running.
fn log(entries: u32) -> Log {
    let log = Log::new();
    let server = log.serve();
    for number in 1..=entries {
        assert_eq!(server.client.append(&Approval::new(number)).status, 201);
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    log
}

fn refused(log: &Log, because: &str) {
    let said = log
        .serve_with(&[])
        .err()
        .expect("the server must not start");
    assert!(said.contains(because), "{said}");
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

#[test]
fn damage_is_refused_at_the_start_and_found_by_fsck() {
    type Damage = fn(&Log);
    let cases: [(Damage, &str); 7] = [
        (
            |log| flip(&log.path("public/tile/entries/000.p/3")),
            "tile/entries/000.p/3",
        ),
        (|log| flip(&log.path("public/tile/0/000.p/3")), "right edge"),
        (
            |log| fs::remove_file(log.path("public/tile/0/000.p/3")).unwrap(),
            "tile/0/000.p/3 is damaged: it is missing",
        ),
        (
            |log| flip(&log.path("public/checkpoint")),
            "public checkpoint",
        ),
        (
            |log| fs::remove_file(log.path("public/checkpoint")).unwrap(),
            "must not be lost",
        ),
        (
            |log| {
                let other = Log::new();
                fs::copy(other.path("log.key"), log.path("log.key")).unwrap();
            },
            "is not signed by the key",
        ),
        (
            |log| fs::write(log.path("log.key"), "PRIVATE+KEY+x\n").unwrap(),
            "is not a key file of this log",
        ),
    ];
    for (damage, because) in cases {
        let log = log(3);
        damage(&log);
        refused(&log, because);
        let (code, report) = log.fsck();
        assert_eq!(code, Some(1), "{because}: {report}");
    }
}

#[test]
fn fsck_finds_damage_below_the_edge() {
    let log = log(260);
    assert!(
        !log.path("public/tile/0/000.p").exists(),
        "partial tiles are collected"
    );
    assert_eq!(mode(&log.path("log.key")), 0o600);
    assert_eq!(mode(&log.path("log.sqlite")), 0o600);
    let good = log.path("public/tile");
    let backup = log.data().with_file_name("backup");
    copy(&good, &backup);
    for tile in ["entries/000", "0/000", "1/000.p/1", "entries/001.p/4"] {
        flip(&good.join(tile));
        let (code, report) = log.fsck();
        assert_eq!(code, Some(1), "{tile}: {report}");
        fs::remove_file(good.join(tile)).unwrap();
        assert_eq!(log.fsck().0, Some(1), "{tile} missing");
        copy(&backup, &good);
        log.assert_clean();
    }
}

#[test]
fn partial_tiles_that_a_crash_left_are_collected_at_the_start() {
    let log = log(260);
    let left = log.path("public/tile/0/000.p");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("9"), b"").unwrap();
    let server = log.serve();
    assert!(!left.exists());
    // Whoever still asks for one gets the beginning of the full tile.
    let full = server.client.get("/tile/0/000").bytes;
    let partial = server.client.get("/tile/0/000.p/9");
    assert_eq!((partial.status, &partial.bytes[..]), (200, &full[..9 * 32]));
    let full = server.client.get("/tile/entries/000").bytes;
    let partial = server.client.get("/tile/entries/000.p/9");
    assert!(full.starts_with(&partial.bytes));
    assert_eq!(
        verifier_core::hazmat::tlog::tile::entries(&partial.bytes)
            .unwrap()
            .len(),
        9
    );
}

#[test]
fn fsck_finds_wrong_claims_and_evidence() {
    for sql in [
        "DELETE FROM approval WHERE leaf = 1",
        "DELETE FROM evidence WHERE leaf = 1",
        "INSERT INTO approval VALUES (zeroblob(32), 1)",
        "INSERT INTO assertion VALUES (zeroblob(32), 0)",
        "UPDATE evidence SET approval_id = 'x' WHERE leaf = 1",
        "UPDATE evidence SET client_data_json = x'00' WHERE leaf = 1",
        "UPDATE evidence SET payload = x'00', disclosure = 2 WHERE leaf = 1",
        "UPDATE evidence SET action = 'pay' WHERE leaf = 1",
        "UPDATE evidence SET disclosure = 2 WHERE leaf = 1",
        "DELETE FROM assertion WHERE leaf = 1",
        "UPDATE approval SET leaf = 7 WHERE leaf = 1",
        "UPDATE assertion SET hash = zeroblob(32) WHERE leaf = 1",
        "UPDATE head SET size = 2",
        // Rows of entries that do not exist, and what no signature vouches for.
        "INSERT INTO approval VALUES (zeroblob(32), 3)",
        "INSERT INTO assertion VALUES (zeroblob(32), 5000)",
        "INSERT INTO approval VALUES (zeroblob(32), -1)",
        "INSERT INTO staged VALUES (3, 'evil')",
        "INSERT INTO evidence (leaf, disclosure) VALUES (4, 0)",
        "INSERT INTO erasure (leaf) VALUES (3)",
        "UPDATE staged SET text = 'evil' WHERE leaf = (SELECT max(leaf) FROM staged)",
        "UPDATE evidence SET blind = zeroblob(32) WHERE leaf = 2",
        "UPDATE evidence SET disclosure = 7 WHERE leaf = 2",
        "UPDATE evidence_checksum SET sha256 = zeroblob(32) WHERE leaf = 0",
        "UPDATE token SET rights = 'append'",
        "UPDATE token SET hash = zeroblob(32)",
        "UPDATE token SET revoked = 'never'",
        "DELETE FROM token_checksum",
    ] {
        let log = log(3);
        let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
        assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
        drop(database);
        let (code, report) = log.fsck();
        assert_eq!(code, Some(1), "{sql}: {report}");
    }
}

#[test]
fn fsck_finds_a_schema_that_is_not_its_own() {
    let log = log(3);
    let good = fs::read(log.path("log.sqlite")).unwrap();
    for sql in [
        "CREATE TABLE more (x)",
        "CREATE INDEX more ON approval (leaf)",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER more AFTER INSERT ON staged BEGIN DELETE FROM staged; END",
        "ALTER TABLE staged ADD COLUMN more TEXT",
        "DROP TABLE erasure",
        "PRAGMA user_version = 7",
        "DELETE FROM head",
    ] {
        let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        let (code, report) = log.fsck();
        assert_eq!(code, Some(1), "{sql}: {report}");
        for more in ["log.sqlite-wal", "log.sqlite-shm"] {
            let _ = fs::remove_file(log.path(more));
        }
        fs::write(log.path("log.sqlite"), &good).unwrap();
    }
    log.assert_clean();
}

#[test]
fn fsck_finds_files_that_no_tree_accounts_for() {
    let log = log(3);
    for path in [
        "tile/0/000.p/2",
        "tile/entries/000.p/1",
        "tile/0/000.p/4",
        "tile/0/001",
        "tile/0/strange",
        "anchors/7/checkpoint",
        "anchors/index.html",
    ] {
        let path = log.path("public").join(path);
        let before = fs::read(&path).ok();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match &before {
            Some(_) => flip(&path),
            None => fs::write(&path, b"x").unwrap(),
        }
        let (code, report) = log.fsck();
        assert_eq!(code, Some(1), "{}: {report}", path.display());
        match before {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    // What a crash leaves in the middle of writing is no damage.
    fs::write(log.path("public/tile/0/000.p/3.new"), b"half").unwrap();
    fs::remove_dir_all(log.path("public/anchors")).unwrap();
    log.assert_clean();
}

#[test]
fn a_database_of_the_first_version_gets_its_checksums() {
    let log = log(3);
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    let old = "DROP TABLE evidence_checksum; DROP TABLE token_checksum; DROP TABLE erasure; \
               ALTER TABLE evidence DROP COLUMN refusal; \
               ALTER TABLE evidence DROP COLUMN context; ALTER TABLE head DROP COLUMN closed; \
               ALTER TABLE head DROP COLUMN successor; PRAGMA user_version = 1;";
    database.execute_batch(old).unwrap();
    drop(database);
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(4)).status, 201);
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

/// What is damaged before the upgrade is not sound behind it.
#[test]
fn a_database_of_the_second_version_gets_two_columns_and_hides_no_damage() {
    let log = log(3);
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    // The checksums of rows that are shorter by two columns without a value.
    let old = "ALTER TABLE evidence DROP COLUMN refusal; \
               ALTER TABLE evidence DROP COLUMN context; ALTER TABLE head DROP COLUMN closed; \
               ALTER TABLE head DROP COLUMN successor; PRAGMA user_version = 2;";
    database.execute_batch(old).unwrap();
    let mut rows = database.prepare("SELECT * FROM evidence").unwrap();
    let sums: Vec<(i64, Vec<u8>)> = rows
        .query_map([], |row| {
            let mut text = Vec::new();
            for column in 0..9 {
                match row.get_ref(column)? {
                    rusqlite::types::ValueRef::Null => text.push(0),
                    rusqlite::types::ValueRef::Integer(number) => {
                        text.push(1);
                        text.extend(number.to_be_bytes());
                    }
                    rusqlite::types::ValueRef::Text(bytes) => long(&mut text, 2, bytes),
                    rusqlite::types::ValueRef::Blob(bytes) => long(&mut text, 3, bytes),
                    rusqlite::types::ValueRef::Real(_) => panic!("no such column"),
                }
            }
            Ok((row.get(0)?, sha256(&text).to_vec()))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    drop(rows);
    for (leaf, sum) in &sums {
        let sum: &[u8] = if *leaf == 1 { &[0; 32] } else { sum };
        let sql = "UPDATE evidence_checksum SET sha256 = ?2 WHERE leaf = ?1";
        database.execute(sql, rusqlite::params![leaf, sum]).unwrap();
    }
    drop(database);
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(4)).status, 201);
    assert_eq!(server.stop(), Some(0));
    let (code, report) = log.fsck();
    assert_eq!(code, Some(1), "{report}");
    let found = report.to_string();
    assert_eq!(found.matches("what was written").count(), 1, "{found}");
}

fn long(text: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    text.push(kind);
    text.extend(u64::try_from(bytes.len()).unwrap().to_be_bytes());
    text.extend(bytes);
}

/// Rows where the next entry belongs: no start, and a reason.
#[test]
fn a_place_that_is_taken_is_noticed_at_the_start() {
    for sql in [
        "INSERT INTO staged VALUES (3, 'evil')",
        "INSERT INTO evidence (leaf, disclosure) VALUES (4, 0)",
    ] {
        let log = log(3);
        let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        refused(&log, "beyond the committed head");
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_trouble_of_its_own_requests_alone() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let first_entry = Approval::new(1);
    assert_eq!(client.append(&first_entry).status, 201);
    for number in 2..=300 {
        assert_eq!(client.append(&Approval::new(number)).status, 201);
    }
    let bundle = log.path("public/tile/entries/000");
    let good = fs::read(&bundle).unwrap();
    let orphan = Approval::new(900);
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    let hash = sha256(orphan.draft.approval_id.as_bytes());
    let sql = "INSERT INTO approval VALUES (?1, 5000)";
    database.execute(sql, [&hash[..]]).unwrap();
    drop(database);
    for (round, lost) in [None, Some(b"x".to_vec()), Some(flipped(&good))]
        .into_iter()
        .enumerate()
    {
        match &lost {
            None => fs::remove_file(&bundle).unwrap(),
            Some(bytes) => fs::write(&bundle, bytes).unwrap(),
        }
        std::thread::scope(|scope| {
            let repeats = [&first_entry, &orphan].map(|approval| {
                let client = client.clone();
                scope.spawn(move || {
                    for _ in 0..10 {
                        let reply = client.append(approval);
                        assert_eq!((reply.status, reply.code().as_str()), (503, "log.error"));
                    }
                })
            });
            let first = 1000 * (1 + u32::try_from(round).unwrap());
            for number in first..first + 30 {
                assert_eq!(client.append(&Approval::new(number)).status, 201);
            }
            for repeat in repeats {
                repeat.join().unwrap();
            }
        });
        // Look-ups as well, and the name of the file is said.
        assert_eq!(client.verification(&Approval::new(1)).status, 503);
        assert_eq!(client.verification(&Approval::new(299)).status, 200);
        let ready = client.get("/readyz");
        assert_eq!(
            (ready.status, ready.code().as_str()),
            (503, "log.damaged"),
            "{lost:?}"
        );
        assert!(
            ready.text().contains("tile/entries/000"),
            "{}",
            ready.text()
        );
        fs::write(&bundle, &good).unwrap();
        assert_eq!(client.get("/readyz").status, 200);
        assert_eq!(client.append(&first_entry).status, 200);
    }
}

/// Another character in the first entry, which stays well formed.
fn flipped(bundle: &[u8]) -> Vec<u8> {
    let mut bundle = bundle.to_vec();
    let at = bundle
        .windows(13)
        .position(|text| text == b"\"signature\":\"")
        .unwrap();
    bundle[at + 30] = if bundle[at + 30] == b'A' { b'B' } else { b'A' };
    bundle
}

#[test]
fn fsck_of_nothing_is_no_clean_log() {
    let log = Log::new();
    for nothing in ["/nonexistent", "http://127.0.0.1:1"] {
        assert_eq!(log.fsck_of(&[nothing]).0, Some(5), "{nothing}");
    }
}

#[test]
fn fsck_over_http_finds_what_everybody_can_see() {
    let log = log(260);
    let server = log.serve();
    let url = server.client.url.clone();
    let known = [url.as_str(), "--vkey", &log.vkey];
    let (code, report) = log.fsck_of(&known);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["size"], 260);
    // Who names no key is told which one the log says it has.
    let output = log.run(&["fsck", &url]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&log.vkey), "{said}");
    let other = Log::new().vkey;
    assert_eq!(log.fsck_of(&[&url, "--vkey", &other]).0, Some(1));
    assert_eq!(log.fsck_of(&[&url, "--vkey", "x"]).0, Some(2));
    for tile in ["entries/000", "0/000", "1/000.p/1", "entries/001.p/4"] {
        let path = log.path("public/tile").join(tile);
        flip(&path);
        let (code, report) = log.fsck_of(&known);
        assert_eq!(code, Some(1), "{tile}: {report}");
        flip(&path);
    }
    assert_eq!(log.fsck_of(&known).0, Some(0));
    // More than the caller allows for is not called clean.
    let few = [&known[..], &["--max-entries", "256"]].concat();
    let (code, report) = log.fsck_of(&few);
    assert_eq!(
        (code, report["clean"].as_bool()),
        (Some(5), Some(false)),
        "{report}"
    );
    assert_eq!(
        log.fsck_of(&[&known[..], &["--max-seconds", "0"]].concat())
            .0,
        Some(5)
    );
}

#[test]
fn fsck_reads_nothing_on_the_word_of_a_head_alone() {
    let log = log(1);
    let server = Server::start();
    let key = NoteKey::new("endless.example/log", 1, [7; 32]);
    let text = format!("endless.example/log\n{}\n{}\n", 1_u64 << 40, b64(&[7; 32]));
    let head = note(&text, &[key.line(&text, 0)]);
    server.set("checkpoint", head);
    let (code, report) = log.fsck_of(&[&server.url(), "--vkey", &key.vkey()]);
    assert_eq!(code, Some(1), "{report}");
    assert!(server.received().len() < 10, "it asks on and on");
}

#[test]
fn a_database_that_was_rolled_back_is_refused() {
    let log = log(2);
    let backup = log.data().with_file_name("backup.sqlite");
    fs::copy(log.path("log.sqlite"), &backup).unwrap();
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(3)).status, 201);
    assert_eq!(server.stop(), Some(0));
    for more in ["log.sqlite-wal", "log.sqlite-shm"] {
        let _ = fs::remove_file(log.path(more));
    }
    fs::copy(&backup, log.path("log.sqlite")).unwrap();
    refused(&log, "rolled back");
    assert_eq!(log.fsck().0, Some(1));
}

#[test]
fn a_hole_in_what_was_committed_is_refused() {
    let log = log(1);
    let server = log.serve_until("after-commit");
    assert!(server.client.try_append(&Approval::new(2)).is_err());
    server.wait();
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    database
        .execute("DELETE FROM staged WHERE leaf = 1", [])
        .unwrap();
    drop(database);
    refused(&log, "restore a backup");
    assert_eq!(log.fsck().0, Some(1));
}

#[test]
fn a_newer_schema_is_refused() {
    let log = log(1);
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 5).unwrap();
    drop(database);
    refused(&log, "schema 5");
}

#[test]
fn while_nothing_can_be_published_nothing_is_acknowledged_or_appended_twice() {
    let log = log(1);
    let server = log.serve_with(&SHORT_WAIT).unwrap();
    let approval = Approval::new(2);
    // A file where a folder has to be: what a full or read-only disk does, also to root.
    let entries = log.path("public/tile/entries");
    let aside = log.path("aside");
    fs::rename(&entries, &aside).unwrap();
    fs::write(&entries, b"").unwrap();
    for _ in 0..2 {
        let reply = server.client.append(&approval);
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (503, "log.not_published")
        );
    }
    assert_eq!(server.client.verification(&approval).status, 404);
    let ready = server.client.get("/readyz");
    assert_eq!(
        (ready.status, ready.code().as_str()),
        (503, "log.not_published")
    );
    assert_eq!(tree(&server.client.checkpoint()).0, 1);
    fs::remove_file(&entries).unwrap();
    fs::rename(&aside, &entries).unwrap();
    let mut reply = server.client.append(&approval);
    for _ in 0..50 {
        if reply.status == 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        reply = server.client.append(&approval);
    }
    assert_eq!((reply.status, reply.index()), (200, 1));
    assert_eq!(tree(&server.client.checkpoint()).0, 2);
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn the_public_checkpoint_never_goes_back() {
    let log = log(2);
    let server = log.serve_with(&SHORT_WAIT).unwrap();
    // Somebody else has published more, which the lock should have made impossible.
    let path = log.path("public/checkpoint");
    let ours = fs::read_to_string(&path).unwrap();
    let theirs = ours.replacen("\n2\n", "\n9\n", 1);
    assert_ne!(ours, theirs);
    fs::write(&path, &theirs).unwrap();
    let approval = Approval::new(3);
    assert_eq!(server.client.append(&approval).code(), "log.not_published");
    assert_eq!(server.client.get("/readyz").status, 503);
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    fs::write(&path, &ours).unwrap();
    let mut reply = server.client.append(&approval);
    for _ in 0..50 {
        if reply.status == 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        reply = server.client.append(&approval);
    }
    assert_eq!((reply.status, reply.index()), (200, 2));
}

#[test]
fn a_full_disk_under_the_database_loses_nothing_that_was_acknowledged() {
    let log = log(1);
    // A few pages more than an empty database has.
    let server = log
        .serve_with(&[("COSIGNET_LOG_TEST_PAGES", "16")])
        .unwrap();
    let approvals: Vec<_> = (2..=200).map(Approval::new).collect();
    let mut acknowledged = Vec::new();
    for approval in &approvals {
        let reply = server.client.append(approval);
        match reply.status {
            201 => acknowledged.push((approval, reply.index())),
            status => {
                assert_eq!((status, reply.code().as_str()), (503, "log.error"));
                break;
            }
        }
    }
    assert!(acknowledged.len() < approvals.len(), "the disk got full");
    assert_eq!(
        tree(&server.client.checkpoint()).0,
        1 + u64::try_from(acknowledged.len()).unwrap()
    );
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    let server = log.serve();
    for (approval, index) in acknowledged {
        let reply = server.client.append(approval);
        assert_eq!((reply.status, reply.index()), (200, index));
    }
    assert_eq!(server.client.append(&approvals[198]).status, 201);
}

#[test]
fn a_clock_that_goes_back_breaks_nothing() {
    let log = Log::new();
    let early = Approval::new(1).with("decidedAt", json!(time(3600)));
    let server = log
        .serve_with(&[("COSIGNET_LOG_TEST_CLOCK", "3600000")])
        .unwrap();
    assert_eq!(server.client.append(&early).status, 201);
    drop(server);
    let server = log.serve();
    let repeat = server.client.append(&early);
    assert_eq!((repeat.status, repeat.index()), (200, 0));
    // What the clock says now counts for new entries.
    let late = Approval::new(2).with("decidedAt", json!(time(3600)));
    assert_eq!(server.client.append(&late).code(), "entry.decided_at");
    assert_eq!(server.client.append(&Approval::new(3)).status, 201);
    assert_eq!(tree(&server.client.checkpoint()).0, 2);
    drop(server);
    log.assert_clean();
}

#[test]
fn a_busy_database_delays_and_forks_nothing() {
    let log = log(1);
    let server = log.serve();
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let approval = Approval::new(2);
    let reply = server.client.append(&approval);
    assert_eq!((reply.status, reply.code().as_str()), (503, "log.error"));
    database.execute_batch("ROLLBACK").unwrap();
    let reply = server.client.append(&approval);
    assert_eq!((reply.status, reply.index()), (201, 1));
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}
