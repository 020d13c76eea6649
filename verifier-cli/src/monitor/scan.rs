//! Reads entries, many bundles at once, and hands them on in their order.
//!
//! Memory is bounded by the number of downloads and by how far they may run ahead, not by the size
//! of the log.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use log_client::RemoteLog;
use verifier_core::AwsLc;
use verifier_core::Failure as _;
use verifier_core::Roster;
use verifier_core::code::Effect;
use verifier_core::hazmat::leaf::{self, Leaf};
use verifier_core::hazmat::tlog::edge::Edge;
use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{Level, Tile, WIDTH};
use verifier_core::policy::Webauthn;

use super::leaves::Record;
use super::seen::{Key, keys};
use crate::failure::CliError;

/// How many bundles may be ready before the one that is next, and how many bytes of them.
const AHEAD: u64 = 256;
const AHEAD_BYTES: usize = 64 * 1024 * 1024;

/// The range to read, and how to judge it.
pub(crate) struct Scan<'a> {
    pub(crate) log: &'a RemoteLog,
    pub(crate) rules: &'a Webauthn,
    /// COSE_Keys whose entries are reported; at most 255.
    pub(crate) watched: &'a [Vec<u8>],
    /// Whose keys may be in the log of this origin.
    pub(crate) roster: Option<(&'a Roster, &'a str)>,
    /// How many downloads run at once.
    pub(crate) connections: u16,
}

/// The entries of one bundle, checked.
pub(crate) struct Batch {
    /// The entries as in their bundle, each after its length.
    pub(crate) entries: Vec<u8>,
    pub(crate) records: Vec<Record>,
    pub(crate) keys: Vec<Key>,
}

/// Which bundles are taken, done, and handed on.
#[derive(Default)]
struct Progress {
    /// The next bundle to take.
    next: u64,
    /// The bundle that is to be handed on next.
    due: u64,
    done: BTreeMap<u64, Result<Batch, CliError>>,
    /// How many bytes of entries are done.
    bytes: usize,
    stopped: bool,
}

impl Progress {
    /// Whether the next bundle has to wait for others to be handed on.
    fn is_full(&self) -> bool {
        self.next > self.due
            && (self.next >= self.due.saturating_add(AHEAD) || self.bytes >= AHEAD_BYTES)
    }
}

impl Scan<'_> {
    /// Reads the entries from the end of `known` to `size`, and hands each bundle to `take`. Stops
    /// at the first error.
    pub(crate) fn run(
        &self,
        known: &Edge,
        size: u64,
        mut take: impl FnMut(Batch) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let width = u64::from(WIDTH);
        let first = known.size() / width;
        let end = size.div_ceil(width);
        let progress = Mutex::new(Progress {
            next: first,
            due: first,
            ..Progress::default()
        });
        let changed = Condvar::new();
        let workers = end.saturating_sub(first).min(self.connections.into());
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| self.work(known, size, end, &progress, &changed));
            }
            let outcome = (first..end).try_for_each(|number| {
                let batch = due(number, &progress, &changed)?;
                take(batch)
            });
            locked(&progress).stopped = true;
            changed.notify_all();
            outcome
        })
    }

    fn work(
        &self,
        known: &Edge,
        size: u64,
        end: u64,
        progress: &Mutex<Progress>,
        changed: &Condvar,
    ) {
        loop {
            let number = {
                let mut state = locked(progress);
                while !state.stopped && state.is_full() {
                    state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.stopped || state.next >= end {
                    return;
                }
                let number = state.next;
                state.next = number.saturating_add(1);
                number
            };
            let batch = self.bundle(known, number, size);
            {
                let mut state = locked(progress);
                let bytes = batch.as_ref().map_or(0, |batch| batch.entries.len());
                state.bytes = state.bytes.saturating_add(bytes);
                state.done.insert(number, batch);
            }
            changed.notify_all();
        }
    }

    /// One bundle: download, compare with its tile of hashes, check every entry.
    fn bundle(&self, known: &Edge, number: u64, size: u64) -> Result<Batch, CliError> {
        let missing = || self.log.missing(&format!("bundle {number}"));
        let tile = Tile::in_tree(Level::Entries, number, size).ok_or_else(missing)?;
        let hashes = Tile::in_tree(Level::Hashes(0), number, size).ok_or_else(missing)?;
        let bytes = self.log.bundle(&tile)?;
        let entries = tile.entries(&bytes).ok_or_else(missing)?;
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if self.log.hashes(&hashes)? != leaves {
            let why = "its hashes are not those of the entries";
            return Err(self.log.mismatch(&hashes.path(), why).into());
        }
        let first = number.saturating_mul(WIDTH.into());
        let skip = usize::try_from(known.size().saturating_sub(first)).unwrap_or(0);
        if skip > 0 {
            let before = known.levels().first().map(Vec::as_slice);
            if before != leaves.get(..skip) {
                let why = "it has other entries than before";
                return Err(self.log.mismatch(&tile.path(), why).into());
            }
        }
        let skipped: usize = entries.iter().take(skip).map(|entry| entry.len() + 2).sum();
        let mut batch = Batch {
            entries: bytes.get(skipped..).unwrap_or_default().to_vec(),
            records: Vec::with_capacity(entries.len()),
            keys: Vec::with_capacity(entries.len().saturating_mul(2)),
        };
        for ((index, entry), hash) in (first..).zip(entries).zip(leaves).skip(skip) {
            batch.push(index, entry, hash, self);
        }
        Ok(batch)
    }
}

impl Batch {
    fn push(&mut self, index: u64, entry: &[u8], hash: Hash, scan: &Scan<'_>) {
        let record = match leaf::check(entry, scan.rules, &AwsLc) {
            Ok(entry) => {
                self.keys.extend(keys(&entry, index));
                let key = entry.key_identity();
                let watched = scan.watched.iter().position(|watched| **watched == *key);
                let watched = watched.and_then(|key| u8::try_from(key).ok());
                let record = match &entry {
                    Leaf::BreakGlass(entry) => Record::glass(hash, entry.not_before, watched),
                    Leaf::Decision(entry) => Record::sound(hash, entry.decided_at, watched),
                };
                match scan.roster {
                    Some((roster, origin)) if !roster.lists(&key, origin, index) => {
                        record.unlisted()
                    }
                    _ => record,
                }
            }
            Err(error) if error.code().effect() == Effect::Reject => Record::fault(hash),
            Err(_) => Record::unknown(hash),
        };
        self.records.push(record);
    }
}

/// Waits for a bundle.
fn due(number: u64, progress: &Mutex<Progress>, changed: &Condvar) -> Result<Batch, CliError> {
    let mut state = locked(progress);
    loop {
        if let Some(batch) = state.done.remove(&number) {
            state.due = number.saturating_add(1);
            let bytes = batch.as_ref().map_or(0, |batch| batch.entries.len());
            state.bytes = state.bytes.saturating_sub(bytes);
            drop(state);
            changed.notify_all();
            return batch;
        }
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

fn locked(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
