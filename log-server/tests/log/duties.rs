//! The duties of every server after RFC 9110 and 9112.

use std::time::Duration;

use crate::harness::{Approval, Log};
use crate::wire::Wire;

/// A right and a token that has the other one.
fn disclose_only(log: &Log) -> String {
    let data = log.data().display().to_string();
    log.succeed(&[
        "token", "create", "--data", &data, "--name", "d", "--right", "disclose",
    ])
}

#[test]
fn an_early_answer_keeps_the_connection_or_says_that_it_ends() {
    let log = Log::new();
    let forbidden = disclose_only(&log);
    let server = log.serve();
    let body = Approval::new(1).body.to_string();
    // What is left of it behind the limit is more than is worth reading, too.
    let large = "x".repeat((1024 + 256) * 1024);
    let json = "content-type: application/json";
    let token = |token: &str| format!("authorization: Bearer {token}\r\n{json}");
    let gzip = format!("{}\r\ncontent-encoding: gzip", token(&log.token));
    let text = format!(
        "authorization: Bearer {}\r\ncontent-type: text/plain",
        log.token
    );
    for (start, headers, body, status) in [
        ("POST /v1/entries", json.to_owned(), &body, 401),
        ("POST /v1/entries", token("cosignet_x"), &body, 401),
        ("POST /v1/entries", token(&forbidden), &body, 403),
        ("POST /v1/entries", text, &body, 415),
        ("POST /v1/entries", gzip, &body, 415),
        ("POST /nothing", token(&log.token), &body, 404),
        ("DELETE /v1/entries", token(&log.token), &body, 405),
        ("POST /checkpoint", json.to_owned(), &body, 405),
        ("GET /checkpoint", json.to_owned(), &body, 200),
        (
            "POST /v1/entries",
            format!("{}\r\nhost: b", token(&log.token)),
            &body,
            400,
        ),
        // More than is worth reading.
        ("POST /v1/entries", json.to_owned(), &large, 401),
        ("POST /v1/entries", token(&log.token), &large, 413),
        ("POST /nothing", json.to_owned(), &large, 404),
    ] {
        for chunked in [false, true] {
            let context = format!("{start} {status} {chunked} {}", body.len());
            let mut wire = Wire::to(&server.client.url);
            let framing = match chunked {
                true => "transfer-encoding: chunked".to_owned(),
                false => format!("content-length: {}", body.len()),
            };
            wire.send(format!(
                "{start} HTTP/1.1\r\nhost: log\r\n{headers}\r\n{framing}\r\n\r\n"
            ));
            // The body comes in a segment of its own.
            std::thread::sleep(Duration::from_millis(30));
            if chunked {
                wire.send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
            } else {
                wire.send(body);
            }
            let said = wire.answer().unwrap_or_else(|| panic!("{context}: lost"));
            assert_eq!(said.status, status, "{context} {}", said.body);
            // The next request does not run into a connection that has ended.
            if said.is_last() {
                assert!(wire.ends(), "{context}");
            } else {
                wire.send("GET /healthz HTTP/1.1\r\nhost: log\r\n\r\n");
                let next = wire.answer().unwrap_or_else(|| panic!("{context}: ended"));
                assert_eq!(next.status, 200, "{context}");
            }
            // More than is worth reading, or a request that another reader sends elsewhere.
            let last = body.len() > 64 * 1024 || status == 400;
            assert_eq!(said.is_last(), last, "{context}");
        }
    }
}

