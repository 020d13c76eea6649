//! The one writer: gathers what waits, signs the next head, commits it as one batch, and hands it
//! to the publisher.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use verifier_core::Time;
use verifier_core::hazmat::leaf::Leaf;

use crate::admission::Rules;
use crate::batch::{Batch, Entered, Growth, Job, Stage};
use crate::cosign::Cosigner;
use crate::edge::{Edge, File};
use crate::error::{LogError, Result};
use crate::failpoint;
use crate::health::Health;
use crate::key::LogKey;
use crate::metrics::Metrics;
use crate::refusal::{Reason, Refusal};
use crate::store::{Addition, Claim, Head, Holders, Outcome, Store};
use crate::tiles::Tiles;

/// The most entries of a batch.
pub(crate) const MAX_BATCH: usize = 1024;

/// The writer.
#[derive(Debug)]
pub(crate) struct Sequencer {
    pub(crate) store: Box<dyn Store>,
    pub(crate) key: Arc<LogKey>,
    /// The committed head.
    pub(crate) head: Head,
    /// The right edge of the tree of the last committed head.
    pub(crate) edge: Edge,
    pub(crate) tiles: Tiles,
    pub(crate) cosigner: Arc<Cosigner>,
    pub(crate) published: watch::Receiver<Arc<Head>>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
}

/// The outcomes of the jobs of a batch, in their order.
struct Committed {
    growth: Option<Growth>,
    outcomes: Vec<std::result::Result<Entered, Refusal>>,
}

/// The batch before.
#[derive(Debug)]
pub(crate) struct Last {
    clients: usize,
    stage: watch::Receiver<Stage>,
}

impl Last {
    pub(crate) fn new(batch: &Batch) -> Self {
        Self {
            clients: batch.clients.len(),
            stage: batch.stage.subscribe(),
        }
    }

    /// Waits until a head may be signed on top of it. `false` if the publisher gives it up.
    async fn cosigned(&mut self) -> bool {
        let cosigned = self.stage.wait_for(|stage| *stage >= Stage::Cosigned);
        cosigned.await.is_ok()
    }

    /// Waits until nobody waits for it.
    async fn answered(&mut self) {
        // Whoever gives it up answers, too.
        let _ = self.stage.wait_for(|stage| *stage == Stage::Answered).await;
    }
}

