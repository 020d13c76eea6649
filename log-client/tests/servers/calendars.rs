//! Calendars, within their rights and beyond them.

use log_client::{Kind, calendar};
use test_vectors::bitcoin::Chain;
use test_vectors::calendar::{Calendar, Mood, mine};
use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch};

use crate::client;

const DIGEST: [u8; 32] = [7; 32];

fn stamp(calendar: &Calendar) -> log_client::Result<Branch> {
    let known = [calendar.uri().to_owned()];
    calendar::stamp(&client(), calendar.uri(), &DIGEST, &known)
}

fn promised(branch: &Branch) -> Vec<u8> {
    let promised = branch.attestations().iter().find_map(|one| match one {
        Attestation::Pending { commitment, .. } => Some(commitment.clone()),
        _ => None,
    });
    promised.unwrap()
}

#[test]
fn an_answer_may_lead_to_other_things_besides() {
    for mood in [Mood::Sound, Mood::Besides] {
        let calendar = Calendar::start();
        calendar.set(mood.clone());
        let message = promised(&stamp(&calendar).unwrap());
        let block = || calendar::block(&client(), calendar.uri(), &message);
        assert!(block().unwrap().is_none(), "not yet");
        let mut chain = Chain::default().extended(3, 1_700_000_000, "x");
        mine(&[&calendar], &mut chain, 1_700_010_000);
        let branch = block().unwrap().unwrap();
        let blocks = branch.attestations().iter();
        let blocks = blocks.filter(|one| matches!(one, Attestation::Bitcoin { height: 4, .. }));
        assert_eq!(blocks.count(), 1, "{mood:?}");
    }
}

#[test]
fn an_answer_that_leads_nowhere_is_of_no_use() {
    let other = Calendar::start();
    for mood in [
        Mood::Refers(other.uri().into()),
        Mood::Reverses,
        Mood::Moved(other.uri().into()),
        Mood::Gone,
    ] {
        let calendar = Calendar::start();
        calendar.set(mood.clone());
        let error = stamp(&calendar).unwrap_err();
        let expected = match mood {
            Mood::Moved(_) => Kind::Status(302),
            Mood::Gone => Kind::Unreachable,
            _ => Kind::Answer,
        };
        assert_eq!(error.kind(), expected, "{error}");
    }
    let sound = Calendar::start();
    let message = promised(&stamp(&sound).unwrap());
    sound.set(Mood::Floods);
    let error = calendar::block(&client(), sound.uri(), &message).unwrap_err();
    assert!(error.to_string().contains("too much"), "{error}");
    assert!(other.asked().is_empty());
}
