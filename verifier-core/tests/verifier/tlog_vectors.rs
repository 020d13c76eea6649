//! The published vectors about logs: `test-vectors/{merkle.*,note,tlog.proof}`.

// Tests may panic; clippy does not see that helpers outside `#[test]` are tests too.
#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::path::Path;

use verifier_core::Code;
use verifier_core::Failure;
use verifier_core::RustCrypto;
use verifier_core::hazmat::encoding::from_hex;
use verifier_core::hazmat::json::{Limits, Object, Value};
use verifier_core::hazmat::tlog::merkle::{Hash, verify_consistency, verify_inclusion};
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

const CRYPTO: RustCrypto = RustCrypto;

/// The result of a case: names for a note, nothing for the rest.
type Outcome = Result<Vec<String>, Code>;

fn code(failure: impl Failure) -> Code {
    failure.code()
}

fn text<'a>(input: &'a Object<'_>, key: &str) -> &'a str {
    input.get(key).unwrap().as_str().unwrap()
}

fn number(input: &Object<'_>, key: &str) -> u64 {
    input.get(key).unwrap().as_u64().unwrap()
}

fn texts<'a>(value: &'a Value<'_>) -> Vec<&'a str> {
    let Value::Array(items) = value else {
        panic!("{value:?}");
    };
    items.iter().map(|item| item.as_str().unwrap()).collect()
}

fn hash(text: &str) -> Hash {
    from_hex(text).unwrap().try_into().unwrap()
}

fn hashes(input: &Object<'_>) -> Vec<Hash> {
    let proof = texts(input.get("proof").unwrap());
    proof.into_iter().map(hash).collect()
}

fn inclusion(input: &Object<'_>) -> Outcome {
    let (leaf, root) = (hash(text(input, "leafHash")), hash(text(input, "root")));
    let (index, size) = (number(input, "leafIndex"), number(input, "treeSize"));
    verify_inclusion(&leaf, index, size, &hashes(input), &root).map_err(code)?;
    Ok(Vec::new())
}

fn consistency(input: &Object<'_>) -> Outcome {
    let (root1, root2) = (hash(text(input, "root1")), hash(text(input, "root2")));
    let (size1, size2) = (number(input, "size1"), number(input, "size2"));
    verify_consistency(size1, &root1, size2, &root2, &hashes(input)).map_err(code)?;
    Ok(Vec::new())
}

fn note(input: &Object<'_>) -> Outcome {
    let vkeys = texts(input.get("vkeys").unwrap());
    let keys: Result<Vec<_>, _> = vkeys.into_iter().map(VerifierKey::parse).collect();
    let keys = keys.map_err(code)?;
    let note = Note::parse(text(input, "note")).map_err(code)?;
    let verified = note.verify(&CRYPTO, &keys).map_err(code)?;
    Ok(verified.iter().map(|v| v.key().name().to_owned()).collect())
}

fn proof(input: &Object<'_>) -> Outcome {
    let policy = TlogPolicy::parse(text(input, "policy")).map_err(code)?;
    let proof = Proof::parse(text(input, "proof")).map_err(code)?;
    let leaf = hash(text(input, "leafHash"));
    let log = policy.verify_log(&CRYPTO, proof.checkpoint());
    let log = log.map_err(code);
    // Limits come before inclusion, and inclusion before signatures.
    if log.as_ref().err() == Some(&Code::LogCheckpointForm) {
        return Err(Code::LogCheckpointForm);
    }
    proof.verify_inclusion(&leaf).map_err(code)?;
    let log = log?;
    let cosigned = log.verify_cosignatures(&CRYPTO).map_err(code)?;
    cosigned.quorum().map_err(code)?;
    Ok(Vec::new())
}

fn differs(outcome: &Outcome, expect: &Value<'_>) -> bool {
    if expect.as_str() == Some("valid") {
        return *outcome != Ok(Vec::new());
    }
    let expect = expect.as_object().unwrap();
    match (expect.get("verified"), expect.get("invalid")) {
        (Some(names), None) => outcome
            .as_ref()
            .ok()
            .is_none_or(|found| *found != texts(names)),
        (None, Some(code)) => {
            let code = code.as_str().unwrap();
            outcome
                .as_ref()
                .err()
                .is_none_or(|found| code != "*" && code != found.as_str())
        }
        _ => panic!("{expect:?}"),
    }
}

fn run(kind: &str, least: usize, case: fn(&Object<'_>) -> Outcome) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../test-vectors")
        .join(kind);
    let (mut run, mut failed) = (0, Vec::new());
    for file in folder.read_dir().unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let document = Value::parse(&bytes, Limits::bytes(1 << 20)).unwrap();
        let document = document.as_object().unwrap();
        assert_eq!(text(document, "kind"), kind);
        let Some(Value::Array(cases)) = document.get("cases") else {
            panic!("{kind} has no cases");
        };
        for one in cases {
            let one = one.as_object().unwrap();
            let outcome = case(one.get("input").unwrap().as_object().unwrap());
            run += 1;
            if differs(&outcome, one.get("expect").unwrap()) {
                failed.push(format!("{}: {outcome:?}", text(one, "name")));
            }
        }
    }
    assert!(failed.is_empty(), "{kind}: {failed:#?}");
    assert!(run >= least, "{kind}: only {run} cases");
}

#[test]
fn inclusion_proofs() {
    run("merkle.inclusion", 50, inclusion);
}

#[test]
fn consistency_proofs() {
    run("merkle.consistency", 50, consistency);
}

#[test]
fn notes() {
    run("note", 60, note);
}

#[test]
fn proofs() {
    run("tlog.proof", 70, proof);
}
