//! The mark in the row of the head that ends a log whose database went back.
//!
//! ```text
//! freeze   head.frozen = the reason, head.epoch + 1, nobody leads; published.epoch = the same
//! ```
//!
//! The new epoch deposes whoever leads, and a frozen log is never taken over: so the mark is one more
//! reign, that of nobody. Nothing here lifts it. It stands in the database that went back, and a
//! database that has everything has no such mark. So nothing else is changed here any more, either: an
//! erasure that was answered would come back with the other database.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::held;
use super::leader::{Reign, announce, deposed};
use super::link::{Answer, Ending, Incarnation, Link, Place, Value};
use super::rows::number;
use super::session::Purpose;
use crate::error::{LogError, Result};
use crate::store::{Brake, Head};

/// How long the mark is tried to be made before the process ends without: the next start finds the
/// same again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// What makes the mark, in front of its condition.
const FREEZE: &str = "UPDATE head SET frozen = $2, epoch = epoch + 1, leader = NULL, url = NULL, \
                      renewed = '-infinity' WHERE log_id = $1 AND frozen IS NULL";

/// The brake of the process that leads.
#[derive(Debug)]
pub(super) struct LeaderBrake {
    reign: Arc<Reign>,
    link: Mutex<Link>,
}

impl LeaderBrake {
    /// At the server at which the reign began, and at no other.
    pub(super) fn new(reign: &Arc<Reign>, server: &Incarnation) -> Self {
        let link = Link::bound(&reign.place, Purpose::Serve, server);
        Self {
            reign: Arc::clone(reign),
            link: Mutex::new(link),
        }
    }

    fn once(&self, why: &str) -> Result<bool> {
        let sql = format!("{FREEZE} AND epoch = $3 RETURNING epoch");
        let epoch = self.reign.epoch();
        held(&self.link).change(async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&why, Type::TEXT),
                (&*epoch, Type::INT8),
            ];
            let Some(row) = client.query_typed_opt(&sql, values).await? else {
                return Ok(Ending::Undo(false));
            };
            announce(client, log, row.try_get(0)?).await?;
            Ok(Ending::Commit(true))
        })
    }
}

impl Brake for LeaderBrake {
    fn freeze(&self, why: &str) -> Result<()> {
        let why = legible(why);
        let begun = Instant::now();
        loop {
            match self.once(&why) {
                Ok(true) => {
                    tracing::error!(why, "the log is frozen");
                    return Ok(());
                }
                // Also if the answer to an attempt before was lost.
                Ok(false) => match frozen(&mut held(&self.link))? {
                    Some(_) => return Ok(()),
                    None => return Err(deposed(&self.reign.place)),
                },
                Err(failure @ LogError::Deposed(_)) => return Err(failure),
                Err(failure) if begun.elapsed() > PATIENCE => return Err(failure),
                Err(failure) => {
                    tracing::warn!(%failure, "freezing the log");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }
}

/// Freezes the log for this reason if what is committed is behind this head, or of another tree of that
/// size; says whether it is.
pub(super) fn accuse(link: &mut Link, shown: &Head, why: &str) -> Result<bool> {
    let sql = format!("{FREEZE} AND (size < $3 OR (size = $3 AND root <> $4)) RETURNING epoch");
    let why = legible(why);
    let (size, root) = (number(shown.size)?, &shown.root[..]);
    link.change(async |client, log| {
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&why, Type::TEXT),
            (&size, Type::INT8),
            (&root, Type::BYTEA),
        ];
        let Some(row) = client.query_typed_opt(&sql, values).await? else {
            return Ok(Ending::Undo(false));
        };
        announce(client, log, row.try_get(0)?).await?;
        Ok(Ending::Commit(true))
    })
}

/// The reason for which the log is frozen, if it is.
pub(super) fn frozen(link: &mut Link) -> Result<Option<String>> {
    let sql = "SELECT frozen FROM head WHERE log_id = $1";
    link.ask(async |client, log| -> Answer<Option<String>> {
        let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
        row.try_get(0)
    })
}

/// What a transaction that changes something has to know of the log first.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// The reason for which nothing may be changed.
    pub(super) frozen: Option<String>,
    /// The id of the erasure key that evidence is sealed under.
    pub(super) kek: Option<String>,
}

/// How the log stands, until the transaction ends: neither of the two can change before that.
pub(super) async fn standing(client: &Client, log: i32) -> Answer<Standing> {
    let sql = "SELECT frozen, kek FROM head WHERE log_id = $1 FOR SHARE";
    let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
    Ok(Standing {
        frozen: row.try_get(0)?,
        kek: row.try_get(1)?,
    })
}

/// The reason for which nothing may be changed, in the transaction that is to change something.
pub(super) async fn in_the_way(client: &Client, log: i32) -> Answer<Option<String>> {
    Ok(standing(client, log).await?.frozen)
}

/// The error of whoever asks a frozen log for more than it can do.
pub(super) fn refusal(place: &Place, why: &str) -> LogError {
    LogError::Rollback(format!(
        "the log {} in {} is frozen: {why}. Nothing lifts this, since what comes next would be a fork; \
         the database that has everything is not frozen",
        verifier_core::plain(place.key.name()),
        place.address
    ))
}

/// A text of PostgreSQL has no U+0000.
fn legible(why: &str) -> String {
    why.trim_end_matches('.').replace('\0', "\u{fffd}")
}
