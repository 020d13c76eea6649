//! From a request to the act.

use serde_json::json;
use test_vectors::encoding::{b64url, from_b64url, hex, sha256};
use verifier_core::Policy;

use crate::harness::{Gate, Log, RULES, program};

#[test]
fn two_people_approve_one_claims_and_an_auditor_agrees() {
    let gate = Gate::new(RULES);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "board"));
    let agent = gate.key("agent", "create", None);
    let executor = gate.key("executor", "claim", None);
    let payload = json!({ "amount": "2500.00", "to": "DE89370400440532013000" });
    let id = gate.ask(&agent, "payment.send", &payload);

    let first = ann.decide(&gate, &id, "approve");
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["status"], "pending");
    let path = format!("/api/confirmations/{id}");
    assert_eq!(
        gate.get(&path, &agent).json()["signatures"],
        json!({"given": 1, "needed": 2})
    );
    let hash = hex(&sha256(payload.to_string().as_bytes()));
    let claim = |operation: &str| {
        let body = json!({ "payloadHash": hash });
        gate.call(&format!("{path}/claim"), &executor, operation, &body)
    };
    assert_eq!(claim("op").refusal(), (409, "claim.not_approved".into()));

    let second = bob.decide(&gate, &id, "approve");
    assert_eq!(second.status, 200, "{second:?}");
    let decided = gate.wait(&agent, &id);
    assert_eq!(decided["status"], "approved", "{decided}");
    assert_eq!(decided["decidedBy"], json!(["ann", "bob"]));

    let claimed = claim("op");
    assert_eq!(claimed.status, 200, "{claimed:?}");
    assert_eq!(
        claim("op").json(),
        claimed.json(),
        "a lost answer is given again"
    );
    assert_eq!(claim("other").refusal(), (409, "claim.taken".into()));
    let bytes = from_b64url(claimed.json()["payload"].as_str().unwrap());
    assert_eq!(hex(&sha256(&bytes)), hash);
    let done = gate.call(
        &format!("{path}/result"),
        &executor,
        "",
        &json!({"outcome": "done"}),
    );
    assert_eq!(done.json()["outcome"], "done");

    // Somebody else, offline, years later.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let decision = file("decision.json", &claimed.json()["decision"].to_string());
    let toml = gate.succeed(&["policy", "--rule", "large payments"]);
    // The page reads JSON: the same policy, with the same fingerprint.
    let rule = ["policy", "--rule", "large payments", "--format", "json"];
    let json = Policy::from_json(gate.succeed(&rule).trim_end().as_bytes()).unwrap();
    assert_eq!(
        json.sha256(),
        policy_text::from_toml(&toml).unwrap().sha256()
    );
    let policy = file("policy.toml", &toml);
    let audit = program("cosignet")
        .arg("verify")
        .arg(&decision)
        .arg("--policy")
        .arg(&policy)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&audit.stdout).into_owned();
    assert_eq!(audit.status.code(), Some(0), "{said}{audit:?}");
    assert!(said.contains("VERIFIED"), "{said}");

    // The payload is in the decision, and nowhere among the events and the log's own bundles.
    assert!(claimed.json()["decision"]["payload"].is_string());
    let events = gate.succeed(&["export"]);
    let payload = b64url(&bytes);
    assert!(
        !events.contains(&payload) && !events.contains("DE8937"),
        "{events}"
    );
}

#[test]
fn one_refusal_ends_it() {
    let gate = Gate::new(RULES);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "board"));
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "2500.00" }));
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    assert_eq!(bob.decide(&gate, &id, "refuse").status, 200);
    let decided = gate.wait(&agent, &id);
    assert_eq!(decided["status"], "rejected");
    assert_eq!(decided["refusedBy"], json!(["bob"]));
    assert_eq!(
        bob.decide(&gate, &id, "approve").refusal(),
        (409, "decision.made".into())
    );
}

#[test]
fn one_approval_is_a_confirmation() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": 19.99 }));
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    let decided = gate.wait(&agent, &id);
    assert_eq!(decided["status"], "approved");
    assert_eq!(decided["payloadHash"], hex(&sha256(b"{\"amount\":19.99}")));
    assert_eq!(decided["credentialId"], b64url(&ann.passkey.credential_id));
    assert_eq!(decided["rawAssertion"]["type"], "public-key");
    assert_eq!(decided["decision"]["type"], "cosignet.decision/v1");
}

#[test]
fn a_log_that_is_down_keeps_it_pending() {
    let mut log = Log::new();
    let gate = Gate::beside(&log, RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    let signed = ann.decide(&gate, &id, "approve");
    assert_eq!(signed.status, 200, "{signed:?}");
    assert_eq!(signed.json()["waitingForLog"], true);
    let path = format!("/api/confirmations/{id}");
    let waiting = gate.get(&format!("{path}?wait=1"), &agent).json();
    assert_eq!(
        (&waiting["status"], &waiting["waitingForLog"]),
        (&json!("pending"), &json!(true))
    );
    let decision = gate.get(&format!("{path}/decision"), &agent);
    assert_eq!(decision.refusal(), (409, "decision.not_logged".into()));
    assert_eq!(decision.header("retry-after"), "1");
    log.serve(&gate.origin());
    let decided = gate.wait(&agent, &id);
    assert_eq!(decided["status"], "approved", "{decided}");
    // Whose log it is, only its operator can say: half a policy has no JSON.
    let output = gate.run(&["policy", "--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("add what is missing"), "{said}");
}

#[test]
fn a_key_and_a_person_have_only_so_many_open_requests() {
    let mut gate = Gate::new(RULES);
    gate.person("ann", "finance");
    gate.kill();
    gate.serve(&["--open-per-key", "2", "--open-per-person", "1"]);
    let (one, other) = (
        gate.key("one", "create", None),
        gate.key("other", "create", None),
    );
    let ask = |key: &str, name: Option<&str>| {
        let mut body = json!({ "action": "payment.send", "payload": { "amount": "1" } });
        if let Some(name) = name {
            body["username"] = json!(name);
        }
        gate.call("/api/confirmations", key, "", &body)
    };
    let first = ask(&one, Some("ann"));
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(
        ask(&other, Some("ann")).refusal(),
        (429, "limit.person".into())
    );
    assert_eq!(ask(&one, None).status, 201);
    let full = ask(&one, None);
    assert_eq!(full.refusal(), (429, "limit.key".into()));
    assert_eq!(full.header("retry-after"), "10");
    assert_eq!(ask(&other, None).status, 201, "one key's limit is its own");
    let id = first.json()["id"].as_str().unwrap().to_owned();
    gate.call(
        &format!("/api/confirmations/{id}/cancel"),
        &one,
        "",
        &json!({}),
    );
    assert_eq!(ask(&one, Some("ann")).status, 201);
}

#[test]
fn a_gate_without_a_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let run = |args: &[&str]| program("cosignet-gate").args(args).output().unwrap();
    assert!(run(&["init", "--no-log", "--data", &data]).status.success());
    let served = run(&["serve", "--url", "http://localhost:1", "--data", &data]);
    assert_eq!(served.status.code(), Some(2));
    let said = String::from_utf8_lossy(&served.stderr).into_owned();
    assert!(said.contains("--log and --log-token"), "{said}");
}
