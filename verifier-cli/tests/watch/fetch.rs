//! `cosignet fetch`.

use std::fs;

use test_vectors::server::Answer;
use test_vectors::{Approval, Draft};

use crate::world::{Round, World, draft};

/// A log of seven approvals behind a look-up that discloses everything.
struct Lookup {
    world: World,
    approvals: Vec<Approval>,
}

impl Lookup {
    fn new() -> Self {
        Self::edited(|_, _| {})
    }

    fn edited(edit: impl Fn(usize, &mut Draft)) -> Self {
        let drafts = (1..=7).map(|number| {
            let mut draft = draft(number);
            edit(number, &mut draft);
            draft
        });
        let approvals = Approval::together(&drafts.collect::<Vec<_>>());
        let world = World::new();
        world.write("policy.toml", approvals[0].policy.toml());
        let lookup = Self { world, approvals };
        lookup.publish();
        lookup
    }

    fn leaves(&self) -> Vec<Vec<u8>> {
        let entries = self.approvals.iter().map(|approval| &approval.bundle.entry);
        entries.map(|entry| entry.clone().into_bytes()).collect()
    }

    fn publish(&self) {
        let head = self.approvals[0].bundle.log_proof.note();
        self.world
            .publish(&self.world.server, &self.leaves(), &head);
        for at in 0..self.approvals.len() {
            self.answer(at, &self.approvals[at].bundle.text());
        }
    }

    /// Answers the look-up of an approval.
    fn answer(&self, at: usize, text: &str) {
        let id = &self.approvals[at].approval_id;
        let path = format!("public/log/entries/{id}/verification");
        self.world.server.set(&path, text.to_owned());
    }

    fn fetch(&self, at: usize, more: &str) -> Round {
        let _ignored = fs::remove_file(self.world.path("out.json"));
        let id = &self.approvals[at].approval_id;
        let url = self.world.server.url();
        self.world.run(&format!(
            "fetch {id} --log {url} -o out.json --timeout 2 {more}"
        ))
    }

    fn written(&self) -> Option<String> {
        fs::read_to_string(self.world.path("out.json")).ok()
    }
}

#[test]
fn writes_what_verifies() {
    let lookup = Lookup::new();
    let fetched = lookup.fetch(3, "--policy policy.toml");
    assert_eq!(fetched.code, 0, "{fetched:?}");
    assert!(fetched.out.contains("VERIFIED"), "{fetched:?}");
    // The log's own bundle, byte for byte.
    assert_eq!(lookup.written().unwrap(), lookup.approvals[3].bundle.text());
    let again = lookup.world.run(&format!(
        "verify out.json --policy policy.toml --approval-id {}",
        lookup.approvals[3].approval_id
    ));
    assert_eq!(again.code, 0, "{again:?}");
    // Without a policy it is written, and nothing is said of it.
    let fetched = lookup.fetch(3, "");
    assert_eq!(fetched.code, 0);
    assert!(fetched.out.contains("you gave no policy"), "{fetched:?}");
    // Nothing is overwritten.
    let id = &lookup.approvals[4].approval_id;
    let url = lookup.world.server.url();
    let taken = lookup
        .world
        .run(&format!("fetch {id} --log {url} -o out.json"));
    assert_eq!(taken.code, 5);
    assert_eq!(lookup.written().unwrap(), lookup.approvals[3].bundle.text());
}

#[test]
fn an_index_does_without_the_look_up() {
    let lookup = Lookup::new();
    let url = lookup.world.server.url();
    for index in [0, 6] {
        let out = format!("{index}.json");
        let fetched = lookup
            .world
            .run(&format!("fetch {index} --log {url} -o {out}"));
        assert_eq!(fetched.code, 0, "{fetched:?}");
        let inspected = lookup.world.run(&format!("inspect {out}"));
        assert_eq!(inspected.code, 0, "{inspected:?}");
    }
    let beyond = lookup.world.run(&format!("fetch 7 --log {url} -o 7.json"));
    assert_eq!(beyond.code, 4, "{beyond:?}");
    assert!(!lookup.world.path("7.json").exists());
}

