//! A gate in a directory of its own, people with passkeys, and programs with keys.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_vectors::encoding::{b64url, from_b64url, sha256};
use test_vectors::passkey::{Algorithm, Passkey};
use test_vectors::{Ceremony, Registration};

/// Two people for what is large, one for what is not, nobody for anything else.
pub(crate) const RULES: &str = r#"
[[rule]]
name = "large payments"
action = "payment.*"
where = [{ at = "/amount", ge = "1000" }]
approve = [{ group = "finance", at_least = 1 }, { group = "board", at_least = 1 }]
expires = "10m"
claim_within = "10m"

[[rule]]
name = "payments"
action = "payment.*"
where = [{ at = "/amount", lt = "1000" }]
approve = [{ group = "finance", at_least = 1 }]
expires = "10m"
claimers = ["executor"]

[[rule]]
name = "quick"
action = "quick"
approve = [{ group = "finance", at_least = 2 }]
expires = "10s"
claim_within = "10s"
"#;

pub(crate) fn program(name: &str) -> Command {
    // The programs of the workspace lie beside each other.
    let path = PathBuf::from(env!("CARGO_BIN_EXE_cosignet-gate")).with_file_name(name);
    assert!(
        path.exists(),
        "there is no {name}: run `cargo build --workspace` first"
    );
    let mut command = Command::new(path);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("COSIGNET_")) {
        command.env_remove(key);
    }
    command
}

/// A gate's directory, and the process that serves it.
pub(crate) struct Gate {
    folder: TempDir,
    pub(crate) port: u16,
    /// The port that browsers believe in: that of the proxy, if there is one.
    front: u16,
    /// The database, if it is not a file.
    store: Option<String>,
    pub(crate) vkey: String,
    process: Mutex<Option<Child>>,
    agent: ureq::Agent,
}

impl Gate {
    /// A new gate with these rules, served.
    pub(crate) fn new(rules: &str) -> Self {
        Self::created().served(rules)
    }

    /// The same, behind a proxy at this port.
    pub(crate) fn behind(front: u16, rules: &str) -> Self {
        let mut gate = Self::created();
        gate.front = front;
        gate.served(rules)
    }

    fn served(mut self, rules: &str) -> Self {
        std::fs::write(self.data().join("rules.toml"), rules).unwrap();
        self.serve(&[]);
        self
    }

    /// A new gate that has never been served.
    pub(crate) fn created() -> Self {
        let mut gate = Self::empty();
        gate.vkey = gate.succeed(&["init", "--origin", "gate.example/log"]);
        gate
    }

    /// The same, with a log elsewhere.
    pub(crate) fn beside(log: &Log, rules: &str) -> Self {
        Self::on_the_way(log, log.port, rules)
    }

    /// The same, and the log is reached at another port than its own.
    pub(crate) fn on_the_way(log: &Log, port: u16, rules: &str) -> Self {
        let mut gate = Self::empty();
        gate.vkey.clone_from(&log.vkey);
        gate.succeed(&["init", "--no-log"]);
        std::fs::write(gate.data().join("rules.toml"), rules).unwrap();
        let token = gate.data().join("token");
        std::fs::write(&token, &log.token).unwrap();
        gate.serve_on_the_way(port);
        gate
    }

    /// A process of a gate that is kept in a database, behind the same proxy as another one.
    pub(crate) fn sharing(store: &str, first: Option<&Self>, log: &Log, rules: &str) -> Self {
        let mut gate = Self::empty();
        gate.store = Some(store.to_owned());
        gate.vkey.clone_from(&log.vkey);
        match first {
            None => {
                gate.succeed(&["init", "--no-log"]);
            }
            Some(first) => {
                gate.front = first.front;
                std::fs::create_dir(gate.data()).unwrap();
            }
        }
        std::fs::write(gate.data().join("rules.toml"), rules).unwrap();
        std::fs::write(gate.data().join("token"), &log.token).unwrap();
        gate
    }

    /// Starts the process, with the log elsewhere.
    pub(crate) fn serve_beside(&mut self, log: &Log) {
        self.serve_on_the_way(log.port);
    }

