//! Bytes, numbers and byte strings from the front of a slice.

use super::Error;

/// The rest that has not been read yet.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        let (first, rest) = self.0.split_first().ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| Error::Truncated)
    }

    /// A byte string with its length in front.
    ///
    /// ```text
    /// len bytes[len]
    /// ```
    pub(super) fn bytes(&mut self, least: usize, most: usize) -> Result<&'a [u8], Error> {
        let found = self.number()?;
        let length = usize::try_from(found).ok();
        match length.filter(|length| (least..=most).contains(length)) {
            Some(length) => self.take(length),
            None => Err(Error::Length { found, least, most }),
        }
    }

    /// LEB128: seven bits a byte, the lowest first; the top bit says that more follow. In the
    /// shortest form only: two spellings of one proof would be two proofs.
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(Error::Number);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return match byte {
                    0 if shift > 0 => Err(Error::Number),
                    _ => Ok(number),
                };
            }
        }
        Err(Error::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        let number = |bytes: &[u8]| Reader::new(bytes).number();
        assert_eq!(number(&[0]), Ok(0));
        assert_eq!(number(&[0x7f]), Ok(127));
        assert_eq!(number(&[0x80, 1]), Ok(128));
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(number(&largest), Ok(u64::MAX));
        for bad in [
            &[0x80, 0][..],
            &[0x81, 0x80, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[0x80; 11],
            &[
                0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1,
            ],
        ] {
            assert_eq!(number(bad), Err(Error::Number), "{bad:x?}");
        }
        assert_eq!(number(&[0x80]), Err(Error::Truncated));
    }
}
