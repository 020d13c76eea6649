//! `/mcp`, as agents of both eras use it.

mod tasks;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Gate, RULES, Reply};

const MODERN: &str = "2026-07-28";
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const BOTH: &str = "application/json, text/event-stream";

/// An agent with a key, which speaks one revision.
struct Agent<'g> {
    gate: &'g Gate,
    key: String,
    version: &'static str,
}

impl Agent<'_> {
    fn body(&self, method: &str, params: &Value) -> Value {
        let mut params = params.clone();
        if self.version == MODERN {
            params["_meta"][VERSION] = json!(MODERN);
            if params["_meta"][CAPABILITIES].is_null() {
                params["_meta"][CAPABILITIES] = json!({});
            }
        }
        json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
    }

    fn headers<'h>(&'h self, body: &'h Value) -> Vec<(&'h str, &'h str)> {
        let mut headers = vec![
            ("authorization", self.key.as_str()),
            ("accept", BOTH),
            ("mcp-protocol-version", self.version),
        ];
        if self.version == MODERN {
            headers.push(("mcp-method", body["method"].as_str().unwrap()));
            let named = ["name", "taskId"].map(|member| body["params"][member].as_str());
            headers.extend(named.into_iter().flatten().map(|name| ("mcp-name", name)));
        }
        headers
    }

    fn ask(&self, method: &str, params: &Value) -> Reply {
        let body = self.body(method, params);
        self.gate.send(
            "POST",
            "/mcp",
            &self.headers(&body),
            Some(body.to_string().as_bytes()),
        )
    }

    fn result(&self, method: &str, params: &Value) -> Value {
        let reply = self.ask(method, params);
        assert_eq!(reply.status, 200, "{reply:?}");
        let result = answer(&reply)["result"].clone();
        let kind = (self.version == MODERN).then_some("complete");
        assert_eq!(result["resultType"].as_str(), kind, "{reply:?}");
        result
    }

    /// Calls a tool; what a program reads of the answer.
    fn call(&self, tool: &str, arguments: &Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        let result = self.result("tools/call", &params);
        assert_eq!(result["isError"], false, "{result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        let said = result["structuredContent"].clone();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), said);
        said
    }
}

