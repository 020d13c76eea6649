//! The rows of tokens.

use std::sync::Mutex;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::link::{Answer, Ending, Link, Place, Value};
use super::session::Purpose;
use super::{freeze, held};
use crate::error::Result;
use crate::store::{TokenRow, Tokens};

const COLUMNS: &str = "name, id, hash, rights, created, revoked";

/// A link that tokens alone are looked up with: look-ups of others keep nobody out.
#[derive(Debug)]
pub(super) struct TokenTable(Mutex<Link>);

impl TokenTable {
    pub(super) fn open(place: &Place) -> Result<Self> {
        Ok(Self(Mutex::new(Link::open(place, Purpose::Serve)?)))
    }
}

impl Tokens for TokenTable {
    fn add(&self, token: &TokenRow) -> Result<bool> {
        let sum = token.checksum()?;
        let mut link = held(&self.0);
        let place = link.place().clone();
        link.change(async |client, log| {
            if let Some(why) = freeze::in_the_way(client, log).await? {
                return Ok(Ending::Undo(Err(freeze::refusal(&place, &why))));
            }
            Ok(match insert(client, log, token, &sum).await? {
                0 => Ending::Undo(Ok(false)),
                _ => Ending::Commit(Ok(true)),
            })
        })?
    }

    fn all(&self) -> Result<Vec<TokenRow>> {
        let rows = all(&mut held(&self.0))?;
        Ok(rows.into_iter().map(|(token, _)| token).collect())
    }

    fn find(&self, id: &str) -> Result<Option<TokenRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM token WHERE log_id = $1 AND id = $2 AND revoked IS NULL"
        );
        held(&self.0).ask(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&id, Type::TEXT)];
            let row = client.query_typed_opt(&sql, values).await?;
            row.as_ref().map(read).transpose()
        })
    }

    fn revoke(&self, name: &str, at: &str) -> Result<bool> {
        let find = format!(
            "SELECT {COLUMNS} FROM token \
             WHERE log_id = $1 AND name = $2 AND revoked IS NULL FOR UPDATE"
        );
        let sql = "UPDATE token SET revoked = $3, sha256 = $4 WHERE log_id = $1 AND name = $2";
        let mut link = held(&self.0);
        let place = link.place().clone();
        link.change(async |client, log| {
            if let Some(why) = freeze::in_the_way(client, log).await? {
                return Ok(Ending::Undo(Err(freeze::refusal(&place, &why))));
            }
            let values: &[Value<'_>] = &[(&log, Type::INT4), (&name, Type::TEXT)];
            let Some(row) = client.query_typed_opt(&find, values).await? else {
                return Ok(Ending::Undo(Ok(false)));
            };
            let revoked = TokenRow {
                revoked: Some(at.to_owned()),
                ..read(&row)?
            };
            let sum = match revoked.checksum() {
                Ok(sum) => sum,
                Err(failure) => return Ok(Ending::Undo(Err(failure))),
            };
            let sum = &sum[..];
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&name, Type::TEXT),
                (&at, Type::TEXT),
                (&sum, Type::BYTEA),
            ];
            client.execute_typed(sql, values).await?;
            Ok(Ending::Commit(Ok(true)))
        })?
    }
}

/// Adds the row of a token, with its checksum, unless there is one of this name or id. Returns how many.
pub(super) async fn insert(
    client: &Client,
    log: i32,
    token: &TokenRow,
    sum: &[u8; 32],
) -> Answer<u64> {
    let sum = &sum[..];
    let sql = format!(
        "INSERT INTO token (log_id, {COLUMNS}, sha256) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
    );
    let values: &[Value<'_>] = &[
        (&log, Type::INT4),
        (&token.name, Type::TEXT),
        (&token.id, Type::TEXT),
        (&token.hash, Type::BYTEA),
        (&token.rights, Type::TEXT),
        (&token.created, Type::TEXT),
        (&token.revoked, Type::TEXT),
        (&sum, Type::BYTEA),
    ];
    client.execute_typed(&sql, values).await
}

/// All tokens, in the order in which they were made, and whether each is what was written.
pub(super) fn all(link: &mut Link) -> Result<Vec<(TokenRow, bool)>> {
    // The order of bytes, wherever the database is.
    let sql = format!(
        "SELECT {COLUMNS}, sha256 FROM token WHERE log_id = $1 \
         ORDER BY created COLLATE \"C\", name COLLATE \"C\""
    );
    let rows = link.ask(async |client, log| -> Answer<Vec<(TokenRow, Vec<u8>)>> {
        let rows = client.query_typed(&sql, &[(&log, Type::INT4)]).await?;
        let each = |row: &Row| Ok((read(row)?, row.try_get(6)?));
        rows.iter().map(each).collect()
    })?;
    let checked = rows.into_iter().map(|(token, sum)| {
        let own = token.checksum()?;
        Ok((token, own[..] == sum))
    });
    checked.collect()
}

fn read(row: &Row) -> Answer<TokenRow> {
    Ok(TokenRow {
        name: row.try_get(0)?,
        id: row.try_get(1)?,
        hash: row.try_get(2)?,
        rights: row.try_get(3)?,
        created: row.try_get(4)?,
        revoked: row.try_get(5)?,
    })
}
