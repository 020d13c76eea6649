//! The demo: a log with the page in it, and a service that asks for approvals.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::prepared;

pub(crate) struct Demo {
    process: Child,
    pub(crate) page: String,
    pub(crate) log: String,
    log_process: String,
}

impl Demo {
    pub(crate) fn start() -> Self {
        // The demo looks for it beside itself, and says less.
        prepared::program("cosignet-log", "log-server --features verify-page");
        prepared::program("cosignet", "verifier-cli");
        prepared::program("cosignet-witness", "witness");
        let mut process = Command::new(prepared::program("cosignet-demo", "demo"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = String::new();
        for line in lines.by_ref() {
            said.push_str(&line.unwrap());
            said.push('\n');
            if said.contains("Ctrl-C ends") {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        let word = |before: &str| {
            let rest = said
                .split_once(before)
                .unwrap_or_else(|| panic!("{said}"))
                .1;
            rest.split_whitespace()
                .next()
                .unwrap()
                .trim_end_matches([')', '/'])
                .to_owned()
        };
        Self {
            process,
            page: word("Open "),
            log: word("A log runs at "),
            log_process: word("(process "),
        }
    }

    /// SIGKILL for the log.
    pub(crate) fn end_log(&self) {
        let done = Command::new("kill")
            .args(["-KILL", &self.log_process])
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Politely, so that it takes its log and its folder along.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.process.wait();
    }
}
