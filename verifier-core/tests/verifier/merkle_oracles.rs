//! Roots and proofs against two other implementations of RFC 6962 trees.

// Tests may panic; clippy does not see that helpers outside `#[test]` are tests too.
#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rs_merkle::MerkleTree;
use sha2::Sha256;
use verifier_core::hazmat::tlog::merkle::{
    CompactRange, Hash, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};

/// RFC 6962 for `rs_merkle`, which moves a node without a sibling up unhashed, as the RFC does.
#[derive(Clone)]
struct Rfc6962;

impl rs_merkle::Hasher for Rfc6962 {
    type Hash = Hash;

    fn hash(data: &[u8]) -> Hash {
        leaf_hash(data)
    }

    fn concat_and_hash(left: &Hash, right: Option<&Hash>) -> Hash {
        right.map_or(*left, |right| node_hash(left, right))
    }
}

type Entry = Vec<u8>;

/// No two are the same: equal neighbours would have each other's proofs.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    vec(vec(any::<u8>(), 0..20), 1..300).prop_map(|mut entries| {
        for (i, entry) in entries.iter_mut().enumerate() {
            entry.extend(i.to_be_bytes());
        }
        entries
    })
}

fn range(entries: &[Entry]) -> CompactRange {
    let mut range = CompactRange::default();
    for entry in entries {
        range.append(leaf_hash(entry)).unwrap();
    }
    range
}

fn ct_tree(entries: &[Entry]) -> MemoryBackedTree<Sha256, Entry> {
    let mut tree = MemoryBackedTree::new();
    for entry in entries {
        tree.push(entry.clone());
    }
    tree
}

fn ct_root(range: &CompactRange) -> RootHash<Sha256> {
    RootHash::new(range.root().into(), range.size())
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    hashes.to_vec()
}

/// A change of a proof.
#[derive(Clone, Debug)]
enum Damage {
    Drop(Index),
    Flip(Index, u8, u8),
    Insert(Index, Hash),
    Swap(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<Index>().prop_map(Damage::Drop),
        (any::<Index>(), 0..32_u8, 0..8_u8).prop_map(|(i, byte, bit)| Damage::Flip(i, byte, bit)),
        (any::<Index>(), any::<Hash>()).prop_map(|(i, hash)| Damage::Insert(i, hash)),
        (any::<Index>(), any::<Index>()).prop_map(|(i, j)| Damage::Swap(i, j)),
    ]
}

impl Damage {
    /// The damaged proof, if it differs.
    fn apply(&self, proof: &[Hash]) -> Option<Vec<Hash>> {
        let mut damaged = proof.to_vec();
        match self {
            Self::Insert(i, hash) => damaged.insert(i.index(proof.len() + 1), *hash),
            _ if proof.is_empty() => {}
            Self::Drop(i) => drop(damaged.remove(i.index(proof.len()))),
            Self::Flip(i, byte, bit) => {
                damaged[i.index(proof.len())][usize::from(*byte)] ^= 1 << bit;
            }
            Self::Swap(i, j) => damaged.swap(i.index(proof.len()), j.index(proof.len())),
        }
        (damaged != proof).then_some(damaged)
    }
}

proptest! {
    #[test]
    fn roots_agree(entries in entries()) {
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let root = range(&entries).root();
        prop_assert_eq!(MerkleTree::<Rfc6962>::from_leaves(&leaves).root(), Some(root));
        prop_assert_eq!(hashes(ct_tree(&entries).root().as_bytes()), [root]);
    }

    #[test]
    fn inclusion_proofs_of_others_verify(entries in entries(), index: Index) {
        let index = index.index(entries.len());
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let (size, root) = (leaves.len() as u64, range(&entries).root());
        let rs = MerkleTree::<Rfc6962>::from_leaves(&leaves).proof(&[index]);
        let ct = hashes(ct_tree(&entries).prove_inclusion(index).as_bytes());
        prop_assert_eq!(rs.proof_hashes(), &ct[..]);
        let verified = verify_inclusion(&leaves[index], index as u64, size, &ct, &root);
        prop_assert_eq!(verified, Ok(()));
    }

    #[test]
    fn damaged_inclusion_proofs_are_refused(
        entries in entries(), index: Index, other: Index, damage in damage()
    ) {
        let (index, other) = (index.index(entries.len()), other.index(entries.len()));
        let range = range(&entries);
        let proof = hashes(ct_tree(&entries).prove_inclusion(index).as_bytes());
        let leaf = leaf_hash(&entries[index]);
        let verify = |index: usize, proof: &[Hash]| {
            verify_inclusion(&leaf, index as u64, range.size(), proof, &range.root()).is_ok()
        };
        if let Some(damaged) = damage.apply(&proof) {
            prop_assert!(!verify(index, &damaged));
            let ct = InclusionProof::<Sha256>::try_from_bytes(damaged.concat()).unwrap();
            let ct = ct_root(&range).verify_inclusion(&entries[index], index as u64, &ct);
            prop_assert!(ct.is_err());
        }
        // A proof of one place is no proof of another.
        prop_assert_eq!(verify(other, &proof), other == index);
    }

    #[test]
    fn consistency_proofs_of_others_verify(entries in entries(), old: Index, damage in damage()) {
        let new = range(&entries);
        let old = range(&entries[..=old.index(entries.len())]);
        let added = new.size() - old.size();
        let ct = ct_tree(&entries).prove_consistency(usize::try_from(added).unwrap());
        let proof = hashes(ct.as_bytes());
        let verify = |old: &CompactRange, new: &CompactRange, proof: &[Hash]| {
            verify_consistency(old.size(), &old.root(), new.size(), &new.root(), proof)
        };
        prop_assert_eq!(verify(&old, &new, &proof), Ok(()));
        if let Some(damaged) = damage.apply(&proof) {
            prop_assert!(verify(&old, &new, &damaged).is_err());
            let ct = ConsistencyProof::<Sha256>::try_from_bytes(damaged.concat()).unwrap();
            prop_assert!(ct_root(&new).verify_consistency(&ct_root(&old), &ct).is_err());
        }
        // A tree with another last leaf is another tree.
        let mut forked = entries[..entries.len() - 1].to_vec();
        forked.push(b"another entry that is longer than all the others".to_vec());
        if old.size() < new.size() {
            prop_assert!(verify(&old, &range(&forked), &proof).is_err());
        } else {
            prop_assert!(verify(&range(&forked), &new, &proof).is_err());
        }
    }

    #[test]
    fn no_input_panics(
        sizes: [u64; 3], leaf: Hash, root: Hash, proof in vec(any::<Hash>(), 0..70)
    ) {
        let [index, size1, size2] = sizes;
        prop_assert!(verify_inclusion(&leaf, index, size1, &proof, &root).is_err());
        prop_assert!(verify_consistency(size1, &leaf, size2, &root, &proof).is_err());
    }
}
