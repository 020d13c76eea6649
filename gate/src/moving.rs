//! `move`: from one machine to several.

use command_line::{CliCode, CliError, file};
use durable::Lock;

use crate::args::MoveArgs;
use crate::layout::Layout;
use crate::serve::database;
use crate::store::Place;

/// Moves a gate from the file in its directory into a database. Returns what to say.
pub(crate) fn run(args: &MoveArgs) -> Result<String, CliError> {
    let layout = args.data.layout();
    let place = layout.place()?;
    let here = Place::File(layout.database());
    if !place.is_shared() {
        return Err(CliError::usage("Say with --store where the gate is to be."));
    }
    let _lock = Lock::take(&layout.lock()).map_err(|error| match error {
        durable::Error::Held => {
            CliError::new(CliCode::IoHeld, "The gate runs. Stop it first.").file(layout.folder())
        }
        other => CliError::unreadable(&layout.lock(), &other.into()),
    })?;
    if !here.has_gate().map_err(|error| database(&error))? {
        let message = "There is no gate in a file of this directory.";
        return Err(CliError::usage(message).file(layout.folder()));
    }
    let events = place
        .take_in(&layout.database())
        .map_err(|error| database(&error))?;
    set_aside(&layout)?;
    Ok(format!(
        "Moved, with all {events} events. gate.db is gate.db.moved now: keep it until you trust the \
         database, and never serve both.\n"
    ))
}

/// Nobody serves the file any more, by mistake or because of an old setting.
fn set_aside(layout: &Layout) -> Result<(), CliError> {
    let from = layout.database();
    // The database last: with it gone there is no gate in the directory.
    for suffix in ["-wal", "-shm", ""] {
        let with = |name: &str| from.with_file_name(format!("{name}{suffix}"));
        let (old, new) = (with("gate.db"), with("gate.db.moved"));
        if old.exists() {
            durable::rename(&old, &new).map_err(|error| file::unwritable(&old, &error))?;
        }
    }
    Ok(())
}
