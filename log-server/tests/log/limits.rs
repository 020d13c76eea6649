//! What one client may do to the others: nothing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use crate::harness::{Approval, Log};

#[test]
fn a_token_that_asks_too_often_is_told_when_to_come_back() {
    let log = Log::new();
    let data = log.data().display().to_string();
    let create = ["token", "create", "--data", &data, "--name", "other"];
    let other = log.succeed(&create);
    let slow = [("COSIGNET_LOG_REQUESTS_PER_SECOND", "1")];
    let server = log.serve_with(&slow).unwrap();
    let approval = Approval::new(1);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let reply = server.client.append(&approval);
        if reply.status == 429 {
            assert_eq!(reply.code(), "request.too_many");
            assert!(reply.retry_after.parse::<u32>().unwrap() >= 1);
        }
        statuses.push(reply.status);
    }
    assert_eq!(statuses[0], 201);
    assert!(statuses[1..].contains(&429), "{statuses:?}");
    // Another token has a pace of its own.
    let mut client = server.client.clone();
    client.token = other;
    assert_eq!(client.append(&approval).status, 200);
}

#[test]
fn a_full_queue_sends_clients_away_and_loses_nothing() {
    let log = Log::new();
    let server = log.serve_with(&[("COSIGNET_LOG_QUEUE", "1")]).unwrap();
    // The writer waits for the database, and everybody else for the writer.
    let database = rusqlite::Connection::open(log.path("log.sqlite")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let approvals: Vec<_> = (1..=8).map(Approval::new).collect();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let posts: Vec<_> = approvals
            .iter()
            .map(|approval| {
                let client = server.client.clone();
                scope.spawn(move || client.append(approval))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        database.execute_batch("ROLLBACK").unwrap();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let refused: Vec<_> = replies.iter().filter(|r| r.status == 503).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|reply| reply.code() == "log.overloaded"));
    assert!(replies.iter().any(|reply| reply.status == 201));
    for approval in &approvals {
        let reply = server.client.append(approval);
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
    assert_eq!(log.fsck().1["size"], 8);
}

#[test]
fn who_sends_half_a_request_does_not_keep_a_connection() {
    let log = Log::new();
    let server = log.serve();
    let address = server.client.url.strip_prefix("http://").unwrap();
    let head = "POST /v1/entries HTTP/1.1\r\nhost: log\r\n".to_owned();
    let body = format!(
        "{head}authorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{",
        log.token
    );
    for (half, answer) in [(head, ""), (body, "HTTP/1.1 408")] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(half.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with(answer), "{said}");
    }
}

#[test]
fn entries_are_compressed_for_whoever_asks() {
    let log = Log::new();
    let server = log.serve();
    for number in 1..=3 {
        server.client.append(&Approval::new(number));
    }
    let path = "/tile/entries/000.p/3";
    let gzip = [("accept-encoding", "gzip")];
    let small = server.client.send("GET", path, &gzip, b"").unwrap();
    assert_eq!(small.encoding, "gzip");
    let mut plain = Vec::new();
    GzDecoder::new(&small.bytes[..])
        .read_to_end(&mut plain)
        .unwrap();
    let stored = fs::read(log.path("public/tile/entries/000.p/3")).unwrap();
    assert_eq!(plain, stored);
    assert!(small.bytes.len() < plain.len());
    let large = server.client.get(path);
    assert_eq!((large.encoding.as_str(), large.bytes), ("", stored));
    // Hashes are random.
    let hashes = server.client.send("GET", "/tile/0/000.p/3", &gzip, b"");
    assert_eq!(hashes.unwrap().encoding, "");
}

#[test]
fn who_never_reads_an_answer_does_not_keep_the_others_out() {
    let log = Log::new();
    let server = log
        .serve_with(&[("COSIGNET_LOG_CONNECTIONS", "1")])
        .unwrap();
    let address = server.client.url.strip_prefix("http://").unwrap();
    let mut greedy = TcpStream::connect(address).unwrap();
    let short = Duration::from_millis(500);
    greedy.set_write_timeout(Some(short)).unwrap();
    let requests = b"GET /openapi.json HTTP/1.1\r\nhost: log\r\n\r\n".repeat(1000);
    // Until there is no room left for answers, and none for questions.
    while greedy.write_all(&requests).is_ok() {}
    let begin = Instant::now();
    let mut patient = TcpStream::connect(address).unwrap();
    let patience = Duration::from_secs(60);
    patient.set_read_timeout(Some(patience)).unwrap();
    patient
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: log\r\n\r\n")
        .unwrap();
    let mut answer = [0; 12];
    patient.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"HTTP/1.1 200");
    assert!(begin.elapsed() > Duration::from_secs(10), "it was not full");
}
