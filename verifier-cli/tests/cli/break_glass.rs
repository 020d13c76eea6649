//! Break-glass files, signed with keys in files.

use serde_json::{Value, json};

use crate::fixtures::Folder;

/// That of RFC 8410.
const ANN: (&str, &str) = (
    "-----BEGIN PRIVATE KEY-----\n\
     MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
     -----END PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n\
     MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
     -----END PUBLIC KEY-----\n",
);

/// One on P-256, made for this test.
const BOB: (&str, &str) = (
    "-----BEGIN PRIVATE KEY-----\n\
     MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjnkbFAORUtDKDSkj\n\
     a6GOW1QG0TSSfflJcIzwY5GthsihRANCAAQLyK2A5IZgPUQkYsFuzxC1jFNT8gtR\n\
     g8w7376qcCnzx7TxGeojTPJu7ZGDX0IQ+gQNGEg9kOvwFOecTo55HT3D\n\
     -----END PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n\
     MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC8itgOSGYD1EJGLBbs8QtYxTU/IL\n\
     UYPMO9++qnAp88e08RnqI0zybu2Rg19CEPoEDRhIPZDr8BTnnE6OeR09ww==\n\
     -----END PUBLIC KEY-----\n",
);

const NEW: &[&str] = &[
    "break-glass",
    "new",
    "--policy",
    "policy.toml",
    "--action",
    "payment.*",
    "--audience",
    "payments.example",
    "--reason",
    "The gate is down.",
    "--from",
    "2026-03-01T12:00:00Z",
];

/// A policy of two people with keys in files.
fn folder() -> Folder {
    let folder = Folder::empty();
    let init = "policy init -o policy.toml --name mine --rp-id approvals.example \
                --origin https://approvals.example --no-log";
    assert_eq!(folder.run(init).code, 0);
    for (name, (private, public)) in [("ann", ANN), ("bob", BOB)] {
        folder.write(format!("{name}.pem"), private);
        folder.write(format!("{name}.pub"), public);
        let add = format!("policy add-approver policy.toml --name {name} --key {name}.pub");
        assert_eq!(folder.run(&add).code, 0);
    }
    folder
}

fn grant_sha256(folder: &Folder, file: &str) -> String {
    let check = format!("break-glass check {file} --policy policy.toml --format json");
    let said: Value = serde_json::from_str(&folder.run(&check).stdout).unwrap();
    said["grantSha256"].as_str().unwrap().to_owned()
}

fn sign(folder: &Folder, file: &str, name: &str) {
    let sign = format!("break-glass sign {file} --policy policy.toml --key {name}.pem");
    let hash = grant_sha256(folder, file);
    let run = folder.run(&format!("{sign} --grant-sha256 {hash}"));
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert!(run.stderr.contains("The gate is down."), "{}", run.stderr);
}

