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
use verifier_core::hazmat::payload::Challenge;
use verifier_core::{AwsLc, Code, Policy, Report, Request, Roster, Verdict, verify};

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

/// Some of the ten bundles, each at most once, in any order.
/// A fuzzer that starts from what is refused finds nothing.
#[test]
fn what_the_fuzzers_start_from_is_good() {
    let parsed = |policy: &test_vectors::Policy| {
        Policy::from_json(policy.value().to_string().as_bytes()).unwrap()
    };
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