#[test]
fn who_waits_before_the_body_is_not_waited_for() {
    let log = Log::new();
    let server = log.serve();
    let head = |token: &str, length: usize| {
        format!(
            "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: bearer {token}\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    let mut wire = Wire::to(&server.client.url);
    wire.send(head("nobody", 3000));
    let said = wire.answer().unwrap();
    assert_eq!((said.status, said.is_last()), (401, true));
    let body = Approval::new(1).body.to_string();
    let mut wire = Wire::to(&server.client.url);
    wire.send(head(&log.token, body.len()));
    let mut go = [0; 25];
    wire.exactly(&mut go);
    assert_eq!(go, *b"HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(body);
    assert_eq!(wire.answer().unwrap().status, 201);
}

#[test]
fn schemes_of_tokens_are_the_same_in_any_case() {
    let log = Log::new();
    let server = log.serve();
    let body = Approval::new(1).body.to_string();
    for (scheme, status) in [
        ("Bearer", 201),
        ("bearer", 200),
        ("BEARER", 200),
        ("Basic", 401),
    ] {
        let authorization = format!("{scheme} {}", log.token);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let sent = server
            .client
            .send("POST", "/v1/entries", &headers, body.as_bytes());
        assert_eq!(sent.unwrap().status, status, "{scheme}");
    }
}

#[test]
fn who_comes_wrong_is_told_what_is_right() {
    let log = Log::new();
    let forbidden = disclose_only(&log);
    let server = log.serve();
    let bearer = format!("Bearer {}", log.token);
    let other = format!("Bearer {forbidden}");
    let unknown = "/v1/entries/0b9e6cf5-0a6d-4a53-8f4a-3f3f6d0c8a11/disclosure";
    for (method, path, bearer, status, name, value) in [
        ("GET", "/v1/entries", "", 405, "allow", "POST"),
        ("PATCH", unknown, "", 405, "allow", "PUT"),
        ("POST", "/checkpoint", "", 405, "allow", "GET, HEAD"),
        ("PUT", "/tile/0/000", "", 405, "allow", "GET, HEAD"),
        (
            "DELETE",
            "/anchors/index.json",
            "",
            405,
            "allow",
            "GET, HEAD",
        ),
        ("OPTIONS", "/readyz", "", 405, "allow", "GET, HEAD"),
        // An address that there is not knows no methods.
        ("POST", "/nothing", "", 404, "allow", ""),
        ("DELETE", "/anchors/1/nothing", "", 404, "allow", ""),
        ("PUT", "/tile/0/1", "", 404, "allow", ""),
        ("POST", "/verify/nothing", "", 404, "allow", ""),
        ("POST", "/v1/entries", "", 401, "www-authenticate", "Bearer"),
        (
            "PUT",
            unknown,
            "Bearer x",
            401,
            "www-authenticate",
            "Bearer",
        ),
        (
            "POST",
            "/v1/entries",
            &other,
            403,
            "www-authenticate",
            "Bearer error=\"insufficient_scope\"",
        ),
    ] {
        let headers = [
            ("authorization", bearer),
            ("content-type", "application/json"),
        ];
        let reply = server.client.send(method, path, &headers, b"{}").unwrap();
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.header(name), value, "{method} {path}");
    }
    for (name, value, code, answer, told) in [
        (
            "content-encoding",
            "gzip",
            "request.encoded",
            "accept-encoding",
            "identity",
        ),
        (
            "content-type",
            "text/json",
            "request.not_json",
            "accept",
            "application/json",
        ),
    ] {
        let mut headers = vec![("authorization", bearer.as_str()), (name, value)];
        if name != "content-type" {
            headers.push(("content-type", "application/json"));
        }
        let reply = server.client.send("POST", "/v1/entries", &headers, b"{}");
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.code()), (415, code.to_owned()));
        assert_eq!(reply.header(answer), told);
    }
}

#[test]
fn head_is_get_without_the_body() {
    let log = Log::new();
    let server = log.serve();
    server.client.append(&Approval::new(1));
    for path in [
        "/checkpoint",
        "/tile/entries/000.p/1",
        "/log.json",
        "/readyz",
    ] {
        let get = server.client.get(path);
        let mut wire = Wire::to(&server.client.url);
        wire.send(format!(
            "HEAD {path} HTTP/1.1\r\nhost: log\r\n\r\nGET /healthz HTTP/1.1\r\nhost: log\r\n\r\n"
        ));
        let head = wire.head();
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        let length = format!("\r\ncontent-length: {}\r\n", get.bytes.len());
        assert!(head.contains(&length), "{path}: {head}");
        assert_eq!(wire.answer().unwrap().body, "ok\n", "{path}");
    }
}

#[test]
fn every_request_has_one_host() {
    let log = Log::new();
    let server = log.serve();
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nhost: log\r\n\r\n", 200),
        ("GET http://log/healthz HTTP/1.1\r\nhost: log\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        (
            "GET /healthz HTTP/1.1\r\nhost: log\r\nhost: log\r\n\r\n",
            400,
        ),
        ("GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a, b\r\n\r\n", 400),
    ] {
        let mut wire = Wire::to(&server.client.url);
        wire.send(request);
        assert_eq!(wire.answer().unwrap().status, status, "{request}");
    }
}
