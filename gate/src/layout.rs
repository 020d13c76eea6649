//! The directory of a gate.
//!
//! ```text
//! DIR/gate.db        requests, people, keys, events (and SQLite's files beside it)
//! DIR/rules.toml     the rules
//! DIR/lock           held by the one process that runs
//! DIR/admin.sock     for the commands on this machine, mode 0600
//! DIR/log/           the log, if it is here: a directory as cosignet-log has it
//! ```

use std::path::{Path, PathBuf};

/// The names in a gate's directory.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    folder: PathBuf,
}

impl Layout {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("gate.db")
    }

    pub(crate) fn rules(&self) -> PathBuf {
        self.folder.join("rules.toml")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("admin.sock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What auditors need of the settings, as `serve` had them last.
    pub(crate) fn site(&self) -> PathBuf {
        self.folder.join("site.json")
    }
}
