//! The HTTP contract in tables: what is asked, what is answered.

use serde_json::{Value, json};
use test_vectors::approval::Draft;
use test_vectors::ceremony::UP;
use test_vectors::encoding::b64url;
use test_vectors::passkey::Algorithm;

use crate::harness::{Approval, Log, tree};

/// The same approval, with the ceremony changed before it is signed.
fn signed(edit: impl FnOnce(&mut Draft)) -> Approval {
    let mut draft = Draft::numbered(Algorithm::Es256, 50);
    edit(&mut draft);
    Approval::of(draft)
}

fn edited(key: &str, value: Value) -> Approval {
    Approval::new(50).with(key, value)
}

fn without(key: &str) -> Approval {
    let mut approval = Approval::new(50);
    approval.body.as_object_mut().unwrap().remove(key);
    approval
}

fn in_response(key: &str, value: Value) -> Approval {
    let mut approval = Approval::new(50);
    approval.body["assertion"]["response"][key] = value;
    approval
}

#[test]
fn what_a_verifier_would_reject_is_refused_with_its_code_and_nothing_is_appended() {
    let log = Log::new();
    let server = log.serve();
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
    let before = server.client.checkpoint();
    let other = Approval::new(51);
    let foreign = |draft: &mut Draft| draft.ceremony.origin = "https://evil.example".into();
    for (approval, status, code) in [
        // Malformed.
        (edited("zebra", json!(1)), 400, "request.schema"),
        (without("approvalId"), 400, "request.schema"),
        (without("assertion"), 400, "request.schema"),
        (without("payloadHash"), 400, "request.schema"),
        (edited("approvalId", json!("x")), 400, "request.schema"),
        (
            edited("approvalId", json!("0B9E6CF5-0A6D-4A53-8F4A-3F3F6D0C8A11")),
            400,
            "request.schema",
        ),
        (
            edited("decidedAt", json!("2026-01-01T00:00:00Z")),
            400,
            "request.schema",
        ),
        (edited("payload", json!("AA==")), 400, "request.schema"),
        (edited("payloadHash", json!("AB")), 400, "request.schema"),
        (edited("disclosure", json!("secret")), 400, "request.schema"),
        (
            edited("approver", json!({"emailHash": "AA"})),
            400,
            "request.schema",
        ),
        (edited("assertion", json!({})), 400, "bundle.schema"),
        (in_response("signature", json!("A+")), 400, "bundle.base64"),
        (
            edited("action", json!("x".repeat(1025))),
            400,
            "request.schema",
        ),
        // Refused.
        (
            edited("credentialPublicKey", json!("AA")),
            422,
            "webauthn.bad_key",
        ),
        (
            in_response("signature", json!("MAYCAQECAQE")),
            422,
            "webauthn.bad_signature",
        ),
        (
            in_response(
                "clientDataJSON",
                other.body["assertion"]["response"]["clientDataJSON"].clone(),
            ),
            422,
            "webauthn.bad_signature",
        ),
        (
            signed(|draft| draft.ceremony.client_data_json = Some(b"[]".to_vec())),
            422,
            "webauthn.client_data_form",
        ),
        (
            signed(|draft| draft.ceremony.kind = "webauthn.create".into()),
            422,
            "webauthn.type",
        ),
        (
            signed(|draft| draft.ceremony.challenge = b64url(&[7; 20])),
            422,
            "webauthn.challenge",
        ),
        (
            signed(|draft| draft.ceremony.challenge = String::new()),
            422,
            "webauthn.challenge",
        ),
        (signed(foreign), 422, "webauthn.origin"),
        (
            signed(|draft| draft.ceremony.cross_origin = Some(true)),
            422,
            "webauthn.cross_origin",
        ),
        (
            signed(|draft| draft.ceremony.rp_id = "evil.example".into()),
            422,
            "webauthn.rp_id",
        ),
        (edited("rpId", json!("evil.example")), 422, "webauthn.rp_id"),
        (
            signed(|draft| draft.ceremony.flags = 0),
            422,
            "webauthn.user_presence",
        ),
        (
            signed(|draft| draft.ceremony.flags = UP),
            422,
            "webauthn.user_verification",
        ),
        (
            signed(|draft| draft.ceremony.authenticator_data = Some(vec![0; 5])),
            422,
            "webauthn.authenticator_data",
        ),
        (
            edited("payloadHash", other.body["payloadHash"].clone()),
            422,
            "payload.mismatch",
        ),
        (edited("payload", json!("AAAA")), 422, "payload.mismatch"),
        (
            without("payload").with("payloadHash", other.body["payloadHash"].clone()),
            422,
            "payload.mismatch",
        ),
        (
            without("payload").with("disclosure", json!("public")),
            422,
            "payload.missing",
        ),
    ] {
        let reply = server.client.append(&approval);
        let found = (reply.status, reply.code());
        assert_eq!(found, (status, code.to_owned()), "{}", reply.text());
        assert_eq!(reply.kind, "application/problem+json");
        assert_eq!(server.client.checkpoint(), before, "{code}");
    }
    drop(server);
    log.assert_clean();
}

