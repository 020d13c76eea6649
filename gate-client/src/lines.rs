//! Files of lines that are never taken back: journals.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use verifier_core::hazmat::json::Value;
use verifier_core::plain;

use crate::denied::{Denied, Reason};

/// The longest journal, in bytes: it is read before each act.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How long a journal is waited for that another process has locked.
const PATIENCE: Duration = match cfg!(test) {
    true => Duration::from_secs(1),
    false => Duration::from_secs(10),
};

/// How often it is tried.
const BETWEEN: Duration = Duration::from_millis(20);

/// A file of lines, each read by the same function.
#[derive(Clone, Debug)]
pub(crate) struct Lines<T> {
    path: PathBuf,
    read: fn(&[u8]) -> Option<T>,
}

impl<T> Lines<T> {
    pub(crate) fn new(path: &Path, read: fn(&[u8]) -> Option<T>) -> Self {
        let path = path.into();
        Self { path, read }
    }

    /// All lines, in their order; none if there is no file.
    pub(crate) fn all(&self) -> Result<Vec<T>, Denied> {
        match File::open(&self.path) {
            Ok(file) => {
                self.wait(|| match file.try_lock_shared() {
                    Err(TryLockError::WouldBlock) => Ok(None),
                    // Where nothing can be locked nobody writes, either.
                    Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(())),
                })?;
                self.of(&file)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Writes one more line, which `line` makes of those that are there; nobody else writes at the
    /// same time. When it returns, the line is on the disk.
    pub(crate) fn append<'v>(
        &self,
        line: impl FnOnce(&[T]) -> Result<Value<'v>, Denied>,
    ) -> Result<(), Denied> {
        self.append_some(|lines| line(lines).map(Some))
    }

    /// The same, unless `line` finds that there is nothing to write.
    pub(crate) fn append_some<'v>(
        &self,
        line: impl FnOnce(&[T]) -> Result<Option<Value<'v>>, Denied>,
    ) -> Result<(), Denied> {
        let failed = |error| self.failed(&error);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = self.wait(|| {
            let file = options.open(&self.path).map_err(failed)?;
            match durable::lock(&file, &self.path) {
                Ok(()) => Ok(Some(file)),
                Err(durable::Error::Held) => Ok(None),
                Err(error) => Err(failed(error.into())),
            }
        })?;
        let Some(line) = line(&self.of(&file)?)? else {
            return Ok(());
        };
        let line = line.to_text() + "\n";
        let written = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| durable::sync_name(&self.path))
            .map_err(failed);
        // A process that another thread is starting has the same open file for a moment, and would
        // hold the lock. That it cannot be given back is no harm: it ends with the file.
        let _held = file.unlock();
        written
    }

    /// Tries it until there is something, for a bounded time.
    fn wait<L>(&self, tried: impl Fn() -> Result<Option<L>, Denied>) -> Result<L, Denied> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = tried()? {
                return Ok(found);
            }
            if until <= Instant::now() {
                return Err(self.failed(&durable::Error::Held.into()));
            }
            std::thread::sleep(BETWEEN);
        }
    }

    /// A line that says something that cannot be.
    pub(crate) fn damaged(&self, line: usize) -> Denied {
        let path = plain(&self.path.to_string_lossy());
        let message = format!("line {line} of the journal {path} is damaged");
        Denied::new(Reason::Journal, message)
    }

    fn of(&self, file: &File) -> Result<Vec<T>, Denied> {
        let mut text = Vec::new();
        let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1))
            .read_to_end(&mut text)
            .map_err(|error| self.failed(&error))?;
        if text.len() > MAX_BYTES {
            let message = "the journal is too long: begin another one, and keep this one";
            return Err(Denied::new(Reason::Journal, message));
        }
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        lines
            .zip(1_usize..)
            .map(|(line, number)| {
                let line = line
                    .strip_suffix(b"\n")
                    .ok_or_else(|| self.damaged(number))?;
                (self.read)(line).ok_or_else(|| self.damaged(number))
            })
            .collect()
    }

    fn failed(&self, error: &std::io::Error) -> Denied {
        let path = plain(&self.path.to_string_lossy());
        let message = format!("the journal {path} cannot be used: {error}");
        Denied::new(Reason::Journal, message)
    }
}
