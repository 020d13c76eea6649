//! Somebody with a browser and a passkey in it.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::Server;

pub(crate) struct Approver {
    pub(crate) browser: Browser,
}

impl Approver {
    /// A browser with a place for passkeys, and none in it.
    pub(crate) async fn without_passkey() -> Self {
        let browser = Browser::start().await;
        browser.screen(390, 844).await;
        browser.cdp("WebAuthn.enable", json!({})).await;
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
            "automaticPresenceSimulation": true,
        });
        let add = json!({ "options": options });
        browser.cdp("WebAuthn.addVirtualAuthenticator", add).await;
        Self { browser }
    }

    /// Somebody of finance who has made a passkey.
    pub(crate) async fn enrolled(server: &Server, name: &str) -> Self {
        let approver = Self::without_passkey().await;
        approver.open(&server.invite(name)).await;
        approver.browser.click("#make").await;
        approver
            .browser
            .reads("#title", "Your passkey is made")
            .await;
        approver
    }

    /// Opens a page anew, as a link does: also one that differs from the last in its `#` alone.
    pub(crate) async fn open(&self, url: &str) {
        self.browser.driver.goto("about:blank").await.unwrap();
        self.browser.open(url).await;
    }

    /// Opens a request, signs in if nobody has, and waits until it is shown.
    pub(crate) async fn look_at(&self, server: &Server, id: &str) {
        self.open(&server.page(id)).await;
        if self.sees("#login").await {
            self.browser.click("#login-button").await;
        }
        self.waits_for("#request").await;
    }

    /// Whether it is on the page, and not hidden.
    pub(crate) async fn sees(&self, css: &str) -> bool {
        self.browser.script(SHOWN, vec![json!(css)]).await == json!(true)
    }

    pub(crate) async fn waits_for(&self, css: &str) {
        let script = SHOWN.replace("arguments[0]", &format!("{css:?}"));
        self.browser.until(&script, css).await;
    }

    /// Brings every part of the request onto the screen, and opens what is shortened.
    pub(crate) async fn reads_everything(&self) {
        for _ in 0..200 {
            let script = "document.querySelectorAll('.field[data-short] button').forEach((button) => \
                          button.textContent.startsWith('Show all') && button.click()); \
                          const next = document.querySelector('#next'); \
                          if (next.checkVisibility()) next.click(); \
                          return document.querySelector('#unread').hidden;";
            if self.browser.script(script, vec![]).await == json!(true) {
                return;
            }
            // What is on the screen is known with the next picture.
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        panic!("there is always a part that was not seen");
    }

    /// Counts how often a page asks for a passkey, from the next page on.
    pub(crate) async fn counts_signatures(&self) {
        self.before_each_page(
            "window.asked = 0; const get = navigator.credentials.get.bind(navigator.credentials); \
             navigator.credentials.get = (options) => { window.asked += 1; return get(options); };",
        )
        .await;
    }

    pub(crate) async fn signatures(&self) -> Value {
        self.browser.script("return window.asked", vec![]).await
    }

    pub(crate) async fn before_each_page(&self, script: &str) {
        let source = json!({ "source": script });
        let method = "Page.addScriptToEvaluateOnNewDocument";
        self.browser.cdp(method, source).await;
    }
}

const SHOWN: &str = "const node = document.querySelector(arguments[0]); \
                     return node !== null && node.checkVisibility();";
