//! API keys and events.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::{Limits, Value};

use super::database::{Connection, params};
use super::rows::{self, millis};
use super::writer::Step;
use crate::break_glass::{self, Facts, Recorded, UsesSeen};
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
    pub(super) fn record_use(
        &mut self,
        place: &str,
        seen: &UsesSeen,
        grant: Option<&[u8; 32]>,
        facts: Facts,
    ) -> Result<Recorded> {
        self.require_clock()?;
        if let Some(event) = placed(self.connection, place, seen.last)? {
            let is_new = false;
            return Ok(Recorded { event, is_new });
        }
        let since = under_grant(self.connection, grant, seen.last)?;
        self.record(break_glass::KIND, place, seen.last, &facts(&since))
    }

    /// Records what came of a use, unless an event behind number `seen` has done so.
    pub(super) fn end_use(&mut self, place: &str, seen: u64, facts: &str) -> Result<Recorded> {
        self.require_clock()?;
        if let Some(event) = placed(self.connection, place, seen)? {
            let is_new = false;
            return Ok(Recorded { event, is_new });
        }
        self.record(break_glass::ENDED, place, seen, facts)
    }

    fn record(
        &mut self,
        kind: &'static str,
        place: &str,
        seen: u64,
        facts: &str,
    ) -> Result<Recorded> {
        let facts = Value::parse(facts.as_bytes(), Limits::bytes(event::MAX_BYTES));
        let facts = facts.map_err(|_| Refusal::internal())?;
        self.event(kind, Some(place), facts)?;
        let event = placed(self.connection, place, seen)?;
        let event = event.ok_or_else(Refusal::internal)?;
        let is_new = true;
        Ok(Recorded { event, is_new })
    }
}

/// What stands in the place of a request's id in the event of a use. It is the id of none.
pub(super) fn place_of_use(id: &str) -> String {
    format!("use:{id}")
}

/// The same in the event of what came of it. It does not begin as those of uses do.
pub(super) fn place_of_end(id: &str) -> String {
    format!("use-end:{id}")
}

/// What is known of the use with this id, and of others under the same grant.
pub(super) fn uses_seen(
    connection: &dyn Connection,
    id: &str,
    grant: Option<&[u8; 32]>,
) -> Result<UsesSeen, StoreError> {
    let last = rows::end_of_events(connection)?.link.number;
    let used = placed(connection, &place_of_use(id), 0)?;
    let (ended, same_grant) = match &used {
        Some(used) => {
            let ended = placed(connection, &place_of_end(id), used.number)?;
            (ended, Vec::new())
        }
        None => (None, under_grant(connection, grant, 0)?),
    };
    Ok(UsesSeen {
        last,
        used,
        ended,
        same_grant,
    })
}

/// The event behind number `after` with this place.
fn placed(
    connection: &dyn Connection,
    place: &str,
    after: u64,
) -> Result<Option<Event>, StoreError> {
    let sql = "SELECT number, line FROM event WHERE number > ?1 AND request = ?2 LIMIT 1";
    let found = connection.row(sql, params![signed(after), place])?;
    found.as_ref().map(rows::event).transpose()
}

/// The uses behind number `after` under this grant, as many as could be permitted and one more.
/// What is searched for stands in no string of the line: there its quotation marks are escaped.
fn under_grant(
    connection: &dyn Connection,
    grant: Option<&[u8; 32]>,
    after: u64,
) -> Result<Vec<Event>, StoreError> {
    let Some(grant) = grant else {
        return Ok(Vec::new());
    };
    let like = format!("%\"grantSha256\":\"{}\"%", hex(grant));
    let sql = "SELECT number, line FROM event WHERE number > ?1 AND request >= 'use:' AND \
               request < 'use;' AND line LIKE ?2 ORDER BY number LIMIT 101";
    connection.map(sql, params![signed(after), like], rows::event)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
    let most = signed(u64::try_from(most).unwrap_or(u64::MAX));
    let sizes = connection.map(sql, params![signed(after), most], |row| {
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
    connection.map(sql, params![signed(after), signed(last)], rows::event)
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
