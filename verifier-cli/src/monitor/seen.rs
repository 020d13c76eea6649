//! Which approval ids and assertions the log has had, to find those that it has twice.
//!
//! Sorted files of 24 bytes a key, so that memory stays the same however long the log is:
//!
//! ```text
//! SHA-256(what)[..16] ‖ index of the entry, 8 bytes big-endian
//!   what = 'i' ‖ SHA-256 of the id, or 'a' ‖ clientDataHash ‖ credentialPublicKey
//! ```
//!
//! The keys of a file are checked as they are read, see `table`. A scan writes new files; when it
//! is complete they are merged, compared with the others, and merged with those that are not much
//! larger, so that there are never many. Two keys of one hash are only a hint: the entries
//! themselves decide. The same key of the same entry is no pair, so a scan may be repeated.

mod table;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::fs;
use std::path::{Path, PathBuf};

use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::leaf::Leaf;

use super::state::unwritable;
use crate::failure::CliError;

pub(crate) use table::Sum;

use table::{Reader, Table, Writer};

/// A key and the index of its entry.
pub(crate) type Key = [u8; 24];

/// How many files are merged at once.
const ABREAST: usize = 64;
/// How many pairs are reported; one is enough to accuse a log.
const MOST: usize = 100;

/// The keys of an entry.
pub(crate) fn keys(entry: &Leaf, index: u64) -> [Key; 2] {
    let id = [&b"i"[..], &entry.id_hash()].concat();
    let assertion = [&b"a"[..], &entry.assertion_identity()].concat();
    [id, assertion].map(|what| {
        let mut key = [0; 24];
        let (hash, number) = key.split_at_mut(16);
        hash.copy_from_slice(sha256(&what).first_chunk::<16>().unwrap_or(&[0; 16]));
        number.copy_from_slice(&index.to_be_bytes());
        key
    })
}

/// A sorted file of keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KeyFile {
    /// No other file has this number.
    pub(crate) number: u64,
    /// Whether its keys have been compared with each other and with those of all checked files.
    pub(crate) checked: bool,
    /// Its content.
    pub(crate) sum: Sum,
}

impl KeyFile {
    fn name(&self) -> String {
        format!("seen-{}", self.number)
    }
}

/// All files.
#[derive(Debug)]
pub(crate) struct Seen {
    dir: PathBuf,
    runs: Vec<KeyFile>,
    new: Vec<Key>,
    /// The number of the newest file.
    last: u64,
    /// No longer needed, and to be removed once the state says so.
    old: Vec<KeyFile>,
}

