//! The log's timestamps, read by the stock client of OpenTimestamps: another program by other
//! people has to find the same block and the same Merkle root. And the gate's interface, asked by
//! a program that knows its description alone.

mod gate;

pub(crate) mod mcp;
pub(crate) mod packages;
pub(crate) mod python;
pub(crate) mod typescript;
pub(crate) mod webhooks;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use test_vectors::bitcoin::Chain;
use test_vectors::calendar::{Calendar, mine};
use test_vectors::node::Node;
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::hazmat::encoding::hex;

use crate::command::{binary, cargo, print, run, target, until_serving};
use crate::venv;

const CLIENT: &str = "opentimestamps-client==0.7.2";

/// All of it.
pub(crate) fn run_all() -> Result<(), String> {
    let dir = target().join("interop");
    stamps(&dir)?;
    gate::run_caller(&dir)
}

/// The gate's part alone.
pub(crate) fn run_gate() -> Result<(), String> {
    gate::run_caller(&target().join("interop"))
}

/// A log anchors a checkpoint in a chain of regtest; both sides read what it publishes.
fn stamps(dir: &Path) -> Result<(), String> {
    let client = client(dir)?;
    run(&mut cargo(&[
        "build",
        "--package",
        "log-server",
        "--bins",
        "--examples",
    ]))?;
    let work = dir.join("work");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    }
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;

    let calendars = [Calendar::start(), Calendar::start(), Calendar::start()];
    let mut chain = Chain::default().extended(20, 1_700_000_000, "before");
    let node = Node::start(chain.clone());
    let log = Log::start(&work.join("log"), &calendars, &node)?;
    log.append_one()?;
    let anchor = work.join("log/public/anchors/1");
    let (checkpoint, proof) = (anchor.join("checkpoint"), anchor.join("checkpoint.ots"));
    wait_for(&proof)?;
    // What it says while it waits for a block, to be finished by the other client.
    let copy = work.join("pending.ots");
    fs::copy(&proof, &copy).map_err(|error| error.to_string())?;

    mine(&calendars.each_ref(), &mut chain, 1_700_100_000);
    node.set(chain.clone().extended(9, 1_700_101_000, "after"));
    wait_for(&anchor.join("header"))?;
    let begin = Instant::now();
    while !read(&proof)?.calendars().eq([""; 0]) {
        patience(begin, "all calendars")?;
    }

    let ours = read(&proof)?;
    agrees(&client, &ours, &checkpoint, &proof)?;
    let mut upgrade = Command::new(&client);
    upgrade.args(["--no-cache", "--no-bitcoin"]);
    for calendar in &calendars {
        upgrade.args(["--whitelist", calendar.uri()]);
    }
    let upgraded = output(upgrade.arg("upgrade").arg(&copy))?;
    if !upgraded.contains("Success! Timestamp complete") {
        return Err(format!(
            "the stock client cannot finish our proof:\n{upgraded}"
        ));
    }
    let theirs = read(&copy)?;
    if theirs.blocks() != ours.blocks() {
        return Err("the proof that the stock client finished leads elsewhere".into());
    }
    agrees(&client, &theirs, &checkpoint, &copy)?;
    println!(
        "\nboth sides agree, on the log's proof and on the one that the stock client finished"
    );
    Ok(())
}

/// The stock client, installed if it is not there.
fn client(dir: &Path) -> Result<PathBuf, String> {
    Ok(venv::with(&dir.join("venv"), &[CLIENT])?.join("ots"))
}

/// Whether the stock client finds the block and the root that we find.
fn agrees(ots: &Path, ours: &Timestamp, target: &Path, proof: &Path) -> Result<(), String> {
    let [(height, root)] = ours.blocks()[..] else {
        return Err(format!("we find {} blocks", ours.blocks().len()));
    };
    let mut displayed = root;
    displayed.reverse();
    let line = format!("Bitcoin block {height} has merkleroot {}", hex(&displayed));
    let mut verify = Command::new(ots);
    verify.args(["--no-cache", "--no-bitcoin", "verify", "-f"]);
    // Without a node it says what to compare, and ends with 1.
    let said = output(verify.arg(target).arg(proof))?;
    println!("{said}");
    match said.contains(&line) {
        true => Ok(()),
        false => Err(format!("the stock client does not say: {line}")),
    }
}

struct Log {
    process: Child,
    address: String,
    token: String,
}

impl Log {
    fn start(data: &Path, calendars: &[Calendar], node: &Node) -> Result<Self, String> {
        let program = |args: &[&str]| {
            let mut command = Command::new(binary("debug", "cosignet-log"));
            command.args(args).arg("--data").arg(data);
            command
        };
        print(&mut program(&["init", "--origin", "log.example/interop"]))?;
        let token = print(&mut program(&["token", "create", "--name", "interop"]))?;
        let mut serve = program(&["serve", "--listen", "127.0.0.1:0"]);
        serve.args(["--rp-id", "approvals.example"]);
        serve.args(["--origin", "https://approvals.example"]);
        for calendar in calendars {
            serve.args(["--anchor-calendar", calendar.uri()]);
        }
        serve.args([
            "--anchor-network",
            "regtest",
            "--anchor-interval-seconds",
            "1",
        ]);
        serve.args(["--anchor-headers-from", node.url()]);
        let (process, address) = until_serving(&mut serve)?;
        Ok(Self {
            process,
            address,
            token,
        })
    }

    fn append_one(&self) -> Result<(), String> {
        let load = target().join("debug").join("examples").join("load");
        let url = format!("http://{}", self.address);
        run(Command::new(load).args([&url, &self.token, "1", "1"]))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ignored = self.process.kill();
        let _ignored = self.process.wait();
    }
}

/// All that it prints, however it ends: the stock client says things on either way out, and ends
/// with 1 for want of a node.
fn output(command: &mut Command) -> Result<String, String> {
    let Output { stdout, stderr, .. } = command
        .output()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    Ok(String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn read(proof: &Path) -> Result<Timestamp, String> {
    let bytes = fs::read(proof).map_err(|error| format!("{}: {error}", proof.display()))?;
    Timestamp::parse(&bytes).map_err(|error| format!("{}: {error}", proof.display()))
}

fn wait_for(path: &Path) -> Result<(), String> {
    let begin = Instant::now();
    while !path.is_file() {
        patience(begin, &path.display().to_string())?;
    }
    Ok(())
}

fn patience(begin: Instant, what: &str) -> Result<(), String> {
    thread::sleep(Duration::from_millis(100));
    match begin.elapsed() < Duration::from_secs(60) {
        true => Ok(()),
        false => Err(format!("waited in vain for {what}")),
    }
}
