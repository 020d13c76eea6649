//! The one writer: gathers what waits, commits it as one batch, publishes, answers.
//!
//! ```text
//! wait → look up claims → build and sign the new head → COMMIT → tiles → cosign → checkpoint → answer
//! ```
//!
//! A new batch is not begun before the last one is published, so at most one batch is ever
//! committed and unpublished. While publication is held back, requests wait in the queue; those who
//! ask get their answer then, or 503 if that takes too long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use verifier_core::entry::Entry;

use crate::admission::{Admitted, Rules};
use crate::failure::{Failure, Result};
use crate::health::Health;
use crate::http::problem::Problem;
use crate::key::LogKey;
use crate::metrics::Metrics;
use crate::publisher::Publisher;
use crate::store::{Addition, Claim, Head, Outcome, Store};

/// The most entries of a batch.
const MAX_BATCH: usize = 1024;

/// How often publication is tried again when files cannot be written.
const RETRY: Duration = Duration::from_millis(500);

/// How long the log has to be idle before late cosignatures are added to its checkpoint.
const CALM: Duration = Duration::from_millis(200);

/// What an append came to.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    pub(crate) index: u64,
    /// Whether it was there before.
    pub(crate) repeat: bool,
    pub(crate) leaf: String,
    /// The published head that covers it.
    pub(crate) head: Arc<Head>,
    /// The proof of inclusion in that head.
    pub(crate) proof: String,
    /// What opens the commitment to the approver, if it is kept.
    pub(crate) blind: Option<[u8; 32]>,
}

/// One request to append, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) admitted: Admitted,
    pub(crate) answer: oneshot::Sender<std::result::Result<Appended, Problem>>,
    /// The room that its body takes, also while nobody waits for the answer any more.
    pub(crate) _memory: OwnedSemaphorePermit,
}

/// The writer.
#[derive(Debug)]
pub(crate) struct Sequencer<S> {
    pub(crate) store: S,
    pub(crate) key: Arc<LogKey>,
    pub(crate) head: Head,
    pub(crate) publisher: Publisher,
    pub(crate) rules: Arc<Rules>,
    pub(crate) published: watch::Sender<Arc<Head>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
}

/// What the writer wakes up for.
enum Event {
    Append(Vec<Job>),
    /// Nothing to append for a while, and there may be cosignatures to add.
    Calm,
    /// A cosignature has come, or a witness knows more than this log.
    Cosignature,
    /// Nobody can append any more.
    End,
}

/// Where the answer to a job will come from.
enum Verdict {
    At { index: u64, repeat: bool },
    Refused(Problem),
}

