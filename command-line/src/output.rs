//! Where results go: stdout, as long as somebody reads it.

use std::io::{self, BufWriter, Write as _};

use clap::ValueEnum;

use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::CliError;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a third form concerns every command"
)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// For programs: one JSON object a line
    Json,
}

/// Writes `text` to stdout; on failure the exit that stands for it. Results that nobody could
/// read are no success.
pub fn print(text: &str, format: Format) -> Result<(), Exit> {
    print_all([text], format)
}

/// The same for many texts, one after the other.
pub fn print_all<'t>(texts: impl IntoIterator<Item = &'t str>, format: Format) -> Result<(), Exit> {
    let mut stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    texts
        .into_iter()
        .try_for_each(|text| stdout.write_all(text.as_bytes()))
        .and_then(|()| stdout.flush())
        .map_err(|error| {
            // A reader that went away (`| head`) does not want to hear about it.
            if error.kind() != io::ErrorKind::BrokenPipe {
                let message = format!("the result cannot be written: {error}.");
                CliError::new(CliCode::IoOutput, message).print(format);
            }
            CliCode::IoOutput.exit()
        })
}
