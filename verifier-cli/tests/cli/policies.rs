//! Making, extending, checking and showing policies.

use test_vectors::encoding::b64url;
use test_vectors::{Algorithm, Passkey};

use crate::fixtures::Folder;

const INIT: &str = "policy init -o mine.toml --name mine --rp-id approvals.example \
                    --origin https://approvals.example --no-log";

fn key(algorithm: Algorithm, seed: &str) -> String {
    b64url(&Passkey::new(algorithm, seed).public_key)
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::empty();
    assert_eq!(folder.run(INIT).code, 0);
    let before = folder.read("mine.toml");
    let run = folder.run(&INIT.replace("--name mine", "--name other"));
    assert_eq!(run.code, 5, "{}", run.transcript());
    assert!(run.stderr.contains("[io.exists]"));
    assert_eq!(folder.read("mine.toml"), before);
}

#[test]
fn comments_survive_an_added_approver() {
    let folder = Folder::empty();
    folder.run(INIT);
    let before = folder.read("mine.toml");
    for (algorithm, name) in [
        (Algorithm::Es256, "a"),
        (Algorithm::Rs256, "b"),
        (Algorithm::EdDsa, "c"),
    ] {
        let key = key(algorithm, name);
        let run = folder.run(&format!(
            "policy add-approver mine.toml --name {name} --key {key}"
        ));
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(run.stdout.contains("SHA256:"), "{}", run.stdout);
    }
    let after = folder.read("mine.toml");
    assert!(after.starts_with(&before), "{after}");
    let run = folder.run("policy show mine.toml");
    assert_eq!(run.stdout.matches("SHA256:").count(), 3, "{}", run.stdout);
}

#[test]
fn refuses_keys_that_it_should_not_add() {
    let folder = Folder::empty();
    folder.run(INIT);
    let (alice, bob) = (key(Algorithm::Es256, "alice"), key(Algorithm::Es256, "bob"));
    let add = |rest: &str| folder.run(&format!("policy add-approver mine.toml {rest}"));
    assert_eq!(
        add(&format!("--name alice --key {alice} --credential-id AQ")).code,
        0
    );
    let before = folder.read("mine.toml");
    for (rest, code, text) in [
        (format!("--name again --key {alice}"), 2, "[key.twice]"),
        (
            format!("--name bob --key {bob} --credential-id AQ"),
            2,
            "[key.twice]",
        ),
        (format!("--name bob --key {bob} --alg RS256"), 2, "ES256"),
        (format!("--name bob --key {}", &bob[..40]), 2, "[key.form]"),
        ("--name bob --key nothing.pem".into(), 5, "[io.unreadable]"),
        (
            "--name bob --registration nothing.json".into(),
            5,
            "[io.unreadable]",
        ),
        ("--name bob".into(), 2, "--registration"),
    ] {
        let run = add(&rest);
        assert_eq!(run.code, code, "{rest}\n{}", run.transcript());
        assert!(run.stderr.contains(text), "{rest}\n{}", run.stderr);
        assert_eq!(folder.read("mine.toml"), before, "{rest}");
    }
}

#[test]
fn check_warns_in_plain_words() {
    let folder = Folder::empty();
    folder.run(INIT);
    let (a, b) = (key(Algorithm::Es256, "a"), key(Algorithm::Es256, "b"));
    for key in [a, b] {
        folder.run(&format!(
            "policy add-approver mine.toml --name x --key {key} --not-after 2027-01-01T00:00:00Z"
        ));
    }
    for (from, to, warning) in [
        ("", "", "log = \"none\""),
        ("", "", "The name \"x\" stands for more than one key"),
        ("", "", "The key of \"x\" has a notAfter"),
        (
            "payload = \"required\"",
            "payload = \"hash-only\"",
            "hash-only",
        ),
        (
            "userVerification = \"required\"",
            "userVerification = \"preferred\"",
            "without PIN or biometric",
        ),
        (
            "https://approvals.example",
            "http://approvals.example",
            "not protected by TLS",
        ),
        (
            "https://approvals.example",
            "https://approvals.example/",
            "ends in a slash",
        ),
        (
            "https://approvals.example",
            "https://Approvals.example",
            "upper-case",
        ),
        (
            "https://approvals.example",
            "https://evilapprovals.example",
            "No origin belongs to",
        ),
    ] {
        let before = folder.read("mine.toml");
        folder.edit("mine.toml", from, to);
        let run = folder.run("policy check mine.toml");
        assert_eq!(run.code, 0, "{}", run.transcript());
        let flat = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(warning), "{warning}\n{flat}");
        folder.write("mine.toml", before);
    }
}

#[test]
fn approvers_added_at_once_are_all_there() {
    let folder = Folder::sample();
    let before = folder.read("policy.toml").matches("[[approvers]]").count();
    let children: Vec<_> = (0..8)
        .map(|i| {
            let key = key(Algorithm::Es256, &format!("p{i}"));
            let name = format!("p{i}");
            let args = [
                "policy",
                "add-approver",
                "policy.toml",
                "--name",
                &name,
                "--key",
                &key,
            ];
            let mut command = folder.command();
            command.args(args).stdout(std::process::Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let after = folder.read("policy.toml").matches("[[approvers]]").count();
    assert_eq!(after, before + 8);
}

#[test]
fn a_policy_is_the_same_in_whatever_form_it_was_saved() {
    let folder = Folder::sample();
    let text = folder.read("policy.toml");
    let sha256 = |name: &str| {
        let run = folder.run(&format!("policy show {name}"));
        assert_eq!(run.code, 0, "{}", run.transcript());
        let line = run.stdout.lines().find(|line| line.starts_with("sha256"));
        line.unwrap().to_owned()
    };
    let expected = sha256("policy.toml");
    let windows = text.replace('\n', "\r\n");
    let utf16: Vec<u8> = format!("\u{feff}{windows}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for form in [
        windows.clone().into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        utf16,
        text.trim_end().as_bytes().to_vec(),
    ] {
        folder.write("form.toml", form);
        assert_eq!(sha256("form.toml"), expected);
    }
    // An edit keeps the form.
    folder.write("form.toml", &windows);
    let key = key(Algorithm::Es256, "new");
    let run = folder.run(&format!(
        "policy add-approver form.toml --name new --key {key}"
    ));
    assert_eq!(run.code, 0, "{}", run.transcript());
    let edited = folder.read("form.toml");
    assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count());
}