/// The messages of an answer, and the one that ends it.
fn messages(reply: &Reply) -> Vec<Value> {
    if reply.header("content-type") != "text/event-stream" {
        return vec![reply.json()];
    }
    let data = reply.text.lines().filter_map(|l| l.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn answer(reply: &Reply) -> Value {
    let answer = messages(reply).pop().unwrap();
    assert_eq!(answer["id"], 7, "{reply:?}");
    answer
}

fn payment(amount: &str, wait: u64) -> Value {
    json!({
        "action": "payment.send",
        "payload": { "amount": amount },
        "wait_seconds": wait,
    })
}

const ASK: &str = "request_human_approval";
const GET: &str = "get_approval";

fn agents<'g>(gate: &'g Gate, key: &str) -> [Agent<'g>; 2] {
    ["2025-11-25", MODERN].map(|version| Agent {
        gate,
        key: format!("Bearer {key}"),
        version,
    })
}

#[test]
fn every_revision_finds_two_tools() {
    let gate = Gate::new(RULES);
    let [legacy, modern] = agents(&gate, &gate.key("agent", "create", None));
    for (asked, got) in [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
        // Nobody who begins with `initialize` can go on in a revision that has none.
        (MODERN, "2025-11-25"),
    ] {
        let hello = legacy.result("initialize", &json!({ "protocolVersion": asked }));
        assert_eq!(hello["protocolVersion"], got, "{asked}");
        assert_eq!(hello["capabilities"], json!({ "tools": {} }));
    }
    assert_eq!(legacy.result("ping", &json!({})), json!({}));
    let said = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let headers = [("authorization", legacy.key.as_str())];
    let noted = gate.send("POST", "/mcp", &headers, Some(said.to_string().as_bytes()));
    assert_eq!((noted.status, noted.text.as_str()), (202, ""));

    let found = modern.result("server/discover", &json!({}));
    assert_eq!(
        found["supportedVersions"],
        json!([MODERN, "2025-11-25", "2025-06-18", "2025-03-26"])
    );
    let listed = modern.result("tools/list", &json!({}));
    for result in [&found, &listed] {
        assert_eq!(result["cacheScope"], "public");
        assert!(result["ttlMs"].is_u64());
    }
    let tools = &listed["tools"];
    assert_eq!(tools[0]["name"], ASK);
    assert_eq!(tools[1]["name"], GET);
    assert_eq!(tools[0]["outputSchema"], tools[1]["outputSchema"]);
    assert_eq!(&legacy.result("tools/list", &json!({}))["tools"], tools);
    // Methods of the other era are unknown, in the way of each.
    let unknown = legacy.ask("server/discover", &json!({}));
    assert_eq!(unknown.status, 200);
    assert_eq!(answer(&unknown)["error"]["code"], -32601);
    let unknown = modern.ask("ping", &json!({}));
    assert_eq!(unknown.status, 404);
    assert_eq!(answer(&unknown)["error"]["code"], -32601);
}

#[test]
fn a_call_waits_for_somebody_who_takes_two_seconds() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let agents = agents(&gate, &gate.key("agent", "create", None));
    for (agent, decision) in agents.iter().zip(["approve", "refuse"]) {
        let pending = agent.call(ASK, &payment("9", 0));
        assert_eq!(pending["status"], "pending");
        assert_eq!(pending["mayProceed"], false);
        let id = pending["id"].as_str().unwrap();
        let reply = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_secs(2));
                assert_eq!(ann.decide(&gate, id, decision).status, 200);
            });
            let mut params = json!({ "name": GET, "arguments": { "id": id } });
            params["_meta"]["progressToken"] = json!("p");
            let begin = Instant::now();
            let reply = agent.ask("tools/call", &params);
            assert!(begin.elapsed() >= Duration::from_secs(2));
            assert!(begin.elapsed() < Duration::from_secs(20));
            reply
        });
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), "text/event-stream");
        assert_eq!(reply.header("x-accel-buffering"), "no");
        assert!(reply.text.starts_with(": "), "{}", reply.text);
        let mut messages = messages(&reply);
        let last = messages.pop().unwrap();
        assert!(messages.len() >= 2, "{}", reply.text);
        for (sign, message) in messages.iter().enumerate() {
            assert_eq!(message["method"], "notifications/progress");
            assert_eq!(message["params"]["progressToken"], "p");
            assert_eq!(message["params"]["progress"], sign);
        }
        let found = &last["result"]["structuredContent"];
        assert_eq!(last["result"]["isError"], false);
        assert_eq!(found["decidedBy"], json!(["ann"]));
        assert_eq!(found["payloadHash"], pending["payloadHash"]);
        assert_eq!(found["url"], format!("{}/a/{id}", gate.origin()));
        match decision {
            "approve" => {
                assert_eq!(found["status"], "approved");
                assert_eq!(found["mayProceed"], true);
            }
            _ => {
                assert_eq!(found["status"], "rejected");
                assert_eq!(found["mayProceed"], false);
            }
        }
    }
}

#[test]
fn a_call_that_is_repeated_asks_nobody_twice() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let [agent, modern] = agents(&gate, &gate.key("agent", "create", None));
    let [other, _] = agents(&gate, &gate.key("other", "create", None));
    let id = |said: Value| said["id"].as_str().unwrap().to_owned();

    let first = id(agent.call(ASK, &payment("1", 0)));
    assert_eq!(id(agent.call(ASK, &payment("1", 1))), first);
    assert_eq!(id(modern.call(ASK, &payment("1", 0))), first);
    assert_ne!(id(agent.call(ASK, &payment("2", 0))), first);
    assert_ne!(id(other.call(ASK, &payment("1", 0))), first);
    let mut named = payment("1", 0);
    named["idempotency_key"] = json!("a");
    let by_name = id(agent.call(ASK, &named));
    assert_ne!(by_name, first);
    let mut to_ann = payment("1", 0);
    to_ann["approver_username"] = json!("ann");
    assert_ne!(id(agent.call(ASK, &to_ann)), first);

    // A decided request is found by its name alone.
    for id in [&first, &by_name] {
        assert_eq!(ann.decide(&gate, id, "refuse").status, 200);
    }
    let again = agent.call(ASK, &named);
    assert_eq!(again["status"], "rejected");
    assert_eq!(id(again), by_name);
    assert_ne!(id(agent.call(ASK, &payment("1", 0))), first);
}

