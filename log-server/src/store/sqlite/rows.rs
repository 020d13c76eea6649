//! The questions of `fsck` to the tables. It reads in pieces: a snapshot that is kept for long
//! keeps the log from erasing.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rusqlite::ErrorCode;

use super::{Sqlite, number, schema};
use crate::error::Result;
use crate::store::{Audit, Claim, Claims, Found, Head, Holders, Stray};

/// How many rows are read at once.
const ROWS: i64 = 4096;

/// How long SQLite may take to look through its file: it does so in one snapshot, and while that is
/// open nothing can be erased. Every row is read in pieces anyway.
const INTEGRITY_TIME: Duration = Duration::from_secs(5);

/// SQLite's own word on its file.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Integrity {
    Sound,
    Wrong(String),
    /// It took too long.
    Unknown,
}

fn table(claims: Claims) -> &'static str {
    match claims {
        Claims::Approvals => "approval",
        Claims::Assertions => "assertion",
    }
}

impl Sqlite {
    /// Damage that SQLite itself finds in its file, if it can say so within this time.
    fn integrity(&self, within: Duration) -> Result<Integrity> {
        let handle = self.connection.get_interrupt_handle();
        let (done, ended) = mpsc::channel::<()>();
        let found: rusqlite::Result<String> = thread::scope(|scope| {
            scope.spawn(move || {
                if ended.recv_timeout(within) == Err(RecvTimeoutError::Timeout) {
                    handle.interrupt();
                }
            });
            let sql = "PRAGMA integrity_check(1)";
            let found = self.connection.query_row(sql, [], |row| row.get(0));
            drop(done);
            found
        });
        match found {
            Ok(text) if text == "ok" => Ok(Integrity::Sound),
            Ok(text) => Ok(Integrity::Wrong(text)),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                Ok(Integrity::Unknown)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Some claims after a hash, in order.
    pub(in crate::store) fn claims_after(
        &self,
        kind: Claims,
        last: &[u8],
    ) -> Result<Vec<(Vec<u8>, i64)>> {
        let table = table(kind);
        let sql =
            format!("SELECT hash, leaf FROM {table} WHERE hash > ?1 ORDER BY hash LIMIT {ROWS}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([last], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many heads there are: one.
    fn heads(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM head";
        super::index(self.connection.query_row(sql, [], |row| row.get(0))?)
    }
}

impl Audit for Sqlite {
    fn complaints(&self) -> Vec<Result<String>> {
        let mut complaints = Vec::new();
        match self.integrity(INTEGRITY_TIME) {
            Ok(Integrity::Wrong(problem)) => complaints.push(Ok(problem)),
            Ok(Integrity::Sound | Integrity::Unknown) => {}
            Err(failure) => complaints.push(Err(failure)),
        }
        match schema::complaints(&self.connection) {
            Ok(found) => complaints.extend(found.into_iter().map(Ok)),
            Err(failure) => complaints.push(Err(failure)),
        }
        match self.heads() {
            Ok(1) => {}
            Ok(count) => complaints.push(Ok(format!("{count} heads"))),
            Err(failure) => complaints.push(Err(failure)),
        }
        complaints
    }

    fn damaged_tokens(&self) -> Result<Vec<String>> {
        self.tokens_damaged()
    }

    fn head(&self) -> Result<Head> {
        self.committed()
    }

    fn holders(&self, claim: &Claim) -> Result<Holders> {
        self.held_by(claim)
    }

    fn evidence(&self, leaf: u64) -> Result<Option<Found>> {
        let found = self.evidence_checked(leaf)?;
        Ok(found.map(|(kept, written)| Found {
            kept: Some(kept),
            written,
        }))
    }

    fn count_claims(&self, kind: Claims, size: u64) -> Result<(u64, Vec<Stray>)> {
        let table = table(kind);
        let sql = format!(
            "SELECT hash, leaf, leaf < 0 OR leaf >= (SELECT size FROM head) FROM {table} \
             WHERE hash > ?1 ORDER BY hash LIMIT {ROWS}"
        );
        let size = number(size)?;
        let (mut count, mut strays) = (0, Vec::new());
        let mut last: Vec<u8> = Vec::new();
        loop {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows =
                statement.query_map([&last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let rows: Vec<(Vec<u8>, i64, bool)> = rows.collect::<rusqlite::Result<_>>()?;
            let Some((hash, _, _)) = rows.last() else {
                return Ok((count, strays));
            };
            last.clone_from(hash);
            for (_, leaf, stray) in rows {
                if stray {
                    strays.push(Stray { table, leaf });
                } else if leaf < size {
                    count += 1;
                }
            }
        }
    }

    fn strays(&self) -> Result<Vec<Stray>> {
        let mut strays = Vec::new();
        for table in ["evidence", "evidence_checksum", "staged", "erasure"] {
            for side in ["leaf < 0", "leaf >= (SELECT size FROM head)"] {
                let sql = format!("SELECT leaf FROM {table} WHERE {side} LIMIT 100");
                let mut statement = self.connection.prepare(&sql)?;
                let rows = statement.query_map([], |row| row.get(0))?;
                for leaf in rows {
                    strays.push(Stray { table, leaf: leaf? });
                }
            }
        }
        Ok(strays)
    }

    fn staged(&self, first: u64) -> Result<Vec<String>> {
        self.staged_from(first)
    }

    fn staged_before(&self, end: u64) -> Result<Vec<(u64, String)>> {
        let sql = "SELECT leaf, text FROM staged WHERE leaf >= 0 AND leaf < ?1 ORDER BY leaf";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([number(end)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut leaves = Vec::new();
        for row in rows {
            let (leaf, text): (i64, String) = row?;
            leaves.push((super::index(leaf)?, text));
        }
        Ok(leaves)
    }
}
