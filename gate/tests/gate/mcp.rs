//! `/mcp`, as agents of both eras use it.

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
            params["_meta"][CAPABILITIES] = json!({});
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
            if let Some(name) = body["params"]["name"].as_str() {
                headers.push(("mcp-name", name));
            }
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
    assert_eq!(found["supportedVersions"], json!([MODERN]));
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
    // What belongs to the other era is unknown, in the way of each.
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
