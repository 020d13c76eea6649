//! The one that leads: an epoch in the row of the head says who, and every commit and every
//! publication names its epoch.
//!
//! ```text
//! take over    head.epoch + 1, published.epoch = the same, COMMIT     if the lease has LAPSED,
//!                                                                    and the log is not frozen
//! commit       head … WHERE epoch = mine AND size = old AND root = old, and the log is not closed
//! publish      published … WHERE epoch = mine AND size <= new
//! ```
//!
//! The clock of the database alone says when a lease has run out, so those of the members need not
//! agree. The row is locked by whoever changes it: a commit under an old epoch either comes before
//! the take-over, which then sees it, or never.
//!
//! A commit of unknown outcome is settled by the commit of one more epoch. A read says nothing: the
//! server may show what no standby has yet, and lose it with the server. The write-ahead log is in
//! order, so whatever comes before a confirmed commit is as safe as that is.
//!
//! A reign ends with the server that it began at. A standby that was promoted may be behind it, and
//! then has the epochs and heads of old: only a start compares those with what is known elsewhere.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use verifier_core::hazmat::encoding::hex;

use super::batch::{Batch, Written};
use super::freeze::{self, LeaderBrake};
use super::link::{Answer, Ending, Link, Place, Value};
use super::publisher::Publisher;
use super::session::Purpose;
use super::{rows, sealing};
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::store::{Addition, Claim, Head, Holders, Lead, Outcome, Store, Tenure};

/// Whether nobody has said for 5 seconds that they lead. Who has said so in the future has said it at a
/// server whose clock was ahead of this one's: nothing is known of them but that it is long ago, and
/// their epoch ends as any other.
pub(super) const LAPSED: &str =
    "(renewed < now() - interval '5 s' OR renewed > now() + interval '5 s')";

/// How long an unknown outcome is asked after before the process gives up. By then somebody else
/// may lead.
const PATIENCE: Duration = Duration::from_secs(15);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// The right to lead, for as long as the database agrees.
#[derive(Debug)]
pub(super) struct Reign {
    pub(super) place: Place,
    /// The name of this member, drawn for this reign.
    leader: String,
    /// It changes while an outcome is settled; who publishes meanwhile waits.
    epoch: RwLock<i64>,
}

