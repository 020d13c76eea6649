//! One process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::Error;

/// A lock that this process holds until the value is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock that a file stands for; the file is made if it is not there, for its owner
    /// alone, and stays. [`Error::Held`] if another process has it: nothing waits.
    pub fn take(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        // What is in the file is nobody's business; it may be that of somebody else by mistake.
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        lock(&file, path)?;
        Ok(Self { _file: file })
    }
}

/// Locks an open file for this process, until it is closed. [`Error::Held`] if another process has
/// it, or has meanwhile put another file at `path`: then whatever is written here would be lost.
pub fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) if is_at(file, path)? => Ok(()),
        Ok(()) | Err(TryLockError::WouldBlock) => Err(Error::Held),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Whether `path` still leads to this file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let here = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok(identity(&here) == identity(&there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> impl Eq + use<> {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// As near as the standard library comes: a file that took the place of another one was written
/// at another time.
#[cfg(not(unix))]
fn identity(metadata: &std::fs::Metadata) -> impl Eq + use<> {
    let time = |time: io::Result<std::time::SystemTime>| time.ok();
    (
        metadata.len(),
        time(metadata.created()),
        time(metadata.modified()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "somebody's").unwrap();
        let held = Lock::take(&path).unwrap();
        assert!(matches!(Lock::take(&path), Err(Error::Held)));
        drop(held);
        Lock::take(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"somebody's");
    }

    #[test]
    fn a_file_that_was_replaced_cannot_be_locked_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let file = File::open(&path).unwrap();
        crate::replace(&path, b"newer", crate::Access::Public).unwrap();
        assert!(matches!(lock(&file, &path), Err(Error::Held)));
        fs::remove_file(&path).unwrap();
        assert!(matches!(lock(&file, &path), Err(Error::Held)));
    }
}
