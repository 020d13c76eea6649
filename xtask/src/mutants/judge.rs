//! A copy of the workspace with all mutants in the core, built once and run once for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::edits::Switched;
use super::list::Mutant;
use super::switch::{self, CALLED, HASHES};
use crate::command::{self, root};
use crate::files;

/// Those that take minutes, and judge nobody.
const SLOW: &[&str] = &["back_ends", "flips", "wycheproof"];

/// What became of a mutant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// A test failed, or did not end.
    Noticed,
    /// No test failed.
    Survived,
    /// The compiler refuses it, as it is written beside what it changes.
    NoProgram,
    /// It cannot be chosen while the program runs.
    Unswitched,
}

/// A program that fails if it notices a mutant.
struct Judge {
    program: PathBuf,
    options: Vec<&'static str>,
}

/// The programs of the tests, with the mutants in them.
pub(crate) struct Program {
    /// The folder from which the tests run.
    package: PathBuf,
    /// Where slow hashes are kept from one run to the next.
    hashes: PathBuf,
    /// The quickest first.
    judges: Vec<Judge>,
    switched: BTreeSet<usize>,
    refused: BTreeSet<usize>,
}

impl Program {
    /// Copies the workspace into the folder and builds it there. Mutants that the compiler refuses
    /// are taken out, until it refuses nothing; of several that it may mean, all.
    pub(crate) fn build(folder: &Path, mutants: &[Mutant]) -> Result<Self, String> {
        let copy = folder.join("workspace");
        copy_workspace(&copy)?;
        let mut by_file: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
        for (number, mutant) in mutants.iter().enumerate() {
            by_file
                .entry(&mutant.file)
                .or_default()
                .push((number, mutant));
        }
        let cargo = |args: &[&str]| {
            let mut cargo = command::cargo(args);
            let target = folder.join("target");
            cargo.current_dir(&copy).env("CARGO_TARGET_DIR", target);
            // Warnings are about the text that was added. Optimised, because it is run so often.
            cargo
                .env("RUSTFLAGS", "--cap-lints=allow")
                .env("CARGO_PROFILE_DEV_OPT_LEVEL", "2");
            cargo
        };
        let check = [
            "check",
            "--lib",
            "--package=verifier-core",
            "--message-format=json",
        ];
        let mut left_out = BTreeSet::new();
        let mut refused = BTreeSet::new();
        loop {
            let switched = write(&copy, &by_file, &left_out)?;
            let output = cargo(&check).stderr(Stdio::null()).output();
            let output = output.map_err(|error| format!("cannot run cargo check: {error}"))?;
            let errors = errors(&output.stdout);
            if output.status.success() {
                let judges = build(&mut cargo(&[
                    "test",
                    "--no-run",
                    "--package=verifier-core",
                    "--lib",
                    "--test=verifier",
                    "--message-format=json",
                ]))?;
                let runner = build(&mut cargo(&[
                    "build",
                    "--package=verifier-cli",
                    "--bin=cosignet",
                    "--message-format=json",
                ]))?;
                let judges = order(judges, runner)?;
                let switched = switched
                    .values()
                    .flat_map(|file| file.within.iter().copied());
                return Ok(Self {
                    package: copy.join("verifier-core"),
                    hashes: folder.join("hashes"),
                    judges,
                    switched: switched.collect(),
                    refused,
                });
            }
            let before = left_out.len();
            for (file, bytes, message) in &errors {
                let blamed = switched
                    .get(file.as_str())
                    .map_or(&[][..], |file| file.to_blame(bytes));
                if let [one] = blamed {
                    refused.insert(*one);
                }
                if blamed.is_empty() {
                    eprintln!("{file} {bytes:?}: {message}");
                }
                left_out.extend(blamed);
            }
            eprintln!(
                "{} errors, {} mutants left out",
                errors.len(),
                left_out.len()
            );
            if left_out.len() == before {
                return Err(format!("the copy in {} does not compile", copy.display()));
            }
        }
    }

