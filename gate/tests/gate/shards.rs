//! A gate whose log is one of several, one after the other.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Gate, Log, RULES, program};

fn run(args: &[&str]) -> String {
    let output = program("cosignet-log").args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_gate_goes_on_in_the_next_log_and_takes_no_answer_of_a_log_that_its_policy_lacks() {
    let mut log = Log::new();
    let data = [0, 1, 2].map(|year| match year {
        0 => log.path("log").display().to_string(),
        _ => log.path(&format!("log{year}")).display().to_string(),
    });
    let names = [
        "log.example/approvals",
        "log.example/next",
        "log.example/third",
    ];
    let mut vkeys = vec![log.vkey.clone()];
    for at in [1, 2] {
        vkeys.push(run(&["init", "--data", &data[at], "--origin", names[at]]));
        run(&["token", "copy", "--data", &data[at], "--from", &data[0]]);
    }
    let tables = data.iter().enumerate();
    let tables =
        tables.map(|(at, data)| format!("[[shards]]\npath = \"{at}\"\ndata = \"{data}\"\n"));
    let settings = log.path("settings.toml");
    std::fs::write(&settings, tables.collect::<String>()).unwrap();
    // The third is in nobody's policy.
    let policy = log.path("log.policy");
    let text = format!("log {}\nlog {}\nquorum none\n", vkeys[0], vkeys[1]);
    std::fs::write(&policy, &text).unwrap();

    let mut gate = Gate::beside(&log, RULES);
    gate.kill();
    let policy = policy.display().to_string();
    gate.serve_at(log.port, &["--log-policy", &policy]);
    log.serve_what(
        &gate.origin(),
        &["--config", &settings.display().to_string()],
    );
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let sign = |amount: &str| {
        let id = gate.ask(&agent, "payment.send", &json!({ "amount": amount }));
        let signed = ann.decide(&gate, &id, "approve");
        assert_eq!(signed.status, 200, "{signed:?}");
        id
    };
    let origin = |id: &str| {
        let path = format!("/api/confirmations/{id}/decision");
        let decision = gate.get(&path, &agent).text;
        let of = |name: &&&str| decision.contains(&format!("\\n\\n{name}\\n"));
        names.iter().find(of).map(|name| (*name).to_owned())
    };
    let first = sign("1");
    assert_eq!(gate.wait(&agent, &first)["status"], "approved");
    assert_eq!(origin(&first).as_deref(), Some(names[0]));
    // At the turn.
    run(&["close", "--data", &data[0], "--origin", names[0]]);
    let second = sign("2");
    assert_eq!(gate.wait(&agent, &second)["status"], "approved");
    assert_eq!(origin(&second).as_deref(), Some(names[1]));
    // Auditors get the policy that the gate has.
    let shown = gate.succeed(&["policy"]);
    assert!(
        shown.contains(&vkeys[0]) && shown.contains(&vkeys[1]),
        "{shown}"
    );

    // A log that nobody of those who verify knows: nothing is approved on its word.
    run(&["close", "--data", &data[1], "--origin", names[1]]);
    let third = sign("3");
    let begun = Instant::now();
    while !gate.get("/readyz", &agent).text.contains("--log-policy") {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the gate says nothing"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let standing = gate
        .get(&format!("/api/confirmations/{third}"), &agent)
        .json();
    assert_eq!(standing["status"], "pending", "{standing}");
    // With the key in its policy, what waits is taken.
    std::fs::write(&policy, format!("log {}\n{text}", vkeys[2])).unwrap();
    gate.kill();
    gate.serve_at(log.port, &["--log-policy", &policy]);
    assert_eq!(gate.wait(&agent, &third)["status"], "approved");
}
