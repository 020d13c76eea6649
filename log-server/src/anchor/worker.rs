//! The thread that stamps heads and waits for blocks.
//!
//! Every failure here is logged, counted and tried again later; none goes further. State is what
//! the archive has: after a restart every promise in it is asked for again.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use log_client::{Client, calendar};
use verifier_core::Time;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch};
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;

use super::archive::Stamp;
use super::metrics::State;
use super::settings::Config;
use super::{Anchors, source};
use crate::error::{LogError, Result};
use crate::store::Backend;

/// How many calendars have to take a head.
const ENOUGH: usize = 2;

/// How long a calendar or a source of headers may take for all of one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often the worker looks at the clock.
const TICK: Duration = Duration::from_secs(1);

/// The shortest and the longest time between two questions for the same block. Neither is longer
/// than the interval between heads.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// How long a head is pursued: a calendar that has not shown a block by then never will.
const PURSUED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Time that is doubled with every attempt.
#[derive(Clone, Copy, Debug)]
struct Backoff {
    next: Instant,
    wait: Duration,
}

impl Backoff {
    fn new() -> Self {
        Self {
            next: Instant::now(),
            wait: Duration::ZERO,
        }
    }

    fn is_due(&self) -> bool {
        self.next <= Instant::now()
    }

    fn later(&mut self, interval: Duration) {
        let doubled = self.wait.saturating_mul(2);
        self.wait = doubled.max(FIRST_WAIT).min(LONGEST_WAIT).min(interval);
        self.next = Instant::now() + self.wait;
    }
}

/// A block that a calendar owes.
#[derive(Clone, Debug)]
struct Promise {
    size: u64,
    uri: String,
    message: Vec<u8>,
    backoff: Backoff,
}

#[derive(Debug)]
pub(super) struct Worker {
    anchors: Arc<Anchors>,
    config: Config,
    backend: Arc<dyn Backend>,
    client: Client,
    promises: Vec<Promise>,
    /// Calendars that did not answer, and when each is asked again.
    silent: HashMap<String, Backoff>,
    /// When a head may be stamped, and one that got no block stamped again.
    stamping: Backoff,
    resubmitting: Backoff,
}

impl Worker {
    pub(super) fn new(
        anchors: Arc<Anchors>,
        config: Config,
        backend: Arc<dyn Backend>,
    ) -> Result<Self> {
        let mut this = Self {
            client: crate::client(PATIENCE)?,
            promises: Vec::new(),
            silent: HashMap::new(),
            stamping: Backoff::new(),
            resubmitting: Backoff::new(),
            anchors,
            config,
            backend,
        };
        let open = this
            .anchors
            .archive
            .select(|stamp| !stamp.pending.is_empty() && age(stamp.stamped_at) < PURSUED);
        for size in open {
            match this.branch(size) {
                Ok(branch) => this.expect(size, &branch),
                Err(failure) => this.fail("archive", &failure),
            }
        }
        Ok(this)
    }

