//! `/mcp`, as clients use it that others wrote: the SDKs that most agents are made with.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Gate, Person, RULES};

const TOOLS: [&str; 2] = ["get_approval", "request_human_approval"];

/// Where `cargo xtask interop` has installed the clients.
fn installed() -> PathBuf {
    let folder = std::env::var_os("COSIGNET_MCP_CLIENTS");
    folder.expect("`cargo xtask interop mcp` runs this").into()
}

#[test]
#[ignore = "needs clients from the indexes of Python and Node: cargo xtask interop mcp"]
fn clients_of_others_wait_for_somebody_who_takes_five_seconds() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let key = gate.key("agent", "create,read", None);
    let folder = installed();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp-clients");
    // Packages of Node are looked for beside the program.
    let node = folder.join("agent.mjs");
    std::fs::copy(sources.join("agent.mjs"), &node).unwrap();
    let python = |version: &str| folder.join(version).join("bin/python");
    let script = sources.join("agent.py");
    for (program, script, mode, version) in [
        (python("mcp-1"), &script, "initialize", "2025-11-25"),
        (python("mcp-2"), &script, "auto", "2026-07-28"),
        (python("mcp-2"), &script, "legacy", "2025-11-25"),
        ("node".into(), &node, "initialize", "2025-11-25"),
        ("node".into(), &node, "auto", "2026-07-28"),
        ("node".into(), &node, "legacy", "2025-11-25"),
    ] {
        let name = format!("{} {mode}", program.display());
        println!("{name}");
        let mut command = Command::new(&program);
        command
            .arg(script)
            .arg(format!("{}/mcp", gate.origin()))
            .args([&key, mode]);
        let said = talk(&mut command, &gate, &ann, &key);
        let [hello, approved, refused] = &said[..] else {
            panic!("{name}: {said:?}");
        };
        assert_eq!(hello["tools"], json!(TOOLS), "{name}");
        assert_eq!(hello["version"], version, "{name}");
        for (answer, status) in [(approved, "approved"), (refused, "rejected")] {
            let result = &answer["result"];
            assert_ne!(result["isError"], true, "{name}: {answer}");
            let found = &result["structuredContent"];
            assert_eq!(found["status"], status, "{name}: {answer}");
            assert_eq!(found["mayProceed"], status == "approved", "{name}");
            assert_eq!(found["decidedBy"], json!(["ann"]), "{name}");
            let signs = answer["signs"].as_array().unwrap();
            assert!(signs.len() >= 4, "{name}: {answer}");
        }
    }
}

/// Runs a client; five seconds after each of its requests somebody decides it: approves the first,
/// refuses the second. Returns what it printed.
fn talk(command: &mut Command, gate: &Gate, ann: &Person, key: &str) -> Vec<Value> {
    let before = made(gate, key).len();
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let said = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let lines = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
            lines.collect::<Vec<Value>>()
        });
        for (count, decision) in ["approve", "refuse"].into_iter().enumerate() {
            let id = loop {
                if let Some(id) = made(gate, key).get(before + count) {
                    break id.clone();
                }
                if reader.is_finished() {
                    return reader.join().unwrap();
                }
                std::thread::sleep(Duration::from_millis(100));
            };
            std::thread::sleep(Duration::from_secs(5));
            let decided = ann.decide(gate, &id, decision);
            assert_eq!(decided.status, 200, "{decided:?}");
        }
        reader.join().unwrap()
    });
    assert!(process.wait().unwrap().success());
    said
}

/// The requests that were made so far.
fn made(gate: &Gate, key: &str) -> Vec<String> {
    let events = gate.get("/export", key).text;
    let events = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let made = events.filter(|event| event["kind"] == "request.created");
    made.map(|event| event["event"]["request"].as_str().unwrap().to_owned())
        .collect()
}
