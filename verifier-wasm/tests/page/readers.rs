//! People who use a keyboard, a phone, a screen reader, a dark screen, or paper.

use serde_json::json;
use test_vectors::encoding::from_b64;
use test_vectors::{Algorithm, Approval};

use crate::browser::Browser;
use crate::prepared;

async fn with_result() -> Browser {
    let browser = Browser::start().await;
    browser.open_single().await;
    let approval = Approval::sample(Algorithm::Es256);
    let policy = approval.policy.value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    browser
        .give(&[("approval.json", approval.bundle.text().as_bytes())])
        .await;
    browser.verdict("VERIFIED").await;
    browser
}

/// How many sheets the page takes; keeps them.
async fn print(browser: &Browser, name: &str) -> usize {
    let pdf = browser
        .cdp("Page.printToPDF", json!({ "preferCSSPageSize": true }))
        .await;
    let pdf = from_b64(pdf["data"].as_str().unwrap());
    std::fs::write(prepared::screenshots().join(name), &pdf).unwrap();
    let count = |word: &[u8]| pdf.windows(word.len()).filter(|part| *part == word).count();
    count(b"/Type /Page") - count(b"/Type /Pages")
}

#[tokio::test]
async fn one_page_on_paper() {
    let browser = with_result().await;
    assert_eq!(print(&browser, "printed.pdf").await, 1);
    let other = String::from_utf8(Approval::sample(Algorithm::Es256).payload).unwrap();
    let other = other.replace("1001.00", "9001.00");
    browser.give(&[("expected.json", other.as_bytes())]).await;
    browser.verdict("REJECTED").await;
    assert_eq!(print(&browser, "printed-rejected.pdf").await, 1);
    browser.press("Remove expected.json").await;
    browser.verdict("VERIFIED").await;
    browser
        .cdp("Emulation.setEmulatedMedia", json!({ "media": "print" }))
        .await;
    for (css, words) in [
        ("#verdict", "VERIFIED"),
        ("#checks", "witness quorum"),
        ("#unproven", "used only once"),
        ("#raw", "cosignet verify"),
    ] {
        assert!(browser.read(css).await.contains(words), "{css}");
    }
    assert_eq!(browser.read("#input").await, "");
    // The id is in the name of the print; every input has its SHA-256; there is room to sign; the
    // focus leaves no mark.
    let id = test_vectors::Draft::sample(Algorithm::Es256).approval_id;
    let title = browser.script("return document.title", vec![]).await;
    assert_eq!(title, format!("Verification report {id}"));
    for (css, words) in [
        ("#paper-title", id.as_str()),
        (".signed-by", "Verified on"),
        (".inputs", "SHA-256 of the file"),
        (".inputs", "of the policy"),
    ] {
        assert!(browser.read(css).await.contains(words), "{css}");
    }
    let ring = "document.querySelector('#verdict-title').focus(); \
                return getComputedStyle(document.querySelector('#verdict-title')).outlineStyle";
    assert_eq!(browser.script(ring, vec![]).await, "none");
    browser.picture("printed").await;
    browser.end().await;
}

#[tokio::test]
async fn a_phone_and_a_dark_screen() {
    let browser = with_result().await;
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    browser.cdp("Emulation.setEmulatedMedia", dark).await;
    browser.state("verified-dark").await;
    browser
        .cdp("Emulation.setEmulatedMedia", json!({ "features": [] }))
        .await;
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser
        .cdp("Emulation.setDeviceMetricsOverride", phone)
        .await;
    let fits = "return document.documentElement.scrollWidth <= 360";
    browser.until(fits, "nothing wider than the screen").await;
    browser.state("verified-phone").await;
    browser.end().await;
}

#[tokio::test]
async fn verdicts_are_spoken_and_reached_without_a_mouse() {
    let browser = with_result().await;
    // The focus is on the verdict, and a polite region says it.
    let focused = "return document.activeElement.id === 'verdict-title'";
    browser.until(focused, "focus on the verdict").await;
    let spoken =
        "return document.querySelector('#status').textContent.startsWith('VERIFIED. alice')";
    browser.until(spoken, "the verdict is spoken").await;

    // Everything that can be operated is reached with Tab, in the order of the page, and shows it.
    browser.press("Change").await;
    let start = "document.querySelector('#change').focus()";
    browser.script(start, vec![]).await;
    let mut seen = Vec::new();
    for _ in 0..120 {
        // Not by WebDriver, which takes the keys for a file's name while a file's field has the focus.
        for kind in ["rawKeyDown", "keyUp"] {
            let tab =
                json!({ "type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
            browser.cdp("Input.dispatchKeyEvent", tab).await;
        }
        let at = "const e = document.activeElement; const s = getComputedStyle(e); \
                  return e === document.body ? 'end' : (s.outlineStyle === 'none' ? 'invisible ' : '') \
                  + (e.id || e.textContent.trim().slice(0, 40))";
        let at = browser
            .script(at, vec![])
            .await
            .as_str()
            .unwrap()
            .to_owned();
        if at == "end" {
            break;
        }
        seen.push(at);
    }
    assert!(
        seen.iter().all(|at| !at.starts_with("invisible")),
        "{seen:?}"
    );
    for part in [
        "email",
        "break-part",
        "break-text",
        "Flip one bit",
        "Copy the command",
        "Print one page",
    ] {
        assert!(seen.iter().any(|at| at == part), "{part}: {seen:?}");
    }

    // A failure is said at once, not politely.
    browser
        .script("document.querySelector('#break-text').focus()", vec![])
        .await;
    browser
        .driver
        .active_element()
        .await
        .unwrap()
        .send_keys(" ")
        .await
        .unwrap();
    browser.verdict("REJECTED").await;
    let spoken =
        "return document.querySelector('#alert').textContent.startsWith('Edited copy. REJECTED')";
    browser.until(spoken, "the failure is spoken").await;
    // … and whoever types keeps typing.
    browser
        .until(
            "return document.activeElement.id === 'break-text'",
            "focus stays",
        )
        .await;
    browser.end().await;
}
