//! The Inspector of MCP, as its users call it from a shell.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{THINKS, TOOLS, decided, made, node};
use crate::harness::{Gate, RULES};

/// What the Inspector ends with if the server wants another key.
const AUTH_REQUIRED: i32 = 3;

/// The Inspector with one key, in one of its modes.
struct Inspector {
    url: String,
    key: String,
    era: &'static str,
    /// Where it keeps what it learns of servers: nothing of the user's is to be read or changed.
    home: TempDir,
}

impl Inspector {
    fn run(&self, words: &[&str]) -> Output {
        let mut command: Command = node("mcp-inspector");
        command
            .args(["--cli", &self.url, "--transport", "http"])
            .args(["--protocol-era", self.era])
            .args(["--header", &format!("Authorization: Bearer {}", self.key)])
            // Nobody is there who could sign in at a page.
            .args(["--format", "json", "--quiet", "--stored-auth-only"])
            .args(words)
            .env("HOME", self.home.path())
            .env("MCP_INSPECTOR_SECRET_STORE", "memory")
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    fn result(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        said["result"].clone()
    }
}

#[test]
#[ignore = "needs programs from the index of Node: cargo xtask interop mcp"]
fn the_inspector_waits_for_somebody_who_takes_five_seconds() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    for era in ["legacy", "auto", "modern"] {
        let name = format!("inspector-{era}");
        let key = gate.key(&name, "create,read", None);
        let inspector = inspector(&gate, &key, era);
        // It ends otherwise if a schema has an error in it.
        let listed = inspector.result(&["--method", "tools/list", "--strict"]);
        let tools = listed["tools"].as_array().unwrap().iter();
        let mut tools: Vec<&str> = tools.map(|tool| tool["name"].as_str().unwrap()).collect();
        tools.sort_unstable();
        assert_eq!(tools, TOOLS, "{era}");

        for (amount, decision, status) in
            [("1", "approve", "approved"), ("2", "refuse", "rejected")]
        {
            let begin = Instant::now();
            let result = decided(&gate, &ann, (&name, &key), decision, || {
                inspector.result(&request(amount).each_ref().map(String::as_str))
            });
            assert!(begin.elapsed() >= Duration::from_secs(THINKS), "{era}");
            assert_eq!(result["isError"], false, "{era}: {result}");
            let found = &result["structuredContent"];
            assert_eq!(found["status"], status, "{era}: {result}");
            assert_eq!(found["mayProceed"], status == "approved", "{era}");
            assert_eq!(found["decidedBy"], json!(["ann"]), "{era}");
        }
        assert_eq!(made(&gate, &name, &key).len(), 2, "{era}: no request twice");
        println!("the Inspector, {era}: asked and told twice");
    }
}

#[test]
#[ignore = "needs programs from the index of Node: cargo xtask interop mcp"]
fn the_inspector_says_no_more_of_a_wrong_key_than_that_it_is_wrong() {
    let gate = Gate::new(RULES);
    let key = gate.key("agent", "create,read", None);
    let list = ["--method", "tools/list"].map(str::to_owned);
    for era in ["legacy", "auto", "modern"] {
        let inspector = inspector(&gate, &format!("{key}0"), era);
        for words in [&list[..], &request("1")] {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = inspector.run(&words);
            assert_eq!(output.status.code(), Some(AUTH_REQUIRED), "{output:?}");
            assert!(output.stdout.is_empty(), "{output:?}");
            let said: Value = serde_json::from_slice(&output.stderr).unwrap();
            assert_eq!(said["error"]["code"], "auth_required", "{said}");
        }
    }
    assert!(made(&gate, "agent", &key).is_empty());
}

fn inspector(gate: &Gate, key: &str, era: &'static str) -> Inspector {
    Inspector {
        url: format!("{}/mcp", gate.origin()),
        key: key.to_owned(),
        era,
        home: tempfile::tempdir().unwrap(),
    }
}

/// The words that ask for a payment.
fn request(amount: &str) -> [String; 6] {
    let arguments = json!({ "action": "payment.send", "payload": { "amount": amount } });
    [
        "--method",
        "tools/call",
        "--tool-name",
        "request_human_approval",
        "--tool-args-json",
        &arguments.to_string(),
    ]
    .map(str::to_owned)
}
