//! An OpenTimestamps proof, and what becomes of it when calendars answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch, Timestamp};

/// An answer of two blocks.
const ANSWER: &[u8] = b"\xff\x08\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01\x07\
                        \xf0\x01\x01\x08\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01\x08";

fuzz_target!(|proof: &[u8]| {
    let Ok(timestamp) = Timestamp::parse(proof) else {
        assert!(Branch::of_proof(proof).is_err());
        return;
    };
    assert_eq!(proof[33..65], timestamp.digest()[..]);
    assert!(!timestamp.attestations().is_empty());
    assert!(timestamp.attestations().len() <= Timestamp::MAX_ATTESTATIONS);

    let branch = Branch::of_proof(proof).unwrap();
    assert_eq!(branch.attestations(), timestamp.attestations());
    assert_eq!(branch.to_proof().as_deref(), Some(proof));
    if let Ok(both) = branch.beside(&branch) {
        let twice = [timestamp.attestations(), timestamp.attestations()].concat();
        assert_eq!(both.unwrap().attestations(), twice);
    }
    for (at, attestation) in timestamp.attestations().iter().enumerate() {
        let Attestation::Pending { commitment, uri } = attestation else {
            continue;
        };
        let answer = Branch::parse(commitment, ANSWER).unwrap();
        let Ok(grown) = branch.fulfilled(uri, &answer) else {
            continue;
        };
        let grown = grown.unwrap();
        let first = timestamp.attestations().iter().position(|one| one == attestation);
        let mut expected = timestamp.attestations().to_vec();
        expected.splice(first.unwrap()..=first.unwrap(), answer.attestations().to_vec());
        assert_eq!(grown.attestations(), expected, "{at}");
    }
});
