//! A gate in a folder of its own, with keys, and people who have software passkeys.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::{Value, json};
use test_vectors::context::{approval_challenge, refusal_challenge};
use test_vectors::encoding::{b64url, from_b64url};
use test_vectors::passkey::{Algorithm, Passkey};
use test_vectors::{Ceremony, Registration};

use crate::command::{print, until_serving};
use crate::connection::Connection;

/// Everything that begins with `payment.` needs one person of `finance`, and a week is time enough.
const RULES: &str = r#"
[[rule]]
name = "payments"
action = "payment.*"
approve = [{ group = "finance", at_least = 1 }]
expires = "7d"
claim_within = "7d"
"#;

/// No limit is in the way of what is measured or attacked.
const LIMITS: [&str; 8] = [
    "--requests-per-second",
    "1000000",
    "--open-per-key",
    "1000000",
    "--waiting",
    "20000",
    "--connections",
    "20000",
];

/// A running gate. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    program: PathBuf,
    data: PathBuf,
    pub(crate) address: String,
    pub(crate) origin: String,
    process: Child,
}

impl Gate {
    /// A new gate, with a log of its own, in a folder that is not there.
    pub(crate) fn start(program: &Path, data: PathBuf) -> Result<Self, String> {
        Self::start_under(RULES, program, data)
    }

    /// The same under other rules.
    pub(crate) fn start_under(rules: &str, program: &Path, data: PathBuf) -> Result<Self, String> {
        let command = |word: &str| {
            let mut command = Command::new(program);
            command.arg(word).arg("--data").arg(&data);
            command
        };
        print(command("init").args(["--origin", "gate.example/log"]))?;
        let path = data.join("rules.toml");
        fs::write(&path, rules).map_err(|error| format!("{}: {error}", path.display()))?;
        // Browsers need to know the port before anybody listens there.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.map_err(|error| error.to_string())?.port();
        let origin = format!("http://localhost:{port}");
        let mut serve = command("serve");
        serve.args(["--url", &origin]).args(LIMITS);
        serve.args(["--listen", &format!("127.0.0.1:{port}")]);
        let (process, address) = until_serving(&mut serve)?;
        let (program, data) = (program.to_path_buf(), data.clone());
        Ok(Self {
            program,
            data,
            address,
            origin,
            process,
        })
    }

    /// A key with these rights.
    pub(crate) fn key(&self, name: &str, rights: &str) -> Result<String, String> {
        self.run(&["key", "create", "--name", name, "--right", rights])
    }

    /// Somebody of this group with a new passkey.
    pub(crate) fn person(&self, name: &str, group: &str) -> Result<Person, String> {
        let said = self.run(&["invite", name, "--group", group])?;
        let link = said.lines().next().unwrap_or_default();
        let (_, token) = link
            .split_once('#')
            .ok_or("an invitation without a token")?;
        let passkey = Passkey::new(Algorithm::Es256, name);
        let mut connection = Connection::open(&self.address)?;
        let begin = post("/enrol/options", "", &json!({ "token": token }));
        let options = connection.ask(&begin)?.expect(200)?.json()?;
        let challenge = text(&options, "/publicKey/challenge")?;
        let challenge = from_b64url(challenge);
        let made = Registration::new("localhost", &self.origin, &challenge, &passkey);
        let body = json!({ "token": token, "credential": made.json() });
        connection
            .ask(&post("/enrol/finish", "", &body))?
            .expect(200)?;
        let origin = self.origin.clone();
        Ok(Person { passkey, origin })
    }

    /// The policy of somebody who verifies decisions under this rule, in TOML.
    pub(crate) fn policy(&self, rule: &str) -> Result<String, String> {
        self.run(&["policy", "--rule", rule])
    }

    /// Bytes of memory, where the system says so.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    fn run(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        print(command.args(words).arg("--data").arg(&self.data))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody with a passkey.
#[derive(Debug)]
pub(crate) struct Person {
    passkey: Passkey,
    origin: String,
}

impl Person {
    /// Signs in; the header with the cookie.
    pub(crate) fn sign_in(&self, connection: &mut Connection) -> Result<String, String> {
        let options = connection.ask(&post("/session/options", "", &json!({})))?;
        let options = options.expect(200)?.json()?;
        let challenge = from_b64url(text(&options, "/challenge")?);
        let body = json!({ "assertion": self.sign(&challenge) });
        let session = connection
            .ask(&post("/session/finish", "", &body))?
            .expect(200)?;
        let cookie = session.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next())?
        });
        Ok(format!("cookie: {}\r\n", cookie.ok_or("no cookie")?))
    }

    /// A request of the person's page that approves what the page has shown.
    pub(crate) fn approval(&self, id: &str, shown: &Value) -> Result<Vec<u8>, String> {
        let assertion = self.answer(shown, approval_challenge)?;
        let body = json!({ "kind": "approve", "assertion": assertion });
        Ok(post(&format!("/a/{id}/decision"), "", &body))
    }

    /// The same to refuse, with a reason.
    pub(crate) fn refusal(&self, id: &str, shown: &Value, reason: &str) -> Result<Vec<u8>, String> {
        let assertion = self.answer(shown, refusal_challenge)?;
        let body = json!({ "kind": "refuse", "assertion": assertion, "reason": reason });
        Ok(post(&format!("/a/{id}/decision"), "", &body))
    }

    fn answer(
        &self,
        shown: &Value,
        challenge: fn(&[u8; 32], &str, &[u8]) -> Vec<u8>,
    ) -> Result<Value, String> {
        let context = text(shown, "/context")?;
        let payload = from_b64url(text(shown, "/payload")?);
        let random = from_b64url(text(shown, "/random")?);
        let random = random.try_into().map_err(|_| "a random half of 32 bytes")?;
        Ok(self.sign(&challenge(&random, context, &payload)))
    }

    fn sign(&self, challenge: &[u8]) -> Value {
        let mut ceremony = Ceremony::new("localhost", &self.origin, &[], b"");
        ceremony.challenge = b64url(challenge);
        ceremony.sign(&self.passkey).credential_json()
    }
}

/// A request with a body. Each line of `headers` has its line end.
pub(crate) fn post(path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request without one.
pub(crate) fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
}

/// A text somewhere in an answer.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str, String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.ok_or_else(|| format!("no {pointer} in {value}"))
}
