//! The task that asks one witness, and what it knows of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::policy::Witness;
use verifier_core::hazmat::tlog::submission::{Submission, parse_size};

use super::client::{self, Reply, WitnessClient};
use super::{Shared, Target};
use crate::error::{LogError, Result};
use crate::key;
use crate::tiles::Tiles;

/// After the first failure, and the longest of the pauses that double from there.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A question begins where the witness is. One that is somewhere else each time is given up for
/// now.
const MAX_QUESTIONS: u32 = 3;

/// Starts the thread that asks all witnesses: a task for each of them. Whatever one of them does,
/// its task waits for it, and the others go on.
pub(super) fn start(shared: &Arc<Shared>) -> Result<()> {
    let system = |error: std::io::Error| LogError::System(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system)?;
    let tasks: Vec<_> = (0..shared.policy.witnesses().len())
        .map(|seat| runtime.spawn(ask(Arc::clone(shared), seat)))
        .collect();
    let work = move || {
        runtime.block_on(async {
            for task in tasks {
                // One that has failed asks nobody any more.
                let _ = task.await;
            }
        });
    };
    let thread = std::thread::Builder::new().name("cosigner".into());
    thread.spawn(work).map(|_| ()).map_err(system)
}

/// Asks the witness in this seat whatever there is to ask, until the process ends.
async fn ask(shared: Arc<Shared>, seat: usize) {
    let witnesses = shared.policy.witnesses();
    let Some((witness, url)) = witnesses.get(seat).and_then(|w| Some((w, w.url()?))) else {
        return;
    };
    let mut worker = Worker {
        shared: &shared,
        seat,
        witness,
        client: WitnessClient::new(url),
        wake: shared.wake.subscribe(),
        known: None,
    };
    worker.run().await;
}

struct Worker<'s> {
    shared: &'s Shared,
    seat: usize,
    witness: &'s Witness,
    client: WitnessClient,
    /// There may be something to ask.
    wake: watch::Receiver<()>,
    /// The size that the witness cosigned last, as far as is known.
    known: Option<u64>,
}

/// The meaning of an answer.
enum Outcome {
    /// The signature line.
    Cosigned(String),
    /// It knows as much as this log, or less.
    Confirmed,
}

