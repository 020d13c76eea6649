//! Other implementations of what `bitcoin` does, and arbitrary inputs.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use std::path::Path;

use bitcoin::consensus::Decodable as _;
use opentimestamps::DetachedTimestampFile;
use opentimestamps::attestation::Attestation as TheirAttestation;
use opentimestamps::timestamp::{Step, StepData};
use proptest::prelude::*;
use serde_json::Value;
use test_vectors::bitcoin as made;
use verifier_core::hazmat::bitcoin::chain::{Checker, HeaderChain, retarget};
use verifier_core::hazmat::bitcoin::header::{CompactTarget, Header};
use verifier_core::hazmat::bitcoin::network::Network;
use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch, Error, Timestamp};
use verifier_core::hazmat::bitcoin::uint::U256;
use verifier_core::hazmat::encoding::{from_base64url, from_hex, sha256};

/// The findings that both readers can express: heights with roots, and calendars.
type Summary = (Vec<(u64, Vec<u8>)>, Vec<String>);

fn ours(timestamp: &Timestamp) -> Summary {
    let mut blocks = Vec::new();
    let mut calendars = Vec::new();
    for attestation in timestamp.attestations() {
        match attestation {
            Attestation::Bitcoin {
                height,
                merkle_root,
            } => blocks.push((u64::from(*height), merkle_root.to_vec())),
            Attestation::Pending { uri, .. } => calendars.push(uri.clone()),
            _ => {}
        }
    }
    (blocks, calendars)
}

fn theirs(step: &Step, summary: &mut Summary) {
    if let StepData::Attestation(attestation) = &step.data {
        match attestation {
            TheirAttestation::Bitcoin { height } => {
                let height = u64::try_from(*height).unwrap();
                summary.0.push((height, step.output.clone()));
            }
            TheirAttestation::Pending { uri } => summary.1.push(uri.clone()),
            TheirAttestation::Unknown { .. } => {}
        }
    }
    for next in &step.next {
        theirs(next, summary);
    }
}

fn read_theirs(proof: &[u8]) -> Option<Summary> {
    let file = DetachedTimestampFile::from_reader(proof).ok()?;
    let mut summary = Summary::default();
    theirs(&file.timestamp.first_step, &mut summary);
    Some(summary)
}

/// Cases of `ots` that crash the other reader or fill the memory, and why.
fn crashes_theirs(name: &str) -> bool {
    [
        "an attestation of 2^63 - 1 bytes", // reserves what the length says
        "an attestation of 2^35 bytes",
        "hexlify 20 times", // never limits the result
        "hexlify 28 times",
        "a height in twelve bytes", // shifts by more bits than the number has
        "a height of 2^64",         // likewise
        "siblings without end",     // a copy of the message for each
        "256 operations",           // recursion
        "255 operations",
    ]
    .contains(&name)
}

/// Inputs that one reader accepts and the other refuses, and why.
const DIVERGENCES: &[(&str, &str)] = &[
    ("keccak256", "it does not know the operation"),
    (
        "append with the length in two bytes",
        "it reads numbers in any length",
    ),
    (
        "a height in more bytes than it needs",
        "it reads numbers in any length",
    ),
    ("version 1 in two bytes", "it reads numbers in any length"),
    ("a root of 33 bytes", "it attests to messages of any length"),
    ("a root of 20 bytes", "it attests to messages of any length"),
    ("a height of 2^32", "its heights have 64 bits"),
    ("a height of 2^64 - 1", "its heights have 64 bits"),
    (
        "a height and a byte more",
        "it ignores the length of an attestation",
    ),
    ("no height", "it ignores the length of an attestation"),
    (
        "an attestation whose length is larger than it",
        "it ignores the length of an attestation",
    ),
    (
        "an address and a byte more",
        "it ignores the length of an attestation",
    ),
    (
        "an attestation of Litecoin with a byte more",
        "it does not read what it does not know",
    ),
    (
        "an attestation of Ethereum with a byte more",
        "it does not read what it does not know",
    ),
    (
        "operations that move 4 MiB",
        "it goes 256 steps deep, forks included",
    ),
    (
        "an attestation of Ethereum without a height",
        "it does not read what it does not know",
    ),
    (
        "an unknown attestation of 8,193 bytes",
        "it has no such limit",
    ),
    ("257 attestations", "it has no such limit"),
    ("65,537 bytes", "it has no such limit"),
    (
        "operations that move more than 4 MiB",
        "it has no such limit",
    ),
    (
        "a message of 4,097 bytes",
        "it does not limit the result of an operation",
    ),
    (
        "hex of 2,049 bytes",
        "it does not limit the result of an operation",
    ),
    ("a file hash of SHA-1", "it accepts other hashes of files"),
    (
        "a file hash of RIPEMD-160",
        "it accepts other hashes of files",
    ),
];

