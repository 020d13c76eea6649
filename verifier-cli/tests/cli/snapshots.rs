//! What people read. `SNAPSHOTS=overwrite cargo test -p verifier-cli` writes the files anew.

use snapbox::{assert_data_eq, file};
use test_vectors::{Algorithm, Approval};

use crate::fixtures::{Folder, Run};

fn text(run: &Run) -> String {
    let transcript = run.transcript();
    assert!(
        !transcript.contains('\u{1b}'),
        "no colours without a terminal"
    );
    transcript.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

const VERIFY: &str = "verify approval.json --policy policy.toml --payload wire.json";

fn at_most_100_columns(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn verified() {
    let run = Folder::sample().run(VERIFY);
    at_most_100_columns(&run.stdout);
    assert_data_eq!(text(&run), file!["snapshots/verified.txt"].raw());
}

#[test]
fn rejected_with_the_field_that_differs() {
    let folder = Folder::sample();
    folder.edit("wire.json", "1001.00", "9001.00");
    let run = folder.run(VERIFY);
    at_most_100_columns(&run.stdout);
    assert_data_eq!(text(&run), file!["snapshots/rejected.txt"].raw());
}

#[test]
fn incomplete_without_a_policy() {
    let run = Folder::sample().run("verify approval.json");
    at_most_100_columns(&run.stdout);
    assert_data_eq!(text(&run), file!["snapshots/incomplete.txt"].raw());
}

#[test]
fn malformed() {
    let run = Folder::sample().run("verify wire.json --policy policy.toml");
    assert_data_eq!(text(&run), file!["snapshots/malformed.txt"].raw());
}

#[test]
fn missing_file() {
    let folder = Folder::sample();
    let run = folder.run("verify nothing.json --policy policy.toml");
    assert_data_eq!(text(&run), file!["snapshots/missing_file.txt"].raw());
}

#[test]
fn several() {
    let folder = Folder::many(4);
    folder.write("folder/02.payload.json", "{}");
    folder.write("folder/03.json", "{}");
    let run = folder.run("verify folder nothing.json --policy policy.toml");
    assert_data_eq!(text(&run), file!["snapshots/several.txt"].raw());
}

#[test]
fn inspect() {
    let run = Folder::sample().run("inspect approval.json");
    at_most_100_columns(&run.stdout);
    assert!(run.stdout.starts_with("NOTHING WAS VERIFIED"));
    assert_data_eq!(text(&run), file!["snapshots/inspect.txt"].raw());
}

#[test]
fn explain() {
    let folder = Folder::empty();
    let run = folder.run("explain payload.mismatch");
    assert_data_eq!(text(&run), file!["snapshots/explain_code.txt"].raw());
    let run = folder.run("explain webauthn.origin");
    assert_data_eq!(text(&run), file!["snapshots/explain_both.txt"].raw());
    let run = folder.run("explain payload.missmatch");
    assert_data_eq!(text(&run), file!["snapshots/explain_unknown.txt"].raw());
}

#[test]
fn hostile_text_is_escaped() {
    let folder = Folder::drafted(|draft| {
        draft.action = Some("transfer\u{1b}[2J\u{202e}\nVERIFIED".into());
        draft.ceremony.origin = "https://evil.example\u{1b}[31m".into();
    });
    for command in [VERIFY, "inspect approval.json"] {
        let run = folder.run(command);
        let printed = run.stdout + &run.stderr;
        assert!(!printed.contains(['\u{1b}', '\u{202e}']), "{printed}");
        assert!(!printed.contains("\nVERIFIED"), "{printed}");
        assert!(printed.contains(r"\u{202e}"), "{printed}");
    }
}

#[test]
fn a_walk_from_no_policy_to_verified() {
    let folder = Folder::sample();
    let approval = Approval::sample(Algorithm::Es256);
    let key = test_vectors::encoding::b64url(&approval.assertion.public_key);
    folder.write("log.policy", approval.policy.log.as_ref().unwrap());
    let mut transcript = String::new();
    for command in [
        "policy init -o mine.toml --name mine --rp-id approvals.example \
         --origin https://approvals.example --log-policy log.policy",
        "policy check mine.toml",
        &format!("policy add-approver mine.toml --name alice --key {key} --alg ES256"),
        "policy check mine.toml",
        "policy show mine.toml",
        "verify approval.json --policy mine.toml --payload wire.json -q",
    ] {
        let run = folder.run(command);
        at_most_100_columns(&run.stdout);
        transcript.push_str(&format!("$ cosignet {command}\n{}\n", text(&run)));
    }
    transcript.push_str(&folder.read("mine.toml"));
    assert_data_eq!(transcript, file!["snapshots/policy_walk.txt"].raw());
}
