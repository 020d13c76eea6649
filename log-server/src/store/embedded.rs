//! The back end of one machine: SQLite beside a folder of public files.
//!
//! A lock on the data directory makes the process that has it the one that leads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{Lock, beside};

use super::directory::Directory;
use super::objects::Checkpoint;
use super::sqlite::{Impatient, Readers, Sqlite, TokenTable};
use super::{
    Audit, Backend, CHECKPOINT, Claims, Closing, Eraser, Evidence, Head, Lead, Objects, Records,
    TokenRow, Tokens,
};
use crate::disk;
use crate::error::{LogError, Result};
use crate::layout::Layout;

/// A log in its data directory.
#[derive(Clone, Debug)]
pub(crate) struct Embedded {
    layout: Layout,
    objects: Arc<Directory>,
}

/// The parts that have to outlive everything else that uses the database.
#[derive(Debug)]
struct Guard {
    /// Of two connections that are closed at the same time neither is the last, and then nobody
    /// empties the write-ahead log. This one is closed when all others are.
    _last: Sqlite,
    _lock: Lock,
}

impl Embedded {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self {
            layout: layout.clone(),
            objects: Arc::new(Directory::new(layout.public())),
        }
    }

    fn database(&self) -> PathBuf {
        self.layout.database()
    }

    /// A copy of another log's database on its way to this directory, as it was at one head.
    pub(crate) fn begin_copy(&self, from: &dyn Backend) -> Result<Copy> {
        let path = beside(&self.database(), ".new");
        for more in ["", "-wal", "-shm"] {
            disk::remove(&beside(&path, more))?;
        }
        disk::create(&path, b"")?;
        from.copy_to(&path)?;
        let store = Sqlite::open(&path)?;
        Ok(Copy { path, store })
    }

    /// The rows of the database, to be read by whoever has the lock of the directory.
    pub(crate) fn contents(&self) -> Result<Contents> {
        Ok(Contents(Sqlite::open(&self.database())?))
    }

    /// Puts a copy in place of the database that is here, if one is.
    pub(crate) fn adopt(&self, copy: &CopiedDatabase) -> Result<()> {
        for more in ["-wal", "-shm"] {
            disk::remove(&beside(&self.database(), more))?;
        }
        disk::rename(&copy.0, &self.database())
    }
}

/// The rows of a log that nobody changes.
#[derive(Debug)]
pub(crate) struct Contents(Sqlite);

impl Contents {
    pub(crate) fn head(&self) -> Result<Head> {
        self.0.head()
    }

    /// The committed leaves from `first` on, in order and without a hole.
    pub(crate) fn staged(&self, first: u64) -> Result<Vec<String>> {
        self.0.staged(first)
    }

    /// Some claims after a hash, in order.
    pub(crate) fn claims_after(&self, kind: Claims, last: &[u8]) -> Result<Vec<(Vec<u8>, i64)>> {
        self.0.claims_after(kind, last)
    }

    pub(crate) fn evidence(&self, leaf: u64) -> Result<Option<Evidence>> {
        Sqlite::evidence(&self.0, leaf)
    }

    /// All tokens, in the order in which they were made.
    pub(crate) fn tokens(&self) -> Result<Vec<TokenRow>> {
        self.0.tokens()
    }

    /// Entries whose erasure is not finished.
    pub(crate) fn erasing(&self) -> Result<Vec<u64>> {
        self.0.erasing()
    }
}

/// A copy that can be added to.
#[derive(Debug)]
pub(crate) struct Copy {
    path: PathBuf,
    store: Sqlite,
}

/// A copy that is complete: one file.
#[derive(Debug)]
pub(crate) struct CopiedDatabase(PathBuf);

impl Copy {
    pub(crate) fn head(&mut self) -> Result<Head> {
        self.store.head()
    }

    /// The index of the first leaf that is kept beside the tiles.
    pub(crate) fn first_staged(&self) -> Result<Option<u64>> {
        self.store.first_staged()
    }

    /// The committed leaves from `first` on, in order and without a hole.
    pub(crate) fn staged(&mut self, first: u64) -> Result<Vec<String>> {
        self.store.staged(first)
    }

    /// Puts committed leaves back, the first of them with this index.
    pub(crate) fn stage(&mut self, first: u64, leaves: &[String]) -> Result<()> {
        self.store.stage(first, leaves)
    }

    /// Closes it.
    pub(crate) fn finish(self) -> CopiedDatabase {
        CopiedDatabase(self.path)
    }
}

impl Backend for Embedded {
    fn name(&self) -> String {
        "log.sqlite".into()
    }

    fn exists(&self) -> Result<bool> {
        Ok(self.database().is_file())
    }

    fn require_vacant(&self) -> Result<()> {
        for path in [self.database(), self.layout.public(), self.layout.moved()] {
            if path.exists() {
                return Err(LogError::Usage(format!(
                    "{} exists: there is, or was, a log in this directory",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    fn create(&self, head: &Head) -> Result<()> {
        self.require_vacant()?;
        // The database last: without it there is no log.
        self.objects.put(CHECKPOINT, head.checkpoint.as_bytes())?;
        Sqlite::create(&self.database(), head)
    }

    fn lead(&self) -> Result<Lead> {
        let lock = self.layout.lock()?;
        let guard = Guard {
            _last: Sqlite::open(&self.database())?,
            _lock: lock,
        };
        Ok(Lead {
            store: Box::new(Sqlite::open(&self.database())?),
            publish: Box::new(Checkpoint(self.objects())),
            tenure: None,
            brake: None,
            guard: Box::new(guard),
        })
    }

    fn head(&self) -> Result<Head> {
        Sqlite::open(&self.database())?.head()
    }

    fn close(&self, closing: &Closing) -> Result<()> {
        Sqlite::open(&self.database())?.close(closing)
    }

    fn published(&self) -> Result<String> {
        self.objects.text(CHECKPOINT)
    }

    fn records(&self) -> Result<Arc<dyn Records>> {
        Ok(Arc::new(Readers::open(&self.database())?))
    }

    fn tokens(&self) -> Result<Arc<dyn Tokens>> {
        Ok(Arc::new(TokenTable::open(&self.database())?))
    }

    fn eraser(&self) -> Result<Arc<dyn Eraser>> {
        let journal = self.layout.write_ahead_log();
        Ok(Arc::new(Impatient::open(&self.database(), journal)?))
    }

    fn audit(&self) -> Result<Box<dyn Audit>> {
        Ok(Box::new(Sqlite::open_to_read(&self.database())?))
    }

    fn objects(&self) -> Arc<dyn Objects> {
        let directory: Arc<Directory> = Arc::clone(&self.objects);
        directory
    }

    fn copy_to(&self, file: &Path) -> Result<()> {
        Sqlite::open_to_read(&self.database())?.copy_to(file)
    }
}
