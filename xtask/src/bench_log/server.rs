//! A log server in a folder of its own, and its witnesses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use test_vectors::approval::{ORIGIN, RP_ID};

use super::relay;
use crate::command::{print, release_binary, until_serving};

/// The programs that are measured.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    log: PathBuf,
    witness: PathBuf,
}

impl Programs {
    /// Of this checkout.
    pub(super) fn built() -> Result<Self, String> {
        Ok(Self {
            log: release_binary("log-server", "cosignet-log")?,
            witness: release_binary("witness", "cosignet-witness")?,
        })
    }

    /// Built before, in a folder.
    pub(super) fn of(folder: &str) -> Self {
        let program = |name: &str| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            Path::new(folder).join(name)
        };
        Self {
            log: program("cosignet-log"),
            witness: program("cosignet-witness"),
        }
    }
}

pub(super) struct Server {
    program: PathBuf,
    folder: PathBuf,
    token: String,
    process: Child,
    address: String,
    witnesses: Vec<Witness>,
}

impl Server {
    /// A new log with so many witnesses, all of whom it needs, in a folder of this name. Whoever
    /// asks them has the answer so much later than they give it.
    pub(super) fn start(
        programs: &Programs,
        name: &str,
        witnesses: usize,
        round_trip: Duration,
    ) -> Result<Self, String> {
        let program = programs.log.clone();
        let name = format!("cosignet-bench-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let data = folder.join("log").display().to_string();
        let init = ["init", "--data", &data, "--origin", "log.example/bench"];
        let vkey = print(Command::new(&program).args(init))?;
        let token = ["token", "create", "--data", &data, "--name", "bench"];
        let token = print(Command::new(&program).args(token))?;
        let witnesses = (0..witnesses)
            .map(|number| Witness::start(&programs.witness, &folder, number, &vkey, round_trip))
            .collect::<Result<Vec<_>, String>>()?;
        write(&folder.join("policy"), &policy(&vkey, &witnesses))?;
        let (process, address) = serve(&program, &folder)?;
        Ok(Self {
            program,
            folder,
            token,
            process,
            address,
            witnesses,
        })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Stops and starts it. Returns how long it took until it served.
    pub(super) fn restart(&mut self) -> Result<Duration, String> {
        self.stop()?;
        let begin = Instant::now();
        let (process, address) = serve(&self.program, &self.folder)?;
        let took = begin.elapsed();
        (self.process, self.address) = (process, address);
        Ok(took)
    }

    /// Time of the processor that it has used since its start.
    pub(super) fn cpu(&self) -> Result<Duration, String> {
        let text = self.proc("stat")?;
        // The name in parentheses may have spaces; utime and stime are fields 14 and 15.
        let fields = text.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The most memory that it has held, in megabytes.
    pub(super) fn memory(&self) -> Result<u64, String> {
        let text = self.proc("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: Option<u64> = line
            .and_then(|line| line.split_whitespace().next())
            .and_then(|number| number.parse().ok());
        Ok(kib.unwrap_or(0) / 1024)
    }

    fn proc(&self, name: &str) -> Result<String, String> {
        let path = format!("/proc/{}/{name}", self.process.id());
        fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
    }

    fn stop(&mut self) -> Result<(), String> {
        let id = self.process.id().to_string();
        let mut kill = Command::new("kill");
        crate::command::status(kill.args(["-TERM", &id]))?;
        self.process.wait().map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // There is nothing to be done about an error here.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.witnesses.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn serve(program: &Path, folder: &Path) -> Result<(Child, String), String> {
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--rp-id", RP_ID])
        .args(["--origin", ORIGIN, "--requests-per-second", "1000000"])
        .args(["--connections", "2048"])
        .arg("--witness-policy")
        .arg(folder.join("policy"))
        .arg("--data")
        .arg(folder.join("log"));
    until_serving(&mut command)
}

struct Witness {
    vkey: String,
    process: Child,
    address: String,
}

impl Witness {
    fn start(
        program: &Path,
        folder: &Path,
        number: usize,
        log: &str,
        round_trip: Duration,
    ) -> Result<Self, String> {
        let data = folder.join(format!("w{number}")).display().to_string();
        let name = format!("witness.example/w{number}");
        let init = ["init", "--data", &data, "--name", &name];
        let vkey = print(Command::new(program).args(init))?;
        let logs = folder.join("logs");
        write(&logs, &format!("log {log}\nquorum none\n"))?;
        let mut serve = Command::new(program);
        serve
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--data", &data, "--logs"])
            .arg(&logs);
        let (process, mut address) = until_serving(&mut serve)?;
        if !round_trip.is_zero() {
            address = relay::start(address, round_trip).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            vkey,
            process,
            address,
        })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn policy(log: &str, witnesses: &[Witness]) -> String {
    let (mut text, mut names) = (format!("log {log}\n"), String::new());
    for (number, Witness { vkey, address, .. }) in witnesses.iter().enumerate() {
        text += &format!("witness w{number} {vkey} http://{address}\n");
        names += &format!(" w{number}");
    }
    match names.is_empty() {
        true => text + "quorum none\n",
        false => format!("{text}group all all{names}\nquorum all\n"),
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
