//! Contexts and refusals: neither is admitted for the other, and what is shown is what was signed.

use serde_json::json;
use test_vectors::encoding::b64url;
use test_vectors::{Context, Draft};

use crate::harness::{Approval, Client, Log};

const PAYLOAD: &[u8] = br#"{"amount":"4200.00","to":"Acme GmbH"}"#;

fn approval(seed: &str) -> Approval {
    let context = Context::numbered(1).text();
    Approval::of(Draft::by(seed).approving_under(&context, PAYLOAD))
}

fn refusal(seed: &str) -> Approval {
    let context = Context::numbered(1).text();
    Approval::of(Draft::by(seed).refusing(&context, PAYLOAD))
}

fn without(approval: &Approval, key: &str) -> Approval {
    let mut changed = approval.clone();
    changed.body.as_object_mut().unwrap().remove(key).unwrap();
    changed
}

fn refused(client: &Client, approval: &Approval, code: &str) {
    let reply = client.append(approval);
    assert_eq!(
        (reply.status, reply.code()),
        (422, code.to_owned()),
        "{}",
        reply.text()
    );
}

#[test]
fn neither_is_admitted_for_the_other() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let (yes, no) = (approval("ann"), refusal("bob"));
    let random = json!({"random": b64url(&[7; 32])});
    let other = json!(Context::numbered(2).text());
    refused(
        client,
        &yes.with("refusal", random.clone()),
        "entry.type_mismatch",
    );
    refused(client, &without(&no, "refusal"), "webauthn.challenge");
    refused(client, &without(&no, "context"), "evidence.refusal_missing");
    refused(client, &no.with("refusal", random), "payload.mismatch");
    refused(
        client,
        &no.with("context", other.clone()),
        "payload.mismatch",
    );
    refused(client, &yes.with("context", other), "context.mismatch");
    refused(client, &yes.with("context", json!("{}")), "context.form");
    refused(client, &no.with("context", json!("{}")), "context.form");
    let payload = b"{}";
    let hash = test_vectors::encoding::hex(&test_vectors::encoding::sha256(payload));
    let lied = |one: &Approval| without(one, "payload").with("payloadHash", json!(hash));
    refused(client, &lied(&yes), "payload.mismatch");
    refused(client, &lied(&no), "payload.mismatch");

    assert_eq!(client.append(&yes).status, 201);
    assert_eq!(client.append(&no).status, 201);
    assert_eq!(client.append(&no).status, 200, "the same refusal again");
    let entry = |reply: &str| reply.contains("cosignet.refusal/v1");
    assert!(!entry(&client.append(&yes).text()));
    assert!(entry(&client.append(&no).text()));
    // One id is one act.
    let mut both = refusal("ann");
    both.body["approvalId"] = yes.body["approvalId"].clone();
    let reply = client.append(&both);
    assert_eq!((reply.status, reply.code()), (409, "entry.conflict".into()));
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn what_was_signed_is_shown_erased_and_shown_again() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    for one in [approval("ann"), refusal("bob")] {
        assert_eq!(client.append(&one).status, 201);
        let shown = |client: &Client| client.verification(&one).json()["evidence"].clone();
        assert!(shown(client).is_null());
        let ok = (200, String::new());
        assert_eq!(client.disclose(&one, &json!({"disclosure": "hash"})), ok);
        assert_eq!(shown(client)["context"], one.body["context"]);
        assert_eq!(shown(client)["refusal"], one.body["refusal"]);
        assert!(shown(client)["payload"].is_null());
        // 202 until it is gone from all files.
        let (status, _) = client.disclose(&one, &json!({"disclosure": "sealed"}));
        assert!(matches!(status, 200 | 202), "{status}");
        assert!(shown(client).is_null());

        let (_, json) = (one.draft.sign().1, one.draft.sign().0.client_data_json);
        let mut again = json!({"disclosure": "public", "clientDataJSON": b64url(&json)});
        again["payload"] = json!(b64url(PAYLOAD));
        if one.draft.random.is_some() {
            let missing = (422, "evidence.refusal_missing".to_owned());
            assert_eq!(client.disclose(&one, &again), missing);
            again["refusal"] = one.body["refusal"].clone();
            assert_eq!(client.disclose(&one, &again), missing);
        }
        again["context"] = json!(Context::numbered(2).text());
        assert_eq!(client.disclose(&one, &again).0, 422);
        again["context"] = one.body["context"].clone();
        assert_eq!(client.disclose(&one, &again), ok);
        assert_eq!(shown(client)["context"], one.body["context"]);
        assert_eq!(shown(client)["payload"], json!(b64url(PAYLOAD)));
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}
