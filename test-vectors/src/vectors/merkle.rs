//! `merkle.inclusion` and `merkle.consistency`.

use serde_json::{Value, json};

use super::File;
use crate::encoding::{hex, sha256};
use crate::tree::{Hash, Tree, leaf_hash, root_of_path};

pub(super) fn inclusion() -> File {
    let mut file = File::new(
        "merkle.inclusion",
        "generated",
        "audit paths of RFC 6962 §2.1.1, and what can be wrong with them",
    );
    let tree = tree(70);
    let input = |leaf: Hash, index: u64, size: u64, root: Hash, proof: &[Hash]| -> Value {
        json!({
            "leafHash": hex(&leaf), "leafIndex": index, "treeSize": size,
            "root": hex(&root), "proof": hashes(proof),
        })
    };
    for size in [1, 2, 3, 4, 5, 6, 7, 8, 33, 64, 70] {
        let (root, n) = (tree.root(size), wide(size));
        let interesting = [0, 1, size / 2, size.saturating_sub(2), size - 1];
        for index in (0..size).filter(|i| size < 5 || interesting.contains(i)) {
            let (leaf, i) = (tree.leaf(index), wide(index));
            let proof = tree.inclusion(index, size);
            let name = format!("leaf {index} of {size}");
            file.valid(&name, input(leaf, i, n, root, &proof));
            if size != 1 && size != 7 && size != 70 {
                continue;
            }
            let mut bad = |what: &str, input: Value| {
                file.invalid(format!("{name}: {what}"), input, "log.not_included");
            };
            bad("another leaf", input(other(leaf), i, n, root, &proof));
            bad("another root", input(leaf, i, n, other(root), &proof));
            bad("an index behind the end", input(leaf, n, n, root, &proof));
            bad(
                "the largest index there is",
                input(leaf, u64::MAX, n, root, &proof),
            );
            bad("an empty tree", input(leaf, i, 0, root, &proof));
            bad(
                "a hash more in front",
                input(leaf, i, n, root, &[&[leaf], &proof[..]].concat()),
            );
            bad(
                "a hash more behind",
                input(leaf, i, n, root, &[&proof[..], &[root]].concat()),
            );
            bad("65 hashes", input(leaf, i, n, root, &[leaf; 65]));
            let Some((_, rest)) = proof.split_first() else {
                continue;
            };
            bad("no hashes", input(leaf, i, n, root, &[]));
            bad(
                "no hashes, and the root as leaf",
                input(root, i, n, root, &[]),
            );
            bad("the first hash missing", input(leaf, i, n, root, rest));
            bad(
                "the last hash missing",
                input(leaf, i, n, root, &proof[..proof.len() - 1]),
            );
            bad(
                "the index of its sibling",
                input(leaf, i ^ 1, n, root, &proof),
            );
            let mut reversed = proof.clone();
            reversed.reverse();
            if reversed != proof {
                bad(
                    "hashes in reverse order",
                    input(leaf, i, n, root, &reversed),
                );
            }
            for at in 0..proof.len() {
                let mut proof = proof.clone();
                proof[at] = other(proof[at]);
                bad(
                    &format!("hash {at} is another"),
                    input(leaf, i, n, root, &proof),
                );
            }
        }
    }
    // Trees that nobody can hold: the path decides what the root is.
    let leaf = leaf_hash(b"leaf");
    for (index, size) in [
        (0, u64::MAX),
        (u64::MAX - 1, u64::MAX),
        (1 << 63, u64::MAX),
        ((1 << 63) - 1, (1 << 63) + 1),
        (1 << 63, (1 << 63) + 1),
        ((1 << 53) + 1, (1 << 60) + 12_345),
    ] {
        let (path, root) = (0..=64)
            .map(|length| (0..length).map(numbered).collect::<Vec<Hash>>())
            .find_map(|path| Some((path.clone(), root_of_path(index, size, leaf, &path)?)))
            .unwrap();
        let name = format!("leaf {index} of {size}");
        file.valid(&name, input(leaf, index, size, root, &path));
        file.invalid(
            format!("{name}: the first hash missing"),
            input(leaf, index, size, root, &path[1..]),
            "log.not_included",
        );
        file.invalid(
            format!("{name}: a hash more"),
            input(leaf, index, size, root, &[&path[..], &[leaf]].concat()),
            "log.not_included",
        );
        file.invalid(
            format!("{name}: index equal to the size"),
            input(leaf, size, size, root, &path),
            "log.not_included",
        );
    }
    file.invalid(
        "a node passed off as a leaf",
        {
            let tree = self::tree(4);
            let node = crate::tree::node_hash(&tree.leaf(0), &tree.leaf(1));
            let right = crate::tree::node_hash(&tree.leaf(2), &tree.leaf(3));
            input(node, 0, 4, tree.root(4), &[right])
        },
        "log.not_included",
    );
    file
}

