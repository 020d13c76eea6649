//! The module in the browser and the core on this machine, over the same vectors: the same bytes.
//!
//! The core uses AWS-LC here, so that this compares the back ends for signatures, too.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use test_vectors::encoding::from_b64url;
use verifier_core::AwsLc;
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::Roster;
use verifier_core::Time;
use verifier_core::hazmat::encoding::from_hex;
use verifier_core::hazmat::text::from_people;
use verifier_core::inspect::inspect;
use verifier_core::{Failure as _, Request, verify};

use crate::browser::Browser;
use crate::log::Log;

/// Runs the cases of one file with the module that the page has started.
const RUN: &str = r#"
const done = arguments[arguments.length - 1];
const bytes = (encoded) => Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);
const caught = (act) => { try { return act(); } catch (error) { return `${error.name}`; } };
import(new URL("verifier.js", document.baseURI)).then((wasm) => {
  const bundle = (input) => {
    const question = new wasm.Verifier();
    if (input.policyText != null) question.setPolicy(utf8(input.policyText), "caller");
    if (input.payload != null) question.setPayload(bytes(input.payload));
    if (input.headers != null) question.setHeaders(bytes(input.headers));
    if (input.roster != null) question.setRoster(utf8(input.roster));
    if (input.at != null) question.setTime(input.at);
    const asked = input.expectations ?? {};
    if (asked.approvalId != null) question.setApprovalId(asked.approvalId);
    if (asked.approver != null) question.setApprover(asked.approver);
    if (asked.rpId != null) question.setRpId(asked.rpId);
    if (asked.payloadSha256 != null) question.setPayloadSha256(asked.payloadSha256);
    const report = question.verify(utf8(input.bundleText));
    question.free();
    return report;
  };
  const run = {
    bundle,
    policy: (input) => { const p = JSON.parse(wasm.describePolicy(utf8(input.policy))); return p.sha256; },
    text: (input) => wasm.inspect(utf8(input.text)),
  }[arguments[0]];
  done(arguments[1].map((input) => caught(() => run(input))));
}, (error) => done(String(error)));
"#;

pub(crate) fn files(kind: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../test-vectors")
        .join(kind);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    paths.sort();
    let read =
        |path: &std::path::PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    paths.iter().map(read).collect()
}

pub(crate) fn native(input: &Value) -> String {
    let text = |value: &'_ Value| value.as_str().map(str::to_owned);
    let policy = input["policyText"]
        .as_str()
        .map(|json| Policy::from_json(json.as_bytes()));
    let policy = match policy.transpose() {
        Ok(policy) => policy,
        Err(error) => return error.code().to_string(),
    };
    let payload = input["payload"].as_str().map(from_b64url);
    let headers = input["headers"].as_str().map(from_b64url);
    let chain = match headers.as_deref().map(HeaderChain::parse).transpose() {
        Ok(chain) => chain,
        Err(error) => return error.code().to_string(),
    };
    let asked = &input["expectations"];
    let (id, approver, rp) = (
        text(&asked["approvalId"]),
        text(&asked["approver"]),
        text(&asked["rpId"]),
    );
    let mut request = Request::default();
    request.policy = policy.as_ref();
    request.payload = payload.as_deref();
    request.payload_sha256 = asked["payloadSha256"]
        .as_str()
        .map(|hash| from_hex(hash).unwrap().try_into().unwrap());
    request.approval_id = id.as_deref();
    request.approver = approver.as_deref();
    request.rp_id = rp.as_deref();
    request.headers = chain.as_ref();
    request.at = input["at"].as_str().map(|at| Time::parse(at).unwrap());
    request.crypto = &AwsLc;
    let roster = input["roster"].as_str();
    let roster = roster.map(|file| Roster::verify(file.as_bytes(), &request));
    request.roster = roster.as_ref();
    verify(input["bundleText"].as_str().unwrap().as_bytes(), &request).to_json()
}

async fn in_browser(browser: &Browser, kind: &str, inputs: &[Value]) -> Vec<String> {
    let mut out = Vec::new();
    // An e-mail's hash takes half a second: so many in one script that none lasts too long.
    for inputs in inputs.chunks(15) {
        let answer = browser
            .driver
            .execute_async(RUN, vec![json!(kind), json!(inputs)])
            .await
            .unwrap();
        let answer = answer
            .json()
            .as_array()
            .unwrap_or_else(|| panic!("{:?}", answer.json()));
        out.extend(answer.iter().map(|text| text.as_str().unwrap().to_owned()));
    }
    out
}

