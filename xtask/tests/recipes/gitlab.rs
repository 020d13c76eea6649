//! The template of GitLab, and the pipeline that extends it.

use std::process::Output;

use saphyr::Yaml;

use crate::bench::Bench;
use crate::yaml::{at, list, read, text};

const TEMPLATE: &str = "gitlab/approved.gitlab-ci.yml";
const PIPELINE: &str = "gitlab/deploy.gitlab-ci.yml";

fn lines(yaml: &Yaml<'_>, path: &[&str]) -> String {
    let lines = list(yaml, path).iter().map(|line| line.as_str().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// A bench with the variables of template and pipeline, and those of the project.
fn bench() -> Bench {
    let mut bench = Bench::with_gate();
    for (file, job) in [(TEMPLATE, ".approved"), (PIPELINE, "deploy")] {
        read(file, |yaml| {
            for (name, value) in at(yaml, &[job, "variables"]).as_mapping().unwrap() {
                let value = value.as_str().unwrap();
                assert!(!value.contains('$'), "GitLab replaces variables in {value}");
                bench.set(name.as_str().unwrap(), value);
            }
        });
    }
    bench.set("CI_COMMIT_SHA", "4fa1");
    bench.set("CI_PROJECT_PATH", "acme/shop");
    bench.program("deploy.sh", "jq -r .commit > \"$BENCH/deployed\"");
    std::os::unix::fs::symlink(bench.path("bin/deploy.sh"), bench.path("deploy.sh")).unwrap();
    bench
}

/// As a runner does: what comes before, and the job, in one shell.
fn run(bench: &Bench) -> Output {
    let before = read(PIPELINE, |yaml| lines(yaml, &["deploy", "before_script"]));
    let script = read(TEMPLATE, |yaml| lines(yaml, &[".approved", "script"]));
    bench.write("job", &format!("set -e\n{before}\n{script}\n"));
    bench.run("sh", &["job"])
}

#[test]
fn what_was_approved_is_deployed() {
    let bench = bench();
    bench.approves();
    let output = run(&bench);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bench.text("deployed"), "4fa1\n");
    assert_eq!(bench.text("key"), "cosignet_key");
    let expected = serde_json::json!({
        "commit": "4fa1", "environment": "production", "project": "acme/shop",
    });
    assert_eq!(bench.approved(), expected);
}

#[test]
fn nothing_is_deployed_otherwise() {
    bench().never("deployed", run);
}

#[test]
fn a_variable_that_is_missing_fails_the_job() {
    for name in [
        "GATE_URL",
        "GATE_KEY_FILE",
        "GATE_POLICY_FILE",
        "GATE_ACTION",
        "GATE_COMMAND",
    ] {
        let mut bench = bench();
        bench.unset(name);
        bench.approves();
        assert!(!run(&bench).status.success(), "{name}");
        assert!(!bench.has("asked"), "{name}");
    }
}

#[test]
fn the_job_neither_repeats_nor_may_fail() {
    read(TEMPLATE, |yaml| {
        let job = at(yaml, &[".approved"]);
        assert_eq!(at(job, &["retry"]).as_integer(), Some(0));
        assert_eq!(at(job, &["allow_failure"]).as_bool(), Some(false));
        assert_eq!(at(job, &["interruptible"]).as_bool(), Some(false));
    });
    read(PIPELINE, |yaml| {
        assert_eq!(text(yaml, &["deploy", "extends"]), ".approved");
        // A script of its own would be in the place of the template's.
        assert!(at(yaml, &["deploy"]).as_mapping_get("script").is_none());
    });
}
