//! `/mcp`, as clients use it that others wrote: the SDKs that most agents are made with, the
//! Inspector, and the conformance suite.

mod conformance;
mod inspector;
mod rust;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Gate, Person, RULES};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

const TOOLS: [&str; 2] = ["get_approval", "request_human_approval"];

/// How long somebody takes where nothing else is said, in seconds.
const THINKS: u64 = 5;

/// A client that others wrote, as a program that asks twice.
struct Client {
    name: String,
    command: Command,
    /// The version of the protocol that it speaks.
    version: &'static str,
}

/// The SDKs of Python and TypeScript, in each of their modes. `cargo xtask interop mcp` installs
/// them.
fn installed() -> Vec<Client> {
    let (folder, sources) = (folder(), sources());
    // Packages of Node are looked for beside the program.
    let node = folder.join("agent.mjs");
    std::fs::copy(sources.join("agent.mjs"), &node).unwrap();
    let python = |version: &str| folder.join(version).join("bin/python");
    let script = sources.join("agent.py");
    let clients = [
        (python("mcp-1"), &script, "mcp-1", "initialize"),
        (python("mcp-2"), &script, "mcp-2", "auto"),
        (python("mcp-2"), &script, "mcp-2", "legacy"),
        ("node".into(), &node, "node", "initialize"),
        ("node".into(), &node, "node", "auto"),
        ("node".into(), &node, "node", "legacy"),
    ];
    let client = |(program, script, runtime, mode): (PathBuf, _, _, _)| {
        let mut command = Command::new(program);
        command.arg(script).env("MODE", mode);
        Client {
            name: format!("{runtime}-{mode}"),
            command,
            version: if mode == "auto" { MODERN } else { LEGACY },
        }
    };
    clients.map(client).into()
}

/// Where `cargo xtask interop mcp` has installed what others wrote.
fn folder() -> PathBuf {
    let folder = std::env::var_os("COSIGNET_MCP_CLIENTS");
    PathBuf::from(folder.expect("`cargo xtask interop mcp` runs this"))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp-clients")
}

/// The programs of the lock file.
fn programs() -> PathBuf {
    folder().join("programs/node_modules/.bin")
}

/// A program of the lock file.
fn node(program: &str) -> Command {
    run_by_node(&programs().join(program))
}

/// A script of ours.
fn script(name: &str) -> Command {
    run_by_node(&sources().join(name))
}

/// The Node of the lock file, unless that has none for this machine: the programs need a newer one
/// than many machines have.
fn run_by_node(script: &Path) -> Command {
    let own = programs().join("node");
    let mut command = match own.exists() {
        true => Command::new(own),
        false => Command::new("node"),
    };
    command.arg(script);
    command
}

/// The SDK of Rust: [`agent`] in a process of its own, as the others.
fn of_rust() -> Vec<Client> {
    let client = |(mode, version)| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let agent = ["--ignored", "--exact", "mcp_clients::rust::agent"];
        command.args(agent).arg("--nocapture").env("MODE", mode);
        Client {
            name: format!("rmcp-{mode}"),
            command,
            version,
        }
    };
    [
        ("initialize", LEGACY),
        ("discover", MODERN),
        ("auto", MODERN),
    ]
    .map(client)
    .into()
}

#[test]
fn the_client_of_rust_is_told_what_somebody_decided() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    for client in of_rust() {
        ask(client, &gate, &ann, [1, 1]);
    }
}

#[test]
#[ignore = "needs clients from the indexes of Python and Node: cargo xtask interop mcp"]
fn clients_of_others_wait_for_somebody_who_takes_five_seconds() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    for client in installed().into_iter().chain(of_rust()) {
        println!("{}", client.name);
        for answer in ask(client, &gate, &ann, [5, 5]) {
            assert_eq!(answer["calls"], 1, "{answer}");
            let signs = answer["signs"].as_array().unwrap();
            assert!(signs.len() >= 4, "{answer}");
        }
    }
}

