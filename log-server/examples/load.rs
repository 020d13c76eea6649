//! Appends real, distinct, signed approvals to a running log, and reports how fast it publishes:
//!
//! ```text
//! cargo run --release -p log-server --example load -- URL TOKEN [APPENDS] [CLIENTS] [FIRST]
//! ```
//!
//! The log has to admit the RP id `approvals.example` and the origin
//! `https://approvals.example`. `FIRST` numbers the approvals: another run needs other ones.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a tool for developers"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use test_vectors::approval::Draft;
use test_vectors::encoding::{b64url, hex, sha256};
use test_vectors::passkey::Algorithm;
use verifier_core::time::Time;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, token, rest @ ..] = args.as_slice() else {
        panic!("usage: load URL TOKEN [APPENDS] [CLIENTS] [FIRST]");
    };
    let number = |at: usize, default: u32| rest.get(at).map_or(default, |n| n.parse().unwrap());
    let (appends, clients, first) = (number(0, 10_000), number(1, 256), number(2, 0));
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/');

    eprintln!("signing {appends} approvals");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let numbers: Vec<u32> = (first..first + appends).collect();
    let share = numbers.len().div_ceil(threads).max(1);
    let requests: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let parts = numbers.chunks(share);
        let signers: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().map(|n| request(*n, token)).collect::<Vec<_>>()))
            .collect();
        signers
            .into_iter()
            .flat_map(|signer| signer.join().unwrap())
            .collect()
    });

    eprintln!("appending with {clients} clients");
    let share = requests
        .len()
        .div_ceil(usize::try_from(clients).unwrap())
        .max(1);
    let begun = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let posts: Vec<_> = requests
            .chunks(share)
            .map(|part| scope.spawn(|| post_all(address, part)))
            .collect();
        posts
            .into_iter()
            .flat_map(|post| post.join().unwrap())
            .collect()
    });
    let took = begun.elapsed();
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "{} published in {took:.2?}: {:.0}/s; time to acknowledge p50 {:.1?}, p99 {:.1?}, max {:.1?}",
        times.len(),
        f64::from(appends) / took.as_secs_f64(),
        at(50),
        at(99),
        at(100),
    );
}

fn request(number: u32, token: &str) -> Vec<u8> {
    let draft = Draft::numbered(Algorithm::Es256, number);
    let (assertion, _) = draft.sign();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let body = json!({
        "approvalId": draft.approval_id,
        "decidedAt": Time::from_seconds(now.as_secs()).unwrap().to_string(),
        "rpId": draft.entry_rp_id,
        "credentialPublicKey": b64url(&assertion.public_key),
        "assertion": assertion.credential_json(),
        "payloadHash": hex(&sha256(&draft.payload)),
        "payload": b64url(&draft.payload),
    })
    .to_string();
    format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends requests over one connection, each after the answer to the one before.
fn post_all(address: &str, requests: &[Vec<u8>]) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut times = Vec::new();
    for request in requests {
        let begun = Instant::now();
        stream.write_all(request).unwrap();
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        assert!(
            status.contains(" 201 "),
            "{status}{}",
            String::from_utf8_lossy(&body)
        );
        times.push(begun.elapsed());
    }
    times
}
