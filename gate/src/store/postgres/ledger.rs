//! The session that writes. The row of the chain is locked by whoever is about to continue it, so the
//! transactions of all processes come one after the other, and each sees all that came before it.
//!
//! ```text
//! begin     writer.batch = n; chain.writes + 1, which locks the row; read its end, and what is known
//! commit    chain = the new end; NOTIFY; COMMIT
//! settle    chain.writes + 1; read writer.batch; COMMIT           if a COMMIT has no answer
//! ```
//!
//! A COMMIT of unknown outcome is settled by another one. A read says nothing: the server may show
//! what no standby has yet, and lose it with the server. The write-ahead log is in order, so whatever
//! comes before a confirmed commit is as safe as that is. And the lock of the row is there until the
//! transaction in doubt has ended: when it is free, that one has taken effect, or never will.

use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres_session::address::Address;
use postgres_session::error::Lapse;
use postgres_session::session::{Answer, Purpose};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use verifier_core::Time;

use super::clock::{NOW, ServerClock};
use super::known::{self, Known};
use super::link::Link;
use crate::event::Link as ChainLink;
use crate::store::StoreError;
use crate::store::sql::End;
use crate::store::sql::database::Connection;
use crate::store::sql::writer::Ledger;

/// Longer than the server lets somebody be idle in a transaction: a process that is frozen with the lock
/// of the chain loses it, and those who wait go on.
const WAIT: &str = "SET lock_timeout = '8s'";

/// How long an unknown outcome is asked after. Whoever waits is told then that nobody knows.
const PATIENCE: Duration = Duration::from_secs(15);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Each statement sees what was committed before it, whatever the server, the role or the database
/// is set to: the row of the chain is read after the wait for its lock.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// How long after its last transaction a process counts as gone.
const GONE: &str = "interval '1 day'";

/// The session that writes, opened again when it is lost.
pub(super) struct Book {
    address: Arc<Address>,
    /// The name of this process among those that write.
    holder: Arc<str>,
    clock: Arc<ServerClock>,
    known: Arc<Known>,
    link: Option<Link>,
    /// The end of the chain before the transaction.
    before: End,
    /// The number of the transaction, among those of this process.
    batch: i64,
}

impl Book {
    pub(super) fn new(
        address: &Arc<Address>,
        holder: &Arc<str>,
        clock: &Arc<ServerClock>,
        known: &Arc<Known>,
    ) -> Self {
        Self {
            address: Arc::clone(address),
            holder: Arc::clone(holder),
            clock: Arc::clone(clock),
            known: Arc::clone(known),
            link: None,
            before: End::START,
            batch: 0,
        }
    }

    /// Looks where the chain ends, and what time it is.
    pub(super) fn meet(&mut self) -> Result<End, StoreError> {
        let sql = format!("SELECT number, hash, at, {NOW} FROM chain");
        let gone = format!("DELETE FROM writer WHERE seen < now() - {GONE}");
        let link = self.link()?;
        let asked = Instant::now();
        let row = link.ask(async |client| {
            client.batch_execute(&gone).await?;
            client.query_typed_one(&sql, &[]).await
        })?;
        self.end(&row, asked)
    }

    fn link(&mut self) -> Result<&Link, StoreError> {
        let link = match self.link.take().filter(Link::is_usable) {
            Some(link) => link,
            None => {
                let link = Link::open(&self.address, Purpose::Serve, &self.holder, &self.known)?;
                self.known.require_of(&link)?;
                link.ask(async |client| client.batch_execute(WAIT).await)?;
                link
            }
        };
        Ok(self.link.insert(link))
    }

    /// The end in a row of the chain, with the time.
    fn end(&self, row: &Row, asked: Instant) -> Result<End, StoreError> {
        let read = || -> Answer<(i64, Vec<u8>, i64, i64)> {
            Ok((
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
            ))
        };
        let (number, hash, at, now) = read().map_err(Lapse::from)?;
        self.clock.set(now, asked);
        let end = || {
            let number = u64::try_from(number).ok()?;
            let hash = hash.try_into().ok()?;
            let at = Time::from_millis(u64::try_from(at).ok()?)?;
            Some(End {
                link: ChainLink { number, hash },
                at,
            })
        };
        end().ok_or_else(|| StoreError::Damaged("the end of the chain cannot be read".into()))
    }