impl<S: Store> Sequencer<S> {
    /// Works until every sender is gone and the queue is empty.
    pub(crate) fn run(mut self, mut jobs: mpsc::Receiver<Job>) -> Result<()> {
        let waiting = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| Failure::System(error.to_string()))?;
        let cosigner = Arc::clone(self.publisher.cosigner());
        // Nothing is signed before the witnesses have said that this is the newest head.
        let mut later = false;
        let mut going = self.until_published(&jobs)?;
        while going {
            let event = waiting.block_on(async {
                tokio::select! {
                    biased;
                    job = jobs.recv() => job.map_or(Event::End, |job| Event::Append(vec![job])),
                    () = cosigner.news() => Event::Cosignature,
                    () = tokio::time::sleep(CALM), if later => Event::Calm,
                }
            });
            let mut batch = match event {
                Event::Append(jobs) => jobs,
                Event::Cosignature => {
                    later = true;
                    continue;
                }
                Event::Calm => {
                    later = false;
                    self.publish_later_cosignatures()?;
                    continue;
                }
                Event::End => return Ok(()),
            };
            while batch.len() < MAX_BATCH {
                match jobs.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(_) => break,
                }
            }
            going = self.step(batch, &jobs)?;
        }
        // The process ends with a head that is not published: nothing may be built on it here.
        while let Ok(job) = jobs.try_recv() {
            refuse(vec![job], &Problem::not_published());
        }
        Ok(())
    }

    /// Tries until what is committed is published; meanwhile nothing is appended. `false` if the
    /// process ends before: the next start goes on here.
    fn until_published(&mut self, jobs: &mpsc::Receiver<Job>) -> Result<bool> {
        loop {
            let failure = match self.publish() {
                Ok(()) => {
                    self.health.published();
                    return Ok(true);
                }
                Err(Failure::Rollback(why)) => return Err(Failure::Rollback(why)),
                Err(failure) => failure,
            };
            self.health.held_back(&failure.to_string());
            if jobs.is_closed() {
                return Ok(false);
            }
            // The witnesses have been waited for already.
            if !matches!(failure, Failure::Quorum(_)) {
                std::thread::sleep(RETRY);
            }
        }
    }

    fn publish_later_cosignatures(&mut self) -> Result<()> {
        match self.publisher.publish_later_cosignatures() {
            Ok(true) => self.announce(),
            Ok(false) => {}
            Err(Failure::Rollback(why)) => return Err(Failure::Rollback(why)),
            // The checkpoint is good without them, and the next one is written anew.
            Err(failure) => tracing::error!(%failure, "cannot add cosignatures"),
        }
        Ok(())
    }

    /// `false` if the process ends before what it has committed is published.
    fn step(&mut self, batch: Vec<Job>, jobs: &mpsc::Receiver<Job>) -> Result<bool> {
        // A log that was rolled back signs nothing more.
        self.publisher.cosigner().confirm()?;
        let begun = Instant::now();
        let verdicts = match self.append(&batch) {
            Ok(verdicts) => verdicts,
            Err(failure) => {
                tracing::error!(%failure, "cannot commit");
                self.after_unknown_outcome()?;
                refuse(batch, &Problem::internal());
                return Ok(true);
            }
        };
        if !self.until_published(jobs)? {
            refuse(batch, &Problem::not_published());
            return Ok(false);
        }
        self.metrics.published(begun.elapsed());
        self.answer(batch, verdicts);
        Ok(true)
    }

    /// Commits what is new of a batch.
    fn append(&mut self, batch: &[Job]) -> Result<Vec<Verdict>> {
        let claims: Vec<Claim> = batch.iter().map(|job| job.admitted.claim()).collect();
        let holders = self.store.claimed(&claims)?;
        let now = crate::now();
        let mut additions: Vec<Addition> = Vec::new();
        // What this batch itself takes.
        let mut approvals = HashMap::new();
        let mut assertions = HashMap::new();
        let mut verdicts = Vec::new();
        for ((job, claim), held) in batch.iter().zip(&claims).zip(holders) {
            let approval = held
                .approval
                .or_else(|| approvals.get(&claim.approval).copied());
            let assertion = held
                .assertion
                .or_else(|| assertions.get(&claim.assertion).copied());
            verdicts.push(match (approval, assertion) {
                (Some(index), _) => {
                    let entry = self.entry(index, &additions)?;
                    if job.admitted.repeats(&entry) {
                        Verdict::At {
                            index,
                            repeat: true,
                        }
                    } else {
                        Verdict::Refused(Problem::new(
                            409,
                            "entry.conflict",
                            "This approval id is in the log with another entry.",
                        ))
                    }
                }
                (None, Some(_)) => Verdict::Refused(Problem::new(
                    409,
                    "entry.assertion_reused",
                    "This assertion is in the log under another approval id.",
                )),
                (None, None) => match job.admitted.check_time(now, &self.rules) {
                    Err(problem) => Verdict::Refused(problem),
                    Ok(()) => {
                        let index = self.head.size + crate::count(additions.len());
                        additions.push(job.admitted.addition(crate::random()?));
                        approvals.insert(claim.approval, index);
                        assertions.insert(claim.assertion, index);
                        Verdict::At {
                            index,
                            repeat: false,
                        }
                    }
                },
            });
        }
        if !additions.is_empty() {
            self.commit(&additions)?;
        }
        Ok(verdicts)
    }

    fn commit(&mut self, additions: &[Addition]) -> Result<()> {
        let leaves = additions.iter().map(|addition| addition.leaf.as_bytes());
        let pending = self.publisher.grow(leaves)?;
        let (size, root) = pending.tree();
        let new = Head {
            size,
            root,
            checkpoint: self.key.sign(size, root)?,
        };
        let published = self.publisher.head().size;
        let outcome = self.store.commit(&self.head, &new, additions, published)?;
        if outcome == Outcome::Moved {
            return Err(Failure::damage(
                "another process has appended to this log behind this one's back",
            ));
        }
        self.metrics.appended(additions.len());
        self.head = new.clone();
        self.publisher.committed(pending, new);
        Ok(())
    }

    /// After an error in a commit: goes on only if the database says that nothing happened.
    fn after_unknown_outcome(&mut self) -> Result<()> {
        let found = self.store.head()?;
        if found == self.head {
            return Ok(());
        }
        Err(Failure::System(
            "a commit ended with an error and yet took effect: start again, the start-up checks \
             finish it"
                .into(),
        ))
    }

    fn entry(&self, index: u64, additions: &[Addition]) -> Result<Entry> {
        let own = index.checked_sub(self.head.size);
        let own = own.and_then(|at| additions.get(usize::try_from(at).ok()?));
        let leaf = match own {
            Some(addition) => addition.leaf.clone(),
            None => self.publisher.tiles().leaf(index, self.head.size)?,
        };
        Entry::parse(&leaf)
            .map_err(|error| Failure::damage(format!("entry {index} of the log: {error}")))
    }

    /// Publishes what is committed, if it is not.
    fn publish(&mut self) -> Result<()> {
        self.publisher.cosigner().confirm()?;
        if self.publisher.publish()? {
            self.announce();
        }
        Ok(())
    }

    fn announce(&self) {
        let head = Arc::new(self.publisher.head().clone());
        self.published.send_replace(head);
    }

    fn answer(&mut self, batch: Vec<Job>, verdicts: Vec<Verdict>) {
        let head = Arc::new(self.publisher.head().clone());
        let tiles = self.publisher.tiles().clone();
        let mut nodes = tiles.nodes(head.size);
        let mut bundles = HashMap::new();
        for (job, verdict) in batch.into_iter().zip(verdicts) {
            let result = match verdict {
                Verdict::Refused(problem) => Err(problem),
                Verdict::At { index, repeat } => tiles
                    .leaf_cached(index, head.size, &mut bundles)
                    .and_then(|leaf| Ok((leaf, nodes.prove(index, &head)?)))
                    .and_then(|(leaf, proof)| {
                        Ok(Appended {
                            blind: self.store.blind(index)?,
                            index,
                            repeat,
                            leaf,
                            head: Arc::clone(&head),
                            proof,
                        })
                    })
                    .map_err(|failure| {
                        tracing::error!(%failure, index, "cannot prove what is published");
                        Problem::internal()
                    }),
            };
            // Whoever asked may be gone.
            let _ = job.answer.send(result);
        }
    }
}

fn refuse(batch: Vec<Job>, problem: &Problem) {
    for job in batch {
        let _ = job.answer.send(Err(problem.clone()));
    }
}
