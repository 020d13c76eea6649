//! What becomes a descriptor, and what does not: a file is one in its own place and nowhere else, and
//! there it is read strictly.

use serde_json::{Value, json};
use test_vectors::{Algorithm, Approval};

use crate::answers::approval_of;
use crate::browser::Browser;
use crate::labels::{describe, descriptor, lines, shown};

const PAYMENT: &str = r#"{"action":"wire_transfer","amount":"4200.00","to":"Acme GmbH"}"#;

fn own() -> String {
    descriptor("wire_transfer", &[("/to", "Payee"), ("/amount", "Amount")])
}

#[tokio::test]
async fn a_descriptor_gives_labels_from_its_own_place_alone() {
    let browser = Browser::start().await;
    let (own, approval) = (own(), approval_of(PAYMENT));
    let (file, bundle) = (own.as_bytes(), approval.bundle.text());

    // Whichever way it comes with what is checked, and whatever it is called.
    for way in ["chosen", "dropped", "pasted"] {
        shown(&browser, &approval).await;
        let files = [("approval.json", bundle.as_bytes()), ("labels.json", file)];
        match way {
            "chosen" => browser.give(&files).await,
            "dropped" => browser.drop_on("main", &files).await,
            _ => browser.paste_on("#result", &own).await,
        }
        browser.reads("#items", "Not used yet").await;
        let items = browser.read("#items").await;
        assert!(
            items.contains("It reads as a descriptor of payloads. From here it gives no labels."),
            "{items}"
        );
        // What its reader gave is not left out of a VERIFIED without a word.
        let held = "return document.documentElement.dataset.verdict === 'HELD'";
        browser.until(held, "the verdict is held back").await;
        if way == "chosen" {
            browser.state("labels-among-approvals").await;
        }
        browser.press("Leave it out").await;
        browser.verdict("VERIFIED").await;
        assert_eq!(lines(&browser).await, 0, "{way}");
    }

    // As the payload that is expected it is compared like any other.
    browser.give(&[("labels.json", file)]).await;
    browser.reads("#items", "Not used yet").await;
    browser.press("It is the payload I expect").await;
    browser.verdict("REJECTED").await;
    assert_eq!(lines(&browser).await, 0);
    browser.press("Remove labels.json").await;
    browser.put("#payload-file", &[("labels.json", file)]).await;
    browser.verdict("REJECTED").await;
    let items = browser.read("#items").await;
    assert!(
        items.contains("It reads as a descriptor of payloads, and is compared"),
        "{items}"
    );
    assert_eq!(lines(&browser).await, 0);
    browser.press("Remove labels.json").await;
    browser.verdict("VERIFIED").await;

    // In the places of others it is named.
    for (place, words) in [
        (
            "#policy-file",
            "is no policy: it reads as a descriptor of payloads",
        ),
        (
            "#roster-file",
            "is no roster: it reads as a descriptor of payloads",
        ),
        ("#headers-file", "is no file of block headers"),
    ] {
        browser.put(place, &[("labels.json", file)]).await;
        browser.reads("#problem", words).await;
    }
    assert_eq!(lines(&browser).await, 0);

    // Approved itself, it is a payload, and describes not even itself.
    shown(&browser, &approval_of(&own)).await;
    assert_eq!(lines(&browser).await, 0);
    let cards = browser.read("#cards").await;
    assert!(
        cards.contains("fields[0].label") && cards.contains("Payee"),
        "{cards}"
    );

    // A link brings something to check.
    shown(&browser, &approval).await;
    browser.follow_link(&own).await;
    browser.verdict("MALFORMED").await;
    browser.give(&[("approval.json", bundle.as_bytes())]).await;
    browser.verdict("VERIFIED").await;
    assert_eq!(lines(&browser).await, 0);

    // In its own place it is one, by dropping and pasting as well.
    browser
        .drop_on("[data-place=descriptor]", &[("labels.json", file)])
        .await;
    browser
        .reads("#cards p.labels", "Labels and order are from")
        .await;
    browser.press("Remove labels").await;
    browser.paste_on("#descriptor-file", &own).await;
    browser.reads("#cards p.labels", "pasted text").await;
    browser.end().await;
}

