//! Files that survive a power cut, and that two processes can edit without losing what the other
//! one wrote.
//!
//! The order of system calls is all that this crate knows. A function that returns `Ok` has made
//! its change durable; one that fails, or never returns, leaves the old file or the new one.
//!
//! ```text
//! create        open(path, O_CREAT|O_EXCL)  write  fsync              fsync(folder)
//! replace       unlink(path.new)
//!               open(path.new, O_CREAT|O_EXCL)  write  fsync
//!               rename(path.new, path)                                fsync(folder)
//! rename        open(from)  fsync  rename(from, to)                   fsync(folder)
//! folder        mkdir, from the top down, each                        fsync(folder above)
//! Edit          open(path)  flock  is path still that file?  read
//!      replace  open(path.PID.new, O_CREAT|O_EXCL)  chmod  write  fsync
//!               read path again: still what was read?
//!               rename(path.PID.new, path)                            fsync(folder)
//! ```
//!
//! The file is synced before it is renamed, or a power cut could leave an empty file under the
//! final name. The folder is synced after that, because a name is durable only when its folder is.
//! Where folders cannot be synced (outside Unix), the file system's own journal has to do.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "for programs with std"
)]

mod at;
mod edit;
mod lock;

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub use at::At;
pub use edit::Edit;
pub use lock::{Lock, lock};

/// Whose a new file is to read. It has no effect outside Unix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third kind")]
pub enum Access {
    /// Readable for everybody (0644), unless the umask says otherwise.
    Public,
    /// For the owner alone (0600).
    Private,
}

/// The reason why a file cannot be locked or edited.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another process holds the file.
    Held,
    /// Somebody who takes no lock has changed the file since it was read.
    Changed,
    /// The operating system refuses.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("another process is changing it"),
            Self::Changed => f.write_str("it was changed meanwhile"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            other => Self::new(ErrorKind::ResourceBusy, other.to_string()),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Creates a file; an error of the kind `AlreadyExists` if there is one.
///
/// A file that could not be written in full is removed again.
pub fn create(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let file = new_file(path, access)?;
    fill(file, bytes).inspect_err(|_| {
        // The first error matters more than one from cleaning up.
        let _ignored = fs::remove_file(path);
    })?;
    sync_name(path)
}

/// Puts a file in place of what was there, if anything. Readers see the old file or the new one.
///
/// The new file is written as `path` with `.new` behind its name, where a crash may leave it and
/// the next call finds it. So only one process at a time may replace `path`, and a folder with
/// files of other people is a place for [`Edit`].
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let new = beside(path, ".new");
    remove(&new)?;
    fill(new_file(&new, access)?, bytes)
        .and_then(|()| fs::rename(&new, path))
        .inspect_err(|_| {
            let _ignored = fs::remove_file(&new);
        })?;
    sync_name(path)
}

/// Renames a file, in place of what was there, if anything. Both names are in the same folder.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    // Syncing needs the right to write where it is asked for as `FlushFileBuffers`.
    let mut options = OpenOptions::new();
    options.read(true).write(cfg!(not(unix)));
    options.open(from)?.sync_all()?;
    fs::rename(from, to)?;
    sync_name(to)
}

/// Creates a folder and those above it, as far as they are missing.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    create_folder(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(above)
}

/// Removes a file, if it is there. A power cut may bring it back until its folder is synced.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the name of a file durable: that it is in its folder, or that it is not.
pub fn sync_name(path: &Path) -> io::Result<()> {
    sync_folder(parent(path))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _: &Path = path;
    Ok(())
}

/// A file that did not exist, empty.
fn new_file(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match access {
            Access::Public => 0o644,
            Access::Private => 0o600,
        },
    );
    #[cfg(not(unix))]
    let _: Access = access;
    options.open(path)
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// The folder that a file is in.
fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Whether a path is one that is written before it takes its final name. After a crash it may be
/// there, and nobody misses it.
pub fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "new")
}

/// The path with more behind its last name.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn creates_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path, b"x", Access::Private).unwrap();
        let again = create(&path, b"y", Access::Private).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn replaces_also_over_what_a_crash_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000");
        replace(&path, b"one", Access::Public).unwrap();
        let half = folder.path().join("000.new");
        assert!(is_unfinished(&half) && !is_unfinished(&folder.path().join("000")));
        fs::write(half, b"half").unwrap();
        replace(&path, b"two", Access::Public).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["000"]);
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder");
        fs::create_dir_all(path.join("not empty")).unwrap();
        replace(&path, b"two", Access::Public).unwrap_err();
        assert_eq!(names(folder.path()), ["folder"]);
    }

    #[test]
    fn renames_over_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        rename(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["b"]);
    }

    #[test]
    fn makes_folders_all_the_way_and_removes_what_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c");
        create_folder(&path).unwrap();
        create_folder(&path).unwrap();
        assert!(path.is_dir());
        remove(&path.join("nothing")).unwrap();
        fs::write(path.join("file"), "").unwrap();
        create_folder(&path.join("file/d")).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = folder.path().join("key");
        create(&path, b"x", Access::Private).unwrap();
        assert_eq!(mode(&path), 0o600);
        replace(&path, b"y", Access::Private).unwrap();
        assert_eq!(mode(&path), 0o600);
        replace(&path, b"z", Access::Public).unwrap();
        assert_eq!(mode(&path) & 0o133, 0);
    }
}
