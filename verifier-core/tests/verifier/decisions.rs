//! Decisions of several people: what no order, no addition and no omission may change.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use proptest::prelude::*;
use test_vectors::{Algorithm, Approval, Approver, Context, Decision, Draft, Glass, Passkey};
use verifier_core::break_glass::File;
use verifier_core::hazmat::context::refusal_challenge;
use verifier_core::hazmat::encoding::{base64url, sha256};
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::payload::Challenge;
use verifier_core::{AwsLc, Code, Policy, Report, Request, Roster, Verdict, verify};

use crate::parsed;

const PAYLOAD: &[u8] = br#"{"amount":"4200.00","to":"Acme GmbH"}"#;

/// Who may approve: name, groups.
const PEOPLE: [(&str, &[&str]); 5] = [
    ("ann", &["finance", "board"]),
    ("bob", &["finance"]),
    ("cid", &["board"]),
    ("dan", &[]),
    ("eve", &["finance"]),
];

/// An approval by each of them, and behind these a refusal by each, all in one log.
fn everybody() -> Vec<Approval> {
    let context = Context::numbered(1).text();
    let yes = |(name, _): &(&str, _)| Draft::by(name).approving_under(&context, PAYLOAD);
    let no = |(name, _): &(&str, _)| Draft::by(name).refusing(&context, PAYLOAD);
    let drafts: Vec<Draft> = PEOPLE
        .iter()
        .map(yes)
        .chain(PEOPLE.iter().map(no))
        .collect();
    Approval::together(&drafts)
}

/// The policy of these approvals: two of finance and one of the board.
fn policy(approvals: &[Approval]) -> Policy {
    let mut policy = approvals[0].policy.clone();
    let approver = |(name, groups): &(&str, &[&str])| {
        Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(groups)
    };
    // Nobody knows eve.
    policy.approvers = PEOPLE.iter().take(4).map(approver).collect();
    let mut value = policy.value();
    value["decision"] = serde_json::json!({"require": [
        {"group": "finance", "atLeast": 2},
        {"group": "board", "atLeast": 1},
    ]});
    Policy::from_json(value.to_string().as_bytes()).unwrap()
}

fn judge(all: &[Approval], chosen: &[usize], policy: &Policy) -> Report {
    let bundles: Vec<Approval> = chosen.iter().map(|i| all[*i].clone()).collect();
    let request = Request::new().policy(policy).payload(PAYLOAD);
    verify(Decision::of(&bundles).text().as_bytes(), &request)
}

#[test]
fn two_of_finance_and_one_of_the_board() {
    let all = everybody();
    let policy = policy(&all);
    let by = |chosen: &[usize]| {
        let report = judge(&all, chosen, &policy);
        (report.verdict(), report.code())
    };
    let short = (Verdict::Incomplete, Code::DecisionQuorumShort);
    // ann is of both groups, and serves one clause.
    assert_eq!(by(&[0, 1]), short);
    assert_eq!(by(&[0, 2]), short);
    assert_eq!(by(&[0, 1, 2]), (Verdict::Verified, Code::Ok));
    // Neither somebody without a group nor somebody unknown counts.
    assert_eq!(by(&[1, 2, 3, 4]), short);
    assert_eq!(by(&[0, 1, 2, 4]), (Verdict::Verified, Code::Ok));
    // One no outweighs every yes, unless nobody knows whose it is.
    let refused = (Verdict::Rejected, Code::DecisionRefused);
    assert_eq!(by(&[0, 1, 2, 8]), refused);
    assert_eq!(by(&[8]), refused);
    assert_eq!(by(&[0, 1, 2, 9]), (Verdict::Verified, Code::Ok));
    let report = judge(&all, &[0, 1, 2], &policy);
    let decision = report.decision().unwrap();
    assert_eq!(decision.approved_by, ["ann", "bob", "cid"]);
    assert_eq!(decision.clauses[0].by, ["ann", "bob"]);
    assert_eq!(decision.clauses[1].by, ["cid"]);
    assert_eq!(report.payload(), Some(PAYLOAD));
    assert!(
        report
            .summary()
            .starts_with("ann, bob and cid approved exactly this payload")
    );
}

