//! Speed of a full audit, as a share of the bare signature checks in it: in turns, and with as many
//! threads, so that it holds on a machine whose speed drifts and that others use, too. The server
//! of the log runs on the same cores.

use std::env;
use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use test_vectors::approval::LOG_ORIGIN;
use test_vectors::encoding::pseudo_random;
use test_vectors::log::tlog_policy;
use test_vectors::note::note;
use test_vectors::server::{Answer, Server};
use test_vectors::{Algorithm, Draft, Log, site};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::signature::{AwsLc, PublicKey};
use verifier_core::hazmat::webauthn::cose_key::CoseKey;

use crate::bench::{median, optimised, time};
use crate::command::cosignet;

const ROUNDS: usize = 3;
/// As many threads as the monitor has connections, so that both get the same share of the machine.
const THREADS: usize = 16;
/// How many different signatures the baseline repeats.
const SAMPLES: usize = 4096;

pub(crate) fn run(entries: u32) -> Result<(), String> {
    if cfg!(debug_assertions) {
        return optimised(&["bench-monitor", &entries.to_string()]);
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let cosignet = cosignet()?;
    eprintln!("minting {entries} entries …");
    let leaves = leaves(entries, cores);
    let log = Log::new(LOG_ORIGIN, pseudo_random("log"), &leaves);
    let head = log.checkpoint(leaves.len()).text();
    let head = note(&head, &log.sign(&head, &[]));
    let server = Server::start();
    let files = site::tiles(&leaves).into_iter();
    let files = files.map(|(path, bytes)| (path, Answer::from(bytes)));
    server.replace(files.chain([("checkpoint".to_owned(), Answer::from(head))]));

    let samples = leaves.iter().take(SAMPLES);
    let samples: Vec<_> = samples.filter_map(|leaf| signature(leaf)).collect();
    drop(leaves);
    let dir = env::temp_dir().join(format!("cosignet-bench-monitor-{}", std::process::id()));
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut policy = Draft::numbered(Algorithm::Es256, 1).policy(&log);
    policy.log = Some(tlog_policy(&log, 0, &[]));
    let path = dir.join("policy.toml");
    fs::write(&path, policy.toml()).map_err(|error| format!("{}: {error}", path.display()))?;
    let result = measure(&cosignet, &dir, &server, &samples, entries, cores);
    fs::remove_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    result
}

fn measure(
    cosignet: &Path,
    dir: &Path,
    server: &Server,
    samples: &[(PublicKey, Vec<u8>, Vec<u8>)],
    entries: u32,
    cores: usize,
) -> Result<(), String> {
    let share = usize::try_from(entries).unwrap_or(0) / THREADS;
    let bare = || {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for (key, message, signature) in samples.iter().cycle().take(share) {
                        let _ = key.verify(&AwsLc, message, signature);
                    }
                });
            }
        });
        true
    };
    let (mut shares, mut rates, mut memory) = (Vec::new(), Vec::new(), 0);
    let mut work = Vec::new();
    for round in 0..ROUNDS {
        let own = ticks("self");
        let base = time(&bare);
        let bare_ticks = ticks("self").saturating_sub(own);
        let own = ticks("self");
        let state = dir.join(format!("state-{round}"));
        let begin = Instant::now();
        let (most, audit_ticks) = audit(cosignet, dir, server, &state)?;
        memory = memory.max(most);
        let took = begin.elapsed();
        let server_ticks = ticks("self").saturating_sub(own);
        work.push(percent(
            bare_ticks,
            audit_ticks.saturating_add(server_ticks),
        ));
        server.received();
        shares.push(base.as_secs_f64() / took.as_secs_f64());
        rates.push(f64::from(entries) / took.as_secs_f64());
        let size = folder_size(&state);
        eprintln!(
            "round {round}: {:.1} s, bare {:.1} s; processor {audit_ticks} and server {server_ticks}, \
             bare {bare_ticks}; state {} bytes an entry",
            took.as_secs_f64(),
            base.as_secs_f64(),
            size / u64::from(entries.max(1)),
        );
    }
    println!(
        "cosignet monitor, full audit of {entries} entries: {:.0} % of {cores} cores × the bare \
         rate ({:.0} entries/s), at most {} MB of memory; of the processor's time, that of the server \
         included, {:.0} % are bare signature checks",
        100.0 * median(&mut shares),
        median(&mut rates),
        memory / 1024,
        median(&mut work),
    );
    Ok(())
}

fn percent(part: u64, whole: u64) -> f64 {
    let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    100.0 * number(part) / number(whole.max(1))
}

/// The processor's time that a process has used, in hundredths of a second; 0 where the system does
/// not say.
fn ticks(process: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // After the name, which may contain anything, come the 3rd to the 52nd field.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let used = fields.split_whitespace().skip(11).take(2);
    used.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// A full audit. Returns the most memory that it took, in KiB, and the processor's time; 0 where
/// the system does not say.
fn audit(cosignet: &Path, dir: &Path, server: &Server, state: &Path) -> Result<(u64, u64), String> {
    let mut child = Command::new(cosignet)
        .args([
            "monitor",
            &server.url(),
            "--init",
            "--once",
            "--round-seconds",
            "86400",
        ])
        .args([
            "--round-entries",
            "1000000000",
            "--round-mib",
            "1000000",
            "--policy",
        ])
        .arg(dir.join("policy.toml"))
        .arg("--state")
        .arg(state)
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run cosignet: {error}"))?;
    let path = format!("/proc/{}/status", child.id());
    let (mut most, mut used) = (0, 0);
    loop {
        used = ticks(&child.id().to_string()).max(used);
        let status = fs::read_to_string(&path).unwrap_or_default();
        let peak = status.lines().find_map(|line| {
            let line = line.strip_prefix("VmHWM:")?;
            line.trim().strip_suffix(" kB")?.parse().ok()
        });
        most = most.max(peak.unwrap_or(0));
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Ok(Some(status)) if status.success() => return Ok((most, used)),
            Ok(Some(status)) => return Err(format!("the audit ended with {status}")),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn leaves(entries: u32, cores: usize) -> Vec<String> {
    let numbers: Vec<u32> = (1..=entries).collect();
    let part = numbers.len().div_ceil(cores).max(1);
    let sign = |number: &u32| Draft::numbered(Algorithm::Es256, *number).sign().1;
    thread::scope(|scope| {
        let parts = numbers.chunks(part);
        let signers: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().map(sign).collect::<Vec<_>>()))
            .collect();
        let signed = signers.into_iter().filter_map(|signer| signer.join().ok());
        signed.flatten().collect()
    })
}

/// The bare signature in an entry.
fn signature(leaf: &str) -> Option<(PublicKey, Vec<u8>, Vec<u8>)> {
    let entry = Entry::parse(leaf).ok()?;
    let key = CoseKey::parse(&entry.credential_public_key).ok()?;
    let message = [entry.authenticator_data.as_slice(), &entry.client_data_hash].concat();
    Some((key.public_key().clone(), message, entry.signature))
}

fn folder_size(path: &Path) -> u64 {
    let files = fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = files.filter_map(|file| file.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}
