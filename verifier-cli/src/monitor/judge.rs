//! Judges entries that were scanned: alarms for what they prove, and what was asked to be watched.

use verifier_core::alarm::{ALLOWANCE_MILLIS, Evidence, Logged};
use verifier_core::encoding::{base64url, sha256};
use verifier_core::entry::Entry;
use verifier_core::time::{Time, for_people};
use verifier_core::tlog::checkpoint::SignedCheckpoint;
use verifier_core::tlog::merkle::leaf_hash;
use verifier_core::tlog::proof::Proof;
use verifier_core::tlog::prove;

use super::Monitor;
use super::advance::Head;
use super::event::Event;
use super::leaves::Record;
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::CliError;

/// How many entries of one round become alarms of their own.
const MOST: usize = 100;

/// A head with a time, and thereby without all later entries.
#[derive(Clone, Debug)]
pub(super) struct Cosigned {
    pub(super) size: u64,
    pub(super) time: Time,
    pub(super) text: String,
}

/// What is wrong with an entry, before it is proven.
enum Suspicion {
    Fault,
    Late(Cosigned),
    PostDated,
}

impl Monitor<'_> {
    /// Judges what is scanned and not checked, which is the tree of this head.
    pub(super) fn judge(&mut self, head: &Head, time: Option<Time>) -> Result<(), CliError> {
        let from = self.state.checked.size();
        let earlier = self.earlier_heads()?;
        let delay = self.rule.max_append_delay.saturating_add(ALLOWANCE_MILLIS);
        let latest = time.map(|time| time.saturating_add_millis(ALLOWANCE_MILLIS));
        let mut suspects = Vec::new();
        let (mut more, mut unknown) = (0_u64, 0_u64);
        let mut watched = Vec::new();
        self.leaves.each(from, head.size, |index, record| {
            unknown = unknown.saturating_add(u64::from(record.is_unknown()));
            if let Some(key) = record.watched() {
                watched.push((index, key, record));
                // Not all of a long log at once.
                if watched.len() >= 10_000 {
                    self.report_watched(&std::mem::take(&mut watched));
                }
            }
            let suspicion = suspicion(index, &record, &earlier, delay, latest);
            match suspicion {
                Some(suspicion) if suspects.len() < MOST => suspects.push((index, suspicion)),
                Some(_) => more = more.saturating_add(1),
                None => {}
            }
            Ok(())
        })?;
        self.report_watched(&watched);
        for (index, suspicion) in suspects {
            let logged = self.logged(index, head)?;
            let evidence = match suspicion {
                Suspicion::Fault => Evidence::BadEntry(logged),
                Suspicion::PostDated => Evidence::PostDated { logged, ots: None },
                Suspicion::Late(earlier) => Evidence::Late {
                    logged,
                    prefix: self.prefix(earlier.size, head.size)?,
                    head: earlier.text,
                },
            };
            self.raise(evidence, &[self.log.url().to_owned()])?;
        }
        if more > 0 {
            let text = format!("{more} more entries break rules; the first {MOST} became alarms");
            self.say(&Event::new("more", text).with("entries", more));
        }
        self.duplicates(head)?;
        self.unknown(unknown);
        Ok(())
    }

    fn duplicates(&mut self, head: &Head) -> Result<(), CliError> {
        // They are not found a second time, so they are kept until they are judged.
        let pairs = self.seen.settle()?;
        self.state.pairs.extend(pairs);
        self.save()?;
        for (first, second) in self.state.pairs.clone() {
            let (first, second) = (self.logged(first, head)?, self.logged(second, head)?);
            let entry = |logged: &Logged| {
                let text = std::str::from_utf8(&logged.entry).ok()?;
                Entry::parse(text).ok()
            };
            let same = entry(&first).zip(entry(&second)).is_some_and(|(a, b)| {
                let assertion =
                    |entry: &Entry| (entry.client_data_hash, entry.credential_public_key.clone());
                a.approval_id_hash == b.approval_id_hash || assertion(&a) == assertion(&b)
            });
            if same {
                let evidence = Evidence::Duplicate(first, second);
                self.raise(evidence, &[self.log.url().to_owned()])?;
            }
        }
        Ok(())
    }

    fn unknown(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.state.unknown = self.state.unknown.saturating_add(count);
        let message = format!("{count} entries are of types that this version does not know.");
        self.note(&CliError::new(CliCode::MonitorUnknownEntries, message));
    }

    fn report_watched(&self, entries: &[(u64, usize, Record)]) {
        for (index, key, record) in entries {
            let Some((key, time)) = self.watched.get(*key).zip(record.decided_at()) else {
                continue;
            };
            let key = format!("SHA256:{}", base64url(&sha256(key)));
            let text = format!(
                "entry {index} is by the key {key}; decided at {}, says the service",
                for_people(time)
            );
            let event = Event::new("watched", text)
                .with("decidedAt", time.to_string())
                .with("index", *index)
                .with("key", key)
                .with("leafHash", base64url(&record.hash));
            self.say(&event);
        }
    }

    /// The entry, and the proof that it is in the tree of this head.
    pub(super) fn logged(&mut self, index: u64, head: &Head) -> Result<Logged, CliError> {
        let entry = self.log.entry(index, head.size)?;
        if leaf_hash(&entry) != self.leaves.record(index)?.hash {
            let why = "it has other entries than before";
            return Err(self.log.mismatch("tile/entries", why));
        }
        let leaves = &mut self.leaves;
        let hashes = prove::inclusion(index, head.size, &mut |height, number| {
            leaves.node(height, number)
        })?;
        let checkpoint = SignedCheckpoint::parse(&head.text);
        let checkpoint = checkpoint.map_err(|error| CliError::of(&error))?;
        let proof = Proof::new(None, index, hashes.unwrap_or_default(), checkpoint);
        let proof = proof.map_err(|error| CliError::of(&error))?;
        Ok(Logged::new(entry, proof.to_string()))
    }

    /// What the root of the first `old` leaves is in the tree of `size`.
    pub(super) fn prefix(&mut self, old: u64, size: u64) -> Result<Vec<[u8; 32]>, CliError> {
        let leaves = &mut self.leaves;
        let prefix = prove::prefix(old, size, &mut |height, number| leaves.node(height, number))?;
        Ok(prefix.unwrap_or_default())
    }

    /// The heads that are known to lack the entries to come, the smallest first.
    fn earlier_heads(&self) -> Result<Vec<Cosigned>, CliError> {
        let mut heads = Vec::new();
        if let Some(text) = &self.state.cosigned {
            let head = self.read_head("the state", text)?;
            if let Ok(Some(time)) = head.quorum {
                heads.push(Cosigned {
                    size: head.size,
                    time,
                    text: head.text,
                });
            }
        }
        heads.sort_by_key(|head| head.size);
        Ok(heads)
    }

    /// Alarms that are still there make every round end with 1.
    pub(super) fn remind(&mut self) -> Result<(), CliError> {
        let count = self.alarm_files()?.len();
        if count > 0 && self.worst != Exit::Rejected {
            self.worst = Exit::Rejected;
            let folder = self.dir.alarms();
            let text = format!(
                "{count} alarms are in {}; move them away when they are dealt with",
                folder.display()
            );
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.say(&Event::new("alarms", text).with("count", count));
        }
        Ok(())
    }
}

fn suspicion(
    index: u64,
    record: &Record,
    earlier: &[Cosigned],
    delay: u64,
    latest: Option<Time>,
) -> Option<Suspicion> {
    if record.is_fault() {
        return Some(Suspicion::Fault);
    }
    let decided = record.decided_at()?;
    if latest.is_some_and(|latest| decided > latest) {
        return Some(Suspicion::PostDated);
    }
    let allowed = decided.saturating_add_millis(delay);
    let without = earlier.iter().take_while(|head| head.size <= index);
    let latest = without.max_by_key(|head| head.time)?;
    (latest.time > allowed).then(|| Suspicion::Late(latest.clone()))
}
