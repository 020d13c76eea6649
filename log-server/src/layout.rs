//! The data directory.
//!
//! ```text
//! log.key        the private key, mode 0600
//! log.sqlite     what was committed; tokens; evidence
//! log.moved      says where the log is now, if `import` has taken it elsewhere
//! lock           held by the one server that runs, mode 0600
//! public/        checkpoint, tile/… and anchors/…: a plain web server may serve this folder
//! ```

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use durable::Lock;

use crate::disk;
use crate::error::{LogError, Result};
use crate::store::CHECKPOINT;

#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.root.join("log.key")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("log.sqlite")
    }

    /// The first bytes that SQLite writes.
    pub(crate) fn write_ahead_log(&self) -> PathBuf {
        self.root.join("log.sqlite-wal")
    }

    /// What `import` leaves, so that nobody starts the log here again.
    pub(crate) fn moved(&self) -> PathBuf {
        self.root.join("log.moved")
    }

    /// The database of a log that was taken elsewhere.
    pub(crate) fn moved_database(&self) -> PathBuf {
        self.root.join("log.sqlite.moved")
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.root.join("public")
    }

    /// Whether there are public files here and no database: a copy of a log, or its `public`.
    pub(crate) fn is_public(&self) -> bool {
        self.root.join(CHECKPOINT).is_file() && !self.database().is_file()
    }

    /// Makes the directory, for its owner alone: evidence, tokens and the key are in it. One that
    /// is there keeps the permissions that somebody gave it.
    pub(crate) fn create(&self) -> Result<()> {
        if self.root.is_dir() {
            return Ok(());
        }
        disk::create_folder(&self.root)?;
        fs::set_permissions(&self.root, Permissions::from_mode(0o700))
            .map_err(LogError::file(&self.root))
    }

    /// Makes this process the one that writes here, until the file is dropped.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let path = self.root.join("lock");
        Lock::take(&path).map_err(|error| match error {
            durable::Error::Held => LogError::Usage(format!(
                "another cosignet-log is running on {}: stop it first, or choose another directory",
                self.root.display()
            )),
            error => LogError::file(&path)(error.into()),
        })
    }
}
