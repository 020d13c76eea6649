//! Making a gate.

use command_line::{CliError, file};
use durable::Access;

use crate::args::InitArgs;
use crate::serve::database;

/// The rules of a new gate: none, and how to write one.
const RULES: &str = include_str!("init/rules.toml");

/// `init`. Returns the verifier key of the log, if it is here.
pub(crate) fn run(args: &InitArgs) -> Result<Option<String>, CliError> {
    let layout = args.data.layout();
    let place = layout.place()?;
    if place.has_gate().map_err(|error| database(&error))? {
        let message = match place.is_shared() {
            true => "There is a gate in this database already: a further machine needs no `init`.",
            false => "There is a gate in this directory already.",
        };
        return Err(CliError::usage(message).file(layout.folder()));
    }
    if place.is_shared() && args.origin.is_some() {
        return Err(CliError::usage(
            "A log in DIR is one for this machine alone: with --store say --no-log, and where the \
             log is when you serve.",
        ));
    }
    durable::create_folder(layout.folder())
        .map_err(|error| file::unwritable(layout.folder(), &error))?;
    let vkey = match &args.origin {
        None => None,
        Some(origin) => Some(crate::embedded::create(&layout.log(), origin)?),
    };
    if !layout.rules().exists() {
        durable::create(&layout.rules(), RULES.as_bytes(), Access::Private)
            .map_err(|error| file::unwritable(&layout.rules(), &error))?;
    }
    // The database last: with it there is a gate.
    if let Some(path) = place.file() {
        durable::create(path, b"", Access::Private)
            .map_err(|error| file::unwritable(path, &error))?;
    }
    place.create().map_err(|error| database(&error))?;
    Ok(vkey)
}
