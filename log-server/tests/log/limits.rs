//! Limits: one client can do nothing to the others.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use crate::cosigning::until;
use crate::harness::{Approval, Log};
use crate::wire::Wire;

#[test]
fn a_token_that_asks_too_often_is_told_when_to_come_back() {
    let log = Log::new();
    let other = log.another_token("other");
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

#[test]
fn one_token_cannot_take_all_room_for_bodies() {
    let log = Log::new();
    let other = log.another_token("other");
    let server = log.serve();
    let head = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        log.token
    );
    let open = |bytes: usize| {
        let mut wire = Wire::to(&server.client.url);
        wire.send(&head);
        wire.send(format!("{bytes:x}\r\n{}\r\n", " ".repeat(bytes)));
        wire
    };
    let mut client = server.client.clone();
    client.token = other;
    // A body takes what has come of it, however much may follow.
    let small: Vec<Wire> = (0..64).map(|_| open(1)).collect();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    assert_eq!(client.append(&Approval::new(2)).status, 201);
    drop(small);
    // And if everything has come, half of the room is left to the others.
    let mut large: Vec<Wire> = (0..48).map(|_| open(1024 * 1024 - 100)).collect();
    let value = |line: &str| -> u64 {
        let metrics = server.client.get("/metrics").text();
        let found = metrics.lines().find_map(|found| found.strip_prefix(line));
        let found = found.unwrap_or_else(|| panic!("{line}: {metrics}"));
        found.trim().parse().unwrap()
    };
    until("its share is exhausted", || {
        value("cosignet_log_room_refused_total{of=\"bytes for bodies\",why=\"share\"}") > 0
    });
    assert_eq!(client.append(&Approval::new(4)).status, 201);
    let held = value("cosignet_log_room_held{of=\"bytes for bodies\"}");
    let limit = value("cosignet_log_room_limit{of=\"bytes for bodies\"}");
    assert!(held <= limit / 2 && held > limit / 4, "{held} of {limit}");
    // Nobody else has to do without, so the log is ready.
    assert_eq!(server.client.get("/readyz").status, 200);
    // Those who were refused in the middle of a body know why, and when to come back.
    let told = large.iter_mut().rev().filter_map(Wire::answer);
    let told = told.take(16).find(|said| said.status == 429).unwrap();
    assert!(told.is_last(), "{}", told.head);
    assert!(told.body.contains("\"request.too_many\""), "{}", told.body);
    assert!(
        told.head.contains("\r\nretry-after: 1\r\n"),
        "{}",
        told.head
    );
    drop(large);
    let begin = Instant::now();
    let approval = Approval::new(5);
    while server.client.append(&approval).status == 429 {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "nothing is given back"
        );
    }
}

#[test]
fn one_address_cannot_take_all_connections() {
    let log = Log::new();
    let settings = [
        ("COSIGNET_LOG_CONNECTIONS", "8"),
        ("COSIGNET_LOG_PROXIES", "127.0.0.9"),
    ];
    let server = log.serve_with(&settings).unwrap();
    let url = &server.client.url;
    let health = "GET /healthz HTTP/1.1\r\nhost: log\r\n\r\n";
    let ask = |wire: &mut Wire| {
        wire.send(health);
        wire.answer().map(|said| (said.status, said.is_last()))
    };
    let mut greedy: Vec<Wire> = (0..4).map(|_| Wire::between("127.0.0.2", url)).collect();
    for wire in &mut greedy {
        assert_eq!(ask(wire), Some((200, false)));
    }
    let mut more = Wire::between("127.0.0.2", url);
    assert_eq!(ask(&mut more), Some((429, true)));
    assert!(more.ends());
    let mut other = Wire::between("127.0.0.3", url);
    assert_eq!(ask(&mut other), Some((200, false)));
    // A proxy speaks for many.
    let mut proxy: Vec<Wire> = (0..3).map(|_| Wire::between("127.0.0.9", url)).collect();
    for wire in &mut proxy {
        assert_eq!(ask(wire), Some((200, false)));
    }
    // Now there is no room for anybody, and that is seen.
    let wire = &mut proxy[0];
    wire.send("GET /readyz HTTP/1.1\r\nhost: log\r\n\r\n");
    let ready = wire.answer().unwrap();
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("the connections are exhausted: 8 of 8"),
        "{}",
        ready.body
    );
}
