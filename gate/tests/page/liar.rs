//! A service that says one thing and has another signed. It is played between the page and the gate.

use serde_json::json;

use crate::approver::Approver;
use crate::server::Server;

/// Changes what the gate answers to the page. `answer` is the JSON of an answer from `path`.
fn between(change: &str) -> String {
    format!(
        "const ask = window.fetch; window.fetch = async (path, options) => {{ \
         const response = await ask(path, options); \
         if (!response.ok) return response; \
         const answer = await response.json(); {change}; \
         return new Response(JSON.stringify(answer), {{ status: response.status }}); }};"
    )
}

const SHOW_REQUEST: &str = "if (path.endsWith('/request')) ";

/// What `change` makes of the request is noticed, in these words, and nothing is signed.
async fn is_noticed(server: &Server, change: &str, words: &str) {
    let approver = Approver::enrolled(server, "alice").await;
    let browser = &approver.browser;
    let id = server.ask("pay.invoice", &json!({ "amount": "1.00" }));
    approver.counts_signatures().await;
    approver
        .before_each_page(&between(&format!("{SHOW_REQUEST}{change}")))
        .await;
    approver.look_at(server, &id).await;
    browser.reads("#badge", "Display not verified").await;
    browser.reads("#badge", words).await;
    let asked = approver.signatures().await;
    for _ in 0..10 {
        browser.script("scrollBy(0, 400)", vec![]).await;
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    let press =
        "document.querySelector('#approve').click(); document.querySelector('#refuse').click();";
    browser.script(press, vec![]).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(approver.signatures().await, asked, "{change}");
    assert_eq!(server.look(&id)["status"], "pending");
    browser.state("gate-not-verified").await;
    approver.browser.end().await;
}

#[tokio::test]
async fn what_stands_beside_the_signed_context_is_compared() {
    let server = Server::start();
    is_noticed(
        &server,
        "answer.action = 'pay.nothing'",
        "the action is the one",
    )
    .await;
    is_noticed(
        &server,
        "answer.requester.name = 'payroll'",
        "the requester is the one",
    )
    .await;
}

#[tokio::test]
async fn a_payload_that_reads_in_two_ways_is_not_signed() {
    let server = Server::start();
    let change =
        r#"answer.payload = btoa('{"amount":"1.00","amount":"9.00"}').replaceAll('=', '')"#;
    is_noticed(&server, change, "the bytes say exactly what is shown").await;
}

#[tokio::test]
async fn a_payload_that_is_exchanged_is_shown_and_the_signature_is_over_it() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let id = server.ask("pay.invoice", &json!({ "amount": "1.00" }));
    let change = r#"answer.payload = btoa('{"amount":"9.00"}').replaceAll('=', '')"#;
    approver
        .before_each_page(&between(&format!("{SHOW_REQUEST}{change}")))
        .await;
    approver.look_at(&server, &id).await;
    browser.reads("#fields", "9.00").await;
    approver.reads_everything().await;
    browser.click("#approve").await;
    // The gate has another payload, so this is no approval of it.
    browser
        .reads("#problem", "did not accept your signature")
        .await;
    assert!(
        browser
            .read("#problem details p")
            .await
            .contains("webauthn.challenge")
    );
    assert_eq!(server.look(&id)["status"], "pending");
    browser.state("gate-exchanged").await;
    approver.browser.end().await;
}

#[tokio::test]
async fn a_login_that_could_be_an_approval_is_not_signed() {
    let server = Server::start();
    let approver = Approver::enrolled(&server, "alice").await;
    let browser = &approver.browser;
    let id = server.ask("pay.invoice", &json!({ "amount": "1.00" }));
    approver.counts_signatures().await;
    let change = "if (path === '/session/options') answer.challenge = 'A'.repeat(128)";
    approver.before_each_page(&between(change)).await;
    approver.open(&server.page(&id)).await;
    browser.click("#login-button").await;
    browser.reads("#problem", "This is no login").await;
    assert_eq!(approver.signatures().await, json!(0));
    browser.state("gate-no-login").await;
    approver.browser.end().await;
}
