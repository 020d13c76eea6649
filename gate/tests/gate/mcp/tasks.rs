//! Clients that know tasks get one at once, and come back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ASK, Agent, CAPABILITIES, GET, MODERN, agents, answer, payment};
use crate::harness::{Gate, RULES};

fn knowing(mut params: Value) -> Value {
    let known = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    params["_meta"][CAPABILITIES] = known;
    params
}

fn call(agent: &Agent<'_>, tool: &str, arguments: &Value) -> Value {
    let params = knowing(json!({ "name": tool, "arguments": arguments }));
    let reply = agent.ask("tools/call", &params);
    assert_eq!(reply.status, 200, "{reply:?}");
    answer(&reply)["result"].clone()
}

fn standing(agent: &Agent<'_>, task: &Value) -> Value {
    agent.result("tasks/get", &knowing(json!({ "taskId": task["taskId"] })))
}

#[test]
fn a_call_becomes_a_task_that_has_the_answer_when_people_have_decided() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let [legacy, modern] = agents(&gate, &gate.key("agent", "create", None));
    let found = modern.result("server/discover", &json!({}));
    let declared = &found["capabilities"]["extensions"];
    assert_eq!(declared, &json!({ "io.modelcontextprotocol/tasks": {} }));

    for (amount, decision, status) in [("9", "approve", "approved"), ("8", "refuse", "rejected")] {
        let begin = Instant::now();
        let task = call(&modern, ASK, &payment(amount, 45));
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it does not wait"
        );
        assert_eq!(task["resultType"], "task", "{task}");
        assert_eq!(task["status"], "working");
        assert_eq!(task["ttlMs"], Value::Null);
        assert!(task["pollIntervalMs"].is_u64());
        // The same call finds the same task, and so does the other tool.
        let again = call(&modern, ASK, &payment(amount, 45));
        assert_eq!(again["taskId"], task["taskId"]);
        let looked = call(&modern, GET, &json!({ "id": task["taskId"] }));
        assert_eq!(looked["taskId"], task["taskId"]);
        let early = standing(&modern, &task);
        assert_eq!(early["status"], "working");
        assert_eq!(early["result"], Value::Null);

        let id = task["taskId"].as_str().unwrap();
        assert_eq!(ann.decide(&gate, id, decision).status, 200);
        let end = Instant::now() + Duration::from_secs(30);
        let done = loop {
            let done = standing(&modern, &task);
            if done["status"] != "working" {
                break done;
            }
            assert!(Instant::now() < end, "{done}");
            std::thread::sleep(Duration::from_millis(100));
        };
        // A no is an answer, and no failure.
        assert_eq!(done["status"], "completed", "{done}");
        assert_eq!(done["createdAt"], task["createdAt"]);
        assert!(done["lastUpdatedAt"].as_str() > task["createdAt"].as_str());
        let result = &done["result"];
        assert_eq!(result["isError"], false);
        let said = &result["structuredContent"];
        assert_eq!(said["status"], status);
        assert_eq!(said["mayProceed"], decision == "approve");
        // What is decided needs no task.
        assert_eq!(
            call(&modern, GET, &json!({ "id": id }))["resultType"],
            "complete"
        );
    }
    // Whoever does not want to wait gets an answer, and so does a client of the other era.
    let now = call(&modern, ASK, &payment("7", 0));
    assert_eq!(now["resultType"], "complete");
    let old = legacy.ask(
        "tools/call",
        &knowing(json!({ "name": ASK, "arguments": payment("7", 1) })),
    );
    assert_eq!(
        answer(&old)["result"]["structuredContent"]["status"],
        "pending"
    );
}

#[test]
fn a_task_that_is_cancelled_takes_the_request_back_and_a_decision_stands() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let [_, modern] = agents(&gate, &gate.key("agent", "create", None));
    let cancel = |task: &Value| {
        let params = knowing(json!({ "taskId": task["taskId"] }));
        modern.result("tasks/cancel", &params);
    };
    let task = call(&modern, ASK, &payment("9", 45));
    let params = knowing(json!({ "taskId": task["taskId"], "inputResponses": {} }));
    modern.result("tasks/update", &params);
    assert_eq!(standing(&modern, &task)["status"], "working");
    cancel(&task);
    cancel(&task);
    assert_eq!(standing(&modern, &task)["status"], "cancelled");
    let id = task["taskId"].as_str().unwrap();
    assert_ne!(ann.decide(&gate, id, "approve").status, 200);
    let said = modern.call(GET, &json!({ "id": id }));
    assert_eq!(said["mayProceed"], false);

    let task = call(&modern, ASK, &payment("9", 45));
    let id = task["taskId"].as_str().unwrap();
    assert_eq!(ann.decide(&gate, id, "refuse").status, 200);
    cancel(&task);
    assert_eq!(standing(&modern, &task)["status"], "completed");
}

#[test]
fn a_task_is_nobody_elses_and_needs_a_client_that_knows_tasks() {
    let gate = Gate::new(RULES);
    let _ann = gate.person("ann", "finance");
    let [legacy, modern] = agents(&gate, &gate.key("agent", "create", None));
    let other = Agent {
        key: format!("Bearer {}", gate.key("other", "create", None)),
        version: MODERN,
        gate: &gate,
    };
    let reader = Agent {
        key: format!("Bearer {}", gate.key("reader", "create,read", None)),
        version: MODERN,
        gate: &gate,
    };
    let task = call(&modern, ASK, &payment("9", 45));
    let named = json!({ "taskId": task["taskId"] });
    let error = |agent: &Agent<'_>, method: &str, params: &Value| {
        let reply = agent.ask(method, params);
        (reply.status, answer(&reply)["error"]["code"].clone())
    };
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let missing = error(&modern, method, &named);
        assert_eq!(missing, (400, json!(-32021)), "{method}");
        let foreign = error(&other, method, &knowing(named.clone()));
        assert_eq!(foreign, (400, json!(-32602)), "{method}");
        for id in ["x", "00000000-0000-4000-8000-000000000000"] {
            let params = knowing(json!({ "taskId": id }));
            assert_eq!(
                error(&modern, method, &params),
                (400, json!(-32602)),
                "{id}"
            );
        }
        // The other era has none.
        let unknown = error(&legacy, method, &knowing(named.clone()));
        assert_eq!(unknown, (200, json!(-32601)), "{method}");
        // The header names another task.
        let body = modern.body(method, &knowing(named.clone()));
        let mut headers = modern.headers(&body);
        headers.retain(|(name, _)| *name != "mcp-name");
        headers.push(("mcp-name", "another"));
        let text = body.to_string();
        let reply = gate.send("POST", "/mcp", &headers, Some(text.as_bytes()));
        assert_eq!(answer(&reply)["error"]["code"], -32020, "{method}");
    }
    // Reading all requests is no right to take one back.
    let read = reader.result("tasks/get", &knowing(named.clone()));
    assert_eq!(read["status"], "working");
    let taken = error(&reader, "tasks/cancel", &knowing(named));
    assert_eq!(taken, (400, json!(-32602)));
    assert_eq!(standing(&modern, &task)["status"], "working");
    let missing = answer(&modern.ask("tasks/get", &json!({ "taskId": task["taskId"] })));
    assert_eq!(
        missing["error"]["data"]["requiredCapabilities"]["extensions"],
        json!({ "io.modelcontextprotocol/tasks": {} })
    );
}
