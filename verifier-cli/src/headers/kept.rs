//! A file of headers that grows: read and verified as a stream, whatever its length.
//!
//! Headers are verified before they are appended. A process that is killed leaves a file that is
//! whole, or one whose end does not verify; that end is dropped when the file grows again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use verifier_core::hazmat::bitcoin::chain::{Checker, Error, first_line, read_first_line};
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;

use super::source::Bytes;
use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// The longest first line, in bytes.
const LONGEST_LINE: u64 = 64;

/// A file of headers, verified as far as `checker` says.
pub(super) struct Kept {
    path: PathBuf,
    /// None until there is something to write.
    file: Option<File>,
    /// Where its headers begin.
    begin: u64,
    checker: Checker,
    /// Whether it is to be removed unless it takes the place of another one.
    draft: bool,
}

impl Kept {
    /// A file that is made with the first headers.
    pub(super) fn new(path: &Path, network: Network, start: u32) -> Result<Self, CliError> {
        Ok(Self {
            path: path.into(),
            file: None,
            begin: length(first_line(network, start).as_bytes()),
            checker: Checker::new(network, start).map_err(|error| CliError::of(&error))?,
            draft: false,
        })
    }

    /// A file that is there. Nobody else may change it meanwhile. An empty one begins as a new one
    /// does.
    pub(super) fn open(path: &Path, network: Network, start: u32) -> Result<Self, CliError> {
        let unreadable = |error: io::Error| CliError::unreadable(path, &error);
        crate::file::require_regular(path)?;
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let mut file = opened.map_err(unreadable)?;
        durable::lock(&file, path).map_err(|error| crate::file::not_edited(path, error))?;
        let mut line = Vec::new();
        let begun = (&mut file).take(LONGEST_LINE).read_to_end(&mut line);
        begun.map_err(unreadable)?;
        if line.is_empty() {
            let mut this = Self::new(path, network, start)?;
            let begun = file.write_all(first_line(network, start).as_bytes());
            begun.map_err(|error| unwritable(path, &error))?;
            this.file = Some(file);
            return Ok(this);
        }
        let (network, start, _) =
            read_first_line(&line).map_err(|error| CliError::of(&error).about(path))?;
        let mut this = Self::new(path, network, start)?;
        this.file = Some(file);
        this.checker = this.check(u32::MAX)?;
        Ok(this)
    }

    pub(super) fn checker(&self) -> &Checker {
        &self.checker
    }

    /// The height of the last header.
    pub(super) fn tip(&self) -> Option<u32> {
        self.checker.tip()?;
        self.checker.next_height().checked_sub(1)
    }

    /// The header at this height, not above the last one.
    pub(super) fn header(&mut self, height: u32) -> Result<Bytes, CliError> {
        let place = self.place(height);
        let mut bytes = [0; Header::BYTES];
        let read = self.file.as_mut().ok_or(io::ErrorKind::NotFound.into());
        let read = read.and_then(|file| {
            file.seek(SeekFrom::Start(place))?;
            file.read_exact(&mut bytes)
        });
        read.map_err(|error| CliError::unreadable(&self.path, &error))?;
        Ok(bytes)
    }

    /// Adds headers up to the first one that breaks a rule, which is then the error.
    pub(super) fn extend(&mut self, headers: &[Bytes]) -> Result<Result<(), Error>, CliError> {
        let place = self.place(self.checker.next_height());
        let mut good = Vec::new();
        let mut bad = Ok(());
        for header in headers {
            match self.checker.push(header) {
                Ok(_) => good.extend_from_slice(header),
                Err(error) => {
                    bad = Err(error);
                    break;
                }
            }
        }
        if !good.is_empty() {
            self.write(place, &good)
                .map_err(|error| unwritable(&self.path, &error))?;
        }
        Ok(bad)
    }