    /// Those that are in no program although the compiler may take them.
    pub(crate) fn unswitched<'m>(&self, mutants: &'m [Mutant]) -> Vec<&'m Mutant> {
        let all = mutants.iter().enumerate();
        let rest =
            all.filter(|(number, _)| self.outcome_before(*number) == Some(Outcome::Unswitched));
        rest.map(|(_, mutant)| mutant).collect()
    }

    /// What becomes of each, in the same order; several at a time.
    pub(crate) fn judge_all(&self, mutants: &[Mutant]) -> Result<Vec<Outcome>, String> {
        files::make(&self.hashes)?;
        let started = Instant::now();
        if self.judge(mutants.len(), Duration::MAX)? != Outcome::Survived {
            return Err("the tests fail although nothing is broken".into());
        }
        let usual = started.elapsed();
        eprintln!(
            "{} mutants, {usual:.1?} for the tests of one",
            self.switched.len()
        );
        let patience = usual * 5 + Duration::from_secs(5);
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(vec![Outcome::Unswitched; mutants.len()]);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(mutant) = mutants.get(number) else {
                    return Ok(());
                };
                let outcome = match self.outcome_before(number) {
                    Some(outcome) => outcome,
                    None => self.judge(number, patience)?,
                };
                if outcome == Outcome::Survived {
                    println!("survived: {}", mutant.name);
                }
                let mut outcomes = outcomes.lock().map_err(|error| error.to_string())?;
                if let Some(place) = outcomes.get_mut(number) {
                    *place = outcome;
                }
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ends = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or(Err("panic".into())));
            ends.collect::<Result<(), String>>()
        })?;
        outcomes.into_inner().map_err(|error| error.to_string())
    }

    fn outcome_before(&self, number: usize) -> Option<Outcome> {
        match number {
            number if self.refused.contains(&number) => Some(Outcome::NoProgram),
            number if self.switched.contains(&number) => None,
            _ => Some(Outcome::Unswitched),
        }
    }

    fn judge(&self, number: usize, patience: Duration) -> Result<Outcome, String> {
        let ends = Instant::now().checked_add(patience);
        for judge in &self.judges {
            // Whatever goes round for ever takes no more memory than this, in KiB.
            let mut command = Command::new("sh");
            command
                .args(["-c", "ulimit -v 8000000; exec \"$0\" \"$@\""])
                .arg(&judge.program);
            command.args(&judge.options).current_dir(&self.package);
            command
                .env("MUTANT", number.to_string())
                .env("RUST_BACKTRACE", "0");
            command.env("MUTANT_HASHES", &self.hashes);
            if !passes(&mut command, ends)? {
                return Ok(Outcome::Noticed);
            }
        }
        Ok(Outcome::Survived)
    }
}

/// Options of tests: all but the slow ones.
pub(crate) fn not_slow() -> Vec<&'static str> {
    SLOW.iter().flat_map(|name| ["--skip", name]).collect()
}

/// Whether all tests of a program pass in time. It is ended when the first one fails.
fn passes(command: &mut Command, ends: Option<Instant>) -> Result<bool, String> {
    let started = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut process = started.map_err(|error| format!("cannot run the tests: {error}"))?;
    let stdout = process.stdout.take().ok_or("the tests have no stdout")?;
    let (say, said) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if line.ends_with(b"FAILED") && say.send(()).is_err() {
                return;
            }
        }
    });
    let left = ends.map(|ends| ends.saturating_duration_since(Instant::now()));
    let failed = match left {
        Some(left) => said.recv_timeout(left),
        None => said.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    if failed != Err(RecvTimeoutError::Disconnected) {
        let _ = process.kill();
    }
    let status = process
        .wait()
        .map_err(|error| format!("cannot await the tests: {error}"))?;
    Ok(status.success())
}

/// The files that git knows; what is changed and not yet committed counts.
fn copy_workspace(to: &Path) -> Result<(), String> {
    let mut git = Command::new("git");
    let known = command::print(git.args(["ls-files", "-z"]).current_dir(root()))?;
    for file in known.split('\0').filter(|file| !file.is_empty()) {
        let (source, copy) = (root().join(file), to.join(file));
        let Ok(bytes) = files::read(&source) else {
            continue;
        };
        // What is as it was keeps its time, so that cargo does not build it again.
        if files::read(&copy).as_ref() != Ok(&bytes) {
            files::write(&copy, &bytes)?;
        }
    }
    Ok(())
}

