//! What is seen is what is signed, all of it.

use serde_json::json;

use crate::approver::Approver;
use crate::server::Server;

#[tokio::test]
async fn nothing_is_signed_before_all_of_it_was_on_the_screen() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    approver.counts_signatures().await;
    let long = format!(
        "{}and give it to Mallory {}",
        "a".repeat(500),
        "b".repeat(500)
    );
    let many: Vec<String> = (0..30).map(|item| format!("item {item}")).collect();
    let id = server.ask("pay.invoice", &json!({ "items": many, "note": long }));
    approver.look_at(&server, &id).await;
    let asked = approver.signatures().await;
    let press =
        "document.querySelector('#approve').click(); document.querySelector('#refuse').click();";
    browser.script(press, vec![]).await;

    // All but the value that is shortened.
    for _ in 0..80 {
        browser.script("scrollBy(0, 300)", vec![]).await;
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    browser.reads("#unread-words", "1 of ").await;
    let fields = browser.read("#fields").await;
    assert!(
        !fields.contains("Mallory") && fields.contains("1023 characters"),
        "{fields}"
    );
    browser.script(press, vec![]).await;
    assert_eq!(approver.signatures().await, asked);
    browser.state("gate-shortened").await;

    approver.reads_everything().await;
    assert!(browser.read("#fields").await.contains("give it to Mallory"));
    assert_eq!(server.look(&id)["status"], "pending");
    browser.click("#approve").await;
    server.comes_to(&id, "approved");
    approver.browser.end().await;
}

#[tokio::test]
async fn a_long_name_keeps_no_value_off_the_screen() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let name = "n".repeat(3000);
    let id = server.ask("pay.invoice", &json!({ (name): "Mallory" }));
    approver.look_at(&server, &id).await;
    browser
        .script("document.querySelector('.field').scrollIntoView()", vec![])
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let below =
        "return document.querySelector('.field dd').getBoundingClientRect().top > innerHeight";
    assert_eq!(browser.script(below, vec![]).await, json!(true));
    browser
        .reads("#unread-words", "not been on your screen")
        .await;
    browser.screen(320, 256).await;
    approver.reads_everything().await;
    let wide = "return document.documentElement.scrollWidth";
    assert_eq!(browser.script(wide, vec![]).await, json!(320));
    browser.click("#approve").await;
    server.comes_to(&id, "approved");
    approver.browser.end().await;
}

#[tokio::test]
async fn characters_that_mislead_are_named() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let payload = json!({
        "to": "A\u{441}me \u{202e}HbmG <b>now</b>", "ke\u{200b}y": "e\u{301}", "yes": "true", "really": true,
    });
    let id = server.ask("pay.invoice", &payload);
    approver.look_at(&server, &id).await;
    let fields = browser.read("#fields").await;
    for name in [
        "U+202E right-to-left override",
        "U+0441 cyrillic small letter es, looks like c",
        "U+200B zero width space",
        "U+0301 combining acute accent",
        "letters of two scripts in one word",
        "characters that can reorder the text",
    ] {
        assert!(fields.contains(name), "{name}: {fields}");
    }
    assert!(fields.contains("<b>now</b>"), "{fields}");
    browser.reads("#asker", "not verified").await;
    browser.state("gate-misleading").await;
    approver.browser.end().await;
}

#[tokio::test]
async fn groups_for_the_eye_change_no_text() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let (iban, amount) = ("DE89370400440532013000", 1_250_000);
    let text = "one\n  two";
    let id = server.ask(
        "pay.invoice",
        &json!({ "amount": amount, "iban": iban, "text": text }),
    );
    approver.look_at(&server, &id).await;
    let copied = "return [...document.querySelectorAll('#fields .value .text')].map((node) => { \
                  getSelection().selectAllChildren(node); return getSelection().toString(); })";
    let copied = browser.script(copied, vec![]).await;
    assert_eq!(copied, json!(["1250000", iban, text]));
    let groups =
        "return [...document.querySelectorAll('#fields .group')].map((node) => node.textContent)";
    let groups = browser.script(groups, vec![]).await;
    assert_eq!(
        groups,
        json!([
            "1", "250", "000", "DE89", "3704", "0044", "0532", "0130", "00"
        ])
    );
    approver.browser.end().await;
}

#[tokio::test]
async fn the_last_approval_of_the_same_is_beside_it() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let first = server.ask(
        "pay.invoice",
        &json!({ "amount": "10.00", "note": "x", "to": "Acme" }),
    );
    approver.look_at(&server, &first).await;
    browser
        .reads(
            "#payload-hint",
            "never got an approval for this action before",
        )
        .await;
    approver.reads_everything().await;
    browser.click("#approve").await;
    server.comes_to(&first, "approved");
    let second = server.ask(
        "pay.invoice",
        &json!({ "amount": "90.00", "more": 1, "to": "Acme" }),
    );
    approver.look_at(&server, &second).await;
    browser
        .reads("#payload-hint", "1 changed, 1 new, 1 gone, 1 the same")
        .await;
    browser.reads("#fields", "Last time: 10.00").await;
    browser.state("gate-diff").await;
    browser.screen(1280, 800).await;
    browser.state("gate-diff-wide").await;
    approver.browser.end().await;
}
