//! Files, read with a limit and written whole or not at all.

use std::borrow::Cow;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use durable::{Access, Edit};
use verifier_core::Code;
use verifier_core::hazmat::text::from_people;

use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// At most `limit + 1` bytes of a file, or of stdin for `-`: one more than fits, so that whoever
/// reads them sees that they do not.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let read = match is_stdin(path) {
        true => read_some(io::stdin().lock(), 0, limit),
        false => File::open(path).and_then(|file| {
            let length = file.metadata().map_or(0, |found| found.len());
            read_some(file, length, limit)
        }),
    };
    read.map_err(|error| CliError::unreadable(path, &error))
}

/// In one piece where possible; what the length says is only a hint.
fn read_some(from: impl io::Read, length: u64, limit: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let hint = usize::try_from(length.min(most)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(hint.saturating_add(1));
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same for a file that was found in a folder. It is read only if it is a regular file and in
/// that folder, and opening it waits for nobody.
pub fn read_found(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let opened = open_found(path).map_err(|error| CliError::unreadable(path, &error))?;
    let read = opened.map(|(file, length)| read_some(file, length, limit));
    read.map_err(|why| {
        let message = format!("{} is {why}.", show_path(path));
        CliError::new(CliCode::IoUnreadable, message).file(path)
    })?
    .map_err(|error| CliError::unreadable(path, &error))
}

/// A handle and the length of the file, or the reason why there is none.
///
/// Anybody who may write to the folder can put another thing under a name between a look and the
/// opening, so the look is at what has been opened.
fn open_found(path: &Path) -> io::Result<Result<(File, u64), &'static str>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A pipe without a writer opens at once, and a terminal does not become ours.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Ok(Err("no regular file"));
    }
    let mut here = fs::symlink_metadata(path)?;
    if here.is_symlink() {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let target = fs::canonicalize(path)?;
        if !target.starts_with(fs::canonicalize(folder)?) {
            return Ok(Err("a link that leads out of the folder"));
        }
        here = fs::symlink_metadata(target)?;
    }
    Ok(match same(&found, &here) {
        true => Ok((file, found.len())),
        false => Err("another file than a moment ago"),
    })
}

/// Whether both are of one file, as far as the system tells.
fn same(a: &Metadata, b: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
    #[cfg(not(unix))]
    {
        b.is_file() && a.len() == b.len()
    }
}

/// A file that has to fit.
pub fn read_whole(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
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

/// A file that was found in a folder, and has to fit.
pub fn read_whole_found(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let bytes = read_found(path, limit)?;
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
pub fn read_text(path: &Path, limit: usize, code: Code) -> Result<String, CliError> {
    let bytes = read_whole(path, limit)?;
    text(&bytes, code).map_err(|error| error.about(path))
}

/// The same for bytes that have been read.
pub fn text(bytes: &[u8], code: Code) -> Result<String, CliError> {
    from_people(bytes)
        .map(Cow::into_owned)
        .map_err(|error| CliError::policy(code, format!("the file {error}.")))
}

/// Whether this is standard input, by any of its names. `./-` is a file.
pub fn is_stdin(path: &Path) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]
        .iter()
        .any(|name| path.as_os_str() == *name)
}

/// Fails for what would be waited for, or never ends: pipes, devices, folders.
pub fn require_regular(path: &Path) -> Result<(), CliError> {
    let found = fs::metadata(path).map_err(|error| CliError::unreadable(path, &error))?;
    if found.is_file() {
        return Ok(());
    }
    let message = format!("{} is not a regular file.", show_path(path));
    Err(CliError::new(CliCode::IoUnreadable, message).file(path))
}

/// Writes a file that must not exist yet.
pub fn create(path: &Path, text: impl AsRef<[u8]>) -> Result<(), CliError> {
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
pub fn edit(path: &Path, limit: usize) -> Result<Edit, CliError> {
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
pub fn replace(path: &Path, edit: Edit, text: impl AsRef<[u8]>) -> Result<(), CliError> {
    let replaced = edit.replace(text.as_ref());
    replaced.map_err(|error| not_edited(path, error))
}

/// The error for a file that was to be edited and is as it was.
pub fn not_edited(path: &Path, error: durable::Error) -> CliError {
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

/// The error for a file that cannot be written.
pub fn unwritable(path: &Path, error: &io::Error) -> CliError {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or(&text);
    let message = format!("{} cannot be written: {why}.", show_path(path));
    CliError::new(CliCode::IoOutput, message)
        .file(path)
        .next("Check the name of the file and the rights to its folder.")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// As if each had taken the place of a file after the folder was listed.
    #[test]
    fn a_found_file_is_judged_by_its_handle() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("in");
        let path = |name: &str| folder.join(name);
        fs::create_dir_all(path("below")).unwrap();
        fs::write(path("plain"), "plain").unwrap();
        fs::write(root.path().join("secret"), "secret").unwrap();
        symlink("plain", path("inside")).unwrap();
        symlink("../secret", path("outside")).unwrap();
        symlink("outside", path("twice")).unwrap();
        symlink("nowhere", path("broken")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(path("pipe"))
            .status();
        assert!(made.unwrap().success());
        for name in ["plain", "inside"] {
            assert_eq!(read_found(&path(name), 9).unwrap(), b"plain", "{name}");
        }
        assert_eq!(read_found(&path("plain"), 2).unwrap(), b"pla");
        for (name, why) in [
            ("pipe", "no regular file"),
            ("below", "no regular file"),
            ("outside", "leads out of the folder"),
            ("twice", "leads out of the folder"),
            ("broken", "cannot be read"),
        ] {
            let error = read_found(&path(name), 9).unwrap_err();
            assert!(error.message.contains(why), "{name}: {}", error.message);
        }
    }
}
