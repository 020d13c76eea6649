//! A copy of the database, piece by piece: a reader that keeps one snapshot for the time of a whole
//! copy would keep the log from erasing for as long.
//!
//! Rows of entries are never changed but for evidence, and evidence is of one entry alone, so the
//! copy is that of the head that it began with.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use super::{Sqlite, number, schema};
use crate::error::Result;

/// How many rows are read at once, and about how many bytes of evidence.
const ROWS: i64 = 4096;
const BYTES: usize = 4 * 1024 * 1024;

/// The data beside an entry, as it is in the table.
type Evidence = (i64, Vec<rusqlite::types::Value>);

impl Sqlite {
    /// Writes what was committed into another file, which must be empty or not exist. It is durable
    /// when the caller syncs it.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<()> {
        let mut copy = Connection::open(path)?;
        copy.pragma_update(None, "journal_mode", "OFF")?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        let size = self.copy_head(&mut copy)?;
        for table in ["approval", "assertion"] {
            self.copy_claims(&mut copy, table, size)?;
        }
        let mut from = 0;
        while let Some(next) = self.copy_evidence(&mut copy, from, size)? {
            from = next;
        }
        copy.pragma_update(None, "journal_mode", "WAL")?;
        Ok(())
    }

    /// The small tables, in one snapshot. Returns the size of the tree.
    fn copy_head(&self, copy: &mut Connection) -> Result<i64> {
        let snapshot = self.connection.unchecked_transaction()?;
        let size = number(schema::size(&snapshot)?)?;
        let copy = copy.transaction()?;
        schema::create(&copy)?;
        for table in ["head", "staged", "token", "token_checksum", "erasure"] {
            let mut rows = snapshot.prepare(&format!("SELECT * FROM {table}"))?;
            let columns = rows.column_count();
            let places: Vec<String> = (1..=columns).map(|n| format!("?{n}")).collect();
            let sql = format!("INSERT INTO {table} VALUES ({})", places.join(", "));
            let mut add = copy.prepare(&sql)?;
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                let values = (0..columns).map(|column| row.get(column));
                let values: Vec<rusqlite::types::Value> =
                    values.collect::<rusqlite::Result<_>>()?;
                add.execute(rusqlite::params_from_iter(values))?;
            }
        }
        copy.commit()?;
        Ok(size)
    }

    fn copy_claims(&self, copy: &mut Connection, table: &str, size: i64) -> Result<()> {
        let sql =
            format!("SELECT hash, leaf FROM {table} WHERE hash > ?1 ORDER BY hash LIMIT {ROWS}");
        let add = format!("INSERT INTO {table} VALUES (?1, ?2)");
        let mut last = Vec::new();
        loop {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map([&last], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows: Vec<(Vec<u8>, i64)> = rows.collect::<rusqlite::Result<_>>()?;
            let Some((hash, _)) = rows.last() else {
                return Ok(());
            };
            last.clone_from(hash);
            let copy = copy.transaction()?;
            for (hash, leaf) in rows.iter().filter(|(_, leaf)| *leaf < size) {
                copy.prepare_cached(&add)?.execute(params![hash, leaf])?;
            }
            copy.commit()?;
        }
    }

    /// Copies some evidence from this entry on. Returns where to go on.
    fn copy_evidence(&self, copy: &mut Connection, from: i64, size: i64) -> Result<Option<i64>> {
        let (rows, sums) = {
            // Row and checksum out of one snapshot.
            let snapshot = self.connection.unchecked_transaction()?;
            let rows = some_evidence(&snapshot, from, size)?;
            let Some((last, _)) = rows.last() else {
                return Ok(None);
            };
            let sql = "SELECT leaf, sha256 FROM evidence_checksum WHERE leaf BETWEEN ?1 AND ?2";
            let mut statement = snapshot.prepare_cached(sql)?;
            let sums = statement.query_map([from, *last], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let sums: Vec<(i64, Vec<u8>)> = sums.collect::<rusqlite::Result<_>>()?;
            (rows, sums)
        };
        let next = rows.last().map(|(last, _)| last + 1);
        let copy = copy.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (_, columns) in rows {
            let sql = "INSERT INTO evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
            let columns = rusqlite::params_from_iter(columns);
            copy.prepare_cached(sql)?.execute(columns)?;
        }
        for (leaf, sum) in sums {
            let sql = "INSERT INTO evidence_checksum VALUES (?1, ?2)";
            copy.prepare_cached(sql)?.execute(params![leaf, sum])?;
        }
        copy.commit()?;
        Ok(next)
    }
}

fn some_evidence(snapshot: &Connection, from: i64, size: i64) -> Result<Vec<Evidence>> {
    let sql = "SELECT * FROM evidence WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf LIMIT ?3";
    let mut statement = snapshot.prepare_cached(sql)?;
    let mut found = statement.query([from, size, ROWS])?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while bytes < BYTES
        && let Some(row) = found.next()?
    {
        let columns = (0..11).map(|column| row.get(column));
        let columns: Vec<rusqlite::types::Value> = columns.collect::<rusqlite::Result<_>>()?;
        bytes += columns.iter().map(weight).sum::<usize>();
        rows.push((row.get(0)?, columns));
    }
    Ok(rows)
}

fn weight(value: &rusqlite::types::Value) -> usize {
    match value {
        rusqlite::types::Value::Text(text) => text.len(),
        rusqlite::types::Value::Blob(bytes) => bytes.len(),
        _ => 8,
    }
}