#[test]
fn a_sealed_entry_says_where_its_evidence_is() {
    let lookup = Lookup::new();
    let mut bundle = lookup.approvals[3].bundle.clone();
    bundle.evidence = None;
    lookup.answer(3, &bundle.text());
    let fetched = lookup.fetch(3, "--policy policy.toml");
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(fetched.out.contains("(201) has all of it"), "{fetched:?}");
    let fetched = lookup.fetch(3, "--format json");
    assert!(fetched.out.contains("\"sealed\":true"), "{fetched:?}");
    lookup.answer(3, &lookup.approvals[3].bundle.text());
    let fetched = lookup.fetch(3, "");
    assert!(!fetched.out.contains("sealed"), "{fetched:?}");
}

#[test]
fn another_approval_is_not_written() {
    let lookup = Lookup::new();
    lookup.answer(3, &lookup.approvals[4].bundle.text());
    for policy in ["", "--policy policy.toml"] {
        let fetched = lookup.fetch(3, policy);
        assert_eq!(fetched.code, 1, "{fetched:?}");
        assert!(
            fetched.err.contains("expectation.approval_id"),
            "{fetched:?}"
        );
        assert!(lookup.written().is_none());
    }
}

#[test]
fn evidence_that_does_not_belong_there_is_left_out() {
    let lookup = Lookup::new();
    let mut bundle = lookup.approvals[3].bundle.clone();
    let evidence = bundle.evidence.as_mut().unwrap();
    let other = lookup.approvals[4].bundle.evidence.clone().unwrap();
    evidence.payload = other.payload.clone();
    lookup.answer(3, &bundle.text());
    let fetched = lookup.fetch(3, "--policy policy.toml");
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(fetched.out.contains("left out: a payload"), "{fetched:?}");
    assert!(fetched.out.contains("[payload.missing]"), "{fetched:?}");

    let evidence = bundle.evidence.as_mut().unwrap();
    evidence.client_data_json = other.client_data_json;
    evidence.approval_id = other.approval_id;
    lookup.answer(3, &bundle.text());
    let fetched = lookup.fetch(3, "--policy policy.toml");
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(
        fetched.out.contains("[evidence.client_data_missing]"),
        "{fetched:?}"
    );
    // The id is the one that was asked for, and belongs to the entry.
    assert!(
        lookup
            .written()
            .unwrap()
            .contains(&lookup.approvals[3].approval_id)
    );
}

#[test]
fn a_log_that_does_not_fit_its_head_is_no_source() {
    let lookup = Lookup::new();
    let leaves = lookup.leaves();
    let mut other = leaves.clone();
    other.swap(0, 1);
    // Tiles and entries of another tree than the head's.
    let head = lookup.approvals[0].bundle.log_proof.note();
    lookup.world.publish(&lookup.world.server, &other, &head);
    lookup.answer(3, &lookup.approvals[3].bundle.text());
    let fetched = lookup.fetch(3, "");
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(fetched.err.contains("served.mismatch"), "{fetched:?}");
    assert!(lookup.written().is_none());
    // A head that the log did not sign.
    lookup.publish();
    lookup
        .world
        .server
        .set("checkpoint", head.replacen("\n7\n", "\n8\n", 1));
    let fetched = lookup.fetch(3, "--policy policy.toml");
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(fetched.err.contains("monitor.head"), "{fetched:?}");
    assert!(lookup.written().is_none());
}

#[test]
fn a_log_that_does_not_answer_is_no_verdict() {
    let lookup = Lookup::new();
    let id = &lookup.approvals[3].approval_id;
    let path = format!("public/log/entries/{id}/verification");
    lookup.world.server.remove(&path);
    let fetched = lookup.fetch(3, "");
    assert_eq!(fetched.code, 4, "{fetched:?}");
    assert!(fetched.err.contains("fetch.unknown"), "{fetched:?}");
    for answer in [
        Answer::Endless,
        Answer::Stall,
        Answer::Nothing,
        Answer::Status(500),
    ] {
        lookup.world.server.set(&path, answer);
        let fetched = lookup.fetch(3, "");
        assert_eq!(fetched.code, 5, "{fetched:?}");
    }
    lookup.answer(3, "<html>");
    assert_eq!(lookup.fetch(3, "").code, 4);
    let usage = lookup.world.run("fetch 3 --log log.example -o out.json");
    assert_eq!(usage.code, 2, "{usage:?}");
}
