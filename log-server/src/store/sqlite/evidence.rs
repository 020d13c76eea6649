//! The evidence beside an entry, and its erasure.
//!
//! A change that takes something away leaves it in pages that SQLite has not moved from the
//! write-ahead log into the database yet, and as long as somebody reads an older snapshot in both.
//! So each such change leaves a row in `erasure`, which goes when the log was emptied after it.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, TransactionBehavior, params};

use super::{Sqlite, checksum, index, number};
use crate::error::Result;
use crate::store::{Disclosure, Evidence, Replaced};

const COLUMNS: &str = "leaf, disclosure, approval_id, client_data_json, payload, action, blind, \
                       salt, email, context, refusal";

impl Sqlite {
    /// The evidence beside an entry.
    pub(crate) fn evidence(&self, leaf: u64) -> Result<Option<Evidence>> {
        let sql = format!("SELECT {COLUMNS} FROM evidence WHERE leaf = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([number(leaf)?], read).optional()?)
    }

    /// [`Sqlite::evidence`], and whether it is what was written.
    pub(crate) fn evidence_checked(&self, leaf: u64) -> Result<Option<(Evidence, bool)>> {
        let sql = format!("SELECT {COLUMNS} FROM evidence WHERE leaf = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let both =
            |row: &Row<'_>| -> rusqlite::Result<_> { Ok((read(row)?, checksum::of_row(row)?)) };
        let Some((kept, sum)) = statement.query_row([number(leaf)?], both).optional()? else {
            return Ok(None);
        };
        let sql = "SELECT sha256 FROM evidence_checksum WHERE leaf = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let known: Option<Vec<u8>> = statement
            .query_row([number(leaf)?], |row| row.get(0))
            .optional()?;
        Ok(Some((kept, known.is_some_and(|known| known == sum))))
    }

    /// Replaces what is kept beside an entry, if it is still `old`.
    pub(crate) fn set_evidence(
        &mut self,
        leaf: u64,
        old: &Evidence,
        new: &Evidence,
    ) -> Result<Replaced> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = format!("SELECT {COLUMNS} FROM evidence WHERE leaf = ?1");
        let found = transaction.query_row(&sql, [number(leaf)?], read)?;
        if found != *old {
            return Ok(Replaced::Other);
        }
        put(&transaction, "REPLACE", leaf, new)?;
        if !old.is_within(new) {
            let sql = "INSERT INTO erasure (leaf) VALUES (?1)";
            transaction.execute(sql, [number(leaf)?])?;
        }
        transaction.commit()?;
        Ok(Replaced::Done)
    }

    /// Whether something that was erased beside this entry may still be in a file.
    pub(crate) fn is_erasing(&self, leaf: u64) -> Result<bool> {
        let sql = "SELECT 1 FROM erasure WHERE leaf = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found: Option<i64> = statement
            .query_row([number(leaf)?], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }

    /// The entries of which something that was erased may still be in a file.
    pub(in crate::store) fn erasing(&self) -> Result<Vec<u64>> {
        let mut statement = self
            .connection
            .prepare("SELECT leaf FROM erasure ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.map(|leaf| index(leaf?)).collect()
    }

    /// How many erasures may still be in a file.
    pub(crate) fn erasures(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM erasure";
        index(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Moves the write-ahead log into the database and empties it, so that what was erased before
    /// is gone from both. `false` if somebody reads an older snapshot, or writes at this moment:
    /// nobody is waited for, and nobody waits.
    pub(crate) fn empty_log(&mut self) -> Result<bool> {
        let sql = "SELECT max(id) FROM erasure";
        let last: Option<i64> = self.connection.query_row(sql, [], |row| row.get(0))?;
        // What can be moved while others write is moved first: what follows holds them up.
        self.checkpoint("PASSIVE")?;
        if !self.checkpoint("TRUNCATE")? {
            return Ok(false);
        }
        if let Some(last) = last {
            let sql = "DELETE FROM erasure WHERE id <= ?1";
            self.connection.execute(sql, [last])?;
        }
        Ok(true)
    }

    fn checkpoint(&self, mode: &str) -> Result<bool> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let busy: bool = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(!busy)
    }
}

/// Adds what is kept beside an entry, and its checksum. An error if there is a row already.
pub(super) fn add(connection: &Connection, leaf: u64, kept: &Evidence) -> Result<()> {
    put(connection, "INSERT", leaf, kept)
}

/// The checksum that is kept beside a row.
#[cfg(feature = "postgres")]
pub(in crate::store) fn checksum_of(leaf: i64, kept: &Evidence) -> Result<[u8; 32]> {
    checksum::of(&columns(&leaf, &kept.disclosure.number(), kept))
}

/// The checksum of a row that is sealed, elsewhere: SQLite overwrites what is erased, and keeps
/// evidence plain.
#[cfg(feature = "postgres")]
pub(in crate::store) fn checksum_of_sealed(
    leaf: i64,
    disclosure: i64,
    sealed: &[u8],
) -> Result<[u8; 32]> {
    checksum::of(&[&leaf, &disclosure, &sealed])
}

/// The columns of the table, in their order.
fn columns<'a>(leaf: &'a i64, disclosure: &'a i64, kept: &'a Evidence) -> [&'a dyn ToSql; 11] {
    [
        leaf,
        disclosure,
        &kept.approval_id,
        &kept.client_data_json,
        &kept.payload,
        &kept.action,
        &kept.blind,
        &kept.salt,
        &kept.email,
        &kept.context,
        &kept.refusal,
    ]
}

fn put(connection: &Connection, verb: &str, leaf: u64, kept: &Evidence) -> Result<()> {
    let leaf = number(leaf)?;
    let disclosure = kept.disclosure.number();
    let columns = columns(&leaf, &disclosure, kept);
    let sql = format!("{verb} INTO evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    connection.prepare_cached(&sql)?.execute(&columns[..])?;
    let sql = format!("{verb} INTO evidence_checksum VALUES (?1, ?2)");
    let sum = checksum::of(&columns)?;
    connection
        .prepare_cached(&sql)?
        .execute(params![leaf, sum])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Evidence> {
    Ok(Evidence {
        disclosure: Disclosure::from_number(row.get(1)?),
        approval_id: row.get(2)?,
        client_data_json: row.get(3)?,
        payload: row.get(4)?,
        action: row.get(5)?,
        blind: row.get(6)?,
        salt: row.get(7)?,
        email: row.get(8)?,
        context: row.get(9)?,
        refusal: row.get(10)?,
    })
}
