//! A witness's signature on a checkpoint: c2sp.org/tlog-cosignature, the Ed25519 kind.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::Failure;
use crate::code::Code;
use crate::time::Time;

/// A cosignature as a signature line carries it after the key id, unverified.
///
/// ```text
/// seconds since 1970, 8 bytes big-endian ‖ Ed25519 signature, 64 bytes
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosignature {
    seconds: u64,
    time: Time,
    signature: [u8; 64],
}

impl Cosignature {
    /// A cosignature made at `seconds` since 1970: after 1970 began and before the year 10000.
    pub fn new(seconds: u64, signature: [u8; 64]) -> Result<Self, Error> {
        // Zero is how other kinds of cosignature say that they state no time; this kind always
        // does, and a moment in 1970 would be the earliest of all bounds.
        let time = Time::from_seconds(seconds)
            .filter(|_| seconds != 0)
            .ok_or(Error::Time { found: seconds })?;
        Ok(Self {
            seconds,
            time,
            signature,
        })
    }

    /// Reads the 72 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let length = || Error::Length { found: bytes.len() };
        let (seconds, signature) = bytes.split_first_chunk().ok_or_else(length)?;
        let signature = signature.try_into().map_err(|_| length())?;
        Self::new(u64::from_be_bytes(*seconds), signature)
    }

    /// Writes the 72 bytes.
    pub fn to_bytes(&self) -> [u8; 72] {
        let mut bytes = [0; 72];
        let (seconds, signature) = bytes.split_at_mut(8);
        seconds.copy_from_slice(&self.seconds.to_be_bytes());
        signature.copy_from_slice(&self.signature);
        bytes
    }

    /// When the witness says that it signed.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The Ed25519 signature.
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The message that is signed if this is a cosignature of the checkpoint with this note text.
    pub fn message(&self, text: &str) -> String {
        message(text, self.seconds)
    }
}

/// The message that a witness signs ("Ed25519 signed message"): `text` is the whole text of the
/// checkpoint's note with its final newline, `seconds` are since 1970.
///
/// ```
/// # use verifier_core::hazmat::tlog::cosignature::message;
/// let text = "example.com/behind-the-sofa
/// 20852163
/// CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
/// ";
/// assert!(message(text, 1679315147).starts_with("cosignature/v1\ntime 1679315147\nexample.com/"));
/// ```
pub fn message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// Why bytes are no cosignature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not 72 bytes.
    #[error("the cosignature has {found} bytes instead of 72")]
    Length {
        /// Its length in bytes.
        found: usize,
    },
    /// A time of zero, or after the year 9999.
    #[error("{found} seconds since 1970 cannot be the time of a cosignature")]
    Time {
        /// The seconds.
        found: u64,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::LogBadCosignature
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Length { .. } => Some("72".to_string()),
            Self::Time { .. } => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Length { found } => Some(found.to_string()),
            Self::Time { found } => Some(found.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::from_base64;

    #[test]
    fn reads_the_example_of_the_specification() {
        // c2sp.org/tlog-cosignature, the witness's line of the example. Its key is not given.
        let line = from_base64(
            "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==",
        )
        .unwrap();
        assert_eq!(line[..4], [0x8d, 0x66, 0xcf, 0x3f]);
        let cosignature = Cosignature::parse(&line[4..]).unwrap();
        assert_eq!(
            cosignature.time(),
            Time::from_seconds(1_679_315_147).unwrap()
        );
        assert_eq!(cosignature.to_bytes(), line[4..]);
        let text =
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let message = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(cosignature.message(text), message);
    }

    #[test]
    fn refuses_impossible_times_and_lengths() {
        let latest = 253_402_300_799;
        for seconds in [0, latest + 1, 1 << 63, u64::MAX] {
            let error = Err(Error::Time { found: seconds });
            assert_eq!(Cosignature::new(seconds, [0; 64]), error);
        }
        for seconds in [1, latest] {
            let bytes = Cosignature::new(seconds, [9; 64]).unwrap().to_bytes();
            assert_eq!(Cosignature::parse(&bytes).unwrap().to_bytes(), bytes);
        }
        for length in [0, 7, 8, 64, 71, 73] {
            let error = Err(Error::Length { found: length });
            assert_eq!(Cosignature::parse(&[1; 80][..length]), error);
        }
    }
}
