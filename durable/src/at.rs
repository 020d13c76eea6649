//! Bytes at a place of a file, whichever system it is on.

use std::fs::File;
use std::io;

/// Reads and writes at a place of a file. The cursor of the file ends anywhere, depending on the
/// system: nothing else may use it.
pub trait At {
    /// Fills `bytes` from those at `offset`.
    ///
    /// # Errors
    ///
    /// If the file ends before, or the operating system refuses.
    fn read_at_exactly(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    ///
    /// If the operating system refuses; a part may be written then.
    fn write_at_all(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

#[cfg(unix)]
impl At for File {
    fn read_at_exactly(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, offset)
    }

    fn write_at_all(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }
}

#[cfg(not(unix))]
impl At for File {
    fn read_at_exactly(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read as _, Seek as _};
        let mut file = self;
        file.seek(io::SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }

    fn write_at_all(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek as _, Write as _};
        let mut file = self;
        file.seek(io::SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_at_a_place_is_read_there() {
        let file = tempfile::tempfile().unwrap();
        file.write_at_all(b"late", 10).unwrap();
        file.write_at_all(b"early", 0).unwrap();
        let mut bytes = [1; 14];
        file.read_at_exactly(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"early\0\0\0\0\0late");
        assert!(file.read_at_exactly(&mut bytes, 1).is_err());
    }
}
