//! A log in a directory of its own, and clients.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_vectors::Ceremony;
use test_vectors::approval::{Draft, ORIGIN, RP_ID};
use test_vectors::encoding::{b64, b64url, from_b64, hex, sha256};
use test_vectors::note::{NOTE, NoteKey, note};
use test_vectors::passkey::Algorithm;
use verifier_core::Policy;
use verifier_core::Time;
use verifier_core::{Report, Request, verify};

use crate::damage::copy;
use crate::openapi;

pub(crate) const LOG: &str = "log.example/approvals";

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosignet-log"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("COSIGNET_LOG_")) {
        command.env_remove(key);
    }
    command
}

/// Runs the program with these arguments.
pub(crate) fn run(args: &[&str]) -> Output {
    run_with(args, &[])
}

/// The same with these variables.
pub(crate) fn run_with(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = program();
    command.args(args).envs(variables.iter().copied());
    command.output().unwrap()
}

/// A data directory.
pub(crate) struct Log {
    folder: TempDir,
    /// Of every program that runs on it: such as where its database is, if that is elsewhere.
    variables: Vec<(String, String)>,
    pub(crate) vkey: String,
    pub(crate) token: String,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self::kept_in(&[])
    }

    /// A log in this database, with its public files in the directory.
    pub(crate) fn in_database(address: String) -> Self {
        Self::kept_in(&[("COSIGNET_LOG_STORE", &address)])
    }

    /// A log that is kept where these variables say.
    pub(crate) fn kept_in(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Self {
            folder,
            variables: owned(variables),
            vkey: String::new(),
            token: String::new(),
        };
        let data = log.data().display().to_string();
        log.vkey = log.succeed(&["init", "--data", &data, "--origin", LOG]);
        log.token = log.succeed(&["token", "create", "--data", &data, "--name", "test"]);
        log
    }

    /// A log of this name in a directory of its own, and in the same database, if this one is in one.
    /// It has no token.
    pub(crate) fn next(&self, origin: &str) -> Self {
        let mut log = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: self.variables.clone(),
            vkey: String::new(),
            token: String::new(),
        };
        let data = log.data().display().to_string();
        log.vkey = log.succeed(&["init", "--data", &data, "--origin", origin]);
        log
    }

    /// A log that another program makes in its data directory. It has no token.
    pub(crate) fn made(make: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vkey = make(&folder.path().join("log"));
        Self {
            folder,
            variables: Vec::new(),
            vkey,
            token: String::new(),
        }
    }

    /// Another token, with a name of its own.
    pub(crate) fn another_token(&self, name: &str) -> String {
        let data = self.data().display().to_string();
        self.succeed(&["token", "create", "--data", &data, "--name", name])
    }

    /// The same with a token of its own.
    pub(crate) fn with_token(mut self) -> Self {
        self.token = self.another_token("test");
        self
    }

    /// An empty place for a copy of this log.
    pub(crate) fn copy(&self) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            vkey: self.vkey.clone(),
            token: self.token.clone(),
        }
    }

    /// The same log on another machine: its database and its key, and nothing else.
    pub(crate) fn on_another_machine(&self) -> Self {
        let there = Self {
            variables: self.variables.clone(),
            ..self.copy()
        };
        std::fs::create_dir(there.data()).unwrap();
        std::fs::copy(self.path("log.key"), there.path("log.key")).unwrap();
        there
    }

    /// The same, with these variables instead of those of the same name.
    pub(crate) fn set(&mut self, variables: &[(&str, &str)]) {
        let is_new = |name: &str| variables.iter().any(|(other, _)| *other == name);
        self.variables.retain(|(name, _)| !is_new(name));
        self.variables.extend(owned(variables));
    }

    /// The value of a variable that was set.
    pub(crate) fn variable(&self, name: &str) -> String {
        let found = self.variables.iter().find(|(other, _)| other == name);
        found.unwrap().1.clone()
    }

    /// Sets its directory aside.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        copy(&self.data(), &self.path("../snapshot"));
        Snapshot(self)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.data().join(below)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.program().args(args).output().unwrap()
    }

    fn program(&self) -> Command {
        let mut program = program();
        program.envs(self.variables.iter().map(|(name, value)| (name, value)));
        program
    }

    pub(crate) fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A checkpoint that this log's key has signed, of a tree that nobody has.
    pub(crate) fn signed(&self, size: u64) -> String {
        let text = std::fs::read_to_string(self.path("log.key")).unwrap();
        let secret = from_b64(text.trim().splitn(5, '+').last().unwrap());
        let seed: [u8; 32] = secret[1..].try_into().unwrap();
        let root = b64(&[9; 32]);
        let text = format!("{LOG}\n{size}\n{root}\n");
        note(&text, &[NoteKey::new(LOG, NOTE, seed).line(&text, 0)])
    }

    /// Exit code and report of `fsck`.
    pub(crate) fn fsck(&self) -> (Option<i32>, Value) {
        self.fsck_of(&[&self.data().display().to_string()])
    }

    pub(crate) fn fsck_of(&self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[&["fsck", "--format", "json"], args].concat());
        let report = serde_json::from_slice(&output.stdout);
        (output.status.code(), report.unwrap_or_default())
    }

    pub(crate) fn assert_clean(&self) {
        let (code, report) = self.fsck();
        assert_eq!(code, Some(0), "{report}");
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[]).expect("the server starts")
    }

    /// Starts a server that dies at a failpoint.
    pub(crate) fn serve_until(&self, failpoint: &str) -> Server {
        self.serve_with(&[("COSIGNET_LOG_FAILPOINT", failpoint)])
            .expect("the server starts")
    }

    /// A server, or what it says when it does not start.
    pub(crate) fn serve_with(&self, env: &[(&str, &str)]) -> Result<Server, String> {
        self.serve_at("127.0.0.1:0", env)
    }

    /// The same, listening somewhere else.
    pub(crate) fn serve_at(&self, listen: &str, env: &[(&str, &str)]) -> Result<Server, String> {
        let process = self
            .program()
            .env("COSIGNET_LOG_RP_IDS", RP_ID)
            .env("COSIGNET_LOG_ORIGINS", ORIGIN)
            .args(["serve", "--listen", listen, "--data"])
            .arg(self.data())
            .envs(env.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        started(process, &self.token)
    }

    /// A server of the logs that a file of settings names.
    pub(crate) fn serve_several(&self, settings: &Path) -> Result<Server, String> {
        let process = self
            .program()
            .env("COSIGNET_LOG_RP_IDS", RP_ID)
            .env("COSIGNET_LOG_ORIGINS", ORIGIN)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(settings)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        started(process, &self.token)
    }

    /// The report of an auditor who trusts this log and this passkey.
    pub(crate) fn audit(&self, approval: &Approval, bundle: &str) -> Report {
        let log = format!("log {}\nquorum none\n", self.vkey);
        self.audit_under(&log, approval, bundle)
    }

    /// The same, of one who asks for this log policy.
    pub(crate) fn audit_under(&self, log: &str, approval: &Approval, bundle: &str) -> Report {
        let mut policy = approval.draft.clone().mint().policy;
        policy.log = Some(log.into());
        let policy = Policy::from_json(policy.value().to_string().as_bytes()).unwrap();
        let mut request = Request::default();
        request.policy = Some(&policy);
        request.approval_id = Some(&approval.draft.approval_id);
        request.payload = Some(&approval.draft.payload);
        verify(bundle.as_bytes(), &request)
    }
}

