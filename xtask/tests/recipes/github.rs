//! The composite action, and the workflow that uses it.

use std::process::Output;

use crate::bench::Bench;
use crate::yaml::{at, list, names, read, text};

const ACTION: &str = "github/action.yml";

/// A bench on which the action's inputs are what the workflow says.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.set("GATE_URL", "https://gate.example.com");
    bench.set("GATE_KEY", "cosignet_key");
    bench.set("GATE_CLAIM_KEY", "");
    bench.set("GATE_POLICY", "name = \"mine\"\n");
    bench.set("GATE_ACTION", "deploy.production");
    bench.set("GATE_PAYLOAD", "payload.json");
    let run = read("github/deploy.yml", |workflow| {
        let steps = list(workflow, &["jobs", "deploy", "steps"]);
        text(steps.last().unwrap(), &["with", "run"])
    });
    bench.set("GATE_RUN", &run);
    bench.write(
        "payload.json",
        r#"{"commit":"4fa1","environment":"production"}"#,
    );
    // As the workflow has it: a program beside the code.
    bench.program("deploy.sh", "printf '%s' \"$1\" > \"$BENCH/deployed\"");
    std::os::unix::fs::symlink(bench.path("bin/deploy.sh"), bench.path("deploy.sh")).unwrap();
    bench
}

fn step() -> String {
    read(ACTION, |action| {
        let [step] = list(action, &["runs", "steps"]) else {
            panic!("one step asks and acts");
        };
        assert_eq!(text(step, &["shell"]), "bash");
        text(step, &["run"])
    })
}

/// As GitHub runs a step of bash.
fn run(bench: &Bench) -> Output {
    bench.write("step", &step());
    bench.run(
        "bash",
        &["--noprofile", "--norc", "-eo", "pipefail", "step"],
    )
}

#[test]
fn what_was_approved_is_deployed() {
    let bench = bench();
    bench.approves();
    let output = run(&bench);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bench.text("deployed"), "4fa1");
    assert_eq!(bench.text("key").trim(), "cosignet_key");
    assert_eq!(bench.text("policy").trim(), "name = \"mine\"");
    bench.assert_nothing_private_is_left();
}

#[test]
fn nothing_is_deployed_otherwise() {
    let bench = bench();
    bench.never("deployed", run);
    bench.assert_nothing_private_is_left();
}

#[test]
fn a_script_that_fails_fails_the_step() {
    let mut bench = bench();
    bench.set("GATE_RUN", "false\ntouch deployed\n");
    bench.approves();
    assert_eq!(run(&bench).status.code(), Some(1));
    assert!(!bench.has("deployed"));
}

#[test]
fn an_input_that_is_missing_fails_the_step() {
    // GitHub hands on an empty text for an input that the workflow does not name.
    for name in ["URL", "KEY", "POLICY", "ACTION", "PAYLOAD", "RUN"] {
        let mut bench = bench();
        bench.set(&format!("GATE_{name}"), "");
        bench.approves();
        assert_eq!(run(&bench).status.code(), Some(2), "{name}");
        assert!(!bench.has("asked"), "{name}");
    }
}

#[test]
fn an_input_is_a_value_and_no_part_of_the_script() {
    assert!(!step().contains("${{"));
    let mut bench = bench();
    bench.set("GATE_ACTION", "x; touch $BENCH/deployed #");
    bench.never("deployed", run);
}

#[test]
fn the_script_does_not_see_the_keys() {
    let mut bench = bench();
    bench.set("GATE_RUN", "env > \"$BENCH/deployed\"");
    bench.approves();
    assert!(run(&bench).status.success());
    assert!(!bench.text("deployed").contains("cosignet_key"));
}

#[test]
fn the_workflow_gives_the_action_its_inputs() {
    let inputs = read(ACTION, |action| names(action, &["inputs"]));
    read("github/deploy.yml", |workflow| {
        let steps = list(workflow, &["jobs", "deploy", "steps"]);
        let with = names(steps.last().unwrap(), &["with"]);
        for name in &with {
            assert!(inputs.contains(name), "the action has no input {name}");
        }
        read(ACTION, |action| {
            for name in &inputs {
                let input = at(action, &["inputs", name]);
                let required = input.as_mapping_get("required").is_some();
                assert!(
                    !required || with.contains(name),
                    "the workflow lacks {name}"
                );
            }
        });
    });
}

#[test]
fn the_payload_of_the_workflow_is_that_of_the_commit() {
    let mut bench = bench();
    bench.set("GITHUB_SHA", "4fa1\"x");
    bench.set("GITHUB_REPOSITORY", "acme/shop");
    let write = read("github/deploy.yml", |workflow| {
        text(&list(workflow, &["jobs", "deploy", "steps"])[1], &["run"])
    });
    bench.write("write", &write);
    assert!(bench.run("bash", &["-e", "write"]).status.success());
    let payload: serde_json::Value = serde_json::from_str(&bench.text("payload.json")).unwrap();
    let expected = serde_json::json!({
        "commit": "4fa1\"x", "environment": "production", "repository": "acme/shop",
    });
    assert_eq!(payload, expected);
}
