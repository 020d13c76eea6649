//! The tables, and whether a database has them and nothing else.
//!
//! Version 2 has added `erasure` and the checksums, version 3 the context and the random part of a
//! refusal, version 4 the end of the log. An older database becomes one of version 4 when it is opened
//! to be written.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{checksum, number};
use crate::error::{LogError, Result};

/// The schema version that this program reads and writes.
pub(super) const VERSION: i64 = 4;

const VERSION_1: &str = "
CREATE TABLE head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    checkpoint TEXT NOT NULL
) STRICT;
CREATE TABLE approval (hash BLOB PRIMARY KEY, leaf INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE assertion (hash BLOB PRIMARY KEY, leaf INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE staged (leaf INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE evidence (
    leaf INTEGER PRIMARY KEY,
    disclosure INTEGER NOT NULL,
    approval_id TEXT,
    client_data_json BLOB,
    payload BLOB,
    action TEXT,
    blind BLOB,
    salt BLOB,
    email TEXT
) STRICT;
CREATE TABLE token (
    name TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    rights TEXT NOT NULL,
    created TEXT NOT NULL,
    revoked TEXT
) STRICT;
";

/// Checksums lie beside what they are of, so that a row that is read whole is small. A row of
/// `erasure` stays until what was erased is gone from every file.
const VERSION_2: &str = "
CREATE TABLE evidence_checksum (leaf INTEGER PRIMARY KEY, sha256 BLOB NOT NULL) STRICT;
CREATE TABLE token_checksum (name TEXT PRIMARY KEY, sha256 BLOB NOT NULL) STRICT;
CREATE TABLE erasure (id INTEGER PRIMARY KEY, leaf INTEGER NOT NULL) STRICT;
";

/// In a new database as in an old one, so that both have the same definitions.
const VERSION_3: &str = "
ALTER TABLE evidence ADD COLUMN context TEXT;
ALTER TABLE evidence ADD COLUMN refusal BLOB;
";

/// When the log was closed, and the address of the one that goes on.
const VERSION_4: &str = "
ALTER TABLE head ADD COLUMN closed TEXT;
ALTER TABLE head ADD COLUMN successor TEXT;
";

/// Writes the row of the head.
pub(super) const FIRST_HEAD: &str =
    "INSERT INTO head (only, size, root, checkpoint) VALUES (1, ?1, ?2, ?3)";

/// Makes the tables in an empty database.
pub(super) fn create(connection: &Connection) -> Result<()> {
    connection.execute_batch(VERSION_1)?;
    connection.execute_batch(VERSION_2)?;
    connection.execute_batch(VERSION_3)?;
    connection.execute_batch(VERSION_4)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Fails unless this version can read the database.
pub(super) fn require(connection: &Connection) -> Result<()> {
    match version(connection)? {
        VERSION => Ok(()),
        found => Err(LogError::Usage(format!(
            "the database has schema {found} and this version of cosignet-log knows {VERSION}: \
             run the version that wrote it, or a newer one"
        ))),
    }
}

pub(super) fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings an older database to this version.
pub(super) fn upgrade(connection: &mut Connection) -> Result<()> {
    if !is_older(connection)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    if !is_older(&transaction)? {
        return Ok(());
    }
    match version(&transaction)? {
        1 => {
            tracing::info!("the database gets checksums, once");
            transaction.execute_batch(VERSION_2)?;
            transaction.execute_batch(VERSION_3)?;
            add_checksums(&transaction)?;
        }
        2 => {
            // A row that is not what was written has to stay one after it has got two columns more.
            let damaged = damaged(&transaction)?;
            transaction.execute_batch(VERSION_3)?;
            renew_checksums(&transaction, &damaged)?;
        }
        _ => {}
    }
    transaction.execute_batch(VERSION_4)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

fn is_older(connection: &Connection) -> Result<bool> {
    Ok((1..VERSION).contains(&version(connection)?))
}

/// The checksums of rows that had none before version 2.
fn add_checksums(transaction: &Connection) -> Result<()> {
    let mut rows = transaction.prepare("SELECT * FROM evidence")?;
    let mut rows = rows.query([])?;
    let mut add = transaction.prepare("INSERT INTO evidence_checksum VALUES (?1, ?2)")?;
    while let Some(row) = rows.next()? {
        let leaf: i64 = row.get(0)?;
        add.execute(params![leaf, checksum::of_row(row)?])?;
    }
    let mut rows = transaction.prepare("SELECT * FROM token")?;
    let mut rows = rows.query([])?;
    let mut add = transaction.prepare("INSERT INTO token_checksum VALUES (?1, ?2)")?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        add.execute(params![name, checksum::of_row(row)?])?;
    }
    Ok(())
}

/// The checksums of evidence that version 3 gave more columns, but for these rows, in order.
fn renew_checksums(transaction: &Connection, damaged: &[i64]) -> Result<()> {
    let mut rows = transaction.prepare("SELECT * FROM evidence")?;
    let mut rows = rows.query([])?;
    let sql = "UPDATE evidence_checksum SET sha256 = ?2 WHERE leaf = ?1";
    let mut update = transaction.prepare(sql)?;
    while let Some(row) = rows.next()? {
        let leaf: i64 = row.get(0)?;
        if damaged.binary_search(&leaf).is_err() {
            update.execute(params![leaf, checksum::of_row(row)?])?;
        }
    }
    Ok(())
}

/// The rows of evidence that are not what was written, in order.
fn damaged(transaction: &Connection) -> Result<Vec<i64>> {
    let sql = "SELECT sha256 FROM evidence_checksum WHERE leaf = ?1";
    let mut known = transaction.prepare(sql)?;
    let mut rows = transaction.prepare("SELECT * FROM evidence ORDER BY leaf")?;
    let mut rows = rows.query([])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let leaf: i64 = row.get(0)?;
        let sum: Option<Vec<u8>> = known.query_row([leaf], |row| row.get(0)).optional()?;
        let own = checksum::of_row(row)?;
        if sum.is_none_or(|sum| sum != own) {
            out.push(leaf);
        }
    }
    Ok(out)
}

/// Differences from a database that this version makes: tables, indexes, triggers, views.
pub(super) fn complaints(connection: &Connection) -> Result<Vec<String>> {
    let fresh = Connection::open_in_memory()?;
    create(&fresh)?;
    let expected = objects(&fresh)?;
    let found = objects(connection)?;
    let missing = expected.iter().filter(|one| !found.contains(one));
    let missing = missing.map(|(name, _)| format!("the schema lacks {name}, or has another one"));
    let more = found.iter().filter(|one| !expected.contains(one));
    let more = more.map(|(name, _)| format!("the schema has {name}, which is not of this program"));
    Ok(missing.chain(more).collect())
}

/// The kind, the name and the definition of each.
fn objects(connection: &Connection) -> Result<Vec<(String, Option<String>)>> {
    let sql = "SELECT type || ' ' || name || ' on ' || tbl_name, sql FROM sqlite_schema ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The size of the committed tree, for a statement of a longer transaction.
pub(super) fn size(connection: &Connection) -> Result<u64> {
    let sql = "SELECT size FROM head";
    let size: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let size = size.ok_or_else(|| LogError::damage("log.sqlite: it has no head"))?;
    super::index(size)
}

/// Whether some entry at or beyond the committed size has a row already: nothing can be appended
/// there any more.
pub(super) fn is_taken(connection: &Connection) -> Result<bool> {
    let size = number(size(connection)?)?;
    for table in ["staged", "evidence", "evidence_checksum"] {
        let sql = format!("SELECT max(leaf) FROM {table}");
        let last: Option<i64> = connection.query_row(&sql, [], |row| row.get(0))?;
        if last.is_some_and(|last| last >= size) {
            return Ok(true);
        }
    }
    Ok(false)
}
