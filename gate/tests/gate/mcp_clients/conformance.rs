//! The conformance suite of MCP, with all that it asks of a server in either era. It is made for a
//! server that has everything: what this one lacks is in [`lacking`], and has to stay lacking.

mod lacking;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{LEGACY, MODERN, decided, node, script};
use crate::harness::{Gate, RULES, free_port};
use lacking::{IN_PART, WHOLLY, Whole};

/// What the suite finds of every message in every scenario.
const SCHEMA: &str = "wire-schema-valid";

/// What became of a scenario, by the names of its checks.
#[derive(Debug, Default)]
struct Found {
    met: BTreeSet<String>,
    unmet: BTreeSet<String>,
}

/// A process that is ended with this.
struct Relay(Child);

impl Relay {
    fn start(gate: &Gate, key: &str, port: u16) -> Self {
        let mut relay = script("relay.mjs")
            .env("URL", format!("http://127.0.0.1:{}", gate.port))
            .env("KEY", key)
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut stdout = BufReader::new(relay.stdout.take().unwrap());
        stdout.read_line(&mut said).unwrap();
        assert_eq!(said, "listening\n");
        Self(relay)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs programs from the index of Node: cargo xtask interop mcp"]
fn the_conformance_suite_finds_nothing_but_what_is_lacking() {
    // Pages come from the relay, as far as the suite and the gate know.
    let port = free_port();
    let gate = Gate::behind(port, RULES);
    let ann = gate.person("ann", "finance");
    let key = gate.key("suite", "create,read", None);
    let relay = Relay::start(&gate, &key, port);
    let mut run = BTreeSet::new();
    for (revision, passing) in [(LEGACY, 7), (MODERN, 12)] {
        let results = tempfile::tempdir().unwrap();
        let output = decided(&gate, &ann, ("suite", &key), "approve", || {
            let mut suite = node("conformance");
            suite
                .args(["server", "--requirements", revision])
                .args(["--url", &format!("http://localhost:{port}/mcp")])
                .arg("--output-dir")
                .arg(results.path());
            // It ends badly for the smallest thing that is lacking.
            suite.output().unwrap()
        });
        let found = read(results.path());
        // One that is not run is not found to fail.
        assert_eq!(judge(revision, &found), passing, "{revision}: {output:?}");
        run.extend(found.into_keys());
    }
    drop(relay);
    let listed = WHOLLY.iter().flat_map(|one| one.scenarios);
    for scenario in listed.chain(IN_PART.iter().map(|part| &part.scenario)) {
        assert!(run.contains(*scenario), "there is no {scenario}");
    }
}

/// The results, by the names of the scenarios.
fn read(results: &Path) -> BTreeMap<String, Found> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(results).unwrap() {
        let folder = entry.unwrap();
        // server-tools-list-2026-11-30T10-11-33-489Z
        let name = folder.file_name().into_string().unwrap();
        let scenario = name.strip_prefix("server-").unwrap();
        let (scenario, _) = scenario.split_at(scenario.len() - "-2026-11-30T10-11-33-489Z".len());
        let checks = std::fs::read(folder.path().join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_slice(&checks).unwrap();
        let found: &mut Found = all.entry(scenario.to_owned()).or_default();
        for check in checks {
            let id = check["id"].as_str().unwrap().to_owned();
            match check["status"].as_str().unwrap() {
                "SUCCESS" => found.met.insert(id),
                "FAILURE" | "WARNING" => found.unmet.insert(id),
                // What was sent and received, and what the suite itself passes over.
                "INFO" | "SKIPPED" => false,
                other => panic!("{scenario}: {id} is {other}"),
            };
        }
        // One id may stand for several checks.
        found.met = &found.met - &found.unmet;
    }
    all
}

/// Whether what was found is what the lists say, scenario by scenario. How many have passed.
fn judge(revision: &str, all: &BTreeMap<String, Found>) -> usize {
    let mut wrong = Vec::new();
    let mut counts = [0; 3];
    for (scenario, found) in all {
        let lacking = |one: &&Whole| one.is_of(revision) && one.scenarios.contains(&&**scenario);
        let met = found.met.iter().filter(|id| *id != SCHEMA).count();
        let part = IN_PART.iter().find(|part| part.scenario == scenario);
        let (kind, right) = match (WHOLLY.iter().find(lacking), part) {
            (Some(_), None) => (2, met == 0 && !found.unmet.contains(SCHEMA)),
            (None, Some(part)) => {
                let lacks = part.checks.iter().map(|id| (*id).to_owned());
                (1, met > 0 && found.unmet == lacks.collect())
            }
            (None, None) => (0, met > 0 && found.unmet.is_empty()),
            (Some(_), Some(_)) => panic!("{scenario} is listed twice"),
        };
        counts[kind] += 1;
        if !right {
            wrong.push((scenario, found));
        }
    }
    let [passed, in_part, lacking] = counts;
    println!(
        "conformance {revision}: {passed} passed, {in_part} in part, {lacking} not applicable"
    );
    assert!(wrong.is_empty(), "{revision}: {wrong:#?}");
    passed
}
