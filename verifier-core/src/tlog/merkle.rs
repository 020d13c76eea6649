//! Merkle trees as RFC 6962 §2 defines them.
//!
//! ```text
//! MTH({})   = SHA-256("")
//! MTH({d})  = SHA-256(00 ‖ d)
//! MTH(D[n]) = SHA-256(01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n])), k the largest power of two below n
//! ```
//!
//! Nothing here recurses, and every size up to 2^64 − 1 works.

use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::code::Code;
use crate::encoding::hex;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The longest proof that is accepted, in hashes. Every inclusion proof fits; a consistency proof
/// can need 65 where the newer tree has more than 2^63 leaves, and is then refused.
pub const MAX_PROOF: usize = 64;

/// The hash of a leaf (RFC 6962 §2.1).
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(data)
        .finalize()
        .into()
}

/// The hash of an inner node (RFC 6962 §2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Verifies that the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with
/// this `root` (RFC 6962 §2.1.1). The proof goes from the leaf's sibling to the root's child.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    let last = match size.checked_sub(1) {
        Some(last) if index <= last => last,
        _ => return Err(Error::IndexOutsideTree { index, size }),
    };
    // Below the node where the paths to this leaf and to the last one part, each level has a
    // sibling. Above it only the levels where this path turns right have one.
    let inner = bit_length(index ^ last);
    let needed = inner.saturating_add(count_ones(shift_right(index, inner)));
    let (inner, border) = match proof.split_at_checked(inner) {
        Some(parts) if proof.len() == needed && needed <= MAX_PROOF => parts,
        _ => {
            return Err(Error::InclusionLength {
                expected: needed,
                found: proof.len(),
            });
        }
    };
    let found = climb_border(climb(*leaf, inner, index), border);
    if found == *root {
        Ok(())
    } else {
        Err(Error::InclusionRoot {
            expected: *root,
            found,
        })
    }
}

/// Verifies that the tree of `size2` leaves with `root2` begins with the tree of `size1` leaves
/// with `root1` (RFC 6962 §2.1.2).
///
/// `size1` = 0 is an error: every tree extends the empty one, so there is nothing to prove. Equal
/// sizes need equal roots and an empty proof.
pub fn verify_consistency(
    size1: u64,
    root1: &Hash,
    size2: u64,
    root2: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    let (last1, last2) = match (size1.checked_sub(1), size2.checked_sub(1)) {
        (Some(last1), Some(last2)) if last1 <= last2 => (last1, last2),
        _ => return Err(Error::ConsistencySizes { size1, size2 }),
    };
    let length_error = |expected| Error::ConsistencyLength {
        expected,
        found: proof.len(),
    };
    if size1 == size2 {
        if !proof.is_empty() {
            return Err(length_error(0));
        }
        return same_root(root1, *root2, |expected, found| Error::ConsistencyNewRoot {
            expected,
            found,
        });
    }
    let shape = Shape::of(size1, last1, last2);
    // If the subtree that the proof starts at is the whole old tree its root is known, otherwise
    // it comes first in the proof.
    let seeds = usize::from(!size1.is_power_of_two());
    let needed = shape.path().saturating_add(seeds);
    if proof.len() != needed || needed > MAX_PROOF {
        return Err(length_error(needed));
    }
    let (seed, path) = if size1.is_power_of_two() {
        (root1, proof)
    } else {
        proof.split_first().ok_or_else(|| length_error(needed))?
    };
    let (old, new) = shape
        .roots(seed, path)
        .ok_or_else(|| length_error(needed))?;
    same_root(root1, old, |expected, found| Error::ConsistencyOldRoot {
        expected,
        found,
    })?;
    same_root(root2, new, |expected, found| Error::ConsistencyNewRoot {
        expected,
        found,
    })
}

