//! `/break-glass`: people sign a file of their own, and the gate keeps nothing of it.

use serde_json::{Value, json};
use test_vectors::encoding::{from_b64url, sha256};

use crate::approver::Approver;
use crate::server::Server;

fn unsigned(action: &str) -> String {
    let grant = json!({
        "action": action,
        "audience": "payments.example",
        "notAfter": "2026-03-01T12:30:00.000Z",
        "notBefore": "2026-03-01T12:00:00.000Z",
        "policySha256": "00".repeat(32),
        "random": "A".repeat(43),
        "reason": "The gate is down\u{202e}.",
        "type": "cosignet.break-glass-grant/v1",
        "uses": 1,
    });
    json!({ "grant": grant.to_string(), "signatures": [], "type": "cosignet.break-glass-file/v1" })
        .to_string()
}

async fn paste(approver: &Approver, text: &str) {
    let script = "document.querySelector('details').open = true; \
                  document.querySelector('#text').value = arguments[0]; \
                  document.querySelector('#read').click();";
    approver.browser.script(script, vec![json!(text)]).await;
}

#[tokio::test]
async fn a_passkey_signs_the_file_that_is_shown() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    approver
        .before_each_page(
            "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); };",
        )
        .await;
    approver
        .open(&format!("{}/break-glass", server.origin))
        .await;
    assert!(!approver.sees("#grant").await);
    browser.state("gate-break-glass").await;
    paste(&approver, "{\"a\":1}").await;
    browser
        .reads("#problem", "This file cannot be signed")
        .await;
    assert!(!approver.sees("#sign").await);
    let file = unsigned("payment.*");
    paste(&approver, &file).await;
    approver.waits_for("#sign").await;
    let facts = browser.read("#facts").await;
    for words in [
        "payment.*",
        "every action",
        "payments.example",
        "202E",
        "2026-03-01 12:30:00Z",
    ] {
        assert!(facts.contains(words), "{words}: {facts}");
    }
    browser.state("gate-break-glass-shown").await;
    browser
        .script("document.querySelector('#name').value = 'alice';", vec![])
        .await;
    browser.click("#sign").await;
    approver.waits_for("#signed").await;
    browser.state("gate-break-glass-signed").await;
    browser
        .script(
            "document.querySelectorAll('#signed button')[1].click();",
            vec![],
        )
        .await;
    browser
        .until("return window.copied !== undefined", "the text")
        .await;
    let text = browser.script("return window.copied", vec![]).await;
    let signed: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let before: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(signed["grant"], before["grant"]);
    assert_eq!(signed["signatures"].as_array().unwrap().len(), 1);
    let data = from_b64url(signed["signatures"][0]["clientDataJSON"].as_str().unwrap());
    let data: Value = serde_json::from_slice(&data).unwrap();
    let grant = before["grant"].as_str().unwrap();
    let tagged = [b"cosignet.break-glass/v1\0", grant.as_bytes()].concat();
    let challenge = [&b"break-glass\0"[..], &sha256(&tagged)].concat();
    assert_eq!(from_b64url(data["challenge"].as_str().unwrap()), challenge);
    assert_eq!(data["type"], "webauthn.get");

    // Nothing of it is with the gate.
    let events = server.print(&["export"]);
    assert!(!events.contains("break-glass"), "{events}");
    approver.browser.end().await;
}