impl Reign {
    pub(super) fn epoch(&self) -> RwLockReadGuard<'_, i64> {
        self.epoch.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Becomes the one that leads, if nobody else does.
pub(super) fn take_over(place: &Place, url: Option<&str>) -> Result<Lead> {
    let leader = hex(&crate::random::<8>()?);
    let (mut link, server) = Link::open_bound(place, Purpose::Lead)?;
    let take = format!(
        "UPDATE head SET epoch = epoch + 1, leader = $2, url = $3, renewed = now() \
         WHERE log_id = $1 AND frozen IS NULL AND {LAPSED} RETURNING epoch, kek"
    );
    let taken = link.change(async |client, log| {
        let values: &[Value<'_>] = &[
            (&log, Type::INT4),
            (&leader, Type::TEXT),
            (&url, Type::TEXT),
        ];
        let Some(row) = client.query_typed_opt(&take, values).await? else {
            return Ok(Ending::Undo(None));
        };
        let epoch: i64 = row.try_get(0)?;
        announce(client, log, epoch).await?;
        let kek: Option<String> = row.try_get(1)?;
        Ok(Ending::Commit(Some((epoch, kek))))
    });
    let Some((epoch, kek)) = taken? else {
        if let Some(why) = freeze::frozen(&mut link)? {
            return Err(freeze::refusal(place, &why));
        }
        return Err(LogError::Usage(format!(
            "another process leads the log {} in {}: stop it first, or wait until its lease has run \
             out",
            verifier_core::plain(place.key.name()),
            place.address
        )));
    };
    // It was there when the start looked.
    place.seal(kek.as_deref())?;
    tracing::info!(epoch, "leading");
    let reign = Arc::new(Reign {
        place: place.clone(),
        leader,
        epoch: RwLock::new(epoch),
    });
    let bound = |purpose| Link::bound(place, purpose, &server);
    Ok(Lead {
        store: Box::new(Writer {
            reign: Arc::clone(&reign),
            link,
            certain: None,
            kek,
        }),
        publish: Box::new(Publisher {
            reign: Arc::clone(&reign),
            link: bound(Purpose::Lead),
        }),
        tenure: Some(Box::new(Renewal {
            reign: Arc::clone(&reign),
            link: bound(Purpose::Serve),
        })),
        brake: Some(Arc::new(LeaderBrake::new(&reign, &server))),
        guard: Box::new(Resignation(reign)),
    })
}

/// Who publishes needs the same epoch.
pub(super) async fn announce(client: &Client, log: i32, epoch: i64) -> Answer<()> {
    let sql = "UPDATE published SET epoch = $2 WHERE log_id = $1";
    let values: &[Value<'_>] = &[(&log, Type::INT4), (&epoch, Type::INT8)];
    client.execute_typed(sql, values).await.map(|_| ())
}

/// Where entries are committed.
#[derive(Debug)]
struct Writer {
    reign: Arc<Reign>,
    link: Link,
    /// The committed head, unless there is a doubt about it.
    certain: Option<Head>,
    /// The erasure key that evidence is sealed under, as far as this process knows.
    kek: Option<String>,
}

impl Writer {
    /// Whether another erasure key has become the current one, which is then used. It has to be here:
    /// somebody else who has it can lead.
    fn has_new_key(&mut self) -> Result<bool> {
        let kek = self.link.ask(sealing::current)?;
        if kek == self.kek {
            return Ok(false);
        }
        if let Some(id) = &kek
            && self.reign.place.keys.find(id).is_none()
        {
            let place = &self.reign.place;
            let why = place.keys.lacks(id, place.key.name());
            return Err(LogError::Deposed(why));
        }
        tracing::info!(kek, "another erasure key");
        self.kek = kek;
        Ok(true)
    }

    /// Writes a batch, but for its COMMIT.
    fn prepare(
        &mut self,
        old: &Head,
        new: &Head,
        additions: &[Addition],
        published: u64,
    ) -> Result<Ending<Written>> {
        let epoch = *self.reign.epoch();
        #[cfg(test)]
        let epoch = match self.reign.place.unfenced {
            true => self.any_epoch()?,
            false => epoch,
        };
        let kek = self.kek.as_deref();
        let seal = self.reign.place.seal(kek)?;
        let batch = Batch::new((kek, seal), old, new, additions, published)?;
        self.link.prepare(async |client, log| {
            Ok(match batch.write(client, log, epoch).await? {
                Written::All => Ending::Commit(Written::All),
                other => Ending::Undo(other),
            })
        })
    }
}

impl Writer {
    /// One more epoch, if the last one is still ours.
    fn bump(&mut self, epoch: i64) -> Result<Option<i64>> {
        let sql = "UPDATE head SET epoch = epoch + 1, renewed = now() \
                   WHERE log_id = $1 AND epoch = $2 AND leader = $3 RETURNING epoch";
        let leader = &self.reign.leader;
        self.link.change(async |client, log| {
            let values: &[Value<'_>] = &[
                (&log, Type::INT4),
                (&epoch, Type::INT8),
                (leader, Type::TEXT),
            ];
            let Some(row) = client.query_typed_opt(sql, values).await? else {
                return Ok(Ending::Undo(None));
            };
            let next = row.try_get(0)?;
            announce(client, log, next).await?;
            Ok(Ending::Commit(Some(next)))
        })
    }

    /// The epoch of the database, if it is one of this reign. A bump whose own outcome is unknown
    /// may have taken effect.
    fn current(&mut self) -> Result<Option<i64>> {
        let sql = "SELECT epoch FROM head WHERE log_id = $1 AND leader = $2";
        let leader = &self.reign.leader;
        self.link.ask(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (leader, Type::TEXT)];
            let row = client.query_typed_opt(sql, values).await?;
            row.map(|row| row.try_get(0)).transpose()
        })
    }
}

impl Writer {
    /// The COMMIT of what is written, and what became of it.
    fn end_commit(&mut self, new: &Head) -> Result<Outcome> {
        self.certain = None;
        failpoint::pass("before-batch");
        let Err(lapse) = self.link.commit() else {
            failpoint::pass("after-batch");
            self.certain = Some(new.clone());
            return Ok(Outcome::Committed);
        };
        tracing::warn!(%lapse, "the outcome of a commit is unknown");
        match self.settle()? == *new {
            true => Ok(Outcome::Committed),
            false => Err(lapse.into()),
        }
    }
}

#[cfg(test)]
impl Writer {
    /// Whatever the epoch is.
    fn any_epoch(&mut self) -> Result<i64> {
        let sql = "SELECT epoch FROM head WHERE log_id = $1";
        self.link.ask(async |client, log| {
            let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
            row.try_get(0)
        })
    }
}

impl Store for Writer {
    fn head(&mut self) -> Result<Head> {
        rows::head(&mut self.link)
    }