/// The root of the first `size1` leaves of the tree of `size2` leaves with `root2`, for `size1`
/// from 1 to below `size2`.
///
/// `proof` is a consistency proof that always begins with the root of the largest complete subtree
/// that ends where the smaller tree ends, also where that is the whole smaller tree. Short of a
/// collision of SHA-256 there is one answer only, so a head of `size1` leaves with another root
/// contradicts the larger one: a consistency proof can be missing for many reasons, this is
/// evidence.
pub fn verify_prefix(size1: u64, size2: u64, root2: &Hash, proof: &[Hash]) -> Result<Hash, Error> {
    let (last1, last2) = match (size1.checked_sub(1), size2.checked_sub(1)) {
        (Some(last1), Some(last2)) if last1 < last2 => (last1, last2),
        _ => return Err(Error::ConsistencySizes { size1, size2 }),
    };
    let shape = Shape::of(size1, last1, last2);
    let needed = shape.path().saturating_add(1);
    let length_error = || Error::ConsistencyLength {
        expected: needed,
        found: proof.len(),
    };
    if proof.len() != needed || needed > MAX_PROOF {
        return Err(length_error());
    }
    let (seed, path) = proof.split_first().ok_or_else(length_error)?;
    let (old, new) = shape.roots(seed, path).ok_or_else(length_error)?;
    same_root(root2, new, |expected, found| Error::ConsistencyNewRoot {
        expected,
        found,
    })?;
    Ok(old)
}

/// The part of a tree that is needed to append to it: the roots of its complete subtrees, left to
/// right, one for each one bit of its size.
///
/// ```
/// # use verifier_core::hazmat::tlog::merkle::{CompactRange, EMPTY_ROOT, leaf_hash};
/// let mut tree = CompactRange::default();
/// assert_eq!(tree.root(), EMPTY_ROOT);
/// tree.append(leaf_hash(b"first"))?;
/// assert_eq!(tree.root(), leaf_hash(b"first"));
/// # Ok::<(), verifier_core::hazmat::tlog::merkle::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CompactRange {
    size: u64,
    hashes: Vec<Hash>,
}

impl CompactRange {
    /// The tree of `size` leaves whose complete subtrees have these roots, left to right.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, Error> {
        if hashes.len() == count_ones(size) {
            Ok(Self { size, hashes })
        } else {
            Err(Error::EdgeLength {
                expected: count_ones(size),
                found: hashes.len(),
            })
        }
    }

    /// Appends a leaf, given by its hash. Fails at 2^64 − 1 leaves.
    pub fn append(&mut self, leaf: Hash) -> Result<(), Error> {
        let size = self.size.checked_add(1).ok_or(Error::Full)?;
        let mut hash = leaf;
        for _ in 0..trailing_zeros(size) {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size = size;
        Ok(())
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, left to right.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// [`CompactRange::hashes`], owned.
    pub fn into_hashes(self) -> Vec<Hash> {
        self.hashes
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let right_to_left = self.hashes.iter().rev().copied();
        right_to_left
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or(EMPTY_ROOT)
    }
}

/// Why a proof does not prove, or a tree cannot grow.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A consistency proof with too few or too many hashes for its two sizes.
    #[error(
        "the consistency proof has {found} hashes; these sizes need {expected}, and {MAX_PROOF} are the limit"
    )]
    ConsistencyLength {
        /// How many the sizes call for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The proof leads to another root of the newer tree.
    #[error("the consistency proof does not lead to the newer root")]
    ConsistencyNewRoot {
        /// The root of the newer tree.
        expected: Hash,
        /// Where the proof leads.
        found: Hash,
    },
    /// The proof leads to another root of the older tree.
    #[error("the consistency proof does not lead to the older root")]
    ConsistencyOldRoot {
        /// The root of the older tree.
        expected: Hash,
        /// Where the proof leads.
        found: Hash,
    },
    /// The older tree is empty, or larger than the newer one.
    #[error("a tree of {size2} leaves cannot be proven to extend one of {size1}")]
    ConsistencySizes {
        /// Leaves of the older tree.
        size1: u64,
        /// Leaves of the newer tree.
        size2: u64,
    },
    /// The right edge of a tree with too few or too many hashes for its size.
    #[error("the right edge has {found} hashes; this size needs {expected}")]
    EdgeLength {
        /// How many the size calls for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A tree of 2^64 − 1 leaves.
    #[error("the tree is full")]
    Full,
    /// An inclusion proof with too few or too many hashes for its index and size.
    #[error("the inclusion proof has {found} hashes; this index and size need {expected}")]
    InclusionLength {
        /// How many index and size call for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The proof leads to another root.
    #[error(
        "the entry is not in the tree of this checkpoint: its inclusion proof leads to another root"
    )]
    InclusionRoot {
        /// The root of the tree.
        expected: Hash,
        /// Where the proof leads.
        found: Hash,
    },
    /// An index that is not below the size.
    #[error("there is no leaf {index} in a tree of {size} leaves")]
    IndexOutsideTree {
        /// The index of the leaf.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::InclusionLength { .. }
            | Self::InclusionRoot { .. }
            | Self::IndexOutsideTree { .. } => Code::LogNotIncluded,
            Self::ConsistencyLength { .. }
            | Self::ConsistencyNewRoot { .. }
            | Self::ConsistencyOldRoot { .. }
            | Self::ConsistencySizes { .. }
            | Self::EdgeLength { .. }
            | Self::Full => Code::LogInconsistent,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::ConsistencyNewRoot { expected, .. }
            | Self::ConsistencyOldRoot { expected, .. }
            | Self::InclusionRoot { expected, .. } => Some(hex(expected)),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::ConsistencyNewRoot { found, .. }
            | Self::ConsistencyOldRoot { found, .. }
            | Self::InclusionRoot { found, .. } => Some(hex(found)),
            _ => None,
        }
    }
}

