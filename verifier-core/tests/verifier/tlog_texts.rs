//! Texts about logs that were changed, or were never any.

// Tests may panic; clippy does not see that helpers outside `#[test]` are tests too.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use verifier_core::hazmat::tlog::merkle::leaf_hash;
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::tile::{Level, Tile};
use verifier_core::hazmat::tlog::vkey::VerifierKey;
use verifier_core::{RustCrypto, Time};

const PROOF: &str = "c2sp.org/tlog-proof@v1
index 1
RrftREWfNpxPXIU0UpsFNMwE6z2vMOtN0SVZAzGOoLU=
RmnfELi7BfXZA9oxFskPBDRvYm3CYHEM+2E8EBBW4tk=

log.example/approvals
3
R5y09q0/iwFAFyl7p2IbBXiS0maZ64aL6jcebhvhS0E=

\u{2014} log.example/approvals 3zK7UyrRGX8TPzdJo54Bq0akp2oOJhuPi8rR4X1TLSfGhShkjeg0ziRn0XhhUhottviBKU76goYaP0qXYO4K2FFdtgU=
\u{2014} witness.example/w1 CtfTXgAAAABlU/EArEdl8GKXzmJfeLDb+R3GKCWTfMe+SgNi8SlsK/8KL/5hs4DOiHzxlhAuveXIkXwTJWQFJ4OY3bLTQWyOSj15DA==
";
const POLICY: &str =
    "log log.example/approvals+df32bb53+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop
witness W witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
quorum W
";

/// Whether the entry `approval-1` is proven by `proof` under `policy`.
fn verifies(proof: &str, policy: &str) -> bool {
    let crypto = RustCrypto;
    let (Ok(proof), Ok(policy)) = (Proof::parse(proof), TlogPolicy::parse(policy)) else {
        return false;
    };
    if proof.verify_inclusion(&leaf_hash(b"approval-1")).is_err() {
        return false;
    }
    policy.verify_quorum(&crypto, proof.checkpoint()).is_ok()
}

/// The one witness that is asked for cosigned at this time, and nothing larger before it.
#[test]
fn a_quorum_of_one_is_as_old_as_its_cosignature() {
    let policy = TlogPolicy::parse(POLICY).unwrap();
    let proof = Proof::parse(PROOF).unwrap();
    let log = policy.verify_log(&RustCrypto, proof.checkpoint()).unwrap();
    let cosigned = log.verify_cosignatures(&RustCrypto).unwrap();
    let met = cosigned.quorum().unwrap();
    let time = Time::from_seconds(1_700_000_000).unwrap();
    assert_eq!((met.time(), met.newest_at()), (Some(time), Some(time)));
}

/// Proofs and notes may have a mebibyte, to the last byte.
#[test]
fn texts_have_a_longest_length() {
    let root = "R5y09q0/iwFAFyl7p2IbBXiS0maZ64aL6jcebhvhS0E=\n";
    let padded = |text: &str, length: usize| {
        let line = "x".repeat(length - text.len() - 1) + "\n";
        text.replacen(root, &format!("{root}{line}"), 1)
    };
    let note = &PROOF[PROOF.find("log.example").unwrap()..];
    for (more, fits) in [(0, true), (1, false)] {
        let proof = padded(PROOF, Proof::MAX_BYTES + more);
        assert_eq!(proof.len(), Proof::MAX_BYTES + more);
        assert_eq!(Proof::parse(&proof).is_ok(), fits);
        let note = padded(note, Note::MAX_BYTES + more);
        assert_eq!(Note::parse(&note).is_ok(), fits);
    }
}

#[test]
fn no_character_of_a_proof_can_be_changed_removed_or_doubled() {
    assert!(verifies(PROOF, POLICY));
    for (at, old) in PROOF.char_indices() {
        let (before, rest) = PROOF.split_at(at);
        let after = rest.get(old.len_utf8()..).unwrap();
        for new in ["", "A", "1", "\n", " ", "=", "\u{2014}"] {
            if new.chars().eq([old]) {
                continue;
            }
            let changed = format!("{before}{new}{after}");
            // Doubled newlines and the like come out of this too.
            let doubled = format!("{before}{new}{rest}");
            assert!(!verifies(&changed, POLICY), "{changed}");
            assert!(new.is_empty() || !verifies(&doubled, POLICY), "{doubled}");
        }
    }
}

#[test]
fn no_shorter_proof_verifies() {
    for (at, _) in PROOF.char_indices() {
        assert!(!verifies(PROOF.get(..at).unwrap(), POLICY), "{at}");
        assert!(
            at == 0 || !verifies(PROOF.get(at..).unwrap(), POLICY),
            "{at}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s)[\\x00-\\x7f\u{2014}\u{a0}]{0,200}", at in 0..PROOF.len()) {
        let _ = TlogPolicy::parse(&text);
        let _ = VerifierKey::parse(&text);
        let _ = Tile::parse_path(&text);
        if let (Some(before), Some(after)) = (PROOF.get(..at), PROOF.get(at..)) {
            let changed = [before, &text, after].concat();
            prop_assert!(text.is_empty() || !verifies(&changed, POLICY));
        }
    }

    #[test]
    fn policies_of_random_words_do_not_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("log "), Just("witness "), Just("group "), Just("quorum "), Just("none "),
                Just("A "), Just("B "), Just("all "), Just("any "), Just("2 "), Just("\n"),
                Just("witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c "),
            ],
            0..40,
        )
    ) {
        if let Ok(policy) = TlogPolicy::parse(&words.concat()) {
            prop_assert!(!policy.quorum_in_words().is_empty());
        }
    }

    #[test]
    fn paths_of_tiles_read_back(level in 0..64_u8, entries: bool, index: u64, width in 1..=256_u16) {
        let level = if entries { Level::Entries } else { Level::Hashes(level) };
        let tile = Tile::new(level, index, width).unwrap();
        prop_assert_eq!(Tile::parse_path(&tile.path()), Some(tile));
    }

    #[test]
    fn tiles_hold_every_node_once(size in 0..200_000_u64) {
        for level in 0..3 {
            let tiles = Tile::all_in_tree(Level::Hashes(level), size);
            let hashes: u64 = tiles.map(|tile| u64::from(tile.width())).sum();
            prop_assert_eq!(hashes, size >> (8 * level));
        }
    }
}
