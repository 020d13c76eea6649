//! A gate of its own for each test, with its log, in a folder that goes away.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cosignet-gate");

/// How long a gate may take to start, and a signature to reach the log.
const PATIENCE: Duration = Duration::from_secs(30);

const RULES: &str = r#"
[[rule]]
name = "two of finance"
action = "pay.large"
approve = [{ group = "finance", at_least = 2 }]
[[rule]]
name = "one of finance"
action = "pay.*"
approve = [{ group = "finance", at_least = 1 }]
"#;

pub(crate) struct Server {
    pub(crate) origin: String,
    key: String,
    folder: TempDir,
    process: Option<Child>,
}

impl Server {
    /// Waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        // Passkeys belong to names.
        let mut server = Self {
            origin: format!("http://localhost:{port}"),
            key: String::new(),
            folder,
            process: None,
        };
        server.print(&["init", "--origin", "gate.test/log"]);
        fs::write(server.data().join("rules.toml"), RULES).unwrap();
        let mut command = server.command(&["serve", "--url", &server.origin]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        server.process = Some(command.spawn().unwrap());
        let start = Instant::now();
        while ureq::get(format!("{}/readyz", server.origin))
            .call()
            .is_err()
        {
            assert!(start.elapsed() < PATIENCE, "the gate does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        let key = [
            "key",
            "create",
            "--name",
            "agent-7",
            "--right",
            "create,read,claim",
        ];
        server.key = server.print(&key);
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("gate")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).arg("--data").arg(self.data());
        command
    }

    pub(crate) fn print(&self, args: &[&str]) -> String {
        print(self.command(args))
    }

    /// A link with which somebody of finance makes a passkey.
    pub(crate) fn invite(&self, name: &str) -> String {
        let text = self.print(&["invite", name, "--group", "finance"]);
        text.lines().next().unwrap().to_owned()
    }

    /// Asks for an approval; the id of the request.
    pub(crate) fn ask(&self, action: &str, payload: &Value) -> String {
        let body = json!({ "action": action, "payload": payload }).to_string();
        let answer = ureq::post(format!("{}/api/confirmations", self.origin))
            .header("content-type", "application/json")
            .header("x-api-key", &self.key)
            .config()
            .http_status_as_error(false)
            .build()
            .send(body.as_bytes());
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let id = answer["id"].as_str();
        id.unwrap_or_else(|| panic!("refused: {text}")).to_owned()
    }

    pub(crate) fn cancel(&self, id: &str) {
        let url = format!("{}/api/confirmations/{id}/cancel", self.origin);
        let answer = ureq::post(url).header("x-api-key", &self.key).send_empty();
        answer.unwrap();
    }

    /// What the requester is told.
    pub(crate) fn look(&self, id: &str) -> Value {
        let answer = ureq::get(format!("{}/api/confirmations/{id}", self.origin))
            .header("x-api-key", &self.key)
            .call();
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the requester is told this.
    pub(crate) fn comes_to(&self, id: &str, status: &str) -> Value {
        let start = Instant::now();
        loop {
            let seen = self.look(id);
            if seen["status"] == status {
                return seen;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not become {status}: {seen}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn page(&self, id: &str) -> String {
        format!("{}/a/{id}", self.origin)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

fn print(mut command: Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
