//! Files, read with a limit and written whole or not at all.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use durable::{Access, Edit};
use verifier_core::code::Code;
use verifier_core::text::from_people;

use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// At most `limit + 1` bytes of a file, or of stdin for `-`: one more than fits, so that whoever
/// reads them sees that they do not.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let unreadable = |error: io::Error| CliError::unreadable(path, &error);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if is_stdin(path) {
        let mut stdin = io::stdin().lock().take(limit);
        stdin.read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        // In one piece where possible; what the length says is only a hint.
        let length = file
            .metadata()
            .map_or(0, |metadata| metadata.len())
            .min(limit);
        bytes.reserve(usize::try_from(length).unwrap_or(0).saturating_add(1));
        let mut file = file.take(limit);
        file.read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Ok(bytes)
}

/// A file that has to fit.
pub(crate) fn read_whole(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    // What says that it is too long need not be read.
    let length = match is_stdin(path) {
        true => None,
        false => fs::metadata(path).ok().map(|found| found.len()),
    };
    let length = length.and_then(|length| usize::try_from(length).ok());
    fits(path, length.unwrap_or_default(), limit)?;
    let bytes = read(path, limit)?;
    fits(path, bytes.len(), limit)?;
    Ok(bytes)
}

fn fits(path: &Path, length: usize, limit: usize) -> Result<(), CliError> {
    if length <= limit {
        return Ok(());
    }
    let message = format!("{} is too large.", show_path(path));
    Err(CliError::new(CliCode::IoTooLarge, message)
        .file(path)
        .expected(format!("at most {limit} bytes")))
}

/// A text that people keep, in whichever form their editor or shell has written it. `code` is what
/// the file is wrong by if it is none.
pub(crate) fn read_text(path: &Path, limit: usize, code: Code) -> Result<String, CliError> {
    let bytes = read_whole(path, limit)?;
    text(&bytes, code).map_err(|error| error.about(path))
}

/// The same for bytes that have been read.
pub(crate) fn text(bytes: &[u8], code: Code) -> Result<String, CliError> {
    from_people(bytes)
        .map(Cow::into_owned)
        .map_err(|error| CliError::policy(code, format!("the file {error}.")))
}

/// Whether this is standard input, by any of its names. `./-` is a file.
pub(crate) fn is_stdin(path: &Path) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]
        .iter()
        .any(|name| path.as_os_str() == *name)
}

/// Fails for what would be waited for, or never ends: pipes, devices, folders.
pub(crate) fn require_regular(path: &Path) -> Result<(), CliError> {
    let found = fs::metadata(path).map_err(|error| CliError::unreadable(path, &error))?;
    if found.is_file() {
        return Ok(());
    }
    let message = format!("{} is not a regular file.", show_path(path));
    Err(CliError::new(CliCode::IoUnreadable, message).file(path))
}

/// Writes a file that must not exist yet.
pub(crate) fn create(path: &Path, text: impl AsRef<[u8]>) -> Result<(), CliError> {
    durable::create(path, text.as_ref(), Access::Public).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let message = format!("{} exists already; it was left as it is.", show_path(path));
            CliError::new(CliCode::IoExists, message).file(path)
        }
        _ => unwritable(path, &error),
    })
}

/// Reads a file of at most `limit` bytes that is going to be changed. Until that is done, or given
/// up, no other run of this program changes it.
pub(crate) fn edit(path: &Path, limit: usize) -> Result<Edit, CliError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let edit = Edit::open(path, most).map_err(|error| match error {
        durable::Error::Io(error) => CliError::unreadable(path, &error),
        error => not_edited(path, error),
    })?;
    fits(path, edit.bytes().len(), limit)?;
    Ok(edit)
}

/// Replaces what was read at once: whoever reads the file sees the old text or the new one. What
/// somebody else wrote meanwhile is left as it is.
pub(crate) fn replace(path: &Path, edit: Edit, text: impl AsRef<[u8]>) -> Result<(), CliError> {
    let replaced = edit.replace(text.as_ref());
    replaced.map_err(|error| not_edited(path, error))
}

pub(crate) fn not_edited(path: &Path, error: durable::Error) -> CliError {
    let path_shown = show_path(path);
    match error {
        durable::Error::Held => {
            let message = format!("{path_shown}: another process is changing the file.");
            CliError::new(CliCode::IoHeld, message).file(path)
        }
        durable::Error::Changed => {
            let message = format!(
                "{path_shown} was changed by somebody else meanwhile; it was left as it is."
            );
            CliError::new(CliCode::IoChanged, message).file(path)
        }
        error => unwritable(path, &error.into()),
    }
}

pub(crate) fn unwritable(path: &Path, error: &io::Error) -> CliError {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or(&text);
    let message = format!("{} cannot be written: {why}.", show_path(path));
    CliError::new(CliCode::IoOutput, message)
        .file(path)
        .next("Check the name of the file and the rights to its folder.")
}
