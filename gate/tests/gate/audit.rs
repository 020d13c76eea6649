//! Events, for those who look later.

use serde_json::{Value, json};

use crate::harness::{Gate, RULES};

#[test]
fn every_change_is_an_event_and_the_chain_holds() {
    let gate = Gate::new(RULES);
    let ann = gate.person("ann", "finance");
    let key = gate.key("agent", "create,claim,read", None);
    let id = gate.ask(&key, "payment.send", &json!({ "amount": "1" }));
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    gate.wait(&key, &id);
    let lines = gate.get("/export", &key).text;
    assert_eq!(
        lines.trim(),
        gate.succeed(&["export"]),
        "over HTTP as on the machine"
    );
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].to_string())
        .collect();
    let expected = [
        "person.invited",
        "person.enrolled",
        "key.created",
        "request.created",
        "request.signed",
        "signature.logged",
        "request.approved",
    ];
    assert_eq!(kinds, expected.map(|kind| format!("\"{kind}\"")));
    let after = gate.get("/export?after=3", &key).text;
    assert_eq!(after.lines().count(), kinds.len() - 3);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    let verify = |text: &str| {
        std::fs::write(&file, text).unwrap();
        gate.run(&["export", "--verify", &file.display().to_string()])
    };
    let whole = verify(&lines);
    let said = String::from_utf8_lossy(&whole.stdout).into_owned();
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    assert!(
        said.starts_with("Events 1 to 7 follow each other, from the first event on."),
        "{said}"
    );
    for changed in [
        lines.replacen("\"finance\"", "\"board\"", 1),
        lines
            .lines()
            .filter(|line| !line.contains("key.created"))
            .collect::<Vec<_>>()
            .join("\n"),
        lines.replacen("agent", "agenT", 1),
    ] {
        assert_ne!(changed, lines);
        let found = verify(&changed);
        assert_eq!(found.status.code(), Some(1), "{found:?}");
    }
    let second: String = lines.lines().skip(1).take(1).collect();
    assert_eq!(
        verify(&second).status.code(),
        Some(0),
        "a file may begin later"
    );
    let first: String = lines.lines().take(1).collect();
    assert_eq!(verify(&first).status.code(), Some(0));
    let found = verify(&first.replace(&"0".repeat(64), &"1".repeat(64)));
    assert_eq!(
        found.status.code(),
        Some(1),
        "nothing comes before the first event"
    );
}

#[test]
fn what_was_kept_survives_a_kill() {
    let mut gate = Gate::new(RULES);
    let (ann, bob) = (gate.person("ann", "finance"), gate.person("bob", "board"));
    let key = gate.key("agent", "create", None);
    let id = gate.ask(&key, "payment.send", &json!({ "amount": "1000" }));
    assert_eq!(ann.decide(&gate, &id, "approve").status, 200);
    gate.kill();
    gate.serve(&[]);
    let standing = gate.get(&format!("/api/confirmations/{id}"), &key).json();
    assert_eq!(standing["signatures"], json!({ "given": 1, "needed": 2 }));
    assert_eq!(bob.decide(&gate, &id, "approve").status, 200);
    assert_eq!(gate.wait(&key, &id)["status"], "approved");
}
