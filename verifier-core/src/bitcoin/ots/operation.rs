//! The operations: each makes one message of another.

use alloc::vec::Vec;

use ripemd::Ripemd160;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sha3::Keccak256;

use super::{Error, Timestamp, reader::Reader};

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'a> {
    Append(&'a [u8]),
    Hexlify,
    Keccak256,
    Prepend(&'a [u8]),
    Reverse,
    Ripemd160,
    Sha1,
    Sha256,
}

impl<'a> Operation<'a> {
    /// The operation that begins with this byte.
    pub(super) fn read(tag: u8, reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut operand = || reader.bytes(1, Timestamp::MAX_MESSAGE);
        Ok(match tag {
            0x02 => Self::Sha1,
            0x03 => Self::Ripemd160,
            0x08 => Self::Sha256,
            0x67 => Self::Keccak256,
            0xf0 => Self::Append(operand()?),
            0xf1 => Self::Prepend(operand()?),
            0xf2 => Self::Reverse,
            0xf3 => Self::Hexlify,
            found => return Err(Error::Operation { found }),
        })
    }

    /// Whether it is one of the three that calendars need.
    pub(super) fn is_plain(self) -> bool {
        matches!(self, Self::Append(_) | Self::Prepend(_) | Self::Sha256)
    }
}

/// The next message, of 1 to [`Timestamp::MAX_MESSAGE`] bytes if `message` is. Its length is
/// known before it is made.
pub(super) fn apply(operation: Operation<'_>, message: &[u8]) -> Result<Vec<u8>, Error> {
    let found = match operation {
        Operation::Append(bytes) | Operation::Prepend(bytes) => message.len() + bytes.len(),
        Operation::Hexlify => message.len() * 2,
        _ => message.len(),
    };
    if found > Timestamp::MAX_MESSAGE {
        return Err(Error::Message { found });
    }
    Ok(match operation {
        Operation::Append(suffix) => [message, suffix].concat(),
        Operation::Hexlify => crate::encoding::hex(message).into_bytes(),
        Operation::Keccak256 => hash::<Keccak256>(message),
        Operation::Prepend(prefix) => [prefix, message].concat(),
        Operation::Reverse => message.iter().rev().copied().collect(),
        Operation::Ripemd160 => hash::<Ripemd160>(message),
        Operation::Sha1 => hash::<Sha1>(message),
        Operation::Sha256 => hash::<Sha256>(message),
    })
}

fn hash<D: Digest>(message: &[u8]) -> Vec<u8> {
    D::digest(message).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;

    #[test]
    fn computes_what_its_name_says() {
        for (operation, expected) in [
            (Operation::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Operation::Ripemd160,
                "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
            ),
            (
                Operation::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                Operation::Keccak256,
                "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
            ),
            (Operation::Append(b"d"), "61626364"),
            (Operation::Prepend(b"_"), "5f616263"),
            (Operation::Reverse, "636261"),
            (Operation::Hexlify, "363136323633"),
        ] {
            let message = apply(operation, b"abc").unwrap();
            assert_eq!(hex(&message), expected, "{operation:?}");
        }
    }

    #[test]
    fn no_message_grows_beyond_the_limit() {
        let (half, full) = ([0; 2048], [0; 4096]);
        assert_eq!(apply(Operation::Hexlify, &half).unwrap().len(), 4096);
        let found = 4098;
        let too_long = Err(Error::Message { found });
        assert_eq!(apply(Operation::Hexlify, &[0; 2049]), too_long);
        assert_eq!(apply(Operation::Append(&full), &[0; 2]), too_long);
        assert_eq!(apply(Operation::Prepend(&[0; 2]), &full), too_long);
    }
}