/// Writes the mutants into the copies of their files, without those that are left out.
fn write<'f>(
    copy: &Path,
    by_file: &BTreeMap<&'f str, Vec<(usize, &Mutant)>>,
    left_out: &BTreeSet<usize>,
) -> Result<BTreeMap<&'f str, Switched>, String> {
    let mut all = BTreeMap::new();
    for (file, mutants) in by_file {
        let source = read(file)?;
        let mutants: Vec<_> = mutants
            .iter()
            .filter(|(n, _)| !left_out.contains(n))
            .copied()
            .collect();
        let switched =
            switch::switch(&source, &mutants).map_err(|error| format!("{file}: {error}"))?;
        files::write(&copy.join(file), switched.text.as_bytes())?;
        all.insert(*file, switched);
    }
    let crate_root = "verifier-core/src/lib.rs";
    let whole = read(crate_root)? + CALLED;
    files::write(&copy.join(crate_root), whole.as_bytes())?;
    let commitment = "verifier-core/src/commitment.rs";
    let source = read(commitment)?;
    let (slow, remembered) = HASHES;
    if !source.contains(slow) {
        return Err(format!("{commitment} hashes addresses in a new way"));
    }
    if !all.contains_key(commitment) {
        let source = source.replace(slow, remembered);
        files::write(&copy.join(commitment), source.as_bytes())?;
    }
    Ok(all)
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(root().join(file)).map_err(|error| format!("cannot read {file}: {error}"))
}

/// Files, bytes and texts of the errors that a compiler reported as JSON.
fn errors(stdout: &[u8]) -> Vec<(String, Range<usize>, String)> {
    let mut errors = Vec::new();
    for message in messages(stdout) {
        if message.pointer("/message/level").and_then(Value::as_str) != Some("error") {
            continue;
        }
        let text = message
            .pointer("/message/message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let spans = message.pointer("/message/spans").and_then(Value::as_array);
        for span in spans.into_iter().flatten() {
            let number = |name: &str| usize::try_from(span.get(name)?.as_u64()?).ok();
            let primary = span.get("is_primary").and_then(Value::as_bool) == Some(true);
            let file = span.get("file_name").and_then(Value::as_str);
            if let (true, Some(file), Some(start), Some(end)) =
                (primary, file, number("byte_start"), number("byte_end"))
            {
                errors.push((file.replace("/./", "/"), start..end, text.to_owned()));
            }
        }
    }
    errors
}

/// Builds, and the programs that came out.
fn build(command: &mut Command) -> Result<Vec<PathBuf>, String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err("the tests with the mutants do not compile".into());
    }
    let program = |message: Value| Some(message.get("executable")?.as_str()?.into());
    Ok(messages(&output.stdout).filter_map(program).collect())
}

/// What cargo says with `--message-format=json`: a message a line.
fn messages(stdout: &[u8]) -> impl Iterator<Item = Value> {
    let lines = stdout.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok())
}

/// The unit tests, the vectors, and then what else there is.
fn order(tests: Vec<PathBuf>, runner: Vec<PathBuf>) -> Result<Vec<Judge>, String> {
    let named = |name: &str| {
        let is = |path: &&PathBuf| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(&format!("{name}-")) || file == name
        };
        let found = tests.iter().chain(&runner).find(is).cloned();
        found.ok_or_else(|| format!("cargo built no program {name}"))
    };
    let test = |name| -> Result<Judge, String> {
        let mut options = not_slow();
        options.push("--test-threads=1");
        Ok(Judge {
            program: named(name)?,
            options,
        })
    };
    let vectors = Judge {
        program: named("cosignet")?,
        options: vec!["vectors", "run", "../test-vectors"],
    };
    Ok(vec![test("verifier_core")?, vectors, test("verifier")?])
}