#[test]
fn nobody_signs_what_they_have_not_seen() {
    let folder = folder();
    assert_eq!(folder.run_args([NEW, &["-o", "a.json"]].concat()).code, 0);
    let before = folder.read("a.json");
    let sign = "break-glass sign a.json --policy policy.toml --key ann.pem";
    let other = format!("{sign} --grant-sha256 {}", "00".repeat(32));
    for words in [sign, &other] {
        let run = folder.run(words);
        assert_eq!(run.code, 2, "{}", run.transcript());
        assert_eq!(folder.read("a.json"), before);
    }
    let run = folder.run(sign);
    let hash = grant_sha256(&folder, "a.json");
    for words in ["payment.*", "The gate is down.", &hash] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

/// A journal is nobody's word: the report believes signatures, and counts.
#[test]
fn a_report_takes_no_use_that_two_people_have_not_signed() {
    let folder = folder();
    let words = [NEW, &["--uses", "2", "-o", "file.json"]].concat();
    assert_eq!(folder.run_args(words).code, 0);
    let empty = folder.read("file.json");
    sign(&folder, "file.json", "ann");
    let one = folder.read("file.json");
    sign(&folder, "file.json", "bob");
    let file = folder.read("file.json");
    let hash = grant_sha256(&folder, "file.json");
    let line = |number: u8, payload: &str, edit: &dyn Fn(&mut Value)| {
        let mut line = json!({
            "action": "payment.send",
            "at": "2026-03-01T12:10:00.000Z",
            "event": "used",
            "file": file.trim(),
            "grantSha256": hash,
            "payloadHash": payload.repeat(32),
            "reason": "The gate is down.",
            "signers": ["ann", "bob"],
            "type": "cosignet.break-glass-use/v1",
            "useId": format!("00000000-0000-4000-8000-00000000000{number}"),
        });
        edit(&mut line);
        line.to_string() + "\n"
    };
    let as_it_is = |_: &mut Value| {};
    let alone = |edit: &dyn Fn(&mut Value)| line(1, "00", edit);
    let twice = line(1, "00", &as_it_is) + &line(2, "11", &as_it_is);
    let cases = [
        (twice.clone(), None),
        (
            twice + &line(3, "22", &as_it_is),
            Some("break_glass.overused"),
        ),
        (
            line(1, "00", &as_it_is) + &line(2, "00", &as_it_is),
            Some("break_glass.overused"),
        ),
        (
            alone(&|line| {
                line["file"] = json!(empty.trim());
                line["signers"] = json!([]);
            }),
            Some("break_glass.quorum_short"),
        ),
        (
            alone(&|line| {
                line["file"] = json!(one.trim());
                line["signers"] = json!(["ann"]);
            }),
            Some("break_glass.quorum_short"),
        ),
        (
            alone(&|line| line["signers"] = json!(["ann", "cleo"])),
            Some("break_glass.form"),
        ),
        (
            alone(&|line| line["reason"] = json!("A test.")),
            Some("break_glass.form"),
        ),
        (
            alone(&|line| line["grantSha256"] = json!("00".repeat(32))),
            Some("break_glass.form"),
        ),
    ];
    for (journal, code) in cases {
        folder.write("journal", journal);
        let run = folder.run("report --policy policy.toml --break-glass journal file.json");
        match code {
            // A break-glass file is no approval.
            None => assert_eq!(run.code, 3, "{}", run.transcript()),
            Some(code) => {
                assert_eq!(run.code, 1, "{}", run.transcript());
                let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(
                    said.contains(&format!("nobody who counts: {code}")),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn two_keys_sign_copies_that_are_joined() {
    let folder = folder();
    let new = |output: &str, more: &[&str]| {
        let words = [NEW, more, &["-o", output]].concat();
        folder.run_args(words)
    };
    assert_eq!(new("a.json", &[]).code, 0);
    assert_eq!(new("a.json", &[]).code, 5, "nothing is overwritten");
    folder.write("b.json", folder.read("a.json"));
    for (file, name) in [("a.json", "ann"), ("b.json", "bob")] {
        sign(&folder, file, name);
    }
    let run = folder.run("break-glass join a.json b.json -o both.json");
    assert_eq!(run.code, 0, "{}", run.transcript());
    let run = folder.run("break-glass check both.json --policy policy.toml");
    assert_eq!(run.code, 0, "{}", run.transcript());
    for words in ["signed by ann", "signed by bob", "Every signature holds."] {
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
    // No approval, and the command that verifies them says what it is.
    let run = folder.run("verify both.json --policy policy.toml");
    assert_eq!(run.code, 3, "{}", run.transcript());
    assert!(run.stdout.contains("break-glass check"), "{}", run.stdout);

    // Another file is another grant, whatever it says.
    assert_eq!(new("c.json", &[]).code, 0);
    let run = folder.run("break-glass join a.json c.json -o more.json");
    assert_eq!(run.code, 2, "{}", run.transcript());
    // A changed grant is nobody's.
    folder.edit("both.json", "payments.example", "deploy.example");
    let run = folder.run("break-glass check both.json --policy policy.toml");
    assert_eq!(run.code, 1, "{}", run.transcript());
    assert!(
        run.stderr.contains("[webauthn.challenge]"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_cannot_be_granted_or_signed_is_refused() {
    let folder = folder();
    let without = |option: &str| -> Vec<&str> {
        let at = NEW.iter().position(|word| *word == option).unwrap();
        [&NEW[..at], &NEW[at + 2..]].concat()
    };
    for (option, value) in [
        ("--action", "*"),
        ("--action", "pay*"),
        ("--reason", ""),
        ("--for", "61m"),
        ("--uses", "0"),
        ("--uses", "101"),
    ] {
        let base = match NEW.contains(&option) {
            true => without(option),
            false => NEW.to_vec(),
        };
        let run = folder.run_args([&base[..], &[option, value, "-o", "x.json"]].concat());
        assert_eq!(run.code, 2, "{}", run.transcript());
        assert!(!folder.path("x.json").exists());
    }
    assert_eq!(folder.run_args([NEW, &["-o", "a.json"]].concat()).code, 0);
    let before = folder.read("a.json");
    folder.write("mine.pem", "no key");
    folder.write("public.pem", ANN.1);
    for key in ["mine.pem", "public.pem"] {
        let run = folder.run(&format!(
            "break-glass sign a.json --policy policy.toml --key {key}"
        ));
        assert!(run.stderr.contains("[key.form]"), "{}", run.stderr);
    }
    // Somebody whom the policy does not list, and a policy that the file is not for.
    folder.edit("policy.toml", "name = \"mine\"", "name = \"other\"");
    let run = folder.run("break-glass sign a.json --policy policy.toml --key ann.pem");
    assert_eq!(run.code, 2, "{}", run.transcript());
    assert_eq!(folder.read("a.json"), before, "it stays as it is");
}
