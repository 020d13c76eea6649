//! Attacks on the front door that were found by reading it with bad intentions.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use core::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, pseudo_random, sha256};
use test_vectors::{Algorithm, Approval, Approver, Draft, Passkey};
use verifier_core::Policy;
use verifier_core::Time;
use verifier_core::hazmat::signature::{AwsLc, BadSignature, Crypto, KeyRef};
use verifier_core::{Report, Request, verify};

use crate::parsed;

fn run<'a>(text: &str, policy: &'a Policy, edit: impl FnOnce(&mut Request<'a>)) -> Report {
    let mut request = Request::default();
    request.policy = Some(policy);
    edit(&mut request);
    verify(text.as_bytes(), &request)
}

fn outcome(report: &Report) -> String {
    format!("{} {}", report.verdict(), report.code())
}

fn check(report: &Report, id: &str) -> Value {
    let report: Value = serde_json::from_str(&report.to_json()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|c| c["id"] == id).unwrap().clone()
}

fn light() -> Draft {
    Draft::numbered(Algorithm::Es256, 1)
}

fn anchored_at(hours: i64) -> (String, test_vectors::Policy) {
    // The sample's head is cosigned at 12:00:07; `anchor` is always two hours later, so turn it
    // around: cosign the bundle's own head later than that.
    let draft = light();
    let mut approval = draft.mint();
    let mut anchor_draft = draft.clone();
    for (_, time) in &mut anchor_draft.cosigned {
        *time = time.saturating_add_signed(hours * 3600 - 7200);
    }
    approval.bundle.anchor = Some(anchor_draft.anchor(5));
    (approval.bundle.text(), approval.policy)
}

#[test]
fn an_anchored_head_cosigned_before_not_before_rejects() {
    // own head 12:00:07, anchored head 09:00:07, key valid from 11:00
    let (text, mut policy) = anchored_at(-3);
    policy.approvers[0].not_before = Some("2026-03-01T11:00:00.000Z".into());
    let report = run(&text, &parsed(&policy), |_| {});
    assert_eq!(outcome(&report), "REJECTED approver.key_not_yet_valid");
}

#[test]
fn an_anchored_head_cosigned_before_not_after_is_the_earliest_bound() {
    let (text, mut policy) = anchored_at(-3);
    policy.approvers[0].not_after = Some("2026-03-01T11:00:00.000Z".into());
    let report = run(&text, &parsed(&policy), |_| {});
    assert_eq!(outcome(&report), "VERIFIED ok");
}

#[test]
fn a_witness_of_the_anchored_head_in_the_future_rejects() {
    let (text, policy) = anchored_at(48);
    let report = run(&text, &parsed(&policy), |r| {
        r.at = Time::parse("2026-03-01T13:00:00.000Z");
    });
    assert_eq!(outcome(&report), "REJECTED time.in_future");
}

#[test]
fn an_anchored_head_under_another_key_of_the_same_origin_is_of_another_log() {
    let draft = light();
    let mut approval = draft.mint();
    let mut other = draft.clone();
    other.log_seed = pseudo_random("another log");
    approval.bundle.anchor = Some(other.anchor(5));
    let (_, entry) = other.sign();
    let line = other.log(&entry, 0).policy_line();
    let policy = approval.policy.log.as_mut().unwrap();
    *policy = format!("{line}{policy}");
    let report = run(&approval.bundle.text(), &parsed(&approval.policy), |_| {});
    assert_eq!(
        check(&report, "anchor.log")["status"],
        "fail",
        "{}",
        outcome(&report)
    );
}

#[test]
fn the_skipped_anchor_names_the_check_that_did_not_pass() {
    let draft = light();
    let mut approval = draft.mint();
    approval.bundle.anchor = Some(draft.anchor(5));
    approval.bundle.log_proof.index += 1;
    let report = run(&approval.bundle.text(), &parsed(&approval.policy), |_| {});
    let quorum = check(&report, "log.quorum");
    let anchor = check(&report, "anchor.log");
    println!("{quorum} {anchor}");
    assert!(
        !(quorum["status"] == "pass" && anchor["message"].as_str().unwrap().contains("log.quorum")),
        "{anchor}"
    );
}

