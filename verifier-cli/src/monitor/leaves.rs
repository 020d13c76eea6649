//! The monitor's record of each entry: 40 bytes, in the order of the log.
//!
//! ```text
//! leaf hash, 32 bytes ‖ what was found, 8 bytes big-endian
//!   bit 63      the entry breaks a rule
//!   bit 62      it is of a type that is not known
//!   bit 61      the roster lists its key in no version that is in force there
//!   bit 60      it is of a use of break-glass, and bits 0–47 are its notBefore
//!   bits 48–55  which of the watched keys it is by, from 1; 0 for none
//!   bits 0–47   decidedAt in milliseconds since 1970
//! ```
//!
//! After each 1024 records stands the SHA-256 of them, 32 bytes. The state has the SHA-256 of all
//! of these, and of the records behind the last one: whatever is read is what was written, or an
//! error. With the hashes the monitor can prove what it has seen, also when the log shows it no
//! more.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use durable::At as _;
use verifier_core::Time;
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash};
use verifier_core::hazmat::tlog::prove;

use super::state::{damaged, unwritable};
use crate::failure::CliError;

const BYTES: usize = 40;
/// Records that have a sum of their own.
const CHUNK: u64 = 1024;
const CHUNK_BYTES: usize = 1024 * BYTES;
const FAULT: u64 = 1 << 63;
const UNKNOWN: u64 = 1 << 62;
const UNLISTED: u64 = 1 << 61;
const GLASS: u64 = 1 << 60;
const WATCHED: u32 = 48;
const TIME: u64 = (1 << 48) - 1;

/// The record of one entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) hash: Hash,
    found: u64,
}

impl Record {
    /// An entry in order, and which of the watched keys it is by.
    pub(crate) fn sound(hash: Hash, decided_at: Time, watched: Option<u8>) -> Self {
        let watched = watched.map_or(0, |key| (u64::from(key) + 1) << WATCHED);
        Self {
            hash,
            found: (decided_at.as_millis() & TIME) | watched,
        }
    }

    /// The same entry, by a key that nobody has put into the roster.
    pub(crate) fn unlisted(self) -> Self {
        let found = self.found | UNLISTED;
        Self { found, ..self }
    }

    pub(crate) fn is_unlisted(&self) -> bool {
        self.found & (FAULT | UNKNOWN | UNLISTED) == UNLISTED
    }

    /// An entry of a use of break-glass, in order.
    pub(crate) fn glass(hash: Hash, not_before: Time, watched: Option<u8>) -> Self {
        let record = Self::sound(hash, not_before, watched);
        let found = record.found | GLASS;
        Self { found, ..record }
    }

    /// From when on something was permitted under break-glass, as the log says, if the entry is of
    /// that.
    pub(crate) fn glass_from(&self) -> Option<Time> {
        let glass = self.found & (FAULT | UNKNOWN | GLASS) == GLASS;
        Time::from_millis(self.found & TIME).filter(|_| glass)
    }

    /// An entry that breaks a rule.
    pub(crate) fn fault(hash: Hash) -> Self {
        Self { hash, found: FAULT }
    }

    /// An entry of a type that is not known.
    pub(crate) fn unknown(hash: Hash) -> Self {
        let found = UNKNOWN;
        Self { hash, found }
    }

    pub(crate) fn is_fault(&self) -> bool {
        self.found & FAULT != 0
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.found & UNKNOWN != 0
    }

    /// When it was decided, as the service claims.
    pub(crate) fn decided_at(&self) -> Option<Time> {
        let decided = self.found & (FAULT | UNKNOWN | GLASS) == 0;
        Time::from_millis(self.found & TIME).filter(|_| decided)
    }

    /// Which of the watched keys it is by.
    pub(crate) fn watched(&self) -> Option<usize> {
        let number = (self.found >> WATCHED) & 0xff;
        usize::try_from(number).ok()?.checked_sub(1)
    }

