//! Sessions of browsers, in a database that several processes work on. They are no part of the
//! chain: a lost one is begun again.

use super::Sql;
use super::database::{Connection, params};
use super::rows::millis;
use crate::store::visits::{Visit, Visits};
use crate::store::{Answer, CLOCK_ALLOWANCE_MILLIS, Store as _, StoreError};

/// How long a challenge is remembered that would not be good any more, in milliseconds: the clocks
/// of two processes are a little apart, and the server's may be set back as far as is allowed.
const REMEMBERED: u64 = CLOCK_ALLOWANCE_MILLIS + 60_000;

/// Ends every session: with a clock that was ahead they would live too long. Challenges that were
/// answered stay so.
pub(super) fn end_all(connection: &dyn Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM session", &[]).map(|_| ())
}

impl Visits for Sql {
    fn secret(&self) -> Answer<'_, [u8; 32]> {
        self.look(|connection| {
            let new = crate::random::<32>()?;
            let sql = "INSERT INTO secret VALUES (1, ?1) ON CONFLICT DO NOTHING";
            connection.execute(sql, params![new])?;
            let kept = connection.row("SELECT bytes FROM secret", &[])?;
            let lost = || StoreError::Damaged("the secret of the sessions was lost".into());
            Ok(kept.ok_or_else(lost)?.get("bytes")?)
        })
    }

    fn begin(&self, visit: Visit) -> Answer<'_, bool> {
        let over = self.now().as_millis().saturating_sub(REMEMBERED);
        self.look(move |connection| {
            connection.execute("DELETE FROM login WHERE until <= ?1", params![over])?;
            connection.execute("DELETE FROM session WHERE until <= ?1", params![over])?;
            // One statement: the challenge is used up with the session that it begins.
            let begun = connection.execute(
                "WITH used AS (INSERT INTO login VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING 1) \
                 INSERT INTO session SELECT ?3, ?4, ?5 FROM used",
                params![
                    visit.challenge,
                    millis(visit.answer_until),
                    visit.cookie,
                    visit.credential_id,
                    millis(visit.until),
                ],
            )?;
            Ok(begun == 1)
        })
    }

    fn visitor(&self, cookie: [u8; 32]) -> Answer<'_, Option<Vec<u8>>> {
        let now = millis(self.now());
        self.look(move |connection| {
            let sql = "SELECT credential FROM session WHERE cookie = ?1 AND until > ?2";
            let found = connection.row(sql, params![cookie, now])?;
            Ok(found.map(|row| row.get("credential")).transpose()?)
        })
    }

    fn leave(&self, cookie: [u8; 32]) -> Answer<'_, ()> {
        self.look(move |connection| {
            connection.execute("DELETE FROM session WHERE cookie = ?1", params![cookie])?;
            Ok(())
        })
    }
}
