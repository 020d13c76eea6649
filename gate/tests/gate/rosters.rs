//! A roster of the gate's people: the gate writes the payload, admins approve it like anything
//! else, and only then does an auditor know who may approve.

use std::path::Path;

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, hex, sha256};

use crate::harness::{Gate, Person, program};

const RULES: &str = r#"
[[rule]]
name = "roster"
action = "roster.change"
approve = [{ group = "board", at_least = 1 }]

[[rule]]
name = "payments"
action = "payment.send"
approve = [{ group = "finance", at_least = 1 }]
"#;

/// The policy of an auditor who knows the admin, and none of those who approve.
fn policy(gate: &Gate, admin: &Person) -> String {
    format!(
        "name = \"audit\"\n\
         [webauthn]\nrpIds = [\"localhost\"]\norigins = [\"{}\"]\n\
         [log]\npolicy = '''\nlog {}\nquorum none\n'''\n\
         [roster]\nname = \"acme\"\n\
         require = [{{ group = \"board\", atLeast = 1 }}]\n\
         [[roster.admins]]\nname = \"ada\"\nperson = \"ada\"\ngroups = [\"board\"]\n\
         publicKey = \"{}\"\n",
        gate.origin(),
        gate.vkey,
        b64url(&admin.passkey.public_key),
    )
}

/// `cosignet` in a folder: how it ended, and what it said.
fn cosignet(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = program("cosignet")
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), said.concat())
}

/// What was decided about a payload, as one of these people wants it.
fn decided(gate: &Gate, key: &str, person: &Person, action: &str, payload: &Value) -> String {
    let id = gate.ask(key, action, payload);
    assert_eq!(person.decide(gate, &id, "approve").status, 200);
    let decided = gate.wait(key, &id);
    assert_eq!(decided["status"], "approved", "{decided}");
    decided["decision"].to_string()
}

#[test]
fn admins_approve_the_people_of_the_gate_and_an_auditor_knows_them() {
    let gate = Gate::new(RULES);
    let ada = gate.person("ada", "board");
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "finance"));
    let agent = gate.key("agent", "create", None);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let at = |name: &str| folder.join(name).display().to_string();
    write("policy.toml", &policy(&gate, &ada));
    let begun = cosignet(
        folder,
        &[
            "roster",
            "init",
            "--policy",
            "policy.toml",
            "-o",
            "first.json",
        ],
    );
    assert_eq!(begun.0, 0, "{}", begun.1);

    let append = |payload: &str| {
        let payload = serde_json::from_str(payload).unwrap();
        let decision = decided(&gate, &agent, &ada, "roster.change", &payload);
        write("decision.json", &decision);
        let words = ["roster", "append", "roster.json", "decision.json"];
        let done = cosignet(folder, &[&words[..], &["--policy", "policy.toml"]].concat());
        assert_eq!(done.0, 0, "{}", done.1);
    };
    let verify = |decision: &str| {
        write("payment.json", decision);
        let words = [
            "verify",
            "--policy",
            "policy.toml",
            "--roster",
            "roster.json",
        ];
        cosignet(folder, &[&words[..], &["--", "payment.json"]].concat())
    };

    let first = gate.succeed(&["roster", &at("first.json")]);
    append(&first);
    let by_bob = decided(&gate, &agent, &bob, "payment.send", &json!({"amount": "1"}));
    let (exit, said) = verify(&by_bob);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("VERIFIED") && said.contains("bob"), "{said}");

    // Whoever is retired is not in the next version, which says what it follows.
    gate.succeed(&["approver", "retire", "bob"]);
    let second = gate.succeed(&["roster", &at("roster.json")]);
    let members: Value = serde_json::from_str(&second).unwrap();
    assert_eq!(members["version"], 2);
    assert_eq!(members["previous"], hex(&sha256(first.as_bytes())));
    let names: Vec<&Value> = members["approvers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["ada", "ann"]);
    append(&second);
    // What bob approved before that is still an approval, and so is what ann approves now.
    assert_eq!(verify(&by_bob).0, 0);
    let by_ann = decided(&gate, &agent, &ann, "payment.send", &json!({"amount": "2"}));
    assert_eq!(verify(&by_ann).0, 0);

    // A file that is no roster is no base for one.
    write("other.json", "{}");
    let refused = gate.run(&["roster", &at("other.json")]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stdout.is_empty());
}
