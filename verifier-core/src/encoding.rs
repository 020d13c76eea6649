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
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Base64Url)
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
    #[error("not base64url without padding, white space or stray trailing bits")]
    Base64Url,
    /// Not [`hex`].
    #[error("not lower-case hex")]
    Hex,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decoder_accepts_one_spelling() {
        assert_eq!(from_base64url("AQ").unwrap(), [1]);
        for bad in ["AQ==", "AR", "A Q", "A", "-_+/", "AQ\n", "\u{e9}"] {
            assert_eq!(from_base64url(bad), Err(Error::Base64Url), "{bad:?}");
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
