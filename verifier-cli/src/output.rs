//! Where results go: stdout, as long as somebody reads it.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use verifier_core::hazmat::json::{Limits, Value};

use crate::args::Format;
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::CliError;

/// Writes `text` to stdout; on failure the exit that stands for it. Results that nobody could
/// read are no success.
pub(crate) fn print(text: &str, format: Format) -> Result<(), Exit> {
    print_all([text], format)
}

/// A report with the name of the file that it is about, which is this program's addition.
pub(crate) fn with_file(report: &str, path: &Path) -> String {
    let name = Value::from(path.to_string_lossy().into_owned());
    match Value::parse(report.as_bytes(), Limits::bytes(usize::MAX)) {
        Ok(Value::Object(members)) => {
            let members = members
                .iter()
                .map(|(key, value)| (key.into(), value.clone()));
            let named = members.chain([("file".into(), name)]);
            Value::Object(named.collect()).to_text()
        }
        _ => report.into(),
    }
}

/// The same for many texts, one after the other.
pub(crate) fn print_all<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    format: Format,
) -> Result<(), Exit> {
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
