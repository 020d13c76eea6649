//! The bodies of other servers' answers.

use std::io::{Error, ErrorKind, Read, Result};
use std::time::{Duration, Instant};

/// At most `limit + 1` bytes: one more than fits, so that whoever reads them sees that they do not.
/// All of them have to come within this time: the client's own limit begins anew with each read, so
/// a server could drip for ever.
pub(crate) fn read(mut from: impl Read, limit: usize, within: Duration) -> Result<Vec<u8>> {
    let begun = Instant::now();
    let (mut body, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let length = from.read(&mut piece)?;
        body.extend(piece.get(..length).unwrap_or_default());
        if length == 0 || body.len() > limit {
            body.truncate(limit.saturating_add(1));
            return Ok(body);
        }
        if begun.elapsed() > within {
            return Err(Error::new(ErrorKind::TimedOut, "it answers too slowly"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, for ever.
    struct Drip;

    impl Read for Drip {
        fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
            std::thread::sleep(Duration::from_millis(1));
            bytes[0] = 7;
            Ok(1)
        }
    }

    #[test]
    fn neither_long_nor_slow_answers_are_read_to_their_end() {
        assert_eq!(read(&b"abc"[..], 3, Duration::MAX).unwrap(), b"abc");
        assert_eq!(read(&b"abcdef"[..], 3, Duration::MAX).unwrap(), b"abcd");
        assert_eq!(read(Drip, 3, Duration::MAX).unwrap(), [7; 4]);
        let slow = read(Drip, usize::MAX, Duration::from_millis(20));
        assert_eq!(slow.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
