//! Evidence in, verdict out.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use std::path::Path;

use test_vectors::approval::RP_ID;
use test_vectors::bitcoin::Chain;
use test_vectors::{Algorithm, Approval, Context, Draft};
use verifier_core::hazmat::encoding::sha256;
use verifier_core::report::Signer;
use verifier_core::{AwsLc, Code, HeaderChain, Request, Time, Verdict, verify};

use crate::parsed;

#[test]
fn a_good_approval_of_every_algorithm_is_verified() {
    for algorithm in Algorithm::ALL {
        let approval = Approval::sample(algorithm);
        let policy = parsed(&approval.policy);
        let request = Request::new().policy(&policy).payload(&approval.payload);
        let report = verify(approval.bundle.text().as_bytes(), &request);
        assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
    }
}

/// The files of the example in the documentation. `EXAMPLES=overwrite` writes them.
#[test]
fn the_examples_are_the_sample_of_the_vectors() {
    let approval = Approval::sample(Algorithm::Es256);
    let policy = serde_json::to_string_pretty(&approval.policy.value()).unwrap() + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (name, bytes) in [
        ("approval.json", approval.bundle.text().into_bytes()),
        ("payload.json", approval.payload),
        ("policy.json", policy.into_bytes()),
    ] {
        let path = folder.join(name);
        if std::env::var_os("EXAMPLES").is_some_and(|what| what == "overwrite") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let found = std::fs::read(&path).unwrap();
        assert!(found == bytes, "{name} differs: EXAMPLES=overwrite");
    }
}

