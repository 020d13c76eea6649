//! Which approval ids and assertions the log has had, to find those that it has twice.
//!
//! Sorted files of 24 bytes a key, so that memory stays the same however long the log is:
//!
//! ```text
//! SHA-256(what)[..16] ‖ index of the entry, 8 bytes big-endian
//!   what = 'i' ‖ approvalIdHash, or 'a' ‖ clientDataHash ‖ credentialPublicKey
//! ```
//!
//! A scan writes new files; when it is complete they are merged, compared with the others, and
//! merged with those that are not much larger, so that there are never many. Two keys of one hash
//! are only a hint: the entries themselves decide. The same key of the same entry is no pair, so a
//! scan may be repeated.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use verifier_core::encoding::sha256;
use verifier_core::entry::Entry;

use super::state::unwritable;
use crate::failure::CliError;

/// A key and the index of its entry.
pub(crate) type Key = [u8; 24];

const BYTES: u64 = 24;
/// How many files are merged at once.
const ABREAST: usize = 64;
/// How many pairs are reported; one is enough to accuse a log.
const MOST: usize = 100;

/// The keys of an entry.
pub(crate) fn keys(entry: &Entry, index: u64) -> [Key; 2] {
    let id = [&b"i"[..], &entry.approval_id_hash].concat();
    let assertion = [&b"a"[..], &entry.client_data_hash, &entry.key_identity()].concat();
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
pub(crate) struct Run {
    /// No other file has this number.
    pub(crate) number: u64,
    /// Whether its keys have been compared with each other and with those of all checked files.
    pub(crate) checked: bool,
}

impl Run {
    fn name(&self) -> String {
        format!("seen-{}", self.number)
    }
}

/// All files.
#[derive(Debug)]
pub(crate) struct Seen {
    dir: PathBuf,
    runs: Vec<Run>,
    new: Vec<Key>,
    /// The number of the newest file.
    last: u64,
    /// No longer needed, and to be removed once the state says so.
    old: Vec<Run>,
}

impl Seen {
    /// The files of a state. What else is there was left by a run that was ended.
    pub(crate) fn open(dir: &Path, runs: Vec<Run>) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| unwritable(dir, &error);
        for file in fs::read_dir(dir).map_err(failed)? {
            let file = file.map_err(failed)?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with("seen-") && !runs.iter().any(|run| run.name() == name) {
                fs::remove_file(file.path()).map_err(failed)?;
            }
        }
        Ok(Self {
            dir: dir.into(),
            last: runs.iter().map(|run| run.number).max().unwrap_or(0),
            runs,
            new: Vec::new(),
            old: Vec::new(),
        })
    }

    pub(crate) fn runs(&self) -> &[Run] {
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
        let run = self.next();
        let mut writer = Writer::create(&self.path(&run))?;
        for key in self.new.drain(..) {
            writer.push(&key)?;
        }
        writer.finish()?;
        self.runs.push(run);
        Ok(())
    }

    fn next(&mut self) -> Run {
        self.last = self.last.saturating_add(1);
        Run {
            number: self.last,
            checked: false,
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
    /// seem to have a key in common.
    pub(crate) fn settle(&mut self) -> Result<BTreeSet<(u64, u64)>, CliError> {
        let mut pairs = BTreeSet::new();
        while let Some(at) = self.runs.iter().position(|run| !run.checked) {
            let end = self.runs.len().min(at.saturating_add(ABREAST));
            let group: Vec<Run> = self.runs.drain(at..end).collect();
            let last = self.runs.len() == at;
            let mut merged = self.merge(group, &mut pairs)?;
            if last {
                merged.checked = true;
                let checked = self.runs.clone();
                for run in checked.iter().rev() {
                    self.join(&merged, run, &mut pairs)?;
                }
                while let Some(run) = self.runs.pop() {
                    if self.count(&run)? > self.count(&merged)?.saturating_mul(2) {
                        self.runs.push(run);
                        break;
                    }
                    merged = self.merge(vec![run, merged], &mut pairs)?;
                    merged.checked = true;
                }
            }
            self.runs.insert(self.runs.len().min(at), merged);
        }
        Ok(pairs)
    }

    /// Removes the files that are no longer needed.
    pub(crate) fn sweep(&mut self) {
        for run in std::mem::take(&mut self.old) {
            // One that stays is removed at the next start.
            let _ignored = fs::remove_file(self.path(&run));
        }
    }

    fn path(&self, run: &Run) -> PathBuf {
        self.dir.join(run.name())
    }

    fn count(&self, run: &Run) -> Result<u64, CliError> {
        let path = self.path(run);
        let metadata = fs::metadata(&path).map_err(|error| CliError::unreadable(&path, &error))?;
        Ok(metadata.len() / BYTES)
    }

    /// One file of several neighbours.
    fn merge(
        &mut self,
        group: Vec<Run>,
        pairs: &mut BTreeSet<(u64, u64)>,
    ) -> Result<Run, CliError> {
        let (merged, mut writer) = match group.as_slice() {
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
            let mut reader = Reader::open(&self.path(run))?;
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
            writer.finish()?;
            self.old.extend(group);
        }
        Ok(merged)
    }

    /// Compares a new file with an old one.
    fn join(&self, new: &Run, old: &Run, pairs: &mut BTreeSet<(u64, u64)>) -> Result<(), CliError> {
        let many = self.count(old)?;
        let mut keys = Reader::open(&self.path(new))?;
        if self.count(new)?.saturating_mul(16) < many {
            let path = self.path(old);
            let file = File::open(&path).map_err(|error| CliError::unreadable(&path, &error))?;
            while let Some(key) = keys.next()? {
                let found = search(&file, many, &key);
                let found = found.map_err(|error| CliError::unreadable(&path, &error))?;
                if let Some(found) = found {
                    note(&found, &key, pairs);
                }
            }
            return Ok(());
        }
        let mut others = Reader::open(&self.path(old))?;
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

/// A key of the same hash in a sorted file.
fn search(file: &File, count: u64, key: &Key) -> std::io::Result<Option<Key>> {
    let (mut low, mut high) = (0, count);
    let mut found: Key = [0; 24];
    while low < high {
        let middle = low + (high - low) / 2;
        file.read_exact_at(&mut found, middle.saturating_mul(BYTES))?;
        match hash(&found).cmp(hash(key)) {
            std::cmp::Ordering::Equal => return Ok(Some(found)),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(None)
}

struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
}

impl Reader {
    fn open(path: &Path) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| CliError::unreadable(path, &error);
        let file = File::open(path).map_err(failed)?;
        Ok(Self {
            path: path.into(),
            left: file.metadata().map_err(failed)?.len() / BYTES,
            file: BufReader::with_capacity(48 * 1024, file),
        })
    }

    fn next(&mut self) -> Result<Option<Key>, CliError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut key = [0; 24];
        let read = self.file.read_exact(&mut key);
        read.map_err(|error| CliError::unreadable(&self.path, &error))?;
        Ok(Some(key))
    }
}

struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Writer {
    fn create(path: &Path) -> Result<Self, CliError> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.into(),
            file: BufWriter::with_capacity(256 * 1024, file),
        })
    }

    fn push(&mut self, key: &Key) -> Result<(), CliError> {
        let written = self.file.write_all(key);
        written.map_err(|error| unwritable(&self.path, &error))
    }

    fn finish(mut self) -> Result<(), CliError> {
        let synced = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| unwritable(&self.path, &error))
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
}
