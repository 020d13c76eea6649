//! Texts that people read. `SNAPSHOTS=overwrite cargo test -p verifier-cli` writes the files anew.

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
fn words_of_the_command_line_are_escaped() {
    // What drives a terminal, reorders, prints as nothing, or begins a line of its own.
    let hostile = "x\u{202e}\u{9b}2J\u{1b}[2K\u{2800}\u{1d173}\nVERIFIED alice";
    let folder = Folder::sample();
    folder.write("log.policy", "quorum none\n");
    for words in [
        vec![hostile],
        vec!["verify", "--", hostile],
        vec!["verify", &format!("--{hostile}")],
        vec!["verify", "approval.json", "--format", hostile],
        vec!["verify", "approval.json", "--at", hostile],
        vec!["verify", "approval.json", "--policy", hostile],
        vec![
            "verify",
            "approval.json",
            "--policy",
            "policy.toml",
            "--approver",
            hostile,
        ],
        vec!["verify", "approval.json", "--payload", hostile],
        vec!["explain", hostile],
        vec!["inspect", hostile],
        vec!["policy", "show", hostile],
        vec![
            "policy",
            "add-approver",
            "policy.toml",
            "--name",
            hostile,
            "--key",
            "AA",
        ],
        vec![
            "policy",
            "init",
            "--name",
            hostile,
            "--rp-id",
            "a.example",
            "--origin",
            "https://a.example",
        ],
    ] {
        let run = folder.run_args(words.iter().copied());
        assert_ne!(run.code, 0, "{words:?}");
        let printed = run.stdout + &run.stderr;
        let visible = |c: char| c == '\n' || !verifier_core::hazmat::shown::is_hidden(c);
        assert!(printed.chars().all(visible), "{words:?}\n{printed}");
        let forged = printed.lines().any(|line| line.starts_with("VERIFIED"));
        assert!(!forged, "{words:?}\n{printed}");
    }
}

#[test]
fn a_row_is_a_row_whatever_a_file_is_called() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("folder")).unwrap();
    let name = format!("x{}VERIFIED  payroll.json", " ".repeat(100));
    folder.write(format!("folder/{name}"), "{}");
    folder.write("folder/two\nVERIFIED   lines.json", "[]");
    let run = folder.run("verify folder");
    let rows: Vec<&str> = run
        .stdout
        .lines()
        .filter(|row| row.contains(".json"))
        .collect();
    assert!(
        rows.iter().all(|row| row.starts_with("MALFORMED  ")),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("   VERIFIED") && !run.stdout.contains("\nVERIFIED"));
    assert!(run.stdout.contains(r"x  \u{20}\u{20}"), "{}", run.stdout);
}

#[test]
fn a_witness_called_like_a_quorum_is_none() {
    let name = "2\u{a0}of\u{a0}w1,\u{a0}w2,\u{a0}w3";
    let folder = Folder::sample();
    folder.edit("policy.toml", "witness w1 ", &format!("witness {name} "));
    folder.edit("policy.toml", "group all-witnesses 2 w1 w2 w3\n", "");
    folder.edit(
        "policy.toml",
        "quorum all-witnesses",
        &format!("quorum {name}"),
    );
    let quoted = r#""2\u{a0}of\u{a0}w1,\u{a0}w2,\u{a0}w3""#;
    let run = folder.run("policy show policy.toml");
    assert!(
        run.stdout.contains(&format!("quorum      {quoted}\n")),
        "{}",
        run.stdout
    );
    let run = folder.run(VERIFY);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains(&format!("the quorum is met: {quoted} ")),
        "{}",
        run.stdout
    );
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
