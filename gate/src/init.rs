//! Making a gate.

use command_line::{CliError, file};
use durable::Access;

use crate::args::InitArgs;
use crate::layout::Layout;
use crate::serve::database;
use crate::store::Sqlite;

/// The rules of a new gate: none, and how to write one.
const RULES: &str = include_str!("init/rules.toml");

/// `init`. Returns the verifier key of the log, if it is here.
pub(crate) fn run(args: &InitArgs) -> Result<Option<String>, CliError> {
    let layout = Layout::new(&args.data.data);
    if layout.database().exists() {
        let message = "There is a gate in this directory already.";
        return Err(CliError::usage(message).file(layout.folder()));
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
    durable::create(&layout.database(), b"", Access::Private)
        .map_err(|error| file::unwritable(&layout.database(), &error))?;
    Sqlite::create(&layout.database()).map_err(|error| database(&error))?;
    Ok(vkey)
}
