//! From the link to the receipt.

use serde_json::json;
use test_vectors::encoding::{hex, sha256};

use crate::approver::Approver;
use crate::browser::Browser;
use crate::server::Server;

/// Follows the link of the receipt: to a page that asks for a policy, and then comes to a verdict.
async fn verified(browser: &Browser, server: &Server, verdict: &str) -> String {
    browser
        .reads("#receipt", "Your signature is in the log")
        .await;
    browser.reads("#receipt", "Save the proof").await;
    browser.click("#receipt a.button").await;
    let ready = "return document.documentElement.dataset.ready === 'true'";
    browser.until(ready, "the verify page starts").await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("Choose"), "{said}");
    // What it was is there before anybody is trusted.
    browser.reads("#payload", "12500.00").await;
    let policy = server.print(&["policy", "--format", "json"]);
    browser.trust("policy.json", policy.as_bytes()).await;
    let said = browser.verdict(verdict).await;
    browser
        .state(&format!("gate-verify-{}", verdict.to_lowercase()))
        .await;
    said
}

#[tokio::test]
async fn one_approval_is_enough_where_the_rule_says_so() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let id = server.ask(
        "pay.invoice",
        &json!({ "amount": "12500.00", "to": "Acme GmbH" }),
    );
    approver.open(&server.page(&id)).await;
    assert!(
        !browser.read("body").await.contains("Acme"),
        "shown to nobody in particular"
    );
    browser.state("gate-login").await;
    browser.click("#login-button").await;
    approver.waits_for("#request").await;
    browser.reads("#badge", "Display verified").await;
    browser.reads("#asker", "agent-7").await;
    browser
        .reads("#standing", "One more person has to approve")
        .await;
    approver.reads_everything().await;
    browser.state("gate-request").await;
    browser.click("#approve").await;
    browser.reads("#receipt", "You have approved this").await;
    browser
        .reads("#receipt", "Your signature is in the log")
        .await;
    browser.reads("#receipt", "the request is approved").await;
    browser.state("gate-receipt").await;
    let seen = server.comes_to(&id, "approved");
    let payload = br#"{"amount":"12500.00","to":"Acme GmbH"}"#;
    assert_eq!(seen["payloadHash"], hex(&sha256(payload)));
    let said = verified(browser, &server, "VERIFIED").await;
    assert!(said.contains("alice approved: "), "{said}");
    approver.browser.end().await;
}

#[tokio::test]
async fn a_refusal_is_signed_as_an_approval_is() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let id = server.ask("pay.invoice", &json!({ "amount": "12500.00" }));
    approver.look_at(&server, &id).await;
    approver.reads_everything().await;
    browser.write("#reason", "Not ordered.").await;
    browser.click("#refuse").await;
    browser.reads("#receipt", "You have refused this").await;
    let seen = server.comes_to(&id, "rejected");
    assert_eq!(seen["reason"], "Not ordered.");
    browser.state("gate-refused").await;
    let said = verified(browser, &server, "REJECTED").await;
    assert!(said.contains("alice refused: "), "{said}");
    approver.browser.end().await;
}

#[tokio::test]
async fn two_people_are_two_people() {
    let server = Server::start();
    let id = server.ask("pay.large", &json!({ "amount": "1.00" }));
    let alice = Approver::enrolled(&server, "alice").await;
    alice.look_at(&server, &id).await;
    alice
        .browser
        .reads("#standing", "2 more people have to approve")
        .await;
    alice.reads_everything().await;
    alice.browser.click("#approve").await;
    alice
        .browser
        .reads("#receipt", "Others have to approve, too")
        .await;
    alice.look_at(&server, &id).await;
    alice.browser.reads("#obstacle", "You have signed").await;
    assert!(!alice.sees("#approve").await);
    assert_eq!(server.look(&id)["status"], "pending");

    let bob = Approver::enrolled(&server, "bob").await;
    bob.look_at(&server, &id).await;
    bob.browser.reads("#standing", "alice").await;
    bob.reads_everything().await;
    bob.browser.click("#approve").await;
    server.comes_to(&id, "approved");
    alice.browser.end().await;
    bob.browser.end().await;
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let many: Vec<u32> = (0..40).collect();
    let id = server.ask("pay.invoice", &json!({ "items": many }));
    approver.look_at(&server, &id).await;
    let press = |key: &'static str, code: u32| async move {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if key == "Enter" && kind == "keyDown" {
                event["text"] = json!("\r");
            }
            browser.cdp("Input.dispatchKeyEvent", event).await;
        }
    };
    for _ in 0..30 {
        press("PageDown", 34).await;
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    browser
        .until(
            "return document.querySelector('#unread').hidden",
            "all was seen",
        )
        .await;
    for _ in 0..40 {
        press("Tab", 9).await;
        if browser
            .script("return document.activeElement.id", vec![])
            .await
            == "approve"
        {
            break;
        }
    }
    press("Enter", 13).await;
    browser.reads("#receipt", "You have approved this").await;
    approver.browser.end().await;
}

#[tokio::test]
async fn what_ends_while_it_is_open_cannot_be_signed() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let id = server.ask("pay.invoice", &json!({ "amount": "1.00" }));
    approver.look_at(&server, &id).await;
    server.cancel(&id);
    let look = "document.dispatchEvent(new Event('visibilitychange'))";
    browser.script(look, vec![]).await;
    browser.reads("#obstacle", "Withdrawn").await;
    assert!(!approver.sees("#approve").await);
    browser.state("gate-withdrawn").await;
    approver.browser.end().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    approver.counts_signatures().await;
    approver
        .before_each_page(
            "const ask = window.fetch; let lost = false; window.fetch = async (path, options) => { \
             const answer = await ask(path, options); \
             if (lost || !String(path).endsWith('/decision')) return answer; \
             lost = true; throw new TypeError('lost'); };",
        )
        .await;
    let id = server.ask("pay.invoice", &json!({ "amount": "1.00" }));
    approver.look_at(&server, &id).await;
    approver.reads_everything().await;
    let before = approver.signatures().await.as_u64().unwrap();
    browser.click("#approve").await;
    browser
        .reads("#problem", "Sending it again does no harm")
        .await;
    browser.state("gate-lost").await;
    browser.press("Send it again").await;
    browser.reads("#receipt", "You have approved this").await;
    assert_eq!(approver.signatures().await, json!(before + 1));
    server.comes_to(&id, "approved");
    approver.browser.end().await;
}
