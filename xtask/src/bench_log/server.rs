//! A log server in a folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use test_vectors::approval::{ORIGIN, RP_ID};

use crate::command::release_binary;

pub(super) struct Server {
    program: PathBuf,
    folder: PathBuf,
    token: String,
    process: Child,
    address: String,
}

impl Server {
    pub(super) fn start() -> Result<Self, String> {
        let program = release_binary("log-server", "cosignet-log")?;
        let name = format!("cosignet-bench-log-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let data = folder.display().to_string();
        print(
            &program,
            &["init", "--data", &data, "--origin", "log.example/bench"],
        )?;
        let token = print(
            &program,
            &["token", "create", "--data", &data, "--name", "bench"],
        )?;
        let (process, address) = serve(&program, &folder)?;
        Ok(Self {
            program,
            folder,
            token,
            process,
            address,
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
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn print(program: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn serve(program: &Path, folder: &Path) -> Result<(Child, String), String> {
    let mut process = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--rp-id", RP_ID])
        .args([
            "--origin",
            ORIGIN,
            "--requests-per-second",
            "1000000",
            "--data",
        ])
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let Some(stderr) = process.stderr.take() else {
        return Err("the server has no stderr".into());
    };
    let mut stderr = BufReader::new(stderr);
    let mut said = String::new();
    while stderr.read_line(&mut said).is_ok_and(|read| read > 0) {
        let last = said.lines().last().unwrap_or_default();
        if let Some((_, rest)) = last.split_once("serving address=") {
            let address = rest.split(' ').next().unwrap_or_default().to_owned();
            // Read on, or the server blocks on a full pipe.
            std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
            return Ok((process, address));
        }
    }
    Err(format!("the server does not start: {said}"))
}
