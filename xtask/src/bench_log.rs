//! How fast the log server appends and answers, with real, distinct, signed approvals.

pub(crate) mod load;
mod relay;
mod server;
mod turns;

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use test_vectors::approval::Draft;
use test_vectors::passkey::Algorithm;
use verifier_core::AwsLc;
use verifier_core::hazmat::webauthn::cose_key::CoseKey;

use crate::command::{cargo, status};
use load::{Approval, LoadClient};
use server::{Programs, Server};
use turns::Pair;

/// Connections that append at the same time.
const CLIENTS: usize = 256;
/// As many as the log takes by default.
const MANY_CLIENTS: usize = 1024;
/// Appends of one measurement.
const APPENDS: u32 = 30_000;
/// Appends of each log in a round of a comparison: some seconds.
const TURN: u32 = 40_000;
/// Rounds of a comparison.
const ROUNDS: usize = 5;
/// How long a question to a far witness and its answer are on their way.
const FAR: Duration = Duration::from_millis(50);
/// Appends of the client that is alone.
const ALONE: u32 = 200;
/// Connections that read at the same time.
const READERS: usize = 64;
/// How long they read.
const READING: Duration = Duration::from_secs(5);
/// Approvals that are signed ahead while a log is filled.
const CHUNK: u32 = 20_000;