    fn to_bytes(self) -> Vec<u8> {
        [&self.hash[..], &self.found.to_be_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (hash, found) = bytes.split_first_chunk()?;
        Some(Self {
            hash: *hash,
            found: u64::from_be_bytes(found.try_into().ok()?),
        })
    }
}

/// The file of records.
#[derive(Debug)]
pub(crate) struct Leaves {
    path: PathBuf,
    file: File,
    size: u64,
    /// The sums of the complete chunks.
    sums: Vec<[u8; 32]>,
    /// The records behind them.
    tail: Vec<u8>,
    /// The chunk that was read last.
    held: Option<(u64, Vec<u8>)>,
    /// The roots of complete subtrees of 256 leaves, as far as they were needed.
    subtrees: Vec<Hash>,
}

impl Leaves {
    /// Opens the file, which has to begin with `size` records of this sum, and forgets everything
    /// behind them.
    pub(crate) fn open(path: &Path, size: u64, sum: &[u8; 32]) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| unwritable(path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let there = file.metadata().map_err(failed)?.len();
        if there < place(size) {
            let message = format!("it has {there} bytes of {}", place(size));
            return Err(damaged(path, &message));
        }
        let mut leaves = Self {
            path: path.into(),
            file,
            size: 0,
            sums: Vec::new(),
            tail: Vec::new(),
            held: None,
            subtrees: Vec::new(),
        };
        leaves.truncate(size)?;
        match leaves.sum() == *sum || size == 0 {
            true => Ok(leaves),
            false => Err(damaged(path, "its sums are not those that were written")),
        }
    }

    /// The part of the content that the state keeps.
    pub(crate) fn sum(&self) -> [u8; 32] {
        let mut all = self.sums.concat();
        all.extend(sha256(&self.tail));
        sha256(&all)
    }

    /// Forgets everything after the first `size` records.
    pub(crate) fn truncate(&mut self, size: u64) -> Result<(), CliError> {
        let failed = |error: std::io::Error| unwritable(&self.path, &error);
        self.file.set_len(place(size)).map_err(failed)?;
        let mut sums = Vec::new();
        for chunk in 0..size / CHUNK {
            let mut sum = [0; 32];
            let at = place(chunk.saturating_add(1).saturating_mul(CHUNK)).saturating_sub(32);
            self.file.read_at_exactly(&mut sum, at).map_err(failed)?;
            sums.push(sum);
        }
        let records = usize::try_from(size % CHUNK).unwrap_or(0);
        let mut tail = vec![0; records.saturating_mul(BYTES)];
        let first = size - size % CHUNK;
        self.file
            .read_at_exactly(&mut tail, place(first))
            .map_err(failed)?;
        (self.size, self.sums, self.tail) = (size, sums, tail);
        self.held = None;
        self.subtrees.clear();
        Ok(())
    }

    /// Appends records. They are durable after [`Leaves::sync`].
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), CliError> {
        let mut bytes = Vec::new();
        let at = place(self.size);
        for record in records {
            let record = record.to_bytes();
            bytes.extend(&record);
            self.tail.extend(&record);
            self.size = self.size.saturating_add(1);
            if self.tail.len() == CHUNK_BYTES {
                let sum = sha256(&self.tail);
                bytes.extend(sum);
                self.sums.push(sum);
                self.tail.clear();
            }
        }
        self.file
            .write_at_all(&bytes, at)
            .map_err(|error| unwritable(&self.path, &error))
    }

    pub(crate) fn sync(&self) -> Result<(), CliError> {
        let synced = self.file.sync_all();
        synced.map_err(|error| unwritable(&self.path, &error))
    }

    /// Calls `each` with the records from index `from` to before `to`.
    pub(crate) fn each(
        &mut self,
        from: u64,
        to: u64,
        mut each: impl FnMut(u64, Record) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let mut index = from;
        while index < to {
            let end = to.min((index / CHUNK).saturating_add(1).saturating_mul(CHUNK));
            let chunk = self.chunk(index / CHUNK)?;
            let skip = usize::try_from(index % CHUNK).unwrap_or(usize::MAX);
            let mut records = chunk.chunks_exact(BYTES).skip(skip).map(Record::read);
            let mut read = Vec::new();
            for index in index..end {
                read.push((index, records.next().flatten()));
            }
            for (index, record) in read {
                each(index, record.ok_or_else(|| self.outside())?)?;
            }
            index = end;
        }
        Ok(())
    }

