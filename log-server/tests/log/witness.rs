//! Witnesses: the real program, and one that does what a test wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use test_vectors::note::{COSIGNATURE, NoteKey};

/// A witness's reaction to a request.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Remembers one size and cosigns what begins there. Takes the log's word for the rest.
    Honest,
    /// Cosigns everything.
    Careless,
    /// Closes the connection.
    Down,
    /// Answers when the manner is another one.
    Silent,
    /// Always answers this.
    Says(u16, &'static str, Vec<u8>),
    /// Knows this checkpoint, and shows it.
    Knows(String),
    /// Signs something else: the text, the key and the time are made by this.
    Signs(fn(&NoteKey, &str, u64) -> String),
}

#[derive(Debug)]
struct Inner {
    key: NoteKey,
    manner: Mutex<(Manner, u64)>,
    changed: Condvar,
    requests: AtomicUsize,
}

/// A witness in this process.
#[derive(Debug)]
pub(crate) struct Fake {
    name: &'static str,
    url: String,
    inner: Arc<Inner>,
}

impl Fake {
    pub(crate) fn new(name: &'static str, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seed = name.bytes().fold(0, u8::wrapping_add);
        let inner = Arc::new(Inner {
            key: NoteKey::new(&format!("witness.example/{name}"), COSIGNATURE, [seed; 32]),
            manner: Mutex::new((manner, 0)),
            changed: Condvar::new(),
            requests: AtomicUsize::new(0),
        });
        let served = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inner = Arc::clone(&served);
                std::thread::spawn(move || inner.answer(stream));
            }
        });
        Self { name, url, inner }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.inner.manner.lock().unwrap().0 = manner;
        self.inner.changed.notify_all();
    }

    /// The size that was cosigned last.
    pub(crate) fn size(&self) -> u64 {
        self.inner.manner.lock().unwrap().1
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.inner.requests.load(Ordering::SeqCst)
    }

    /// The name of its key.
    pub(crate) fn key_name(&self) -> &str {
        &self.inner.key.name
    }

    pub(crate) fn policy_line(&self) -> String {
        let (name, vkey, url) = (self.name, self.inner.key.vkey(), &self.url);
        format!("witness {name} {vkey} {url}\n")
    }
}

impl Inner {
    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let body = request(&stream)?;
        self.requests.fetch_add(1, Ordering::SeqCst);
        if let (Manner::Knows(checkpoint), "") = (&self.manner.lock().unwrap().0, body.as_str()) {
            return respond(&mut stream, 200, "text/plain", checkpoint.as_bytes());
        }
        let (head, checkpoint) = body.split_once("\n\n").unwrap_or_default();
        let old: u64 = head.lines().next()?.strip_prefix("old ")?.parse().ok()?;
        let text = checkpoint.split("\n\n").next()?.to_owned() + "\n";
        let size: u64 = text.lines().nth(1)?.parse().ok()?;
        let mut manner = self.manner.lock().unwrap();
        while matches!(manner.0, Manner::Silent) {
            manner = self.changed.wait(manner).unwrap();
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let (status, kind, body) = match manner.0.clone() {
            Manner::Honest if old != manner.1 => {
                let size = format!("{}\n", manner.1);
                (409, "text/x.tlog.size", size.into_bytes())
            }
            Manner::Honest | Manner::Careless => {
                manner.1 = size;
                (200, "text/plain", self.key.line(&text, now).into_bytes())
            }
            Manner::Says(status, kind, body) => (status, kind, body),
            Manner::Knows(checkpoint) => {
                let size = format!("{}\n", checkpoint.lines().nth(1)?);
                (409, "text/x.tlog.size", size.into_bytes())
            }
            Manner::Signs(sign) => (200, "text/plain", sign(&self.key, &text, now).into_bytes()),
            Manner::Down | Manner::Silent => return None,
        };
        respond(&mut stream, status, kind, &body)
    }
}

fn respond(stream: &mut TcpStream, status: u16, kind: &str, body: &[u8]) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()
}

/// The body of one request.
fn request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

/// `cosignet-witness`, in a directory of its own.
pub(crate) struct Real {
    name: &'static str,
    folder: TempDir,
    vkey: String,
    /// The address that it keeps over restarts.
    address: String,
    process: Option<Child>,
}

impl Real {
    pub(crate) fn new(name: &'static str, log: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("witness").display().to_string();
        let key = format!("witness.example/{name}");
        let done = program()
            .args(["init", "--data", &data, "--name", &key])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        let policy = format!("log {log}\nquorum none\n");
        std::fs::write(folder.path().join("logs.policy"), policy).unwrap();
        let mut this = Self {
            name,
            folder,
            vkey: String::from_utf8(done.stdout).unwrap().trim().to_owned(),
            address: "127.0.0.1:0".into(),
            process: None,
        };
        this.start();
        this
    }

    pub(crate) fn start(&mut self) {
        let mut process = program()
            .args(["serve", "--listen", &self.address, "--data"])
            .arg(self.folder.path().join("witness"))
            .arg("--logs")
            .arg(self.folder.path().join("logs.policy"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        self.process = Some(process);
        let mut said = String::new();
        while stderr.read_line(&mut said).unwrap() > 0 {
            if let Some((_, rest)) = said.rsplit_once("serving address=") {
                self.address = rest.split(' ').next().unwrap().to_owned();
                std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
                return;
            }
        }
        panic!("the witness does not start: {said}");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Where its monitoring answer is for a log with this hash of the origin.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn policy_line(&self) -> String {
        format!("witness {} {} {}\n", self.name, self.vkey, self.url())
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program beside the one under test.
fn program() -> Command {
    let path: PathBuf =
        Path::new(env!("CARGO_BIN_EXE_cosignet-log")).with_file_name("cosignet-witness");
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build -p witness` first",
        path.display()
    );
    Command::new(path)
}
