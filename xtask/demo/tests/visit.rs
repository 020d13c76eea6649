//! The demo with a visitor, who follows what it prints.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests"
)]

#[path = "pages/person.rs"]
mod person;

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use person::{Person, post};

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

#[test]
fn leads_from_a_link_and_a_curl_line_to_verified() {
    let mut demo = Demo::start();
    let link = demo.says("/enrol#");
    let (origin, _) = link.split_once("/enrol#").unwrap();
    let (visitor, fingerprint) = Person::enrol(&link);

    let curl = demo.says("curl -s ");
    let key = curl.split_once("x-api-key: ").unwrap().1;
    let key = key.split('\'').next().unwrap().to_owned();
    let body = demo.says("-d '");
    let body = body.strip_prefix("-d '").unwrap().strip_suffix('\'');
    let body: Value = serde_json::from_str(body.unwrap()).unwrap();
    demo.says(&fingerprint);

    // Two people, of whom the demo plays one.
    let asked = post(&format!("{origin}/api/confirmations"), &key, &body);
    let page = demo.says("/a/");
    assert_eq!(asked["url"], page);
    visitor.decide(&page, false);
    demo.says("robot has approved");
    demo.says("refused: claim.taken");
    demo.says("VERIFIED ");

    // The visitor alone.
    let body = json!({ "action": "payment.send", "payload": { "amount": "20.00" } });
    let asked = post(&format!("{origin}/api/confirmations"), &key, &body);
    assert_eq!(asked["signatures"]["needed"], 1);
    let page = demo.says("/a/");
    visitor.decide(&page, false);
    demo.says("VERIFIED ");
    assert_eq!(demo.said.matches("robot has approved").count(), 1);
}
