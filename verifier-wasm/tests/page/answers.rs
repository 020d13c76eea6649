//! Questions of people, answered by what is in view, without a click.

use std::fs;

use serde_json::json;
use test_vectors::{Algorithm, Approval, Ceremony, Draft, approval};

use crate::browser::Browser;
use crate::prepared;

/// A payment as services ask for it: the payee is a member of its own, and comes late.
const PAYMENT: &str = r#"{"action":"wire_transfer","amount":"4200.00","currency":"EUR","reference":"Invoice 2026-117","to":{"iban":"DE89370400440532013000","name":"Acme GmbH"}}"#;

pub(crate) fn approval_of(payload: &str) -> Approval {
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.payload = payload.into();
    draft.ceremony = Ceremony::new(
        approval::RP_ID,
        approval::ORIGIN,
        &[7; 32],
        payload.as_bytes(),
    );
    draft.mint()
}

async fn shown(browser: &Browser, approval: &Approval) {
    browser.open_single().await;
    let policy = approval.policy.value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    let bundle = approval.bundle.text();
    browser.give(&[("approval.json", bundle.as_bytes())]).await;
}

/// Question and the words that answer it.
const ANSWERS: &[(&str, &[&str])] = &[
    (
        "what was approved",
        &["4200.00", "EUR", "Acme GmbH", "DE89370400440532013000"],
    ),
    ("by whom", &["alice approved", "your policy example"]),
    (
        "when at the latest",
        &["no later than 2026-03-01 12:00:07Z"],
    ),
    ("may I rely on it", &["VERIFIED", "You may rely on it"]),
    (
        "what is not proven",
        &[
            "What this does not prove",
            "used only once",
            "saw or understood",
            "proven only that it was not later",
        ],
    ),
];

#[tokio::test]
async fn five_questions_are_answered_on_one_screen() {
    let browser = Browser::start().await;
    browser.screen(1280, 800).await;
    shown(&browser, &approval_of(PAYMENT)).await;
    browser.verdict("VERIFIED").await;
    let view = browser.in_view().await;
    for (question, answer) in ANSWERS {
        for words in *answer {
            assert!(view.contains(words), "{question}: {words}: {view}");
        }
    }
    for words in [
        "witness.example/w1",
        "witness.example/w2",
        "log.example/approvals",
    ] {
        assert!(
            view.contains(words),
            "logged and witnessed: {words}: {view}"
        );
    }
    keep(&browser, "page-light").await;
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    browser.cdp("Emulation.setEmulatedMedia", dark).await;
    keep(&browser, "page-dark").await;
    browser.end().await;
}

#[tokio::test]
async fn five_questions_are_answered_on_two_screens_of_a_phone() {
    let browser = Browser::start().await;
    browser.screen(390, 844).await;
    shown(&browser, &approval_of(PAYMENT)).await;
    browser.verdict("VERIFIED").await;
    let first = browser.in_view().await;
    let (last, before) = ANSWERS.split_last().unwrap();
    for (question, answer) in before {
        for words in *answer {
            assert!(first.contains(words), "{question}: {words}: {first}");
        }
    }
    keep(&browser, "page-phone").await;
    // The second screen, with a little of the first.
    browser.script("scrollBy(0, innerHeight)", vec![]).await;
    let second = browser.in_view().await;
    for words in last.1 {
        assert!(second.contains(words), "{}: {words}: {second}", last.0);
    }
    let fits = "return document.documentElement.scrollWidth <= 390";
    browser.until(fits, "nothing wider than the screen").await;
    // Nothing of the picture is cut, and no label lies on a line.
    browser
        .script("document.querySelector('#tree').scrollIntoView()", vec![])
        .await;
    let cut = "const box = document.querySelector('#tree svg').getBoundingClientRect(); \
               return [...document.querySelectorAll('#tree text')].filter((text) => { const own = text.getBoundingClientRect(); \
               return own.left < box.left || own.right > box.right; }).map((text) => text.textContent)";
    assert_eq!(browser.script(cut, vec![]).await, json!([]));
    let crossed = "const inside = (box, x, y) => x > box.left && x < box.right && y > box.top && y < box.bottom; \
                   const svg = document.querySelector('#tree svg'); const out = []; \
                   for (const line of svg.querySelectorAll('line')) { const m = line.getScreenCTM(); \
                   const at = (x, y) => new DOMPoint(x, y).matrixTransform(m); \
                   const a = at(line.x1.baseVal.value, line.y1.baseVal.value), b = at(line.x2.baseVal.value, line.y2.baseVal.value); \
                   for (const text of svg.querySelectorAll('text')) { const box = text.getBoundingClientRect(); \
                   for (let i = 0; i <= 50; i += 1) if (inside(box, a.x + (b.x - a.x) * i / 50, a.y + (b.y - a.y) * i / 50)) { out.push(text.textContent); break; } } } \
                   return out";
    assert_eq!(browser.script(crossed, vec![]).await, json!([]));
    browser.end().await;
}

