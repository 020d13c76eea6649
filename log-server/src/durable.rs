//! Files that survive a power cut: written beside their place, synced, renamed into it, and the
//! folder synced, because a rename is durable only when its folder is.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::failure::{Failure, Result};

/// Puts `bytes` at `path`, in place of what was there. When this returns they are durable.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = parent(path)?;
    create_folder(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let temporary = path.with_file_name(name);
    // Left behind by a crash, if it is there.
    remove(&temporary)?;
    write_new(&temporary, bytes, 0o644)?;
    fs::rename(&temporary, path).map_err(Failure::file(path))?;
    sync_folder(folder)
}

/// Renames a file that is durable already.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    File::open(from)
        .and_then(|file| file.sync_all())
        .map_err(Failure::file(from))?;
    fs::rename(from, to).map_err(Failure::file(to))?;
    sync_folder(parent(to)?)
}

/// Creates `path` with these permissions; an error if it exists. Durable on return.
pub(crate) fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_new(path, bytes, mode)?;
    sync_folder(parent(path)?)
}

/// Creates a folder and what is above it, durably.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path)?;
    create_folder(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Failure::file(path)(error));
        }
        _ => {}
    }
    sync_folder(above)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file(path)(error)),
        _ => Ok(()),
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(Failure::file(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(Failure::file(path))
}

fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(Failure::file(path))
}

fn parent(path: &Path) -> Result<&Path> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    Ok(parent.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_also_over_what_a_crash_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/000");
        replace(&path, b"one").unwrap();
        fs::write(path.with_file_name("000.new"), b"half").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn creates_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, b"x", 0o600).unwrap();
        assert!(create(&path, b"y", 0o600).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }
}
