//! The publisher: takes each committed batch to its publication, and answers those who wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use verifier_core::hazmat::tlog::merkle::leaf_hash;

use crate::batch::{Appended, Batch, Entered, Job, Stage};
use crate::error::{LogError, Result};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::publication::Publication;
use crate::refusal::Refusal;
use crate::store::Head;
use crate::tiles::Nodes;

/// How often publication is tried again when files cannot be written.
const RETRY: Duration = Duration::from_millis(500);

/// How long the log has to be idle before late cosignatures are added to its checkpoint.
const CALM: Duration = Duration::from_millis(200);

/// The publisher.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) publication: Publication,
    pub(crate) published: watch::Sender<Arc<Head>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    /// When nobody can append any more, nobody waits for an answer.
    pub(crate) appenders: mpsc::WeakSender<Job>,
}

/// An event that wakes the publisher.
enum Event {
    Batch(Batch),
    /// Nothing to publish for a while, and there may be cosignatures to add.
    Calm,
    /// A cosignature has come, or a witness knows more than this log.
    Cosignature,
    /// There will be no batches any more.
    End,
}

impl Publisher {
    /// Works until the writer has ended. Ends before, with what is committed unpublished, if the
    /// process ends and it cannot be published: the next start goes on there.
    pub(crate) fn run(mut self, mut batches: mpsc::Receiver<Batch>) -> Result<()> {
        let waiting = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| LogError::System(error.to_string()))?;
        let cosigner = Arc::clone(self.publication.cosigner());
        let mut later = false;
        loop {
            let event = waiting.block_on(async {
                tokio::select! {
                    biased;
                    batch = batches.recv() => batch.map_or(Event::End, Event::Batch),
                    () = cosigner.news() => Event::Cosignature,
                    () = tokio::time::sleep(CALM), if later => Event::Calm,
                }
            });
            match event {
                Event::Batch(batch) => {
                    if !self.take(batch)? {
                        break;
                    }
                }
                Event::Cosignature => {
                    // Or the log was rolled back, and this is the end.
                    cosigner.confirm()?;
                    later = true;
                }
                Event::Calm => {
                    later = false;
                    self.publish_later_cosignatures()?;
                }
                Event::End => return Ok(()),
            }
        }
        // From here on the writer cannot hand anything over. What it is about to commit is left
        // to the next start, too.
        batches.close();
        while let Some(batch) = batches.blocking_recv() {
            batch.refuse(&Refusal::not_published());
        }
        Ok(())
    }

    /// Publishes a batch and answers its clients. `false` if the process ends before.
    fn take(&mut self, mut batch: Batch) -> Result<bool> {
        if let Some(growth) = batch.growth.take() {
            self.publication.add(growth);
        }
        if !self.until_published(&batch)? {
            batch.refuse(&Refusal::not_published());
            return Ok(false);
        }
        if !batch.clients.is_empty() {
            self.metrics.published(batch.begun.elapsed());
        }
        self.answer(batch);
        Ok(true)
    }

    /// Tries until what is committed is published.
    fn until_published(&mut self, batch: &Batch) -> Result<bool> {
        loop {
            let failure = match self.publish(batch) {
                Ok(()) => {
                    self.health.published();
                    return Ok(true);
                }
                Err(failure) if failure.ends_reign() => return Err(failure),
                Err(failure) => failure,
            };
            self.health.held_back(&failure.to_string());
            if self.appenders.strong_count() == 0 {
                return Ok(false);
            }
            // The witnesses have been waited for already.
            if !matches!(failure, LogError::Quorum(_)) {
                std::thread::sleep(RETRY);
            }
        }
    }

    /// Publishes what is committed, if it is not.
    fn publish(&mut self, batch: &Batch) -> Result<()> {
        // Nothing is shown before the witnesses have said that this is the newest head.
        self.publication.cosigner().confirm()?;
        self.publication.cosign()?;
        batch.stage.send_replace(Stage::Cosigned);
        if self.publication.publish()? {
            self.announce();
        }
        Ok(())
    }

    fn publish_later_cosignatures(&mut self) -> Result<()> {
        match self.publication.publish_later_cosignatures() {
            Ok(true) => self.announce(),
            Ok(false) => {}
            Err(failure) if failure.ends_reign() => return Err(failure),
            // The checkpoint is good without them, and the next one is written anew.
            Err(failure) => tracing::error!(%failure, "cannot add cosignatures"),
        }
        Ok(())
    }

    fn announce(&self) {
        let head = Arc::new(self.publication.head().clone());
        self.published.send_replace(head);
    }

    fn answer(&self, batch: Batch) {
        let head = Arc::clone(&self.published.borrow());
        let tiles = self.publication.tiles();
        let mut nodes = tiles.nodes(head.size);
        for (client, outcome) in batch.clients {
            let answer = outcome.and_then(|entry| appended(entry, &head, &mut nodes));
            client.answer(answer);
        }
        batch.stage.send_replace(Stage::Answered);
    }
}

fn appended(
    entry: Entered,
    head: &Arc<Head>,
    nodes: &mut Nodes<'_>,
) -> std::result::Result<Appended, Refusal> {
    match nodes.prove(entry.index, &leaf_hash(entry.leaf.as_bytes()), head) {
        Ok(proof) => Ok(Appended {
            entry,
            head: Arc::clone(head),
            proof,
        }),
        Err(failure) => {
            let index = entry.index;
            tracing::error!(%failure, index, "cannot prove what is published");
            Err(Refusal::internal())
        }
    }
}
