//! Read, change, write: by one process at a time, and over nothing that was not read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Error, beside, fill, lock, sync_name};

/// How long the holder of a lock is waited for: an edit takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// A file that is being edited: it was read, and nobody else who asks can change it.
///
/// Programs that know of no locks, such as editors, are noticed: what they wrote is never replaced.
#[derive(Debug)]
pub struct Edit {
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
}

impl Edit {
    /// Reads a file for a change, at most `limit` bytes and one more, so that a longer file can be
    /// told from one that fits. Waits up to ten seconds for another process that edits it.
    ///
    /// Through a symbolic link it is the file behind the link that is edited. An error of the kind
    /// `InvalidInput` if that is no regular file.
    pub fn open(path: &Path, limit: u64) -> Result<Self, Error> {
        let begun = Instant::now();
        loop {
            match Self::try_open(path, limit) {
                Err(Error::Held) if begun.elapsed() < PATIENCE => sleep(PAUSE),
                done => return done,
            }
        }
    }

    fn try_open(path: &Path, limit: u64) -> Result<Self, Error> {
        let path = fs::canonicalize(path)?;
        // A pipe would be waited for.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file").into());
        }
        // The right to write is needed for a lock on some file systems, and for the change itself.
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        lock(&file, &path)?;
        let mut this = Self {
            path,
            file,
            bytes: Vec::new(),
        };
        this.bytes = this.read(limit.saturating_add(1))?;
        Ok(this)
    }

    /// The content that was read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts other bytes in place of those that were read, at once, with the same rights to them.
    ///
    /// [`Error::Changed`] if the file is not any more what was read; it is then left as it is.
    pub fn replace(mut self, bytes: &[u8]) -> Result<(), Error> {
        let new = beside(&self.path, &format!(".{}.new", std::process::id()));
        let written = self.write(&new, bytes);
        if written.is_err() {
            // The first error matters more than one from cleaning up.
            let _ignored = fs::remove_file(&new);
        }
        written?;
        Ok(sync_name(&self.path)?)
    }

    fn write(&mut self, new: &Path, bytes: &[u8]) -> Result<(), Error> {
        let file = OpenOptions::new().write(true).create_new(true).open(new)?;
        file.set_permissions(self.file.metadata()?.permissions())?;
        fill(file, bytes)?;
        if !self.is_unchanged()? {
            return Err(Error::Changed);
        }
        Ok(fs::rename(new, &self.path)?)
    }

    /// Whether the file is still there and still says what was read. Editors write into a file or
    /// put another one in its place.
    fn is_unchanged(&mut self) -> Result<bool, Error> {
        match lock(&self.file, &self.path) {
            Err(Error::Held) => return Ok(false),
            other => other?,
        }
        let length = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        Ok(self.read(length.saturating_add(1))? == self.bytes)
    }

    fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.rewind()?;
        (&mut self.file).take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn count(path: &Path) -> u64 {
        fs::read_to_string(path).unwrap().parse().unwrap()
    }

    #[test]
    fn no_edit_is_lost_however_many_run_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        fs::write(&path, "0").unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let edit = Edit::open(&path, 100).unwrap();
                        let text = std::str::from_utf8(edit.bytes()).unwrap();
                        let next = text.parse::<u64>().unwrap() + 1;
                        edit.replace(next.to_string().as_bytes()).unwrap();
                    }
                });
            }
        });
        assert_eq!(count(&path), 40);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writes: [fn(&Path); 3] = [
            |path| fs::write(path, "theirs").unwrap(),
            |path| crate::replace(path, b"theirs", crate::Access::Public).unwrap(),
            |path| fs::remove_file(path).unwrap(),
        ];
        for write in writes {
            fs::write(&path, "before").unwrap();
            let edit = Edit::open(&path, 100).unwrap();
            write(&path);
            let refused = edit.replace(b"ours").unwrap_err();
            assert!(matches!(refused, Error::Changed), "{refused:?}");
            if path.exists() {
                assert_eq!(fs::read(&path).unwrap(), b"theirs");
            }
        }
        fs::write(&path, "").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_longer_file_than_fits_can_be_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "123456").unwrap();
        assert_eq!(Edit::open(&path, 4).unwrap().bytes(), b"12345");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_rights_stay_as_they_are() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        Edit::open(&link, 100).unwrap().replace(b"after").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"after");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Edit::open(folder.path(), 100).unwrap_err();
        assert!(matches!(refused, Error::Io(error) if error.kind() == io::ErrorKind::InvalidInput));
    }
}
