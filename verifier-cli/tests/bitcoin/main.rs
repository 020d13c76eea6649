//! Anchors on the command line, from headers in a file to a verdict.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "tests"
)]

mod sources;
mod upgrade;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use test_vectors::bitcoin::Chain;
use test_vectors::encoding::from_b64url;

/// The file that was stamped on the real regtest chain.
const STAMPED: &str = "signed tree head: demo\n";

/// A command's output, and how it ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    /// The names of the files in it.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = names
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs words that are separated by spaces.
    fn run(&self, line: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosignet"));
        command.current_dir(self.0.path()).args(line.split(' '));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// The input of a published case.
fn case(file: &str, name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../test-vectors")
        .join(file);
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == name).unwrap();
    case["input"].clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    from_b64url(value.as_str().unwrap())
}

/// A bundle with an anchor on regtest, the policy that requires it, and the headers.
fn anchored() -> Folder {
    let input = case("bundle/blocks.json", "above a pinned block, and shown");
    let folder = Folder::new();
    folder.write("approval.json", input["bundleText"].as_str().unwrap());
    folder.write("policy.json", input["policy"].to_string());
    folder.write("headers", bytes(&input["headers"]));
    folder
}

#[test]
fn headers_turn_incomplete_into_verified() {
    let folder = anchored();
    let without = folder.run("verify approval.json --policy policy.json");
    assert_eq!(without.code, 4, "{}", without.out);
    assert!(
        without.out.contains("[anchor.not_pinned]"),
        "{}",
        without.out
    );
    let with = folder.run("verify approval.json --policy policy.json --headers headers");
    assert_eq!(with.code, 0, "{}", with.out);
    let one_line = with.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "anchored in the log no later than Bitcoin regtest block 5, 2026-03-01 15:50:00Z \
                    ± 2 h: in the chain that the policy knows, 10 confirmations";
    assert!(one_line.contains(expected), "{}", with.out);
}

#[test]
fn a_lone_header_is_shown_to_be_compared() {
    let shown = anchored().run("verify approval.json --policy policy.json --format json");
    let report: Value = serde_json::from_str(&shown.out).unwrap();
    let anchor = &report["anchor"];
    assert_eq!(anchor["strength"], "header");
    assert_eq!(anchor["hash"].as_str().unwrap().len(), 64);
    assert_eq!(anchor["notLaterThan"], Value::Null);
}

#[test]
fn bad_headers_are_wrong_usage() {
    let folder = anchored();
    let mut headers = folder.read("headers");
    *headers.last_mut().unwrap() ^= 1;
    let middle = headers.len() - 100;
    headers[middle] ^= 1;
    folder.write("headers", headers);
    let ran = folder.run("verify approval.json --policy policy.json --headers headers");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("[headers.chain]"), "{}", ran.err);
    folder.write("headers", "not headers");
    let ran = folder.run("verify approval.json --policy policy.json --headers headers");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("[headers.form]"), "{}", ran.err);
}

#[test]
fn a_real_proof_and_a_real_chain() {
    let folder = Folder::new();
    let chain = case(
        "bitcoin.headers/real.json",
        "122 blocks that a real node mined",
    );
    folder.write("headers.hex", chain["headers"].as_str().unwrap());
    let synced =
        folder.run("headers sync headers --from headers.hex --network regtest --format json");
    assert_eq!(synced.code, 0, "{}", synced.err);
    let synced: Value = serde_json::from_str(&synced.out).unwrap();
    assert_eq!(synced["tip"], 121);

    let proof = case("ots/real.json", "a proof in block 119 of a regtest chain");
    folder.write("sth.ots", bytes(&proof["ots"]));
    folder.write("sth", STAMPED);
    let tip = &synced["tipHash"];
    let policy = format!(
        r#"{{"name":"x","log":"none","webauthn":{{"rpIds":["a.example"],"origins":["https://a.example"]}},
           "anchor":{{"network":"regtest","minConfirmations":3,"pinnedBlocks":[{{"height":121,"hash":{tip}}}]}}}}"#
    );
    folder.write("policy.json", policy);
    let good = folder.run("anchor verify sth sth.ots --headers headers --policy policy.json");
    assert_eq!(good.code, 0, "{}", good.out);
    assert!(
        good.out.contains("by Bitcoin regtest block 119"),
        "{}",
        good.out
    );
    folder.write("sth", "other bytes");
    let other = folder.run("anchor verify sth sth.ots --headers headers --policy policy.json");
    assert_eq!(other.code, 1, "{}", other.out);
    assert!(other.out.contains("[anchor.bad_proof]"), "{}", other.out);
}