/// A text of this descriptor with one part replaced.
fn with(path: &str, value: Value) -> String {
    let mut file: Value = serde_json::from_str(&own()).unwrap();
    *file.pointer_mut(path).unwrap() = value;
    file.to_string()
}

fn with_member(path: &str, key: &str) -> String {
    let mut file: Value = serde_json::from_str(&own()).unwrap();
    file.pointer_mut(path).unwrap()[key] = json!("more");
    file.to_string()
}

fn without_member(path: &str, key: &str) -> String {
    let mut file: Value = serde_json::from_str(&own()).unwrap();
    let members = file.pointer_mut(path).unwrap().as_object_mut().unwrap();
    members.remove(key).unwrap();
    file.to_string()
}

/// Each file that is none, and the words that say why.
fn wrong() -> Vec<(String, &'static str)> {
    let label = |text: &str| with("/fields/1/label", json!(text));
    let look = "which is not what it looks like";
    let length = "its field 2 has no label of 1 to 40 characters";
    let pointer = "its field 2 has no JSON pointer";
    let field = json!({ "label": "x", "pointer": "/x" });
    let many: Vec<Value> = (0..65)
        .map(|i| json!({ "label": "x", "pointer": format!("/{i}") }))
        .collect();
    vec![
        ("Payee: /to".into(), "no strict JSON"),
        (
            own().replacen('{', "{\"action\":\"x\",", 1),
            "the key \"action\" for the second time",
        ),
        (format!("\u{feff}{}", own()), "a byte order mark"),
        ("[]".into(), "its “type” is not “cosignet.descriptor/v1”"),
        ("null".into(), "its “type” is not"),
        (
            with("/type", json!("cosignet.descriptor/v2")),
            "its “type” is not",
        ),
        (
            with_member("", "unit"),
            "it has \"unit\", which a descriptor does not have",
        ),
        (
            with_member("", "x\u{202e}y"),
            "it has \"x\\u{202e}y\", which",
        ),
        (without_member("", "action"), "it has no “action”"),
        (without_member("", "fields"), "it has no “fields”"),
        (with("/action", json!(7)), "its “action” is no name"),
        (with("/action", json!("")), "its “action” is no name"),
        (
            with("/action", json!("pay\u{200b}")),
            "its “action” is no name",
        ),
        (
            with("/action", json!("\u{e9}".repeat(101))),
            "its “action” is no name",
        ),
        (
            with("/fields", json!({})),
            "its “fields” are no list of 1 to 64",
        ),
        (
            with("/fields", json!([])),
            "its “fields” are no list of 1 to 64",
        ),
        (
            with("/fields", json!(many)),
            "its “fields” are no list of 1 to 64",
        ),
        (with("/fields/1", json!("/to")), "its field 2 is no object"),
        (with("/fields/1", json!([])), "its field 2 is no object"),
        (
            with("/fields", json!([field, field])),
            "its field 2 names \"/x\" for the second time",
        ),
        (
            with_member("/fields/1", "hide"),
            "its field 2 has \"hide\", which a descriptor does not have",
        ),
        (
            without_member("/fields/1", "label"),
            "its field 2 has no “label”",
        ),
        (
            without_member("/fields/1", "pointer"),
            "its field 2 has no “pointer”",
        ),
        (with("/fields/1/pointer", json!("amount")), pointer),
        (with("/fields/1/pointer", json!("/a~2b")), pointer),
        (with("/fields/1/pointer", json!("/a~")), pointer),
        (with("/fields/1/pointer", json!(1)), pointer),
        (label(""), length),
        (label(&"x".repeat(41)), length),
        (with("/fields/1/label", json!(["Amount"])), length),
        (
            label("Amount\u{202e}"),
            "its field 2 has the label \"Amount\\u{202e}\", which is not",
        ),
        (label("Am\u{200b}ount"), look),
        (label("\u{2066}Amount\u{2069}"), look),
        (label("Amount\n"), look),
        (label("Am\u{a0}ount"), look),
        (label("\u{301}"), look),
        (label(" \u{301}x"), look),
        (label("\"\u{301}"), look),
        (label("x\u{301}\u{301}\u{301}\u{301}\u{301}"), look),
        (label("a   b"), look),
        (label(" Amount"), look),
        (label("Amount "), look),
        (label("\u{3164}"), look),
        (
            format!("{}{}", own(), " ".repeat(64 * 1024)),
            "a descriptor has at most 64 KiB",
        ),
        (
            Approval::sample(Algorithm::Es256)
                .policy
                .value()
                .to_string(),
            "is no descriptor: it reads as a trust policy",
        ),
        (
            Approval::sample(Algorithm::Es256).bundle.text(),
            "is no descriptor: it reads as an approval",
        ),
        (
            "cosignet.headers/v1 regtest 0\n".into(),
            "is no descriptor: it reads as a file of Bitcoin block headers",
        ),
    ]
}

