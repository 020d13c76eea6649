//! An S3 server: SeaweedFS, which others have written, as a program of its own.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// An S3 server on loopback. Killed when dropped.
#[derive(Debug)]
pub struct Weed {
    process: Child,
    port: u16,
}

impl Weed {
    /// The name of the bucket that it has.
    pub const BUCKET: &str = "logs";

    /// Starts one that keeps its data in this folder. `None`, and a loud word about it, where
    /// SeaweedFS is not installed: `cargo xtask test` installs it.
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!(
                "\n  NOT TESTED: there is no SeaweedFS, so nothing was put into an S3 server. \
                 `cargo xtask test` installs it.\n"
            );
            return None;
        };
        // The ports of its parts, of which each but the first has another one 10,000 above.
        let port = (0..100)
            .map(|_| free_port())
            .find(|port| (0..4).all(|n| is_free(port + n) && is_free(port + n + 10_000)))
            .expect("free ports");
        let mut command = Command::new(program);
        command
            .arg("mini")
            .arg(format!("-dir={}", folder.display()));
        for (name, n) in [("s3", 0), ("master", 1), ("volume", 2), ("filer", 3)] {
            command.arg(format!("-{name}.port={}", port + n));
        }
        command
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false"])
            .args(["-admin.ui=false", "-master.telemetry=false"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .arg(format!("-bucket={}", Self::BUCKET))
            .envs(Self::credentials())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().expect("SeaweedFS starts");
        let weed = Self { process, port };
        let begun = Instant::now();
        // It answers before the bucket is made.
        while !weed.has_bucket() {
            assert!(begun.elapsed() < PATIENCE, "SeaweedFS does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Some(weed)
    }

    /// Lets it stop in the middle of whatever it does, connections open, until [`Self::resume`].
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "{signal}");
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The variables that give access to it.
    pub fn credentials() -> [(&'static str, &'static str); 2] {
        [
            ("AWS_ACCESS_KEY_ID", "tests"),
            ("AWS_SECRET_ACCESS_KEY", "secret of the tests"),
        ]
    }

    /// Whether its filer knows the bucket.
    fn has_bucket(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut s3 = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            s3.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
            let mut filer = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port + 3))?;
            let path = format!("/buckets/{}/", Self::BUCKET);
            write!(
                filer,
                "GET {path} HTTP/1.0\r\nAccept: application/json\r\n\r\n"
            )?;
            let (mut one, mut other) = (Vec::new(), Vec::new());
            s3.read_to_end(&mut one)?;
            filer.read_to_end(&mut other)?;
            let is = |answer: &[u8], status: &str| {
                String::from_utf8_lossy(answer)
                    .lines()
                    .next()
                    .is_some_and(|line| line.contains(status))
            };
            Ok(is(&one, " 403 ") && is(&other, " 200 "))
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `cargo xtask test` puts it, or among the programs of this machine.
fn program() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |target| root.join(target));
    let ours = target.join("seaweedfs").join("bin").join("weed");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).map(|folder| folder.join("weed"));
    let programs: Vec<PathBuf> = core::iter::once(ours).chain(others).collect();
    programs.into_iter().find(|program| program.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // Below the ports that the system gives to everybody, and 10,000 below the last one.
    20_000 + port % 10_000
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
