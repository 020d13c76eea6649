//! The interface: names, limits, repeats, waits.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Gate, RULES};

#[test]
fn a_payload_is_never_rewritten() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let ask = |payload: &str| {
        let body = format!("{{\"action\":\"payment.send\",\"payload\":{payload}}}");
        let headers = [("x-api-key", agent.as_str())];
        gate.send(
            "POST",
            "/api/confirmations",
            &headers,
            Some(body.as_bytes()),
        )
    };
    for (payload, expected) in [
        ("{\"amount\":10.50}", "10.5, or \"10.50\" as text"),
        ("{\"amount\":1e2}", "100, or \"1e2\" as text"),
        (
            "{\"amount\":9007199254740993}",
            "\"9007199254740993\" as text",
        ),
    ] {
        let refused = ask(payload);
        assert_eq!(
            refused.refusal(),
            (422, "payload.not_canonical".into()),
            "{refused:?}"
        );
        assert_eq!(refused.json()["expected"], expected);
    }
    let twice = ask("{\"amount\":1,\"amount\":1}");
    assert_eq!(twice.refusal(), (422, "payload.not_canonical".into()));
    let made = ask("{ \"to\" : \"x\", \"amount\" : 19.99 }");
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        ask("{\"amount\":\"many\"}").refusal(),
        (403, "rule.none".into())
    );
    assert_eq!(ask("{").refusal(), (422, "payload.not_json".into()));
    assert_eq!(ask("{}}").refusal(), (400, "request.not_json".into()));
}

#[test]
fn a_repeat_is_the_same_request() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let (agent, other) = (
        gate.key("agent", "create", None),
        gate.key("other", "create", None),
    );
    let body = json!({ "action": "payment.send", "payload": { "amount": "1" } });
    let first = gate.call("/api/confirmations", &agent, "k", &body);
    assert_eq!(first.status, 201);
    let again = gate.call("/api/confirmations", &agent, "k", &body);
    assert_eq!((again.status, again.json()), (200, first.json()));
    let changed = json!({ "action": "payment.send", "payload": { "amount": "2" } });
    let reused = gate.call("/api/confirmations", &agent, "k", &changed);
    assert_eq!(reused.refusal(), (422, "idempotency.reused".into()));
    // A name is one key's own.
    assert_eq!(
        gate.call("/api/confirmations", &other, "k", &body).status,
        201
    );
}

#[test]
fn requests_of_others_do_not_exist() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let (agent, other) = (
        gate.key("agent", "create", None),
        gate.key("other", "create", None),
    );
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    let path = format!("/api/confirmations/{id}");
    let unknown = "/api/confirmations/00000000-0000-4000-8000-000000000000";
    assert_eq!(gate.get(&path, &other).text, gate.get(unknown, &other).text);
    assert_eq!(
        gate.get(&path, &other).refusal(),
        (404, "request.unknown".into())
    );
    let cancel = gate.call(&format!("{path}/cancel"), &other, "", &json!({}));
    assert_eq!(cancel.refusal(), (404, "request.unknown".into()));
    assert_eq!(
        gate.get(&path, "nonsense").refusal(),
        (401, "request.unauthorized".into())
    );
    let claim = json!({ "payloadHash": "00" });
    let claim = gate.call(&format!("{path}/claim"), &agent, "op", &claim);
    assert_eq!(claim.refusal(), (403, "request.forbidden".into()));
    let cancelled = gate.call(&format!("{path}/cancel"), &agent, "", &json!({}));
    assert_eq!(cancelled.json()["status"], "cancelled");
}

#[test]
fn waits_end_with_the_decision_or_in_time() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let id = gate.ask(&agent, "payment.send", &json!({ "amount": "1" }));
    let path = format!("/api/confirmations/{id}");
    let start = Instant::now();
    let reply = gate.get(&format!("{path}?wait=1"), &agent);
    assert_eq!(reply.json()["status"], "pending");
    assert!(start.elapsed() >= Duration::from_secs(1));
    let tag = reply.header("etag").to_owned();
    let headers = [("x-api-key", agent.as_str()), ("if-none-match", &tag)];
    assert_eq!(gate.send("GET", &path, &headers, None).status, 304);
    let headers = [("x-api-key", agent.as_str()), ("prefer", "wait=1")];
    let reply = gate.send("GET", &path, &headers, None);
    assert_eq!(reply.header("preference-applied"), "wait=1");
    let refused = gate.get(&format!("{path}?wait=51"), &agent);
    assert_eq!(refused.refusal(), (400, "request.schema".into()));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let decided = gate.wait(&agent, &id);
            (decided, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(300));
        let refused = ann.decide(&gate, &id, "refuse");
        assert_eq!(refused.status, 200);
        let at = Instant::now();
        let (decided, woken) = waiting.join().unwrap();
        assert_eq!(decided["status"], "rejected");
        assert!(woken.saturating_duration_since(at) < Duration::from_millis(500));
    });
}

#[test]
fn somebody_named_has_to_be_among_them() {
    let gate = Gate::new(RULES);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "finance"));
    let agent = gate.key("agent", "create", None);
    let body = json!({ "action": "payment.send", "payload": { "amount": "1" }, "username": "bob" });
    let made = gate.call("/api/confirmations", &agent, "", &body).json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(ann.look(&gate, id).json()["may"], "enough");
    assert_eq!(
        ann.decide(&gate, id, "approve").refusal(),
        (409, "approver.not_needed".into())
    );
    assert_eq!(bob.decide(&gate, id, "approve").status, 200);
    assert_eq!(gate.wait(&agent, id)["decidedBy"], json!(["bob"]));
    let unknown =
        json!({ "action": "payment.send", "payload": { "amount": "1" }, "username": "x" });
    let refused = gate.call("/api/confirmations", &agent, "", &unknown);
    assert_eq!(refused.refusal(), (422, "approver.unknown".into()));
}

#[test]
fn pages_stand_alone() {
    let gate = Gate::new(RULES);
    let page = gate.send("GET", "/a/00000000-0000-4000-8000-000000000000", &[], None);
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "DENY");
    for file in page.text.split("\"/gate/").skip(1) {
        let name = file.split('"').next().unwrap();
        let asset = gate.send("GET", &format!("/gate/{name}"), &[], None);
        assert_eq!(asset.status, 200, "{name}");
    }
    assert_eq!(
        gate.send("GET", "/gate/approve.html", &[], None).status,
        404
    );
    let headers = [("origin", "https://evil.example")];
    let foreign = gate.send("POST", "/session/options", &headers, Some(b"{}"));
    assert_eq!(foreign.refusal(), (403, "request.origin".into()));
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/checkpoint",
        "/log.json",
    ] {
        assert_eq!(gate.send("GET", path, &[], None).status, 200, "{path}");
    }
}