impl Seen {
    /// The files of a state. What else is there was left by a run that was ended.
    pub(crate) fn open(dir: &Path, runs: Vec<KeyFile>) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| unwritable(dir, &error);
        for file in fs::read_dir(dir).map_err(failed)? {
            let file = file.map_err(failed)?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with("seen-") && !runs.iter().any(|run| run.name() == name) {
                fs::remove_file(file.path()).map_err(failed)?;
            }
        }
        for run in &runs {
            Table::open(&dir.join(run.name()), &run.sum)?;
        }
        Ok(Self {
            dir: dir.into(),
            last: runs.iter().map(|run| run.number).max().unwrap_or(0),
            runs,
            new: Vec::new(),
            old: Vec::new(),
        })
    }

    pub(crate) fn runs(&self) -> &[KeyFile] {
        &self.runs
    }

    pub(crate) fn add(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.new.extend(keys);
    }

    /// Writes what was added.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        if self.new.is_empty() {
            return Ok(());
        }
        self.new.sort_unstable();
        let mut run = self.next();
        let mut writer = Writer::create(&self.path(&run))?;
        for key in self.new.drain(..) {
            writer.push(&key)?;
        }
        run.sum = writer.finish()?;
        self.runs.push(run);
        Ok(())
    }

    fn next(&mut self) -> KeyFile {
        self.last = self.last.saturating_add(1);
        KeyFile {
            number: self.last,
            checked: false,
            sum: Sum::default(),
        }
    }

    /// Forgets what is not checked.
    pub(crate) fn reset(&mut self) {
        self.new.clear();
        let (kept, old) = self.runs.drain(..).partition(|run| run.checked);
        self.runs = kept;
        self.old.extend(old);
    }

    /// Compares what is new with itself and with everything else. Returns pairs of entries that
    /// seem to have a key in common. What is new is compared again the next time.
    pub(crate) fn look(&mut self) -> Result<BTreeSet<(u64, u64)>, CliError> {
        let mut pairs = BTreeSet::new();
        if let Some((at, merged)) = self.gather(&mut pairs)? {
            self.compare(&merged, &mut pairs)?;
            self.runs.insert(self.runs.len().min(at), merged);
        }
        Ok(pairs)
    }

    /// As [`Seen::look`], and what was new is checked from then on.
    pub(crate) fn settle(&mut self) -> Result<BTreeSet<(u64, u64)>, CliError> {
        let mut pairs = BTreeSet::new();
        let Some((at, mut merged)) = self.gather(&mut pairs)? else {
            return Ok(pairs);
        };
        self.compare(&merged, &mut pairs)?;
        merged.checked = true;
        while let Some(run) = self.runs.pop() {
            if run.sum.keys > merged.sum.keys.saturating_mul(2) {
                self.runs.push(run);
                break;
            }
            merged = self.merge(vec![run, merged], &mut pairs)?;
            merged.checked = true;
        }
        self.runs.insert(self.runs.len().min(at), merged);
        Ok(pairs)
    }

    /// Takes all that is new out of the files, as one, with the place where it stood.
    fn gather(
        &mut self,
        pairs: &mut BTreeSet<(u64, u64)>,
    ) -> Result<Option<(usize, KeyFile)>, CliError> {
        while let Some(at) = self.runs.iter().position(|run| !run.checked) {
            let end = self.runs.len().min(at.saturating_add(ABREAST));
            let group: Vec<KeyFile> = self.runs.drain(at..end).collect();
            let merged = self.merge(group, pairs)?;
            if self.runs.len() == at {
                return Ok(Some((at, merged)));
            }
            self.runs.insert(at, merged);
        }
        Ok(None)
    }

    /// Compares a file with all others.
    fn compare(&self, new: &KeyFile, pairs: &mut BTreeSet<(u64, u64)>) -> Result<(), CliError> {
        self.runs
            .iter()
            .rev()
            .try_for_each(|run| self.join(new, run, pairs))
    }

    /// Removes the files that are no longer needed.
    pub(crate) fn sweep(&mut self) {
        for run in std::mem::take(&mut self.old) {
            // One that stays is removed at the next start.
            let _ignored = fs::remove_file(self.path(&run));
        }
    }

    fn path(&self, run: &KeyFile) -> PathBuf {
        self.dir.join(run.name())
    }

    fn table(&self, run: &KeyFile) -> Result<Table, CliError> {
        Table::open(&self.path(run), &run.sum)
    }

    /// One file of several neighbours.
    fn merge(
        &mut self,
        group: Vec<KeyFile>,
        pairs: &mut BTreeSet<(u64, u64)>,
    ) -> Result<KeyFile, CliError> {
        let (mut merged, mut writer) = match group.as_slice() {
            [alone] => (alone.clone(), None),
            _ => {
                let merged = self.next();
                let writer = Writer::create(&self.path(&merged))?;
                (merged, Some(writer))
            }
        };
        let mut readers = Vec::new();
        let mut heap = BinaryHeap::new();
        for (number, run) in group.iter().enumerate() {
            let mut reader = Reader::new(self.table(run)?);
            heap.extend(reader.next()?.map(|key| Reverse((key, number))));
            readers.push(reader);
        }
        let mut before: Option<Key> = None;
        while let Some(Reverse((key, number))) = heap.pop() {
            if let Some(reader) = readers.get_mut(number) {
                heap.extend(reader.next()?.map(|key| Reverse((key, number))));
            }
            if let Some(before) = before {
                note(&before, &key, pairs);
            }
            before = Some(key);
            if let Some(writer) = &mut writer {
                writer.push(&key)?;
            }
        }
        if let Some(writer) = writer {
            merged.sum = writer.finish()?;
            self.old.extend(group);
        }
        Ok(merged)
    }

    /// Compares a new file with an old one.
    fn join(
        &self,
        new: &KeyFile,
        old: &KeyFile,
        pairs: &mut BTreeSet<(u64, u64)>,
    ) -> Result<(), CliError> {
        let mut keys = Reader::new(self.table(new)?);
        let (many, mut old) = (old.sum.keys, self.table(old)?);
        if new.sum.keys.saturating_mul(16) < many {
            while let Some(key) = keys.next()? {
                if let Some(found) = old.search(&key)? {
                    note(&found, &key, pairs);
                }
            }
            return Ok(());
        }
        let mut others = Reader::new(old);
        let mut other = others.next()?;
        while let Some(key) = keys.next()? {
            while let Some(before) = other.filter(|other| hash(other) < hash(&key)) {
                let _smaller = before;
                other = others.next()?;
            }
            if let Some(other) = &other {
                note(other, &key, pairs);
            }
        }
        Ok(())
    }
}