pub(super) fn consistency() -> File {
    let mut file = File::new(
        "merkle.consistency",
        "generated",
        "consistency proofs of RFC 6962 §2.1.2, and what can be wrong with them",
    );
    let tree = tree(70);
    let input = |size1: u64, size2: u64, root1: Hash, root2: Hash, proof: &[Hash]| -> Value {
        json!({
            "size1": size1, "size2": size2, "root1": hex(&root1), "root2": hex(&root2),
            "proof": hashes(proof),
        })
    };
    for (old, new) in [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 3),
        (1, 4),
        (2, 4),
        (3, 4),
        (2, 5),
        (4, 5),
        (3, 7),
        (4, 7),
        (6, 7),
        (7, 7),
        (1, 8),
        (4, 8),
        (6, 8),
        (7, 8),
        (8, 8),
        (32, 64),
        (33, 70),
        (64, 70),
        (69, 70),
    ] {
        let (m, n) = (wide(old), wide(new));
        let (a, b) = (tree.root(old), tree.root(new));
        let proof = tree.consistency(old, new);
        let name = format!("{old} to {new}");
        file.valid(&name, input(m, n, a, b, &proof));
        let mut bad = |what: &str, input: Value| {
            file.invalid(format!("{name}: {what}"), input, "log.inconsistent");
        };
        bad("another old root", input(m, n, other(a), b, &proof));
        bad("another new root", input(m, n, a, other(b), &proof));
        if old == new {
            bad("a hash where none belongs", input(m, n, a, b, &[a]));
            continue;
        }
        bad("sizes the wrong way round", input(n, m, b, a, &proof));
        bad("no hashes", input(m, n, a, b, &[]));
        bad("the old root twice", input(m, n, a, a, &proof));
        bad("the new root twice", input(m, n, b, b, &proof));
        bad(
            "a hash more behind",
            input(m, n, a, b, &[&proof[..], &[b]].concat()),
        );
        bad(
            "a hash more in front",
            input(m, n, a, b, &[&[a], &proof[..]].concat()),
        );
        if proof.len() > 1 {
            bad("the first hash missing", input(m, n, a, b, &proof[1..]));
            bad(
                "the last hash missing",
                input(m, n, a, b, &proof[..proof.len() - 1]),
            );
        }
        for at in 0..proof.len() {
            let mut proof = proof.clone();
            proof[at] = other(proof[at]);
            bad(&format!("hash {at} is another"), input(m, n, a, b, &proof));
        }
    }
    let empty = sha256(b"");
    let full = tree.root(7);
    for (name, input) in [
        ("nothing to 7", input(0, 7, empty, full, &[])),
        (
            "nothing to 7 by the root",
            input(0, 7, empty, full, &[full]),
        ),
        ("nothing to nothing", input(0, 0, empty, empty, &[])),
        ("7 to nothing", input(7, 0, full, empty, &[])),
        (
            "the largest sizes there are",
            input(u64::MAX - 1, u64::MAX, full, full, &[full; 64]),
        ),
        ("65 hashes", input(7, 70, full, tree.root(70), &[full; 65])),
    ] {
        file.invalid(name, input, "log.inconsistent");
    }
    // Tree of 7 leaves whose fourth is another one: a rewritten history.
    let mut leaves: Vec<Hash> = (0..7).map(|i| tree.leaf(i)).collect();
    leaves[3] = other(leaves[3]);
    let rewritten = Tree::new(leaves);
    file.invalid(
        "5 to 7, where a leaf was rewritten",
        input(
            5,
            7,
            tree.root(5),
            rewritten.root(7),
            &rewritten.consistency(5, 7),
        ),
        "log.inconsistent",
    );
    file
}

fn tree(size: u32) -> Tree {
    Tree::new(
        (0..size)
            .map(|i| leaf_hash(format!("leaf {i}").as_bytes()))
            .collect(),
    )
}

fn numbered(number: u32) -> Hash {
    sha256(&number.to_be_bytes())
}

fn other(mut hash: Hash) -> Hash {
    hash[31] ^= 1;
    hash
}

fn hashes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}

fn wide(n: usize) -> u64 {
    n.try_into().unwrap()
}
