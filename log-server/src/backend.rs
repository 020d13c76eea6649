//! The back end that a log is kept in: the one place that chooses it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::disk;
use crate::error::{LogError, Result};
use crate::key::LogKey;
use crate::layout::Layout;
use crate::place::ObjectPlace;
use crate::store::{Backend, Detached, Directory, Embedded, Objects};

/// The address of a database, `postgres://…`, as somebody has written it. It may have a password in
/// it, so it is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct StoreAddress(String);

impl StoreAddress {
    /// The text, with whatever is in it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for StoreAddress {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreAddress").finish_non_exhaustive()
    }
}

/// Where a log is kept: its data directory, the database that `--store` names if what must not be
/// lost is not there, and the place that `--objects` names if the public files are not.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) layout: Layout,
    pub(crate) store: Option<StoreAddress>,
    pub(crate) objects: Option<ObjectPlace>,
    /// The files of the erasure keys that evidence in a database is sealed under.
    pub(crate) erasure_keys: Vec<PathBuf>,
    /// The address at which other members of the log reach this process.
    pub(crate) url: Option<String>,
}

impl Place {
    /// A log that is kept in its data directory, whole.
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            layout: Layout::new(data),
            store: None,
            objects: None,
            erasure_keys: Vec::new(),
            url: None,
        }
    }
}

/// [`Place::new`], for a log beside one that is kept in `store`: if it has no database of its own, it
/// is in that one, where evidence may be sealed under these erasure keys.
pub(crate) fn beside(data: &Path, store: Option<&StoreAddress>, erasure_keys: &[PathBuf]) -> Place {
    let mut place = Place::new(data);
    if !place.layout.database().is_file() && store.is_some() {
        place.store = store.cloned();
        place.erasure_keys = erasure_keys.to_vec();
    }
    place
}

/// The back end of the log with this key, whether `init` has made one or not.
pub(crate) fn of(place: &Place, key: &VerifierKey) -> Result<Box<dyn Backend>> {
    find(place, key, false)
}

/// The same of a log that is on its way into a database, and that nobody else finds.
pub(crate) fn arriving(place: &Place, key: &VerifierKey) -> Result<Box<dyn Backend>> {
    find(place, key, true)
}

fn find(place: &Place, key: &VerifierKey, arriving: bool) -> Result<Box<dyn Backend>> {
    if place.store.is_none() && !place.erasure_keys.is_empty() {
        return Err(LogError::Usage(
            "--erasure-key is for a log in PostgreSQL: name that with --store, or leave the key out. \
             SQLite overwrites what is erased, and keeps evidence plain"
                .into(),
        ));
    }
    let objects: Option<Arc<dyn Objects>> = match (&place.objects, &place.store) {
        (Some(elsewhere), _) => Some(elsewhere.open()?),
        // A database on another machine can go back by itself: heads are kept outside it.
        (None, Some(_)) => Some(Arc::new(Directory::new(place.layout.public()))),
        (None, None) => None,
    };
    Ok(match (&place.store, objects) {
        (Some(StoreAddress(text)), Some(objects)) => {
            let backend = database(text, place, key, Arc::clone(&objects), arriving)?;
            Box::new(Detached::new(backend, objects, key))
        }
        (_, Some(objects)) => {
            let backend = Box::new(embedded(&place.layout));
            Box::new(Detached::new(backend, objects, key))
        }
        (_, None) => Box::new(embedded(&place.layout)),
    })
}

#[cfg(feature = "postgres")]
fn database(
    store: &str,
    place: &Place,
    key: &VerifierKey,
    objects: Arc<dyn Objects>,
    arriving: bool,
) -> Result<Box<dyn Backend>> {
    use crate::erasure_key::Keyring;
    use crate::store::{Postgres, database_address};

    let address = database_address(store)?;
    let keys = Keyring::read(&place.erasure_keys)?;
    let backend = Postgres::new(address, key, objects);
    let backend = backend.with_keys(keys).reached_at(place.url.clone());
    Ok(Box::new(match arriving {
        true => backend.arriving(),
        false => backend,
    }))
}

#[cfg(not(feature = "postgres"))]
fn database(
    _: &str,
    _: &Place,
    _: &VerifierKey,
    _: Arc<dyn Objects>,
    _: bool,
) -> Result<Box<dyn Backend>> {
    Err(LogError::Usage(
        "this cosignet-log was built without PostgreSQL: build it with the feature `postgres`, or \
         leave --store out"
            .into(),
    ))
}

/// The back end that is a data directory: what an export is, wherever it comes from.
pub(crate) fn embedded(layout: &Layout) -> Embedded {
    Embedded::new(layout)
}

/// Whether a data directory has a log: its key, and its database if that is beside it.
pub(crate) fn exists(layout: &Layout) -> bool {
    layout.database().is_file() && layout.key().is_file()
}

/// The back end of a log that exists, and its key.
pub(crate) fn open(place: &Place) -> Result<(Box<dyn Backend>, LogKey)> {
    let layout = &place.layout;
    let root = layout.root().display();
    let missing = |name: &str| {
        LogError::Usage(format!(
            "there is no log in {root}: create one with `cosignet-log init --data {root} --origin \
             NAME`, or restore log.key and {name} from your backup"
        ))
    };
    if !layout.key().is_file() {
        let beside = place
            .store
            .as_ref()
            .map_or("log.sqlite", |_| "the database");
        return Err(missing(beside));
    }
    if place.store.is_none() && layout.moved().exists() {
        let said = disk::read_text(&layout.moved())?;
        return Err(LogError::Usage(format!(
            "the log in {root} has left: {}. Started here, it would be two logs with one key, and so a \
             fork; see OPERATIONS, \"From one directory to a cluster\"",
            verifier_core::plain(said.trim_end())
        )));
    }
    let key = LogKey::read(&layout.key())?;
    let backend = of(place, key.public())?;
    match backend.exists()? {
        true => Ok((backend, key)),
        false => Err(missing(&backend.name())),
    }
}
