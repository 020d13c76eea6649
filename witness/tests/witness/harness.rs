//! A witness in a directory of its own, and logs that ask it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use test_vectors::Log;
use test_vectors::encoding::{b64, hex, sha256};
use test_vectors::note::{COSIGNATURE, Checkpoint, NoteKey, note};
use test_vectors::tree::Hash;

pub(crate) const ORIGIN: &str = "log.example/approvals";

/// The log with this name, and the leaves that tell its forks apart after the first five.
pub(crate) fn log(origin: &str, fork: u32) -> Log {
    let leaf = |i: u32| {
        if i < 5 {
            format!("{i}")
        } else {
            format!("{i} {fork}")
        }
    };
    let leaves: Vec<String> = (0..40).map(leaf).collect();
    Log::new(origin, sha256(origin.as_bytes()), &leaves)
}

/// A log's head, signed by the log alone.
pub(crate) fn head(log: &Log, size: usize) -> String {
    let text = log.checkpoint(size).text();
    let lines = log.sign(&text, &[]);
    note(&text, &lines)
}

/// A checkpoint that says anything, signed by the log.
pub(crate) fn claim(log: &Log, size: u64, root: Hash) -> String {
    let checkpoint = Checkpoint {
        origin: log.key.name.clone(),
        size,
        root,
        extensions: Vec::new(),
    };
    let text = checkpoint.text();
    let line = log.key.line(&text, 0);
    note(&text, &[line])
}

pub(crate) fn body(old: usize, proof: &[Hash], checkpoint: &str) -> String {
    let proof: String = proof.iter().map(|hash| b64(hash) + "\n").collect();
    format!("old {old}\n{proof}\n{checkpoint}")
}

/// A right request.
pub(crate) fn request(log: &Log, old: usize, size: usize) -> String {
    let proof = match old {
        0 => Vec::new(),
        _ if old == size => Vec::new(),
        _ => log.tree().consistency(old, size),
    };
    body(old, &proof, &head(log, size))
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower case, one a line.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The body of a 409, if it is one in full form.
    pub(crate) fn size(&self) -> Option<usize> {
        let typed = self.head.contains("\r\ncontent-type: text/x.tlog.size\r\n");
        let size = self.body.strip_suffix('\n')?.parse().ok()?;
        (self.status == 409 && typed).then_some(size)
    }
}

/// A connection that is kept.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// The answer; `None` if the connection ends before.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Option<Reply> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: witness\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0
            .get_mut()
            .write_all(&[head.as_bytes(), body].concat())
            .ok()?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.split("\r\ncontent-length: ").nth(1)?;
        let length = length.split("\r\n").next()?.parse().ok()?;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Reply {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head,
            body: String::from_utf8(body).ok()?,
        })
    }

    pub(crate) fn add(&mut self, body: &str) -> Reply {
        self.send("POST", "/add-checkpoint", body.as_bytes())
            .unwrap()
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, b"").unwrap()
    }

    /// The witness's answer about a log.
    pub(crate) fn shown(&mut self, origin: &str) -> Reply {
        self.get(&format!("/{}/checkpoint", hex(&sha256(origin.as_bytes()))))
    }
}

/// A directory with a witness and a policy of two logs.
pub(crate) struct Witness {
    folder: TempDir,
    pub(crate) key: NoteKey,
}

impl Witness {
    /// Its seed is 32 × 01.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = NoteKey::new("witness.example/w1", COSIGNATURE, [1; 32]);
        let this = Self { folder, key };
        let made = this.run(&["init", "--name", "witness.example/w1"]);
        assert!(made.status.success(), "{made:?}");
        let secret = b64(&[&[COSIGNATURE][..], &[1; 32]].concat());
        let id = hex(&this.key.id());
        let text = format!("PRIVATE+KEY+{}+{id}+{secret}\n", this.key.name);
        std::fs::write(this.path("witness/witness.key"), text).unwrap();
        let lines = [ORIGIN, "log.example/other"].map(|origin| log(origin, 0).policy_line());
        std::fs::write(this.path("logs.policy"), lines.concat() + "quorum none\n").unwrap();
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where it remembers a log.
    pub(crate) fn record(&self, origin: &str) -> PathBuf {
        let name = hex(&sha256(origin.as_bytes()));
        self.path("witness/logs").join(name)
    }

    fn command(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_cosignet-witness"));
        program.args([command, "--data"]).arg(self.path("witness"));
        program
    }

    /// `cosignet-witness COMMAND --data … …`, to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args[0]).args(&args[1..]).output().unwrap()
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[], &[]).expect("the witness starts")
    }

    /// A server, or its exit code and what it says when it does not start.
    pub(crate) fn serve_with(
        &self,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Server, (Option<i32>, String)> {
        let mut process = self
            .command("serve")
            .arg("--logs")
            .arg(self.path("logs.policy"))
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .envs(env.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        while stderr.read_line(&mut said).unwrap() > 0 {
            if let Some((_, rest)) = said.rsplit_once("serving address=") {
                let address = rest.split(' ').next().unwrap().to_owned();
                std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
                return Ok(Server { process, address });
            }
        }
        Err((process.wait().unwrap().code(), said))
    }
}

/// A running witness. Killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn connect(&self) -> Connection {
        Connection::new(&self.address)
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        let done = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(done.success());
        self.process.wait().unwrap().code()
    }

    /// Waits until it has died by itself.
    pub(crate) fn wait(mut self) {
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A web server that has one text at every address, or nothing. Its URL.
pub(crate) fn website(text: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let (status, body) = match &text {
                Some(text) => ("200 OK", text.as_str()),
                None => ("404 Not Found", ""),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    url
}
