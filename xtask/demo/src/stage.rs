//! The programs that the demo runs, in a temporary folder: a log, and two witnesses that cosign
//! its heads. Their quorum is both of them.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::Result;

/// The name of the demo's log.
const LOG: &str = "localhost/demo";

/// The names of its witnesses. On other systems than Unix there are none.
#[cfg(unix)]
const WITNESSES: &[&str] = &["alice", "bob"];
#[cfg(not(unix))]
const WITNESSES: &[&str] = &[];

/// Everything that runs and what it knows.
pub(crate) struct Stage {
    // In this order: programs end before their folder goes.
    log: Program,
    witnesses: Vec<Witness>,
    /// Where the log answers, without a slash at the end.
    pub(crate) log_url: String,
    vkey: String,
    tlog_policy: String,
    token: String,
    folder: TempDir,
    agent: ureq::Agent,
}

impl Stage {
    /// Starts a log that admits approvals from `origin` alone.
    pub(crate) fn start(origin: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("cosignet-demo-")
            .tempdir()
            .map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let binary = beside("cosignet-log")?;
        let data = folder.path().join("log");
        let vkey = output(
            Command::new(&binary)
                .args(["init", "--origin", LOG, "--data"])
                .arg(&data),
        )?;
        let token = output(
            Command::new(&binary)
                .args(["token", "create", "--name", "demo", "--data"])
                .arg(&data),
        )?;
        let log_line = folder.path().join("log.policy");
        fs::write(&log_line, format!("log {vkey}\nquorum none\n"))
            .map_err(|error| format!("cannot write {}: {error}", log_line.display()))?;
        let start = |name: &&str| Witness::start(name, folder.path(), &log_line);
        let witnesses = WITNESSES.iter().map(start).collect::<Result<Vec<_>>>()?;
        let tlog_policy = tlog_policy(&vkey, &witnesses);
        let witness_policy = folder.path().join("witnesses.policy");
        fs::write(&witness_policy, &tlog_policy)
            .map_err(|error| format!("cannot write {}: {error}", witness_policy.display()))?;
        let policy = folder.path().join("policy.json");
        let mut serve = Command::new(&binary);
        serve
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--rp-id", "localhost", "--origin", origin, "--data"])
            .arg(&data)
            .arg("--witness-policy")
            .arg(&witness_policy)
            .arg("--verify-policy")
            .arg(&policy);
        let (log, address) = Program::start(&mut serve, "serving address=")?;
        let port = address.rsplit(':').next().unwrap_or_default();
        let stage = Self {
            log,
            witnesses,
            tlog_policy,
            log_url: format!("http://localhost:{port}"),
            vkey,
            token,
            folder,
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(Duration::from_secs(30)))
                .build()
                .into(),
        };
        Ok(stage)
    }

    /// Says what runs where.
    pub(crate) fn introduce(&self, page: &str) {
        println!(
            "A log runs at {} (process {})",
            self.log_url,
            self.log.0.id()
        );
        println!("  its key    {}", self.vkey);
        println!("  its files  {}", self.folder.path().display());
        for witness in &self.witnesses {
            println!("A witness, {}, runs at {}", witness.name, witness.url);
        }
        println!("A service that asks for approvals runs at {page}");
    }

    /// Which log, and which witnesses, the demo's policy trusts.
    pub(crate) fn tlog_policy(&self) -> &str {
        &self.tlog_policy
    }

    /// Keeps a file in the demo's folder.
    pub(crate) fn keep(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        // Written beside it first: the log reads the policy at any moment.
        let path = self.folder.path().join(name);
        let new = self.folder.path().join(format!("{name}.new"));
        let failed = |error| format!("cannot write {}: {error}", path.display());
        fs::write(&new, bytes).map_err(failed)?;
        fs::rename(&new, &path).map_err(failed)?;
        Ok(path)
    }

    /// A file that was kept.
    pub(crate) fn kept(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join(name)).ok()
    }

    /// Appends to the log: the bundle, or what the log says against it.
    pub(crate) fn append(&self, entry: &Value) -> Result<String> {
        let mut answer = self
            .agent
            .post(format!("{}/v1/entries", self.log_url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .send(entry.to_string().as_bytes())
            .map_err(|error| format!("the log does not answer: {error}"))?;
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| format!("the log's answer broke off: {error}"))?;
        match answer.status().as_u16() {
            200 | 201 => Ok(text),
            status => Err(format!("the log refuses the approval ({status}): {text}")),
        }
    }

    /// The public's answer: status and body.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String)> {
        let mut answer = self
            .agent
            .get(format!("{}{path}", self.log_url))
            .call()
            .map_err(|error| format!("the log does not answer: {error}"))?;
        let text = answer.body_mut().read_to_string();
        let text = text.map_err(|error| format!("the log's answer broke off: {error}"))?;
        Ok((answer.status().as_u16(), text))
    }
}

/// A witness that cosigns the heads of the log.
struct Witness {
    name: String,
    vkey: String,
    url: String,
    _program: Program,
}

impl Witness {
    fn start(name: &str, folder: &Path, logs: &Path) -> Result<Self> {
        let binary = beside("cosignet-witness")?;
        let data = folder.join(format!("witness-{name}"));
        let vkey = output(
            Command::new(&binary)
                .args(["init", "--name", &format!("localhost/{name}")])
                .arg("--data")
                .arg(&data),
        )?;
        let mut serve = Command::new(&binary);
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .arg("--logs")
            .arg(logs);
        let (program, address) = Program::start(&mut serve, "serving address=")?;
        Ok(Self {
            name: name.to_owned(),
            vkey,
            url: format!("http://{address}"),
            _program: program,
        })
    }
}

/// The log and its witnesses, all of whom have to sign (c2sp.org/tlog-policy).
fn tlog_policy(vkey: &str, witnesses: &[Witness]) -> String {
    let mut text = format!("log {vkey}\n");
    for Witness {
        name, vkey, url, ..
    } in witnesses
    {
        text += &format!("witness {name} {vkey} {url}\n");
    }
    let names: Vec<&str> = witnesses.iter().map(|one| one.name.as_str()).collect();
    text += &match names.as_slice() {
        [] => "quorum none\n".to_owned(),
        names => format!("group both all {}\nquorum both\n", names.join(" ")),
    };
    text
}

/// A program that ends with the demo.
struct Program(Child);

impl Program {
    /// Starts it and waits for the line with `sign`; gives the word behind it.
    fn start(command: &mut Command, sign: &str) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {name}: {error}"))?;
        let mut program = Self(child);
        let stderr = program.0.stderr.take();
        let mut stderr = BufReader::new(stderr.ok_or("no standard error")?);
        let mut said = String::new();
        let mut line = String::new();
        while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Some((_, rest)) = line.split_once(sign) {
                let word = rest
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                // Read on, or the program blocks on a full pipe.
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut stderr.by_ref(), &mut std::io::sink());
                });
                return Ok((program, word));
            }
            said.push_str(&line);
            line.clear();
        }
        Err(format!("{name} did not start: {said}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program of this project, built beside this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let own = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let folder = own.parent().unwrap_or(Path::new("."));
    let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    match path.is_file() {
        true => Ok(path),
        false => Err(format!(
            "there is no {}: `cargo xtask demo` builds everything that the demo needs",
            path.display()
        )),
    }
}

fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {name}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed: {said}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
