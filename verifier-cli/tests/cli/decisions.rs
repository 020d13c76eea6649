//! Decisions of several people: joined, verified together, and read whole.

use std::fs;

use serde_json::Value;
use test_vectors::{Context, Decision, Draft};

use crate::fixtures::Folder;
use crate::people::{PAYLOAD, logged, no, of_people, yes};

/// `ann.json`, `bob.json`, and `cid.json`, who refuses; two of them have to approve.
fn folder() -> Folder {
    let folder = Folder::empty();
    let bundles = logged([yes("ann"), yes("bob"), no("cid")]);
    for (name, bundle) in ["ann", "bob", "cid"].iter().zip(&bundles) {
        folder.write(format!("{name}.json"), bundle.text());
    }
    folder.write("wire.json", PAYLOAD);
    folder.write("policy.toml", of_people(&["ann", "bob", "cid"], 2).toml());
    folder
}

const ASKED: &str = "--policy policy.toml --payload wire.json --format json";

/// Verdict, code and the number of approvals in a report.
fn report(text: &str) -> (String, String, usize) {
    let report: Value = serde_json::from_str(text).expect(text);
    let word = |name: &str| report[name].as_str().unwrap().to_owned();
    let approvals = report["approvals"].as_array().map_or(0, Vec::len);
    (word("verdict"), word("code"), approvals)
}

#[test]
fn bundles_are_verified_as_one_decision() {
    let folder = folder();
    for (files, code, verdict, why, count) in [
        ("ann.json", 4, "INCOMPLETE", "decision.quorum_short", 1),
        ("ann.json bob.json", 0, "VERIFIED", "ok", 2),
        ("ann.json ann.json", 1, "REJECTED", "decision.repeated", 2),
        (
            "ann.json bob.json cid.json",
            1,
            "REJECTED",
            "decision.refused",
            3,
        ),
    ] {
        let run = folder.run(&format!("verify {files} --together {ASKED}"));
        assert_eq!(run.code, code, "{files}: {}", run.transcript());
        let found = report(&run.stdout);
        assert_eq!(found, (verdict.into(), why.into(), count), "{files}");
    }
    // Without --together each stands for itself, and none is enough.
    let run = folder.run("verify ann.json bob.json --policy policy.toml --format json");
    assert_eq!(run.code, 4, "{}", run.transcript());
}

#[test]
fn a_decision_that_was_joined_is_what_its_bundles_are_together() {
    let folder = folder();
    let run = folder.run("decision join ann.json bob.json -o both.json");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, ""),
        "{}",
        run.transcript()
    );
    let printed = folder.run("decision join ann.json bob.json");
    assert_eq!(printed.stdout, folder.read("both.json") + "\n");
    // Payload and context stand in it once.
    let file: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert!(file["payload"].is_string() && file["context"].is_string());
    assert!(file["bundles"][1]["evidence"]["payload"].is_null());
    let joined = folder.run(&format!("verify both.json {ASKED}"));
    let together = folder.run(&format!("verify ann.json bob.json --together {ASKED}"));
    assert_eq!(joined.code, 0, "{}", joined.transcript());
    assert_eq!(joined.stdout, together.stdout);
    // A decision gives its bundles to a larger one.
    let run = folder.run("decision join both.json cid.json -o all.json");
    assert_eq!(run.code, 0, "{}", run.transcript());
    let run = folder.run(&format!("verify all.json {ASKED}"));
    assert_eq!(report(&run.stdout).1, "decision.refused");
}

/// Bundles that carry their payload each, as a service may hand them in.
#[test]
fn a_decision_above_a_mebibyte_is_read_whole() {
    let folder = folder();
    let payload = format!(r#"{{"text":"{}"}}"#, "x".repeat(500 * 1024)).into_bytes();
    let context = Context::numbered(1).text();
    let both = ["ann", "bob"].map(|name| Draft::by(name).approving_under(&context, &payload));
    let decision = Decision {
        context: None,
        payload: None,
        bundles: logged(both),
    };
    let text = decision.text();
    assert!(text.len() > 1 << 20, "{}", text.len());
    fs::create_dir(folder.path("in")).unwrap();
    folder.write("in/large.json", &text);
    folder.write("in/large.payload", &payload);
    for args in [
        "verify in/large.json --policy policy.toml",
        "verify in --policy policy.toml",
        "verify in/large.json --together --policy policy.toml",
        "report in --policy policy.toml",
        "report in/large.json --policy policy.toml",
        "decision join in/large.json -o joined.json",
    ] {
        let run = folder.run(args);
        assert_eq!(run.code, 0, "{args}: {}", run.transcript());
    }
    assert!(folder.read("joined.json").len() < 1 << 20);
}

#[test]
fn what_no_decision_can_be_made_of_is_refused() {
    let folder = folder();
    folder.write("bad.json", "{");
    folder.write(
        "answer.json",
        Draft::by("ann").mint().confirmation().to_string(),
    );
    for (args, code, why) in [
        ("ann.json nothing.json", 5, "io.unreadable"),
        ("ann.json bad.json", 3, "bundle.not_json"),
        ("ann.json answer.json", 2, "usage"),
        ("ann.json bob.json -o wire.json", 5, "io.exists"),
    ] {
        let run = folder.run(&format!("decision join {args}"));
        assert_eq!(run.code, code, "{args}: {}", run.transcript());
        assert!(run.stderr.contains(why), "{args}: {}", run.stderr);
    }
    assert_eq!(folder.read("wire.json").as_bytes(), PAYLOAD);
    let many = ["ann.json"; 65].join(" ");
    let run = folder.run(&format!("decision join {many}"));
    assert_eq!(run.code, 2, "{}", run.transcript());
}
