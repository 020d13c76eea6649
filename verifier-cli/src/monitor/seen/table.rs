//! One sorted file of keys, in blocks that can be checked one by one.
//!
//! ```text
//! keys, 24 bytes each, 1024 to a block, the last one perhaps shorter
//! for each block: its first key, 24 bytes ‖ SHA-256 of its keys, 32 bytes
//! ```
//!
//! The state knows how many keys there are, and the SHA-256 of the part that follows them. So
//! whatever is read is what was written, or an error.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use durable::At as _;
use verifier_core::hazmat::encoding::sha256;

use super::Key;
use crate::failure::CliError;
use crate::monitor::state::{damaged, unwritable};

const KEY: usize = 24;
const MARK: usize = KEY + 32;
/// Keys in a block.
const BLOCK: usize = 1024;

/// The state's record of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sum {
    /// How many keys it has.
    pub(crate) keys: u64,
    /// The SHA-256 of its marks.
    pub(crate) marks: [u8; 32],
}

/// A file that is read.
#[derive(Debug)]
pub(super) struct Table {
    path: PathBuf,
    file: File,
    keys: usize,
    marks: Vec<(Key, [u8; 32])>,
    /// The block that was read last.
    held: Option<(usize, Vec<Key>)>,
}

impl Table {
    /// Opens a file, which has to be the one that the state speaks of.
    pub(super) fn open(path: &Path, sum: &Sum) -> Result<Self, CliError> {
        let unreadable = |error: std::io::Error| CliError::unreadable(path, &error);
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => damaged(path, "it is gone"),
            _ => unreadable(error),
        })?;
        let keys = usize::try_from(sum.keys).unwrap_or(usize::MAX);
        let marks = keys.div_ceil(BLOCK).saturating_mul(MARK);
        let expected = keys.saturating_mul(KEY).saturating_add(marks);
        let found = file.metadata().map_err(unreadable)?.len();
        if u64::try_from(expected).ok() != Some(found) {
            let why = format!("it has {found} bytes instead of {expected}");
            return Err(damaged(path, &why));
        }
        let mut bytes = vec![0; marks];
        let at = u64::try_from(keys.saturating_mul(KEY)).unwrap_or(u64::MAX);
        file.read_at_exactly(&mut bytes, at).map_err(unreadable)?;
        if sha256(&bytes) != sum.marks {
            return Err(damaged(path, "its marks are not those that were written"));
        }
        let mark = |mark: &[u8]| {
            let (key, hash) = mark.split_first_chunk()?;
            Some((*key, hash.try_into().ok()?))
        };
        Ok(Self {
            marks: bytes.chunks_exact(MARK).filter_map(mark).collect(),
            path: path.into(),
            file,
            keys,
            held: None,
        })
    }

    /// A key with the same hash, if there is one.
    pub(super) fn search(&mut self, key: &Key) -> Result<Option<Key>, CliError> {
        let hash = super::hash(key);
        let after = self
            .marks
            .partition_point(|(first, _)| super::hash(first) <= hash);
        let Some(block) = after.checked_sub(1) else {
            return Ok(None);
        };
        let keys = self.block(block)?;
        let found = keys.partition_point(|other| super::hash(other) < hash);
        Ok(keys
            .get(found)
            .filter(|other| super::hash(other) == hash)
            .copied())
    }

    fn block(&mut self, block: usize) -> Result<&[Key], CliError> {
        let keys = match self.held.take() {
            Some((held, keys)) if held == block => keys,
            _ => self.read(block)?,
        };
        let (_, keys) = self.held.insert((block, keys));
        Ok(keys)
    }

    fn read(&self, block: usize) -> Result<Vec<Key>, CliError> {
        let first = block.saturating_mul(BLOCK);
        let count = self.keys.saturating_sub(first).min(BLOCK);
        let mut bytes = vec![0; count.saturating_mul(KEY)];
        let at = u64::try_from(first.saturating_mul(KEY)).unwrap_or(u64::MAX);
        self.file
            .read_at_exactly(&mut bytes, at)
            .map_err(|error| CliError::unreadable(&self.path, &error))?;
        let (keys, _) = bytes.as_chunks();
        match self.marks.get(block) {
            Some((_, hash)) if sha256(&bytes) == *hash => Ok(keys.to_vec()),
            _ => Err(damaged(
                &self.path,
                "its keys are not those that were written",
            )),
        }
    }
}

/// All keys of a file, one after the other.
#[derive(Debug)]
pub(super) struct Reader {
    table: Table,
    next: usize,
}

impl Reader {
    pub(super) fn new(table: Table) -> Self {
        Self { table, next: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<Key>, CliError> {
        if self.next >= self.table.keys {
            return Ok(None);
        }
        let (block, at) = (self.next / BLOCK, self.next % BLOCK);
        self.next += 1;
        Ok(self.table.block(block)?.get(at).copied())
    }
}

/// A file that is written.
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    block: Vec<u8>,
    marks: Vec<u8>,
    keys: u64,
}

impl Writer {
    pub(super) fn create(path: &Path) -> Result<Self, CliError> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.into(),
            file: BufWriter::with_capacity(256 * 1024, file),
            block: Vec::new(),
            marks: Vec::new(),
            keys: 0,
        })
    }

    /// Keys come in their order.
    pub(super) fn push(&mut self, key: &Key) -> Result<(), CliError> {
        self.block.extend(key);
        self.keys = self.keys.saturating_add(1);
        match self.block.len() == BLOCK * KEY {
            true => self.end_block(),
            false => Ok(()),
        }
    }

    fn end_block(&mut self) -> Result<(), CliError> {
        if let Some(first) = self.block.first_chunk::<KEY>() {
            self.marks.extend(first);
            self.marks.extend(sha256(&self.block));
        }
        let written = self.file.write_all(&self.block);
        self.block.clear();
        written.map_err(|error| unwritable(&self.path, &error))
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self) -> Result<Sum, CliError> {
        self.end_block()?;
        let written = self.file.write_all(&self.marks);
        let synced = written
            .and_then(|()| self.file.flush())
            .and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| unwritable(&self.path, &error))?;
        Ok(Sum {
            keys: self.keys,
            marks: sha256(&self.marks),
        })
    }
}
