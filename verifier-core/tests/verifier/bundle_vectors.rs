//! Every vector of a whole verification, with both back ends; and every code has a vector.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::Roster;
use verifier_core::Time;
use verifier_core::code::{Code, Effect};
use verifier_core::hazmat::encoding::{from_base64url, from_hex};
use verifier_core::hazmat::signature::{AwsLc, Crypto, RustCrypto};
use verifier_core::{Request, verify};

use crate::sentences;

#[test]
fn every_bundle_vector_has_its_verdict() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    let whole = |file: &Value| file["kind"] == "bundle" || file["kind"] == "decision";
    for (path, file) in files().filter(|(_, file)| whole(file)) {
        for case in file["cases"].as_array().unwrap() {
            cases += 1;
            let expected = &case["expect"];
            let reports = [&RustCrypto as &dyn Crypto, &AwsLc].map(|crypto| run(case, crypto));
            assert_eq!(reports[0], reports[1], "{}", case["name"]);
            let report: Value = serde_json::from_str(&reports[0]).unwrap();
            let path = path.file_name().unwrap().to_string_lossy().into_owned();
            let name = &case["name"];
            for (key, expected) in expected.as_object().unwrap() {
                let got = &report[key];
                if key != "checks" && got != expected {
                    wrong.push(format!("{path}: {name}: {key} is {got}, not {expected}"));
                }
            }
            let faults = sentences::faults(&report, &case["input"]["policy"]);
            wrong.extend(
                faults
                    .iter()
                    .map(|fault| format!("{path}: {name}: {fault}")),
            );
            // A few recorded cases expect no more than verdict and code.
            if expected.get("checks").is_none() {
                assert!(path.starts_with("chromium"), "{path}: {name}");
                continue;
            }
            let checks = report["checks"].as_array().unwrap().iter().map(|check| {
                json!({"id": check["id"], "status": check["status"], "code": check["code"]})
            });
            let (checks, expected) = (checks.collect(), &expected["checks"]);
            if checks != *expected {
                wrong.push(format!("{path}: {name}: {}", differing(&checks, expected)));
            }
        }
    }
    assert!(cases > 100, "{cases}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_vector() {
    let mut seen = BTreeSet::new();
    for (_, file) in files() {
        for case in file["cases"].as_array().unwrap() {
            let expected = &case["expect"];
            for code in [&expected["code"], &expected["invalid"]] {
                seen.extend(code.as_str().map(str::to_owned));
            }
        }
    }
    // What no input leads to has a test beside the verdict.
    seen.insert(Code::CheckMissing.as_str().to_owned());
    // Registrations are no evidence: `registration_ceremonies` has the case.
    seen.insert(Code::WebauthnAttestation.as_str().to_owned());
    // Neither is a break-glass file: `break_glass` has a case for each of its codes.
    let own = Code::ALL.iter().map(|code| code.as_str());
    let own = own.filter(|code| code.starts_with("break_glass."));
    seen.extend(own.map(str::to_owned));
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| code.effect() != Effect::None && !seen.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The first check that ended differently.
fn differing(found: &Value, expected: &Value) -> String {
    let count = found.as_array().unwrap().len();
    let at = (0..count).find(|at| found[at] != expected[at]);
    at.map_or_else(
        || format!("there are {count} checks, and others are expected"),
        |at| format!("{}, not {}", found[at], expected[at]),
    )
}

fn run(case: &Value, crypto: &dyn Crypto) -> String {
    let input = &case["input"];
    let policy = &input["policy"];
    let policy = (!policy.is_null())
        .then(|| Policy::from_json(policy.to_string().as_bytes()))
        .transpose()
        .unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
    let payload = input["payload"]
        .as_str()
        .map(|text| from_base64url(text).unwrap());
    let expectations = &input["expectations"];
    let mut request = Request::default();
    request.policy = policy.as_ref();
    request.payload = payload.as_deref();
    request.payload_sha256 = expectations["payloadSha256"]
        .as_str()
        .map(|hex| from_hex(hex).unwrap().try_into().unwrap());
    request.approval_id = expectations["approvalId"].as_str();
    request.approver = expectations["approver"].as_str();
    request.rp_id = expectations["rpId"].as_str();
    request.at = input["at"].as_str().map(|at| Time::parse(at).unwrap());
    let file = input["headers"]
        .as_str()
        .map(|text| from_base64url(text).unwrap());
    let chain = file
        .as_deref()
        .map(|file| HeaderChain::parse(file).unwrap());
    request.headers = chain.as_ref();
    request.crypto = crypto;
    let roster = input["roster"].as_str();
    let roster = roster.map(|file| Roster::verify(file.as_bytes(), &request));
    request.roster = roster.as_ref();
    let evidence = input["bundleText"].as_str();
    let evidence = evidence.or(input["decisionText"].as_str()).unwrap();
    verify(evidence.as_bytes(), &request).to_json()
}

fn files() -> impl Iterator<Item = (PathBuf, Value)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let kinds = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = kinds
        .filter(|path| path.is_dir())
        .flat_map(|kind| fs::read_dir(kind).unwrap());
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path, value)
        })
}
