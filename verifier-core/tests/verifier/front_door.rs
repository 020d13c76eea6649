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

use test_vectors::{Algorithm, Approval};
use verifier_core::{Code, Policy, Request, Verdict, verify};

#[test]
fn a_good_approval_of_every_algorithm_is_verified() {
    for algorithm in Algorithm::ALL {
        let approval = Approval::sample(algorithm);
        let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).unwrap();
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
    let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).unwrap();
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
    let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).unwrap();
    for request in [Request::new(), Request::new().policy(&policy)] {
        let report = verify(approval.bundle.text().as_bytes(), &request).to_json();
        for word in [" --", "(--", "`cosignet"] {
            assert!(!report.contains(word), "{word} in {report}");
        }
    }
}
