//! `/enrol#token`

use crate::approver::Approver;
use crate::server::Server;

#[tokio::test]
async fn an_invitation_makes_one_passkey_and_shows_its_fingerprint() {
    let server = Server::start();
    let approver = Approver::without_passkey().await;
    let browser = &approver.browser;
    let link = server.invite("alice");
    approver.open(&link).await;
    let facts = browser.read("#facts").await;
    assert!(
        facts.contains("alice") && facts.contains("finance"),
        "{facts}"
    );
    browser.state("gate-enrol").await;
    browser.click("#make").await;
    browser.reads("#title", "Your passkey is made").await;
    assert!(browser.read("#done").await.contains("SHA256:"));
    browser.state("gate-enrolled").await;
    let address = browser.script("return location.href", vec![]).await;
    assert_eq!(address, format!("{}/enrol", server.origin));

    approver.open(&link).await;
    browser.reads("#problem", "invite.unknown").await;
    assert!(!approver.sees("#make").await);
    browser.state("gate-enrol-used").await;
    approver.browser.end().await;
}

#[tokio::test]
async fn looking_at_an_invitation_uses_nothing_up() {
    let server = Server::start();
    let approver = Approver::without_passkey().await;
    let link = server.invite("alice");
    for _ in 0..2 {
        approver.open(&link).await;
        approver.waits_for("#make").await;
    }
    approver.browser.click("#make").await;
    approver
        .browser
        .reads("#title", "Your passkey is made")
        .await;
    approver.browser.end().await;
}