/// What a decision does not prove is what its parts do not, each said once; and that they belong
/// together, if nobody signed for which request.
#[test]
fn the_limits_of_all_parts_are_said_once() {
    let ids = |context: bool, people: &[&str]| {
        let draft = |name: &&str| match context {
            true => Draft::by(name).approving_under(&Context::numbered(1).text(), PAYLOAD),
            false => Draft::by(name).approving(PAYLOAD),
        };
        let all = Approval::together(&people.iter().map(draft).collect::<Vec<_>>());
        let policy = policy(&all);
        let report = judge(&all, &(0..all.len()).collect::<Vec<_>>(), &policy);
        let ids = |report: &Report| -> Vec<&str> {
            report.not_proven().iter().map(|limit| limit.id).collect()
        };
        let of_parts = report.approvals().iter().flat_map(ids);
        let of_parts: std::collections::BTreeSet<&str> = of_parts.collect();
        let own = ids(&report);
        let (together, rest): (Vec<&str>, Vec<&str>) =
            own.into_iter().partition(|id| *id == "one_request");
        assert!(!rest.is_empty());
        assert_eq!(rest.len(), of_parts.len(), "{rest:?}");
        assert!(rest.iter().all(|id| of_parts.contains(id)), "{rest:?}");
        together.len()
    };
    assert_eq!(ids(false, &["ann", "bob"]), 1);
    assert_eq!(ids(false, &["ann"]), 0);
    assert_eq!(ids(true, &["ann", "bob"]), 0);
}

/// A deadline that was signed has been kept up to its last millisecond.
#[test]
fn a_report_says_whether_the_deadline_was_kept() {
    let in_time = |expires_at: &str| {
        let mut context = Context::numbered(1);
        context.expires_at = expires_at.into();
        let draft = Draft::by("ann").approving_under(&context.text(), PAYLOAD);
        let approval = draft.mint();
        let policy = parsed(&approval.policy);
        let bundle = approval.bundle.text();
        let report = verify(bundle.as_bytes(), &Request::new().policy(&policy));
        (
            report.not_later_than().unwrap().to_string(),
            report.signed().unwrap().in_time,
        )
    };
    let (proven, kept) = in_time("2026-03-01T13:00:00.000Z");
    assert_eq!(kept, Some(true));
    assert!(proven.ends_with(".000Z"), "{proven}");
    assert_eq!(in_time(&proven), (proven.clone(), Some(true)));
    let at = verifier_core::Time::parse(&proven).unwrap();
    let before = verifier_core::Time::from_millis(at.as_millis() - 1);
    let before = before.unwrap().to_string();
    assert_eq!(in_time(&before), (proven, Some(false)));
}

/// One approval, or one refusal, under a policy that asks for several people.
#[test]
fn a_bundle_alone_is_a_decision_of_one() {
    let all = everybody();
    let policy = policy(&all);
    let request = Request::new().policy(&policy).payload(PAYLOAD);
    let said = |index: usize| {
        let report = verify(all[index].bundle.text().as_bytes(), &request);
        let decision = report.decision().unwrap();
        (decision.approved_by.clone(), decision.refused_by.clone())
    };
    let nobody: Vec<String> = Vec::new();
    assert_eq!(said(0), (vec!["ann".to_owned()], nobody.clone()));
    assert_eq!(said(5), (nobody, vec!["ann".to_owned()]));
}

/// Everything up to the last byte that there may be is read, and nothing longer.
#[test]
fn a_decision_may_be_longer_than_a_bundle() {
    const MIB: usize = 1024 * 1024;
    let all = everybody();
    let policy = policy(&all);
    let request = Request::new().policy(&policy).payload(PAYLOAD);
    let judged = |text: &str, length: usize| {
        let padded = format!("{text}{}", " ".repeat(length - text.len()));
        let report = verify(padded.as_bytes(), &request);
        (report.verdict(), report.code())
    };
    let verified = (Verdict::Verified, Code::Ok);
    let too_large = (Verdict::Malformed, Code::BundleTooLarge);
    let decision = Decision::of(&all[..3]).text();
    for (length, expected) in [
        (MIB, verified),
        (MIB + 1, verified),
        (8 * MIB, verified),
        (8 * MIB + 1, too_large),
    ] {
        assert_eq!(judged(&decision, length), expected, "{length}");
    }
    let bundle = all[0].bundle.text();
    let alone = (Verdict::Incomplete, Code::DecisionQuorumShort);
    assert_eq!(judged(&bundle, MIB), alone);
    assert_eq!(judged(&bundle, MIB + 1), too_large);
}