#[test]
fn of_calls_at_the_same_time_one_asks() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let agents = agents(&gate, &gate.key("agent", "create", None));
    let ids = std::thread::scope(|scope| {
        let calls = agents.iter().cycle().take(8);
        let calls: Vec<_> = calls
            .map(|agent| scope.spawn(|| agent.call(ASK, &payment("1", 1))["id"].to_string()))
            .collect();
        let ids = calls.into_iter().map(|call| call.join().unwrap());
        ids.collect::<BTreeSet<_>>()
    });
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[test]
fn what_expired_is_asked_anew() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    gate.person("bob", "finance");
    let [agent, _] = agents(&gate, &gate.key("agent", "create", None));
    let ask = json!({ "action": "quick", "payload": {}, "wait_seconds": 20 });
    let begin = Instant::now();
    let expired = agent.call(ASK, &ask);
    assert!(begin.elapsed() < Duration::from_secs(15));
    assert_eq!(expired["status"], "expired");
    assert_eq!(expired["mayProceed"], false);
    let mut at_once = ask.clone();
    at_once["wait_seconds"] = json!(0);
    let anew = agent.call(ASK, &at_once);
    assert_eq!(anew["status"], "pending");
    assert_ne!(anew["id"], expired["id"]);
}

#[test]
fn a_lost_connection_ends_the_call_and_not_the_request() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let key = gate.key("agent", "create", None);
    let [agent, modern] = agents(&gate, &key);
    for agent in [&agent, &modern] {
        let amount = agent.version.replace('-', "");
        let ask = payment(&amount[6..], 60);
        let body = agent.body("tools/call", &json!({ "name": ASK, "arguments": ask }));
        let mut head =
            "POST /mcp HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n".to_owned();
        for (name, value) in agent.headers(&body) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.to_string();
        let text = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        let mut connection = TcpStream::connect(("127.0.0.1", gate.port)).unwrap();
        connection.write_all(text.as_bytes()).unwrap();
        let (begin, mut signs) = (Instant::now(), 0);
        for line in BufReader::new(&connection).lines() {
            signs += usize::from(line.unwrap().starts_with(':'));
            if signs == 4 {
                break;
            }
        }
        // One at once, and then one every second.
        assert!((2500..6000).contains(&begin.elapsed().as_millis()));
        assert_eq!(waiting(&gate), 1);
        drop(connection);
        let begin = Instant::now();
        while waiting(&gate) > 0 {
            assert!(begin.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut again = ask;
        again["wait_seconds"] = json!(0);
        assert_eq!(agent.call(ASK, &again)["status"], "pending");
    }
    let made = gate.get("/metrics", &key).text;
    assert!(made.contains("route=\"mcp\",status=\"200\""), "{made}");
}

fn waiting(gate: &Gate) -> u64 {
    let figures = gate.get("/metrics", "").text;
    let mut lines = figures.lines();
    let line = lines.find_map(|line| line.strip_prefix("cosignet_gate_waiting "));
    line.unwrap().parse().unwrap()
}

#[test]
fn without_events_there_is_one_answer_at_the_end() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let [agent, _] = agents(&gate, &gate.key("agent", "create", None));
    let body = agent.body(
        "tools/call",
        &json!({ "name": ASK, "arguments": payment("1", 2) }),
    );
    let mut headers = agent.headers(&body);
    headers.retain(|(name, _)| *name != "accept");
    headers.push(("accept", "application/json"));
    let begin = Instant::now();
    let reply = gate.send("POST", "/mcp", &headers, Some(body.to_string().as_bytes()));
    assert!(begin.elapsed() >= Duration::from_secs(2));
    assert_eq!(reply.header("content-type"), "application/json");
    let found = &answer(&reply)["result"]["structuredContent"];
    assert_eq!(found["status"], "pending");
    assert!(found["pollAfterSeconds"].as_u64().unwrap() > 0);
}

