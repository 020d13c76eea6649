//! The page in one file, with files dropped on it and no network.

use test_vectors::{Algorithm, Approval, Draft};

use crate::browser::Browser;

struct Sample {
    bundle: String,
    policy: String,
    payload: Vec<u8>,
}

fn sample() -> Sample {
    let approval = Approval::sample(Algorithm::Es256);
    Sample {
        bundle: approval.bundle.text(),
        policy: approval.policy.value().to_string(),
        payload: approval.payload,
    }
}

#[tokio::test]
async fn files_are_enough_and_nothing_leaves_the_page() {
    let browser = Browser::start().await;
    browser.open_single().await;
    browser.state("empty").await;
    let sent = browser.requests().await;
    assert!(
        sent.iter()
            .all(|url| url.starts_with("file:") || url.starts_with("data:")),
        "{sent:?}"
    );
    let Sample {
        bundle,
        policy,
        payload,
    } = sample();
    let (bundle, policy) = (bundle.as_bytes(), policy.as_bytes());

    // What is checked is told apart by content, whatever the names say.
    browser.trust("a.txt", policy).await;
    browser
        .give(&[("c.txt", &payload), ("b.txt", bundle)])
        .await;
    let said = browser.verdict("VERIFIED").await;
    assert!(
        said.contains("alice approved exactly this payload, no later than 2026-03-01"),
        "{said}"
    );
    assert!(
        said.contains("your policy example") && said.contains("the payload c.txt"),
        "{said}"
    );
    let cards = browser.read("#cards").await;
    for words in ["yours, byte for byte", "PIN or biometric", "2 of 6"] {
        assert!(cards.contains(words), "{words}: {cards}");
    }
    let how = browser.read("#how").await;
    assert!(how.contains("https://approvals.example"), "{how}");
    assert!(
        browser
            .read("#unproven")
            .await
            .contains("What the approver saw or understood")
    );
    let raw = browser.read("#raw").await;
    assert!(
        raw.contains("cosignet verify b.txt --policy a.txt --payload c.txt"),
        "{raw}"
    );
    browser.state("verified-with-witnesses").await;

    // The e-mail address of the commitment.
    for (address, answer) in [
        ("mallory@example.com", "No."),
        ("Alice@example.com", "Yes."),
    ] {
        browser.write("#email", address).await;
        browser.click(".email button").await;
        browser.reads(".email .outcome", answer).await;
    }
    browser.state("e-mail").await;

    // Another payload: where it differs stands in the table.
    let other = String::from_utf8(payload.clone())
        .unwrap()
        .replace("1001.00", "9001.00");
    browser.give(&[("expected.json", other.as_bytes())]).await;
    let said = browser.verdict("REJECTED").await;
    assert!(said.contains("not the one that was signed"), "{said}");
    let row = browser.read("#payload tr.differs").await;
    assert!(
        row.contains("amount") && row.contains("1001.00") && row.contains("9001.00"),
        "{row}"
    );
    browser.state("other-payload").await;

    // What is no approval, and what is too large to be one.
    browser.open_single().await;
    browser
        .give(&[(
            "page.html",
            b"<!doctype html><title>502 Bad Gateway</title>",
        )])
        .await;
    let said = browser.verdict("MALFORMED").await;
    assert!(said.contains("no approval file"), "{said}");
    browser.state("malformed").await;
    browser.open_single().await;
    browser
        .give(&[("large.bin", &vec![b'7'; 10 * 1024 * 1024])])
        .await;
    browser.reads("#problem", "large.bin has 10.0 MiB").await;
    assert!(
        browser
            .read("#problem")
            .await
            .contains("Nothing in it was checked")
    );
    browser.state("too-large").await;

    // Pasted, and dropped anywhere.
    browser.open_single().await;
    browser
        .paste_on("body", std::str::from_utf8(bundle).unwrap())
        .await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("pasted text"), "{said}");
    browser.drop_on("#trust", &[("policy", policy)]).await;
    browser.reads("#policy", "You chose example").await;
    browser.press("Use as my policy").await;
    browser.verdict("VERIFIED").await;

    // A policy in the form for people: what to do is said.
    let toml = Approval::sample(Algorithm::Es256).policy.toml();
    browser
        .put("#policy-file", &[("policy.toml", toml.as_bytes())])
        .await;
    browser
        .reads("#problem", "cosignet policy show policy.toml --format json")
        .await;

    let sent = browser.requests().await;
    assert!(
        sent.iter()
            .all(|url| url.starts_with("file:") || url.starts_with("data:")),
        "{sent:?}"
    );
    // Even a script in the page could not: the browser refuses, and says by which rule.
    let attempt = "const done = arguments[arguments.length - 1]; \
                   document.addEventListener('securitypolicyviolation', \
                   (event) => done(event.effectiveDirective)); \
                   fetch('http://localhost:9/').catch(() => setTimeout(() => done('sent'), 1000));";
    let attempt = browser.driver.execute_async(attempt, vec![]).await.unwrap();
    assert_eq!(attempt.json(), "connect-src");
    browser.end().await;
}

#[tokio::test]
async fn what_deceives_the_eye_is_made_visible() {
    let browser = Browser::start().await;
    browser.open_single().await;
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    let payload = "{\"to\":\"Acme\u{202e}HbmG\",\"note\":\"<img src=x onerror=alert(1)>\u{200b}\",\"n\":1.50}";
    draft.payload = payload.into();
    let (rp, origin) = (
        test_vectors::approval::RP_ID,
        test_vectors::approval::ORIGIN,
    );
    draft.ceremony = test_vectors::Ceremony::new(rp, origin, &[7; 32], payload.as_bytes());
    draft.action = Some("pay\u{202e}yap <b>now</b>".into());
    let approval = draft.mint();
    let policy = approval.policy.value().to_string();
    browser.trust("p.json", policy.as_bytes()).await;
    browser
        .give(&[("b.json", approval.bundle.text().as_bytes())])
        .await;
    browser.verdict("VERIFIED").await;
    let shown = browser.read("#payload").await;
    for words in [
        "U+202E right-to-left override",
        "U+200B zero width space",
        "1.50",
        "<img src=x onerror=alert(1)>",
        "characters in it that do not show",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let cards = browser.read("#cards").await;
    assert!(
        cards.contains("U+202E") && cards.contains("<b>now</b>"),
        "{cards}"
    );
    let none = "return document.querySelector('main img, main b') === null \
                && !/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.querySelector('#cards').textContent)";
    browser
        .until(none, "no markup and no bidi character from the file")
        .await;
    browser.state("deceptive").await;
    browser.end().await;
}

#[tokio::test]
async fn several_approvals_and_a_services_own_answer() {
    let browser = Browser::start().await;
    browser.open_single().await;
    let Sample { bundle, policy, .. } = sample();
    let good = Approval::sample(Algorithm::Es256);
    let forged = bundle.replace("2026-03-01T12:00:00.000Z", "2026-02-01T12:00:00.000Z");
    let confirmation = good.confirmation().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    browser
        .give(&[
            ("forged.json", forged.as_bytes()),
            ("good.json", bundle.as_bytes()),
            ("own.json", confirmation.as_bytes()),
        ])
        .await;
    browser.verdict("REJECTED").await;
    let list = browser.read("#several").await;
    for words in ["3 approvals", "1 rejected", "1 incomplete", "1 verified"] {
        assert!(list.contains(words), "{words}: {list}");
    }
    browser.press("good.json").await;
    browser.verdict("VERIFIED").await;
    browser.press("own.json").await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("own.json"), "{said}");
    browser.state("several").await;
    browser.end().await;
}