    fn try_begin(&mut self) -> Result<End, StoreError> {
        let (holder, batch) = (Arc::clone(&self.holder), self.batch);
        let sql = format!(
            "WITH mine AS (INSERT INTO writer VALUES ($1, $2, now()) ON CONFLICT (id) DO UPDATE \
             SET batch = excluded.batch, seen = excluded.seen) \
             UPDATE chain SET writes = writes + 1 RETURNING number, hash, at, {NOW}, {}",
            known::line(3)
        );
        let expected = self.known.expected();
        let known = expected.number();
        let link = self.link()?;
        let asked = Instant::now();
        let row = link.ask(async |client| {
            client.batch_execute(BEGIN).await?;
            let values: [Valued<'_>; 3] = [
                (&&*holder, Type::TEXT),
                (&batch, Type::INT8),
                (&known, Type::INT8),
            ];
            client.query_typed_one(&sql, &values).await
        })?;
        let line: Option<String> = row.try_get(4).map_err(Lapse::from)?;
        self.known.decide(expected, line.as_deref())?;
        self.end(&row, asked)
    }

    /// Finds out whether this transaction has taken effect.
    fn settle(&mut self, lapse: &Lapse) -> Result<(), StoreError> {
        let begun = Instant::now();
        tracing::warn!("a COMMIT has no answer that counts, and is asked after: {lapse}");
        loop {
            match self.asked_after() {
                Ok(batch) if batch == self.batch => return Ok(()),
                Ok(_) => {
                    return Err(StoreError::Reach(format!("{lapse}; nothing was changed")));
                }
                Err(error) if begun.elapsed() < PATIENCE => {
                    tracing::warn!("{error}");
                    std::thread::sleep(PAUSE);
                }
                Err(error) => {
                    return Err(StoreError::Reach(format!(
                        "{lapse}; whether anything was changed could not be found out: {error}"
                    )));
                }
            }
        }
    }

    /// The number of the last transaction of this process that the server has, by a commit.
    fn asked_after(&mut self) -> Result<i64, StoreError> {
        self.link = None;
        let holder = Arc::clone(&self.holder);
        let link = self.link()?;
        let work = async |client: &Client| -> Answer<i64> {
            client.batch_execute(BEGIN).await?;
            let wrote = "UPDATE chain SET writes = writes + 1";
            client.execute_typed(wrote, &[]).await?;
            let sql = "SELECT coalesce(max(batch), -1) FROM writer WHERE id = $1";
            let values: [Valued<'_>; 1] = [(&&*holder, Type::TEXT)];
            client.query_typed_one(sql, &values).await?.try_get(0)
        };
        let batch = link.ask(work)?;
        link.commit()?;
        Ok(batch)
    }
}

type Valued<'v> = (&'v (dyn tokio_postgres::types::ToSql + Sync), Type);

impl Ledger for Book {
    fn begin(&mut self) -> Result<End, StoreError> {
        self.batch = self.batch.saturating_add(1);
        let was_open = self.link.is_some();
        let begun = match self.try_begin() {
            // The session had ended meanwhile.
            Err(_) if was_open && !self.link.as_ref().is_some_and(Link::is_usable) => {
                self.try_begin()
            }
            done => done,
        };
        self.before = begun?;
        Ok(self.before)
    }

    fn connection(&self) -> Result<&dyn Connection, StoreError> {
        match &self.link {
            Some(link) => Ok(link),
            None => Err(StoreError::Reach("there is no session".into())),
        }
    }

    fn commit(&mut self, end: End) -> Result<(), StoreError> {
        let lost = || StoreError::Reach("the session was lost".into());
        let link = self.link.as_ref().ok_or_else(lost)?;
        if end != self.before {
            let number = i64::try_from(end.link.number).unwrap_or(i64::MAX);
            let at = i64::try_from(end.at.as_millis()).unwrap_or(i64::MAX);
            let (hash, channel) = (&end.link.hash[..], self.address.schema());
            let sql = "UPDATE chain SET number = $1, hash = $2, at = $3 RETURNING \
                       pg_notify($4, '')";
            let values: [Valued<'_>; 4] = [
                (&number, Type::INT8),
                (&hash, Type::BYTEA),
                (&at, Type::INT8),
                (&channel, Type::TEXT),
            ];
            link.ask(async |client| client.query_typed_one(sql, &values).await)?;
        }
        if let Err(lapse) = link.commit() {
            self.settle(&lapse)?;
        }
        self.known.see(end.link);
        Ok(())
    }

    fn undo(&mut self) {
        let Some(link) = self.link.take().filter(Link::is_usable) else {
            return;
        };
        let undone = link.ask(async |client| client.batch_execute("ROLLBACK").await);
        if undone.is_ok() {
            self.link = Some(link);
        }
    }
}
