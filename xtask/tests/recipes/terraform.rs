//! Terraform: a plan is approved, and that plan is applied.

use std::process::Output;

use crate::bench::Bench;

/// Terraform, as far as the recipe uses it. A plan is a text; applying it leaves a copy.
const TERRAFORM: &str = r#"
case $1 in
  plan)
    for last; do :; done
    printf '%s' "$PLAN" > "${last#-out=}"
    exit "$PLANNED" ;;
  show)
    cat "$BENCH/plan.json" ;;
  workspace) echo production ;;
  apply)
    for last; do :; done
    cat "$last" > "$BENCH/applied" ;;
esac
"#;

const PLAN: &str = r#"{"resource_changes": [
    {"address": "aws_instance.web", "change": {"actions": ["delete", "create"]}},
    {"address": "aws_instance.db", "change": {"actions": ["no-op"]}},
    {"address": "aws_s3_bucket.logs", "change": {"actions": ["create"]}},
    {"address": "data.aws_ami.base", "change": {"actions": ["read"]}}
]}"#;

fn bench() -> Bench {
    let mut bench = Bench::with_gate();
    bench.set("PLAN", "the plan");
    bench.set("PLANNED", "2");
    bench.write("plan.json", PLAN);
    bench.program("terraform", TERRAFORM);
    bench.write("apply.sh", &bench.recipe("terraform/apply.sh"));
    bench
}

fn run(bench: &Bench) -> Output {
    bench.run("sh", &["apply.sh"])
}

#[test]
fn what_was_approved_is_applied() {
    let bench = bench();
    bench.approves();
    let output = run(&bench);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bench.text("applied"), "the plan");
    // printf 'the plan' | sha256sum
    let expected = serde_json::json!({
        "changes": ["delete and create aws_instance.web", "create aws_s3_bucket.logs"],
        "plan_sha256": "aab8f06fecd1c041e9a3d5a86114f9e522b546918db8503a045fe4a423b3642a",
        "workspace": "production",
    });
    assert_eq!(bench.approved(), expected);
    bench.assert_nothing_private_is_left();
}

#[test]
fn nothing_is_applied_otherwise() {
    let bench = bench();
    bench.never("applied", run);
    bench.assert_nothing_private_is_left();
}

#[test]
fn a_plan_that_changed_meanwhile_is_not_applied() {
    let bench = bench();
    bench.approves();
    // What comes behind the approval finds another plan.
    let approves = bench.text("bin/cosignet");
    let swaps = approves.replace(
        "\"$@\" <",
        "for last; do :; done; printf other > \"$last\"; \"$@\" <",
    );
    assert_ne!(approves, swaps);
    bench.write("bin/cosignet", &swaps);
    assert!(!run(&bench).status.success());
    assert!(!bench.has("applied"));
}

#[test]
fn a_plan_without_changes_asks_nobody() {
    let mut bench = bench();
    bench.set("PLANNED", "0");
    assert!(run(&bench).status.success());
    assert!(!bench.has("asked") && !bench.has("applied"));
}

#[test]
fn a_plan_that_fails_asks_nobody() {
    let mut bench = bench();
    bench.approves();
    bench.set("PLANNED", "1");
    assert_eq!(run(&bench).status.code(), Some(1));
    assert!(!bench.has("asked") && !bench.has("applied"));
}

#[test]
fn a_plan_that_cannot_be_shown_asks_nobody() {
    for json in ["", "no JSON", r#"{"other": 1}"#] {
        let bench = bench();
        bench.approves();
        bench.write("plan.json", json);
        assert!(!run(&bench).status.success(), "{json}");
        assert!(!bench.has("applied"), "{json}");
    }
}
