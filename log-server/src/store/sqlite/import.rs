//! A database out of what another back end has: rows as they come, piece by piece.

use std::path::Path;

use rusqlite::{Connection, params};
use verifier_core::hazmat::tlog::merkle::Hash;

use super::{evidence, number, schema};
use crate::error::{LogError, Result};
use crate::store::{Closing, Evidence, Head, TokenRow};

/// The checksum of a row that was not what was written: so it stays one.
const DAMAGED: Hash = [0; 32];

/// A database on its way.
#[derive(Debug)]
pub(in crate::store) struct Import(Connection);

impl Import {
    /// Begins with a head. The file is empty, or does not exist.
    pub(in crate::store) fn begin(path: &Path, head: &Head) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        schema::create(&connection)?;
        connection.execute(
            schema::FIRST_HEAD,
            params![number(head.size)?, head.root, head.checkpoint],
        )?;
        Ok(Self(connection))
    }

    /// The end of the log, if it is closed.
    pub(in crate::store) fn closed(&mut self, closing: &Closing) -> Result<()> {
        let sql = "UPDATE head SET closed = ?1, successor = ?2";
        self.0
            .execute(sql, params![closing.at, closing.successor])?;
        Ok(())
    }

    /// Leaves that are kept beside the tiles.
    pub(in crate::store) fn staged(&mut self, leaves: &[(u64, String)]) -> Result<()> {
        let transaction = self.0.transaction()?;
        for (leaf, text) in leaves {
            let sql = "INSERT INTO staged VALUES (?1, ?2)";
            transaction
                .prepare_cached(sql)?
                .execute(params![number(*leaf)?, text])?;
        }
        Ok(transaction.commit()?)
    }

    /// Hashes of the table `approval` or `assertion`, and who holds them.
    pub(in crate::store) fn claims(&mut self, table: &str, rows: &[(Vec<u8>, i64)]) -> Result<()> {
        if !["approval", "assertion"].contains(&table) {
            return Err(LogError::System(format!("{table} is no table of claims")));
        }
        let sql = format!("INSERT INTO {table} VALUES (?1, ?2)");
        let transaction = self.0.transaction()?;
        for (hash, leaf) in rows {
            transaction
                .prepare_cached(&sql)?
                .execute(params![hash, leaf])?;
        }
        Ok(transaction.commit()?)
    }

    /// What is kept beside some entries, and whether each is what was written.
    pub(in crate::store) fn evidence(&mut self, rows: &[(u64, Evidence, bool)]) -> Result<()> {
        let transaction = self.0.transaction()?;
        for (leaf, kept, written) in rows {
            evidence::add(&transaction, *leaf, kept)?;
            if !written {
                let sql = "UPDATE evidence_checksum SET sha256 = ?2 WHERE leaf = ?1";
                transaction.execute(sql, params![number(*leaf)?, DAMAGED])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// A token, and whether it is what was written.
    pub(in crate::store) fn token(&mut self, token: &TokenRow, written: bool) -> Result<()> {
        let sum = match written {
            true => token.checksum()?,
            false => DAMAGED,
        };
        let columns = params![
            token.name,
            token.id,
            token.hash,
            token.rights,
            token.created,
            token.revoked
        ];
        let sql = "INSERT INTO token VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.0.execute(sql, columns)?;
        let sql = "INSERT INTO token_checksum VALUES (?1, ?2)";
        self.0.execute(sql, params![token.name, sum])?;
        Ok(())
    }

    /// Entries whose erasure is not finished.
    pub(in crate::store) fn erasing(&mut self, leaves: &[i64]) -> Result<()> {
        for leaf in leaves {
            let sql = "INSERT INTO erasure (leaf) VALUES (?1)";
            self.0.execute(sql, [leaf])?;
        }
        Ok(())
    }

    /// The end. The file is durable when the caller syncs it.
    pub(in crate::store) fn finish(self) -> Result<()> {
        self.0.pragma_update(None, "journal_mode", "WAL")?;
        Ok(())
    }
}
