//! The way from a leaf to the root of its tree, for a picture.

use alloc::string::String;
use alloc::vec::Vec;

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash, node_hash};
use verifier_core::hazmat::tlog::proof::Proof;

/// Whether the way leads to the root of the checkpoint is said by the core's own rule; the picture
/// only repeats its steps.
pub(crate) fn of(file: &[u8]) -> Option<String> {
    let Ok(Input::Bundle(bundle)) = Input::parse(file) else {
        return None;
    };
    let proof = Proof::parse(&bundle.log_proof).ok()?;
    let leaf = leaf_hash(bundle.entry.as_bytes());
    let head = proof.checkpoint().checkpoint();
    let steps = steps(leaf, proof.index(), head.size(), proof.hashes());
    let root = steps.last().map_or(leaf, |step| step.node);
    let one = |step: &Step| {
        Value::from([
            ("node", hex(&step.node).into()),
            ("sibling", hex(&step.sibling).into()),
            ("siblingIsLeft", step.sibling_is_left.into()),
        ])
    };
    let value = Value::from([
        ("checkpointRoot", hex(&head.root()).into()),
        ("holds", proof.verify_inclusion(&leaf).is_ok().into()),
        ("index", proof.index().into()),
        ("leaf", hex(&leaf).into()),
        ("root", hex(&root).into()),
        ("size", head.size().into()),
        ("steps", steps.iter().map(one).collect()),
    ]);
    Some(value.to_text())
}

struct Step {
    sibling: Hash,
    sibling_is_left: bool,
    /// The hash of the two.
    node: Hash,
}

/// RFC 6962 §2.1.1: below the node where the ways to this leaf and to the last one part, a sibling
/// stands where the index says; above it, always on the left.
fn steps(leaf: Hash, index: u64, size: u64, hashes: &[Hash]) -> Vec<Step> {
    let last = size.saturating_sub(1);
    let inner = u64::BITS.saturating_sub((index ^ last).leading_zeros());
    let mut node = leaf;
    let mut out = Vec::new();
    for (level, sibling) in (0_u32..).zip(hashes) {
        let right = index.checked_shr(level).unwrap_or(0) & 1 == 1;
        let sibling_is_left = level >= inner || right;
        node = match sibling_is_left {
            true => node_hash(sibling, &node),
            false => node_hash(&node, sibling),
        };
        out.push(Step {
            sibling: *sibling,
            sibling_is_left,
            node,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_vectors::{Algorithm, Approval, Draft};

    #[test]
    fn every_way_leads_to_the_root_that_the_rule_finds() {
        for (before, behind) in [(0, 0), (0, 1), (1, 0), (2, 3), (6, 0), (4, 12), (16, 0)] {
            let mut draft = Draft::sample(Algorithm::Es256);
            (draft.leaves_before, draft.leaves_behind) = (before, behind);
            let text = of(draft.mint().bundle.text().as_bytes()).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["holds"], true, "{text}");
            assert_eq!(value["root"], value["checkpointRoot"], "{text}");
        }
    }

    #[test]
    fn a_broken_proof_is_drawn_and_does_not_hold() {
        let mut bundle = Approval::sample(Algorithm::Es256).bundle;
        bundle.log_proof.path[0][0] ^= 1;
        let value: serde_json::Value =
            serde_json::from_str(&of(bundle.text().as_bytes()).unwrap()).unwrap();
        assert_eq!(value["holds"], false);
        assert_ne!(value["root"], value["checkpointRoot"]);
        assert_eq!(of(b"{}"), None);
    }
}
