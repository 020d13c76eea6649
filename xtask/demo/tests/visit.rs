//! The demo with a visitor, who follows what it prints.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, from_b64url, sha256};
use test_vectors::{Algorithm, Ceremony, Passkey, Registration};

/// The demo, and what it prints.
struct Demo {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Demo {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cosignet-demo"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        Self {
            process,
            lines: BufReader::new(stdout).lines(),
            said: String::new(),
        }
    }

    /// The next line with these words.
    fn says(&mut self, words: &str) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.said += &line;
            self.said.push('\n');
            if line.contains(words) {
                return line.trim().to_owned();
            }
        }
        panic!("it never says {words:?}: {}", self.said);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Politely, so that it takes its programs and its folder along.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.process.wait();
    }
}

fn post(url: &str, key: &str, body: &Value) -> Value {
    let sent = ureq::post(url)
        .header("content-type", "application/json")
        .header("x-api-key", key)
        .send(body.to_string().as_bytes());
    let text = sent.unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What the pages do with a passkey: the answer to a challenge.
fn sign(origin: &str, passkey: &Passkey, challenge: &[u8]) -> Value {
    let mut ceremony = Ceremony::new("localhost", origin, &[], b"");
    ceremony.challenge = b64url(challenge);
    ceremony.sign(passkey).credential_json()
}

fn approve(page: &str, passkey: &Passkey) {
    let (origin, _) = page.split_once("/a/").unwrap();
    let bytes = |value: &Value, name: &str| from_b64url(value[name].as_str().unwrap());
    let options = post(&format!("{origin}/session/options"), "", &json!({}));
    let assertion = sign(origin, passkey, &bytes(&options, "challenge"));
    let session = ureq::post(format!("{origin}/session/finish"))
        .header("content-type", "application/json")
        .send(json!({ "assertion": assertion }).to_string().as_bytes())
        .unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap();
    let shown = ureq::get(format!("{page}/request"))
        .header("cookie", cookie.split(';').next().unwrap())
        .call();
    let shown = shown.unwrap().body_mut().read_to_string().unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let challenge = [
        bytes(&shown, "random"),
        sha256(shown["context"].as_str().unwrap().as_bytes()).to_vec(),
        sha256(&bytes(&shown, "payload")).to_vec(),
    ];
    let assertion = sign(origin, passkey, &challenge.concat());
    let body = json!({ "kind": "approve", "assertion": assertion });
    post(&format!("{page}/decision"), "", &body);
}

#[test]
fn leads_from_a_link_and_a_curl_line_to_verified() {
    let mut demo = Demo::start();
    let link = demo.says("/enrol#");
    let (page, token) = link.split_once('#').unwrap();
    let origin = page.strip_suffix("/enrol").unwrap();
    let options = post(&format!("{page}/options"), "", &json!({ "token": token }));
    let challenge = from_b64url(options["publicKey"]["challenge"].as_str().unwrap());
    let passkey = Passkey::new(Algorithm::Es256, "visitor");
    let made = Registration::new("localhost", origin, &challenge, &passkey);
    let body = json!({ "token": token, "credential": made.json() });
    let enrolled = post(&format!("{page}/finish"), "", &body);

    let curl = demo.says("curl -s ");
    let key = curl.split_once("x-api-key: ").unwrap().1;
    let key = key.split('\'').next().unwrap().to_owned();
    let body = demo.says("-d '");
    let body = body.strip_prefix("-d '").unwrap().strip_suffix('\'');
    let body: Value = serde_json::from_str(body.unwrap()).unwrap();
    demo.says(enrolled["fingerprint"].as_str().unwrap());

    // Two people, of whom the demo plays one.
    let asked = post(&format!("{origin}/api/confirmations"), &key, &body);
    let page = demo.says("/a/");
    assert_eq!(asked["url"], page);
    approve(&page, &passkey);
    demo.says("robot has approved");
    demo.says("refused: claim.taken");
    demo.says("VERIFIED ");

    // The visitor alone.
    let body = json!({ "action": "payment.send", "payload": { "amount": "20.00" } });
    let asked = post(&format!("{origin}/api/confirmations"), &key, &body);
    assert_eq!(asked["signatures"]["needed"], 1);
    let page = demo.says("/a/");
    approve(&page, &passkey);
    demo.says("VERIFIED ");
    assert_eq!(demo.said.matches("robot has approved").count(), 1);
}