#[test]
fn who_may_write() {
    let log = Log::new();
    let data = log.data().display().to_string();
    let token = |name: &str, right: &str| {
        log.succeed(&[
            "token", "create", "--data", &data, "--name", name, "--right", right,
        ])
    };
    let (append, disclose) = (token("a", "append"), token("d", "disclose"));
    let server = log.serve();
    let approval = Approval::new(1);
    let id = &approval.draft.approval_id;
    let disclosure = format!("/v1/entries/{id}/disclosure");
    let mut client = server.client.clone();
    let mut ask = |token: &str, method: &str, path: &str, body: &Value| {
        client.token = token.to_owned();
        client.write(method, path, body).unwrap().status
    };
    let hash = json!({"disclosure": "hash"});
    let wrong = format!("{}0", &append[..append.len() - 1]);
    let wrong = if wrong == append {
        format!("{}1", &append[..append.len() - 1])
    } else {
        wrong
    };
    for (token, method, path, body, status) in [
        ("", "POST", "/v1/entries", &approval.body, 401),
        ("cosignet_", "POST", "/v1/entries", &approval.body, 401),
        (&wrong, "POST", "/v1/entries", &approval.body, 401),
        (&disclose, "POST", "/v1/entries", &approval.body, 403),
        (&append, "POST", "/v1/entries", &approval.body, 201),
        (&append, "PUT", &disclosure, &hash, 403),
        (&disclose, "PUT", &disclosure, &hash, 200),
    ] {
        assert_eq!(ask(token, method, path, body), status, "{method} {token}");
    }
    // No process list, no file has the token itself.
    let listed = log.succeed(&["token", "list", "--data", &data]);
    assert!(listed.contains("a\tappend\t") && !listed.contains(&append));
    let database = std::fs::read(log.path("log.sqlite")).unwrap();
    let secret = append.rsplit('_').next().unwrap().as_bytes();
    assert!(!database.windows(secret.len()).any(|part| part == secret));
    log.succeed(&["token", "revoke", "--data", &data, "--name", "a"]);
    assert_eq!(ask(&append, "POST", "/v1/entries", &approval.body), 401);
}

