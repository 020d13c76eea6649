//! Connections for the threads of a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use verifier_core::hazmat::tlog::merkle::Hash;

use super::Sqlite;
use crate::error::Result;
use crate::store::{
    Claim, Closing, Eraser, Evidence, Holders, Records, Replaced, TokenRow, Tokens,
};

/// How many look-ups read the database at a time.
const READERS: usize = 4;

/// Connections for look-ups. Whoever comes takes one that is free.
#[derive(Debug)]
pub(crate) struct Readers {
    all: Vec<Mutex<Sqlite>>,
    next: AtomicUsize,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let all = (0..READERS).map(|_| Ok(Mutex::new(Sqlite::open(path)?)));
        Ok(Self {
            all: all.collect::<Result<_>>()?,
            next: AtomicUsize::new(0),
        })
    }

    fn one(&self) -> MutexGuard<'_, Sqlite> {
        let count = self.all.len().max(1);
        let first = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let rotated = self.all.iter().cycle().skip(first).take(count);
        for reader in rotated {
            if let Ok(reader) = reader.try_lock() {
                return reader;
            }
        }
        #[allow(clippy::indexing_slicing, reason = "there are always readers")]
        held(&self.all[first])
    }
}

impl Records for Readers {
    fn find(&self, approval: &Hash) -> Result<Option<u64>> {
        self.one().find(approval)
    }

    fn holders(&self, claim: &Claim) -> Result<Holders> {
        self.one().held_by(claim)
    }

    fn closing(&self) -> Result<Option<Closing>> {
        self.one().closing()
    }

    fn evidence(&self, leaf: u64) -> Result<Option<Evidence>> {
        self.one().evidence(leaf)
    }

    fn replace_evidence(&self, leaf: u64, old: &Evidence, new: &Evidence) -> Result<Replaced> {
        self.one().set_evidence(leaf, old, new)
    }

    fn is_erasing(&self, leaf: u64) -> Result<bool> {
        self.one().is_erasing(leaf)
    }
}

/// A connection that tokens alone are looked up with: look-ups of others keep nobody out.
#[derive(Debug)]
pub(crate) struct TokenTable(Mutex<Sqlite>);

impl TokenTable {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self(Mutex::new(Sqlite::open(path)?)))
    }
}

impl Tokens for TokenTable {
    fn add(&self, token: &TokenRow) -> Result<bool> {
        held(&self.0).add_token(token)
    }

    fn all(&self) -> Result<Vec<TokenRow>> {
        held(&self.0).tokens()
    }

    fn find(&self, id: &str) -> Result<Option<TokenRow>> {
        held(&self.0).token(id)
    }

    fn revoke(&self, name: &str, at: &str) -> Result<bool> {
        held(&self.0).revoke_token(name, at)
    }
}

/// A connection that waits for nobody: what is locked is an error at once.
#[derive(Debug)]
pub(crate) struct Impatient {
    connection: Mutex<Sqlite>,
    journal: PathBuf,
}

impl Impatient {
    /// `journal` is the file with the write-ahead log.
    pub(crate) fn open(path: &Path, journal: PathBuf) -> Result<Self> {
        let connection = Mutex::new(Sqlite::open_impatient(path)?);
        Ok(Self {
            connection,
            journal,
        })
    }
}

impl Eraser for Impatient {
    fn pending(&self) -> Result<u64> {
        held(&self.connection).erasures()
    }

    fn finish(&self) -> Result<bool> {
        held(&self.connection).empty_log()
    }

    fn journal(&self) -> u64 {
        fs::metadata(&self.journal).map_or(0, |file| file.len())
    }
}

fn held(connection: &Mutex<Sqlite>) -> MutexGuard<'_, Sqlite> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
