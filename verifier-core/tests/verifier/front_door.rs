//! Evidence in, verdict out.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use test_vectors::{Algorithm, Approval};
use verifier_core::policy::Policy;
use verifier_core::{Request, Verdict, verify};

#[test]
fn a_good_approval_of_every_algorithm_is_verified() {
    for algorithm in Algorithm::ALL {
        let approval = Approval::sample(algorithm);
        let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).unwrap();
        let mut request = Request::default();
        request.policy = Some(&policy);
        request.payload = Some(&approval.payload);
        let report = verify(approval.bundle.text().as_bytes(), &request);
        assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
    }
}