    /// One record.
    pub(crate) fn record(&mut self, index: u64) -> Result<Record, CliError> {
        let at = usize::try_from(index % CHUNK).unwrap_or(usize::MAX);
        let chunk = self.chunk(index / CHUNK)?;
        let record = chunk.chunks_exact(BYTES).nth(at).and_then(Record::read);
        record.ok_or_else(|| self.outside())
    }

    /// The records of a chunk, which are those that were written.
    fn chunk(&mut self, chunk: u64) -> Result<&[u8], CliError> {
        let sum = usize::try_from(chunk)
            .ok()
            .and_then(|at| self.sums.get(at).copied());
        let Some(sum) = sum else {
            let last = self.size / CHUNK == chunk;
            return Ok(if last { &self.tail } else { &[] });
        };
        let bytes = match self.held.take() {
            Some((held, bytes)) if held == chunk => bytes,
            _ => {
                let mut bytes = vec![0; CHUNK_BYTES];
                let read = self
                    .file
                    .read_at_exactly(&mut bytes, place(chunk.saturating_mul(CHUNK)));
                read.map_err(|error| CliError::unreadable(&self.path, &error))?;
                if sha256(&bytes) != sum {
                    let why = "its records are not those that were written";
                    return Err(damaged(&self.path, why));
                }
                bytes
            }
        };
        let (_, bytes) = self.held.insert((chunk, bytes));
        Ok(bytes)
    }

    fn outside(&self) -> CliError {
        damaged(&self.path, "a record outside the tree was asked for")
    }

    /// The root of the complete subtree of 2^`height` leaves with this number.
    pub(crate) fn node(&mut self, height: u8, number: u64) -> Result<Hash, CliError> {
        let path = self.path.clone();
        let outside = || damaged(&path, "a node outside the tree was asked for");
        if height < 8 {
            let first = number.checked_shl(height.into()).ok_or_else(outside)?;
            let mut tree = CompactRange::default();
            self.each(first, first.saturating_add(1 << height), |_, record| {
                append(&mut tree, record.hash)
            })?;
            return Ok(tree.root());
        }
        let above = u32::from(height) - 8;
        let first = number.checked_shl(above).ok_or_else(outside)?;
        let count = 1_u64.checked_shl(above).ok_or_else(outside)?;
        let end = first.checked_add(count).ok_or_else(outside)?;
        self.reach(end)?;
        let range = usize::try_from(first).ok().zip(usize::try_from(end).ok());
        let roots = range.and_then(|(first, end)| self.subtrees.get(first..end));
        let mut tree = CompactRange::default();
        for root in roots.unwrap_or_default() {
            append(&mut tree, *root)?;
        }
        Ok(tree.root())
    }

    /// The root of the tree of the first `size` leaves.
    pub(crate) fn root(&mut self, size: u64) -> Result<Hash, CliError> {
        let edge = prove::edge(size, &mut |height, number| self.node(height, number))?;
        let tree = CompactRange::from_hashes(size, edge);
        tree.map(|tree| tree.root())
            .map_err(|error| damaged(&self.path, &error.to_string()))
    }

    /// Computes the roots of the first `count` subtrees of 256 leaves.
    fn reach(&mut self, count: u64) -> Result<(), CliError> {
        let known = u64::try_from(self.subtrees.len()).unwrap_or(u64::MAX);
        if count <= known {
            return Ok(());
        }
        let mut roots = Vec::new();
        let mut tree = CompactRange::default();
        self.each(
            known.saturating_mul(256),
            count.saturating_mul(256),
            |_, record| {
                append(&mut tree, record.hash)?;
                if tree.size() == 256 {
                    roots.push(std::mem::take(&mut tree).root());
                }
                Ok(())
            },
        )?;
        self.subtrees.append(&mut roots);
        Ok(())
    }
}

