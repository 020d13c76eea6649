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