    /// Works until the other end of `stopped` is gone.
    pub(super) fn run(mut self, stopped: &mpsc::Receiver<()>) {
        loop {
            self.stamp_new();
            self.ask();
            self.stamp_again();
            self.report();
            let waited = stopped.recv_timeout(TICK.min(self.config.interval));
            if waited != Err(mpsc::RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Stamps the published head, unless it is stamped already or the last one was not long ago.
    fn stamp_new(&mut self) {
        let soon = |stamp: &Stamp| age(stamp.stamped_at) < self.config.interval;
        let soon = self.anchors.archive.select(soon);
        if !soon.is_empty() || !self.stamping.is_due() {
            return;
        }
        let (size, text) = match self.published() {
            Ok(published) => published,
            Err(failure) => {
                self.stamping.later(self.config.interval);
                return self.fail("archive", &failure);
            }
        };
        if size == 0 || self.anchors.archive.stamp(size).is_some() {
            return;
        }
        let taken = self.submit(&text).and_then(|branch| {
            let now = crate::now();
            self.anchors.archive.add(size, &text, &branch, now)?;
            Ok(branch)
        });
        match taken {
            Ok(branch) => {
                tracing::info!(size, "head stamped");
                self.anchors.metrics.stamped();
                self.stamping = Backoff::new();
                self.expect(size, &branch);
            }
            Err(failure) => {
                self.stamping.later(self.config.interval);
                self.fail("stamp", &failure);
            }
        }
    }

    /// The published checkpoint, as everybody reads it.
    fn published(&self) -> Result<(u64, String)> {
        let text = self.backend.published()?;
        let parsed = SignedCheckpoint::parse(&text);
        let parsed = parsed.map_err(|error| LogError::damage(error.to_string()))?;
        let size = parsed.checkpoint().size();
        Ok((size, text))
    }

    /// Has bytes stamped everywhere. An error unless enough calendars take them.
    fn submit(&self, text: &str) -> Result<Branch> {
        let digest = sha256(text.as_bytes());
        let mut branch: Option<Branch> = None;
        let mut taken = 0;
        for uri in &self.config.calendars {
            match calendar::stamp(&self.client, uri, &digest, &self.config.calendars) {
                Ok(new) => {
                    branch = Some(match &branch {
                        None => new,
                        Some(branch) => beside(branch, &new)?,
                    });
                    taken += 1;
                }
                Err(error) => self.fail(uri, &error),
            }
        }
        branch.filter(|_| taken >= ENOUGH).ok_or_else(|| {
            let all = self.config.calendars.len();
            LogError::System(format!(
                "{taken} of {all} calendars took the head, and {ENOUGH} have to"
            ))
        })
    }

    /// Asks calendars for the blocks that they owe.
    fn ask(&mut self) {
        let mut promises = std::mem::take(&mut self.promises);
        let mut silent = std::mem::take(&mut self.silent);
        let interval = self.config.interval;
        promises.retain_mut(|promise| {
            let waits = |backoff: &Backoff| !backoff.is_due();
            if waits(&promise.backoff) || silent.get(&promise.uri).is_some_and(waits) {
                return true;
            }
            promise.backoff.later(interval);
            let done = match calendar::block(&self.client, &promise.uri, &promise.message) {
                Ok(answer) => {
                    silent.remove(&promise.uri);
                    answer.is_some_and(|answer| self.fulfil(promise, &answer))
                }
                Err(error) => {
                    // One that is down costs one attempt, however much it owes.
                    self.fail(&promise.uri, &error);
                    let backoff = silent.entry(promise.uri.clone());
                    backoff.or_insert_with(Backoff::new).later(interval);
                    false
                }
            };
            !done && !self.is_old(promise.size)
        });
        (self.promises, self.silent) = (promises, silent);
    }

    /// Takes a block in the place of the promise of it; tells whether that is done.
    fn fulfil(&self, promise: &Promise, answer: &Branch) -> bool {
        let header = match self.header(promise.size, answer) {
            Ok(header) => header,
            Err(why) => {
                self.fail("headers", &why);
                return false;
            }
        };
        let grown = self.grow(promise, answer, header.as_ref());
        grown
            .map_err(|failure| self.fail("archive", &failure))
            .is_ok()
    }

    fn grow(
        &self,
        promise: &Promise,
        answer: &Branch,
        header: Option<&[u8; Header::BYTES]>,
    ) -> Result<()> {
        let size = promise.size;
        let fulfilled = self.branch(size)?.fulfilled(&promise.uri, answer);
        let fulfilled = fulfilled.map_err(|error| LogError::System(error.to_string()))?;
        // Nothing to do if it is fulfilled already.
        let Some(branch) = fulfilled else {
            return Ok(());
        };
        let archive = &self.anchors.archive;
        archive.grow(size, &branch, header)?;
        let height = archive.stamp(size).and_then(|stamp| stamp.height);
        tracing::info!(size, height, calendar = promise.uri, "head anchored");
        Ok(())
    }

    /// The header of the lowest block of an answer, if there is a source of headers and the head
    /// has none of a block that is as low. An answer that the source contradicts is not used.
    fn header(
        &self,
        size: u64,
        answer: &Branch,
    ) -> std::result::Result<Option<[u8; Header::BYTES]>, String> {
        let Some(from) = &self.config.headers_from else {
            return Ok(None);
        };
        let mut lowest = None;
        for attestation in answer.attestations() {
            let Attestation::Bitcoin {
                height,
                merkle_root,
            } = attestation
            else {
                continue;
            };
            let place = (*height, *merkle_root);
            let header = source::header(&self.client, from, self.config.network, place)?;
            if lowest.is_none_or(|(at, _)| *height < at) {
                lowest = Some((*height, header));
            }
        }
        let known = self.anchors.archive.stamp(size);
        let known = known.and_then(|stamp| stamp.height);
        let new = lowest.filter(|(height, _)| known.is_none_or(|known| *height < known));
        Ok(new.map(|(_, header)| header))
    }

    /// Stamps heads again that got no block for too long: their calendars may have lost them.
    fn stamp_again(&mut self) {
        if !self.resubmitting.is_due() {
            return;
        }
        let overdue = self
            .anchors
            .archive
            .select(|stamp| is_pursued(stamp) && age(stamp.submitted_at) >= self.config.overdue);
        let mut failed = false;
        for size in overdue {
            tracing::warn!(size, "no block for too long; stamping the head again");
            match self.resubmit(size) {
                Ok(()) => {}
                // One that is damaged is no trouble of the others.
                Err(failure @ (LogError::Damage(_) | LogError::File { .. })) => {
                    self.fail("archive", &failure);
                    failed = true;
                }
                Err(failure) => {
                    self.resubmitting.later(self.config.interval);
                    return self.fail("stamp", &failure);
                }
            }
        }
        match failed {
            true => self.resubmitting.later(self.config.interval),
            false => self.resubmitting = Backoff::new(),
        }
    }

    /// The old promises stay, if there is room: a calendar may yet keep them.
    fn resubmit(&mut self, size: u64) -> Result<()> {
        let archive = &self.anchors.archive;
        let text = archive.checkpoint(size)?;
        let new = self.submit(&text)?;
        let both = beside(&new, &self.branch(size)?).ok();
        let branch = both.filter(|both| both.to_proof().is_some());
        let branch = branch.unwrap_or_else(|| new.clone());
        archive.add(size, &text, &branch, crate::now())?;
        self.anchors.metrics.resubmitted();
        self.expect(size, &new);
        Ok(())
    }

    fn report(&self) {
        let archive = &self.anchors.archive;
        let anchored = archive.select(|stamp| stamp.height.is_some());
        let pending = archive.select(is_pursued);
        let overdue = archive
            .select(|stamp| is_pursued(stamp) && age(stamp.stamped_at) >= self.config.overdue);
        let oldest = pending.first().and_then(|size| archive.stamp(*size));
        self.anchors.metrics.set(State {
            anchored: anchored.last().copied().unwrap_or(0),
            pending: crate::count(pending.len()),
            overdue: crate::count(overdue.len()),
            oldest: oldest.map_or(0, |stamp| age(stamp.stamped_at).as_secs()),
        });
    }

    fn branch(&self, size: u64) -> Result<Branch> {
        let proof = self.anchors.archive.proof(size)?;
        Branch::of_proof(&proof)
            .map_err(|error| LogError::damage(format!("public/anchors/{size}: {error}")))
    }

    /// Asks from now on for every block that a branch promises.
    fn expect(&mut self, size: u64, branch: &Branch) {
        let known = &self.config.calendars;
        let promises = branch.attestations().iter().filter_map(|one| match one {
            Attestation::Pending { commitment, uri } if known.contains(uri) => Some(Promise {
                size,
                uri: uri.clone(),
                message: commitment.clone(),
                backoff: Backoff::new(),
            }),
            _ => None,
        });
        self.promises.extend(promises);
    }

    fn is_old(&self, size: u64) -> bool {
        let stamp = self.anchors.archive.stamp(size);
        stamp.is_none_or(|stamp| age(stamp.stamped_at) >= PURSUED)
    }

    fn fail(&self, whose: &str, why: &dyn std::fmt::Display) {
        tracing::warn!(source = whose, "anchor: {why}");
        self.anchors.metrics.failed(whose);
    }
}

/// Whether a head waits for a block that may still come.
fn is_pursued(stamp: &Stamp) -> bool {
    stamp.height.is_none() && age(stamp.stamped_at) < PURSUED
}

fn beside(one: &Branch, other: &Branch) -> Result<Branch> {
    let both = one.beside(other);
    both.ok()
        .flatten()
        .ok_or_else(|| LogError::System("the answers do not fit into one proof".into()))
}

/// How long ago a time of this machine's clock was.
fn age(time: Time) -> Duration {
    Duration::from_millis(crate::now().as_millis().saturating_sub(time.as_millis()))
}
