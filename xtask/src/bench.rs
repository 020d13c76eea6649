//! Speed, as ratios: each figure is measured against its baseline in the same run, in turns, so
//! that they hold on a machine whose speed drifts.

mod anchors;
mod people;

use std::env;
use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use test_vectors::Approval;
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::signature::{AwsLc, Crypto, PublicKey, RustCrypto};
use verifier_core::hazmat::tlog::cosignature;
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::vkey::{Algorithm, VerifierKey};
use verifier_core::hazmat::webauthn::cose_key::CoseKey;
use verifier_core::policy::{LogRule, Policy};
use verifier_core::{Request, Verdict, verify};

use crate::command::{cosignet, status};

const ROUNDS: usize = 15;
const FOLDER: u32 = 20_000;

/// Prints the figures of the first table of `docs/PERFORMANCE.md`, and those of decisions and
/// rosters.
pub(crate) fn run() -> Result<(), String> {
    if cfg!(debug_assertions) {
        return optimised(&["bench"]);
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    println!("{cores} cores; medians of {ROUNDS} rounds, baseline and subject in turns\n");

    let samples = samples(&Approval::many(64))?;
    one_thread("aws-lc-rs", &AwsLc, &samples)?;
    one_thread("RustCrypto", &RustCrypto, &samples)?;
    people::run()?;
    anchors::run()?;
    let cosignet = cosignet()?;
    let dir = env::temp_dir().join(format!("cosignet-bench-{}", std::process::id()));
    let result = folder(&cosignet, &dir, cores, &samples);
    fs::remove_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    result
}

/// Runs xtask again, built with optimisation.
pub(crate) fn optimised(args: &[&str]) -> Result<(), String> {
    const RUN: [&str; 6] = ["run", "--release", "--quiet", "--package", "xtask", "--"];
    let mut again = crate::command::cargo(&[&RUN, args].concat());
    match status(&mut again)?.success() {
        true => Ok(()),
        false => Err("the benchmark failed".into()),
    }
}

/// A bundle, and the bare signatures in it.
struct Sample {
    bundle: String,
    policy: Policy,
    signatures: Vec<(PublicKey, Vec<u8>, Vec<u8>)>,
}

fn samples(approvals: &[Approval]) -> Result<Vec<Sample>, String> {
    let all = approvals.iter().map(sample).collect::<Option<_>>();
    all.ok_or_else(|| "bad sample".into())
}

/// The baseline: whether the bare signatures in these hold.
fn bare(crypto: &dyn Crypto, samples: &[Sample]) -> bool {
    let mut all = samples.iter().flat_map(|sample| &sample.signatures);
    all.all(|(key, message, signature)| key.verify(crypto, message, signature).is_ok())
}

/// Takes the signatures out again by hand: passkey, log, witnesses.
fn sample(approval: &Approval) -> Option<Sample> {
    let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).ok()?;
    let entry = Entry::parse(&approval.bundle.entry).ok()?;
    let passkey = CoseKey::parse(&entry.credential_public_key).ok()?;
    let signed = [entry.authenticator_data.as_slice(), &entry.client_data_hash].concat();
    let mut signatures = vec![(passkey.public_key().clone(), signed, entry.signature)];

    let proof = approval.bundle.log_proof.text();
    let proof = Proof::parse(&proof).ok()?;
    let note = proof.checkpoint().note();
    let LogRule::Required(rule) = policy.log() else {
        return None;
    };
    let logs = rule.tlog.logs().iter().map(|log| log.key());
    let keys: Vec<&VerifierKey> = logs
        .chain(rule.tlog.witnesses().iter().map(|w| w.key()))
        .collect();
    for line in note.signatures() {
        let key = keys
            .iter()
            .find(|key| (key.name(), key.id()) == (line.name(), line.id()))?;
        let public = PublicKey::ed25519(key.public_key().try_into().ok()?).ok()?;
        let (message, signature) = match key.algorithm() {
            Algorithm::Ed25519 => (note.text().to_string(), line.signature().to_vec()),
            _ => {
                let cosignature = cosignature::Cosignature::parse(line.signature()).ok()?;
                (
                    cosignature.message(note.text()),
                    cosignature.signature().to_vec(),
                )
            }
        };
        signatures.push((public, message.into_bytes(), signature));
    }
    Some(Sample {
        bundle: approval.bundle.text(),
        policy,
        signatures,
    })
}

