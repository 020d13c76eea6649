//! API keys and events.

use rusqlite::{Connection, OptionalExtension as _, params};
use verifier_core::hazmat::json::Value;

use super::rows::{self, millis};
use super::writer::Step;
use crate::event::Event;
use crate::person::ApiKey;
use crate::refusal::{Reason, Refusal};
use crate::request::Request;
use crate::store::{StoreError, Trouble};

type Result<T, E = Trouble> = core::result::Result<T, E>;

impl Step<'_> {
    pub(super) fn add_key(&mut self, mut key: ApiKey) -> Result<()> {
        key.created = self.now;
        let sql = "SELECT count(*) FROM api_key WHERE name = ?1";
        if self.number(sql, [&key.name])? > 0 {
            let detail = "There is, or was, a key of this name.";
            return Err(Refusal::new(Reason::NameTaken, detail).into());
        }
        if let Some(owner) = &key.owner
            && super::people::person(self.connection, owner)?.is_none()
        {
            let detail = "There is nobody of the owner's name. Invite them first.";
            return Err(Refusal::new(Reason::ApproverUnknown, detail).into());
        }
        self.execute(
            "INSERT INTO api_key (id, name, hash, rights, owner, created) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                key.id,
                key.name,
                key.hash,
                key.rights.to_text(),
                key.owner,
                millis(key.created),
            ],
        )?;
        let facts = Value::from([
            ("id", key.id.as_str().into()),
            ("name", key.name.as_str().into()),
            ("owner", key.owner.as_deref().into()),
            ("rights", key.rights.to_text().into()),
        ]);
        self.event("key.created", None, facts)
    }

    pub(super) fn revoke(&mut self, name: &str) -> Result<bool> {
        let sql = "UPDATE api_key SET revoked = ?2 WHERE name = ?1 AND revoked IS NULL";
        let revoked = self.execute(sql, params![name, millis(self.now)])? > 0;
        if revoked {
            let facts = Value::from([("name", Value::from(name))]);
            self.event("key.revoked", None, facts)?;
        }
        Ok(revoked)
    }
}

pub(super) fn keys(connection: &Connection) -> Result<Vec<ApiKey>, StoreError> {
    let mut find = connection.prepare_cached("SELECT * FROM api_key ORDER BY name")?;
    let all = find.query_map([], rows::key)?;
    Ok(all.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn key(connection: &Connection, id: &str) -> Result<Option<ApiKey>, StoreError> {
    let mut find = connection.prepare_cached("SELECT * FROM api_key WHERE id = ?1")?;
    Ok(find.query_row([id], rows::key).optional()?)
}

pub(super) fn events(
    connection: &Connection,
    after: u64,
    most: usize,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT number, line FROM event WHERE number > ?1 ORDER BY number LIMIT ?2";
    let mut find = connection.prepare_cached(sql)?;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let all = find.query_map([number(after), number(most)], rows::event)?;
    Ok(all.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn previous(
    connection: &Connection,
    key: &str,
    action: &str,
    before: verifier_core::Time,
) -> Result<Option<Request>, StoreError> {
    let sql = "SELECT id FROM request WHERE api_key = ?1 AND action = ?2 AND decided < ?3 AND \
               state = 'approved' AND payload IS NOT NULL ORDER BY decided DESC LIMIT 1";
    let mut find = connection.prepare_cached(sql)?;
    let id: Option<String> = find
        .query_row(params![key, action, millis(before)], |row| row.get(0))
        .optional()?;
    match id {
        None => Ok(None),
        Some(id) => rows::request(connection, &id),
    }
}
