//! The encodings of the formats: base64url without padding, standard base64, hex.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Base64url without padding.
pub fn b64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads the output of [`b64url`].
pub fn from_b64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Standard base64 with padding.
pub fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads the output of [`b64`].
pub fn from_b64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// 32 bytes that look random and are the same every time: SHA-256 of `label`.
pub fn pseudo_random(label: &str) -> [u8; 32] {
    sha256(label.as_bytes())
}

/// `text` with the lowest bit of its last character set, a bit that belongs to no byte unless the
/// number of bytes is a multiple of three.
pub(crate) fn stray_bits(text: &str) -> String {
    let (start, last) = text.split_at(text.len() - 1);
    let next = last.as_bytes()[0] + 1;
    format!("{start}{}", char::from(next))
}

/// `bytes` with the lowest bit of the last byte flipped.
pub(crate) fn flip(mut bytes: Vec<u8>) -> Vec<u8> {
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}