#[tokio::test]
async fn what_is_no_descriptor_is_refused_and_leaves_the_page_as_it_was() {
    let browser = Browser::start().await;
    shown(&browser, &approval_of(PAYMENT)).await;
    describe(&browser, &own()).await;
    let state = "return ['#verdict', '#cards', '#payload', '#items', '#loaded', '#policy'] \
                 .map((css) => document.querySelector(css).textContent)";
    let before = browser.script(state, vec![]).await;
    for (text, words) in wrong() {
        browser
            .script(
                "document.querySelector('#problem').textContent = ''",
                vec![],
            )
            .await;
        browser
            .put("#descriptor-file", &[("bad.json", text.as_bytes())])
            .await;
        browser.reads("#problem", words).await;
        let problem = browser.read("#problem").await;
        assert!(
            problem.contains("bad.json is no descriptor") || problem.contains("bad.json has 64."),
            "{problem}"
        );
        assert_eq!(browser.script(state, vec![]).await, before, "{text}");
    }
    browser.state("labels-refused").await;
    let own = own();
    let both = [("a.json", own.as_bytes()), ("b.json", own.as_bytes())];
    browser.drop_on("[data-place=descriptor]", &both).await;
    browser
        .reads("#problem", "several files came at once")
        .await;
    assert_eq!(browser.script(state, vec![]).await, before);
    browser.end().await;
}

/// What a label may be, it may be: it stands in quotes, and does nothing.
#[tokio::test]
async fn a_label_is_a_text_and_never_more() {
    let browser = Browser::start().await;
    let labels = [
        ("/to", "<img src=x onerror=alert(1)>"),
        ("/amount", "VERIFIED by \"the” operator\\"),
        (
            "/action",
            "\u{5d0}\u{5d1} e\u{301} \u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22}",
        ),
    ];
    shown(&browser, &approval_of(PAYMENT)).await;
    describe(&browser, &descriptor("wire_transfer", &labels)).await;
    let names = "return [...document.querySelectorAll('#cards .facts dt')].map((dt) => \
                 [dt.children.length, dt.firstElementChild.className, dt.firstElementChild.textContent, dt.textContent])";
    let names = browser.script(names, vec![]).await;
    let expected = [
        ("“<img src=x onerror=alert(1)>”", "to"),
        ("“VERIFIED by \\\"the\\” operator\\\\”", "amount"),
        (
            "“\u{5d0}\u{5d1} e\u{301} \u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22}”",
            "action",
        ),
    ]
    .map(|(label, name)| json!([2, "name", label, format!("{label} {name}")]));
    assert_eq!(names, json!(expected));
    // Each apart from what stands around it, so that it reorders nothing there.
    let apart = "return [...document.querySelectorAll('#cards .facts dt .name > *, #cards .facts dt > bdi')] \
                 .every((node) => node.tagName === 'BDI') && document.querySelector('main img') === null";
    browser
        .until(apart, "no markup, and texts of their own")
        .await;
    browser.state("labels-that-speak").await;

    // 40 characters are a label, and more of them than letters take bytes.
    let long = "\u{1f600}".repeat(40);
    describe(&browser, &descriptor("wire_transfer", &[("/to", &long)])).await;
    browser.reads("#cards .facts dt", &long).await;
    browser.end().await;
}
