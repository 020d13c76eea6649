//! API keys and events.

use verifier_core::hazmat::json::{Limits, Value};

use super::database::{Connection, params};
use super::rows::{self, millis};
use super::writer::Step;
use crate::break_glass::{self, Recorded};
use crate::event::{self, Event};
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

impl Step<'_> {
    /// Records a use, unless an event behind number `seen` has done so: nobody has before.
    pub(super) fn record_use(&mut self, place: &str, seen: u64, facts: &str) -> Result<Recorded> {
        self.require_clock()?;
        if let (_, Some(event)) = used(self.connection, place, seen)? {
            let is_new = false;
            return Ok(Recorded { event, is_new });
        }
        let facts = Value::parse(facts.as_bytes(), Limits::bytes(event::MAX_BYTES));
        let facts = facts.map_err(|_| Refusal::internal())?;
        self.event(break_glass::KIND, Some(place), facts)?;
        let (_, event) = used(self.connection, place, seen)?;
        let event = event.ok_or_else(Refusal::internal)?;
        let is_new = true;
        Ok(Recorded { event, is_new })
    }
}

/// What stands in the place of a request's id in the event of a use. It is the id of none.
pub(super) fn place_of_use(id: &str) -> String {
    format!("use:{id}")
}

/// The number of the last event, and the event behind number `after` of the use with this place.
pub(super) fn used(
    connection: &dyn Connection,
    place: &str,
    after: u64,
) -> Result<(u64, Option<Event>), StoreError> {
    let last = rows::end_of_events(connection)?.link.number;
    let sql = "SELECT number, line FROM event WHERE number > ?1 AND request = ?2 LIMIT 1";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let found = connection.row(sql, params![after, place])?;
    Ok((last, found.as_ref().map(rows::event).transpose()?))
}

pub(super) fn keys(connection: &dyn Connection) -> Result<Vec<ApiKey>, StoreError> {
    connection.map("SELECT * FROM api_key ORDER BY name", &[], rows::key)
}

pub(super) fn key(connection: &dyn Connection, id: &str) -> Result<Option<ApiKey>, StoreError> {
    let found = connection.row("SELECT * FROM api_key WHERE id = ?1", params![id])?;
    found.as_ref().map(rows::key).transpose()
}

pub(super) fn events(
    connection: &dyn Connection,
    after: u64,
    most: usize,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT number, line FROM event WHERE number > ?1 ORDER BY number LIMIT ?2";
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    connection.map(sql, params![number(after), number(most)], rows::event)
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