fn compare(names: &[String], browser: &[String], native: &[String]) {
    assert_eq!(browser.len(), native.len());
    for ((name, browser), native) in names.iter().zip(browser).zip(native) {
        assert_eq!(browser, native, "{name}");
    }
}

#[tokio::test]
async fn reports_are_those_of_the_core_byte_for_byte() {
    let log = Log::start();
    let browser = Browser::start().await;
    browser.open(&format!("{}/verify/", log.url)).await;
    let mut compared = 0;
    for file in files("bundle").into_iter().chain(files("decision")) {
        let cases = file["cases"].as_array().unwrap();
        let names: Vec<String> = cases.iter().map(|case| case["name"].to_string()).collect();
        // The policy as text, so that numbers reach both sides digit by digit.
        let prepare = |case: &Value| {
            let mut input = case["input"].clone();
            if let Some(text) = input["decisionText"].as_str() {
                input["bundleText"] = json!(text);
            }
            if !input["policy"].is_null() {
                input["policyText"] = json!(input["policy"].to_string());
            }
            input
        };
        let inputs: Vec<Value> = cases.iter().map(prepare).collect();
        let expected: Vec<String> = inputs.iter().map(native).collect();
        compare(
            &names,
            &in_browser(&browser, "bundle", &inputs).await,
            &expected,
        );
        compared += expected.len();
    }
    assert!(compared > 600, "{compared} bundles");

    for file in files("policy") {
        let cases = file["cases"].as_array().unwrap();
        let inputs: Vec<Value> = cases.iter().map(|case| case["input"].clone()).collect();
        let names: Vec<String> = cases.iter().map(|case| case["name"].to_string()).collect();
        // The page reads what editors and shells write: a byte order mark is no part of a policy.
        let native = |input: &Value| {
            let text = from_people(input["policy"].as_str().unwrap().as_bytes()).unwrap();
            match Policy::from_json(text.as_bytes()) {
                Ok(policy) => verifier_core::hazmat::encoding::hex(&policy.sha256()),
                Err(error) => error.code().to_string(),
            }
        };
        let expected: Vec<String> = inputs.iter().map(native).collect();
        compare(
            &names,
            &in_browser(&browser, "policy", &inputs).await,
            &expected,
        );
    }

    for (kind, member) in [("entry", "text"), ("note", "note"), ("tlog.proof", "proof")] {
        for file in files(kind) {
            let cases = file["cases"].as_array().unwrap();
            let names: Vec<String> = cases.iter().map(|case| case["name"].to_string()).collect();
            let inputs: Vec<Value> = cases
                .iter()
                .map(|case| json!({ "text": case["input"][member] }))
                .collect();
            let native = |input: &Value| match inspect(input["text"].as_str().unwrap().as_bytes()) {
                Ok(value) => value.to_text(),
                Err(error) => error.code().to_string(),
            };
            let expected: Vec<String> = inputs.iter().map(native).collect();
            compare(
                &names,
                &in_browser(&browser, "text", &inputs).await,
                &expected,
            );
        }
    }
    speed(&browser).await;
    browser.end().await;
}

/// Printed for docs/PERFORMANCE.md; asserted nowhere, because machines differ.
async fn speed(browser: &Browser) {
    let approval = test_vectors::Approval::sample(test_vectors::Algorithm::Es256);
    let script = r#"
const done = arguments[arguments.length - 1];
import(new URL("verifier.js", document.baseURI)).then((wasm) => {
  const utf8 = (text) => new TextEncoder().encode(text);
  const question = new wasm.Verifier();
  question.setPolicy(utf8(arguments[1]), "caller");
  const bundle = utf8(arguments[0]);
  const times = [];
  for (let i = 0; i < 60; i += 1) {
    const start = performance.now();
    question.verify(bundle);
    times.push(performance.now() - start);
  }
  const first = times[0];
  times.sort((a, b) => a - b);
  done({ first, median: times[30] });
});
"#;
    let arguments = vec![
        json!(approval.bundle.text()),
        json!(approval.policy.value().to_string()),
    ];
    let times = browser
        .driver
        .execute_async(script, arguments)
        .await
        .unwrap();
    println!("one approval in Chromium, in ms: {}", times.json());
}