/// All at once: nobody of them does anything while the person thinks.
#[test]
#[ignore = "needs clients from the indexes of Python and Node: cargo xtask interop mcp"]
fn clients_of_others_wait_for_somebody_who_takes_seventy_seconds_and_then_six_minutes() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    std::thread::scope(|scope| {
        for client in installed().into_iter().chain(of_rust()) {
            let (gate, ann) = (&gate, &ann);
            scope.spawn(move || {
                let name = client.name.clone();
                let answers = ask(client, gate, ann, [70, 360]);
                // 45 seconds a call, if the agent asks for no other time.
                for (answer, least) in answers.iter().zip([2, 8]) {
                    let calls = answer["calls"].as_u64().unwrap();
                    println!("{name}: decided after {calls} calls");
                    assert!((least..=least + 3).contains(&calls), "{name}: {answer}");
                }
            });
        }
    });
}

/// Runs a client that asks twice, and somebody who approves the first request and refuses the
/// second, each so many seconds after it was made. Returns the two answers, looked through.
fn ask(client: Client, gate: &Gate, ann: &Person, thinks: [u64; 2]) -> [Value; 2] {
    let Client {
        name,
        mut command,
        version,
    } = client;
    let name = name.as_str();
    let key = gate.key(name, "create,read", None);
    command
        .env("URL", format!("{}/mcp", gate.origin()))
        .env("KEY", &key);
    let said = talk(name, &mut command, gate, ann, &key, thinks);
    let Ok([hello, approved, refused]) = <[Value; 3]>::try_from(said.clone()) else {
        panic!("{name}: {said:?}");
    };
    assert_eq!(hello["tools"], json!(TOOLS), "{name}");
    assert_eq!(hello["version"], version, "{name}");
    assert_eq!(made(gate, name, &key).len(), 2, "{name}: no request twice");
    for (answer, status) in [(&approved, "approved"), (&refused, "rejected")] {
        let result = &answer["result"];
        assert_ne!(result["isError"], true, "{name}: {answer}");
        let found = &result["structuredContent"];
        assert_eq!(found["status"], status, "{name}: {answer}");
        assert_eq!(found["mayProceed"], status == "approved", "{name}");
        assert_eq!(found["decidedBy"], json!(["ann"]), "{name}");
    }
    [approved, refused]
}

/// The lines that a client printed.
fn talk(
    name: &str,
    command: &mut Command,
    gate: &Gate,
    ann: &Person,
    key: &str,
    thinks: [u64; 2],
) -> Vec<Value> {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let said = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // Beside them a test says that it runs.
            let lines = lines.map(Result::unwrap);
            let lines = lines.filter(|line| line.starts_with('{'));
            let values = lines.map(|line| serde_json::from_str(&line).unwrap());
            values.collect::<Vec<Value>>()
        });
        for (count, (decision, seconds)) in
            ["approve", "refuse"].into_iter().zip(thinks).enumerate()
        {
            let id = loop {
                if let Some(id) = made(gate, name, key).get(count) {
                    break id.clone();
                }
                if reader.is_finished() {
                    return reader.join().unwrap();
                }
                std::thread::sleep(Duration::from_millis(100));
            };
            std::thread::sleep(Duration::from_secs(seconds));
            let decided = ann.decide(gate, &id, decision);
            assert_eq!(decided.status, 200, "{decided:?}");
        }
        reader.join().unwrap()
    });
    assert!(process.wait().unwrap().success());
    said
}

/// Does something while somebody decides so whatever is asked with a key, each time [`THINKS`]
/// seconds after it was.
fn decided<T: Send>(
    gate: &Gate,
    ann: &Person,
    (name, key): (&str, &str),
    decision: &str,
    work: impl FnOnce() -> T + Send,
) -> T {
    let before = made(gate, name, key).len();
    std::thread::scope(|scope| {
        let work = scope.spawn(work);
        let mut seen = before;
        while !work.is_finished() {
            for id in made(gate, name, key).split_off(seen) {
                seen += 1;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_secs(THINKS));
                    let found = gate.get(&format!("/api/confirmations/{id}"), key).json();
                    // Unless it was taken back meanwhile.
                    if found["status"] == "pending" {
                        let decided = ann.decide(gate, &id, decision);
                        assert_eq!(decided.status, 200, "{decided:?}");
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        work.join().unwrap()
    })
}

/// The requests that a key of this name has made so far.
fn made(gate: &Gate, name: &str, key: &str) -> Vec<String> {
    let events = gate.get("/export", key).text;
    let events = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let made = events
        .filter(|event| event["kind"] == "request.created" && event["event"]["requester"] == name);
    made.map(|event| event["event"]["request"].as_str().unwrap().to_owned())
        .collect()
}
