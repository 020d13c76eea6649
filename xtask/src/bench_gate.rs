//! How much a gate does in a second, how soon it wakes those who wait, and what they cost it: the
//! real program with a log of its own, over loopback, on this disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::command::release_binary;
use crate::connection::Connection;
use crate::gate::{Gate, Person, get, post, text};

/// Clients that ask, each over a connection of its own, and how long at least.
const CLIENTS: usize = 512;
const ASKING: Duration = Duration::from_secs(10);

/// Browsers that decide: one address may have half of the places for pages.
const BROWSERS: usize = 128;

/// Decisions that are measured.
const DECISIONS: usize = 4000;

/// Callers who wait while others are woken, and how many of them are.
const WAITING: usize = 5000;
const WOKEN: usize = 300;

/// Prints the figures of `docs/PERFORMANCE.md` about gates.
pub(crate) fn run() -> Result<(), String> {
    let program = release_binary("gate", "cosignet-gate")?;
    let folder = std::env::temp_dir().join(format!("cosignet-bench-gate-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let done = measure(&program, &folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn measure(program: &Path, folder: &Path) -> Result<(), String> {
    let gate = Gate::start(program, folder.join("gate"))?;
    let person = gate.person("ann", "finance")?;
    let key = format!("x-api-key: {}\r\n", gate.key("agent", "create,read")?);
    println!("{:<52} {:>14}   aim", "what", "measured");

    let syncs = syncs(folder)?;
    row(
        "durable writes, one after another",
        &format!("{syncs:.0}/s"),
        "(the baseline)",
    );
    let (ids, times, rate) = ask(&gate, &key)?;
    row(
        &format!("creations, {CLIENTS} clients"),
        &format!("{rate:.0}/s"),
        "500/s",
    );
    row("  times the baseline", &format!("{:.1}", rate / syncs), "");
    row("  answered within p50 / p99", &percentiles(&times), "");

    let (decided, waited) = ids
        .split_at_checked(DECISIONS)
        .ok_or("too few were created")?;
    let (answered, approved) = decide(&gate, &key, &person, decided)?;
    row(
        &format!("decisions, {BROWSERS} browsers"),
        &format!("{answered:.0}/s"),
        "200/s",
    );
    row(
        "  times the baseline",
        &format!("{:.1}", answered / syncs),
        "",
    );
    row(
        "  in the log, and approved",
        &format!("{approved:.0}/s"),
        "200/s",
    );

    let alone = gate.memory();
    let waited = waited.get(..WAITING).ok_or("too few were created")?;
    let (times, crowded) = wake(&gate, &key, &person, waited)?;
    row(
        "from a decision to who waits for it, p50 / p99",
        &percentiles(&times),
        "50 ms",
    );
    row(
        &format!(
            "memory with {WAITING} who wait (before: {})",
            megabytes(alone)
        ),
        &megabytes(crowded),
        "200 MB",
    );
    row(
        "page to approve on, compressed",
        &format!("{} bytes", page(&gate)?),
        "60 KB",
    );
    Ok(())
}

fn row(what: &str, measured: &str, aim: &str) {
    println!("{what:<52} {measured:>14}   {aim}");
}

/// How often in a second this disk takes what a database must not lose.
fn syncs(folder: &Path) -> Result<f64, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut file = File::create(folder.join("baseline")).map_err(failed)?;
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < Duration::from_secs(3) {
        file.write_all(&[7; 1024]).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        done += 1;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// Creates requests from many clients: their ids, the time each took, and how many a second.
fn ask(gate: &Gate, key: &str) -> Result<(Vec<String>, Vec<Duration>, f64), String> {
    let (begun, all) = (Instant::now(), Mutex::new((Vec::new(), Vec::new())));
    let count = AtomicUsize::new(0);
    abreast(CLIENTS, |client| {
        let mut connection = Connection::open(&gate.address)?;
        let (mut ids, mut times) = (Vec::new(), Vec::new());
        while begun.elapsed() < ASKING || count.load(Relaxed) < DECISIONS + WAITING {
            let payload = json!({
                "amount": times.len().to_string(),
                "creditor": format!("client {client}"),
                "iban": "DE89370400440532013000",
                "reference": "what somebody has to read before it is paid",
            });
            let body = json!({ "action": "payment.send", "payload": payload });
            let request = post("/api/confirmations", key, &body);
            let sent = Instant::now();
            let made = connection.ask(&request)?.expect(201)?;
            times.push(sent.elapsed());
            count.fetch_add(1, Relaxed);
            ids.push(text(&made.json()?, "/id")?.to_owned());
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.append(&mut ids);
        all.1.append(&mut times);
        Ok(())
    })?;
    let took = begun.elapsed();
    let (ids, times) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rate = per_second(ids.len(), took);
    Ok((ids, times, rate))
}

/// Approves requests; how many a second were answered, and how many were approved, which is when
/// the log has published them.
fn decide(gate: &Gate, key: &str, person: &Person, ids: &[String]) -> Result<(f64, f64), String> {
    let signed = sign(gate, person, ids)?;
    let (start, moments) = (Barrier::new(BROWSERS), Mutex::new(Vec::new()));
    abreast(BROWSERS, |browser| {
        let mut connection = Connection::open(&gate.address)?;
        let own = || ids.iter().zip(&signed).skip(browser).step_by(BROWSERS);
        start.wait();
        let begun = Instant::now();
        for (_, request) in own() {
            connection.ask(request)?.expect(200)?;
        }
        let answered = Instant::now();
        for (id, _) in own() {
            let wait = get(&format!("/api/confirmations/{id}?wait=50"), key);
            let standing = connection.ask(&wait)?.expect(200)?.json()?;
            if text(&standing, "/status")? != "approved" {
                return Err(format!("not approved: {standing}"));
            }
        }
        let mut moments = moments.lock().unwrap_or_else(PoisonError::into_inner);
        moments.push((begun, answered, Instant::now()));
        Ok(())
    })?;
    let moments = moments.into_inner().unwrap_or_else(PoisonError::into_inner);
    let begun = moments.iter().map(|one| one.0).min();
    let answered = moments.iter().map(|one| one.1).max();
    let approved = moments.iter().map(|one| one.2).max();
    let (Some(begun), Some(answered), Some(approved)) = (begun, answered, approved) else {
        return Err("nobody has decided".into());
    };
    let rate = |end: Instant| per_second(ids.len(), end - begun);
    Ok((rate(answered), rate(approved)))
}

/// The requests that approve these, made before anything is measured.
fn sign(gate: &Gate, person: &Person, ids: &[String]) -> Result<Vec<Vec<u8>>, String> {
    let mut connection = Connection::open(&gate.address)?;
    let cookie = person.sign_in(&mut connection)?;
    let sign = |id: &String| {
        let look = get(&format!("/a/{id}/request"), &cookie);
        let shown = connection.ask(&look)?.expect(200)?.json()?;
        person.approval(id, &shown)
    };
    ids.iter().map(sign).collect()
}

/// Lets callers wait for these requests, and decides some of them, one after another: the time from
/// each decision's answer to that of its caller, and the memory with all who wait.
fn wake(
    gate: &Gate,
    key: &str,
    person: &Person,
    ids: &[String],
) -> Result<(Vec<Duration>, Option<u64>), String> {
    let (woken, _) = ids.split_at_checked(WOKEN).ok_or("too few wait")?;
    let signed = sign(gate, person, woken)?;
    let mut callers = Vec::new();
    for id in ids {
        let mut caller = Connection::open(&gate.address)?;
        caller.send(&get(&format!("/api/confirmations/{id}?wait=50"), key))?;
        callers.push(caller);
    }
    // Until all of them are at their place.
    let mut connection = Connection::open(&gate.address)?;
    let begun = Instant::now();
    let places = format!("\ncosignet_gate_waiting {WAITING}\n");
    loop {
        let metrics = connection.ask(&get("/metrics", ""))?.expect(200)?;
        if String::from_utf8_lossy(&metrics.body).contains(&places) {
            break;
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err("not all who want to wait have a place".into());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let memory = gate.memory();
    let mut times = Vec::new();
    for (request, caller) in signed.iter().zip(&mut callers) {
        connection.ask(request)?.expect(200)?;
        let decided = Instant::now();
        let standing = caller.read()?.expect(200)?.json()?;
        times.push(decided.elapsed());
        if text(&standing, "/status")? != "approved" {
            return Err(format!("woken for nothing: {standing}"));
        }
    }
    Ok((times, memory))
}

/// What a browser loads of the page, as it is sent. The page names all of its modules.
fn page(gate: &Gate) -> Result<usize, String> {
    let mut connection = Connection::open(&gate.address)?;
    let path = "/a/5534d6f2-c643-4355-8548-73af4b8540f2";
    let plain = connection.ask(&get(path, ""))?.expect(200)?;
    let plain = String::from_utf8_lossy(&plain.body).into_owned();
    let named = plain.split('"').filter(|text| text.starts_with("/gate/"));
    let files: BTreeSet<&str> = named.chain([path]).collect();
    let size = |path: &&str| {
        let sent = connection.ask(&get(path, "accept-encoding: gzip\r\n"))?;
        Ok(sent.expect(200)?.body.len())
    };
    files.iter().map(size).sum()
}

/// Runs so many clients at a time. The first failure is what comes of it.
fn abreast(
    clients: usize,
    work: impl Fn(usize) -> Result<(), String> + Sync,
) -> Result<(), String> {
    thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = (0..clients)
            .map(|one| scope.spawn(move || work(one)))
            .collect();
        let mut ends = all.into_iter().map(thread::ScopedJoinHandle::join);
        ends.try_for_each(|end| end.unwrap_or_else(|_| Err("a client panicked".into())))
    })
}

fn per_second(items: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(items).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn percentiles(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    let at = |percent: usize| {
        let at = times.len().saturating_sub(1) * percent / 100;
        times.get(at).copied().unwrap_or_default()
    };
    format!("{:.1?} / {:.1?}", at(50), at(99))
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".into(), |bytes| {
        format!("{} MB", bytes / 1_000_000)
    })
}
