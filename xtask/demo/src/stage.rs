//! What the demo runs, in a temporary folder: a gate with its own log, and two witnesses that
//! cosign the heads of that log. Their quorum is both of them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::Result;
use crate::gate::Gate;
use crate::program::{Program, output, program};

/// The name of the gate's log.
const LOG: &str = "localhost/demo";

/// The names of its witnesses. On other systems than Unix there are none.
#[cfg(unix)]
const WITNESSES: &[&str] = &["w1", "w2"];
#[cfg(not(unix))]
const WITNESSES: &[&str] = &[];

/// Two people for large payments, one for all others.
const RULES: &str = include_str!("rules.toml");

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) gate: Gate,
    vkey: String,
    witnesses: Vec<(String, String)>,
    /// What ends with the demo. Programs end before their folder goes.
    running: Mutex<Option<(Vec<Program>, TempDir)>>,
    folder: PathBuf,
}

impl Stage {
    /// Makes a gate, and starts it with its witnesses.
    pub(crate) fn start() -> Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("cosignet-demo-")
            .tempdir()
            .map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let folder = temporary.path().to_path_buf();
        // The origin of the pages is part of what the gate is told, so its port comes first.
        let port = free_port()?;
        // Browsers allow passkeys on this name without TLS, and not on an address.
        let gate = Gate::new(folder.join("gate"), format!("http://localhost:{port}"));
        let vkey = gate.run(&["init", "--origin", LOG])?;
        write(&gate.rules(), RULES)?;

        let logs = folder.join("log.policy");
        write(&logs, &format!("log {vkey}\nquorum none\n"))?;
        let witness = |name: &&str| Witness::start(name, &folder, &logs);
        let witnesses = WITNESSES.iter().map(witness).collect::<Result<Vec<_>>>()?;
        let policy = folder.join("witnesses.policy");
        write(&policy, &tlog_policy(&vkey, &witnesses))?;
        let mut serve = gate.command(&["serve", "--url", gate.origin()])?;
        serve
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .arg("--witness-policy")
            .arg(&policy);
        let (served, _) = Program::start(&mut serve)?;
        let places = witnesses
            .iter()
            .map(|one| (one.name.clone(), one.url.clone()));
        Ok(Self {
            gate,
            vkey,
            witnesses: places.collect(),
            running: Mutex::new(Some((
                std::iter::once(served)
                    .chain(witnesses.into_iter().map(|one| one.program))
                    .collect(),
                temporary,
            ))),
            folder,
        })
    }

    /// Says what runs where.
    pub(crate) fn introduce(&self) {
        println!("A gate with its own log runs at {}", self.gate.origin());
        println!("  its log's key  {}", self.vkey);
        for (name, url) in &self.witnesses {
            println!("  witness {name}     {url}");
        }
        println!("  its rules      {}", self.gate.rules().display());
    }

    /// A new folder for an auditor.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        match fs::create_dir_all(&folder) {
            Ok(()) => Ok(folder),
            Err(error) => Err(format!("cannot make {}: {error}", folder.display())),
        }
    }

    /// Ends all programs, and removes the folder.
    pub(crate) fn clear(&self) {
        let running = self.running.lock();
        let running = running.unwrap_or_else(PoisonError::into_inner).take();
        if let Some((programs, folder)) = running {
            drop(programs);
            drop(folder);
        }
    }
}

/// A witness that cosigns the heads of the log.
struct Witness {
    name: String,
    vkey: String,
    url: String,
    program: Program,
}

impl Witness {
    fn start(name: &str, folder: &Path, logs: &Path) -> Result<Self> {
        let data = folder.join(format!("witness-{name}"));
        let vkey = output(
            program("cosignet-witness")?
                .args(["init", "--name", &format!("localhost/{name}"), "--data"])
                .arg(&data),
        )?;
        let mut serve = program("cosignet-witness")?;
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .arg("--logs")
            .arg(logs);
        let (program, address) = Program::start(&mut serve)?;
        Ok(Self {
            name: name.to_owned(),
            vkey,
            url: format!("http://{address}"),
            program,
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

/// Writes a file of the demo.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn free_port() -> Result<u16> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    match free {
        Ok(address) => Ok(address.port()),
        Err(error) => Err(format!("cannot listen on this machine: {error}")),
    }
}