#[test]
fn an_expected_approver_without_a_policy_does_not_pass() {
    let approval = light().mint();
    let mut request = Request::default();
    request.approver = Some("alice");
    let report = verify(approval.bundle.text().as_bytes(), &request);
    let check = check(&report, "expectation");
    assert_ne!(check["status"], "pass", "{check}");
}

fn confirmation_policy(approval: &Approval) -> test_vectors::Policy {
    let mut policy = approval.policy.clone();
    policy.log = None;
    policy
}

#[test]
fn an_expected_rp_id_does_not_pass_without_signed_authenticator_data() {
    let approval = light().mint();
    let policy = parsed(&confirmation_policy(&approval));
    let mut confirmation = approval.confirmation();
    confirmation["rawAssertion"]["response"]["authenticatorData"] = json!("AAAA");
    let report = run(&confirmation.to_string(), &policy, |r| {
        r.rp_id = Some("elsewhere.example");
        r.payload = Some(&approval.payload);
    });
    let check = check(&report, "expectation");
    assert_ne!(check["status"], "pass", "{check}");
}

#[test]
fn a_skipped_expectation_about_a_confirmation_does_not_blame_the_entry() {
    let approval = light().mint();
    let policy = parsed(&confirmation_policy(&approval));
    let mut confirmation = approval.confirmation();
    confirmation["rawAssertion"]["id"] = json!("AAAA");
    let report = run(&confirmation.to_string(), &policy, |r| {
        r.approver = Some("alice");
    });
    let check = check(&report, "expectation");
    println!("{}", outcome(&report));
    assert!(
        !check["message"].as_str().unwrap().contains("entry.form"),
        "{check}"
    );
}

#[test]
fn stated_and_signed_do_not_agree_where_nothing_readable_was_signed() {
    let approval = light().mint();
    let policy = parsed(&confirmation_policy(&approval));
    let mut confirmation = approval.confirmation();
    confirmation["rawAssertion"]["response"]["clientDataJSON"] = json!("AAAA");
    let report = run(&confirmation.to_string(), &policy, |_| {});
    let check = check(&report, "evidence.match");
    assert_ne!(check["status"], "pass", "{check}");
}

#[test]
fn a_confirmation_may_have_an_unknown_member_named_type() {
    let approval = light().mint();
    let policy = parsed(&confirmation_policy(&approval));
    let mut confirmation = approval.confirmation();
    confirmation["type"] = json!("approval");
    let report = run(&confirmation.to_string(), &policy, |r| {
        r.payload = Some(&approval.payload);
    });
    assert_eq!(outcome(&report), "VERIFIED ok", "{}", report.summary());
}

