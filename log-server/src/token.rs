//! Tokens of those who may write.
//!
//! ```text
//! cosignet_<id: 8 bytes in hex>_<secret: 32 bytes in hex>
//! ```
//!
//! The database has the SHA-256 of the secret. That is enough of a hash for 256 random bits.

use rusqlite::{OptionalExtension as _, params};
use subtle::ConstantTimeEq as _;
use verifier_core::encoding::{hex, sha256};

use crate::args::{Right, TokenCommand};
use crate::failure::{Failure, Result};
use crate::layout::Layout;
use crate::store::sqlite::Sqlite;

const PREFIX: &str = "cosignet_";

/// `token create | list | revoke`
pub(crate) fn run(command: &TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Create { data, name, rights } => {
            println!("{}", create(&open(&data.data)?, name, rights)?);
        }
        TokenCommand::List { data } => {
            for line in list(&open(&data.data)?)? {
                println!("{line}");
            }
        }
        TokenCommand::Revoke { data, name } => revoke(&open(&data.data)?, name)?,
    }
    Ok(())
}

fn open(data: &std::path::Path) -> Result<Sqlite> {
    let layout = Layout::new(data);
    layout.require()?;
    Sqlite::open(&layout.database())
}

fn create(store: &Sqlite, name: &str, rights: &[Right]) -> Result<String> {
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(Failure::Usage(
            "--name has to be 1 to 100 printable characters".into(),
        ));
    }
    let (id, secret): ([u8; 8], [u8; 32]) = (crate::random()?, crate::random()?);
    let (id, secret) = (hex(&id), hex(&secret));
    let may = |right| rights.is_empty() || rights.contains(&right);
    let rights: Vec<&str> = [(Right::Append, "append"), (Right::Disclose, "disclose")]
        .into_iter()
        .filter_map(|(right, name)| may(right).then_some(name))
        .collect();
    let sql = "INSERT INTO token (name, id, hash, rights, created) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT DO NOTHING";
    let hash = sha256(secret.as_bytes());
    let made = store.connection().execute(
        sql,
        params![name, id, hash, rights.join(" "), crate::now().to_string()],
    )?;
    if made == 0 {
        return Err(Failure::Usage(format!(
            "there is, or was, a token named {name}: choose another name"
        )));
    }
    Ok(format!("{PREFIX}{id}_{secret}"))
}

fn list(store: &Sqlite) -> Result<Vec<String>> {
    let sql = "SELECT name, rights, created, revoked FROM token ORDER BY created, name";
    let mut statement = store.connection().prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let (name, rights): (String, String) = (row.get(0)?, row.get(1)?);
        let (created, revoked): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        let revoked = revoked.map_or(String::new(), |at| format!("\trevoked {at}"));
        Ok(format!("{name}\t{rights}\tcreated {created}{revoked}"))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn revoke(store: &Sqlite, name: &str) -> Result<()> {
    let sql = "UPDATE token SET revoked = ?2 WHERE name = ?1 AND revoked IS NULL";
    let changed = store
        .connection()
        .execute(sql, params![name, crate::now().to_string()])?;
    if changed == 1 {
        return Ok(());
    }
    Err(Failure::Usage(format!("there is no token named {name}")))
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) id: String,
    pub(crate) rights: Vec<Right>,
}

/// Whose token this is; `None` if it is no token of this log.
pub(crate) fn bearer(store: &Sqlite, token: &str) -> Result<Option<Bearer>> {
    let Some((id, secret)) = token
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
    else {
        return Ok(None);
    };
    let sql = "SELECT hash, rights FROM token WHERE id = ?1 AND revoked IS NULL";
    let mut statement = store.connection().prepare_cached(sql)?;
    let row: Option<([u8; 32], String)> = statement
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((hash, rights)) = row else {
        return Ok(None);
    };
    if !bool::from(sha256(secret.as_bytes()).ct_eq(&hash)) {
        return Ok(None);
    }
    let right = |name| match name {
        "append" => Some(Right::Append),
        "disclose" => Some(Right::Disclose),
        _ => None,
    };
    Ok(Some(Bearer {
        id: id.to_owned(),
        rights: rights.split(' ').filter_map(right).collect(),
    }))
}
