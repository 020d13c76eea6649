//! The data directory.
//!
//! ```text
//! log.key        the private key, mode 0600
//! log.sqlite     what was committed; tokens; evidence
//! lock           held by the one server that runs
//! public/        checkpoint, tile/… and anchors/…: a plain web server may serve this folder
//! ```

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

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

    pub(crate) fn public(&self) -> PathBuf {
        self.root.join("public")
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.public().join("checkpoint")
    }

    /// Fails unless `init` has made a log here.
    pub(crate) fn require(&self) -> Result<()> {
        if self.database().is_file() && self.key().is_file() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "there is no log in {}: create one with `cosignet-log init --data {} --origin NAME`, \
             or restore log.key and log.sqlite from your backup",
            self.root.display(),
            self.root.display(),
        )))
    }

    /// Makes this process the one that writes here, until the file is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(Failure::file(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Failure::Usage(format!(
                "another cosignet-log is running on {}: stop it first, or choose another directory",
                self.root.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Failure::file(&path)(error)),
        }
    }
}