/// Where the record with this index stands.
fn place(index: u64) -> u64 {
    let records = index.saturating_mul(40);
    records.saturating_add((index / CHUNK).saturating_mul(32))
}

fn append(tree: &mut CompactRange, hash: Hash) -> Result<(), CliError> {
    tree.append(hash).map_err(|error| CliError::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::hazmat::tlog::merkle::{leaf_hash, verify_inclusion, verify_prefix};

    #[test]
    fn proves_what_it_has_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leaves");
        let mut leaves = Leaves::open(&path, 0, &[0; 32]).unwrap();
        let hash = |i: u64| leaf_hash(&i.to_be_bytes());
        let records: Vec<Record> = (0..3000)
            .map(|i| Record::sound(hash(i), Time::from_millis(i).unwrap(), None))
            .collect();
        leaves.append(&records).unwrap();
        let tree = |size: u64| {
            let mut tree = CompactRange::default();
            (0..size).for_each(|i| tree.append(hash(i)).unwrap());
            tree.root()
        };
        for size in [1, 255, 256, 257, 1024, 1500, 3000] {
            assert_eq!(leaves.root(size).unwrap(), tree(size), "{size}");
            for index in [0, size / 2, size - 1] {
                let proof = prove::inclusion(index, size, &mut |h, n| leaves.node(h, n)).unwrap();
                verify_inclusion(&hash(index), index, size, &proof.unwrap(), &tree(size)).unwrap();
            }
        }
        for old in [1, 255, 256, 700, 1024, 1499] {
            let proof = prove::prefix(old, 3000, &mut |h, n| leaves.node(h, n)).unwrap();
            let root = verify_prefix(old, 3000, &tree(3000), &proof.unwrap()).unwrap();
            assert_eq!(root, tree(old), "{old}");
        }
        leaves.truncate(300).unwrap();
        assert_eq!(leaves.root(300).unwrap(), tree(300));
        assert!(leaves.record(300).is_err());
        let sum = leaves.sum();
        drop(leaves);
        assert!(Leaves::open(&path, 301, &sum).is_err());
        Leaves::open(&path, 300, &sum).unwrap();
    }

    #[test]
    fn a_file_is_what_was_written_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leaves");
        let mut leaves = Leaves::open(&path, 0, &[0; 32]).unwrap();
        let record = |i: u64| {
            let time = Time::from_millis(i).unwrap();
            Record::sound(leaf_hash(&i.to_be_bytes()), time, None)
        };
        let records: Vec<Record> = (0..3000).map(record).collect();
        for part in records.chunks(700) {
            leaves.append(part).unwrap();
        }
        let sum = leaves.sum();
        let good = std::fs::read(&path).unwrap();
        let read = || {
            let mut leaves = Leaves::open(&path, 3000, &sum)?;
            let mut read = Vec::new();
            leaves.each(0, 3000, |_, record| {
                read.push(record);
                Ok(())
            })?;
            Ok::<_, CliError>(read)
        };
        assert_eq!(read().unwrap(), records);
        for at in (0..good.len()).step_by(997).chain([good.len() - 1]) {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read().unwrap_err().code(), "monitor.state", "{at}");
        }
        for cut in [0, 39, 40, CHUNK_BYTES + 32, good.len() - 1] {
            std::fs::write(&path, &good[..cut]).unwrap();
            assert_eq!(read().unwrap_err().code(), "monitor.state", "{cut}");
        }
    }

    #[test]
    fn a_record_keeps_what_was_found() {
        let time = Time::parse("9999-12-31T23:59:59.999Z").unwrap();
        for watched in [None, Some(0), Some(254)] {
            let record = Record::sound([7; 32], time, watched);
            assert_eq!(Record::read(&record.to_bytes()), Some(record));
            assert_eq!(record.decided_at(), Some(time));
            assert_eq!(record.watched(), watched.map(usize::from));
            assert!(!record.is_fault() && !record.is_unknown());
        }
        assert!(Record::fault([0; 32]).is_fault() && Record::fault([0; 32]).decided_at().is_none());
        assert!(Record::unknown([0; 32]).is_unknown());
    }
}