/// Where a consistency proof leads: it starts at the largest complete subtree that ends where the
/// old tree ends.
struct Shape {
    /// The number of that subtree among those of its height.
    start: u64,
    /// How many levels have a sibling on either side.
    siblings: usize,
    /// How many levels above them have one on the left.
    border: usize,
}

impl Shape {
    /// For two trees whose last leaves have these indexes.
    fn of(size1: u64, last1: u64, last2: u64) -> Self {
        let below = trailing_zeros(size1);
        let start = shift_right(last1, below);
        let siblings = bit_length(last1 ^ last2).saturating_sub(below);
        Self {
            start,
            siblings,
            border: count_ones(shift_right(start, siblings)),
        }
    }

    /// How many hashes lead from the subtree to the roots.
    fn path(&self) -> usize {
        self.siblings.saturating_add(self.border)
    }

    /// The roots of the old and of the new tree. `None` for a path of another length.
    fn roots(&self, seed: &Hash, path: &[Hash]) -> Option<(Hash, Hash)> {
        let (inner, border) = path.split_at_checked(self.siblings)?;
        let old = inner
            .iter()
            .zip(bits(self.start))
            .filter(|(_, is_right)| *is_right)
            .fold(*seed, |hash, (sibling, _)| node_hash(sibling, &hash));
        let new = climb(*seed, inner, self.start);
        Some((climb_border(old, border), climb_border(new, border)))
    }
}

/// Up from the node at `index` of its level, one level a sibling.
fn climb(node: Hash, siblings: &[Hash], index: u64) -> Hash {
    siblings
        .iter()
        .zip(bits(index))
        .fold(node, |hash, (sibling, is_right)| {
            if is_right {
                node_hash(sibling, &hash)
            } else {
                node_hash(&hash, sibling)
            }
        })
}

/// Up along the right edge, where every sibling is a left one.
fn climb_border(node: Hash, siblings: &[Hash]) -> Hash {
    siblings
        .iter()
        .fold(node, |hash, left| node_hash(left, &hash))
}

fn same_root(
    expected: &Hash,
    found: Hash,
    error: impl FnOnce(Hash, Hash) -> Error,
) -> Result<(), Error> {
    if found == *expected {
        Ok(())
    } else {
        Err(error(*expected, found))
    }
}

/// The bits of `number`, the lowest first: 64 of them.
fn bits(number: u64) -> impl Iterator<Item = bool> {
    (0..u64::BITS).map(move |i| (number >> i) & 1 == 1)
}

/// `number >> by`, also where `by` is 64.
fn shift_right(number: u64, by: usize) -> u64 {
    u32::try_from(by)
        .ok()
        .and_then(|by| number.checked_shr(by))
        .unwrap_or(0)
}

fn bit_length(number: u64) -> usize {
    small(u64::BITS.saturating_sub(number.leading_zeros()))
}

fn count_ones(number: u64) -> usize {
    small(number.count_ones())
}

fn trailing_zeros(number: u64) -> usize {
    small(number.trailing_zeros())
}

