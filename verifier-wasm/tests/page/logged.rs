//! An approval that a log holds, and everything that can go wrong with the log.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::browser::Browser;
use crate::log::{APPROVAL, Log};

#[tokio::test]
async fn what_was_approved_anybody_verifies_and_nobody_changes() {
    let mut log = Log::with_approval();
    let id = APPROVAL;
    let browser = Browser::start().await;
    browser.open(&format!("{}/verify/#id={id}", log.url)).await;
    browser.verdict("INCOMPLETE").await;
    // The same as the operator's own programs show, so that it can be compared.
    let offer = browser.read(".policy.offer").await;
    assert!(offer.contains(&log.policy), "{}: {offer}", log.policy);

    // Without a policy of the reader's own there is no verdict, however good the approval.
    let said = browser.read("#verdict").await;
    assert!(
        said.contains("only a policy says whose key this is"),
        "{said}"
    );
    assert!(said.contains("Checked without any trust policy"), "{said}");
    let offer = browser.read("#policy").await;
    assert!(offer.contains("goes in circles"), "{offer}");
    browser.state("no-policy").await;

    browser.press("Adopt this policy").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(
        said.contains("visitor approved exactly the payload in this bundle"),
        "{said}"
    );
    assert!(said.contains("the operator’s own policy house"), "{said}");
    assert!(said.contains("by the operator’s own rules"), "{said}");
    assert!(!said.contains("You may rely on it"), "{said}");
    for part in ["#cards", "#tree", "#verdict"] {
        let words = browser.read(part).await;
        assert!(!words.contains("your policy"), "{part}: {words}");
    }
    // It looks like no policy of one's own, on paper as well.
    let border = "return getComputedStyle(document.querySelector('#verdict')).borderLeftStyle";
    for media in ["", "print"] {
        let media = json!({ "media": media });
        browser.cdp("Emulation.setEmulatedMedia", media).await;
        assert_eq!(browser.script(border, vec![]).await, "dotted");
    }
    browser
        .cdp("Emulation.setEmulatedMedia", json!({ "media": "" }))
        .await;
    assert!(
        said.contains(&format!("The link asked for approval {id}")),
        "{said}"
    );
    let payload = browser.read("#payload").await;
    assert!(
        payload.contains("to.iban") && payload.contains("DE89370400440532013000"),
        "{payload}"
    );
    assert!(
        browser
            .read("#tree")
            .await
            .contains("The log has signed that root.")
    );
    browser.state("verified").await;

    // Every part that is changed is noticed by a check of its own.
    for (part, old, new, check, state) in [
        (
            "the payload",
            "4200.00",
            "9200.00",
            "payload binding",
            "changed-payload",
        ),
        (
            "the passkey’s signature",
            "",
            "",
            "passkey signature",
            "changed-signature",
        ),
        (
            "the log’s proof and signed checkpoint",
            "\n1\n",
            "\n2\n",
            "inclusion proof",
            "changed-proof",
        ),
        (
            "the time of decision, in the log entry",
            "T",
            "t",
            "entry form",
            "changed-entry",
        ),
    ] {
        choose(&browser, part).await;
        let text = browser.script("return document.querySelector('#break-text').value", vec![]);
        let text = text.await.as_str().unwrap().to_owned();
        if old.is_empty() {
            browser.press("Flip one bit").await;
        } else {
            assert!(text.contains(old), "{text}");
            browser
                .write("#break-text", &text.replacen(old, new, 1))
                .await;
        }
        let said = browser.verdict("REJECTED").await;
        assert!(
            browser.read("#edited").await.contains("edited copy"),
            "{said}"
        );
        let failed = browser.read(".check.fail").await;
        assert!(
            failed.starts_with('✕') && failed.contains(check),
            "{part}: {failed}"
        );
        assert!(
            failed.contains("failed") && failed.contains("Why it matters"),
            "{failed}"
        );
        browser.state(state).await;
    }
    // The checkpoint: the log's signature, which is the first, not its text.
    choose(&browser, "the log’s proof and signed checkpoint").await;
    let change = "const area = document.querySelector('#break-text'); \
                  const at = area.value.indexOf(' ', area.value.indexOf('\u{2014} ') + 2) + 20; \
                  const other = area.value[at] === 'A' ? 'B' : 'A'; \
                  area.value = area.value.slice(0, at) + other + area.value.slice(at + 1); \
                  area.dispatchEvent(new Event('input'));";
    browser.script(change, vec![]).await;
    browser.verdict("REJECTED").await;
    let failed = browser.read(".check.fail").await;
    assert!(failed.contains("checkpoint signature"), "{failed}");
    browser.state("changed-checkpoint").await;

    browser.press("Back to the original").await;
    browser.verdict("VERIFIED").await;
    assert_eq!(browser.read("#edited").await, "");

    // Another valid approval is no answer.
    let other = "10000000-0000-4000-8000-000000000000";
    browser
        .script("document.querySelector('#expect').open = true", vec![])
        .await;
    browser.write("#expect [name=approvalId]", other).await;
    browser.press("Check with these").await;
    let said = browser.verdict("REJECTED").await;
    assert!(said.contains(other), "{said}");
    browser.state("other-approval").await;

    // A log that answers with another approval than the one it was asked for.
    browser.open(&format!("{}/verify/#id={id}", log.url)).await;
    browser.driver.refresh().await.unwrap();
    browser.verdict("INCOMPLETE").await;
    let lie = "const real = window.fetch; \
               window.fetch = () => real(`../public/log/entries/${arguments[0]}/verification`);";
    browser.script(lie, vec![json!(id)]).await;
    browser.press("Adopt this policy").await;
    browser.verdict("VERIFIED").await;
    look_up(&browser, other).await;
    let said = browser.verdict("REJECTED").await;
    assert!(said.contains("expectation.approval_id"), "{said}");

    // A link can carry the file itself.
    let link = "const done = arguments[arguments.length - 1]; (async () => { \
                const answer = await fetch(`../public/log/entries/${arguments[0]}/verification`); \
                const packed = answer.body.pipeThrough(new CompressionStream('deflate-raw')); \
                const bytes = new Uint8Array(await new Response(packed).arrayBuffer()); \
                return bytes.toBase64 ? bytes.toBase64({ alphabet: 'base64url', omitPadding: true }) \
                : btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''); \
                })().then(done);";
    let packed = browser
        .driver
        .execute_async(link, vec![json!(id)])
        .await
        .unwrap();
    let packed = packed.json().as_str().unwrap().to_owned();
    browser.driver.goto("about:blank").await.unwrap();
    browser
        .open(&format!("{}/verify/#b={packed}", log.url))
        .await;
    browser.verdict("INCOMPLETE").await;
    browser.press("Adopt this policy").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("File: “from the link”, SHA-256"), "{said}");
    browser.driver.goto("about:blank").await.unwrap();
    browser
        .open(&format!(
            "{}/verify/#b={}",
            log.url,
            &packed[..packed.len() / 2]
        ))
        .await;
    browser
        .reads("#problem", "does not carry a whole file")
        .await;
    browser.state("broken-link").await;

    // The log does not know it.
    look_up(&browser, other).await;
    browser
        .reads("#problem", "This log has no approval with the id")
        .await;
    browser.reads("#problem", "Nothing was checked").await;
    browser.state("unknown-id").await;
    look_up(&browser, "17").await;
    browser
        .reads("#problem", "This is not an approval id")
        .await;

    // The log is not there.
    log.end();
    look_up(&browser, id).await;
    browser.reads("#problem", "cannot be reached").await;
    browser.state("log-down").await;
    browser.end().await;
}