/// A server, once it serves, or what it says when it does not.
fn started(mut process: Child, token: &str) -> Result<Server, String> {
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let mut said = String::new();
    while stderr.read_line(&mut said).unwrap() > 0 {
        let last = said.lines().last().unwrap_or_default();
        if let Some((_, rest)) = last.split_once("serving address=") {
            let address = rest.split(' ').next().unwrap().to_owned();
            let messages = Arc::new(Mutex::new(String::new()));
            // Read on, or the server blocks on a full pipe.
            let kept = Arc::clone(&messages);
            std::thread::spawn(move || {
                let mut line = String::new();
                while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
                    kept.lock().unwrap().push_str(&line);
                    line.clear();
                }
            });
            return Ok(Server {
                process,
                said,
                messages,
                client: Client {
                    url: format!("http://{address}"),
                    token: token.to_owned(),
                    agent: agent(),
                },
            });
        }
    }
    process.wait().unwrap();
    Err(said)
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let each = variables.iter();
    each.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A log's directory as it was.
pub(crate) struct Snapshot<'l>(&'l Log);

impl Snapshot<'_> {
    /// Brings it back in the place of what is there.
    pub(crate) fn restore(self) {
        let Self(log) = self;
        std::fs::remove_dir_all(log.data()).unwrap();
        copy(&log.path("../snapshot"), &log.data());
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    process: Child,
    /// Its messages until it was serving.
    pub(crate) said: String,
    /// Those since.
    pub(crate) messages: Arc<Mutex<String>>,
    pub(crate) client: Client,
}

impl Server {
    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        let done = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(done.success());
        self.process.wait().unwrap().code()
    }

    /// SIGSTOP or SIGCONT.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let done = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(done.success());
    }

    /// The exit code, if it has died by itself: `None` while it lives, and -1 after a signal.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let status = self.process.try_wait().unwrap()?;
        Some(status.code().unwrap_or(-1))
    }

    /// Whether it stands still.
    pub(crate) fn is_stopped(&self) -> bool {
        let path = format!("/proc/{}/stat", self.process.id());
        let text = std::fs::read_to_string(path).unwrap();
        text.rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('T')
    }

    /// Waits until it has died by itself, and says its exit code.
    pub(crate) fn wait(mut self) -> Option<i32> {
        for _ in 0..600 {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not end by itself");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody who talks to the log.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) agent: ureq::Agent,
}

/// Status, headers of interest, body.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) cache: String,
    pub(crate) cors: String,
    pub(crate) encoding: String,
    /// In seconds; empty if there is none.
    pub(crate) retry_after: String,
    pub(crate) bytes: Vec<u8>,
    headers: ureq::http::HeaderMap,
}

