//! `vectors run`: it notices what differs, and never takes nothing for success.

use serde_json::{Value, json};
use test_vectors::{Algorithm, Approval};

use crate::fixtures::Folder;

fn bundle_vectors(verdict: &str, code: &str) -> Value {
    let approval = Approval::sample(Algorithm::Es256);
    json!({
        "kind": "bundle", "description": "", "source": "",
        "cases": [{
            "name": "a good one",
            "input": {
                "bundleText": approval.bundle.text(),
                "policy": approval.policy.value(),
                "expectations": {"approver": "alice", "approvalId": approval.approval_id},
            },
            "expect": {"verdict": verdict, "code": code},
        }],
    })
}

fn vectors(kind: &str, input: Value, expect: Value) -> Value {
    let case = json!({"name": "case", "input": input, "expect": expect});
    json!({"kind": kind, "description": "", "source": "", "cases": [case]})
}

#[test]
fn each_outcome_has_its_exit_code() {
    let entry = Approval::sample(Algorithm::Es256).bundle.entry;
    for (file, code, last_line) in [
        (bundle_vectors("VERIFIED", "ok"), 0, "1 passed, 0 failed"),
        (bundle_vectors("VERIFIED", "*"), 0, "1 passed, 0 failed"),
        (bundle_vectors("REJECTED", "*"), 1, "0 passed, 1 failed"),
        (
            bundle_vectors("VERIFIED", "payload.mismatch"),
            1,
            "0 passed, 1 failed",
        ),
        (
            vectors("entry", json!({"text": entry}), json!("valid")),
            0,
            "1 passed, 0 failed",
        ),
        (
            vectors("entry", json!({"text": entry}), json!({"invalid": "*"})),
            1,
            "0 passed, 1 failed",
        ),
        (
            vectors("entry", json!({"text": "{}"}), json!("valid")),
            1,
            "0 passed, 1 failed",
        ),
        (
            vectors(
                "policy",
                json!({"policy": "{"}),
                json!({"invalid": "policy.syntax"}),
            ),
            0,
            "1 passed, 0 failed",
        ),
        (
            vectors("surprise", json!({}), json!("valid")),
            1,
            "0 passed, 1 failed",
        ),
        (
            vectors("entry", json!({}), json!("valid")),
            3,
            "0 passed, 1 failed",
        ),
        (
            vectors("entry", json!({"text": "{}"}), json!(7)),
            3,
            "0 passed, 1 failed",
        ),
        (
            json!({"kind": "entry", "cases": []}),
            1,
            "0 passed, 1 failed",
        ),
        (json!({"kind": "entry"}), 3, "0 passed, 1 failed"),
        (json!([]), 3, "0 passed, 1 failed"),
    ] {
        let folder = Folder::empty();
        std::fs::create_dir(folder.path("below")).unwrap();
        folder.write("below/vectors.json", file.to_string());
        let run = folder.run("vectors run .");
        assert_eq!(run.code, code, "{file}\n{}", run.transcript());
        assert_eq!(run.stdout.lines().last(), Some(last_line), "{file}");
    }
    assert_eq!(Folder::empty().run("vectors run nothing").code, 5);
    assert_eq!(Folder::empty().run("vectors run .").code, 1);
}

#[cfg(unix)]
#[test]
fn a_folder_makes_nothing_open_but_its_regular_files() {
    use std::os::unix::fs::symlink;

    let folder = Folder::empty();
    for name in ["in", "in/deep", "elsewhere"] {
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    let good = bundle_vectors("VERIFIED", "ok").to_string();
    for name in ["in/a.json", "in/deep/B.JSON", "in/.json"] {
        folder.write(name, &good);
    }
    let bad = bundle_vectors("REJECTED", "*").to_string();
    folder.write("elsewhere/bad.json", &bad);
    folder.write("in/notes.txt", "");
    symlink(folder.path("elsewhere"), folder.path("in/folder")).unwrap();
    symlink("../elsewhere/bad.json", folder.path("in/link.json")).unwrap();
    symlink("..", folder.path("in/deep/up")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path("in/pipe.json"))
        .status();
    assert!(made.unwrap().success());

    let run = folder.run("vectors run in");
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert_eq!(run.stdout.lines().last(), Some("3 passed, 0 failed"));
    let said: Vec<&str> = run.stderr.split_whitespace().collect();
    let said = said.join(" ");
    assert!(said.contains("4 left out: "), "{said}");
    for name in [
        "in/deep/up (a link, which is not followed)",
        "in/folder (a link, which is not followed)",
        "in/link.json (a link, which is not followed)",
        "in/pipe.json (no regular file)",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    // A link that the caller names is the caller's own.
    assert_eq!(folder.run("vectors run in/link.json").code, 1);
    assert_eq!(folder.run("vectors run in/folder").code, 1);
}
