//! The words of the command line as errors of this program.

use std::ffi::OsString;

use crate::failure::{CliError, show_path};

/// Fails for a word that would be read as an option and is the name of a file here.
pub(crate) fn check(words: &[OsString]) -> Result<(), CliError> {
    match command_line::option_that_is_a_file(words) {
        None => Ok(()),
        Some(path) => {
            let path = show_path(path);
            let message = format!("{path} is an option, and the name of a file here.");
            Err(CliError::usage(message).next(command_line::NEXT_WITH_FILE))
        }
    }
}

/// Whether errors are to be JSON, as far as can be told where the command line makes no sense.
pub(crate) fn want_json(words: &[OsString]) -> bool {
    words.windows(2).any(|pair| pair == ["--format", "json"])
        || words.iter().any(|word| word == "--format=json")
}
