//! The embedded store: SQLite with a write-ahead log, `synchronous = FULL`, and `secure_delete`,
//! so that what is erased is overwritten.

mod checksum;
mod connections;
mod copy;
mod error;
mod evidence;
#[cfg(feature = "postgres")]
mod import;
mod rows;
mod schema;
mod tokens;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use verifier_core::hazmat::tlog::merkle::Hash;

use super::{Addition, Claim, Closing, Head, Holders, Outcome, Store};
use crate::disk;
use crate::error::{LogError, Result};
use crate::failpoint;

pub(super) use connections::{Impatient, Readers, TokenTable};
#[cfg(feature = "postgres")]
pub(super) use evidence::{checksum_of as checksum_of_evidence, checksum_of_sealed};
#[cfg(feature = "postgres")]
pub(super) use import::Import;

/// The size to which the write-ahead log shrinks when it is begun anew.
const LOG_BYTES: i64 = 16 * 1024 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    /// Makes the database of a new log with this head. The file must not exist.
    pub(crate) fn create(path: &Path, head: &Head) -> Result<()> {
        if path.exists() {
            return Err(LogError::Usage(format!(
                "{} exists already: this directory has a log",
                path.display()
            )));
        }
        // Evidence and hashes of tokens are in it: for its owner alone, as SQLite then makes the
        // files beside it.
        disk::create(path, b"")?;
        let connection = Connection::open(path)?;
        prepare(&connection)?;
        let mut this = Self { connection };
        let transaction = this.connection.transaction()?;
        schema::create(&transaction)?;
        transaction.execute(
            schema::FIRST_HEAD,
            params![number(head.size)?, head.root, head.checkpoint],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Opens the database of a log, to write.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        prepare(&connection)?;
        schema::upgrade(&mut connection)?;
        schema::require(&connection)?;
        Ok(Self { connection })
    }

    /// Opens the database of a log, and changes nothing in it.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(32);
        schema::require(&connection)?;
        Ok(Self { connection })
    }

    /// A connection that waits for nobody: what is locked is an error at once.
    pub(crate) fn open_impatient(path: &Path) -> Result<Self> {
        let this = Self::open(path)?;
        this.connection.busy_timeout(Duration::ZERO)?;
        Ok(this)
    }

    /// The entry that holds an approval id.
    pub(crate) fn find(&self, approval: &Hash) -> Result<Option<u64>> {
        self.index("SELECT leaf FROM approval WHERE hash = ?1", approval)
    }

    /// The holders of a claim.
    pub(super) fn held_by(&self, claim: &Claim) -> Result<Holders> {
        let assertion = "SELECT leaf FROM assertion WHERE hash = ?1";
        Ok(Holders {
            approval: self.find(&claim.approval)?,
            assertion: self.index(assertion, &claim.assertion)?,
        })
    }

    /// The end of the log, if it is closed.
    pub(super) fn closing(&self) -> Result<Option<Closing>> {
        let sql = "SELECT closed, successor FROM head WHERE closed IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row([], |row| {
            Ok(Closing {
                at: row.get(0)?,
                successor: row.get(1)?,
            })
        });
        Ok(found.optional()?)
    }

    /// Lets nothing be appended any more.
    pub(crate) fn close(&mut self, closing: &Closing) -> Result<()> {
        let sql = "UPDATE head SET closed = coalesce(closed, ?1), \
                   successor = coalesce(?2, successor)";
        let changed = self
            .connection
            .execute(sql, params![closing.at, closing.successor])?;
        match changed {
            1 => Ok(()),
            _ => Err(LogError::damage("the database has no head")),
        }
    }

    /// Puts committed leaves back, the first of them with this index.
    pub(crate) fn stage(&mut self, first: u64, leaves: &[String]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for (index, leaf) in (first..).zip(leaves) {
            let sql = "INSERT INTO staged VALUES (?1, ?2)";
            transaction.execute(sql, params![number(index)?, leaf])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The index of the first leaf that is kept beside the tiles.
    pub(crate) fn first_staged(&self) -> Result<Option<u64>> {
        let sql = "SELECT min(leaf) FROM staged";
        let first: Option<i64> = self.connection.query_row(sql, [], |row| row.get(0))?;
        first.map(index).transpose()
    }

    /// [`Store::staged`], for whoever only reads.
    pub(crate) fn staged_from(&self, first: u64) -> Result<Vec<String>> {
        let sql = "SELECT leaf, text FROM staged WHERE leaf >= ?1 ORDER BY leaf";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([number(first)?], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut leaves = Vec::new();
        for (expected, row) in (first..).zip(rows) {
            let (leaf, text) = row?;
            if index(leaf)? != expected {
                return Err(lost(expected));
            }
            leaves.push(text);
        }
        Ok(leaves)
    }

    fn committed(&self) -> Result<Head> {
        let sql = "SELECT size, root, checkpoint FROM head";
        let (size, root, checkpoint) = self.connection.query_row(sql, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(Head {
            size: index(size)?,
            root,
            checkpoint,
        })
    }

    fn index(&self, sql: &str, hash: &Hash) -> Result<Option<u64>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let found: Option<i64> = statement.query_row([hash], |row| row.get(0)).optional()?;
        found.map(index).transpose()
    }
}

impl Store for Sqlite {
    fn head(&mut self) -> Result<Head> {
        self.committed()
    }

    /// A commit that has failed is rolled back by the time that this reads: it is this machine's, and
    /// it has this connection.
    fn settle(&mut self) -> Result<Head> {
        self.head()
    }

    fn claimed(&mut self, claims: &[Claim]) -> Result<Vec<Holders>> {
        // One transaction: one snapshot, and its locks are taken once.
        let transaction = self.connection.unchecked_transaction()?;
        let holders = claims.iter().map(|claim| self.held_by(claim)).collect();
        transaction.commit()?;
        holders
    }

    fn commit(
        &mut self,
        old: &Head,
        new: &Head,
        additions: &[Addition],
        published: u64,
    ) -> Result<Outcome> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let moved = transaction.execute(
            "UPDATE head SET size = ?1, root = ?2, checkpoint = ?3 \
             WHERE size = ?4 AND root = ?5 AND closed IS NULL",
            params![
                number(new.size)?,
                new.root,
                new.checkpoint,
                number(old.size)?,
                old.root
            ],
        )?;
        if moved != 1 {
            drop(transaction);
            return Ok(self.closing()?.map_or(Outcome::Moved, Outcome::Closed));
        }
        {
            let mut staged = transaction.prepare_cached("INSERT INTO staged VALUES (?1, ?2)")?;
            let mut approval =
                transaction.prepare_cached("INSERT INTO approval VALUES (?1, ?2)")?;
            let mut assertion =
                transaction.prepare_cached("INSERT INTO assertion VALUES (?1, ?2)")?;
            for (leaf, addition) in (old.size..).zip(additions) {
                evidence::add(&transaction, leaf, &addition.evidence)?;
                let leaf = number(leaf)?;
                staged.execute(params![leaf, addition.leaf])?;
                approval.execute(params![addition.claim.approval, leaf])?;
                assertion.execute(params![addition.claim.assertion, leaf])?;
            }
        }
        transaction.execute("DELETE FROM staged WHERE leaf < ?1", [number(published)?])?;
        failpoint::pass("before-commit");
        transaction.commit()?;
        failpoint::pass("after-commit");
        Ok(Outcome::Committed)
    }

    fn is_taken(&mut self) -> Result<bool> {
        schema::is_taken(&self.connection)
    }

    fn staged_leaf(&mut self, index: u64) -> Result<String> {
        let sql = "SELECT text FROM staged WHERE leaf = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement
            .query_row([number(index)?], |row| row.get(0))
            .optional()?;
        found.ok_or_else(|| lost(index))
    }

    fn staged(&mut self, first: u64) -> Result<Vec<String>> {
        self.staged_from(first)
    }
}

/// How long a connection waits for another one that writes.
const BUSY: Duration = Duration::from_secs(5);

fn prepare(connection: &Connection) -> Result<()> {
    connection.busy_timeout(BUSY)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(LogError::System(format!(
            "SQLite cannot keep a write-ahead log here (mode {mode}): use a local file system"
        )));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    if let Some(pages) = failpoint::pages() {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn lost(entry: u64) -> LogError {
    LogError::damage(format!(
        "the database has lost entry {entry}: restore a backup, see OPERATIONS"
    ))
}

fn number(index: u64) -> Result<i64> {
    i64::try_from(index).map_err(|_| LogError::System("the tree is full".into()))
}

fn index(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| LogError::damage("the database holds a negative index"))
}
