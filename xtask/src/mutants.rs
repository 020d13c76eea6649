//! The measure of the vectors: the rules of the core are broken one by one, and its tests have to
//! notice.
//!
//! [cargo-mutants](https://mutants.rs) says what to break. It would build the tests once for each
//! mutant, which never came to an end; so [`switch`] writes all of them into one copy of the core,
//! each behind a number, and [`judge`] runs that one program with one number after the other. What
//! cannot be switched while a program runs (a constant, say) is left to cargo-mutants itself.

mod edits;
mod judge;
mod list;
mod switch;

use std::collections::BTreeSet;
use std::process::Command;

use self::judge::Outcome;
use self::list::Mutant;
use crate::command::{self, succeeds, target};
use crate::files;

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
/// by everything that runs the vectors. Survivors are printed, and stay in
/// `target/mutants/missed.txt`: `--again` before the files judges only those that are there.
/// `--alone` also builds, one by one, the mutants that cannot be switched.
pub(crate) fn run(files: &[&str]) -> Result<(), String> {
    if !succeeds(Command::new("cargo").args(["mutants", "--version"])) {
        return Err("this needs cargo-mutants: `cargo install cargo-mutants --locked`".into());
    }
    let (which, files) = match files {
        [which @ ("--alone" | "--again"), files @ ..] => (*which, files),
        files => ("", files),
    };
    let files = if files.is_empty() { RULES } else { files };
    let mut mutants = list::of(files)?;
    let folder = target().join("mutants");
    let missed = folder.join("missed.txt");
    if which == "--again" {
        let names = String::from_utf8_lossy(&files::read(&missed)?).into_owned();
        mutants.retain(|mutant| names.lines().any(|name| name == mutant.name));
    }
    if mutants.is_empty() {
        return Err(format!("there is nothing to break in {}", files.join(", ")));
    }
    let program = judge::Program::build(&folder, &mutants)?;
    let outcomes = program.judge_all(&mutants)?;
    let survived = report(&mutants, &outcomes);
    let names = survived.iter().map(|mutant| format!("{}\n", mutant.name));
    files::write(&missed, names.collect::<String>().as_bytes())?;
    let rest: Vec<&Mutant> = program.unswitched(&mutants);
    if which == "--alone" && !rest.is_empty() {
        judge_alone(&rest)?;
    } else if !rest.is_empty() {
        println!(
            "{} need a build of their own: cargo xtask mutants --alone",
            rest.len()
        );
    }
    match survived.len() {
        0 => Ok(()),
        count => Err(format!(
            "{count} survived, see {}: each needs a vector, or a reason in docs/MUTANTS.md",
            missed.display()
        )),
    }
}

/// Prints the counts of each folder or file of rules; those that nobody noticed.
fn report<'m>(mutants: &'m [Mutant], outcomes: &[Outcome]) -> Vec<&'m Mutant> {
    let with = |outcome, file: Option<&str>| {
        let both = mutants.iter().zip(outcomes);
        let hits = both.filter(|(mutant, found)| {
            **found == outcome && file.is_none_or(|file| mutant.rules() == file)
        });
        hits.map(|(mutant, _)| mutant).collect::<Vec<_>>()
    };
    println!("{:28} noticed  survived  no program  own build", "rules");
    let files: BTreeSet<&str> = mutants.iter().map(Mutant::rules).collect();
    for file in files.into_iter().map(Some).chain([None]) {
        println!(
            "{:28} {:7}  {:8}  {:10}  {:9}",
            file.unwrap_or("all"),
            with(Outcome::Noticed, file).len(),
            with(Outcome::Survived, file).len(),
            with(Outcome::NoProgram, file).len(),
            with(Outcome::Unswitched, file).len(),
        );
    }
    with(Outcome::Survived, None)
}

/// cargo-mutants builds these one by one; its survivors stay in `target/mutants.out/missed.txt`.
fn judge_alone(mutants: &[&Mutant]) -> Result<(), String> {
    let mut command = list::cargo_mutants();
    command.args([
        "--test-package=verifier-core",
        "--output=target",
        "--no-shuffle",
    ]);
    for mutant in mutants {
        command.arg(format!("--re=^{}$", list::escaped(&mutant.name)));
    }
    command
        .args(["--", "--lib", "--test=verifier", "--"])
        .args(judge::not_slow());
    command::run(&mut command)
        .map_err(|error| format!("{error}: see target/mutants.out/missed.txt"))
}
