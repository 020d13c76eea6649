//! The published vectors about Bitcoin: `test-vectors/{ots,bitcoin.headers,bitcoin.retarget}`.

#![allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use std::path::Path;

use serde_json::{Value, json};
use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::bitcoin::chain::{HeaderChain, check_epoch};
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;
use verifier_core::hazmat::bitcoin::ots::{Branch, Timestamp};
use verifier_core::hazmat::encoding::{from_base64url, from_hex, hex};

type Outcome = Result<Value, Code>;

#[test]
fn every_timestamp_vector_has_its_outcome() {
    run("ots", 90, ots);
}

#[test]
fn every_chain_vector_has_its_outcome() {
    run("bitcoin.headers", 25, headers);
}

/// All 413 changes of mainnet's target from block 2016 to block 832608, and those of other
/// networks.
#[test]
fn every_change_of_the_target_comes_out_as_it_did() {
    run("bitcoin.retarget", 413 + 10, next_target);
}

/// Two verifiers agree about a policy without pinned blocks only if they know the same ones.
#[test]
fn the_specification_names_the_pinned_blocks_of_this_release() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/bitcoin.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("### Pinned blocks").unwrap();
    let (section, _) = section.split_once("###").unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.ends_with("` |"))
        .collect();
    let pins = Network::Mainnet.pinned_blocks();
    let pins: Vec<String> = pins
        .iter()
        .map(|pin| format!("| {} | `{}` |", pin.height, hex(&pin.hash)))
        .collect();
    assert_eq!(rows, pins);
}

fn ots(input: &Value) -> Outcome {
    let bytes = from_base64url(text(&input["ots"])).unwrap();
    let timestamp = Timestamp::parse(&bytes).map_err(|error| error.code())?;
    // What proofs are made of reads and writes the same bytes.
    let branch = Branch::of_proof(&bytes).unwrap();
    assert_eq!(branch.attestations(), timestamp.attestations());
    assert_eq!(branch.to_proof(), Some(bytes));
    if hex(timestamp.digest()) != text(&input["digest"]) {
        return Err(Code::AnchorBadProof);
    }
    let network = network(input);
    let mut found = Vec::new();
    for (height, root) in timestamp.blocks() {
        let Some(header) = input["headers"].get(height.to_string()) else {
            continue;
        };
        let header = header_of(header);
        header.check_work(network).map_err(|error| error.code())?;
        if *header.merkle_root() != root {
            return Err(Code::AnchorHeader);
        }
        found.push(json!({"height": height, "time": header.time()}));
    }
    let pending: Vec<&str> = timestamp.calendars().collect();
    Ok(json!({"bitcoin": found, "pending": pending}))
}

fn headers(input: &Value) -> Outcome {
    let bytes = |key: &str| from_hex(input[key].as_str().unwrap_or_default()).unwrap();
    let all = [bytes("previous"), bytes("headers")].concat();
    let before = u32::try_from(bytes("previous").len() / 80).unwrap();
    let start = u32::try_from(input["startHeight"].as_u64().unwrap()).unwrap() - before;
    match HeaderChain::verify(network(input), start, &all) {
        Ok(_) => Ok(json!("valid")),
        Err(error) => Err(error.code()),
    }
}

fn next_target(input: &Value) -> Outcome {
    let [first, last, next] = ["first", "last", "next"].map(|key| header_of(&input[key]));
    let network = network(input);
    check_epoch(network, &first, &last, &next).map_err(|error| error.code())?;
    Ok(json!("valid"))
}

fn network(input: &Value) -> Network {
    Network::parse(input["network"].as_str().unwrap_or("mainnet")).unwrap()
}

fn header_of(value: &Value) -> Header {
    Header::new(&from_hex(text(value)).unwrap().try_into().unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// All cases of this kind come out as expected, and there are at least `least`.
fn run(kind: &str, least: usize, case: fn(&Value) -> Outcome) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let (mut count, mut wrong) = (0, Vec::new());
    for file in folder.join(kind).read_dir().unwrap() {
        let file: Value =
            serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        assert_eq!(file["kind"], kind);
        for one in file["cases"].as_array().unwrap() {
            count += 1;
            let outcome = match case(&one["input"]) {
                Ok(value) => value,
                Err(code) => json!({"invalid": code.as_str()}),
            };
            if outcome != one["expect"] {
                wrong.push(format!("{}: {outcome}, not {}", one["name"], one["expect"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= least, "{count}");
}
