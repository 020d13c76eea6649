//! What was done under break-glass files: events of their own, each once.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::{Limits, Value};

use super::database::{Connection, params};
use super::rows;
use super::writer::Step;
use crate::break_glass::{self, Facts, Recorded, ToLog, UsesSeen};
use crate::event::{self, Event};
use crate::refusal::Refusal;
use crate::store::{StoreError, Trouble};

type Result<T, E = Trouble> = core::result::Result<T, E>;

impl Step<'_> {
    /// Records a use, unless an event behind number `seen` has done so: nobody has before.
    pub(super) fn record_use(
        &mut self,
        place: &str,
        seen: &UsesSeen,
        grant: Option<&[u8; 32]>,
        facts: Facts,
    ) -> Result<Recorded> {
        let mut news = None;
        let recorded = self.once(break_glass::KIND, place, seen.last, |step| {
            let since = under_grant(step.connection, grant, seen.last)?;
            let told = facts(&since);
            news = Some((told.notice, told.leaves));
            Ok(told.facts)
        })?;
        // Nobody hears of it twice.
        if let Some((notice, leaves)) = news {
            self.keep_leaves(&notice.use_id, &leaves)?;
            self.announce_use(notice)?;
        }
        Ok(recorded)
    }

    /// Keeps what the log has to be told. What it was told because of an earlier use is not told
    /// again.
    fn keep_leaves(&self, use_id: &str, leaves: &[ToLog]) -> Result<()> {
        for leaf in leaves {
            self.execute(
                "INSERT INTO glass_entry (id, use_id, body, at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (id) DO NOTHING",
                params![leaf.id, use_id, leaf.body, rows::millis(self.now)],
            )?;
        }
        Ok(())
    }

    /// Records that the log has what was signed, once.
    pub(super) fn glass_logged(&mut self, id: &str, bundle: &str) -> Result<()> {
        let sql = "UPDATE glass_entry SET logged = ?2 WHERE id = ?1 AND logged IS NULL";
        if self.execute(sql, params![id, rows::millis(self.now)])? == 0 {
            return Ok(());
        }
        let sql = "SELECT use_id FROM glass_entry WHERE id = ?1";
        let found = self.connection.row(sql, params![id])?;
        let lost = || StoreError::Damaged("what was signed under break-glass was lost".into());
        let use_id: String = found.ok_or_else(lost)?.get("use_id")?;
        let facts = Value::from([
            ("bundle", bundle.into()),
            ("entry", id.into()),
            ("useId", use_id.as_str().into()),
        ]);
        self.event(break_glass::LOGGED, None, facts)
    }

    /// Records what came of a use, unless an event behind number `seen` has done so.
    pub(super) fn end_use(&mut self, place: &str, seen: u64, facts: &str) -> Result<Recorded> {
        self.once(break_glass::ENDED, place, seen, |_| Ok(facts.to_owned()))
    }

    fn once(
        &mut self,
        kind: &'static str,
        place: &str,
        seen: u64,
        facts: impl FnOnce(&Self) -> Result<String>,
    ) -> Result<Recorded> {
        self.require_clock()?;
        if let Some(event) = placed(self.connection, place, seen)? {
            let is_new = false;
            return Ok(Recorded { event, is_new });
        }
        let facts = facts(self)?;
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

/// What the log does not have yet, the oldest first.
pub(super) fn unlogged(connection: &dyn Connection, most: usize) -> Result<Vec<ToLog>, StoreError> {
    let sql = "SELECT id, body FROM glass_entry WHERE logged IS NULL ORDER BY at, id LIMIT ?1";
    connection.map(sql, params![most], |row| {
        Ok(ToLog {
            id: row.get("id")?,
            body: row.get("body")?,
        })
    })
}

/// The event behind number `after` with this place.
fn placed(
    connection: &dyn Connection,
    place: &str,
    after: u64,
) -> Result<Option<Event>, StoreError> {
    let sql = "SELECT number, line FROM event WHERE number > ?1 AND request = ?2 LIMIT 1";
    let found = connection.row(sql, params![after, place])?;
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
    connection.map(sql, params![after, like], rows::event)
}
