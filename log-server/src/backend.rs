//! The back end that a log is kept in: the one place that chooses it.

use crate::failure::{Failure, Result};
use crate::layout::Layout;
use crate::place::ObjectPlace;
use crate::store::{Backend, Detached, Embedded};

/// The back end of the log with this data directory, and with its public files at `objects`, if
/// not there too; whether `init` has made one or not.
pub(crate) fn of(layout: &Layout, objects: Option<&ObjectPlace>) -> Result<Box<dyn Backend>> {
    let embedded = Box::new(embedded(layout));
    Ok(match objects {
        None => embedded,
        Some(place) => Box::new(Detached::new(embedded, place.open()?)),
    })
}

/// The back end that is a data directory: what an export is, wherever it comes from.
pub(crate) fn embedded(layout: &Layout) -> Embedded {
    Embedded::new(layout)
}

/// Whether there is a log.
pub(crate) fn exists(layout: &Layout) -> bool {
    embedded(layout).exists() && layout.key().is_file()
}

/// The back end of a log that exists.
pub(crate) fn open(layout: &Layout, objects: Option<&ObjectPlace>) -> Result<Box<dyn Backend>> {
    let backend = of(layout, objects)?;
    if exists(layout) {
        return Ok(backend);
    }
    let root = layout.root().display();
    Err(Failure::Usage(format!(
        "there is no log in {root}: create one with `cosignet-log init --data {root} --origin \
         NAME`, or restore log.key and {} from your backup",
        backend.name()
    )))
}
