//! The directory of a gate.
//!
//! ```text
//! DIR/gate.db        requests, people, keys, events (and SQLite's files beside it); not with --store
//! DIR/rules.toml     the rules
//! DIR/lock           held by the one process that runs
//! DIR/admin.sock     for the commands on this machine, mode 0600
//! DIR/log/           the log, if it is here: a directory as cosignet-log has it
//! ```

use std::path::{Path, PathBuf};

use command_line::{CliError, file};

use crate::args::StoreArgs;
use crate::serve::database;
use crate::store::Place;

/// The longest file with a password, in bytes.
const MAX_PASSWORD: usize = 4096;

/// The names in a gate's directory, and the store that goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    folder: PathBuf,
    store: StoreArgs,
}

impl Layout {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            store: StoreArgs::default(),
        }
    }

    /// The same, with what must not be lost in this database, if one is named.
    pub(crate) fn with_store(self, store: StoreArgs) -> Self {
        Self { store, ..self }
    }

    /// Where what must not be lost is.
    pub(crate) fn place(&self) -> Result<Place, CliError> {
        let StoreArgs {
            store,
            store_password,
            store_schema,
        } = &self.store;
        let Some(address) = store else {
            return match (store_password, store_schema) {
                (None, None) => Ok(Place::File(self.database())),
                _ => Err(CliError::usage(
                    "--store-password and --store-schema are about --store.",
                )),
            };
        };
        let password = store_password
            .as_deref()
            .map(|path| file::read(path, MAX_PASSWORD))
            .transpose()?;
        let password = password.as_deref().map(<[u8]>::trim_ascii_end);
        Place::database(address.as_str(), password, store_schema.as_deref())
            .map_err(|error| database(&error))
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
