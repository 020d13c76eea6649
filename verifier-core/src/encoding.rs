//! Base64 and hex in the one spelling our formats allow.
//!
//! Two encodings of the same bytes would let one approval wear two faces, so every decoder here
//! accepts exactly what its encoder prints: no padding where none belongs, no other alphabet, no
//! white space, no non-zero trailing bits, no upper-case hex.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Base64url without padding (RFC 4648 §5).
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads what [`base64url`] writes.
pub fn from_base64url(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Error::Base64Url(Base64Fault::of(text)))
}

/// Standard base64 with padding (RFC 4648 §4), as the C2SP texts use it.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads what [`base64()`] writes.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::Base64)
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Reads what [`hex`] writes.
pub fn from_hex(text: &str) -> Result<Vec<u8>, Error> {
    base16ct::lower::decode_vec(text).map_err(|_| Error::Hex)
}

/// Why a text is not an encoding of bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not [`base64()`].
    #[error("not standard base64 with padding")]
    Base64,
    /// Not [`base64url`].
    #[error("not base64url without padding: {0}")]
    Base64Url(Base64Fault),
    /// Not [`hex`].
    #[error("not lower-case hex")]
    Hex,
}

/// How a text differs from base64url without padding.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Base64Fault {
    /// A character that no base64 has.
    #[error("it has a character that base64 does not have")]
    Character,
    /// It ends inside a byte, or with bits that belong to none.
    #[error("bits are left over at its end")]
    Leftover,
    /// It is padded.
    #[error("it is padded with \"=\"")]
    Padding,
    /// It is in the other alphabet.
    #[error("it is in the standard alphabet, with \"+\" and \"/\"")]
    StandardAlphabet,
    /// It holds blanks or line breaks.
    #[error("it holds white space")]
    WhiteSpace,
}

impl Base64Fault {
    /// The most telling difference of a text that was refused.
    fn of(text: &str) -> Self {
        let bare = text.trim_end_matches('=');
        if text.contains(|c: char| c.is_ascii_whitespace()) {
            Self::WhiteSpace
        } else if bare
            .contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '-' | '_'))
        {
            Self::Character
        } else if bare.contains(['+', '/']) {
            Self::StandardAlphabet
        } else if bare.len() < text.len() {
            Self::Padding
        } else {
            Self::Leftover
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decoder_accepts_one_spelling() {
        assert_eq!(from_base64url("AQ").unwrap(), [1]);
        for (bad, fault) in [
            ("AQ==", Base64Fault::Padding),
            ("AR", Base64Fault::Leftover),
            ("A", Base64Fault::Leftover),
            ("A Q", Base64Fault::WhiteSpace),
            ("AQ\n", Base64Fault::WhiteSpace),
            ("-_+/", Base64Fault::StandardAlphabet),
            ("+/8=", Base64Fault::StandardAlphabet),
            ("\u{e9}", Base64Fault::Character),
            ("A=Q", Base64Fault::Character),
        ] {
            assert_eq!(from_base64url(bad), Err(Error::Base64Url(fault)), "{bad:?}");
        }
        assert_eq!(from_base64("AQ==").unwrap(), [1]);
        for bad in ["AQ", "AQ=", "AR==", "-_8=", " AQ=="] {
            assert_eq!(from_base64(bad), Err(Error::Base64), "{bad:?}");
        }
        assert_eq!(from_hex("00ff").unwrap(), [0, 255]);
        for bad in ["0", "0G", "FF", "0x00", " 00"] {
            assert_eq!(from_hex(bad), Err(Error::Hex), "{bad:?}");
        }
    }
}