impl Sequencer {
    /// Works until nobody can append any more and the queue is empty, or the publisher gives up.
    /// Nothing is signed before `last` is cosigned.
    pub(crate) fn run(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        publisher: &mpsc::Sender<Batch>,
        mut last: Last,
    ) -> Result<()> {
        let waiting = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| LogError::System(error.to_string()))?;
        while waiting.block_on(last.cosigned()) {
            let Some(jobs) = waiting.block_on(gather(&mut jobs, &mut last)) else {
                return Ok(());
            };
            let Some(batch) = self.step(jobs)? else {
                continue;
            };
            last = Last::new(&batch);
            let handed_over = waiting.block_on(publisher.send(batch));
            failpoint::pass("after-hand-over");
            if let Err(mpsc::error::SendError(batch)) = handed_over {
                batch.refuse(&Refusal::not_published());
            }
        }
        // The process ends with heads that are not published: nothing more is built on them.
        while let Ok(job) = jobs.try_recv() {
            job.client.answer(Err(Refusal::not_published()));
        }
        Ok(())
    }

    /// Commits a batch, if it can be.
    fn step(&mut self, jobs: Vec<Job>) -> Result<Option<Batch>> {
        let begun = Instant::now();
        match self.append(&jobs) {
            Ok(committed) => {
                let clients = jobs.into_iter().map(|job| job.client);
                let clients = clients.zip(committed.outcomes).collect();
                Ok(Some(Batch::new(committed.growth, clients, begun)))
            }
            Err(failure) if failure.ends_reign() => Err(failure),
            Err(failure) => {
                tracing::error!(%failure, "cannot commit");
                if failure.is_damage() {
                    self.health.damaged(&failure.to_string());
                }
                self.after_unknown_outcome()?;
                for job in jobs {
                    job.client.answer(Err(Refusal::internal()));
                }
                Ok(None)
            }
        }
    }

    /// Commits what is new of a batch, and says what each job came to. An error that belongs to one
    /// job is that job's outcome; only what the whole batch needs can fail it.
    fn append(&mut self, batch: &[Job]) -> Result<Committed> {
        let claims: Vec<Claim> = batch.iter().map(|job| job.admitted.claim()).collect();
        let holders = self.holders(&claims);
        let now = crate::now();
        let mut additions: Vec<Addition> = Vec::new();
        // What this batch itself takes.
        let mut approvals = HashMap::new();
        let mut assertions = HashMap::new();
        let mut outcomes = Vec::new();
        for ((job, claim), held) in batch.iter().zip(&claims).zip(holders) {
            let held = match held {
                Ok(held) => held,
                Err(failure) => {
                    outcomes.push(Err(failed(&failure)));
                    continue;
                }
            };
            let approval = held
                .approval
                .or_else(|| approvals.get(&claim.approval).copied());
            let assertion = held
                .assertion
                .or_else(|| assertions.get(&claim.assertion).copied());
            outcomes.push(match (approval, assertion) {
                (Some(index), _) => self.repeat(job, index, &additions),
                (None, Some(_)) => Err(Refusal::new(
                    Reason::AssertionReused,
                    "This assertion is in the log under another approval id.",
                )),
                (None, None) => match self.may_enter(job, now) {
                    Err(refusal) => Err(refusal),
                    Ok(()) => {
                        let index = self.head.size + crate::count(additions.len());
                        let addition = job.admitted.addition(crate::random()?);
                        approvals.insert(claim.approval, index);
                        assertions.insert(claim.assertion, index);
                        let entered = Entered {
                            index,
                            repeat: false,
                            leaf: addition.leaf.clone(),
                            blind: addition.evidence.blind,
                        };
                        additions.push(addition);
                        Ok(entered)
                    }
                },
            });
        }
        let growth = match additions.as_slice() {
            [] => None,
            some => match self.commit(some)? {
                Some(growth) => Some(growth),
                // Closed meanwhile: those who repeat something are answered all the same.
                None => return self.append(batch),
            },
        };
        Ok(Committed { growth, outcomes })
    }

    /// Whether what is not in the log may be entered into it.
    fn may_enter(&self, job: &Job, now: Time) -> std::result::Result<(), Refusal> {
        if let Some(closing) = self.health.closing() {
            return Err(Refusal::closed(&closing));
        }
        job.entry.clone()?;
        if !self.health.admits() {
            return Err(Refusal::held_back());
        }
        job.admitted.check_time(now, &self.rules)
    }

    /// The holder of each claim. A claim that cannot be read is the trouble of those who ask for
    /// it: a claim that nobody can look up is not appended.
    fn holders(&mut self, claims: &[Claim]) -> Vec<Result<Holders>> {
        let head = self.head.size;
        let found: Vec<Result<Holders>> = match self.store.claimed(claims) {
            Ok(all) => all.into_iter().map(Ok).collect(),
            Err(_) => {
                let lost = || LogError::System("a claim was not looked up".into());
                let one = |claim: &Claim| -> Result<Holders> {
                    let found = self.store.claimed(std::slice::from_ref(claim))?;
                    found.first().copied().ok_or_else(lost)
                };
                claims.iter().map(one).collect()
            }
        };
        let exists = |index: Option<u64>| index.is_none_or(|index| index < head);
        let found = found.into_iter().map(|holders| -> Result<Holders> {
            let holders = holders?;
            if exists(holders.approval) && exists(holders.assertion) {
                return Ok(holders);
            }
            Err(LogError::damage(
                "the database: a row of approval or assertion names an entry that does not exist; \
                 `cosignet-log fsck` lists all damage",
            ))
        });
        found.collect()
    }

    /// The outcome for a job whose approval id is in the log, or is before it in its batch.
    fn repeat(
        &mut self,
        job: &Job,
        index: u64,
        additions: &[Addition],
    ) -> std::result::Result<Entered, Refusal> {
        let found = self.entry(index, additions).map_err(|f| failed(&f))?;
        let entry = Leaf::parse(&found.leaf).map_err(|error| {
            failed(&LogError::damage(format!(
                "entry {index} of the log: {error}"
            )))
        })?;
        if job.admitted.repeats(&entry) {
            return Ok(found);
        }
        Err(Refusal::new(
            Reason::Conflict,
            "This approval id is in the log with another entry.",
        ))
    }

    /// Commits these entries; `None` if the log is closed.
    fn commit(&mut self, additions: &[Addition]) -> Result<Option<Growth>> {
        let mut edge = self.edge.clone();
        let leaves = additions.iter().map(|addition| addition.leaf.as_bytes());
        let files: Vec<File> = edge.append(leaves)?;
        let (size, root) = (edge.size(), edge.root());
        // A log that was rolled back signs nothing more.
        self.cosigner.confirm()?;
        let new = self.key.head(size, root)?;
        let published = self.published.borrow().size;
        match self.store.commit(&self.head, &new, additions, published)? {
            Outcome::Committed => {}
            Outcome::Closed(closing) => {
                self.health.close(closing);
                return Ok(None);
            }
            Outcome::Moved => {
                return Err(LogError::damage(
                    "another process has appended to this log behind this one's back",
                ));
            }
        }
        self.metrics.appended(additions.len());
        self.edge = edge;
        if self.published.borrow().size < self.head.size {
            failpoint::pass("after-second-commit");
        }
        self.head = new.clone();
        Ok(Some(Growth { head: new, files }))
    }

    /// After an error in a commit: goes on only if the database says that nothing happened, nor will.
    fn after_unknown_outcome(&mut self) -> Result<()> {
        let found = self.store.settle()?;
        if found == self.head {
            return Ok(());
        }
        Err(LogError::System(
            "a commit ended with an error and yet took effect: start again, the start-up checks \
             finish it"
                .into(),
        ))
    }

    /// An entry that was committed before, or is added in this batch.
    fn entry(&mut self, index: u64, additions: &[Addition]) -> Result<Entered> {
        let own = index.checked_sub(self.head.size);
        let own = own.and_then(|at| additions.get(usize::try_from(at).ok()?));
        let published = self.published.borrow().size;
        let leaf = match own {
            Some(addition) => addition.leaf.clone(),
            None if index < published => self.tiles.leaf(index, published)?,
            // What is not published may have no tiles yet, and is kept in the database.
            None => self.store.staged_leaf(index)?,
        };
        Ok(Entered {
            index,
            repeat: true,
            leaf,
            blind: None,
        })
    }
}

