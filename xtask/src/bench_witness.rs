//! How many heads a witness cosigns in a second: the real program, over loopback, on this disk.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use test_vectors::Log;
use test_vectors::encoding::{b64, sha256};
use test_vectors::note::note;

use crate::command::{release_binary, until_serving};

/// Requests in each measurement, about.
const REQUESTS: usize = 3_000;

/// Prints the figures of `docs/PERFORMANCE.md` about witnesses.
pub(crate) fn run() -> Result<(), String> {
    let program = release_binary("witness", "cosignet-witness")?;
    let dir = env::temp_dir().join(format!("cosignet-bench-witness-{}", std::process::id()));
    println!("each log asks for its next head as soon as the last one is cosigned\n");
    let result = [1, 8, 64, 256]
        .into_iter()
        .try_for_each(|logs| measure(&program, &dir.join(logs.to_string()), logs));
    fs::remove_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    result
}

fn measure(program: &Path, dir: &Path, logs: usize) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(dir).map_err(failed)?;
    let heads = (REQUESTS / logs).max(1);
    let leaves: Vec<String> = (0..heads).map(|i| i.to_string()).collect();
    let logs: Vec<Log> = (0..logs)
        .map(|i| format!("log.example/{i}"))
        .map(|origin| Log::new(&origin, sha256(origin.as_bytes()), &leaves))
        .collect();
    let requests: Vec<Vec<Vec<u8>>> = logs
        .iter()
        .map(|log| (1..=heads).map(|size| request(log, size)).collect())
        .collect();
    let policy = dir.join("logs.policy");
    let lines: String = logs.iter().map(Log::policy_line).collect();
    fs::write(&policy, lines + "quorum none\n").map_err(failed)?;

    let witness = Witness::start(program, dir, &policy)?;
    let begun = Instant::now();
    let times: Result<Vec<Vec<Duration>>, String> = thread::scope(|scope| {
        let posts: Vec<_> = requests
            .iter()
            .map(|requests| scope.spawn(|| post_all(&witness.address, requests)))
            .collect();
        posts
            .into_iter()
            .map(|post| post.join().map_err(|_| "a client failed".to_owned())?)
            .collect()
    });
    let took = begun.elapsed();
    let mut times = times?.concat();
    times.sort();
    let at = |percent: usize| times.get((times.len() - 1) * percent / 100);
    println!(
        "{:>4} logs: {:>6.0} cosignatures/s; answered within p50 {:.1?}, p99 {:.1?}",
        logs.len(),
        f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / took.as_secs_f64(),
        at(50).copied().unwrap_or_default(),
        at(99).copied().unwrap_or_default(),
    );
    Ok(())
}

/// The request to cosign the head of this size, after the one before it.
fn request(log: &Log, size: usize) -> Vec<u8> {
    let text = log.checkpoint(size).text();
    let checkpoint = note(&text, &log.sign(&text, &[]));
    let old = size - 1;
    let proof = match old {
        0 => Vec::new(),
        _ => log.tree().consistency(old, size),
    };
    let proof: String = proof.iter().map(|hash| b64(hash) + "\n").collect();
    let body = format!("old {old}\n{proof}\n{checkpoint}");
    let length = body.len();
    format!(
        "POST /add-checkpoint HTTP/1.1\r\nhost: witness\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends requests over one connection, each after the answer to the one before.
fn post_all(address: &str, requests: &[Vec<u8>]) -> Result<Vec<Duration>, String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let mut reader = BufReader::new(stream.try_clone().map_err(failed)?);
    let mut times = Vec::new();
    for request in requests {
        let begun = Instant::now();
        stream.write_all(request).map_err(failed)?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).map_err(failed)? == 0 {
                return Err("the witness has closed a connection".into());
            }
        }
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(head);
        }
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        reader.read_exact(&mut body).map_err(failed)?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// A running witness. Ended when dropped.
struct Witness {
    process: Child,
    address: String,
}

impl Witness {
    fn start(program: &Path, dir: &Path, policy: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let data = dir.join("witness");
        let command = |command: &str| {
            let mut command_line = Command::new(program);
            command_line.args([command, "--data"]).arg(&data);
            command_line
        };
        let mut init = command("init");
        init.args(["--name", "witness.example/bench"])
            .stdout(Stdio::null());
        if !init.status().map_err(failed)?.success() {
            return Err("no witness was made".into());
        }
        let mut serve = command("serve");
        serve
            .arg("--logs")
            .arg(policy)
            .args(["--listen", "127.0.0.1:0", "--rate", "60000"]);
        let (process, address) = until_serving(&mut serve)?;
        Ok(Self { process, address })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
