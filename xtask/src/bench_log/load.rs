//! Clients.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use test_vectors::approval::Draft;
use test_vectors::encoding::{b64url, hex, sha256};
use test_vectors::passkey::Algorithm;
use verifier_core::Time;
use verifier_core::hazmat::tlog::tile::{Level, Tile, WIDTH};

/// The body of a request: what any log can be asked to append.
pub(crate) struct Approval(String);

/// Signs the approvals with these numbers, on all cores.
pub(crate) fn sign(first: u32, count: u32) -> Vec<Approval> {
    let numbers: Vec<u32> = (first..first + count).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let parts = numbers.chunks(numbers.len().div_ceil(threads).max(1));
        let signers: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().map(|n| approval(*n)).collect()))
            .collect();
        let signed = signers
            .into_iter()
            .filter_map(|signer| signer.join().ok())
            .collect::<Vec<Vec<_>>>();
        signed.into_iter().flatten().collect()
    })
}

fn approval(number: u32) -> Approval {
    let draft = Draft::numbered(Algorithm::Es256, number);
    let (assertion, _) = draft.sign();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    let body = json!({
        "approvalId": draft.approval_id,
        "decidedAt": Time::from_seconds(now).unwrap_or(Time::EPOCH).to_string(),
        "rpId": draft.entry_rp_id,
        "credentialPublicKey": b64url(&assertion.public_key),
        "assertion": assertion.credential_json(),
        "payloadHash": hex(&sha256(&draft.payload)),
        "payload": b64url(&draft.payload),
    });
    Approval(body.to_string())
}

/// Appends all of them. Each client takes the next one when its last is acknowledged, so that all
/// of them are busy to the end. Returns the time for all, and the time to acknowledge each.
pub(crate) fn append(
    address: &str,
    token: &str,
    approvals: &[Approval],
    clients: usize,
) -> Result<(Duration, Vec<Duration>), String> {
    let connect = |_| LoadClient::connect(address);
    let connected: Vec<LoadClient> = (0..clients).map(connect).collect::<Result<_, _>>()?;
    let (next, begin) = (AtomicUsize::new(0), Instant::now());
    let times = thread::scope(|scope| {
        let next = &next;
        let posts: Vec<_> = connected
            .into_iter()
            .map(|mut client| {
                scope.spawn(move || {
                    let mut times = Vec::new();
                    while let Some(one) = approvals.get(next.fetch_add(1, Ordering::Relaxed)) {
                        times.push(client.append(token, one)?);
                    }
                    Ok(times)
                })
            })
            .collect();
        let times = posts.into_iter().map(|post| match post.join() {
            Ok(times) => times,
            Err(_) => Err("a client has failed".into()),
        });
        times.collect::<Result<Vec<Vec<_>>, String>>()
    })?;
    Ok((begin.elapsed(), times.into_iter().flatten().collect()))
}

/// Reads for a while over many connections. `path` gives the n-th of them. Returns how long it
/// took, and how many requests were answered.
pub(crate) fn read(
    address: &str,
    clients: usize,
    time: Duration,
    path: &(dyn Fn(u64) -> String + Sync),
) -> Result<(Duration, u32), String> {
    let (next, begin) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        let readers: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = LoadClient::connect(address)?;
                    while begin.elapsed() < time {
                        // Spread over all there is, the same on every run.
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        client.get(&path(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))?;
                    }
                    Ok::<(), String>(())
                })
            })
            .collect();
        readers
            .into_iter()
            .try_for_each(|reader| match reader.join() {
                Ok(done) => done,
                Err(_) => Err("a client has failed".into()),
            })
    })?;
    let requests = u32::try_from(next.into_inner()).unwrap_or(u32::MAX);
    Ok((begin.elapsed(), requests))
}

/// The path of some full tile of hashes.
pub(crate) fn tile(n: u64, size: u64) -> String {
    let full = size / u64::from(WIDTH);
    let tile = Tile::new(Level::Hashes(0), n % full.max(1), WIDTH);
    tile.map_or_else(String::new, |tile| format!("/{}", tile.path()))
}

/// The path of some approval.
pub(crate) fn look_up(n: u64, count: u32) -> String {
    let number = u32::try_from(n % u64::from(count.max(1))).unwrap_or(0);
    let id = test_vectors::approval::approval_id(number);
    format!("/public/log/entries/{id}/verification")
}

/// One connection.
pub(crate) struct LoadClient {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl LoadClient {
    pub(crate) fn connect(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        let reader = stream.set_nodelay(true).and_then(|()| stream.try_clone());
        let reader = BufReader::new(reader.map_err(|error| error.to_string())?);
        Ok(Self { stream, reader })
    }

    /// How long it took until the log acknowledged.
    pub(crate) fn append(&mut self, token: &str, approval: &Approval) -> Result<Duration, String> {
        let Approval(body) = approval;
        let request = format!(
            "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let begin = Instant::now();
        let answer = self.ask(request.as_bytes());
        let (status, body) = answer.map_err(|error| error.to_string())?;
        // 200 is for one that was sent before, to a log that is gone.
        match status.contains(" 201 ") || status.contains(" 200 ") {
            true => Ok(begin.elapsed()),
            false => Err(format!("{status}{}", String::from_utf8_lossy(&body))),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<(), String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: log\r\n\r\n");
        let answer = self.ask(request.as_bytes());
        let (status, _) = answer.map_err(|error| error.to_string())?;
        match status.contains(" 200 ") {
            true => Ok(()),
            false => Err(format!("{path}: {status}")),
        }
    }

    /// Status line and body.
    fn ask(&mut self, request: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
        self.stream.write_all(request)?;
        let mut status = String::new();
        self.reader.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((status, body))
    }
}