    fn settle(&mut self) -> Result<Head> {
        if let Some(head) = self.certain.clone() {
            // Nothing was sent that could still take effect, so this needs no server.
            return match self.current() {
                Ok(None) => Err(deposed(&self.reign.place)),
                Err(failure @ LogError::Deposed(_)) => Err(failure),
                Ok(Some(_)) | Err(_) => Ok(head),
            };
        }
        let reign = Arc::clone(&self.reign);
        let mut epoch = reign.epoch.write().unwrap_or_else(PoisonError::into_inner);
        self.link.forget();
        let begun = Instant::now();
        loop {
            let bumped = self.current().and_then(|found| match found {
                Some(found) => self.bump(found),
                None => Ok(None),
            });
            match bumped {
                Ok(Some(next)) => {
                    *epoch = next;
                    let head = self.head()?;
                    self.certain = Some(head.clone());
                    return Ok(head);
                }
                Ok(None) => return Err(deposed(&reign.place)),
                Err(failure @ LogError::Deposed(_)) => return Err(failure),
                Err(failure) if begun.elapsed() > PATIENCE => return Err(failure),
                Err(failure) => {
                    tracing::warn!(%failure, "asking what became of a commit");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    fn claimed(&mut self, claims: &[Claim]) -> Result<Vec<Holders>> {
        rows::claimed(&mut self.link, claims)
    }

    fn commit(
        &mut self,
        old: &Head,
        new: &Head,
        additions: &[Addition],
        published: u64,
    ) -> Result<Outcome> {
        let mut prepared = self.prepare(old, new, additions, published)?;
        if matches!(prepared, Ending::Undo(Written::Nothing)) {
            // The database has something else than this process took for certain.
            self.certain = None;
            if self.has_new_key()? {
                prepared = self.prepare(old, new, additions, published)?;
            }
        }
        match prepared {
            Ending::Commit(_) => self.end_commit(new),
            Ending::Undo(Written::Nothing) => {
                if self.current()?.is_none() {
                    return Err(deposed(&self.reign.place));
                }
                let closing = rows::closing(&mut self.link)?;
                Ok(closing.map_or(Outcome::Moved, Outcome::Closed))
            }
            Ending::Undo(_) => Err(LogError::damage(
                "the database has not written what it was told to: it has a rule or a trigger that \
                 is not of this program. `cosignet-log fsck` names it",
            )),
        }
    }

    fn is_taken(&mut self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT FROM staged s WHERE s.log_id = $1 AND last >= size) \
                   OR EXISTS (SELECT FROM evidence e WHERE e.log_id = $1 AND leaf >= size) \
                   OR EXISTS (SELECT FROM evidence_key k WHERE k.log_id = $1 AND leaf >= size) \
                   FROM head WHERE log_id = $1";
        self.link.ask(async |client, log| {
            let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
            row.try_get(0)
        })
    }

    fn staged_leaf(&mut self, at: u64) -> Result<String> {
        let leaves = rows::staged(&mut self.link, at, at.saturating_add(1))?;
        leaves.into_iter().next().ok_or_else(|| rows::lost(at))
    }

    fn staged(&mut self, first: u64) -> Result<Vec<String>> {
        rows::staged(&mut self.link, first, u64::MAX)
    }
}

/// The one that says again and again that this process leads.
#[derive(Debug)]
struct Renewal {
    reign: Arc<Reign>,
    link: Link,
}

impl Tenure for Renewal {
    fn renew(&mut self) -> Result<()> {
        let leader = &self.reign.leader;
        // A batch has done so already, most of the time; and the row is not waited for.
        let sql = "SELECT leader = $2, renewed < now() - interval '900 ms' \
                   OR renewed > now() + interval '900 ms' FROM head WHERE log_id = $1";
        let renew = "UPDATE head SET renewed = now() WHERE log_id = $1 AND leader = $2";
        let ours = self.link.change(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (leader, Type::TEXT)];
            let row: Row = client.query_typed_one(sql, values).await?;
            let (ours, old): (Option<bool>, bool) = (row.try_get(0)?, row.try_get(1)?);
            if ours != Some(true) || !old {
                return Ok(Ending::Undo(ours == Some(true)));
            }
            let renewed = client.execute_typed(renew, values).await?;
            Ok(Ending::Commit(renewed == 1))
        })?;
        match ours || failpoint::unfenced() {
            true => Ok(()),
            false => Err(deposed(&self.reign.place)),
        }
    }
}

/// The end of a reign: somebody else can lead at once.
#[derive(Debug)]
struct Resignation(Arc<Reign>);

impl Drop for Resignation {
    fn drop(&mut self) {
        let leader = &self.0.leader;
        let sql = "UPDATE head SET renewed = '-infinity' WHERE log_id = $1 AND leader = $2";
        let mut link = Link::new(&self.0.place, Purpose::Serve);
        let done = link.change(async |client, log| {
            let values: &[Value<'_>] = &[(&log, Type::INT4), (leader, Type::TEXT)];
            client.execute_typed(sql, values).await?;
            Ok(Ending::Commit(()))
        });
        if let Err(failure) = done {
            // Its lease runs out anyway.
            tracing::warn!(%failure, "cannot hand the log over");
        }
    }
}

pub(super) fn deposed(place: &Place) -> LogError {
    LogError::Deposed(format!(
        "another process leads the log {} by now, or has frozen it: what this one has not published is \
         published by that one. Start again, to follow it",
        verifier_core::plain(place.key.name())
    ))
}
