//! A file of headers: with the first line that says what they are, or one after the other as
//! they are, or as hex.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use verifier_core::hazmat::bitcoin::chain::{Error, first_line, read_first_line};
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::encoding::from_hex;

use super::{Bytes, Offer, Source};
use crate::args::SyncArgs;
use crate::failure::CliError;
use crate::file;

/// How many headers are read at once.
const BATCH: u32 = 2000;

/// Bytes enough to tell hex from headers: no header begins with so many hex digits.
const SAMPLE: usize = 512;

trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

pub(super) struct HeaderFile {
    path: PathBuf,
    reader: BufReader<Box<dyn ReadSeek>>,
    /// Where the headers begin.
    begin: u64,
    hex: bool,
    offer: Offer,
    /// The height that is read next.
    next: u32,
}

impl HeaderFile {
    pub(super) fn open(path: &Path, args: &SyncArgs) -> Result<Self, CliError> {
        let unreadable = |error: io::Error| CliError::unreadable(path, &error);
        let reader: Box<dyn ReadSeek> = match file::is_stdin(path) {
            true => Box::new(Cursor::new(file::read_whole(
                path,
                crate::headers::MAX_BYTES,
            )?)),
            false => Box::new(File::open(path).map_err(unreadable)?),
        };
        let mut this = Self {
            path: path.into(),
            reader: BufReader::with_capacity(1 << 16, reader),
            begin: 0,
            hex: false,
            offer: Offer {
                network: args.network,
                first: args.start,
                last: 0,
            },
            next: args.start,
        };
        let count = this.look().map_err(unreadable)?;
        let bytes = usize::try_from(count.0).unwrap_or(usize::MAX);
        let whole = count.0 / 80;
        let last = u32::try_from(whole).ok().and_then(|whole| {
            let above = whole.checked_sub(1)?;
            this.offer.first.checked_add(above)
        });
        match last {
            Some(last) if count.0.is_multiple_of(80) && count.1 => this.offer.last = last,
            _ => return Err(CliError::of(&Error::Length { found: bytes }).about(path)),
        }
        this.rewind().map_err(unreadable)?;
        Ok(this)
    }

    /// Finds out what the file is. Returns how many bytes of headers it has, and whether all of
    /// it can be read.
    fn look(&mut self) -> io::Result<(u64, bool)> {
        let mut sample = Vec::new();
        let most = u64::try_from(SAMPLE).unwrap_or(u64::MAX);
        (&mut self.reader).take(most).read_to_end(&mut sample)?;
        let end = self.reader.seek(SeekFrom::End(0))?;
        if let Ok((network, start, _)) = read_first_line(&sample) {
            let line = first_line(network, start);
            self.begin = u64::try_from(line.len()).unwrap_or(u64::MAX);
            (self.offer.network, self.offer.first) = (network, start);
            return Ok((end.saturating_sub(self.begin), true));
        }
        let hex = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace();
        if sample.is_empty() || !sample.iter().all(hex) {
            return Ok((end, true));
        }
        self.hex = true;
        self.reader.seek(SeekFrom::Start(0))?;
        let (mut digits, mut sound) = (0_u64, true);
        for byte in (&mut self.reader).bytes() {
            let byte = byte?;
            sound &= hex(&byte);
            digits += u64::from(!byte.is_ascii_whitespace());
        }
        Ok((digits / 2, sound && digits.is_multiple_of(2)))
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.reader.seek(SeekFrom::Start(self.begin))?;
        self.next = self.offer.first;
        Ok(())
    }

    fn go_to(&mut self, height: u32) -> io::Result<()> {
        if self.hex {
            // Where a header stands depends on the white space before it.
            if height < self.next {
                self.rewind()?;
            }
            while self.next < height {
                self.header()?;
            }
        } else if self.next != height {
            let before = u64::from(height.saturating_sub(self.offer.first));
            self.reader
                .seek(SeekFrom::Start(self.begin + before * 80))?;
            self.next = height;
        }
        Ok(())
    }

    fn header(&mut self) -> io::Result<Bytes> {
        let mut header = [0; Header::BYTES];
        if self.hex {
            let mut digits = String::new();
            while digits.len() < 2 * Header::BYTES {
                let mut byte = [0];
                self.reader.read_exact(&mut byte)?;
                let digit = char::from(byte[0]).to_ascii_lowercase();
                if !digit.is_ascii_whitespace() {
                    digits.push(digit);
                }
            }
            let bytes = from_hex(&digits)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            header = bytes.ok_or(io::ErrorKind::InvalidData)?;
        } else {
            self.reader.read_exact(&mut header)?;
        }
        self.next = self.next.saturating_add(1);
        Ok(header)
    }
}

impl Source for HeaderFile {
    fn offer(&self) -> Offer {
        self.offer
    }

    fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>, CliError> {
        let last = last.min(height.saturating_add(BATCH - 1));
        let read = self
            .go_to(height)
            .and_then(|()| (height..=last).map(|_| self.header()).collect());
        read.map_err(|error| CliError::unreadable(&self.path, &error))
    }
}
