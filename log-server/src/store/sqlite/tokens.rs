//! The rows of tokens.

use rusqlite::{OptionalExtension as _, Row, ToSql, params};

use super::{Sqlite, checksum};
use crate::error::Result;
use crate::store::TokenRow;

impl Sqlite {
    /// Adds a token. `false` if there is, or was, one of this name.
    pub(crate) fn add_token(&mut self, token: &TokenRow) -> Result<bool> {
        let transaction = self.connection.transaction()?;
        let sql = "INSERT INTO token (name, id, hash, rights, created) \
                   VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
        let columns = params![
            token.name,
            token.id,
            token.hash,
            token.rights,
            token.created
        ];
        if transaction.execute(sql, columns)? == 0 {
            return Ok(false);
        }
        let sql = "INSERT OR REPLACE INTO token_checksum VALUES (?1, ?2)";
        transaction.execute(sql, params![token.name, token.checksum()?])?;
        transaction.commit()?;
        Ok(true)
    }

    /// All tokens, in the order in which they were made.
    pub(crate) fn tokens(&self) -> Result<Vec<TokenRow>> {
        let sql = "SELECT * FROM token ORDER BY created, name";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], TokenRow::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The token with this id, unless it is revoked.
    pub(crate) fn token(&self, id: &str) -> Result<Option<TokenRow>> {
        let sql = "SELECT * FROM token WHERE id = ?1 AND revoked IS NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([id], TokenRow::read).optional()?)
    }

    /// Makes a token worthless. `false` if there is none of this name.
    pub(crate) fn revoke_token(&mut self, name: &str, at: &str) -> Result<bool> {
        let transaction = self.connection.transaction()?;
        let sql = "UPDATE token SET revoked = ?2 WHERE name = ?1 AND revoked IS NULL";
        if transaction.execute(sql, [name, at])? == 0 {
            return Ok(false);
        }
        let sql = "SELECT * FROM token WHERE name = ?1";
        let sum = transaction.query_row(sql, [name], checksum::of_row)?;
        let sql = "INSERT OR REPLACE INTO token_checksum VALUES (?1, ?2)";
        transaction.execute(sql, params![name, sum])?;
        transaction.commit()?;
        Ok(true)
    }

    /// The names of tokens that are not what was written, and of checksums without a token.
    pub(super) fn tokens_damaged(&self) -> Result<Vec<String>> {
        let mut damaged = Vec::new();
        let sql = "SELECT token.*, sha256 FROM token LEFT JOIN token_checksum USING (name)";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let token = TokenRow::read(row)?;
            let known: Option<Vec<u8>> = row.get(6)?;
            if known.as_deref() != Some(&token.checksum()?[..]) {
                damaged.push(token.name);
            }
        }
        let sql = "SELECT name FROM token_checksum WHERE name NOT IN (SELECT name FROM token)";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        damaged.extend(rows.collect::<rusqlite::Result<Vec<String>>>()?);
        Ok(damaged)
    }
}

impl TokenRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            id: row.get(1)?,
            hash: row.get(2)?,
            rights: row.get(3)?,
            created: row.get(4)?,
            revoked: row.get(5)?,
        })
    }

    /// The checksum that is kept beside it.
    pub(in crate::store) fn checksum(&self) -> Result<[u8; 32]> {
        let columns: [&dyn ToSql; 6] = [
            &self.name,
            &self.id,
            &self.hash,
            &self.rights,
            &self.created,
            &self.revoked,
        ];
        checksum::of(&columns)
    }
}
