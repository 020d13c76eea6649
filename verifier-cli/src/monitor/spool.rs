//! The entries that were scanned and not judged, byte for byte: what they prove is proven without
//! asking the log for them again.
//!
//! ```text
//! length of the entry, 2 bytes big-endian ‖ entry, one after the other
//! ```
//!
//! It is a help, not the truth: an entry counts if it has the hash that `leaves` has of it, else
//! the log is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::state::unwritable;
use crate::failure::CliError;
use durable::At as _;

/// The file.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    /// The index of the first entry.
    first: u64,
    bytes: u64,
}

impl Spool {
    /// Opens the file, and forgets everything behind what the state knows of.
    pub(crate) fn open(path: &Path, (first, bytes): (u64, u64)) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| unwritable(path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let there = file.metadata().map_err(failed)?.len();
        let bytes = bytes.min(there);
        file.set_len(bytes).map_err(failed)?;
        Ok(Self {
            path: path.into(),
            file,
            first,
            bytes,
        })
    }

    /// The part of it that the state keeps.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.first, self.bytes)
    }

    /// Forgets everything, and begins again with the entry of this index.
    pub(crate) fn restart(&mut self, first: u64) -> Result<(), CliError> {
        self.file
            .set_len(0)
            .map_err(|error| unwritable(&self.path, &error))?;
        (self.first, self.bytes) = (first, 0);
        Ok(())
    }

    /// Appends entries in that form. They are durable after [`Spool::sync`].
    pub(crate) fn append(&mut self, entries: &[u8]) -> Result<(), CliError> {
        self.file
            .write_at_all(entries, self.bytes)
            .map_err(|error| unwritable(&self.path, &error))?;
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(count);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<(), CliError> {
        let synced = self.file.sync_all();
        synced.map_err(|error| unwritable(&self.path, &error))
    }

    /// These entries, as far as they are there.
    pub(crate) fn read(&self, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, Vec<u8>>, CliError> {
        let mut found = BTreeMap::new();
        let Some(last) = wanted.last().filter(|last| **last >= self.first) else {
            return Ok(found);
        };
        let file = File::open(&self.path).map_err(|e| CliError::unreadable(&self.path, &e))?;
        let mut file = BufReader::with_capacity(64 * 1024, file.take(self.bytes));
        for index in self.first..=*last {
            let mut length = [0; 2];
            if file.read_exact(&mut length).is_err() {
                break;
            }
            let mut entry = vec![0; usize::from(u16::from_be_bytes(length))];
            if file.read_exact(&mut entry).is_err() {
                break;
            }
            if wanted.contains(&index) {
                found.insert(index, entry);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_out_what_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entries");
        let mut spool = Spool::open(&path, (7, 0)).unwrap();
        spool.append(b"\0\x03one\0\0").unwrap();
        spool.append(b"\0\x05three").unwrap();
        let all = BTreeSet::from([3, 7, 8, 9, 10]);
        let found = spool.read(&all).unwrap();
        let expected = [(7, &b"one"[..]), (8, b""), (9, b"three")];
        let expected = expected.map(|(index, entry)| (index, entry.to_vec()));
        assert_eq!(found, BTreeMap::from(expected));
        // A file that was cut has less.
        let place = spool.place();
        drop(spool);
        std::fs::write(&path, b"\0\x03one\0\x01").unwrap();
        let mut spool = Spool::open(&path, place).unwrap();
        assert_eq!(spool.read(&all).unwrap().len(), 1);
        spool.restart(20).unwrap();
        assert!(spool.read(&BTreeSet::from([20])).unwrap().is_empty());
    }
}
