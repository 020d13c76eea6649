//! HTTP framing: requests that two readers could read in two ways, or that never end, against the
//! log, the witness and the gate.
//!
//! Every answer has to be whole and no 5xx, an ambiguous request is refused or is the last of its
//! connection, and nothing stays open for longer than the limits say.

mod cases;
mod wire;

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::command::{binary, cargo, print, run, until_serving};
use crate::gate::Gate;
use cases::{Case, Random, Verdict};

/// How many mutated requests each server gets, beside those that are made by hand.
const MUTATED: usize = 3000;

/// How long a body may take behind a head, and some patience.
const BODY_TIME: Duration = Duration::from_secs(20);

/// How many connections at a time.
const ABREAST: usize = 16;

/// Builds all servers and sends them every case. The same `seed` sends the same bytes.
pub(crate) fn run_campaign(seed: u64) -> Result<(), String> {
    let packages = ["log-server", "witness", "gate"].map(|name| ["--package", name]);
    run(&mut cargo(&[&["build"], packages.as_flattened()].concat()))?;
    let folder = std::env::temp_dir().join(format!("framing-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let done = against_all(&folder, seed);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn against_all(folder: &Path, seed: u64) -> Result<(), String> {
    eprintln!("seed {seed}");
    let begun = Instant::now();
    let log = Server::log(folder)?;
    let witness = Server::witness(folder)?;
    let gate = Server::gate(folder)?;
    let servers = [&log, &witness, &gate];
    let results = std::thread::scope(|scope| {
        let all = servers.map(|server| scope.spawn(move || campaign(server, seed)));
        all.map(|one| one.join().unwrap_or_else(|_| Err("it panicked".into())))
    });
    for (server, result) in servers.into_iter().zip(results) {
        let count = result.map_err(|why| format!("{}, seed {seed}: {why}", server.name))?;
        println!("{}: {count} connections, none wrong", server.name);
    }
    println!("{:.0?}", begun.elapsed());
    Ok(())
}

/// Sends all cases; how many there were.
fn campaign(server: &Server, seed: u64) -> Result<usize, String> {
    let slow = cases::slow(&server.post);
    let mut random = Random::new(seed);
    let mut all = cases::by_hand(&server.post);
    for _ in 0..MUTATED {
        all.push(cases::mutated(&server.post, &mut random));
    }
    let slow_count = slow.len();
    let rest = AtomicUsize::new(0);
    let work = || {
        while let Some(case) = all.get(rest.fetch_add(1, Relaxed)) {
            judge(server, case, Duration::from_secs(30))?;
        }
        Ok::<_, String>(())
    };
    // Those that wait for limits wait together.
    std::thread::scope(|scope| {
        let slow: Vec<_> = slow
            .into_iter()
            .map(|case| scope.spawn(move || judge(server, &case, server.patience)))
            .collect();
        let workers: Vec<_> = (0..ABREAST).map(|_| scope.spawn(work)).collect();
        for one in workers {
            one.join().map_err(|_| "it panicked".to_owned())??;
        }
        for one in slow {
            one.join().map_err(|_| "it panicked".to_owned())??;
        }
        Ok::<_, String>(())
    })?;
    // Nothing of all that has left a mark.
    let health = Case::new("health", b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    judge(
        server,
        &health.verdict(Verdict::Statuses(&[200])),
        Duration::from_secs(5),
    )?;
    Ok(all.len() + slow_count + 1)
}

/// Sends one case on a connection of its own, and looks at everything that comes back.
fn judge(server: &Server, case: &Case, patience: Duration) -> Result<(), String> {
    let complain = |why: &str| {
        let sent = String::from_utf8_lossy(&case.bytes);
        let sent: String = sent.chars().take(600).collect();
        Err(format!("{}: {why}\n{}", case.name, sent.escape_debug()))
    };
    let begun = Instant::now();
    let heard = match wire::exchange(&server.address, case, patience) {
        Ok(heard) => heard,
        Err(why) => return complain(&why),
    };
    if begun.elapsed() > patience {
        return complain(&format!("it took {:.1?}", begun.elapsed()));
    }
    if let Some(status) = heard.iter().find(|status| **status >= 500) {
        return complain(&format!("answered {status}"));
    }
    let refused = |status: &u16| (400..500).contains(status);
    let right = match case.verdict {
        Verdict::Clean => true,
        Verdict::Refused => heard.iter().all(refused) && heard.len() <= 1,
        Verdict::Last => heard.len() <= 1,
        Verdict::Statuses(expected) => heard == expected,
    };
    match right {
        true => Ok(()),
        false => complain(&format!("answered {heard:?}, expected {:?}", case.verdict)),
    }
}

/// A running server.
struct Server {
    name: &'static str,
    _process: Process,
    address: String,
    /// The first lines of a request with a body: method, address, and what it needs to be read.
    post: String,
    /// The longest that a connection may take.
    patience: Duration,
}

impl Server {
    fn log(folder: &Path) -> Result<Self, String> {
        let data = folder.join("log").display().to_string();
        let program = binary("debug", "cosignet-log");
        let vkey = print(Command::new(&program).args([
            "init",
            "--data",
            &data,
            "--origin",
            "log.example/framing",
        ]))?;
        fs::write(folder.join("logs"), format!("log {vkey}\nquorum none\n"))
            .map_err(|error| error.to_string())?;
        let token = print(
            Command::new(&program).args(["token", "create", "--data", &data, "--name", "framing"]),
        )?;
        let mut command = Command::new(program);
        command.args(["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
        command.args(["--rp-id", "example.com", "--origin", "https://example.com"]);
        let post = format!(
            "POST /v1/entries HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\n"
        );
        Self::start("log", &mut command, post, Duration::from_secs(10))
    }

    fn witness(folder: &Path) -> Result<Self, String> {
        let data = folder.join("witness").display().to_string();
        let program = binary("debug", "cosignet-witness");
        let name = "witness.example/framing";
        print(Command::new(&program).args(["init", "--data", &data, "--name", name]))?;
        let mut command = Command::new(program);
        command.args(["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
        command.arg("--logs").arg(folder.join("logs"));
        let post = "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\n".to_owned();
        Self::start("witness", &mut command, post, Duration::from_secs(60))
    }

    fn gate(folder: &Path) -> Result<Self, String> {
        let gate = Gate::start(&binary("debug", "cosignet-gate"), folder.join("gate"))?;
        let key = gate.key("framing", "create")?;
        let post = format!(
            "POST /api/confirmations HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\
             content-type: application/json\r\n"
        );
        Ok(Self {
            name: "gate",
            address: gate.address.clone(),
            _process: Process::Gate(gate),
            post,
            patience: Duration::from_secs(10) + BODY_TIME,
        })
    }

    fn start(
        name: &'static str,
        command: &mut Command,
        post: String,
        head_time: Duration,
    ) -> Result<Self, String> {
        let (process, address) = until_serving(command)?;
        Ok(Self {
            name,
            _process: Process::Program(process),
            address,
            post,
            patience: head_time + BODY_TIME,
        })
    }
}

/// What runs. Ended when dropped.
enum Process {
    Gate(#[expect(dead_code, reason = "ends when dropped")] Gate),
    Program(Child),
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Program(process) = self {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