/// Measures an empty log, and one with `entries` entries.
pub(crate) fn run(entries: u32) -> Result<(), String> {
    if cfg!(debug_assertions) {
        return again(&[&entries.to_string()]);
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    println!("{cores} cores, the load generator on them too\n");
    bare()?;
    let programs = Programs::built()?;
    witnessed(&programs)?;
    let mut bench = Bench {
        server: Server::start(&programs, "log", 0, Duration::ZERO)?,
        next: 0,
    };
    println!("\nEmpty log");
    let empty = bench.measure()?;
    if entries > 0 {
        eprintln!("filling the log up to {entries} entries …");
        let begin = Instant::now();
        while bench.next < entries {
            bench.append(CHUNK.min(entries - bench.next))?;
        }
        eprintln!("filled in {:.0} s", begin.elapsed().as_secs_f64());
        let start = bench.server.restart()?;
        println!(
            "\nLog of {} entries, started in {:.2} s",
            bench.next,
            start.as_secs_f64()
        );
        let full = bench.measure()?;
        println!("  {:.0} % of the rate at empty", 100.0 * full / empty);
    }
    Ok(())
}

/// The cost of witnesses: two on this machine, both needed, against none; then the same far away.
fn witnessed(programs: &Programs) -> Result<(), String> {
    for (name, round_trip) in [("with witnesses", Duration::ZERO), ("far witnesses", FAR)] {
        let mut pair = Pair {
            subject: (name, Server::start(programs, "cosigned", 2, round_trip)?),
            baseline: (
                "without",
                Server::start(programs, "alone", 0, Duration::ZERO)?,
            ),
            next: 0,
        };
        println!(
            "\nTwo witnesses, both needed, {} ms away",
            round_trip.as_millis()
        );
        measure_pair(&mut pair)?;
    }
    Ok(())
}

/// The log of this checkout against the one in `folder`, without witnesses and with them.
pub(crate) fn run_against(folder: &str) -> Result<(), String> {
    if cfg!(debug_assertions) {
        return again(&["against", folder]);
    }
    let (ours, theirs) = (Programs::built()?, Programs::of(folder));
    for (name, witnesses) in [("without witnesses", 0), ("with two local witnesses", 2)] {
        let start = |programs, name| Server::start(programs, name, witnesses, Duration::ZERO);
        let mut pair = Pair {
            subject: ("this one", start(&ours, "ours")?),
            baseline: ("the other one", start(&theirs, "theirs")?),
            next: 0,
        };
        println!("\nAgainst {folder}, {name}");
        measure_pair(&mut pair)?;
    }
    Ok(())
}

fn measure_pair(pair: &mut Pair) -> Result<(), String> {
    pair.alone(ALONE)?;
    for clients in [CLIENTS, MANY_CLIENTS] {
        pair.compare(clients, TURN, ROUNDS)?;
    }
    Ok(())
}

/// Runs this again with optimisation.
fn again(args: &[&str]) -> Result<(), String> {
    let mut again = cargo(&["run", "--release", "--quiet", "--package", "xtask"]);
    match status(again.args(["--", "bench-log"]).args(args))?.success() {
        true => Ok(()),
        false => Err("the benchmark failed".into()),
    }
}

struct Bench {
    server: Server,
    /// The number of the next approval.
    next: u32,
}

impl Bench {
    /// One table. Returns the published appends a second.
    fn measure(&mut self) -> Result<f64, String> {
        let before = self.server.cpu()?;
        let (took, mut times) = self.append(APPENDS)?;
        let cpu = self.server.cpu()? - before;
        let rate = f64::from(APPENDS) / took.as_secs_f64();
        times.sort();
        println!(
            "  {rate:.0} published appends/s with {CLIENTS} clients; time to acknowledge p50 {:.0} ms, \
             p99 {:.0} ms, max {:.0} ms",
            percentile(&times, 50),
            percentile(&times, 99),
            percentile(&times, 100),
        );
        println!(
            "  server: {:.2} cores, {:.0} µs an append, {} MB resident at most",
            cpu.as_secs_f64() / took.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / f64::from(APPENDS),
            self.server.memory()?
        );

        let approvals = self.sign(ALONE);
        let mut client = LoadClient::connect(self.server.address())?;
        let mut times = Vec::new();
        for approval in &approvals {
            times.push(client.append(self.server.token(), approval)?);
        }
        times.sort();
        println!(
            "  one client, one append at a time: p50 {:.1} ms",
            percentile(&times, 50)
        );

        let known = self.next;
        self.read("GET /tile/…", &|n| load::tile(n, u64::from(known)))?;
        self.read("verification look-up", &|n| load::look_up(n, known))?;
        Ok(rate)
    }

    fn read(&self, what: &str, path: &(dyn Fn(u64) -> String + Sync)) -> Result<(), String> {
        let before = self.server.cpu()?;
        let (took, requests) = load::read(self.server.address(), READERS, READING, path)?;
        let cpu = self.server.cpu()? - before;
        let requests = f64::from(requests);
        println!(
            "  {what}: {:.0} requests/s, {:.0} µs of the server's time each",
            requests / took.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / requests
        );
        Ok(())
    }

    fn append(&mut self, count: u32) -> Result<(Duration, Vec<Duration>), String> {
        let approvals = self.sign(count);
        load::append(
            self.server.address(),
            self.server.token(),
            &approvals,
            CLIENTS,
        )
    }

    /// The next approvals, signed on all cores.
    fn sign(&mut self, count: u32) -> Vec<Approval> {
        let first = self.next;
        self.next += count;
        load::sign(first, count)
    }
}

/// The best that one core does, to compare with on another machine.
fn bare() -> Result<(), String> {
    let draft = Draft::numbered(Algorithm::Es256, 0);
    let (assertion, _) = draft.sign();
    let key = CoseKey::parse(&assertion.public_key).map_err(|error| error.to_string())?;
    let hash = verifier_core::hazmat::encoding::sha256(&assertion.client_data_json);
    let signed = [&assertion.authenticator_data[..], &hash].concat();
    let begin = Instant::now();
    let mut count = 0_u32;
    while begin.elapsed() < Duration::from_secs(1) {
        key.public_key()
            .verify(&AwsLc, &signed, &assertion.signature)
            .map_err(|error| error.to_string())?;
        count += 1;
    }
    let rate = f64::from(count) / begin.elapsed().as_secs_f64();
    println!("bare ES256 verification, one core: {rate:.0}/s");
    Ok(())
}

/// In milliseconds, of sorted times.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> f64 {
    let at = times.len().saturating_sub(1) * percent / 100;
    times
        .get(at)
        .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