/// What the bundles have in common is written once, and read back for each of them.
#[test]
fn a_decision_is_written_as_it_was_read() {
    let read = |text: &str| match Input::parse(text.as_bytes()) {
        Ok(Input::Decision(decision)) => decision,
        other => panic!("{other:?}"),
    };
    let together = Decision::of(&everybody()[..3]);
    let mut apart = together.clone();
    apart.context = None;
    apart.payload = None;
    for (bundle, payload) in apart.bundles.iter_mut().zip([PAYLOAD, PAYLOAD, b"other"]) {
        let evidence = bundle.evidence.as_mut().unwrap();
        evidence.payload = Some(payload.to_vec());
    }
    for (decision, states_payload) in [(together, true), (apart, false)] {
        let text = decision.text();
        let written = read(&text).to_json();
        assert_eq!(read(&written), read(&text));
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written.get("payload").is_some(), states_payload);
    }
}

/// A payload of 512 KiB, and not of a byte more.
#[test]
fn a_decision_has_room_for_the_largest_payload() {
    let context = Context::numbered(1).text();
    let code = |bytes: usize| {
        let payload = vec![b'x'; bytes];
        let all = Approval::together(&[Draft::by("ann").approving_under(&context, &payload)]);
        let mut policy = all[0].policy.clone();
        policy.approvers = vec![Approver::new("ann", &Passkey::new(Algorithm::EdDsa, "ann"))];
        let policy = parsed(&policy);
        let request = Request::new().policy(&policy);
        verify(Decision::of(&all).text().as_bytes(), &request).code()
    };
    assert_eq!(code(512 * 1024), Code::Ok);
    assert_eq!(code(512 * 1024 + 1), Code::BundleTooLarge);
}

/// Evidence of more than a mebibyte, none of it white space.
#[test]
fn thirty_people_with_all_the_client_data_that_there_may_be() {
    let context = Context::numbered(1).text();
    let names: Vec<String> = (0..30).map(|number| format!("person {number}")).collect();
    let padding = format!("\"x\":\"{}\"", "x".repeat(65_000));
    let drafts = names.iter().map(|name| {
        let mut draft = Draft::by(name).approving_under(&context, PAYLOAD);
        draft.ceremony.extra = vec![padding.clone()];
        draft
    });
    let all = Approval::together(&drafts.collect::<Vec<_>>());
    let mut policy = all[0].policy.clone();
    let approver = |name: &String| {
        Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(&["finance"])
    };
    policy.approvers = names.iter().map(approver).collect();
    policy.decision = Some(serde_json::json!({"require": [{"group": "finance", "atLeast": 30}]}));
    let policy = parsed(&policy);
    let request = Request::new().policy(&policy).payload(PAYLOAD);
    let text = Decision::of(&all).text();
    assert!(text.len() > 2 * 1024 * 1024, "{}", text.len());
    let report = verify(text.as_bytes(), &request);
    assert_eq!(
        (report.verdict(), report.code()),
        (Verdict::Verified, Code::Ok)
    );
    assert_eq!(report.decision().unwrap().approved_by.len(), 30);
    let short = Decision::of(&all[1..]).text();
    assert_eq!(
        verify(short.as_bytes(), &request).code(),
        Code::DecisionQuorumShort
    );
}