/// Why there is no cosignature.
pub(super) enum Trouble {
    /// Of this witness alone: why, for metrics and for people.
    Witness(&'static str, String),
    /// It claims to know more of this log, and proves nothing.
    Claim(String),
    /// The log was rolled back.
    Fatal(String),
}

impl Worker<'_> {
    async fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        while let Some(target) = self.next().await {
            match self.ask(&target).await {
                Ok(outcome) => {
                    pause = FIRST_PAUSE;
                    self.record(&target, outcome);
                }
                Err(Trouble::Fatal(why)) => {
                    self.shared.lock().fatal = Some(why);
                    self.shared.changed.notify_all();
                    self.shared.news.notify_one();
                    return;
                }
                Err(Trouble::Claim(why)) => {
                    self.claim(&why);
                    self.fail("409", why);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(Trouble::Witness(reason, why)) => {
                    self.fail(reason, why);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Waits for something to ask. `None` at the end of the process, and when the log was rolled
    /// back.
    async fn next(&mut self) -> Option<Arc<Target>> {
        loop {
            self.wake.mark_unchanged();
            {
                let state = self.shared.lock();
                if state.ended || state.fatal.is_some() {
                    return None;
                }
                let seat = state.seats.get(self.seat)?;
                let nothing = seat.line.is_some() || (state.target.probe && seat.confirmed);
                if !nothing {
                    return Some(Arc::clone(&state.target));
                }
            }
            self.wake.changed().await.ok()?;
        }
    }

    async fn ask(&mut self, target: &Target) -> std::result::Result<Outcome, Trouble> {
        let head = &target.head;
        for _ in 0..MAX_QUESTIONS {
            // Of a witness whose size is not known yet the own size is claimed: it then signs only
            // what it has signed before, and otherwise says what it knows.
            let old = self.known.unwrap_or(head.size).min(head.size);
            let body = Submission::new(old, self.proof(old, head.size).await?, &head.checkpoint);
            let reply = self.client.add_checkpoint(body.to_string()).await?;
            match reply.status {
                200 => {
                    let line = client::cosignature(self.witness, &head.checkpoint, &reply)?;
                    self.known = Some(head.size);
                    return Ok(Outcome::Cosigned(line));
                }
                409 => {
                    let size = self.other_size(&reply).await?;
                    if size == old {
                        let why = format!("it answers 409 to its own size {size}");
                        return Err(Trouble::Witness("answer", why));
                    }
                    self.known = Some(size);
                    if target.probe {
                        return Ok(Outcome::Confirmed);
                    }
                }
                422 => return Err(self.other_tree(&reply).await),
                _ => return Err(reply.refused()),
            }
        }
        let why = "it names another size each time it is asked".into();
        Err(Trouble::Witness("answer", why))
    }

    /// The proof for the witness that the tree of size `old` is the beginning.
    async fn proof(&self, old: u64, size: u64) -> std::result::Result<Vec<Hash>, Trouble> {
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        self.read(move |tiles| tiles.nodes(size).consistency(old))
            .await
    }

    /// Reads tiles beside the tasks: those in a bucket are waited for, and no task may wait.
    async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Tiles) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Trouble> {
        let tiles = self.shared.tiles.clone();
        let read = tokio::task::spawn_blocking(move || what(&tiles)).await;
        let failed = |error: tokio::task::JoinError| LogError::System(error.to_string());
        let read = read.map_err(failed).and_then(|read| read);
        read.map_err(|failure| Trouble::Witness("proof", failure.to_string()))
    }

    /// The size in an answer of status 409. Larger than the log's own, and the log was rolled
    /// back.
    async fn other_size(&self, reply: &Reply) -> std::result::Result<u64, Trouble> {
        let size = reply
            .is_size()
            .then(|| parse_size(&reply.body))
            .flatten()
            .ok_or_else(|| {
                let why = "it answers 409 without a size".into();
                Trouble::Witness("answer", why)
            })?;
        let own = self.shared.lock().target.head.size;
        if size <= own {
            return Ok(size);
        }
        let (name, key) = (self.witness.name(), self.witness.key());
        let claim = format!(
            "the witness {name} ({key}) says that it has cosigned {size} entries of this log, and \
             there are only {own} here"
        );
        match self.shown().await {
            Some((shown, _)) if shown > own => Err(Trouble::Fatal(format!(
                "{claim}. It shows a checkpoint of {shown} entries that the key of this log has \
                 signed: the log was rolled back, and going on would fork it. Bring back the \
                 newest database and public directory; see OPERATIONS, \"Restore\""
            ))),
            _ => Err(Trouble::Claim(format!(
                "{claim}. It shows no checkpoint that proves this, so it may be wrong, but too few \
                 others contradict it. Next: look for the newest checkpoint at your other \
                 witnesses and monitors; if one is larger than {own}, see OPERATIONS, \
                 \"Restore\", else take {name} out of the witness policy and start again"
            ))),
        }
    }

    /// After 422: what the witness knows may be no beginning of this tree.
    async fn other_tree(&self, reply: &Reply) -> Trouble {
        let Some((size, root)) = self.shown().await else {
            return reply.refused();
        };
        let own = self.shared.lock().target.head.clone();
        let begins = size <= own.size && {
            let beginning = move |tiles: &Tiles| {
                let mut nodes = tiles.nodes(own.size);
                nodes.proven_beginning(size, &own.root)
            };
            match self.read(beginning).await {
                Ok(beginning) => beginning == root,
                Err(trouble) => return trouble,
            }
        };
        if begins {
            return reply.refused();
        }
        let name = self.witness.name();
        Trouble::Fatal(format!(
            "the witness {name} shows another tree of {size} entries that the key of this log has \
             signed: the log was rolled back and has forked. Stop, keep everything for an \
             investigation; see OPERATIONS, \"Restore\""
        ))
    }

    /// Size and root of the checkpoint that the witness shows, if this log has signed it.
    async fn shown(&self) -> Option<(u64, Hash)> {
        let log = &self.shared.log;
        let text = self.client.checkpoint(log.name()).await?;
        key::open(log, &text).ok()
    }

    fn record(&self, target: &Arc<Target>, outcome: Outcome) {
        let mut state = self.shared.lock();
        let current = Arc::ptr_eq(&state.target, target) || state.target.head == target.head;
        let Some(seat) = state.seats.get_mut(self.seat) else {
            return;
        };
        seat.asked = true;
        seat.confirmed = true;
        seat.claim = None;
        if seat.trouble.take().is_some() {
            tracing::info!(witness = self.witness.name(), "the witness is back");
        }
        if let Outcome::Cosigned(line) = outcome {
            seat.cosigned += 1;
            // Of an older head it is too late.
            if current {
                seat.line = Some(line);
            }
        }
        drop(state);
        self.shared.changed.notify_all();
        self.shared.news.notify_one();
    }

    /// A claim stands until the witness takes it back: by cosigning, or by naming another size.
    fn claim(&self, why: &str) {
        let mut state = self.shared.lock();
        if let Some(seat) = state.seats.get_mut(self.seat) {
            seat.claim = Some(why.to_owned());
        }
        drop(state);
        // Whoever publishes asks whether the others outvote it.
        self.shared.news.notify_one();
    }

    fn fail(&self, reason: &'static str, why: String) {
        let mut state = self.shared.lock();
        let Some(seat) = state.seats.get_mut(self.seat) else {
            return;
        };
        seat.asked = true;
        *seat.failed.entry(reason).or_default() += 1;
        if seat.trouble.as_ref() != Some(&why) {
            tracing::warn!(witness = self.witness.name(), reason, why, "no cosignature");
        }
        seat.trouble = Some(why);
        drop(state);
        self.shared.changed.notify_all();
    }
}