/// The answer to a job that met an error of the log.
fn failed(failure: &LogError) -> Refusal {
    tracing::error!(%failure, "cannot answer an append");
    Refusal::internal()
}

/// Takes what waits. While the batch before is being published, it waits for as many as are in
/// that one: small batches cost as much as large ones.
async fn gather<J>(jobs: &mut mpsc::Receiver<J>, last: &mut Last) -> Option<Vec<J>> {
    let mut batch = Vec::new();
    let mut ended = jobs.recv_many(&mut batch, MAX_BATCH).await == 0;
    while !ended && batch.len() < last.clients {
        let room = MAX_BATCH - batch.len();
        tokio::select! {
            biased;
            () = last.answered() => break,
            more = jobs.recv_many(&mut batch, room) => ended = more == 0,
        }
    }
    while batch.len() < MAX_BATCH
        && let Ok(job) = jobs.try_recv()
    {
        batch.push(job);
    }
    (!batch.is_empty()).then_some(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of so many clients, cosigned, and who waits for it.
    fn cosigned(clients: usize) -> (watch::Sender<Stage>, Last) {
        let sender = watch::Sender::new(Stage::Cosigned);
        let stage = sender.subscribe();
        (sender, Last { clients, stage })
    }

    /// Gathers these jobs, if that ends.
    fn gathered(
        last: &mut Last,
        jobs: &mut mpsc::Receiver<usize>,
        sent: &mpsc::Sender<usize>,
        count: usize,
    ) -> Option<usize> {
        (0..count).for_each(|job| sent.try_send(job).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let short = std::time::Duration::from_millis(20);
        let done = runtime.block_on(async {
            tokio::time::timeout(short, gather(jobs, last))
                .await
                .unwrap_or_default()
        });
        done.map(|batch| batch.len())
    }

    #[test]
    fn a_batch_waits_for_as_many_as_the_one_before_has_until_that_is_answered() {
        let (sent, mut jobs) = mpsc::channel(10_000);
        let (stage, mut last) = cosigned(5);
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 0), None);
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 5), Some(5));
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 9), Some(9));
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 4), None);
        stage.send_replace(Stage::Answered);
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 3), Some(3));
        // Nor is it ever larger than the most.
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 3000), Some(1024));
        let (_stage, mut last) = cosigned(1024);
        assert_eq!(gathered(&mut last, &mut jobs, &sent, 0), Some(1024));
        drop(sent);
        let (closed, _) = mpsc::channel(1);
        // At the end what there is is enough.
        assert_eq!(gathered(&mut last, &mut jobs, &closed, 0), Some(952));
        assert_eq!(gathered(&mut last, &mut jobs, &closed, 0), None);
    }

    #[test]
    fn nothing_is_begun_on_a_batch_that_is_given_up() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        for (stage, goes_on) in [
            (Stage::Committed, false),
            (Stage::Cosigned, true),
            (Stage::Answered, true),
        ] {
            let (sender, mut last) = cosigned(1);
            sender.send_replace(stage);
            drop(sender);
            assert_eq!(runtime.block_on(last.cosigned()), goes_on, "{stage:?}");
        }
    }
}