#[test]
fn bad_requests_have_codes() {
    let log = Log::new();
    let server = log.serve();
    let bearer = format!("Bearer {}", log.token);
    let huge = vec![b' '; 1024 * 1024 + 1];
    let unknown = "/public/log/entries/0b9e6cf5-0a6d-4a53-8f4a-3f3f6d0c8a11/verification";
    for (method, path, kind, body, status, code) in [
        (
            "POST",
            "/v1/entries",
            "text/plain",
            &b"{}"[..],
            415,
            "request.not_json",
        ),
        (
            "POST",
            "/v1/entries",
            "application/json",
            b"{",
            400,
            "request.not_json",
        ),
        (
            "POST",
            "/v1/entries",
            "application/json",
            b"{\"a\":1,\"a\":2}",
            400,
            "request.not_json",
        ),
        (
            "POST",
            "/v1/entries",
            "application/json; charset=utf-8",
            b"[]",
            400,
            "request.schema",
        ),
        (
            "POST",
            "/v1/entries",
            "application/json",
            &huge,
            413,
            "request.too_large",
        ),
        ("GET", "/v1/entries", "", b"", 405, "request.method"),
        ("DELETE", "/checkpoint", "", b"", 405, "request.method"),
        ("GET", "/nothing", "", b"", 404, "request.not_found"),
        ("GET", "/tile/0/000", "", b"", 404, "request.not_found"),
        ("GET", "/tile/0/000.p/1", "", b"", 404, "request.not_found"),
        (
            "GET",
            "/tile/0/../../log.key",
            "",
            b"",
            404,
            "request.not_found",
        ),
        ("GET", "/log.key", "", b"", 404, "request.not_found"),
        ("GET", unknown, "", b"", 404, "entry.unknown"),
        (
            "GET",
            "/public/log/entries/x/verification",
            "",
            b"",
            404,
            "entry.unknown",
        ),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let reply = server.client.send(method, path, &headers, body).unwrap();
        let found = (reply.status, reply.code());
        assert_eq!(found, (status, code.to_owned()), "{method} {path}");
    }
}

#[test]
fn what_everybody_can_read() {
    let log = Log::new();
    let server = log.serve();
    for number in 1..=3 {
        server.client.append(&Approval::new(number));
    }
    let approval = Approval::new(1);
    let verification = format!(
        "/public/log/entries/{}/verification",
        approval.draft.approval_id
    );
    for (path, kind, cache, cors) in [
        (
            "/checkpoint",
            "text/plain; charset=utf-8",
            "public, max-age=1",
            "*",
        ),
        (
            "/tile/0/000.p/3",
            "application/octet-stream",
            "public, max-age=604800, immutable",
            "*",
        ),
        (
            "/tile/entries/000.p/3",
            "application/octet-stream",
            "public, max-age=604800, immutable",
            "*",
        ),
        ("/log.json", "application/json", "public, max-age=60", "*"),
        ("/", "text/html; charset=utf-8", "public, max-age=60", ""),
        (&verification, "application/json", "no-store", "*"),
        ("/healthz", "text/plain; charset=utf-8", "no-store", ""),
        ("/readyz", "text/plain; charset=utf-8", "no-store", ""),
        ("/metrics", "text/plain; charset=utf-8", "no-store", ""),
    ] {
        let reply = server.client.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(
            (reply.kind.as_str(), reply.cache.as_str()),
            (kind, cache),
            "{path}"
        );
        assert_eq!(reply.cors, cors, "{path}");
    }
    let about = server.client.get("/log.json").json();
    assert_eq!(about["vkey"], json!(log.vkey));
    // The same for people.
    let front = server.client.get("/");
    let rights = front.header("content-security-policy");
    assert!(rights.contains("default-src 'none'"), "{rights}");
    let front = front.text();
    for words in [
        log.vkey.as_str(),
        "<dt>Entries</dt><dd>3</dd>",
        "Entries a day",
        "None: nobody but this log vouches",
        "no reason to trust it",
    ] {
        assert!(front.contains(words), "{words}: {front}");
    }
    assert!(
        server
            .client
            .get("/metrics")
            .text()
            .contains("cosignet_log_tree_size 3\n")
    );
    // A plain web server finds the same files.
    let text = std::fs::read_to_string(log.path("public/checkpoint")).unwrap();
    assert_eq!(text, server.client.checkpoint());
    assert_eq!(tree(&text).0, 3);
    let tile = std::fs::read(log.path("public/tile/entries/000.p/3")).unwrap();
    assert_eq!(tile, server.client.get("/tile/entries/000.p/3").bytes);
}
