//! Merkle trees straight from the recursive definitions of RFC 6962 §2.1.

use core::cell::RefCell;
use std::collections::HashMap;

use crate::encoding::sha256;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// `MTH({d(0)}) = SHA-256(0x00 ‖ d(0))`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf].concat())
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], &left[..], &right[..]].concat())
}

/// The leaves of a tree. Hashes of subtrees are kept, so that many proofs are cheap.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    leaves: Vec<Hash>,
    known: RefCell<HashMap<(usize, usize), Hash>>,
}

impl Tree {
    /// The tree over these leaf hashes.
    pub fn new(leaves: Vec<Hash>) -> Self {
        Self {
            leaves,
            known: RefCell::default(),
        }
    }

    /// The number of leaves.
    pub fn size(&self) -> usize {
        self.leaves.len()
    }

    /// The hash of leaf `index`.
    pub fn leaf(&self, index: usize) -> Hash {
        self.leaves[index]
    }

    /// `MTH(D[0:size])`.
    pub fn root(&self, size: usize) -> Hash {
        if size == 0 {
            return sha256(b"");
        }
        self.subtree(0, size)
    }

    /// `PATH(index, D[0:size])`, from the leaf's sibling to the child of the root.
    pub fn inclusion(&self, index: usize, size: usize) -> Vec<Hash> {
        assert!(index < size && size <= self.size(), "no such leaf");
        self.path(index, 0, size)
    }

    /// `PROOF(old, D[0:new])` for `0 < old <= new`.
    pub fn consistency(&self, old: usize, new: usize) -> Vec<Hash> {
        assert!(0 < old && old <= new && new <= self.size(), "no such trees");
        self.subproof(old, 0, new, true)
    }

    /// `MTH(D[start:end])`.
    fn subtree(&self, start: usize, end: usize) -> Hash {
        if end - start == 1 {
            return self.leaves[start];
        }
        if let Some(hash) = self.known.borrow().get(&(start, end)) {
            return *hash;
        }
        let k = start + split(end - start);
        let hash = node_hash(&self.subtree(start, k), &self.subtree(k, end));
        self.known.borrow_mut().insert((start, end), hash);
        hash
    }

    fn path(&self, m: usize, start: usize, end: usize) -> Vec<Hash> {
        if end - start == 1 {
            return Vec::new();
        }
        let k = split(end - start);
        let (mut path, last) = if m < k {
            (self.path(m, start, start + k), self.subtree(start + k, end))
        } else {
            (
                self.path(m - k, start + k, end),
                self.subtree(start, start + k),
            )
        };
        path.push(last);
        path
    }

    fn subproof(&self, m: usize, start: usize, end: usize, known: bool) -> Vec<Hash> {
        let n = end - start;
        if m == n {
            return if known {
                Vec::new()
            } else {
                vec![self.subtree(start, end)]
            };
        }
        let k = split(n);
        let (mut proof, last) = if m <= k {
            (
                self.subproof(m, start, start + k, known),
                self.subtree(start + k, end),
            )
        } else {
            (
                self.subproof(m - k, start + k, end, false),
                self.subtree(start, start + k),
            )
        };
        proof.push(last);
        proof
    }
}

/// The root that an audit path leads to, by the recursion of `PATH`. For trees too large to
/// hold: the path may be made of anything. `None` if it has the wrong length.
pub fn root_of_path(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    if size == 1 {
        return (index == 0 && path.is_empty()).then_some(leaf);
    }
    let (last, rest) = path.split_last()?;
    let k = 1 << (size - 1).ilog2();
    if index < k {
        Some(node_hash(&root_of_path(index, k, leaf, rest)?, last))
    } else {
        Some(node_hash(
            last,
            &root_of_path(index - k, size - k, leaf, rest)?,
        ))
    }
}

/// The largest power of two smaller than `n`, for `n > 1`.
fn split(n: usize) -> usize {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;

    /// The leaves that the reference implementation of RFC 6962 is tested with.
    fn reference() -> Tree {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        Tree::new(leaves.iter().map(|leaf| leaf_hash(leaf)).collect())
    }

    #[test]
    fn roots_are_those_of_the_reference_implementation() {
        for (size, root) in [
            (
                0,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                2,
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            ),
            (
                3,
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ),
            (
                5,
                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            ),
            (
                7,
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            ),
            (
                8,
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ] {
            assert_eq!(hex(&reference().root(size)), root, "{size}");
        }
    }

    #[test]
    fn paths_lead_to_the_root() {
        let tree = reference();
        for size in 1..=8 {
            for index in 0..size {
                let path = tree.inclusion(index, size);
                let (i, n) = (index.try_into().unwrap(), size.try_into().unwrap());
                let root = root_of_path(i, n, tree.leaf(index), &path);
                assert_eq!(root, Some(tree.root(size)), "{index} of {size}");
            }
        }
        assert_eq!(root_of_path(0, 2, [0; 32], &[]), None);
        assert_eq!(root_of_path(0, 1, [0; 32], &[[0; 32]]), None);
    }
}
