//! Transparency logs: RFC 6962 trees, and the C2SP texts around them.
//!
//! From the leaf up: [`merkle`] proves that an entry is in a tree, [`checkpoint`] names the tree
//! in a [`note`] signed under a [`vkey`], [`cosignature`] is what a witness adds to it, [`proof`]
//! carries all of that in one text. [`policy`] says which logs and witnesses count, [`quorum`]
//! applies it. [`tile`] is where a log keeps its hashes, [`edge`] makes tiles of a growing tree,
//! [`prove`] makes proofs of them, [`submission`] is what it asks a witness with.

pub mod checkpoint;
pub mod cosignature;
pub mod edge;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod prove;
pub mod quorum;
pub mod submission;
#[cfg(test)]
mod testing;
pub mod tile;
pub mod vkey;

/// A decimal number as the C2SP texts write it: ASCII digits, no leading zeros.
fn parse_decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A SHA-256 hash in standard base64.
fn parse_hash(text: &str) -> Option<merkle::Hash> {
    crate::encoding::from_base64(text).ok()?.try_into().ok()
}

/// The parts before and after the first blank line.
fn split_at_blank_line(text: &str) -> Option<(&str, &str)> {
    let at = text.as_bytes().windows(2).position(|two| two == b"\n\n")?;
    let (before, after) = text.split_at_checked(at)?;
    Some((before, after.strip_prefix("\n\n")?))
}

/// Whether `text` has a control character below U+0020 other than newline.
fn has_control_characters(text: &str) -> bool {
    text.bytes().any(|b| b < 0x20 && b != b'\n')
}
