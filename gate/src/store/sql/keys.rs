//! API keys and events.

use verifier_core::hazmat::json::Value;

use super::database::{Connection, params};
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
        if self.number(sql, params![key.name])? > 0 {
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

pub(super) fn keys(connection: &dyn Connection) -> Result<Vec<ApiKey>, StoreError> {
    connection.map("SELECT * FROM api_key ORDER BY name", &[], rows::key)
}

pub(super) fn key(connection: &dyn Connection, id: &str) -> Result<Option<ApiKey>, StoreError> {
    let found = connection.row("SELECT * FROM api_key WHERE id = ?1", params![id])?;
    found.as_ref().map(rows::key).transpose()
}

/// The characters of the events that are returned at once: the answer of an operator's call escapes
/// them, and still has to fit.
const PAGE: u64 = 4 * 1024 * 1024;

/// Events behind number `after`, in order: not more than `most`, and not more than a page of them,
/// though one at least.
pub(super) fn events(
    connection: &dyn Connection,
    after: u64,
    most: usize,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT number, CAST(length(line) AS bigint) AS size FROM event WHERE number > ?1 \
               ORDER BY number LIMIT ?2";
    let sizes = connection.map(sql, params![after, most], |row| {
        Ok((row.get::<u64>("number")?, row.get::<u64>("size")?))
    })?;
    let mut room = PAGE;
    let mut last = after;
    for (place, (number, size)) in sizes.into_iter().enumerate() {
        match room.checked_sub(size) {
            Some(left) => room = left,
            None if place == 0 => room = 0,
            None => break,
        }
        last = number;
    }
    let sql = "SELECT number, line FROM event WHERE number > ?1 AND number <= ?2 ORDER BY number";
    connection.map(sql, params![after, last], rows::event)
}

pub(super) fn previous(
    connection: &dyn Connection,
    key: &str,
    action: &str,
    before: verifier_core::Time,
) -> Result<Option<Request>, StoreError> {
    let sql = "SELECT id FROM request WHERE api_key = ?1 AND action = ?2 AND decided < ?3 AND \
               state = 'approved' AND payload IS NOT NULL ORDER BY decided DESC LIMIT 1";
    match connection.row(sql, params![key, action, millis(before)])? {
        None => Ok(None),
        Some(row) => rows::request(connection, &row.get::<String>("id")?),
    }
}
