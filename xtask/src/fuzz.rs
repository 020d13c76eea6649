//! Fuzzing, seeded from the test vectors.

use std::fs;
use std::path::Path;

use test_vectors::{Decision, Draft, Glass, Roster};
use verifier_core::alarm::{Alarm, Evidence};
use verifier_core::hazmat::encoding::{from_base64url, hex, sha256};
use verifier_core::hazmat::json::{Limits, Value};

use crate::command::{cargo, root, run, succeeds};

/// A target, and the members of the vectors' inputs that seed it.
const TARGETS: &[(&str, &[&str])] = &[
    ("alarm", &[]),
    (
        "assertion",
        &["authenticatorData", "clientDataJSON", "publicKey"],
    ),
    ("break_glass", &["file"]),
    ("bundle", &["bundleText"]),
    ("decision", &["decisionText"]),
    ("entry", &["text"]),
    ("headers", &["headers"]),
    ("json", &["bundleText", "text", "clientDataJSON"]),
    ("leaf", &["text"]),
    ("note", &["note", "proof"]),
    ("ots", &["ots"]),
    ("payload", &["payload"]),
    ("policy", &["policy"]),
    ("registration", &[]),
    ("roster", &["roster"]),
    ("submission", &["note", "proof"]),
    ("tlog_policy", &["policy"]),
    ("tlog_proof", &["proof"]),
];

/// Runs every target for so many seconds.
pub(crate) fn run_all(seconds: u32) -> Result<(), String> {
    if !succeeds(&mut cargo(&["fuzz", "--version"])) {
        return Err("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz --locked`".into());
    }
    let fuzz = root().join("verifier-core").join("fuzz");
    for (target, members) in TARGETS {
        let corpus = fuzz.join("corpus").join(target);
        fs::create_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
        seed(&root().join("test-vectors"), members, &corpus)?;
        match *target {
            "alarm" => keep(&corpus, alarm().as_bytes())?,
            "break_glass" => keep(&corpus, Glass::apart().0.text().as_bytes())?,
            "bundle" => keep(&corpus, Draft::apart().mint().bundle.text().as_bytes())?,
            "leaf" => keep(&corpus, Draft::apart().mint().bundle.entry.as_bytes())?,
            "decision" => keep(&corpus, Decision::apart().0.text().as_bytes())?,
            "roster" => keep(&corpus, Roster::apart().1.to_string().as_bytes())?,
            "registration" => {
                let path = root().join("docs/example/registration.json");
                keep(&corpus, &fs::read(path).map_err(|error| error.to_string())?)?;
            }
            _ => {}
        }
        let limit = format!("-max_total_time={seconds}");
        let args = [
            "fuzz",
            "run",
            target,
            "--",
            &limit,
            "-max_len=65536",
            "-timeout=10",
        ];
        // Sanitizers and coverage are unstable: the pinned compiler has them under this variable.
        run(cargo(&args)
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(root().join("verifier-core")))?;
    }
    Ok(())
}

/// An alarm that accuses nobody: one honest head, twice.
fn alarm() -> String {
    let head = Draft::apart().mint().bundle.log_proof.note();
    let evidence = Evidence::Fork {
        first: head.clone(),
        second: head,
        prefix: Vec::new(),
    };
    Alarm::new(evidence).to_json()
}

/// Puts the members of every vector below `dir` into the corpus.
fn seed(dir: &Path, members: &[&str], corpus: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    for item in fs::read_dir(dir).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        if path.is_dir() {
            seed(&path, members, corpus)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let text = fs::read(&path).map_err(failed)?;
            let limits = Limits::bytes(64 << 20);
            let value =
                Value::parse(&text, limits).map_err(|e| format!("{}: {e}", path.display()))?;
            strings(&value, members, corpus)?;
        }
    }
    Ok(())
}

fn strings(value: &Value<'_>, members: &[&str], corpus: &Path) -> Result<(), String> {
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| strings(item, members, corpus)),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            if !members.contains(&key) {
                return strings(value, members, corpus);
            }
            match value {
                Value::String(text) => {
                    keep(corpus, text.as_bytes())?;
                    from_base64url(text).map_or(Ok(()), |bytes| keep(corpus, &bytes))
                }
                other => keep(corpus, other.to_text().as_bytes()),
            }
        }),
        _ => Ok(()),
    }
}

fn keep(corpus: &Path, seed: &[u8]) -> Result<(), String> {
    let path = corpus.join(hex(&sha256(seed)));
    fs::write(&path, seed).map_err(|error| format!("{}: {error}", path.display()))
}
