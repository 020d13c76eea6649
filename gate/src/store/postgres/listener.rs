//! The thread that hears of what other processes have changed. A notification is a hint to look, and
//! it looks without one as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgres_session::address::Address;
use postgres_session::session::{Answer, Purpose};
use tokio_postgres::types::Type;

use super::clock::{NOW, ServerClock};
use super::known::{self, Known};
use super::link::Link;
use crate::store::StoreError;
use crate::store::sql::{Change, Notify};

/// How often to look without being called.
const LOOK: Duration = Duration::from_millis(500);

/// How long after a session that was lost the next one is opened.
const PAUSE: Duration = Duration::from_secs(2);

/// How many events are read at once.
const EVENTS: i64 = 1000;

/// How many events are told of again with a new session: one server may have shown what another one
/// never got, and has other events under these numbers.
const AGAIN: i64 = 100;

/// The thread. It ends soon after this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    ended: Arc<AtomicBool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Listener {
    pub(super) fn start(mut ear: Ear) -> Result<Self, StoreError> {
        let ended = Arc::new(AtomicBool::new(false));
        let listener = Self {
            ended: Arc::clone(&ended),
        };
        std::thread::Builder::new()
            .name("listener".into())
            .spawn(move || ear.run(&ended))
            .map_err(|error| StoreError::Reach(error.to_string()))?;
        Ok(listener)
    }
}

/// Somebody who hears of every event behind those that are known.
pub(super) struct Ear {
    pub(super) address: Arc<Address>,
    pub(super) holder: Arc<str>,
    pub(super) clock: Arc<ServerClock>,
    pub(super) known: Arc<Known>,
    /// The last event that was told of.
    pub(super) seen: i64,
    pub(super) notify: Notify,
}

impl Ear {
    fn run(&mut self, ended: &AtomicBool) {
        while !ended.load(Ordering::Relaxed) {
            if let Err(error) = self.listen(ended) {
                tracing::warn!("changes of other processes are not heard: {error}");
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Listens as long as the session lasts.
    fn listen(&mut self, ended: &AtomicBool) -> Result<(), StoreError> {
        let link = Link::open(&self.address, Purpose::Serve, &self.holder, &self.known)?;
        self.known.require_of(&link)?;
        let sql = format!("LISTEN {}", self.address.schema());
        link.ask(async |client| client.batch_execute(&sql).await)?;
        self.seen = self.seen.saturating_sub(AGAIN).max(0);
        while !ended.load(Ordering::Relaxed) {
            while self.look(&link)? {}
            link.hear(LOOK)?;
        }
        Ok(())
    }

    /// Tells of some events; returns whether there may be more.
    fn look(&mut self, link: &Link) -> Result<bool, StoreError> {
        let chain = format!("SELECT number, {NOW}, {} FROM chain", known::line(1));
        let events = "SELECT number, request FROM event WHERE number > $1 ORDER BY number LIMIT $2";
        let seen = self.seen;
        type Event = (i64, Option<String>);
        let expected = self.known.expected();
        let (known, asked) = (expected.number(), Instant::now());
        let (end, line, found) = link.ask(async |client| -> Answer<_> {
            let row = client
                .query_typed_one(&chain, &[(&known, Type::INT8)])
                .await?;
            let (end, now): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            let line: Option<String> = row.try_get(2)?;
            self.clock.set(now, asked);
            if end <= seen {
                return Ok((end, line, Vec::new()));
            }
            let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(&seen, Type::INT8), (&EVENTS, Type::INT8)];
            let rows = client.query_typed(events, &values).await?;
            let each = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
            let found = rows.iter().map(each).collect::<Answer<Vec<Event>>>()?;
            Ok((end, line, found))
        })?;
        self.known.require(expected, line.as_deref())?;
        self.seen = self.seen.min(end);
        if let Some((last, _)) = found.last() {
            self.seen = *last;
        }
        for id in found.iter().filter_map(|(_, request)| request.as_deref()) {
            (self.notify)(Change::Request(id));
        }
        if !found.is_empty() {
            (self.notify)(Change::Deliveries);
        }
        Ok(!found.is_empty())
    }
}
