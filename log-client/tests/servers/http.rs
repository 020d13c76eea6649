//! Limits on one answer.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use log_client::{Client, Kind, address, shown};
use test_vectors::server::{Answer, Server};

use crate::client;

const GZIP: &str = "content-encoding: gzip\r\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Kind and text of the failure to get what a server says so.
fn refused(answer: Answer, limit: usize) -> (Kind, String) {
    let server = Server::start();
    server.set("x", answer);
    let error = client().get(&format!("{}/x", server.url()), limit);
    let error = error.unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_body_is_as_long_as_it_may_be_and_no_longer() {
    let server = Server::start();
    server.set("x", Answer::from(vec![7; 100]));
    let url = format!("{}/x", server.url());
    assert_eq!(client().get(&url, 100).unwrap(), Some(vec![7; 100]));
    for answer in [Answer::from(vec![7; 101]), Answer::Endless] {
        let (kind, text) = refused(answer, 100);
        assert_eq!(kind, Kind::Limit, "{text}");
        assert!(text.contains("too much"), "{text}");
    }
    for status in [404, 410] {
        server.set("x", Answer::Status(status));
        assert_eq!(client().get(&url, 100).unwrap(), None);
    }
}

#[test]
fn neither_silence_nor_drops_take_longer_than_the_whole_answer_may() {
    for answer in [
        Answer::Stall,
        Answer::Drip(vec![7; 1000], Duration::from_millis(300)),
    ] {
        let begun = Instant::now();
        let (kind, text) = refused(answer, 1000);
        assert_eq!(kind, Kind::Timeout, "{text}");
        assert!(text.contains("within 2 s"), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
    for answer in [Answer::Nothing, Answer::CutOff(vec![7; 10])] {
        assert_eq!(refused(answer, 100).0, Kind::Unreachable);
    }
}

#[test]
fn gzip_is_asked_for_and_read_whether_it_was_or_not() {
    let server = Server::start();
    let url = format!("{}/x", server.url());
    server.set("x", Answer::Said(200, GZIP, gzip(&[7; 1000])));
    assert_eq!(client().get(&url, 1000).unwrap(), Some(vec![7; 1000]));
    let asked = server.received().remove(0).headers;
    assert!(asked.contains("accept-encoding: gzip\n"), "{asked}");
    // The limit is one of what comes out.
    let bomb = gzip(&vec![0; 50_000_000]);
    assert!(bomb.len() < 60_000);
    let (kind, text) = refused(Answer::Said(200, GZIP, bomb), 1_000_000);
    assert_eq!(kind, Kind::Limit, "{text}");
    assert!(text.contains("too much"), "{text}");
    for bad in [vec![7; 100], gzip(&[7; 1000])[..20].to_vec()] {
        assert_eq!(
            refused(Answer::Said(200, GZIP, bad), 1000).0,
            Kind::Unreachable
        );
    }
    let brotli = Answer::Said(200, "content-encoding: br\r\n", vec![7; 10]);
    let (kind, text) = refused(brotli, 1000);
    assert_eq!(kind, Kind::Answer);
    assert!(text.contains("encoding \"br\""), "{text}");
}

#[test]
fn a_redirect_is_not_followed_and_names_its_target() {
    let headers = "location: https://user:secret@log.example/x\u{202e}\r\n";
    for status in [301, 302, 307, 308] {
        let (kind, text) = refused(Answer::Said(status, headers, Vec::new()), 100);
        assert_eq!(kind, Kind::Status(status));
        assert!(
            text.contains("\"https://log.example/x\\u{202e}\""),
            "{text}"
        );
        assert!(text.contains("redirects are not followed"), "{text}");
    }
    // One without a target is a status like others.
    let (kind, text) = refused(Answer::Status(302), 100);
    assert_eq!(kind, Kind::Status(302));
    assert!(text.contains("302"), "{text}");
}

#[test]
fn the_reason_of_a_refusal_is_the_server_s_own() {
    for (body, reason) in [
        ("Loading block index…\r\n", Some("\"Loading block index…\"")),
        (
            r#"{"title":"Gone","detail":"moved away"}"#,
            Some("\"moved away\""),
        ),
        (
            r#"{"error":{"code":-28,"message":"Loading"}}"#,
            Some("\"Loading\""),
        ),
        (
            r#"[{"error":{"code":-28,"message":"Loading"}}]"#,
            Some("\"Loading\""),
        ),
        (
            r#"{"error":"invalid_payload"}"#,
            Some("\"invalid_payload\""),
        ),
        ("<html>no</html>", None),
        ("", None),
    ] {
        let (kind, text) = refused(Answer::Said(503, "", body.into()), 4);
        assert_eq!(kind, Kind::Status(503));
        match reason {
            Some(reason) => assert!(text.contains(reason), "{text}"),
            None => assert!(text.ends_with("503 Service Unavailable."), "{text}"),
        }
    }
    let long = Answer::Said(500, "", vec![b'x'; 1_000_000]);
    let (_, text) = refused(long, 4);
    assert!(text.len() < 400, "{text}");
}

#[test]
fn secrets_of_an_address_are_in_no_message() {
    for (url, plain) in [
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("https://a.example/x@y", "https://a.example/x@y"),
        ("https://secret@a.example?b", "https://a.example?b"),
        ("nothing", "nothing"),
    ] {
        assert_eq!(shown(url), plain);
    }
    let error = client()
        .get("http://user:secret@127.0.0.1:1/x", 9)
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = client().get("ftp://user:secret@a/x", 9).unwrap_err();
    assert_eq!(error.kind(), Kind::Address, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn an_address_is_one_of_the_web_below_which_there_are_others() {
    for good in [
        "https://a.example",
        "HTTP://a.example/x/",
        "http://[::1]:80",
    ] {
        assert_eq!(address(good).unwrap(), good.trim_end_matches('/'));
    }
    for bad in [
        "",
        "a.example",
        "ftp://a",
        "https://a?b",
        "https://a#b",
        "file:///x",
    ] {
        assert_eq!(address(bad).unwrap_err().kind(), Kind::Address, "{bad}");
    }
}

/// Runs in a process of its own, whose environment is not that of the other tests.
#[test]
fn no_variable_says_where_requests_go() {
    if let Ok(url) = std::env::var("LOG_CLIENT_TEST_URL") {
        let client = Client::new("test", Duration::from_secs(2)).unwrap();
        assert_eq!(client.get(&url, 9).unwrap(), Some(b"direct".to_vec()));
        return;
    }
    let (server, proxy) = (Server::start(), Server::start());
    server.set("x", "direct".to_owned());
    proxy.otherwise(Answer::from("by proxy".to_owned()));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "http::no_variable_says_where_requests_go"]);
    command.env("LOG_CLIENT_TEST_URL", format!("{}/x", server.url()));
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env(name, proxy.url());
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(proxy.received().is_empty());
}
