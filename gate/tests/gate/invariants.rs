//! What no caller can do, whatever they send.

use serde_json::{Value, json};
use test_vectors::encoding::{from_b64url, hex, sha256};

use crate::harness::{Gate, Person, RULES};

#[test]
fn a_key_neither_decides_nor_enrols() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let all = gate.key("everything", "create,claim,read", None);
    let id = gate.ask(&all, "payment.send", &json!({ "amount": "1" }));
    let shown = ann.look(&gate, &id).json();
    // With every right, and with all that the page has but a passkey.
    let mallory = test_vectors::Passkey::new(test_vectors::Algorithm::Es256, "mallory");
    let mallory = Person { passkey: mallory };
    let challenge = Person::challenge(&shown, "approve");
    let body = json!({ "kind": "approve", "assertion": mallory.sign(&gate, &challenge) });
    let path = format!("/a/{id}/decision");
    let sent = gate.call(&path, &all, "", &body);
    assert_eq!(sent.refusal(), (422, "approver.unknown".into()));
    let look = gate.get(&format!("/a/{id}/request"), &all);
    assert_eq!(look.refusal(), (401, "session.missing".into()));
    let enrol = gate.call("/enrol/options", &all, "", &json!({ "token": "x" }));
    assert_eq!(enrol.refusal(), (404, "invite.unknown".into()));
    assert_eq!(
        gate.get(&format!("/api/confirmations/{id}"), &all).json()["status"],
        "pending"
    );
}

#[test]
fn nobody_approves_what_their_own_key_asks() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    gate.person("bob", "finance");
    let own = gate.key("ann's agent", "create", Some("ann"));
    let id = gate.ask(&own, "payment.send", &json!({ "amount": "1" }));
    assert_eq!(ann.look(&gate, &id).json()["may"], "requester");
    let decided = ann.decide(&gate, &id, "approve");
    assert_eq!(decided.refusal(), (403, "approver.is_requester".into()));
    let body = json!({ "action": "payment.send", "payload": { "amount": "1" }, "username": "ann" });
    let named = gate.call("/api/confirmations", &own, "", &body);
    assert_eq!(named.refusal(), (422, "approver.unknown".into()));
}

#[test]
fn a_signature_is_for_one_request_and_one_act() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let payload = json!({ "amount": "1" });
    let (id, other) = (
        gate.ask(&agent, "payment.send", &payload),
        gate.ask(&agent, "payment.send", &payload),
    );
    let decide = |challenge: &[u8], kind: &str| {
        let body = json!({ "kind": kind, "assertion": ann.sign(&gate, challenge) });
        gate.post(&format!("/a/{id}/decision"), &body).refusal()
    };
    let of = |id: &str, kind: &str| Person::challenge(&ann.look(&gate, id).json(), kind);
    let mismatch = (422, "webauthn.challenge".to_owned());
    // The same payload, another request.
    assert_eq!(decide(&of(&other, "approve"), "approve"), mismatch);
    // The other act of this one.
    assert_eq!(decide(&of(&id, "refuse"), "approve"), mismatch);
    assert_eq!(decide(&of(&id, "approve"), "refuse"), mismatch);
    // What signs in.
    let login = gate.post("/session/options", &json!({})).json();
    let login = from_b64url(login["challenge"].as_str().unwrap());
    assert_eq!(decide(&login, "approve"), mismatch);
    assert_eq!(decide(&login, "refuse"), mismatch);
    // The right one, of another origin.
    let mut ceremony = test_vectors::Ceremony::new("localhost", "http://localhost:1", &[], b"");
    ceremony.challenge = test_vectors::encoding::b64url(&of(&id, "approve"));
    let assertion = ceremony.sign(&ann.passkey).credential_json();
    let body = json!({ "kind": "approve", "assertion": assertion });
    let sent = gate.post(&format!("/a/{id}/decision"), &body);
    assert_eq!(sent.refusal(), (422, "webauthn.origin".into()));
    // And without user verification.
    let mut ceremony = test_vectors::Ceremony::new("localhost", &gate.origin(), &[], b"");
    ceremony.challenge = test_vectors::encoding::b64url(&of(&id, "approve"));
    ceremony.flags = test_vectors::ceremony::UP;
    let assertion = ceremony.sign(&ann.passkey).credential_json();
    let body = json!({ "kind": "approve", "assertion": assertion });
    let sent = gate.post(&format!("/a/{id}/decision"), &body);
    assert_eq!(sent.refusal(), (422, "webauthn.user_verification".into()));
}

#[test]
fn an_approval_does_not_sign_in_and_a_login_is_good_once() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    let challenge = Person::challenge(&ann.look(&gate, &id).json(), "approve");
    let body = json!({ "assertion": ann.sign(&gate, &challenge) });
    let session = gate.post("/session/finish", &body);
    assert_eq!(session.refusal(), (422, "session.refused".into()));
    let options = gate.post("/session/options", &json!({})).json();
    let challenge = from_b64url(options["challenge"].as_str().unwrap());
    let body = json!({ "assertion": ann.sign(&gate, &challenge) });
    assert_eq!(gate.post("/session/finish", &body).status, 200);
    let again = gate.post("/session/finish", &body);
    assert_eq!(again.refusal(), (422, "session.refused".into()));
}

