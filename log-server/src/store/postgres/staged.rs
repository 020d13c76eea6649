//! The leaves of a batch as one value.
//!
//! ```text
//! for each leaf in order: its length, 4 bytes big-endian ‖ its text, UTF-8
//! ```

use crate::error::{LogError, Result};

/// The leaves of these entries.
pub(super) fn write<'a>(all: impl Iterator<Item = &'a str>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for leaf in all {
        let length = u32::try_from(leaf.len());
        let length = length.map_err(|_| LogError::System("an entry is too long".into()))?;
        bytes.extend(length.to_be_bytes());
        bytes.extend(leaf.as_bytes());
    }
    Ok(bytes)
}

/// The leaves of a row of the entries from `first` to `last`.
pub(super) fn read(first: u64, last: u64, mut bytes: &[u8]) -> Result<Vec<(u64, String)>> {
    let mut leaves = Vec::new();
    for index in first..=last {
        let (leaf, rest) = one(bytes).ok_or_else(|| broken(first))?;
        leaves.push((index, leaf));
        bytes = rest;
    }
    match bytes {
        [] => Ok(leaves),
        _ => Err(broken(first)),
    }
}

fn one(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (leaf, rest) = rest.split_at_checked(length)?;
    Some((String::from_utf8(leaf.to_vec()).ok()?, rest))
}

fn broken(first: u64) -> LogError {
    LogError::damage(format!(
        "the database: the staged entries from {first} on are not what was written: restore a \
         backup, see OPERATIONS"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(leaves: &[&str]) -> Vec<u8> {
        let each = leaves.iter().map(|leaf| {
            let length = u32::try_from(leaf.len()).unwrap().to_be_bytes();
            [&length, leaf.as_bytes()].concat()
        });
        each.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_row_is_read_to_the_last_byte_or_refused() {
        let good = row(&["one", "", "\u{1f9fe}"]);
        let read_back = read(7, 9, &good).unwrap();
        let expected = [(7, "one"), (8, ""), (9, "\u{1f9fe}")];
        assert_eq!(read_back, expected.map(|(at, leaf)| (at, leaf.to_owned())));
        assert!(read(7, 8, &good).is_err());
        assert!(read(7, 10, &good).is_err());
        for length in 0..good.len() {
            assert!(read(7, 9, good.get(..length).unwrap()).is_err());
        }
        let mut wrong = good.clone();
        *wrong.last_mut().unwrap() = 0xff;
        assert!(read(7, 9, &wrong).is_err());
        assert!(read(0, u64::MAX, &good).is_err());
    }
}
