//! The rules of `add-checkpoint`: compare, make durable, sign.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use command_line::failure::show_path;
use command_line::{CliCode, CliError};
use serving::Pace;
use tokio::sync::{Mutex, OwnedMutexGuard};
use verifier_core::AwsLc;
use verifier_core::hazmat::tlog::checkpoint::{Checkpoint, Error as CheckpointError};
use verifier_core::hazmat::tlog::merkle::{EMPTY_ROOT, Hash, verify_consistency};
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::submission::Submission;
use verifier_core::hazmat::tlog::vkey::VerifierKey;
use verifier_core::quote;

use crate::directory::{Directory, origin_hash};
use crate::key::WitnessKey;
use crate::known::Known;
use crate::record::{Record, signatures};

/// How far the clock may go back without anybody noticing, in seconds. Until it has caught up the
/// last time is stated again.
const CLOCK_STEP: u64 = 60;

/// Everything that requests are answered from.
#[derive(Debug)]
pub(crate) struct Witness {
    key: WitnessKey,
    logs: HashMap<String, Arc<Log>>,
    /// The same, by the hash of the origin.
    by_hash: HashMap<String, Arc<Log>>,
    known: Known,
    /// Between two heads of one log, in the long run.
    every: Duration,
}

/// One log.
#[derive(Debug)]
struct Log {
    origin: String,
    keys: Vec<VerifierKey>,
    path: PathBuf,
    pace: std::sync::Mutex<Pace>,
    /// Held from the comparison to the answer.
    record: Arc<Mutex<Option<Record>>>,
    /// The head on display, always one that is durable.
    shown: std::sync::Mutex<Option<Shown>>,
}

/// The head that was cosigned last.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) seconds: u64,
    root: Hash,
    /// With the signatures of log and witness.
    pub(crate) checkpoint: Arc<str>,
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// 400: not a request of this kind.
    Malformed(String),
    /// 403: the log has not signed it.
    NotSigned(String),
    /// 404: a log that this witness does not know.
    UnknownLog,
    /// 409: the request begins at another size than the witness remembers, which is this one.
    OtherSize(u64),
    /// 422: not shown to extend what was cosigned before.
    Inconsistent(String),
    /// 429: more requests about this log than allowed.
    TooMany,
    /// 500: it could not be made durable, or the clock is wrong.
    Unable,
}

/// The statement of a checkpoint, also one of an empty tree with a root that empty trees do not
/// have: that has an answer of its own.
#[derive(Debug)]
struct ProposedHead {
    origin: String,
    size: u64,
    root: Option<Hash>,
}

impl ProposedHead {
    fn read(text: &str) -> Result<Self, CheckpointError> {
        match Checkpoint::parse(text) {
            Ok(checkpoint) => Ok(Self {
                origin: checkpoint.origin().into(),
                size: checkpoint.size(),
                root: Some(checkpoint.root()),
            }),
            Err(CheckpointError::EmptyTreeRoot { .. }) => Ok(Self {
                origin: text.lines().next().unwrap_or_default().into(),
                size: 0,
                root: None,
            }),
            Err(error) => Err(error),
        }
    }
}

impl Log {
    /// Counts a head, if it is not too early for one.
    fn counts(&self, every: Duration) -> bool {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.take(every, Instant::now()).is_ok()
    }
}

impl Witness {
    /// The witness with this key for the logs of a policy, with what it remembers of them.
    pub(crate) fn open(
        key: WitnessKey,
        policy: &TlogPolicy,
        directory: &Directory,
        rate: u16,
    ) -> Result<Self, CliError> {
        let mut keys: HashMap<String, Vec<VerifierKey>> = HashMap::new();
        for log in policy.logs() {
            let own = keys.entry(log.origin().into()).or_default();
            own.push(log.key().clone());
        }
        let damaged = |path: &Path, why: &str| {
            let message = format!("{}: {why}.", show_path(path));
            CliError::new(CliCode::WitnessDamaged, message).file(path)
        };
        let list = directory.known();
        let known = Known::load(list.clone()).map_err(|why| damaged(&list, &why.to_string()))?;
        let mut logs = HashMap::new();
        for (origin, keys) in keys {
            let path = directory.record(&origin);
            let record = Record::load(&path, &origin, &keys).map_err(|why| damaged(&path, &why))?;
            match record {
                None if known.has(&origin) => {
                    let why = format!(
                        "it is gone, and something of {} was cosigned",
                        quote(&origin)
                    );
                    return Err(damaged(&path, &why));
                }
                None => {}
                Some(_) => known
                    .add(&origin)
                    .map_err(|why| damaged(&list, &why.to_string()))?,
            }
            let shown = record.as_ref().and_then(|r| show(&key, &origin, r));
            let log = Log {
                path,
                pace: std::sync::Mutex::default(),
                record: Arc::new(Mutex::new(record)),
                shown: std::sync::Mutex::new(shown),
                keys,
                origin: origin.clone(),
            };
            logs.insert(origin, Arc::new(log));
        }
        let by_hash = logs
            .iter()
            .map(|(origin, log)| (origin_hash(origin), Arc::clone(log)));
        Ok(Self {
            by_hash: by_hash.collect(),
            logs,
            key,
            known,
            every: Duration::from_secs(1) / u32::from(rate.max(1)),
        })
    }

    pub(crate) fn vkey(&self) -> &VerifierKey {
        self.key.public()
    }

    /// Size and root of the tree of a log that was cosigned last; `None` for an unknown log.
    pub(crate) fn remembers(&self, origin: &str) -> Option<(u64, Hash)> {
        let shown = self.logs.get(origin)?.shown();
        Some(shown.map_or((0, EMPTY_ROOT), |shown| (shown.size, shown.root)))
    }

