//! Ansible: a playbook runs with the values that were approved.

use std::process::{Command, Output};

use crate::bench::{Bench, recipes};
use crate::yaml::{read, text};

/// It keeps what it is given, and the values in the file that `@` names.
const PLAYBOOK: &str = r#"
[ "$1" = --extra-vars ]
cat "${2#@}" > "$BENCH/values"
printf '%s' "$3" > "$BENCH/ran"
"#;

fn bench() -> Bench {
    let bench = Bench::with_gate();
    bench.write("values.json", r#"{"target":"web","version":"4.2.0"}"#);
    bench.write("release.sh", &bench.recipe("ansible/release.sh"));
    bench.program("ansible-playbook", PLAYBOOK);
    bench
}

fn run(bench: &Bench) -> Output {
    bench.run("sh", &["release.sh", "deploy.yml", "values.json"])
}

#[test]
fn the_playbook_gets_the_values_that_were_approved() {
    let bench = bench();
    bench.approves();
    let output = run(&bench);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bench.text("ran"), "deploy.yml");
    assert_eq!(bench.text("values"), bench.text("values.json"));
}

#[test]
fn no_playbook_runs_otherwise() {
    bench().never("ran", run);
}

#[test]
fn a_playbook_that_fails_fails_the_release() {
    let bench = bench();
    bench.approves();
    bench.program("ansible-playbook", "exit 4");
    assert_eq!(run(&bench).status.code(), Some(4));
}

#[test]
fn the_playbook_of_the_example_is_one() {
    read("ansible/deploy.yml", |plays| {
        let [play] = plays.as_sequence().unwrap().as_slice() else {
            panic!("one play");
        };
        assert_eq!(text(play, &["hosts"]), "{{ target }}");
    });
    let mut ansible = Command::new("ansible-playbook");
    ansible
        .arg("--syntax-check")
        .args(["--extra-vars", "target=localhost"]);
    match ansible.arg(recipes().join("ansible/deploy.yml")).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => eprintln!("not read by Ansible itself, which is not here: {error}"),
    }
}