/// Pictures for documents: `docs/pictures` has copies of the first two.
async fn keep(browser: &Browser, name: &str) {
    let path = prepared::screenshots().join(format!("{name}.webp"));
    fs::write(path, browser.shot().await).unwrap();
}

#[tokio::test]
async fn amount_and_payee_are_never_behind_the_cut() {
    let browser = Browser::start().await;
    // Canonical order puts all of these before the amount and the payee.
    let decoys: String = (0..300)
        .map(|i| format!(r#""a{i:03}":"harmless {i}","#))
        .collect();
    let payload = format!(
        r#"{{{decoys}"zz":{{"amount":"4200.00","iban":"DE89370400440532013000"}},"zzz_payee":"Mallory"}}"#
    );
    shown(&browser, &approval_of(&payload)).await;
    let said = browser.verdict("VERIFIED").await;
    for words in ["4200.00", "DE89370400440532013000", "Mallory"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let script = "return document.querySelector('#cards .inside').innerText";
    let card = browser.script(script, vec![]).await;
    let card = card.as_str().unwrap();
    for words in ["4200.00", "Mallory", "harmless 0", "and 295 more"] {
        assert!(card.contains(words), "{words}: {card}");
    }
    assert!(!card.contains("harmless 299"), "{card}");
    browser.click("#cards .inside summary").await;
    browser.reads("#cards .inside", "harmless 299").await;
    browser.state("many-fields").await;

    // So many that not all have room: that is said where the cut is.
    let many: String = (0..40)
        .map(|i| format!(r#""amount{i:02}":"{i}","#))
        .collect();
    shown(&browser, &approval_of(&format!(r#"{{{many}"z":1}}"#))).await;
    browser.verdict("VERIFIED").await;
    browser
        .reads("#cards .inside", "16 more fields about amounts or payees")
        .await;
    // Eight fields are all there.
    let eight: String = (0..7).map(|i| format!(r#""f{i}":{i},"#)).collect();
    shown(&browser, &approval_of(&format!(r#"{{{eight}"g":"last"}}"#))).await;
    browser.verdict("VERIFIED").await;
    let card = browser.read("#cards .inside").await;
    assert!(card.contains("last") && !card.contains("more"), "{card}");
    browser.end().await;
}

#[tokio::test]
async fn what_failed_stands_on_top_and_the_picture_says_the_same() {
    let browser = Browser::start().await;
    let approval = approval_of(PAYMENT);
    shown(&browser, &approval).await;
    browser.verdict("VERIFIED").await;
    // All passed: five groups, and none of them open.
    let open = "return [...document.querySelectorAll('#checks .fold')].map((b) => b.innerText + b.ariaExpanded)";
    let groups = browser.script(open, vec![]).await;
    let groups = groups.as_array().unwrap();
    assert_eq!(groups.len(), 5, "{groups:?}");
    let closed = |group: &serde_json::Value| group.as_str().unwrap().ends_with("false");
    assert!(groups.iter().all(closed), "{groups:?}");
    browser.click("#checks .fold").await;
    browser.reads("#checks .group", "passkey signature").await;
    browser.state("checks-open").await;

    // The proof leads elsewhere, and the head is witnessed all the same: neither hides the other.
    let broken = approval
        .bundle
        .text()
        .replacen("index 2\\n", "index 3\\n", 1);
    browser.give(&[("broken.json", broken.as_bytes())]).await;
    browser.verdict("REJECTED").await;
    let first = browser.read("#checks .check").await;
    assert!(
        first.starts_with('✕') && first.contains("inclusion proof"),
        "{first}"
    );
    let tree = browser.read("#tree").await;
    assert!(
        tree.contains("The quorum of your policy is met for it"),
        "{tree}"
    );
    assert!(!tree.contains("none was verified"), "{tree}");
    let quorum = "return [...document.querySelectorAll('#checks .check.pass')].some((c) => c.textContent.includes('witness quorum'))";
    browser.until(quorum, "the quorum passed").await;
    browser.state("proof-of-another-root").await;
    browser.end().await;
}

#[tokio::test]
async fn a_change_is_named_beside_the_field_that_was_edited() {
    let browser = Browser::start().await;
    browser.screen(1280, 800).await;
    shown(&browser, &approval_of(PAYMENT)).await;
    browser.verdict("VERIFIED").await;
    browser
        .write("#break-text", &PAYMENT.replace("4200.00", "9200.00"))
        .await;
    browser.verdict("REJECTED").await;
    let changes = browser.read("#break .outcome").await;
    for words in [
        "VERIFIED → REJECTED",
        "payload binding: passed → failed",
        "Expected",
        "Found",
    ] {
        assert!(changes.contains(words), "{words}: {changes}");
    }
    let beside = "const a = document.querySelector('#break-text').getBoundingClientRect(); \
                  const b = document.querySelector('#break .outcome').getBoundingClientRect(); \
                  return b.left >= a.right && Math.abs(a.top - b.top) < 40";
    browser.until(beside, "side by side").await;
    browser.state("what-changed").await;
    browser.end().await;
}

#[tokio::test]
async fn many_files_begin_with_their_totals() {
    let browser = Browser::start().await;
    let policy = Approval::sample(Algorithm::Es256)
        .policy
        .value()
        .to_string();
    browser.open_single().await;
    browser.trust("policy.json", policy.as_bytes()).await;
    let texts: Vec<String> = (1..=40)
        .map(|i| Draft::numbered(Algorithm::Es256, i).mint().bundle.text())
        .collect();
    let names: Vec<String> = (1..=40).map(|i| format!("a{i:02}.json")).collect();
    let mut files: Vec<(&str, &[u8])> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_bytes))
        .collect();
    let forged = texts[0].replace("2026-03-01T12:00:00.000Z", "2026-02-01T12:00:00.000Z");
    files.push(("forged.json", forged.as_bytes()));
    files.push(("copy.json", texts[5].as_bytes()));
    let script = "const [files] = arguments; const data = new DataTransfer(); \
                  for (const [name, text] of files) data.items.add(new File([text], name)); \
                  document.querySelector('#drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));";
    let given: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, bytes)| (*name, std::str::from_utf8(bytes).unwrap()))
        .collect();
    browser.script(script, vec![json!(given)]).await;
    browser.reads("#several", "42 approvals").await;
    browser.verdict("REJECTED").await;
    let totals = browser.read("#several .totals").await;
    for words in ["41 verified", "1 rejected", "2 duplicates"] {
        assert!(totals.contains(words), "{words}: {totals}");
    }
    let first = browser.read("#several tbody tr:first-child").await;
    assert!(
        first.contains("REJECTED") && first.contains("forged.json"),
        "{first}"
    );
    let second = browser.read("#several tbody tr:nth-child(2)").await;
    assert!(second.contains("the same file as a06.json"), "{second}");
    let row = browser.read("#several tbody tr:nth-child(3)").await;
    for words in ["VERIFIED", "alice", "Acme GmbH", "2026-03-01 12:00:07Z"] {
        assert!(row.contains(words), "{words}: {row}");
    }
    browser.state("many-files").await;
    browser.click(".total.duplicates").await;
    browser
        .until(
            "return document.querySelectorAll('#several tbody tr').length === 2",
            "the filter",
        )
        .await;
    browser.press("copy.json").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("copy.json"), "{said}");
    browser.end().await;
}

#[tokio::test]
async fn a_remembered_policy_comes_back_as_an_offer() {
    let browser = Browser::start().await;
    let approval = approval_of(PAYMENT);
    let policy = approval.policy.value().to_string();
    let bundle = approval.bundle.text();
    browser.open_single().await;
    browser.trust("mine.json", policy.as_bytes()).await;
    browser.open_single().await;
    assert!(!browser.read("#policy").await.contains("remembers"));
    browser.trust("mine.json", policy.as_bytes()).await;
    browser.press("Remember it on this device").await;
    browser.reads("#policy", "Forget it on this device").await;

    browser.open_single().await;
    browser.give(&[("a.json", bundle.as_bytes())]).await;
    browser.verdict("INCOMPLETE").await;
    let offer = browser.read(".policy.offer").await;
    let policy = verifier_core::policy::Policy::from_json(policy.as_bytes()).unwrap();
    let sha256 = verifier_core::hazmat::encoding::hex(&policy.sha256());
    for words in ["Not in force", "This device remembers example", &sha256] {
        assert!(offer.contains(words), "{words}: {offer}");
    }
    browser.state("remembered").await;
    browser.press("Use as my policy").await;
    browser.verdict("VERIFIED").await;
    browser.press("Forget it on this device").await;
    browser.open_single().await;
    assert!(!browser.read("#policy").await.contains("remembers"));
    browser.end().await;
}
