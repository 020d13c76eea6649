//! What the monitor keeps of each entry: 40 bytes, in the order of the log.
//!
//! ```text
//! leaf hash, 32 bytes ‖ what was found, 8 bytes big-endian
//!   bit 63      the entry breaks a rule
//!   bit 62      it is of a type that is not known
//!   bits 48–55  which of the watched keys it is by, from 1; 0 for none
//!   bits 0–47   decidedAt in milliseconds since 1970
//! ```
//!
//! With the hashes the monitor can prove what it has seen, also when the log shows it no more.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use verifier_core::time::Time;
use verifier_core::tlog::merkle::{CompactRange, Hash};
use verifier_core::tlog::prove;

use super::state::{damaged, unwritable};
use crate::failure::CliError;

const BYTES: u64 = 40;
const FAULT: u64 = 1 << 63;
const UNKNOWN: u64 = 1 << 62;
const WATCHED: u32 = 48;
const TIME: u64 = (1 << 48) - 1;

/// What is kept of one entry.
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
        let sound = self.found & (FAULT | UNKNOWN) == 0;
        Time::from_millis(self.found & TIME).filter(|_| sound)
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
    /// The roots of complete subtrees of 256 leaves, as far as they were needed.
    subtrees: Vec<Hash>,
}

impl Leaves {
    /// Opens the file, and forgets everything after the first `size` records.
    pub(crate) fn open(path: &Path, size: u64) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| unwritable(path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let mut leaves = Self {
            path: path.into(),
            file,
            size: 0,
            subtrees: Vec::new(),
        };
        let there = leaves.file.metadata().map_err(failed)?.len() / BYTES;
        if there < size {
            let message = format!("it has {there} entries of {size}");
            return Err(damaged(path, &message));
        }
        leaves.truncate(size)?;
        Ok(leaves)
    }

    /// Forgets everything after the first `size` records.
    pub(crate) fn truncate(&mut self, size: u64) -> Result<(), CliError> {
        self.file
            .set_len(size.saturating_mul(BYTES))
            .map_err(|error| unwritable(&self.path, &error))?;
        self.size = size;
        self.subtrees.clear();
        Ok(())
    }

    /// Appends records. They are durable after [`Leaves::sync`].
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), CliError> {
        let bytes: Vec<u8> = records
            .iter()
            .flat_map(|record| record.to_bytes())
            .collect();
        let at = SeekFrom::Start(self.size.saturating_mul(BYTES));
        self.file
            .seek(at)
            .and_then(|_| self.file.write_all(&bytes))
            .map_err(|error| unwritable(&self.path, &error))?;
        let count = u64::try_from(records.len()).unwrap_or(0);
        self.size = self.size.saturating_add(count);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<(), CliError> {
        let synced = self.file.sync_all();
        synced.map_err(|error| unwritable(&self.path, &error))
    }

    /// Calls `each` with the records from index `from` to before `to`.
    pub(crate) fn each(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(u64, Record) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let failed = |error: std::io::Error| CliError::unreadable(&self.path, &error);
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(from.saturating_mul(BYTES)))
            .map_err(failed)?;
        let mut file = BufReader::with_capacity(64 * 1024, file);
        let mut bytes = [0; 40];
        for index in from..to {
            file.read_exact(&mut bytes).map_err(failed)?;
            if let Some(record) = Record::read(&bytes) {
                each(index, record)?;
            }
        }
        Ok(())
    }

    /// One record.
    pub(crate) fn record(&self, index: u64) -> Result<Record, CliError> {
        let mut bytes = [0; 40];
        self.file
            .read_exact_at(&mut bytes, index.saturating_mul(BYTES))
            .map_err(|error| CliError::unreadable(&self.path, &error))?;
        Record::read(&bytes).ok_or_else(|| damaged(&self.path, "a record is cut off"))
    }

    /// The root of the complete subtree of 2^`height` leaves with this number.
    pub(crate) fn node(&mut self, height: u8, number: u64) -> Result<Hash, CliError> {
        let outside = || damaged(&self.path, "a node outside the tree was asked for");
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

fn append(tree: &mut CompactRange, hash: Hash) -> Result<(), CliError> {
    tree.append(hash).map_err(|error| CliError::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::tlog::merkle::{leaf_hash, verify_inclusion, verify_prefix};

    #[test]
    fn proves_what_it_has_seen() {
        let folder = tempfile::tempdir().unwrap();
        let mut leaves = Leaves::open(&folder.path().join("leaves"), 0).unwrap();
        let hash = |i: u64| leaf_hash(&i.to_be_bytes());
        let records: Vec<Record> = (0..1500)
            .map(|i| Record::sound(hash(i), Time::from_millis(i).unwrap(), None))
            .collect();
        leaves.append(&records).unwrap();
        let tree = |size: u64| {
            let mut tree = CompactRange::default();
            (0..size).for_each(|i| tree.append(hash(i)).unwrap());
            tree.root()
        };
        for size in [1, 255, 256, 257, 1024, 1500] {
            assert_eq!(leaves.root(size).unwrap(), tree(size), "{size}");
            for index in [0, size / 2, size - 1] {
                let proof = prove::inclusion(index, size, &mut |h, n| leaves.node(h, n)).unwrap();
                verify_inclusion(&hash(index), index, size, &proof.unwrap(), &tree(size)).unwrap();
            }
        }
        for old in [1, 255, 256, 700, 1024, 1499] {
            let proof = prove::prefix(old, 1500, &mut |h, n| leaves.node(h, n)).unwrap();
            let root = verify_prefix(old, 1500, &tree(1500), &proof.unwrap()).unwrap();
            assert_eq!(root, tree(old), "{old}");
        }
        leaves.truncate(300).unwrap();
        assert_eq!(leaves.root(300).unwrap(), tree(300));
        assert!(leaves.record(300).is_err());
        drop(leaves);
        assert!(Leaves::open(&folder.path().join("leaves"), 301).is_err());
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
