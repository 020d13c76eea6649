//! Tests of disclosure: the public's view, and taking it back.

use std::fs;

use serde_json::json;
use test_vectors::encoding::b64url;
use test_vectors::entry::email_hash;
use verifier_core::Verdict;

use crate::harness::{Approval, Client, Log};

fn shown(client: &Client, approval: &Approval) -> Vec<String> {
    let reply = client.verification(approval);
    assert_eq!((reply.status, reply.cache.as_str()), (200, "no-store"));
    let bundle = reply.json();
    let Some(evidence) = bundle.get("evidence") else {
        return Vec::new();
    };
    evidence.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn is_raised_lowered_and_erased() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let email = "alice@example.com";
    let salt = [3; 32];
    let approver = json!({"emailHash": b64url(&email_hash(email, &salt)), "salt": b64url(&salt)});
    let approval = Approval::new(1).with("approver", approver);
    assert_eq!(client.append(&approval).status, 201);
    let payload = b64url(&approval.draft.payload);
    let ok = (200, String::new());
    let refused = |code: &str| (422, code.to_owned());

    assert!(shown(client, &approval).is_empty());
    assert_eq!(
        client.disclose(&approval, &json!({"disclosure": "hash"})),
        ok
    );
    assert_eq!(shown(client, &approval), ["approvalId", "clientDataJSON"]);
    for (body, code) in [
        (json!({"disclosure": "public"}), "payload.missing"),
        (
            json!({"disclosure": "public", "payload": "AAAA"}),
            "payload.mismatch",
        ),
        (
            json!({"disclosure": "public", "payload": payload, "email": "bob@example.com"}),
            "evidence.approver_mismatch",
        ),
        // HMAC would pad the address with the same zeros.
        (
            json!({"disclosure": "public", "payload": payload, "email": format!("{email}\0")}),
            "evidence.approver_mismatch",
        ),
        (
            json!({"disclosure": "hash", "clientDataJSON": "e30"}),
            "evidence.client_data_mismatch",
        ),
    ] {
        assert_eq!(client.disclose(&approval, &body), refused(code));
        assert_eq!(shown(client, &approval), ["approvalId", "clientDataJSON"]);
    }
    let everything =
        json!({"disclosure": "public", "payload": payload, "action": "wire", "email": email});
    assert_eq!(client.disclose(&approval, &everything), ok);
    assert_eq!(
        shown(client, &approval),
        [
            "action",
            "approvalId",
            "approver",
            "clientDataJSON",
            "payload"
        ]
    );
    let bundle = client.verification(&approval).text();
    assert_eq!(log.audit(&approval, &bundle).verdict(), Verdict::Verified);

    assert_eq!(
        client.disclose(&approval, &json!({"disclosure": "hash"})),
        ok
    );
    assert_eq!(shown(client, &approval), ["approvalId", "clientDataJSON"]);
    assert_eq!(
        client.disclose(&approval, &everything),
        refused("evidence.approver_mismatch"),
        "what opened the commitment is gone"
    );
    assert_eq!(
        client.disclose(&approval, &json!({"disclosure": "sealed"})),
        ok
    );
    assert!(shown(client, &approval).is_empty());
    assert_eq!(
        client.disclose(&approval, &json!({"disclosure": "hash"})),
        refused("evidence.client_data_missing")
    );
    // A repeat brings nothing back.
    assert_eq!(
        client
            .append(&approval.with("disclosure", json!("public")))
            .status,
        200
    );
    assert!(shown(client, &approval).is_empty());
    let sealed = client.verification(&approval).text();
    assert_eq!(log.audit(&approval, &sealed).verdict(), Verdict::Incomplete);
    // The leaf stays what it was.
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn what_is_erased_is_in_no_file_any_more() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let approval = Approval::new(1).with("disclosure", json!("public"));
    assert_eq!(client.append(&approval).status, 201);
    let needle = approval.draft.payload.clone();
    let anywhere = || {
        ["log.sqlite", "log.sqlite-wal"].iter().any(|name| {
            let bytes = fs::read(log.path(name)).unwrap_or_default();
            bytes.windows(needle.len()).any(|part| part == needle)
        })
    };
    assert!(anywhere());
    let sealed = json!({"disclosure": "sealed"});
    assert_eq!(client.disclose(&approval, &sealed).0, 200);
    assert!(!anywhere());
}

#[test]
fn at_the_start_it_is_what_the_request_says() {
    let log = Log::new();
    let server = log.serve();
    for (number, (level, keys)) in (1..).zip([
        ("sealed", &[][..]),
        ("hash", &["approvalId", "clientDataJSON"]),
        (
            "public",
            &["action", "approvalId", "clientDataJSON", "payload"],
        ),
    ]) {
        let approval = Approval::new(number).with("disclosure", json!(level));
        assert_eq!(server.client.append(&approval).status, 201);
        assert_eq!(shown(&server.client, &approval), keys);
    }
}