/// A fuzzer that starts from what is refused finds nothing.
#[test]
fn what_the_fuzzers_start_from_is_good() {
    let (decision, policy) = Decision::apart();
    let policy = parsed(&policy);
    let request = Request::new().policy(&policy);
    let report = verify(decision.text().as_bytes(), &request);
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
    let mut alone = decision;
    alone.bundles.truncate(1);
    let report = verify(alone.text().as_bytes(), &request);
    assert_eq!(report.code(), Code::DecisionQuorumShort);

    let (roster, file, policy) = test_vectors::Roster::apart();
    let policy = parsed(&policy);
    let request = Request::new().policy(&policy);
    let verified = Roster::verify(file.to_string().as_bytes(), &request).unwrap();
    assert_eq!(verified.newest().sha256(), sha256(&roster.payload()));

    let (glass, policy) = Glass::apart();
    let file = File::parse(glass.text().as_bytes()).unwrap();
    let signed = file.verify(&parsed(&policy), None, &AwsLc).unwrap();
    assert_eq!(signed.signers().len(), 2);
}

/// Some of the ten bundles, each at most once, in any order.
fn choice() -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<usize> = (0..10).collect();
    prop::sample::subsequence(all, 1..=6).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn additions_and_omissions(chosen in choice(), more in 0_usize..10) {
        let all = everybody();
        let policy = policy(&all);
        let report = judge(&all, &chosen, &policy);

        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        let other = judge(&all, &sorted, &policy);
        prop_assert_eq!(report.verdict(), other.verdict(), "the order decides nothing");
        let served = |report: &Report| report.decision().unwrap().clauses.clone();
        prop_assert_eq!(served(&report), served(&other));

        let mut longer = chosen.clone();
        longer.push(more);
        let longer_report = judge(&all, &longer, &policy);
        if !chosen.contains(&more) && more < 5 && report.verdict() == Verdict::Verified {
            prop_assert_eq!(longer_report.verdict(), Verdict::Verified, "an approval more");
        }
        if more >= 5 && longer_report.verdict() == Verdict::Verified {
            prop_assert_eq!(report.verdict(), Verdict::Verified, "a refusal never helps");
        }
        if report.verdict() == Verdict::Incomplete {
            for left_out in 0..chosen.len() {
                let mut fewer = chosen.clone();
                fewer.remove(left_out);
                if !fewer.is_empty() {
                    let verdict = judge(&all, &fewer, &policy).verdict();
                    prop_assert_ne!(verdict, Verdict::Verified, "an approval less");
                }
            }
        }
    }

    /// Whatever the three parts are, what a refusal signs has the form of no approval, and what an
    /// approval signs is not as long as what a refusal does.
    #[test]
    fn no_bytes_are_both(random: [u8; 32], context: [u8; 32], payload: [u8; 32], nonce in 16_usize..=64) {
        let refusal = refusal_challenge(&random, &context, &payload);
        prop_assert!(Challenge::parse(&base64url(&refusal)).is_err());
        let approval = [&[7; 64][..nonce], &payload[..]].concat();
        let parsed = Challenge::parse(&base64url(&approval)).unwrap();
        prop_assert!(approval.len() != refusal.len());
        prop_assert_eq!(parsed.payload_hash(), &payload);
    }
}

/// A refusal in the clothes of an approval, and the other way round.
#[test]
fn no_entry_turns_one_into_the_other() {
    let context = Context::numbered(1).text();
    for (draft, other) in [
        (
            Draft::by("ann").approving_under(&context, PAYLOAD),
            "cosignet.refusal/v1",
        ),
        (
            Draft::by("ann").refusing(&context, PAYLOAD),
            "cosignet.approval/v1",
        ),
    ] {
        let (_, entry) = draft.sign();
        let mut members: serde_json::Value = serde_json::from_str(&entry).unwrap();
        members["type"] = other.into();
        let mut draft = draft;
        draft.entry_text = Some(members.to_string());
        let all = Approval::together(&[draft]);
        let policy = policy(&all);
        let mut value: serde_json::Value = serde_json::from_str(policy.canonical_json()).unwrap();
        value.as_object_mut().unwrap().remove("decision");
        let policy = Policy::from_json(value.to_string().as_bytes()).unwrap();
        let request = Request::new().policy(&policy).payload(PAYLOAD);
        let report = verify(all[0].bundle.text().as_bytes(), &request);
        assert_ne!(report.verdict(), Verdict::Verified, "{}", report.summary());
        assert_eq!(sha256(PAYLOAD), report.inputs().payload_sha256.unwrap());
    }
}
