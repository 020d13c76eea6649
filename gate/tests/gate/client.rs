//! `cosignet gate` against a gate: what it does, and above all what it does not do.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Gate, Person, RULES, program};

const PAYLOAD: &str = "{ \"to\": \"Acme GmbH\",\n  \"amount\": \"25.00\" }\n";
const CANONICAL: &str = r#"{"amount":"25.00","to":"Acme GmbH"}"#;

/// A gate, somebody who decides, and the files of a caller.
struct Caller {
    gate: Gate,
    ann: Person,
    folder: TempDir,
}

impl Caller {
    fn new() -> Self {
        let gate = Gate::new(RULES);
        let ann = gate.person("ann", "finance");
        let folder = tempfile::tempdir().unwrap();
        let caller = Self { gate, ann, folder };
        // The rule names the key that may claim.
        caller.write("key", &caller.gate.key("agent", "create", None));
        caller.write("claim-key", &caller.gate.key("executor", "claim", None));
        caller.write("payload.json", PAYLOAD);
        let policy = caller.gate.succeed(&["policy", "--rule", "payments"]);
        caller.write("policy.toml", &policy);
        caller
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// `cosignet gate` in the caller's folder.
    fn spawn(&self, command: &str, words: &[&str]) -> Child {
        program("cosignet")
            .args(["gate", command])
            .args(["--gate", &self.gate.origin(), "--key-file", "key"])
            .args(["--claim-key-file", "claim-key", "--patience", "2s"])
            .args(words)
            .current_dir(self.folder.path())
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// `cosignet gate run`, and the id of the request that it makes.
    fn run(&self, more: &[&str], script: &str) -> (Child, String) {
        let words = ["--policy", "policy.toml", "--action", "payment.send"];
        let words = [&words[..], &["--payload", "payload.json"], more];
        let words = [&words.concat()[..], &["--", "sh", "-c", script]].concat();
        let mut child = self.spawn("run", &words);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        // The link may be broken into lines, and nothing else is said before it.
        while !said.contains("/a/") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let id = said.split("/a/").nth(1).unwrap()[..36].to_owned();
        child.stderr = Some(stderr.into_inner());
        (child, id)
    }
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const ACT: &str = r#"cat > stdin; cat "$COSIGNET_PAYLOAD_FILE" > file; echo "$COSIGNET_REQUEST_ID" >> ids; exit 7"#;

#[test]
fn an_approved_command_runs_once_with_the_approved_bytes() {
    let caller = Caller::new();
    let (child, id) = caller.run(&[], ACT);
    assert_eq!(caller.read("ids"), None, "nobody has decided");
    assert_eq!(caller.ann.decide(&caller.gate, &id, "approve").status, 200);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(7), "{}", said(&output));
    assert_eq!(caller.read("stdin").as_deref(), Some(CANONICAL));
    assert_eq!(caller.read("file").as_deref(), Some(CANONICAL));
    assert_eq!(caller.read("ids"), Some(format!("{id}\n")));
    // The gate knows what came of it, and the file is gone.
    let key = caller.read("key").unwrap();
    let seen = caller.gate.get(&format!("/api/confirmations/{id}"), &key);
    assert_eq!(seen.json()["outcome"], "failed");
    assert_eq!(caller.read(&format!("cosignet-payload-{id}.json")), None);
}

#[test]
fn a_refused_command_does_not_run() {
    let caller = Caller::new();
    let (child, id) = caller.run(&[], ACT);
    assert_eq!(caller.ann.decide(&caller.gate, &id, "refuse").status, 200);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(10));
    assert!(
        said(&output).contains("denied.refused"),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("ann refused"), "{}", said(&output));
    assert_eq!(caller.read("ids"), None);
}

#[test]
fn under_another_policy_it_does_not_run() {
    let caller = Caller::new();
    let other = Gate::new(RULES);
    other.person("ann", "finance");
    let policy = other.succeed(&["policy", "--rule", "payments"]);
    caller.write("policy.toml", &policy);
    let (child, id) = caller.run(&["--format", "json"], ACT);
    assert_eq!(caller.ann.decide(&caller.gate, &id, "approve").status, 200);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(13), "{}", said(&output));
    assert!(said(&output).contains("denied.not_verified"));
    assert_eq!(caller.read("ids"), None);
}

