//! Files, read with a limit and written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

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
    let bytes = read(path, limit)?;
    if bytes.len() > limit {
        let message = format!("{} is too large.", show_path(path));
        return Err(CliError::new(CliCode::IoTooLarge, message)
            .file(path)
            .expected(format!("at most {limit} bytes")));
    }
    Ok(bytes)
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a file that must not exist yet.
pub(crate) fn create(path: &Path, text: impl AsRef<[u8]>) -> Result<(), CliError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let message = format!("{} exists already; it was left as it is.", show_path(path));
                CliError::new(CliCode::IoExists, message).file(path)
            }
            _ => unwritable(path, &error),
        })?;
    file.write_all(text.as_ref())
        .and_then(|()| file.sync_all())
        .map_err(|error| unwritable(path, &error))
}

/// Replaces a file at once: whoever reads it sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), CliError> {
    // Through a link the file that it leads to is replaced, not the link.
    let path = &fs::canonicalize(path).map_err(|error| CliError::unreadable(path, &error))?;
    let failed = |error: io::Error| unwritable(path, &error);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let written = (|| {
        let rights = fs::metadata(path)?.permissions();
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        file.set_permissions(rights)?;
        file.write_all(text.as_ref())?;
        file.sync_all()?;
        fs::rename(&new, path)
    })();
    written.map_err(|error| {
        // The error that led here matters more than one from cleaning up.
        let _ignored = fs::remove_file(&new);
        failed(error)
    })
}

pub(crate) fn unwritable(path: &Path, error: &io::Error) -> CliError {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or(&text);
    let message = format!("{} cannot be written: {why}.", show_path(path));
    CliError::new(CliCode::IoOutput, message)
        .file(path)
        .next("Check the name of the file and the rights to its folder.")
}
