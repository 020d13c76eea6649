//! The walk through the log in docs/LOG-WALK.md.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use verifier_core::Policy;
use verifier_core::{Request, Verdict, verify};

use crate::harness::{Log, time};

#[test]
fn the_example_request_gets_a_bundle_that_verifies() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/example");
    let read = |name: &str| fs::read_to_string(example.join(name)).unwrap();
    let log = Log::new();
    let server = log
        .serve_with(&[
            ("COSIGNET_LOG_RP_IDS", "localhost"),
            ("COSIGNET_LOG_ORIGINS", "http://localhost:38107"),
        ])
        .unwrap();
    let request = read("request.json").replace("DECIDED_AT", &time(0));
    let request: Value = serde_json::from_str(&request).unwrap();
    let reply = server
        .client
        .write("POST", "/v1/entries", &request)
        .unwrap();
    assert_eq!(reply.status, 201, "{}", reply.text());
    let policy = json!({
        "name": "demo",
        "webauthn": {"rpIds": ["localhost"], "origins": ["http://localhost:38107"]},
        "approvers": [{"name": "alice", "publicKey": request["credentialPublicKey"]}],
        "log": {"policy": format!("log {}\nquorum none\n", log.vkey)},
    });
    let policy = Policy::from_json(policy.to_string().as_bytes()).unwrap();
    let payload = read("payload.json");
    let mut asked = Request::default();
    asked.policy = Some(&policy);
    asked.payload = Some(payload.as_bytes());
    asked.approval_id = request["approvalId"].as_str();
    let report = verify(&reply.bytes, &asked);
    assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
}
