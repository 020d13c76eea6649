//! Random damage: `fsck` finds every flipped bit that changes something.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use serde_json::json;

use crate::harness::{Approval, Dice, Log};

/// A log that uses everything: several bundles, all levels of disclosure, tokens, staged leaves.
fn log() -> Log {
    let log = Log::new();
    let data = log.data().display().to_string();
    log.succeed(&["token", "create", "--data", &data, "--name", "second"]);
    log.succeed(&["token", "revoke", "--data", &data, "--name", "second"]);
    let server = log.serve();
    for number in 1..=300 {
        let level = ["sealed", "hash", "public"][usize::try_from(number % 3).unwrap()];
        let approval = Approval::new(number).with("disclosure", json!(level));
        assert_eq!(server.client.append(&approval).status, 201);
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    log
}

/// Everything that the database says, as far as it can be read.
fn content(path: &Path) -> rusqlite::Result<Vec<Vec<Value>>> {
    let database =
        rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut all = Vec::new();
    let version = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    all.push(vec![Value::Integer(version)]);
    for table in [
        "sqlite_schema",
        "head",
        "approval",
        "assertion",
        "staged",
        "evidence",
        "evidence_checksum",
        "token",
        "token_checksum",
        "erasure",
    ] {
        // Where its root page is says nothing.
        let columns = match table {
            "sqlite_schema" => "type, name, tbl_name, sql",
            _ => "*",
        };
        let mut rows = database.prepare(&format!("SELECT {columns} FROM {table}"))?;
        let columns = rows.column_count();
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| row.get(column));
            all.push(values.collect::<rusqlite::Result<_>>()?);
        }
    }
    Ok(all)
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        match path.is_dir() {
            true => files(&path, into),
            false => into.push(path),
        }
    }
}

/// Flips so many bits, one at a time.
fn campaign(flips: u32) {
    let mut dice = Dice::new();
    let log = log();
    let database = log.path("log.sqlite");
    let before = content(&database).unwrap();
    let mut paths = vec![database.clone(), log.path("log.key")];
    files(&log.path("public"), &mut paths);
    let (mut found, mut harmless) = (0, 0);
    for number in 0..flips {
        let path = match number % 2 {
            0 => &database,
            _ => &paths[dice.index(paths.len())],
        };
        let good = fs::read(path).unwrap();
        let mut bad = good.clone();
        let (at, bit) = (dice.index(bad.len()), dice.below(8));
        bad[at] ^= 1 << bit;
        fs::write(path, &bad).unwrap();
        let matters = *path != database || content(path).ok().as_ref() != Some(&before);
        let (code, report) = log.fsck();
        let name = path.strip_prefix(log.data()).unwrap().display();
        match (matters, code) {
            (_, Some(1)) => found += 1,
            (false, Some(0)) => harmless += 1,
            _ => panic!("bit {bit} of byte {at} of {name}: {code:?} {report}"),
        }
        fs::write(path, &good).unwrap();
        for more in ["log.sqlite-wal", "log.sqlite-shm"] {
            let _ = fs::remove_file(log.path(more));
        }
    }
    println!("{flips} flips, {found} found, {harmless} in free room of the database");
    assert!(found > flips / 2);
    log.assert_clean();
}

#[test]
fn every_flip_that_matters_is_found() {
    campaign(60);
}

#[test]
#[ignore = "minutes: cargo xtask campaign"]
fn every_flip_of_two_thousand_is_found() {
    campaign(2000);
}