fn hash(key: &Key) -> &[u8] {
    key.first_chunk::<16>().map_or(&[], |hash| hash)
}

fn index(key: &Key) -> u64 {
    key.last_chunk()
        .map_or(0, |index| u64::from_be_bytes(*index))
}

/// Two neighbours of one hash.
fn note(a: &Key, b: &Key, pairs: &mut BTreeSet<(u64, u64)>) {
    let (first, second) = (index(a).min(index(b)), index(a).max(index(b)));
    if hash(a) == hash(b) && first != second && pairs.len() < MOST {
        pairs.insert((first, second));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(what: u64, index: u64) -> Key {
        let mut key = [0; 24];
        key[..16].copy_from_slice(&sha256(&what.to_be_bytes())[..16]);
        key[16..].copy_from_slice(&index.to_be_bytes());
        key
    }

    /// Adds entries whose keys are given, in files of `step`; `settle`s every `round` entries.
    fn pairs(whats: &[u64], step: usize, round: usize) -> BTreeSet<(u64, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let mut found = BTreeSet::new();
        let mut seen = Seen::open(folder.path(), Vec::new()).unwrap();
        for (index, what) in (0..).zip(whats) {
            seen.add([key(*what, index)]);
            let count = usize::try_from(index).unwrap() + 1;
            let end = count == whats.len();
            if count.is_multiple_of(step) || count.is_multiple_of(round) || end {
                seen.flush().unwrap();
            }
            if count.is_multiple_of(round) || end {
                found.extend(seen.settle().unwrap());
                seen.sweep();
                assert!(seen.runs.iter().all(|run| run.checked));
                let files = fs::read_dir(folder.path()).unwrap().count();
                assert_eq!(files, seen.runs.len());
                // As after a new start.
                seen = Seen::open(folder.path(), seen.runs.clone()).unwrap();
            }
        }
        assert!(seen.runs.len() < 12, "{}", seen.runs.len());
        found
    }

    #[test]
    fn finds_every_key_that_is_there_twice() {
        let mut whats: Vec<u64> = (0..300).collect();
        assert!(pairs(&whats, 20, 60).is_empty());
        for (a, b) in [(0, 1), (0, 299), (59, 60), (290, 295), (123, 201)] {
            whats[b] = u64::try_from(a).unwrap();
            let pair = (u64::try_from(a).unwrap(), u64::try_from(b).unwrap());
            for (step, round) in [(20, 60), (4, 300), (25, 31)] {
                let found = pairs(&whats, step, round);
                assert_eq!(found, BTreeSet::from([pair]), "{step} {round}");
            }
            whats[b] = u64::try_from(b).unwrap();
        }
    }

    #[test]
    fn a_file_is_what_was_written_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path(), Vec::new()).unwrap();
        seen.add((0..5000).map(|index| key(index, index)));
        seen.flush().unwrap();
        seen.settle().unwrap();
        let runs = seen.runs.clone();
        let path = folder.path().join(runs[0].name());
        let good = fs::read(&path).unwrap();
        // Nothing new is in it, so a damaged file can only hide a pair, or be found out.
        let look = |index: u64| {
            let mut seen = Seen::open(folder.path(), runs.clone())?;
            seen.add([key(index, 9_999)]);
            seen.flush()?;
            seen.look()
        };
        for index in [0, 1023, 1024, 4999] {
            assert_eq!(look(index).unwrap(), BTreeSet::from([(index, 9_999)]));
        }
        for cut in [0, 1, 24, good.len() / 2, good.len() - 56, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            assert_eq!(look(7).unwrap_err().code(), "monitor.state", "{cut}");
        }
        fs::write(&path, [&good[..], &[0; 24]].concat()).unwrap();
        assert_eq!(look(7).unwrap_err().code(), "monitor.state");
        for at in (0..good.len()).step_by(1009) {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            for index in [0, 1023, 1024, 4999] {
                match look(index) {
                    Ok(pairs) => assert_eq!(pairs, BTreeSet::from([(index, 9_999)]), "{at}"),
                    Err(error) => assert_eq!(error.code(), "monitor.state", "{at}"),
                }
            }
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(look(7).unwrap_err().code(), "monitor.state");
    }
}