async fn choose(browser: &Browser, part: &str) {
    let script = "const select = document.querySelector('#break-part'); \
                  select.value = [...select.options].find((option) => option.text === arguments[0]).value; \
                  select.dispatchEvent(new Event('change'));";
    browser.script(script, vec![json!(part)]).await;
    browser.verdict("VERIFIED").await;
}

async fn look_up(browser: &Browser, id: &str) {
    browser.click("#approval-id").await;
    let field = browser.driver.find(By::Css("#approval-id")).await.unwrap();
    field.clear().await.unwrap();
    field.send_keys(id).await.unwrap();
    field.send_keys(Key::Enter + "").await.unwrap();
}

#[test]
fn the_page_is_served_with_rules_against_what_others_put_into_it() {
    let log = Log::start();
    // Whatever a proxy or a damaged file does to the page, the header holds.
    let page = ureq::get(format!("{}/verify", log.url)).call().unwrap();
    let rules = page.headers()["content-security-policy"].to_str().unwrap();
    for rule in [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(rules.contains(rule), "{rules}");
    }
    assert!(
        !rules.contains("unsafe-inline") && !rules.contains("'unsafe-eval'"),
        "{rules}"
    );
}

#[tokio::test]
async fn the_front_page_leads_on() {
    let log = Log::with_approval();
    let browser = Browser::start().await;
    browser.driver.goto(format!("{}/", log.url)).await.unwrap();
    let front = browser.read("main").await;
    for words in [
        "The log localhost/approvals",
        "localhost/alice",
        "Entries\n1",
        "The last 30 days",
    ] {
        assert!(front.contains(words), "{words}: {front}");
    }
    browser.state("front-page").await;
    browser.screen(390, 844).await;
    let fits = "return document.documentElement.scrollWidth <= 390";
    browser.until(fits, "nothing wider than the screen").await;
    let field = browser.driver.find(By::Css("#id")).await.unwrap();
    field.send_keys(APPROVAL).await.unwrap();
    field.send_keys(Key::Enter + "").await.unwrap();
    browser.verdict("INCOMPLETE").await;
    browser.end().await;
}