#[test]
fn another_reader_agrees_but_where_it_is_known_not_to() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/ots");
    let (mut agreed, mut differing) = (0, Vec::new());
    for file in folder.read_dir().unwrap() {
        let file: Value =
            serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            if crashes_theirs(name) {
                continue;
            }
            let proof = from_base64url(case["input"]["ots"].as_str().unwrap()).unwrap();
            let mine = Timestamp::parse(&proof).ok().map(|found| ours(&found));
            if mine == read_theirs(&proof) {
                agreed += 1;
            } else {
                differing.push(name.to_owned());
            }
        }
    }
    differing.retain(|name| DIVERGENCES.iter().all(|(known, _)| known != name));
    assert!(differing.is_empty(), "{differing:#?}");
    assert!(agreed > 60, "{agreed}");
}

/// A step that both readers know.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let operand = proptest::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        1 => Just(vec![0x02]),
        1 => Just(vec![0x03]),
        3 => Just(vec![0x08]),
        1 => Just(vec![0xf2]),
        1 => operand.clone().prop_map(|bytes| [&[0xf0], &made::var_bytes(&bytes)[..]].concat()),
        1 => operand.prop_map(|bytes| [&[0xf1], &made::var_bytes(&bytes)[..]].concat()),
    ]
}

/// A tree of steps that ends in SHA-256 and an attestation everywhere.
fn program() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![
        any::<u32>().prop_map(|height| made::in_block(u64::from(height))),
        "https://[a-z]{1,9}\\.example".prop_map(|uri| made::promised(&uri)),
        proptest::collection::vec(any::<u8>(), 0..30)
            .prop_map(|bytes| made::attestation("0102030405060708", &bytes)),
    ];
    let leaf = end.prop_map(|end| [&[0x08], &end[..]].concat());
    leaf.prop_recursive(6, 40, 3, |inner| {
        let chain = (step(), inner.clone()).prop_map(|(step, rest)| [step, rest].concat());
        let fork = proptest::collection::vec(inner, 2..4).prop_map(|branches| {
            let last = branches.len() - 1;
            let mark = |i: usize| if i < last { &[0xff][..] } else { &[] };
            let marked = branches.iter().enumerate();
            marked
                .flat_map(|(i, branch)| [mark(i), &[0x08], branch].concat())
                .collect()
        });
        prop_oneof![chain, fork]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_programs_lead_both_readers_to_the_same_place(program in program()) {
        let proof = made::proof(&sha256(b"x"), &program);
        let mine = Timestamp::parse(&proof).unwrap();
        prop_assert_eq!(Some(ours(&mine)), read_theirs(&proof));
        prop_assert!(!mine.attestations().is_empty());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        mut proof in program().prop_map(|program| made::proof(&[7; 32], &program)),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
    ) {
        for (at, byte) in edits {
            let at = at.index(proof.len());
            proof[at] = byte;
        }
        let _either = Timestamp::parse(&proof);
        proof.truncate(end.index(proof.len()));
        prop_assert!(Timestamp::parse(&proof).is_err() || !proof.is_empty());
    }

    #[test]
    fn compact_targets_are_what_bitcoin_says(bits in any::<u32>()) {
        let theirs = bitcoin::Target::from_compact(bitcoin::CompactTarget::from_consensus(bits));
        if let Some(target) = CompactTarget::new(bits).target() {
            prop_assert_eq!(target.to_be_bytes(), theirs.to_be_bytes());
            let compact = theirs.to_compact_lossy().to_consensus();
            prop_assert_eq!(CompactTarget::of(target).bits(), compact);
        }
    }

    #[test]
    fn retargets_are_what_bitcoin_says(
        exponent in 4_u32..=0x1d, mantissa in 0x8000_u32..0x7f_ffff, first: u32, span in 0_u32..10_000_000,
    ) {
        let bits = exponent << 24 | mantissa;
        let target = CompactTarget::new(bits).target().unwrap();
        prop_assume!(target <= Network::Mainnet.limit().target().unwrap());
        let first = first.min(u32::MAX - span);
        let theirs = bitcoin::CompactTarget::from_next_work_required(
            bitcoin::CompactTarget::from_consensus(bits),
            u64::from(span),
            bitcoin::Network::Bitcoin,
        );
        let mine = retarget(Network::Mainnet, CompactTarget::new(bits), first, first + span);
        prop_assert_eq!(mine.unwrap().bits(), theirs.to_consensus());
    }

    #[test]
    fn sums_and_products_are_those_of_wider_numbers(a: u128, b: u32) {
        let small = |n: u128| {
            let mut bytes = [0; 32];
            bytes[16..].copy_from_slice(&n.to_be_bytes());
            U256::from_be_bytes(bytes)
        };
        let product = small(a).checked_mul(b).unwrap();
        if b > 0 {
            prop_assert_eq!(product.checked_div(b), Some(small(a)));
        }
        let sum = small(a).checked_add(small(u128::from(b))).unwrap();
        if let Some(expected) = a.checked_add(u128::from(b)) {
            prop_assert_eq!(sum, small(expected));
        }
    }
}

#[test]
fn hashes_and_work_are_what_bitcoin_says() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/bitcoin.retarget/mainnet.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let bytes = from_hex(case["input"]["next"].as_str().unwrap()).unwrap();
        let theirs = bitcoin::block::Header::consensus_decode(&mut bytes.as_slice()).unwrap();
        let mine = Header::new(bytes.as_slice().try_into().unwrap());
        assert_eq!(mine.hash().to_string(), theirs.block_hash().to_string());
        assert_eq!(mine.time(), theirs.time);
        assert!(mine.check_work(Network::Mainnet).is_ok());
        assert!(theirs.validate_pow(theirs.target()).is_ok());
        let height: u32 = case["name"].as_str().unwrap()[6..].parse().unwrap();
        let mut checker = Checker::new(Network::Mainnet, height).unwrap();
        checker.push(bytes.as_slice().try_into().unwrap()).unwrap();
        assert_eq!(checker.work().to_be_bytes(), theirs.work().to_be_bytes());
    }
}

#[test]
fn a_chain_is_refused_from_the_first_changed_bit_on() {
    let chain = made::Chain::default().extended(12, 1_700_000_000, "x");
    let good = chain.bytes();
    assert!(HeaderChain::verify(Network::Regtest, 0, &good).is_ok());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verified = HeaderChain::verify(Network::Regtest, 0, &bytes);
        // In the last header a bit may change where regtest's easy target does not notice.
        let last = bit / 8 >= good.len() - 80;
        assert!(verified.is_err() || last, "{bit}");
    }
}

#[test]
fn the_reader_s_limits_are_those_it_names() {
    let long = vec![0; Timestamp::MAX_BYTES + 1];
    let found = long.len();
    assert_eq!(Timestamp::parse(&long), Err(Error::TooLong { found }));
    // What a calendar answers, and what it was asked for.
    for (message, bytes) in [(&long[..], &[][..]), (&[], &long)] {
        let branch = Branch::parse(message, bytes);
        assert_eq!(branch.err(), Some(Error::TooLong { found }));
    }
    let longest = &long[1..];
    let branch = Branch::parse(longest, longest);
    assert!(!matches!(branch, Err(Error::TooLong { .. })));
}