#[test]
fn a_key_that_stands_twice_is_quoted_and_shortened() {
    let hostile = "\u{3164}\u{115f}\u{ffa0}".to_owned() + &"x".repeat(100_000);
    let text = format!(r#"{{"{hostile}":1,"{hostile}":2}}"#);
    let report = verify(text.as_bytes(), &Request::default());
    let summary = report.summary();
    assert!(summary.len() < 4000, "summary of {} bytes", summary.len());
    assert!(!summary.contains('\u{3164}') && !summary.contains('\u{115f}'));
}

#[test]
fn a_key_that_stands_twice_shows_its_invisible_characters() {
    let hostile = "a\u{3164}\u{115f}\u{ffa0}b";
    let text = format!(r#"{{"{hostile}":1,"{hostile}":2}}"#);
    let report = verify(text.as_bytes(), &Request::default());
    assert!(
        report.summary().is_ascii(),
        "{}",
        report.summary().escape_unicode()
    );
}

#[test]
fn a_key_that_stands_twice_in_client_data_is_quoted_and_shortened() {
    let mut draft = light();
    let hostile = "\u{3164}".to_owned() + &"x".repeat(20_000);
    let clean = String::from_utf8(draft.ceremony.client_data_json()).unwrap();
    let text = clean.replacen('{', &format!(r#"{{"{hostile}":1,"{hostile}":2,"#), 1);
    draft.ceremony.client_data_json = Some(text.into_bytes());
    let approval = draft.mint();
    let report = run(&approval.bundle.text(), &parsed(&approval.policy), |_| {});
    let check = check(&report, "webauthn.client_data");
    let message = check["message"].as_str().unwrap();
    assert!(
        message.len() < 4000 && !message.contains('\u{3164}'),
        "message of {} bytes",
        message.len()
    );
}

fn nested(levels: usize, key: &str, inner: &str) -> Vec<u8> {
    let open: String = (0..levels).map(|_| format!("{{\"{key}\":")).collect();
    format!("{open}{inner}{}", "}".repeat(levels)).into_bytes()
}

/// 62 keys, each 2,000 characters when quoted, around an array whose last item differs.
fn deep_payloads() -> Report {
    let key = "\u{10ffff}".repeat(200);
    let items = "1,".repeat(225_000);
    let mut draft = light();
    draft.payload = nested(62, &key, &format!("[{items}1]"));
    draft.ceremony.challenge =
        b64url(&[pseudo_random("nonce").as_slice(), &sha256(&draft.payload)].concat());
    let expected = nested(62, &key, &format!("[{items}2]"));
    assert!(expected.len() <= 512 * 1024);
    let approval = draft.mint();
    let text = approval.bundle.text();
    let policy = parsed(&approval.policy);
    run(&text, &policy, |r| r.payload = Some(&expected))
}

#[test]
fn the_path_of_a_difference_is_short_enough_to_read() {
    let length = deep_payloads().to_json().len();
    assert!(length < 32 * 1024, "a report of {length} bytes");
}

/// Counts how often it is asked.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Crypto for Counting {
    fn verify(
        &self,
        key: KeyRef<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        self.0.fetch_add(1, Ordering::Relaxed);
        AwsLc.verify(key, message, signature)
    }
}

#[test]
fn a_huge_confirmation_is_not_hashed_again_for_every_key_of_the_policy() {
    let approval = light().mint();
    let mut policy = confirmation_policy(&approval);
    policy.approvers = (0..1000)
        .map(|i| {
            let key = Passkey::new(Algorithm::Es256, &format!("key {i}"));
            let mut approver = Approver::new("somebody", &key);
            approver.credential_id = None;
            approver
        })
        .collect();
    let policy = parsed(&policy);
    let asked = |text: &str| {
        let crypto = Counting::default();
        let mut request = Request::default();
        request.policy = Some(&policy);
        request.crypto = &crypto;
        verify(text.as_bytes(), &request);
        crypto.0.load(Ordering::Relaxed)
    };
    let mut confirmation = approval.confirmation();
    assert!(asked(&confirmation.to_string()) > 0);
    confirmation["rawAssertion"]["response"]["authenticatorData"] =
        json!(b64url(&vec![0; 780_000]));
    assert_eq!(asked(&confirmation.to_string()), 0);
}

#[test]
fn client_data_of_another_approval_are_not_judged() {
    let mut approval = light().mint();
    let other = Draft::numbered(Algorithm::Es256, 9).mint();
    let evidence = approval.bundle.evidence.as_mut().unwrap();
    evidence.client_data_json = Some(other.assertion.client_data_json);
    let policy = parsed(&approval.policy);
    let report = run(&approval.bundle.text(), &policy, |_| {});
    assert_eq!(outcome(&report), "REJECTED evidence.client_data_mismatch");
    assert_eq!(check(&report, "webauthn.origin")["status"], "skipped");
    assert_eq!(report.subject().unwrap().origin, None);
}

#[test]
fn a_tree_without_the_entry_proves_no_time() {
    let mut approval = light().mint();
    approval.bundle.log_proof.index = 0;
    let policy = parsed(&approval.policy);
    let report = run(&approval.bundle.text(), &policy, |_| {});
    assert_eq!(outcome(&report), "REJECTED log.not_included");
    assert!(report.log().is_none());
    assert_eq!(report.not_later_than(), None);
}

#[test]
fn only_verified_ends_with_0() {
    use verifier_core::Verdict;
    let codes = [
        Verdict::Verified,
        Verdict::Rejected,
        Verdict::Malformed,
        Verdict::Incomplete,
    ];
    assert_eq!(codes.map(Verdict::exit_code), [0, 1, 3, 4]);
}
