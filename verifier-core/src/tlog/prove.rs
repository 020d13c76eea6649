//! Proofs for others to verify: what a log hands out (RFC 6962 §2.1.1 and §2.1.2).
//!
//! All functions ask for the roots of complete subtrees, by height and number, as
//! [`tile::locate`](super::tile::locate) finds them, and work for every size.

use alloc::vec::Vec;

use super::merkle::{EMPTY_ROOT, Hash, node_hash};

/// The proof that leaf `index` is in the tree of `size` leaves, from the leaf's sibling to the
/// root's child. `node` returns the root of the complete subtree of 2^`height` leaves with this
/// number. `None` if `index` is not below `size`.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    node: &mut dyn FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if index >= size {
        return Ok(None);
    }
    let (mut begin, mut end) = (0, size);
    let mut siblings = Vec::new();
    while let Some(middle) = split(begin, end) {
        if index < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((begin, middle));
            begin = middle;
        }
    }
    siblings.reverse();
    roots(&siblings, node).map(Some)
}

/// The proof that the tree of `size` leaves begins with the tree of `old` leaves. `None` if `old`
/// is 0 or above `size`: there is nothing to prove, or nothing that can be.
pub fn consistency<E>(
    old: u64,
    size: u64,
    node: &mut dyn FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if old == 0 || old > size {
        return Ok(None);
    }
    let (mut ranges, begin, end) = paths(old, size);
    if begin != 0 {
        ranges.push((begin, end));
    }
    ranges.reverse();
    roots(&ranges, node).map(Some)
}

/// The proof of what the root of the first `old` of `size` leaves is, for
/// [`verify_prefix`](super::merkle::verify_prefix). `None` unless `old` is from 1 to below `size`.
pub fn prefix<E>(
    old: u64,
    size: u64,
    node: &mut dyn FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if old == 0 || old >= size {
        return Ok(None);
    }
    let (mut ranges, begin, end) = paths(old, size);
    ranges.push((begin, end));
    ranges.reverse();
    roots(&ranges, node).map(Some)
}

/// The way from the tree of `size` leaves down to the subtree that ends where the tree of `old`
/// leaves ends: what it leaves on its sides, and the subtree.
fn paths(old: u64, size: u64) -> (Vec<(u64, u64)>, u64, u64) {
    let (mut begin, mut end) = (0, size);
    let mut ranges = Vec::new();
    while old != end {
        let Some(middle) = split(begin, end) else {
            break;
        };
        if old <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((begin, middle));
            begin = middle;
        }
    }
    (ranges, begin, end)
}

/// The roots of the complete subtrees of the tree of `size` leaves, left to right: what
/// [`CompactRange`](super::merkle::CompactRange) keeps of it.
pub fn edge<E>(
    size: u64,
    node: &mut dyn FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    complete_subtrees(0, size)
        .map(|(height, number)| node(height, number))
        .collect()
}

/// Where the left subtree of the leaves `begin..end` ends: it has the largest power of two below
/// their number. `None` for a single leaf.
fn split(begin: u64, end: u64) -> Option<u64> {
    let last = end.checked_sub(begin)?.checked_sub(1)?;
    begin.checked_add(1_u64.checked_shl(last.checked_ilog2()?)?)
}

fn roots<E>(
    ranges: &[(u64, u64)],
    node: &mut dyn FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut root = |&(begin, end): &(u64, u64)| {
        let mut hashes = Vec::new();
        for (height, number) in complete_subtrees(begin, end) {
            hashes.push(node(height, number)?);
        }
        let right_to_left = hashes.into_iter().rev();
        let root = right_to_left.reduce(|right, left| node_hash(&left, &right));
        Ok(root.unwrap_or(EMPTY_ROOT))
    };
    ranges.iter().map(&mut root).collect()
}

/// The complete subtrees that the leaves `begin..end` consist of, left to right, as height and
/// number. `begin` is where a subtree of the whole tree begins.
fn complete_subtrees(begin: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = begin;
    core::iter::from_fn(move || {
        let height = end.checked_sub(at)?.checked_ilog2()?;
        let first = at;
        at = at.checked_add(1_u64.checked_shl(height)?)?;
        Some((u8::try_from(height).ok()?, first >> height))
    })
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;
    use crate::tlog::merkle::{
        CompactRange, leaf_hash, verify_consistency, verify_inclusion, verify_prefix,
    };

    const SIZE: u64 = 70;

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    fn node(height: u8, number: u64) -> Result<Hash, Infallible> {
        if height == 0 {
            return Ok(leaf(number));
        }
        let left = node(height - 1, number * 2)?;
        Ok(node_hash(&left, &node(height - 1, number * 2 + 1)?))
    }

    fn tree(size: u64) -> CompactRange {
        let mut tree = CompactRange::default();
        (0..size).for_each(|index| tree.append(leaf(index)).unwrap());
        tree
    }

    #[test]
    fn every_proof_verifies() {
        for size in 0..=SIZE {
            let new = tree(size);
            assert_eq!(edge(size, &mut node).unwrap(), new.hashes());
            for index in 0..size {
                let proof = inclusion(index, size, &mut node).unwrap().unwrap();
                verify_inclusion(&leaf(index), index, size, &proof, &new.root()).unwrap();
            }
            for old in 1..=size {
                let proof = consistency(old, size, &mut node).unwrap().unwrap();
                let root = tree(old).root();
                verify_consistency(old, &root, size, &new.root(), &proof).unwrap();
            }
        }
    }

    #[test]
    fn every_prefix_has_the_root_of_its_own_tree() {
        for size in 2..=SIZE {
            let root = tree(size).root();
            for old in 1..size {
                let proof = prefix(old, size, &mut node).unwrap().unwrap();
                let found = verify_prefix(old, size, &root, &proof);
                assert_eq!(found, Ok(tree(old).root()), "{old} of {size}");
                // It is a consistency proof that always names where it starts.
                let shorter = consistency(old, size, &mut node).unwrap().unwrap();
                assert!(proof.ends_with(&shorter));
                assert!(verify_prefix(old, size, &root, &proof[1..]).is_err());
                assert!(verify_prefix(old, size, &[0; 32], &proof).is_err());
                for at in 0..proof.len() {
                    let mut bad = proof.clone();
                    bad[at][0] ^= 1;
                    assert!(
                        verify_prefix(old, size, &root, &bad).is_err(),
                        "{old} of {size}"
                    );
                }
            }
            assert!(verify_prefix(0, size, &root, &[root]).is_err());
            assert!(verify_prefix(size, size, &root, &[root]).is_err());
        }
        assert_eq!(prefix(0, 5, &mut node).unwrap(), None);
        assert_eq!(prefix(5, 5, &mut node).unwrap(), None);
    }

    #[test]
    fn proves_nothing_that_is_not_so() {
        assert_eq!(inclusion(5, 5, &mut node).unwrap(), None);
        assert_eq!(inclusion(0, 0, &mut node).unwrap(), None);
        assert_eq!(consistency(0, 5, &mut node).unwrap(), None);
        assert_eq!(consistency(6, 5, &mut node).unwrap(), None);
    }

    #[test]
    fn the_largest_tree_has_proofs() {
        let mut any = |_, _| Ok::<_, Infallible>([0; 32]);
        for index in [0, 1 << 63, u64::MAX - 1] {
            assert!(inclusion(index, u64::MAX, &mut any).unwrap().is_some());
        }
        assert_eq!(edge(u64::MAX, &mut any).unwrap().len(), 64);
    }
}