#[test]
fn a_model_is_told_how_to_mend_its_call() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let [agent, other] = agents(&gate, &gate.key("agent", "create", None));
    let foreign = Agent {
        key: format!("Bearer {}", gate.key("other", "create", None)),
        ..other
    };
    let theirs = foreign.call(ASK, &payment("1", 0));
    let with = |name: &str, value: Value| {
        let mut ask = payment("1", 0);
        ask[name] = value;
        ask
    };
    let named = with("idempotency_key", json!("k"));
    agent.call(ASK, &named);
    let mut reused = named;
    reused["payload"] = json!({ "amount": "3" });
    for (tool, arguments, code) in [
        (
            ASK,
            with("approver_username", json!("eve")),
            "approver.unknown",
        ),
        (
            ASK,
            with("payload", json!("{\"amount\":\"1\"}")),
            "request.schema",
        ),
        (
            ASK,
            with("payload", json!({ "amount": "many" })),
            "rule.none",
        ),
        (
            ASK,
            with("payload", json!({ "amount": 1e2 })),
            "payload.not_canonical",
        ),
        (ASK, with("wait_seconds", json!(281)), "request.schema"),
        (ASK, with("wait_seconds", json!(-1)), "request.schema"),
        (ASK, with("approve", json!(true)), "request.schema"),
        (ASK, with("idempotency_key", json!("")), "request.schema"),
        (ASK, json!({ "action": "payment.send" }), "request.schema"),
        (ASK, json!([]), "request.schema"),
        (ASK, reused, "idempotency.reused"),
        (GET, json!({ "id": "1" }), "request.unknown"),
        (GET, json!({ "id": theirs["id"] }), "request.unknown"),
        (GET, json!({}), "request.schema"),
    ] {
        let params = json!({ "name": tool, "arguments": arguments });
        let result = agent.result("tools/call", &params);
        assert_eq!(result["isError"], true, "{arguments}: {result}");
        assert!(result["structuredContent"].is_null());
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(&format!("[{code}]")), "{arguments}: {text}");
    }
    let optional = json!({
        "action": "payment.send",
        "payload": { "amount": "5" },
        "approver_username": null,
        "idempotency_key": null,
        "wait_seconds": 0,
    });
    assert_eq!(agent.call(ASK, &optional)["status"], "pending");
}

#[test]
fn nobody_else_takes_part() {
    let gate = Gate::new(RULES);
    let key = gate.key("agent", "create", None);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let send = |method: &str, headers: &[(&str, &str)]| {
        let body = (method == "POST").then_some(body.as_bytes());
        gate.send(method, "/mcp", headers, body)
    };
    let right = ("x-api-key", key.as_str());
    assert_eq!(send("POST", &[right]).status, 200);
    let refused = send("POST", &[]);
    assert_eq!(refused.refusal(), (401, "request.unauthorized".into()));
    // Nothing here sends a client to an authorization server.
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    let other = gate.key("executor", "claim", None);
    let refused = send("POST", &[("x-api-key", &other)]);
    assert_eq!(refused.refusal(), (403, "request.forbidden".into()));
    let refused = send("POST", &[right, ("origin", "https://evil.example")]);
    assert_eq!(refused.refusal(), (403, "request.origin".into()));
    let own = gate.origin();
    assert_eq!(send("POST", &[right, ("origin", &own)]).status, 200);
    for method in ["GET", "DELETE"] {
        let refused = send(method, &[right, ("accept", "text/event-stream")]);
        assert_eq!(refused.status, 405);
        assert_eq!(refused.header("allow"), "POST");
    }
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
    ] {
        let nothing = gate.send("GET", path, &[], None);
        assert_eq!(nothing.refusal(), (404, "request.not_found".into()));
        assert_eq!(nothing.header("content-type"), "application/problem+json");
    }
}

#[test]
fn too_many_calls_are_no_answer_of_a_tool() {
    let mut gate = Gate::new(RULES);
    gate.person("ann", "finance");
    gate.kill();
    gate.serve(&["--open-per-key", "1"]);
    let [agent, modern] = agents(&gate, &gate.key("agent", "create", None));
    assert_eq!(agent.call(ASK, &payment("1", 0))["status"], "pending");
    for agent in [&agent, &modern] {
        let params = json!({ "name": ASK, "arguments": payment("2", 0) });
        let refused = agent.ask("tools/call", &params);
        assert_eq!(refused.refusal(), (429, "limit.key".into()));
        assert_eq!(refused.header("retry-after"), "10");
    }
}

#[test]
fn nobody_is_asked_for_a_call_that_cannot_wait() {
    let mut gate = Gate::new(RULES);
    gate.person("ann", "finance");
    gate.kill();
    gate.serve(&["--waiting", "1"]);
    let key = gate.key("agent", "create,read", None);
    let [agent, _] = agents(&gate, &key);
    std::thread::scope(|scope| {
        scope.spawn(|| agent.call(ASK, &payment("1", 4)));
        while waiting(&gate) == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let params = json!({ "name": ASK, "arguments": payment("2", 4) });
        let refused = agent.ask("tools/call", &params);
        assert_eq!(refused.refusal(), (503, "server.overloaded".into()));
    });
    let events = gate.get("/export", &key).text;
    assert_eq!(events.matches("request.created").count(), 1);
    assert_eq!(agent.call(ASK, &payment("2", 1))["status"], "pending");
}

