//! Public objects as files, which a plain web server may serve.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use verifier_core::Time;

use super::{Listed, Objects};
use crate::disk;
use crate::error::{LogError, Result};

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self(root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Objects for Directory {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path(name);
        present(fs::read(&path), &path)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        disk::replace(&self.path(name), bytes)
    }

    fn has(&self, name: &str) -> Result<bool> {
        Ok(self.path(name).is_file())
    }

    fn written(&self, name: &str) -> Result<Option<Time>> {
        let path = self.path(name);
        let file = present(fs::metadata(&path), &path)?;
        Ok(file.map(|file| {
            let since = file.modified().ok();
            let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let time = since.and_then(|since| Time::from_seconds(since.as_secs()));
            time.unwrap_or(Time::EPOCH)
        }))
    }

    /// Without files that are half written.
    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let at = self.path(folder);
        let mut listed = Vec::new();
        for entry in present(fs::read_dir(&at), &at)?.into_iter().flatten() {
            let path = entry.map_err(LogError::file(&at))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{folder}/{name}");
            if path.is_dir() {
                listed.push(Listed::Folder(name));
            } else if !durable::is_unfinished(&path) {
                listed.push(Listed::Object(name));
            }
        }
        Ok(listed)
    }

    fn delete(&self, name: &str) -> Result<()> {
        disk::remove(&self.path(name))
    }

    fn delete_folder(&self, folder: &str) -> Result<()> {
        let path = self.path(folder);
        present(fs::remove_dir_all(&path), &path).map(|_| ())
    }

    fn place(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// `None` where there is nothing.
fn present<T>(found: std::io::Result<T>, path: &Path) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(LogError::file(path)(error)),
    }
}