    /// Drops what is behind the last good header, and waits until all is on the disk.
    pub(super) fn sync(&self) -> Result<(), CliError> {
        let end = self.place(self.checker.next_height());
        let Some(file) = &self.file else {
            return Ok(());
        };
        let synced = || -> io::Result<()> {
            if file.metadata()?.len() != end {
                file.set_len(end)?;
            }
            file.sync_all()?;
            durable::sync_name(&self.path)
        };
        synced().map_err(|error| unwritable(&self.path, &error))?;
        // A file that was removed or replaced meanwhile was written for nobody.
        match durable::lock(file, &self.path) {
            Err(durable::Error::Held) => {
                Err(crate::file::not_edited(&self.path, durable::Error::Changed))
            }
            other => other.map_err(|error| crate::file::not_edited(&self.path, error)),
        }
    }

    /// A copy of the headers below a height, to be continued in another way.
    pub(super) fn branch(&mut self, below: u32) -> Result<Self, CliError> {
        // Through a link the file that it leads to is replaced, not the link.
        let path = fs::canonicalize(&self.path);
        let path = path.map_err(|error| CliError::unreadable(&self.path, &error))?;
        let new = durable::beside(&path, &format!(".{}.new", std::process::id()));
        let checker = self.check(below)?;
        let end = self.place(checker.next_height());
        let mut draft = Self {
            path: new,
            file: None,
            begin: self.begin,
            checker,
            draft: true,
        };
        let copied = self.file.as_mut().map_or(Ok(()), |file| {
            let mut new = OpenOptions::new();
            let mut new = new
                .read(true)
                .write(true)
                .create_new(true)
                .open(&draft.path)?;
            // It is held when it takes its place.
            durable::lock(&new, &draft.path)?;
            new.set_permissions(file.metadata()?.permissions())?;
            file.seek(SeekFrom::Start(0))?;
            io::copy(&mut file.take(end), &mut new)?;
            draft.file = Some(new);
            Ok(())
        });
        copied.map_err(|error| unwritable(&draft.path, &error))?;
        Ok(draft)
    }

    /// Takes the place of another file, at once.
    pub(super) fn replace(mut self, other: &Self) -> Result<Self, CliError> {
        self.sync()?;
        other.sync()?;
        let to = fs::canonicalize(&other.path);
        let renamed = to.and_then(|to| durable::rename(&self.path, &to));
        renamed.map_err(|error| unwritable(&other.path, &error))?;
        self.path.clone_from(&other.path);
        self.draft = false;
        Ok(self)
    }

    /// Verifies the file from its beginning, up to a height or to what does not verify.
    fn check(&mut self, below: u32) -> Result<Checker, CliError> {
        let mut checker = Checker::new(self.checker.network(), self.checker.start())
            .map_err(|error| CliError::of(&error).about(&self.path))?;
        let Some(file) = &mut self.file else {
            return Ok(checker);
        };
        let unreadable = |error: io::Error| CliError::unreadable(&self.path, &error);
        file.seek(SeekFrom::Start(self.begin)).map_err(unreadable)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut header = [0; Header::BYTES];
        while checker.next_height() < below {
            match reader.read_exact(&mut header) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(unreadable(error)),
            }
            if checker.push(&header).is_err() {
                break;
            }
        }
        Ok(checker)
    }

    fn write(&mut self, place: u64, headers: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            let mut new = OpenOptions::new();
            let new = new.read(true).write(true).create_new(true);
            let mut new = new.open(&self.path)?;
            // Before its first byte counts: whoever opens it now finds it held.
            durable::lock(&new, &self.path)?;
            let line = first_line(self.checker.network(), self.checker.start());
            new.write_all(line.as_bytes())?;
            self.file = Some(new);
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(place))?;
        let mut writer = BufWriter::new(file);
        writer.write_all(headers)?;
        writer.flush()
    }

    /// Where the header of a height begins.
    fn place(&self, height: u32) -> u64 {
        let before = u64::from(height.saturating_sub(self.checker.start()));
        self.begin + before * length(&[0; Header::BYTES])
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.draft {
            // Whatever led here has been reported.
            let _ignored = fs::remove_file(&self.path);
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let message = format!("{} exists already; it was left as it is.", show_path(path));
            CliError::new(CliCode::IoExists, message).file(path)
        }
        _ => crate::file::unwritable(path, error),
    }
}