#[test]
fn what_is_no_single_message_is_refused() {
    let gate = Gate::new(RULES);
    let key = gate.key("agent", "create", None);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (body, status, code) in [
        (format!("[{list}]"), 400, -32600),
        ("[]".into(), 400, -32600),
        ("{".into(), 400, -32700),
        (list.replace("1,", "1,\"id\":2,"), 400, -32700),
        (list.replace("2.0", "1.0"), 400, -32600),
        (list.replace("1,", "null,"), 400, -32600),
        (list.replace("1,", "{},"), 400, -32600),
        (list.replace("\"method\"", "\"result\""), 400, -32600),
        (list.replace("\"tools/list\"", "7"), 400, -32600),
        (list.replace("list", "call"), 200, -32602),
        (
            list.replace("list\"", "call\",\"params\":{\"name\":\"approve\"}"),
            200,
            -32602,
        ),
        (list.replace("tools/list", "resources/list"), 200, -32601),
    ] {
        let headers = [("x-api-key", key.as_str())];
        let refused = gate.send("POST", "/mcp", &headers, Some(body.as_bytes()));
        assert_eq!(refused.status, status, "{body}: {refused:?}");
        assert_eq!(refused.json()["error"]["code"], code, "{body}: {refused:?}");
        assert!(refused.json().get("result").is_none());
    }
}

#[test]
fn headers_and_body_agree() {
    let gate = Gate::new(RULES);
    gate.person("ann", "finance");
    let [legacy, modern] = agents(&gate, &gate.key("agent", "create", None));
    let call = modern.body(
        "tools/call",
        &json!({ "name": ASK, "arguments": payment("1", 0) }),
    );
    let send = |body: &Value, headers: &[(&str, &str)]| {
        let reply = gate.send("POST", "/mcp", headers, Some(body.to_string().as_bytes()));
        (reply.status, reply.json())
    };
    let right = modern.headers(&call);
    assert_eq!(send(&call, &right).0, 200);
    let with = |name: &'static str, value: Option<&'static str>| {
        let mut headers = right.clone();
        headers.retain(|(header, _)| *header != name);
        headers.extend(value.map(|value| (name, value)));
        headers
    };
    for (name, value) in [
        ("mcp-protocol-version", None),
        ("mcp-protocol-version", Some("2025-11-25")),
        ("mcp-method", None),
        ("mcp-method", Some("tools/list")),
        ("mcp-name", None),
        ("mcp-name", Some(GET)),
    ] {
        let (status, said) = send(&call, &with(name, value));
        assert_eq!(
            (status, &said["error"]["code"]),
            (400, &json!(-32020)),
            "{name} {value:?}"
        );
        assert_eq!(said["id"], 7);
    }
    let mut twice = right.clone();
    twice.push(("mcp-name", ASK));
    assert_eq!(send(&call, &twice).1["error"]["code"], -32020);

    for member in [VERSION, CAPABILITIES] {
        let mut less = call.clone();
        less["params"]["_meta"]
            .as_object_mut()
            .unwrap()
            .remove(member);
        let (status, said) = send(&less, &right);
        assert_eq!((status, &said["error"]["code"]), (400, &json!(-32602)));
    }
    let mut later = call.clone();
    later["params"]["_meta"][VERSION] = json!("2027-01-01");
    let (status, said) = send(&later, &with("mcp-protocol-version", Some("2027-01-01")));
    assert_eq!((status, &said["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(said["error"]["data"]["requested"], "2027-01-01");
    assert_eq!(said["error"]["data"]["supported"][0], MODERN);

    let list = legacy.body("tools/list", &json!({}));
    let mut headers = legacy.headers(&list);
    headers.retain(|(name, _)| *name != "mcp-protocol-version");
    assert_eq!(send(&list, &headers).0, 200);
    headers.push(("mcp-protocol-version", "2024-11-05"));
    let (status, said) = send(&list, &headers);
    assert_eq!((status, &said["error"]["code"]), (400, &json!(-32022)));
}
