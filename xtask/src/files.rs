//! Files and folders, with errors that name them.

use std::ffi::OsStr;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The contents of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| failed(path, &error))
}

/// Writes a file, and the folders that it is in.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    make(path.parent().unwrap_or(path))?;
    fs::write(path, bytes).map_err(|error| failed(path, &error))
}

/// Makes a folder, and those that it is in.
pub(crate) fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(folder, &error)),
        _ => Ok(()),
    }
}

/// Copies a file.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    write(to, &read(from)?)
}

/// Copies a folder with all that is in it, but for the folders that are passed over.
pub(crate) fn copy_all(from: &Path, to: &Path, passed_over: &[&str]) -> Result<(), String> {
    for path in entries(from)? {
        let name = path.file_name().unwrap_or(OsStr::new(""));
        if !path.is_dir() {
            copy(&path, &to.join(name))?;
        } else if passed_over.iter().all(|other| name != *other) {
            copy_all(&path, &to.join(name), passed_over)?;
        }
    }
    Ok(())
}

/// Whether two folders hold the same files with the same bytes.
pub(crate) fn same(one: &Path, other: &Path) -> Result<bool, String> {
    let (ours, theirs) = (entries(one)?, entries(other)?);
    if ours.len() != theirs.len() {
        return Ok(false);
    }
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let alike = ours.file_name() == theirs.file_name()
            && match (ours.is_dir(), theirs.is_dir()) {
                (true, true) => same(ours, theirs)?,
                (false, false) => read(ours)? == read(theirs)?,
                _ => false,
            };
        if !alike {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is in a folder, in the order of the names.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    let path = |entry: std::io::Result<fs::DirEntry>| entry.map(|entry| entry.path());
    let paths: Result<Vec<PathBuf>, _> = entries.map(path).collect();
    let mut paths = paths.map_err(|error| failed(folder, &error))?;
    paths.sort();
    Ok(paths)
}

fn failed(path: &Path, error: &Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_the_same_if_all_their_files_are() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for name in ["a", "b/c"] {
            write(&one.join(name), name.as_bytes()).unwrap();
            write(&other.join(name), name.as_bytes()).unwrap();
        }
        assert_eq!(same(&one, &other), Ok(true));
        write(&other.join("b/c"), b"another").unwrap();
        assert_eq!(same(&one, &other), Ok(false));
        copy(&one.join("b/c"), &other.join("b/c")).unwrap();
        assert_eq!(same(&one, &other), Ok(true));
        write(&other.join("b/d"), b"one more").unwrap();
        assert_eq!(same(&one, &other), Ok(false));
        assert_eq!(same(&other, &one), Ok(false));
    }
}