impl Reply {
    /// Empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The code of an error; empty for anything else.
    pub(crate) fn code(&self) -> String {
        let json: Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        json["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The index in the proof of a bundle.
    pub(crate) fn index(&self) -> u64 {
        let proof = self.json()["logProof"].as_str().unwrap().to_owned();
        let line = proof.lines().nth(1).unwrap().to_owned();
        line.strip_prefix("index ").unwrap().parse().unwrap()
    }
}

impl Client {
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            [] => self.agent.run(request.body(()).unwrap())?,
            body => self.agent.run(request.body(body).unwrap())?,
        };
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map_or(String::new(), |v| v.to_str().unwrap().to_owned())
        };
        let reply = Reply {
            status: response.status().as_u16(),
            kind: header("content-type"),
            cache: header("cache-control"),
            cors: header("access-control-allow-origin"),
            encoding: header("content-encoding"),
            retry_after: header("retry-after"),
            headers: response.headers().clone(),
            bytes: response.body_mut().read_to_vec()?,
        };
        openapi::conform(self, method, path, body, &reply);
        Ok(reply)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"").unwrap()
    }

    /// As the holder of the token.
    pub(crate) fn write(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Reply, ureq::Error> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn try_append(&self, approval: &Approval) -> Result<Reply, ureq::Error> {
        self.write("POST", "/v1/entries", &approval.body)
    }

    pub(crate) fn append(&self, approval: &Approval) -> Reply {
        self.try_append(approval).unwrap()
    }

    pub(crate) fn checkpoint(&self) -> String {
        self.get("/checkpoint").text()
    }

    /// Changes what is shown of an approval; status and code.
    pub(crate) fn disclose(&self, approval: &Approval, body: &Value) -> (u16, String) {
        let path = format!("/v1/entries/{}/disclosure", approval.draft.approval_id);
        let reply = self.write("PUT", &path, body).unwrap();
        (reply.status, reply.code())
    }

    pub(crate) fn verification(&self, approval: &Approval) -> Reply {
        let id = &approval.draft.approval_id;
        self.get(&format!("/public/log/entries/{id}/verification"))
    }
}

/// An approval that was just signed, and the request that appends it.
#[derive(Clone)]
pub(crate) struct Approval {
    pub(crate) draft: Draft,
    pub(crate) body: Value,
}

impl Approval {
    pub(crate) fn new(number: u32) -> Self {
        Self::of(Draft::numbered(Algorithm::Es256, number))
    }

    /// Of another payload.
    pub(crate) fn paying(number: u32, payload: Vec<u8>) -> Self {
        let mut draft = Draft::numbered(Algorithm::Es256, number);
        let nonce = sha256(&number.to_be_bytes());
        draft.ceremony = Ceremony::new(RP_ID, ORIGIN, &nonce, &payload);
        draft.payload = payload;
        Self::of(draft)
    }

    pub(crate) fn of(draft: Draft) -> Self {
        let (assertion, _) = draft.sign();
        let mut body = json!({
            "approvalId": draft.approval_id,
            "decidedAt": time(0),
            "rpId": draft.entry_rp_id,
            "credentialPublicKey": b64url(&assertion.public_key),
            "assertion": assertion.credential_json(),
            "payloadHash": hex(&sha256(&draft.payload)),
            "payload": b64url(&draft.payload),
            "action": "wire_transfer",
        });
        if let Some(context) = &draft.context {
            body["context"] = json!(context);
        }
        if let Some(random) = &draft.random {
            body["refusal"] = json!({"random": b64url(random)});
        }
        Self { draft, body }
    }

    pub(crate) fn with(&self, key: &str, value: Value) -> Self {
        let mut changed = self.clone();
        changed.body[key] = value;
        changed
    }
}

/// The time in so many seconds.
pub(crate) fn time(from_now: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seconds = now.as_secs().saturating_add_signed(from_now);
    Time::from_seconds(seconds).unwrap().to_string()
}

/// Size and root of a checkpoint, as text.
pub(crate) fn tree(checkpoint: &str) -> (u64, String) {
    let mut lines = checkpoint.lines().skip(1);
    let size = lines.next().unwrap().parse().unwrap();
    (size, lines.next().unwrap().to_owned())
}

/// A linear congruential generator: for spread, not for secrets.
pub(crate) struct Dice(u64);

impl Dice {
    /// With the seed in `SEED`, or one of the clock, which is printed.
    pub(crate) fn new() -> Self {
        let given = std::env::var("SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed = given.unwrap_or_else(|| u64::from(now.subsec_nanos()));
        println!("SEED={seed}");
        Self(seed)
    }

    /// With this seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// In an order of its own.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.index(last + 1));
        }
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub(crate) fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit.try_into().unwrap())).unwrap()
    }
}

/// Flips a bit in the middle of a file.
pub(crate) fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}
