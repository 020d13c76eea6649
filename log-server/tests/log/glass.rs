//! What was done under break-glass: an entry that is no approval, by everybody who looks.

use serde_json::{Value, json};
use test_vectors::approval::RP_ID;
use test_vectors::break_glass::{leaf, leaf_id};
use test_vectors::encoding::b64url;
use test_vectors::entry::canonical;
use test_vectors::{Algorithm, Ceremony, Draft, Glass, Passkey};
use verifier_core::{Code, Verdict};

use crate::harness::{Approval, Client, Log, Reply, time, tree};

/// A change of what is signed, and the code that it leads to.
type Refused = (fn(&mut Ceremony), &'static str);

/// A grant of a moment ago, and one key.
fn glass(seed: &str) -> (Glass, Passkey) {
    let mut glass = Glass::new(&"11".repeat(32));
    glass.random = test_vectors::encoding::pseudo_random(seed);
    (glass, Passkey::new(Algorithm::Es256, "ann"))
}

fn body(glass: &Glass, passkey: &Passkey) -> Value {
    json!({
        "assertion": glass.sign(passkey).credential_json(),
        "breakGlass": glass.grant_text(),
        "credentialPublicKey": b64url(&passkey.public_key),
        "rpId": RP_ID,
    })
}

fn append(client: &Client, body: &Value) -> Reply {
    client.write("POST", "/v1/entries", body).unwrap()
}

fn look_up(client: &Client, id: &str) -> Reply {
    client.get(&format!("/public/log/entries/{id}/verification"))
}

#[test]
fn it_is_logged_once_and_shows_no_more_than_its_leaf() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let (glass, ann) = glass("one");
    let text = canonical(&leaf(&glass, RP_ID, &ann));
    // However long ago it was, and as often as anybody says so.
    for status in [201, 200, 200] {
        let reply = append(client, &body(&glass, &ann));
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.json()["entry"], json!(text));
        assert_eq!(reply.json()["evidence"], Value::Null);
    }
    assert_eq!(tree(&client.checkpoint()).0, 1);
    let id = leaf_id(&glass, &ann);
    let shown = look_up(client, &id);
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!(shown.json()["entry"], json!(text));
    assert_eq!(shown.json()["evidence"], Value::Null);
    for secret in ["salaries", "payments.example", "payment.send"] {
        assert!(!shown.text().contains(secret));
    }
    // There is nothing to disclose.
    for level in ["sealed", "hash", "public"] {
        let path = format!("/v1/entries/{id}/disclosure");
        let reply = client.write("PUT", &path, &json!({"disclosure": level}));
        let reply = reply.unwrap();
        assert_eq!(
            (reply.status, reply.code()),
            (422, "entry.break_glass".into())
        );
    }
    // Of another person, or of another grant, it is another entry.
    let bob = Passkey::new(Algorithm::EdDsa, "bob");
    assert_eq!(append(client, &body(&glass, &bob)).status, 201);
    let (other, _) = self::glass("two");
    assert_eq!(append(client, &body(&other, &ann)).status, 201);
    // The page says what such entries are, and the days are counted around them.
    let approval = Approval::new(1);
    assert_eq!(client.append(&approval).status, 201);
    assert_eq!(
        append(client, &body(&self::glass("three").0, &ann)).status,
        201
    );
    let page = client.get("/").text();
    assert!(page.contains("cosignet.break-glass/v1"), "{page}");
    // And nobody takes it for an approval.
    let report = log.audit(&approval, &shown.text());
    assert_eq!(
        (report.verdict(), report.code()),
        (Verdict::Rejected, Code::EntryBreakGlass)
    );
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn nothing_else_is_admitted_as_one() {
    let log = Log::new();
    let server = log.serve();
    let client = &server.client;
    let refused = |body: &Value, code: &str| {
        let reply = append(client, body);
        assert_eq!(reply.code(), code, "{body} {}", reply.text());
        assert!(matches!(reply.status, 400 | 422), "{}", reply.text());
    };
    let (good, ann) = glass("one");
    let edits: [Refused; 7] = [
        (|c| c.kind = "webauthn.create".into(), "webauthn.type"),
        (
            |c| c.origin = "https://evil.example".into(),
            "webauthn.origin",
        ),
        (|c| c.cross_origin = Some(true), "webauthn.cross_origin"),
        (|c| c.rp_id = "evil.example".into(), "webauthn.rp_id"),
        (|c| c.flags = 0x01, "webauthn.user_verification"),
        // An approval and a login.
        (|c| c.challenge = b64url(&[7; 64]), "webauthn.challenge"),
        (|c| c.challenge = b64url(&[7; 32]), "webauthn.challenge"),
    ];
    for (edit, code) in edits {
        let mut glass = good.clone();
        glass.edit = edit;
        refused(&body(&glass, &ann), code);
    }
    let with = |key: &str, value: Value| {
        let mut body = body(&good, &ann);
        body[key] = value;
        body
    };
    let other = glass("two").0.grant_text();
    refused(&with("breakGlass", json!(other)), "webauthn.challenge");
    refused(&with("breakGlass", json!("{}")), "break_glass.form");
    refused(&with("rpId", json!("evil.example")), "webauthn.rp_id");
    // Signed as it says, for a relying party that is not the log's.
    let mut foreign = good.clone();
    foreign.edit = |c| c.rp_id = "evil.example".into();
    let mut foreign = body(&foreign, &ann);
    foreign["rpId"] = json!("evil.example");
    refused(&foreign, "webauthn.rp_id");
    let bob = b64url(&Passkey::new(Algorithm::Es256, "bob").public_key);
    refused(
        &with("credentialPublicKey", json!(bob)),
        "webauthn.bad_signature",
    );
    for (key, value) in [
        ("approvalId", json!(Draft::by("ann").approval_id)),
        ("disclosure", json!("public")),
        ("payload", json!("AA")),
        ("decidedAt", json!(time(0))),
    ] {
        refused(&with(key, value), "request.schema");
    }
    // Nothing can have been done before its time.
    let mut early = good.clone();
    (early.not_before, early.not_after) = (time(600), time(1200));
    refused(&body(&early, &ann), "entry.decided_at");
    // What was signed for break-glass is no approval, and no refusal.
    let mut draft = Draft::by("ann");
    draft.ceremony.challenge = b64url(&good.challenge());
    refused(&Approval::of(draft.clone()).body, "webauthn.challenge");
    let random = json!({"random": b64url(&[7; 32])});
    let context = json!(test_vectors::Context::numbered(1).text());
    let refusal = Approval::of(draft).with("refusal", random);
    refused(&refusal.with("context", context).body, "webauthn.challenge");
    assert_eq!(tree(&client.checkpoint()).0, 0);
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}
