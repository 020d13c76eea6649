//! The place that a gate is kept in: the one place that chooses the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "postgres")]
use super::postgres::Database;
use super::{Notify, Store, StoreError, sqlite};

/// Where a gate keeps what must not be lost.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file of this machine, for one process.
    File(PathBuf),
    /// A database that several processes work on.
    #[cfg(feature = "postgres")]
    Database(Database),
}

impl Place {
    /// The database with this address.
    #[cfg(feature = "postgres")]
    pub(crate) fn database(
        address: &str,
        password: Option<&[u8]>,
        schema: Option<&str>,
    ) -> Result<Self, StoreError> {
        Database::parse(address, password, schema).map(Self::Database)
    }

    /// The database with this address: this program has none.
    #[cfg(not(feature = "postgres"))]
    pub(crate) fn database(_: &str, _: Option<&[u8]>, _: Option<&str>) -> Result<Self, StoreError> {
        Err(StoreError::Usage(
            "this cosignet-gate was built without PostgreSQL: take one of a release, or build it \
             with --features postgres"
                .into(),
        ))
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            #[cfg(feature = "postgres")]
            Self::Database(_) => None,
        }
    }

    /// Whether several processes may work on it, on several machines.
    pub(crate) fn is_shared(&self) -> bool {
        self.file().is_none()
    }

    /// Whether there is a gate.
    pub(crate) fn has_gate(&self) -> Result<bool, StoreError> {
        match self {
            Self::File(path) => Ok(path.is_file()),
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.has_gate(),
        }
    }

    /// Makes an empty store. There must be none.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        match self {
            Self::File(path) => sqlite::create(path),
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.create(),
        }
    }

    /// Takes in what is in a file, where several processes will work on it. Returns the number of
    /// events.
    #[cfg(feature = "postgres")]
    pub(crate) fn take_in(&self, file: &Path) -> Result<u64, StoreError> {
        match self {
            Self::File(_) => Err(StoreError::Usage("it is in a file already".into())),
            Self::Database(database) => database.take_in(&sqlite::look_into(file)?),
        }
    }

    /// Takes in what is in a file: there is nowhere to put it.
    #[cfg(not(feature = "postgres"))]
    pub(crate) fn take_in(&self, _: &Path) -> Result<u64, StoreError> {
        Err(StoreError::Usage("it is in a file already".into()))
    }

    /// Opens it. `notify` hears of every change, when it is committed.
    pub(crate) fn open(&self, notify: Notify) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(match self {
            Self::File(path) => sqlite::open(path, Arc::new(crate::now), notify)?,
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.open(None, notify)?,
        }))
    }
}
