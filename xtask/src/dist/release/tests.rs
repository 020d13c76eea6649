#![allow(clippy::unwrap_used, reason = "these are tests")]

use super::*;
use std::fs;
use std::path::Path;

use test_vectors::{Algorithm, Approval, Approver, Context, Decision, Draft, Passkey};

use crate::command::binary;

fn release() -> Release {
    Release {
        version: "1.2.3".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        time: 1_700_000_000,
    }
}

fn files() -> Files {
    let files = [("b.deb", "two"), ("a.tar.gz", "one")];
    files
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .into()
}

#[test]
fn times_are_written_as_others_read_them() {
    let release = release();
    assert_eq!(release.moment().unwrap(), "2023-11-14T22:13:20Z");
    let date = release.mail_date().unwrap();
    assert_eq!(date, "Tue, 14 Nov 2023 22:13:20 +0000");
}

#[test]
fn the_statement_names_every_file_but_itself() {
    let mut files = files();
    release().state(&mut files).unwrap();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let one = hex(&sha256(b"one"));
    let two = hex(&sha256(b"two"));
    let sums = format!("{one}  a.tar.gz\n{two}  b.deb\n");
    assert_eq!(text(SUMS), sums);
    assert_eq!(
        text(STATEMENT),
        format!(
            r#"{{"commit":"0123456789abcdef0123456789abcdef01234567","files":{{"SHA256SUMS":"{}","a.tar.gz":"{one}","b.deb":"{two}"}},"kind":"release","name":"cosignet","version":"1.2.3"}}"#,
            hex(&sha256(sums.as_bytes()))
        )
    );
}

#[test]
fn a_statement_that_no_gate_takes_is_not_made() {
    let mut many: Files = (0..300)
        .map(|number| (format!("{number}"), Vec::new()))
        .collect();
    assert!(release().state(&mut many).is_err());
}

/// The way of RELEASING.md: two of three maintainers approve, and somebody who has downloaded the
/// files verifies that, and the files.
#[test]
fn maintainers_approve_a_release_and_others_verify_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files();
    release().state(&mut files).unwrap();
    for (name, bytes) in &files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let context = Context::numbered(1).text();
    let approvals = Approval::together(
        &["ann", "bob"].map(|who| Draft::by(who).approving_under(&context, &files[STATEMENT])),
    );
    let mut policy = approvals[0].policy.clone();
    let key = |name: &str| Approver::new(name, &Passkey::new(Algorithm::EdDsa, name));
    policy.approvers = ["ann", "bob", "cid"]
        .map(|name| key(name).in_groups(&["maintainers"]))
        .into();
    policy.decision = Some(json!({"require": [{"group": "maintainers", "atLeast": 2}]}));
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("maintainers.toml", &policy.toml());
    let both = Decision::of(&approvals).text();
    write("release.approval.json", &both);

    assert_eq!(verify(folder.path()), Some(0));
    assert!(check(folder.path()));

    // Another file than the maintainers had.
    write("b.deb", "other");
    assert!(!check(folder.path()));
    // And the statement changed with it, and the sums.
    let forged = String::from_utf8(files[STATEMENT].clone()).unwrap();
    let forged = forged.replace(&hex(&sha256(b"two")), &hex(&sha256(b"other")));
    write(STATEMENT, &forged);
    assert!(check(folder.path()));
    assert_eq!(verify(folder.path()), Some(1));
    // One maintainer alone.
    fs::write(folder.path().join(STATEMENT), &files[STATEMENT]).unwrap();
    write(
        "release.approval.json",
        &Decision::of(&approvals[..1]).text(),
    );
    assert_eq!(verify(folder.path()), Some(4));
}

fn verify(folder: &Path) -> Option<i32> {
    let mut cosignet = Command::new(binary("debug", "cosignet"));
    let words = [
        "verify",
        "--payload",
        STATEMENT,
        "--policy",
        "maintainers.toml",
        "--",
        "release.approval.json",
    ];
    let output = cosignet.args(words).current_dir(folder).output();
    let output = output.expect("`cargo test --workspace` builds cosignet");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    output.status.code()
}

/// As RELEASING.md and docs/INSTALL.md have it.
fn check(folder: &Path) -> bool {
    let command = r#"jq -r '.files | to_entries[] | "\(.value)  \(.key)"' release.json |
        sha256sum --check --ignore-missing --strict --quiet"#;
    let mut shell = Command::new("sh");
    let status = shell.args(["-c", command]).current_dir(folder).status();
    status.unwrap().success()
}