#[test]
fn a_stamped_checkpoint_needs_a_chain_that_the_policy_knows() {
    let folder = anchored();
    let bundle: Value = serde_json::from_slice(&folder.read("approval.json")).unwrap();
    let anchor = &bundle["anchor"];
    folder.write("checkpoint", anchor["checkpoint"].as_str().unwrap());
    folder.write("checkpoint.ots", bytes(&anchor["ots"]));
    let verify =
        |more: &str| folder.run(&format!("anchor verify checkpoint checkpoint.ots {more}"));
    let good = verify("--headers headers --policy policy.json");
    assert_eq!(good.code, 0, "{}", good.out);
    assert!(
        good.out.contains("no later than 2026-03-01 17:50:00Z"),
        "{}",
        good.out
    );
    let open = verify("--policy policy.json");
    assert_eq!(open.code, 4);
    assert!(
        open.out.contains("Next: Get Bitcoin's block headers"),
        "{}",
        open.out
    );
    let unknown = verify("--headers headers --network regtest");
    assert_eq!(unknown.code, 4);
    assert!(
        unknown.out.contains("[anchor.not_pinned]"),
        "{}",
        unknown.out
    );
    assert_eq!(verify("--headers headers --format json").code, 4); // mainnet
}

#[test]
fn the_branch_with_more_work_stays() {
    let folder = Folder::new();
    let common = Chain::default().extended(4, 1_700_000_000, "common");
    let short = common.clone().extended(2, 1_700_003_000, "short");
    let long = common.clone().extended(3, 1_700_003_000, "long");
    folder.write("short", short.file());
    folder.write("long", long.file());
    folder.write(
        "more",
        short.clone().extended(5, 1_700_009_000, "more").file(),
    );
    assert_eq!(folder.run("headers sync kept --from short").code, 0);
    assert_eq!(folder.read("kept"), short.file());
    assert_eq!(folder.run("headers sync kept --from long").code, 0);
    assert_eq!(folder.read("kept"), long.file());
    let nothing_new = folder.run("headers sync kept --from short");
    assert!(
        nothing_new.out.contains("nothing new"),
        "{}",
        nothing_new.out
    );
    assert_eq!(folder.read("kept"), long.file());
    assert_eq!(folder.run("headers sync kept --from more").code, 0);
    assert_eq!(folder.read("kept"), folder.read("more"));
    // A source that lies changes nothing.
    let mut lie = long.clone().extended(9, 1_700_009_000, "lie");
    lie.headers[12][40] ^= 1;
    folder.write("lie", lie.file());
    let refused = folder.run("headers sync kept --from lie");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("[headers.chain]"), "{}", refused.err);
    assert_eq!(folder.read("kept"), folder.read("more"));
}

#[test]
fn a_policy_says_whose_chain_it_is() {
    let folder = anchored();
    assert_eq!(folder.run("headers check headers").code, 0);
    assert_eq!(
        folder
            .run("headers check headers --policy policy.json")
            .code,
        0
    );
    let mut other = Chain::default().extended(20, 1_700_000_000, "mine");
    folder.write("other", other.file());
    let refused = folder.run("headers check other --policy policy.json");
    assert_eq!(refused.code, 2, "{}", refused.out);
    other.headers.truncate(1);
    folder.write("other", other.file());
    assert_eq!(
        folder.run("headers check other --policy policy.json").code,
        2
    );
}