    /// The head that was cosigned last, of the log whose origin has this hash.
    pub(crate) fn shown(&self, origin_hash: &str) -> Option<Shown> {
        self.by_hash.get(origin_hash)?.shown()
    }

    /// The head that was cosigned last, of each log that has one.
    pub(crate) fn all_shown(&self) -> Vec<Shown> {
        let mut all: Vec<Shown> = self.logs.values().filter_map(|log| log.shown()).collect();
        all.sort_by(|a, b| a.origin.cmp(&b.origin));
        all
    }

    pub(crate) fn log_count(&self) -> usize {
        self.logs.len()
    }

    /// `add-checkpoint`: the cosignature of a checkpoint that extends what was cosigned before.
    pub(crate) async fn add_checkpoint(self: &Arc<Self>, body: &str) -> Result<String, Refusal> {
        let malformed = |error: &dyn std::fmt::Display| Refusal::Malformed(error.to_string());
        let submission = Submission::parse(body).map_err(|error| malformed(&error))?;
        let note = Note::parse(submission.checkpoint).map_err(|error| malformed(&error))?;
        let head = ProposedHead::read(note.text()).map_err(|error| malformed(&error))?;
        let log = self.logs.get(&head.origin).ok_or(Refusal::UnknownLog)?;
        note.verify(&AwsLc, &log.keys)
            .map_err(|error| Refusal::NotSigned(error.to_string()))?;
        if submission.old > head.size {
            return Err(Refusal::Malformed(format!(
                "the old size {} is larger than the checkpoint's, {}",
                submission.old, head.size
            )));
        }
        let remembered = Arc::clone(&log.record).lock_owned().await;
        let root = compare(remembered.as_ref(), &submission, &head).inspect_err(|refusal| {
            if let Refusal::Inconsistent(why) = refusal {
                let (origin, size) = (&log.origin, head.size);
                tracing::warn!(
                    origin,
                    size,
                    why,
                    "signed, and not shown to extend the last head"
                );
            }
        })?;
        let last = remembered.as_ref().map_or(0, |record| record.seconds);
        let record = Record {
            seconds: time(last).ok_or(Refusal::Unable)?,
            size: head.size,
            root,
            text: note.text().into(),
            signatures: signatures(&note, &log.keys),
        };
        // The same tree again needs no memory, only another signature.
        let known = remembered
            .as_ref()
            .is_some_and(|old| (old.size, old.root) == (record.size, record.root));
        if known {
            return self.cosign(log, remembered, record);
        }
        // What costs the disk is counted, and nothing that a stranger can send.
        if !log.counts(self.every) {
            return Err(Refusal::TooMany);
        }
        let (witness, log) = (Arc::clone(self), Arc::clone(log));
        // This goes on to its end, also if the client goes away: what is remembered in memory has
        // to follow what is on disk.
        let done = tokio::task::spawn_blocking(move || {
            let stored = record.store(&log.path);
            let stored = stored.and_then(|()| witness.known.add(&log.origin));
            stored.map_err(|error| {
                tracing::error!(%error, origin = log.origin, "cannot remember a checkpoint");
                Refusal::Unable
            })?;
            crate::failpoint("after-persist");
            witness.cosign(&log, remembered, record)
        });
        done.await.unwrap_or(Err(Refusal::Unable))
    }

    /// Remembers what is durable, and signs it.
    fn cosign(
        &self,
        log: &Log,
        mut remembered: OwnedMutexGuard<Option<Record>>,
        record: Record,
    ) -> Result<String, Refusal> {
        let shown = show(&self.key, &log.origin, &record);
        let before = record.checkpoint();
        *remembered = Some(record);
        let shown = shown.ok_or(Refusal::Unable)?;
        let line = shown.checkpoint.strip_prefix(&before);
        let line = line.unwrap_or_default().to_owned();
        *log.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(line)
    }
}

impl Log {
    fn shown(&self) -> Option<Shown> {
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The root of the new tree, if it is one that extends what is remembered.
fn compare(
    remembered: Option<&Record>,
    submission: &Submission<'_>,
    head: &ProposedHead,
) -> Result<Hash, Refusal> {
    let (size, old_root) = remembered.map_or((0, EMPTY_ROOT), |record| (record.size, record.root));
    if submission.old != size {
        return Err(Refusal::OtherSize(size));
    }
    let inconsistent = |why: &str| Refusal::Inconsistent(why.into());
    let root = head.root.ok_or_else(|| {
        inconsistent("the root hash is not that of the empty tree, but the tree size is 0")
    })?;
    if size == 0 {
        return match submission.proof.as_slice() {
            [] => Ok(root),
            _ => Err(inconsistent("from size 0 the consistency proof is empty")),
        };
    }
    verify_consistency(size, &old_root, head.size, &root, &submission.proof)
        .map_err(|error| inconsistent(&error.to_string()))?;
    Ok(root)
}

/// The time to state after `last` was stated: never an earlier one. `None` if the clock has gone
/// back further than clocks are corrected.
fn time(last: u64) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let stated = now.max(last);
    if stated - now > CLOCK_STEP {
        tracing::error!(
            now,
            last,
            "the clock is behind what was stated last: set it right"
        );
        return None;
    }
    Some(stated)
}

/// Signs what is remembered.
fn show(key: &WitnessKey, origin: &str, record: &Record) -> Option<Shown> {
    let cosignature = key.cosign(&record.text, record.seconds)?;
    let checkpoint = record.checkpoint() + &cosignature;
    Some(Shown {
        origin: origin.into(),
        size: record.size,
        root: record.root,
        seconds: record.seconds,
        checkpoint: checkpoint.into(),
    })
}