#[test]
fn the_payload_that_was_signed_comes_with_the_report() {
    let approval = Approval::sample(Algorithm::Es256);
    let policy = parsed(&approval.policy);
    let bundle = approval.bundle.text();
    let request = Request::new().policy(&policy);
    let signed = Some(approval.payload.as_slice());

    let report = verify(bundle.as_bytes(), &request);
    assert_eq!(report.payload(), signed);
    let report = verify(bundle.as_bytes(), &request.payload(&approval.payload));
    assert_eq!(report.payload(), signed);

    // Another one than was expected, or than was signed, is not handed out as the one that was.
    let report = verify(bundle.as_bytes(), &request.payload(b"{}"));
    assert_eq!(report.code(), Code::PayloadMismatch);
    assert_eq!(report.payload(), None);
    let mut other = approval.bundle.clone();
    other.evidence.as_mut().unwrap().payload = Some(b"{}".to_vec());
    let report = verify(other.text().as_bytes(), &request);
    assert_eq!(report.code(), Code::PayloadMismatch);
    assert_eq!(report.payload(), None);
    // The last four characters of a signature are bytes of a number.
    let (before, behind) = bundle.split_once(r#"\",\"type\":"#).unwrap();
    let other = if before.ends_with("AAAA") {
        "BBBB"
    } else {
        "AAAA"
    };
    let unsigned = [
        &before[..before.len() - 4],
        other,
        r#"\",\"type\":"#,
        behind,
    ]
    .concat();
    let report = verify(unsigned.as_bytes(), &request);
    assert!(
        report
            .checks()
            .iter()
            .any(|check| check.code == Some(Code::WebauthnBadSignature))
    );
    assert_eq!(report.payload(), None);
}

#[test]
fn no_report_speaks_of_a_program() {
    let approval = Approval::sample(Algorithm::Es256);
    let policy = parsed(&approval.policy);
    for request in [Request::new(), Request::new().policy(&policy)] {
        let report = verify(approval.bundle.text().as_bytes(), &request).to_json();
        for word in [" --", "(--", "`cosignet"] {
            assert!(!report.contains(word), "{word} in {report}");
        }
    }
}

#[test]
fn the_report_says_by_which_policy_it_judges() {
    let approval = Approval::sample(Algorithm::Es256);
    let policy = parsed(&approval.policy);
    let bundle = approval.bundle.text();
    let report = verify(bundle.as_bytes(), &Request::new().policy(&policy));
    let facts = report.policy().unwrap();
    assert_eq!(
        (facts.name.as_str(), facts.sha256),
        (policy.name(), policy.sha256())
    );
    assert!(
        verify(bundle.as_bytes(), &Request::new())
            .policy()
            .is_none()
    );
}

/// The label that the service gives an act is worth a word where it is not the one that was signed.
#[test]
fn a_claim_that_was_signed_is_said_once() {
    let context = Context::numbered(1);
    for (label, claimed) in [(context.action.as_str(), None), ("refund", Some("refund"))] {
        let mut draft = Draft::by("ann").approving_under(&context.text(), b"payload");
        draft.action = Some(label.into());
        let bundle = draft.mint().bundle.text();
        let report = verify(bundle.as_bytes(), &Request::new());
        assert_eq!(report.signed().unwrap().context.action, context.action);
        assert_eq!(report.claimed_by_service().action.as_deref(), claimed);
    }
}

#[test]
fn the_relying_party_is_named_if_its_hash_is_the_one_that_was_signed() {
    let named = |signed: &str| {
        let mut draft = Draft::by("ann");
        draft.ceremony.rp_id = signed.into();
        let approval = draft.mint();
        let policy = parsed(&approval.policy);
        let bundle = approval.bundle.text();
        let report = verify(bundle.as_bytes(), &Request::new().policy(&policy));
        report.subject().unwrap().rp_id.clone()
    };
    assert_eq!(named(RP_ID).as_deref(), Some(RP_ID));
    assert_eq!(named("elsewhere.example"), None);
}

#[test]
fn whatever_is_asked_is_compared() {
    let approval = Approval::sample(Algorithm::Es256);
    let policy = parsed(&approval.policy);
    let bundle = approval.bundle.text();
    let request = || Request::new().policy(&policy);
    let code = |request: &Request<'_>| verify(bundle.as_bytes(), request).code();
    let (id, hash) = (approval.approval_id.as_str(), sha256(&approval.payload));
    let later = Time::parse("2026-04-01T12:00:00.000Z").unwrap();
    let before = Time::parse("2026-02-01T12:00:00.000Z").unwrap();
    for good in [
        request(),
        request().payload(&approval.payload),
        request().payload_sha256(hash),
        request().approval_id(id),
        request().approver("alice"),
        request().rp_id(RP_ID),
        request().at(later),
        request().crypto(&AwsLc),
    ] {
        assert_eq!(code(&good), Code::Ok);
    }
    for (wrong, expected) in [
        (request().payload(b"{}"), Code::PayloadMismatch),
        (request().payload_sha256([0; 32]), Code::PayloadMismatch),
        (request().approval_id("other"), Code::ExpectationApprovalId),
        (request().approver("bob"), Code::ExpectationApprover),
        (request().rp_id("other.example"), Code::ExpectationRpId),
        (request().at(before), Code::TimeInFuture),
    ] {
        assert_eq!(code(&wrong), expected);
    }
    // Each is one question more, and takes none away.
    let asked = request()
        .payload_sha256(hash)
        .approval_id(id)
        .approver("bob")
        .rp_id(RP_ID)
        .at(later)
        .crypto(&AwsLc);
    assert_eq!(code(&asked), Code::ExpectationApprover);
    let file = Chain::default()
        .extended(3, 1_772_366_400, "a block")
        .file();
    let chain = HeaderChain::parse(&file).unwrap();
    assert!(request().headers(&chain).headers.is_some());
}

/// A line is good if it was verified, whatever name it has.
#[test]
fn each_line_of_the_checkpoint_is_what_the_policy_makes_of_it() {
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.quorum = 1;
    let mut approval = draft.mint();
    let [_, good, bad] = approval.bundle.log_proof.lines.clone().try_into().unwrap();
    let lines = &mut approval.bundle.log_proof.lines;
    let (name, signature) = bad.trim_end().rsplit_once(' ').unwrap();
    let last = if signature.ends_with("AAAA") {
        "BBBB"
    } else {
        "AAAA"
    };
    lines[2] = format!("{name} {}{last}\n", &signature[..signature.len() - 4]);
    let (name, signature) = good.trim_end().rsplit_once(' ').unwrap();
    lines.push(format!("{name}.example {signature}\n"));
    let policy = parsed(&approval.policy);
    let report = verify(
        approval.bundle.text().as_bytes(),
        &Request::new().policy(&policy),
    );
    assert_eq!(report.code(), Code::LogBadCosignature);
    let facts = report.log().unwrap().signatures.iter();
    let facts: Vec<_> = facts.map(|line| (line.signer, line.verified)).collect();
    let (log, witness) = (Some(Signer::Log), Some(Signer::Witness));
    let expected = [
        (log, true),
        (witness, true),
        (witness, false),
        (None, false),
    ];
    assert_eq!(facts, expected);
}