fn one_thread(name: &str, crypto: &dyn Crypto, samples: &[Sample]) -> Result<(), String> {
    let bare = || bare(crypto, samples);
    let reports = || {
        samples.iter().all(|sample| {
            let mut request = Request::default();
            request.policy = Some(&sample.policy);
            request.crypto = crypto;
            let report = verify(sample.bundle.as_bytes(), &request);
            let json = report.to_json();
            report.verdict() == Verdict::Verified && !json.is_empty()
        })
    };
    if !bare() || !reports() {
        return Err("a sample does not verify".into());
    }
    let (mut bares, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (base, subject) = (time(&bare), time(&reports));
        bares.push(base);
        ratios.push(subject.as_secs_f64() / base.as_secs_f64());
    }
    let count = samples.len();
    let per_sample = micros(median(&mut bares)) / f64::from(u32::try_from(count).unwrap_or(1));
    println!(
        "{name}: bundle → report (with its JSON) costs {:.2} × its {} bare signatures ({per_sample:.0} µs)",
        median(&mut ratios),
        samples.first().map_or(0, |sample| sample.signatures.len()),
    );
    Ok(())
}

fn folder(cosignet: &Path, dir: &Path, cores: usize, samples: &[Sample]) -> Result<(), String> {
    eprintln!("\nminting {FOLDER} bundles …");
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(dir.join("bundles")).map_err(failed)?;
    let approvals = Approval::many(FOLDER);
    for (i, approval) in approvals.iter().enumerate() {
        let path = dir.join("bundles").join(format!("{i:05}.json"));
        fs::write(path, approval.bundle.text()).map_err(failed)?;
    }
    let Some(first) = approvals.first() else {
        return Err("nothing minted".into());
    };
    let policy = dir.join("policy.json");
    fs::write(&policy, first.policy.value().to_string()).map_err(failed)?;
    let run = |target: &Path| {
        let mut command = Command::new(cosignet);
        command
            .arg("verify")
            .arg(target)
            .arg("--policy")
            .arg(&policy);
        command
            .args(["--format", "json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match status(&mut command)?.success() {
            true => Ok(()),
            false => Err(format!("{} is not VERIFIED", target.display())),
        }
    };
    let all = dir.join("bundles");
    let one = all.join("00000.json");
    run(&all)?;

    // All cores verifying bare signatures, as often as the folder has bundles.
    let bares = || {
        thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    let rounds = usize::try_from(FOLDER).unwrap_or(0) / cores / samples.len();
                    for _ in 0..rounds {
                        std::hint::black_box(bare(&AwsLc, samples));
                    }
                });
            }
        });
        true
    };
    let (mut shares, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let base = time(&bares);
        let begin = Instant::now();
        run(&all)?;
        shares.push(base.as_secs_f64() / begin.elapsed().as_secs_f64());
    }
    for _ in 0..50 {
        let begin = Instant::now();
        run(&one)?;
        starts.push(begin.elapsed());
    }
    println!(
        "cosignet verify, {FOLDER} bundles: {:.0} % of {cores} cores × the bare rate",
        100.0 * median(&mut shares)
    );
    println!(
        "cosignet verify, one bundle: {:.1} ms, process start included",
        micros(median(&mut starts)) / 1000.0
    );
    Ok(())
}

pub(crate) fn time(work: &dyn Fn() -> bool) -> Duration {
    let begin = Instant::now();
    std::hint::black_box(work());
    begin.elapsed()
}

pub(crate) fn median<T: Copy + PartialOrd>(values: &mut [T]) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    match values.get(values.len() / 2) {
        Some(value) => *value,
        None => unreachable!("there is at least one round"),
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