    fn serve_on_the_way(&mut self, port: u16) {
        self.serve_at(port, &[]);
    }

    /// Starts the process, with the log at this port, and with these arguments.
    pub(crate) fn serve_at(&mut self, port: u16, more: &[&str]) {
        let url = format!("http://127.0.0.1:{port}");
        let token = self.data().join("token").display().to_string();
        // As many open requests as a quick machine makes.
        let open = ["--open-per-key", "1000000"];
        let log = ["--log", &url, "--log-token", &token];
        self.serve(&[&log[..], &open, more].concat());
    }

    fn empty() -> Self {
        let port = free_port();
        Self {
            folder: tempfile::tempdir().unwrap(),
            port,
            front: port,
            store: None,
            vkey: String::new(),
            process: Mutex::default(),
            agent: agent(),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("gate")
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.front)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut command = program("cosignet-gate");
        command.args(args).env("COSIGNET_GATE_DATA", self.data());
        command.envs(
            self.store
                .iter()
                .map(|store| ("COSIGNET_GATE_STORE", store)),
        );
        command.output().unwrap()
    }

    pub(crate) fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Starts the process; returns when it serves.
    pub(crate) fn serve(&mut self, more: &[&str]) {
        let mut process = program("cosignet-gate")
            .args(["serve", "--url", &self.origin()])
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--requests-per-second", "100000", "--keep-alive", "1"])
            .args(more)
            .env("COSIGNET_GATE_DATA", self.data())
            .envs(
                self.store
                    .iter()
                    .map(|store| ("COSIGNET_GATE_STORE", store)),
            )
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        self.process = Mutex::new(Some(process));
        // Connections to the process before it are gone.
        self.agent = agent();
        let mut said = String::new();
        while stderr.read_line(&mut said).unwrap() > 0 {
            if said.contains(" serving ") {
                // Read on, or the process blocks on a full pipe.
                std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
                return;
            }
        }
        panic!("the gate does not start: {said}");
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A key with these rights.
    pub(crate) fn key(&self, name: &str, rights: &str, owner: Option<&str>) -> String {
        let mut args = vec!["key", "create", "--name", name, "--right", rights];
        if let Some(owner) = owner {
            args.extend(["--owner", owner]);
        }
        self.succeed(&args)
    }

    /// Somebody with a new passkey.
    pub(crate) fn person(&self, name: &str, groups: &str) -> Person {
        let said = self.succeed(&["invite", name, "--group", groups]);
        let link = said.lines().next().unwrap().to_owned();
        let (page, token) = link.split_once('#').unwrap();
        assert_eq!(page, format!("{}/enrol", self.origin()));
        let passkey = Passkey::new(Algorithm::Es256, name);
        let options = self.post("/enrol/options", &json!({ "token": token }));
        assert_eq!(options.status, 200, "{options:?}");
        let challenge = from_b64url(options.json()["publicKey"]["challenge"].as_str().unwrap());
        let made = Registration::new("localhost", &self.origin(), &challenge, &passkey);
        let body = json!({ "token": token, "credential": made.json() });
        let enrolled = self.post("/enrol/finish", &body);
        assert_eq!(enrolled.status, 200, "{enrolled:?}");
        let hash = b64url(&sha256(&passkey.public_key));
        assert_eq!(enrolled.json()["fingerprint"], format!("SHA256:{hash}"));
        Person { passkey }
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// The answer, unless the process dies before it is whole.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body).unwrap())
            }
        };
        let mut response = response?;
        let reply = Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.body_mut().read_to_string()?,
        };
        crate::openapi::conform(method, path, body, &reply);
        Ok(reply)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn get(&self, path: &str, key: &str) -> Reply {
        self.send("GET", path, &[("x-api-key", key)], None)
    }

    /// `POST` with a key, and an Idempotency-Key if it is not empty.
    pub(crate) fn call(&self, path: &str, key: &str, operation: &str, body: &Value) -> Reply {
        let mut headers = vec![("x-api-key", key)];
        if !operation.is_empty() {
            headers.push(("idempotency-key", operation));
        }
        self.send("POST", path, &headers, Some(body.to_string().as_bytes()))
    }

    /// A request, and its id.
    pub(crate) fn ask(&self, key: &str, action: &str, payload: &Value) -> String {
        let body = json!({ "action": action, "payload": payload });
        let made = self.call("/api/confirmations", key, "", &body);
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a request is decided.
    pub(crate) fn wait(&self, key: &str, id: &str) -> Value {
        let reply = self.get(&format!("/api/confirmations/{id}?wait=50"), key);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

/// A log in a process of its own.
pub(crate) struct Log {
    folder: TempDir,
    pub(crate) port: u16,
    pub(crate) vkey: String,
    pub(crate) token: String,
    process: Option<Child>,
}

impl Log {
    /// A new log for gates at this port, not served yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("log").display().to_string();
        let run = |args: &[&str]| {
            let output = program("cosignet-log").args(args).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        Self {
            vkey: run(&["init", "--data", &data, "--origin", "log.example/approvals"]),
            token: run(&["token", "create", "--data", &data, "--name", "gate"]),
            folder,
            port: free_port(),
            process: None,
        }
    }

    pub(crate) fn serve(&mut self, gate: &str) {
        let data = self.folder.path().join("log").display().to_string();
        self.serve_what(gate, &["--data", &data]);
    }

    /// The same with these arguments, such as those for several logs.
    pub(crate) fn serve_what(&mut self, gate: &str, what: &[&str]) {
        let process = program("cosignet-log")
            .args(["serve", "--rp-id", "localhost", "--origin", gate])
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(what)
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
    }

    /// A path in a folder of its own.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.kill();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(70)))
        .build()
        .into()
}

pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and code of an error.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// Somebody with a passkey, who signs what the pages would have signed.
pub(crate) struct Person {
    pub(crate) passkey: Passkey,
}

impl Person {
    /// An assertion over this challenge.
    pub(crate) fn sign(&self, gate: &Gate, challenge: &[u8]) -> Value {
        let mut ceremony = Ceremony::new("localhost", &gate.origin(), &[], b"");
        ceremony.challenge = b64url(challenge);
        ceremony.sign(&self.passkey).credential_json()
    }

    /// Signs in; the cookie.
    pub(crate) fn session(&self, gate: &Gate) -> String {
        let options = gate.post("/session/options", &json!({}));
        let challenge = from_b64url(options.json()["challenge"].as_str().unwrap());
        assert_eq!(challenge.len(), 32);
        let body = json!({ "assertion": self.sign(gate, &challenge) });
        let session = gate.post("/session/finish", &body);
        assert_eq!(session.status, 200, "{session:?}");
        let cookie = session.header("set-cookie");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// What the page of a request shows.
    pub(crate) fn look(&self, gate: &Gate, id: &str) -> Reply {
        let cookie = self.session(gate);
        gate.send(
            "GET",
            &format!("/a/{id}/request"),
            &[("cookie", &cookie)],
            None,
        )
    }

    /// The challenge that this person's page would build.
    pub(crate) fn challenge(shown: &Value, kind: &str) -> Vec<u8> {
        let bytes = |name: &str| from_b64url(shown[name].as_str().unwrap());
        let context = sha256(shown["context"].as_str().unwrap().as_bytes());
        let parts = [
            bytes("random"),
            context.to_vec(),
            sha256(&bytes("payload")).to_vec(),
        ]
        .concat();
        match kind {
            "approve" => parts,
            _ => sha256(&[b"cosignet.refusal/v1\0", &parts[..]].concat()).to_vec(),
        }
    }

    /// Decides a request.
    pub(crate) fn decide(&self, gate: &Gate, id: &str, kind: &str) -> Reply {
        let shown = self.look(gate, id);
        assert_eq!(shown.status, 200, "{shown:?}");
        let challenge = Self::challenge(&shown.json(), kind);
        let body = json!({ "kind": kind, "assertion": self.sign(gate, &challenge) });
        gate.post(&format!("/a/{id}/decision"), &body)
    }
}