/// A count of bits, at most 64.
fn small(bits: u32) -> usize {
    usize::try_from(bits).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::from_hex;

    /// RFC 6962 §2.1, word by word.
    fn tree_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node_hash(&tree_root(left), &tree_root(right))
            }
        }
    }

    /// RFC 6962 §2.1.1.
    fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, sibling) = if m < k {
            (path(m, left), tree_root(right))
        } else {
            (path(m - k, right), tree_root(left))
        };
        proof.push(sibling);
        proof
    }

    /// RFC 6962 §2.1.2: SUBPROOF(m, D, whole).
    fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole {
                Vec::new()
            } else {
                alloc::vec![tree_root(leaves)]
            };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, sibling) = if m <= k {
            (subproof(m, left, whole), tree_root(right))
        } else {
            (subproof(m - k, right, false), tree_root(left))
        };
        proof.push(sibling);
        proof
    }

    fn split(n: usize) -> usize {
        n.next_power_of_two() / 2
    }

    fn wide(n: usize) -> u64 {
        n.try_into().unwrap()
    }

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn roots_are_those_of_the_reference_tree() {
        // The leaves and roots that the reference implementations of RFC 6962 test with.
        const TREE: [(&str, &str); 8] = [
            (
                "",
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                "00",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            ),
            (
                "10",
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ),
            (
                "2021",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ),
            (
                "3031",
                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            ),
            (
                "40414243",
                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            ),
            (
                "5051525354555657",
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            ),
            (
                "606162636465666768696a6b6c6d6e6f",
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ];
        let mut range = CompactRange::default();
        assert_eq!(range.root(), EMPTY_ROOT);
        let mut hashes = Vec::new();
        for (leaf, root) in TREE {
            let leaf = leaf_hash(&from_hex(leaf).unwrap());
            hashes.push(leaf);
            range.append(leaf).unwrap();
            assert_eq!(hex(&range.root()), root);
            assert_eq!(tree_root(&hashes), range.root());
        }
        assert_eq!(EMPTY_ROOT, crate::encoding::sha256(b""));
    }

    #[test]
    fn a_range_resumes_from_its_hashes() {
        let mut whole = CompactRange::default();
        for (i, leaf) in leaves(70).into_iter().enumerate() {
            let mut resumed =
                CompactRange::from_hashes(whole.size(), whole.hashes().to_vec()).unwrap();
            whole.append(leaf).unwrap();
            resumed.append(leaf).unwrap();
            assert_eq!(resumed, whole);
            assert_eq!(whole.size(), wide(i) + 1);
            assert_eq!(whole.root(), tree_root(&leaves(whole.size())));
        }
        assert_eq!(whole.hashes().len(), 3);
        assert_eq!(
            CompactRange::from_hashes(70, whole.clone().into_hashes()),
            Ok(whole)
        );
    }

    #[test]
    fn a_range_refuses_a_wrong_edge_and_growth_past_the_end() {
        let wrong = |expected, found| Err(Error::EdgeLength { expected, found });
        assert_eq!(CompactRange::from_hashes(6, leaves(3)), wrong(2, 3));
        assert_eq!(CompactRange::from_hashes(0, leaves(1)), wrong(0, 1));
        let mut full = CompactRange::from_hashes(u64::MAX, leaves(64)).unwrap();
        assert_eq!(full.append([0; 32]), Err(Error::Full));
        assert_eq!(full.size(), u64::MAX);
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_included() {
        let leaves = leaves(64);
        for size in 1..=64 {
            let tree = &leaves[..size];
            let root = tree_root(tree);
            for index in 0..size {
                let proof = path(index, tree);
                let verify = |leaf: &Hash, index: usize, proof: &[Hash], root: &Hash| {
                    verify_inclusion(leaf, wide(index), wide(size), proof, root)
                };
                assert_eq!(verify(&tree[index], index, &proof, &root), Ok(()));
                assert!(verify(&[1; 32], index, &proof, &root).is_err());
                assert!(verify(&tree[index], index, &proof, &[1; 32]).is_err());
                for other in (0..=size).filter(|other| *other != index) {
                    assert!(verify(&tree[index], other, &proof, &root).is_err());
                }
                for i in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[i][31] ^= 1;
                    assert!(verify(&tree[index], index, &changed, &root).is_err());
                    changed.remove(i);
                    assert!(verify(&tree[index], index, &changed, &root).is_err());
                }
                let longer = [&proof[..], &[root]].concat();
                assert!(verify(&tree[index], index, &longer, &root).is_err());
            }
        }
    }

    #[test]
    fn every_small_tree_extends_every_smaller_one() {
        let leaves = leaves(64);
        let roots: Vec<Hash> = (0..=64).map(|n| tree_root(&leaves[..n])).collect();
        for size2 in 1..=64 {
            for size1 in 1..=size2 {
                let proof = subproof(size1, &leaves[..size2], true);
                let verify = |root1: &Hash, root2: &Hash, proof: &[Hash]| {
                    verify_consistency(wide(size1), root1, wide(size2), root2, proof)
                };
                let (root1, root2) = (roots[size1], roots[size2]);
                assert_eq!(verify(&root1, &root2, &proof), Ok(()), "{size1} {size2}");
                assert!(verify(&[1; 32], &root2, &proof).is_err());
                assert!(verify(&root1, &[1; 32], &proof).is_err());
                for i in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[i][0] ^= 1;
                    assert!(verify(&root1, &root2, &changed).is_err());
                    changed.remove(i);
                    assert!(verify(&root1, &root2, &changed).is_err());
                }
                let longer = [&proof[..], &[root2]].concat();
                assert!(verify(&root1, &root2, &longer).is_err());
                if size1 < size2 {
                    let turned =
                        verify_consistency(wide(size2), &root2, wide(size1), &root1, &proof);
                    assert!(matches!(turned, Err(Error::ConsistencySizes { .. })));
                }
            }
        }
    }

    #[test]
    fn the_sizes_alone_say_how_long_a_proof_is() {
        // Each of these hashes leads to its root; only the tree that it belongs to has another
        // size than the one that is claimed.
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
        let (ba, cba) = (node_hash(&b, &a), node_hash(&c, &node_hash(&b, &a)));
        let length = |expected, found| Err(Error::InclusionLength { expected, found });
        assert_eq!(verify_inclusion(&a, 0, 1, &[b], &ba), length(0, 1));
        assert_eq!(verify_inclusion(&a, 1, 2, &[b, c], &cba), length(1, 2));
        assert_eq!(
            verify_inclusion(&a, 1, 1, &[b], &ba),
            Err(Error::IndexOutsideTree { index: 1, size: 1 })
        );
        let length = |expected, found| Err(Error::ConsistencyLength { expected, found });
        let ab = node_hash(&a, &b);
        let (cab, ca) = (node_hash(&c, &ab), node_hash(&c, &a));
        assert_eq!(verify_consistency(1, &a, 2, &ab, &[b]), Ok(()));
        assert_eq!(verify_consistency(1, &ca, 2, &cab, &[b, c]), length(1, 2));
    }

    #[test]
    fn nothing_is_proven_about_the_empty_tree() {
        let sizes = |size1, size2| Err(Error::ConsistencySizes { size1, size2 });
        let verify = |size1, size2| verify_consistency(size1, &EMPTY_ROOT, size2, &EMPTY_ROOT, &[]);
        assert_eq!(verify(0, 0), sizes(0, 0));
        assert_eq!(verify(0, 1), sizes(0, 1));
        assert_eq!(verify(1, 0), sizes(1, 0));
        assert_eq!(
            verify_inclusion(&EMPTY_ROOT, 0, 0, &[], &EMPTY_ROOT),
            Err(Error::IndexOutsideTree { index: 0, size: 0 })
        );
    }

    #[test]
    fn the_largest_trees_do_not_overflow() {
        const MAX: u64 = u64::MAX;
        let proof = alloc::vec![[7; 32]; MAX_PROOF];
        for (index, size, needed) in [
            (0, MAX, 64),
            (MAX - 1, MAX, 63),
            (MAX - 2, MAX, 63 + 1),
            (MAX / 2, MAX, 64),
            (1 << 63, MAX, 64),
            (0, 1 << 63, 63),
        ] {
            // The root that this proof leads to is the one it proves.
            let proof = &proof[..needed];
            let found = match verify_inclusion(&[1; 32], index, size, proof, &[0; 32]) {
                Err(Error::InclusionRoot { found, .. }) => found,
                other => panic!("{index} {size}: {other:?}"),
            };
            assert_eq!(
                verify_inclusion(&[1; 32], index, size, proof, &found),
                Ok(())
            );
        }
        for (size1, size2) in [(1, MAX), (MAX - 1, MAX), (1 << 63, MAX), (MAX / 2, MAX)] {
            for n in 0..=MAX_PROOF {
                let error = verify_consistency(size1, &[1; 32], size2, &[2; 32], &proof[..n]);
                assert!(error.is_err());
            }
        }
        let longer = [&proof[..], &[[7; 32]]].concat();
        assert_eq!(
            verify_consistency(3, &[1; 32], MAX, &[2; 32], &longer),
            Err(Error::ConsistencyLength {
                expected: 65,
                found: 65
            })
        );
    }
}