#[test]
fn a_gate_that_goes_away_ends_in_twelve_and_no_rule_in_thirteen() {
    let caller = Caller::new();
    let words = ["--policy", "policy.toml", "--payload", "payload.json"];
    let act = ["--", "sh", "-c", ACT];
    let run = |caller: &Caller, action: &str| {
        let words = [&words[..], &["--action", action], &act].concat();
        caller.spawn("run", &words).wait_with_output().unwrap()
    };
    let output = run(&caller, "list.delete");
    assert_eq!(code(&output), Some(13));
    assert!(
        said(&output).contains("denied.no_rule"),
        "{}",
        said(&output)
    );
    caller.write("payload.json", r#"{"amount":25.00}"#);
    let output = run(&caller, "payment.send");
    assert_eq!(code(&output), Some(2));
    assert!(
        said(&output).contains("denied.invalid"),
        "{}",
        said(&output)
    );
    caller.write("payload.json", PAYLOAD);
    caller.gate.kill();
    let output = run(&caller, "payment.send");
    assert_eq!(code(&output), Some(12), "{}", said(&output));
    assert_eq!(caller.read("ids"), None);
}

#[test]
fn nobody_decides_and_it_ends_in_eleven() {
    let caller = Caller::new();
    let (child, _) = caller.run(&["--expires-in", "10s"], ACT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(11), "{}", said(&output));
    assert_eq!(caller.read("ids"), None);
}

#[test]
fn after_a_crash_the_same_operation_does_not_act_again() {
    let caller = Caller::new();
    let memory = ["--journal", "journal", "--operation", "invoice-4711"];
    // The act never ends; the program that waits for it is killed.
    let act = "echo x >> acts; exec sleep 60 <&- >&- 2>&-";
    let (mut child, id) = caller.run(&memory, act);
    assert_eq!(caller.ann.decide(&caller.gate, &id, "approve").status, 200);
    while caller.read("acts").is_none() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = caller.read("journal").unwrap();
    let line: Value = serde_json::from_str(journal.trim()).unwrap();
    assert_eq!(line["event"], "claimed");
    assert_eq!(line["operation"], "invoice-4711");
    assert_eq!(line["requestId"], json!(id));

    let words = ["--policy", "policy.toml", "--action", "payment.send"];
    let words = [&words[..], &["--payload", "payload.json"], &memory].concat();
    let words = [&words[..], &["--", "sh", "-c", act]].concat();
    let output = caller.spawn("run", &words).wait_with_output().unwrap();
    assert_eq!(code(&output), Some(13));
    let text = said(&output);
    assert!(text.contains("denied.outcome_unknown"), "{text}");
    assert!(text.contains("unknown"), "{text}");
    assert_eq!(caller.read("acts").as_deref(), Some("x\n"));
    assert_eq!(caller.read("journal").as_deref(), Some(&*journal));
}

#[test]
fn a_run_that_was_killed_before_the_decision_is_taken_up_again() {
    let caller = Caller::new();
    let memory = ["--journal", "journal", "--operation", "invoice-4712"];
    let (mut child, id) = caller.run(&memory, ACT);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(caller.ann.decide(&caller.gate, &id, "approve").status, 200);
    let (child, again) = caller.run(&memory, ACT);
    assert_eq!(again, id, "the same request");
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(7), "{}", said(&output));
    assert_eq!(caller.read("ids"), Some(format!("{id}\n")));
    let journal = caller.read("journal").unwrap();
    let events: Vec<Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "claimed");
    assert_eq!(events[1]["event"], "failed");
}

#[test]
fn in_steps_a_shell_gets_the_bytes_once() {
    let caller = Caller::new();
    let ask = ["--action", "payment.send", "--payload", "payload.json"];
    let mut child = caller.spawn("request", &ask);
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    let id = stdout.lines().next().unwrap().to_owned();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(caller.ann.decide(&caller.gate, &id, "approve").status, 200);
    let wait = caller.spawn("wait", &["--payload", "payload.json", &id]);
    assert_eq!(code(&wait.wait_with_output().unwrap()), Some(0));
    let claim = || {
        let words = [&ask[..], &["--policy", "policy.toml", &id]].concat();
        caller.spawn("claim", &words).wait_with_output().unwrap()
    };
    let first = claim();
    assert_eq!(code(&first), Some(0), "{}", said(&first));
    assert_eq!(first.stdout, CANONICAL.as_bytes());
    let second = claim();
    assert_eq!(code(&second), Some(13));
    assert!(said(&second).contains("denied.claim_taken"));
    assert!(second.stdout.is_empty());
}
