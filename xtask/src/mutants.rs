//! The measure of the vectors: cargo-mutants breaks the rules of the core one by one, and its tests
//! have to notice.

use std::process::Command;

use crate::command::{self, root, succeeds};

/// The rules of an approval. What only reads encodings is measured by the fuzzers.
const RULES: &[&str] = &[
    "verifier-core/src/bitcoin/**/*.rs",
    "verifier-core/src/bitcoin.rs",
    "verifier-core/src/break_glass/**/*.rs",
    "verifier-core/src/break_glass.rs",
    "verifier-core/src/context.rs",
    "verifier-core/src/decision/**/*.rs",
    "verifier-core/src/decision.rs",
    "verifier-core/src/entry.rs",
    "verifier-core/src/payload.rs",
    "verifier-core/src/roster/**/*.rs",
    "verifier-core/src/roster.rs",
    "verifier-core/src/signature/**/*.rs",
    "verifier-core/src/signature.rs",
    "verifier-core/src/tlog/**/*.rs",
    "verifier-core/src/verify/**/*.rs",
    "verifier-core/src/verify.rs",
    "verifier-core/src/webauthn/**/*.rs",
];

/// Mutants of these files, of all rules if there are none, judged by the unit tests of the core and
/// by everything that runs the vectors. Each mutant is a build, so all of them take many hours; the
/// survivors are printed, and stay in `target/mutants.out/missed.txt`.
pub(crate) fn run(files: &[&str]) -> Result<(), String> {
    if !succeeds(Command::new("cargo").args(["mutants", "--version"])) {
        return Err("this needs cargo-mutants: `cargo install cargo-mutants --locked`".into());
    }
    let files = if files.is_empty() { RULES } else { files };
    let mut mutants = Command::new("cargo");
    mutants.current_dir(root()).args([
        "mutants",
        "--package=verifier-core",
        "--test-package=verifier-core",
        "--output=target",
        "--no-shuffle",
        // What people read is no rule.
        "--exclude-re=impl (Display|Debug) for|fn (expected|found|message|as_str|name)\\b",
    ]);
    for file in files {
        mutants.arg(format!("--file={file}"));
    }
    // The tests that judge: unit tests, vectors, attacks. Oracles and flips take minutes each.
    mutants.args(["--", "--lib", "--test=verifier", "--"]);
    mutants.args(["vectors", "attacks", "tests::"]);
    command::run(&mut mutants).map_err(|error| {
        format!(
            "{error}: see target/mutants.out/missed.txt; each survivor needs a vector, or a reason \
             in docs/MUTANTS.md"
        )
    })
}