#[test]
fn people_count_once_and_only_while_they_are_enrolled() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance,board");
    let bob = gate.person("bob", "board");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1000" }));
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    // She is in both groups, and one person.
    assert_eq!(
        ann.decide(&gate, &id, "approve").refusal(),
        (409, "approver.has_signed".into())
    );
    gate.succeed(&["approver", "retire", "ann"]);
    assert_eq!(bob.decide(&gate, &id, "approve").status, 200);
    let standing = gate
        .get(&format!("/api/confirmations/{id}?wait=1"), &agent)
        .json();
    assert_eq!(
        standing["status"], "pending",
        "an approval of somebody retired does not count"
    );
    let cat = gate.person("cat", "finance");
    assert_eq!(cat.decide(&gate, &id, "approve").status, 200);
    let decided = gate.wait(&agent, &id);
    assert_eq!(decided["decidedBy"], json!(["bob", "cat"]));
}

#[test]
fn time_ends_a_request_and_a_claim() {
    let gate = Gate::new(RULES);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "finance"));
    let key = gate.key("agent", "create,claim", None);
    let payload = json!({ "what": "now" });
    let (late, lapsed) = (
        gate.ask(&key, "quick", &payload),
        gate.ask(&key, "quick", &payload),
    );
    for person in [&ann, &bob] {
        assert_eq!(person.decide(&gate, &lapsed, "approve").status, 200);
    }
    assert_eq!(gate.wait(&key, &lapsed)["status"], "approved");
    assert_eq!(ann.decide(&gate, &late, "approve").status, 200);
    let shown = bob.look(&gate, &late).json();
    assert_eq!(gate.wait(&key, &late)["status"], "expired");
    let challenge = Person::challenge(&shown, "approve");
    let body = json!({ "kind": "approve", "assertion": bob.sign(&gate, &challenge) });
    let sent = gate.post(&format!("/a/{late}/decision"), &body);
    assert_eq!(sent.refusal(), (410, "decision.expired".into()));
    std::thread::sleep(std::time::Duration::from_secs(2));
    let hash = json!({ "payloadHash": hex(&sha256(payload.to_string().as_bytes())) });
    let claim = gate.call(
        &format!("/api/confirmations/{lapsed}/claim"),
        &key,
        "op",
        &hash,
    );
    assert_eq!(claim.refusal(), (410, "claim.expired".into()));
    let path = format!("/api/confirmations/{lapsed}");
    assert_eq!(gate.get(&path, &key).json()["status"], "expired");
}

#[test]
fn a_claim_is_for_the_right_payload_and_key() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create,claim", None);
    let executor = gate.key("executor", "claim", None);
    let payload = json!({ "amount": "1" });
    let id = gate.ask(&agent, "payment.send", &payload);
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    gate.wait(&agent, &id);
    let claim = |key: &str, operation: &str, payload: &Value| {
        let hash = json!({ "payloadHash": hex(&sha256(payload.to_string().as_bytes())) });
        gate.call(
            &format!("/api/confirmations/{id}/claim"),
            key,
            operation,
            &hash,
        )
    };
    assert_eq!(
        claim(&executor, "", &payload).refusal(),
        (400, "idempotency.missing".into())
    );
    let other = json!({ "amount": "2" });
    assert_eq!(
        claim(&executor, "op", &other).refusal(),
        (422, "claim.mismatch".into())
    );
    assert_eq!(
        claim(&agent, "op", &payload).refusal(),
        (403, "claim.not_allowed".into())
    );
    assert_eq!(
        claim(&executor, "op", &payload).status,
        200,
        "nothing was burnt"
    );
}

#[test]
fn what_people_sign_shows_nobody_that_it_is_one_request() {
    let gate = Gate::new(RULES);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "board"));
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1000" }));
    let (first, again) = (ann.look(&gate, &id).json(), ann.look(&gate, &id).json());
    let other = bob.look(&gate, &id).json();
    assert_eq!(first["random"], again["random"], "two tabs sign the same");
    assert_ne!(first["random"], other["random"]);
    assert_eq!(first["context"], other["context"]);
}

#[test]
fn an_erased_payload_is_gone_and_cannot_be_claimed() {
    let mut gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let key = gate.key("executor", "create,claim,read", None);
    let payload = json!({ "amount": "1", "to": "somebody" });
    let id = gate.ask(&key, "payment.send", &payload);
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    assert_eq!(gate.wait(&key, &id)["status"], "approved");
    gate.kill();
    gate.serve(&["--retention-days", "0"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let hash = json!({ "payloadHash": hex(&sha256(payload.to_string().as_bytes())) });
    let path = format!("/api/confirmations/{id}");
    let claim = gate.call(&format!("{path}/claim"), &key, "op", &hash);
    assert_eq!(claim.refusal(), (410, "request.erased".into()));
    let standing = gate.get(&path, &key).json();
    assert!(standing["claimedAt"].is_null(), "nothing was claimed");
    let decision = gate.get(&format!("{path}/decision"), &key).json();
    assert_eq!(decision["type"], "cosignet.decision/v1");
    let text = test_vectors::encoding::b64url(payload.to_string().as_bytes());
    for kept in [decision.to_string(), gate.succeed(&["export"])] {
        assert!(!kept.contains(&text), "{kept}");
    }
    gate.kill();
    let database = std::fs::read(gate.data().join("gate.db")).unwrap();
    let raw = payload.to_string();
    let found = database
        .windows(raw.len())
        .any(|part| part == raw.as_bytes());
    assert!(!found, "it is overwritten in the database");
}
