//! Labels for fields, out of a file of the reader's: they stand beside the names that were signed, and
//! hide and decide nothing.

use serde_json::{Value, json};
use test_vectors::encoding::{hex, sha256};
use test_vectors::{Approval, Context, Draft};

use crate::answers::approval_of;
use crate::browser::Browser;

const PAYMENT: &str = r#"{"action":"wire_transfer","amount":"4200.00","currency":"EUR","reference":"Invoice 2026-117","to":{"iban":"DE89370400440532013000","name":"Acme GmbH"}}"#;

/// A descriptor with these pointers and labels.
pub(crate) fn descriptor(action: &str, fields: &[(&str, &str)]) -> String {
    let field = |(pointer, label): &(&str, &str)| json!({ "label": label, "pointer": pointer });
    let fields: Vec<Value> = fields.iter().map(field).collect();
    json!({ "action": action, "fields": fields, "type": "cosignet.descriptor/v1" }).to_string()
}

/// The page with this approval, VERIFIED under its own policy.
pub(crate) async fn shown(browser: &Browser, approval: &Approval) {
    browser.open_single().await;
    let policy = approval.policy.value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    let bundle = approval.bundle.text();
    browser.give(&[("approval.json", bundle.as_bytes())]).await;
    browser.verdict("VERIFIED").await;
}

/// Puts a descriptor in its place, and waits until the page says so.
pub(crate) async fn describe(browser: &Browser, descriptor: &str) {
    let files: &[(&str, &[u8])] = &[("labels.json", descriptor.as_bytes())];
    browser.put("#descriptor-file", files).await;
    let hash = hex(&sha256(descriptor.as_bytes()));
    let there = format!("return document.querySelector('#items').textContent.includes('{hash}')");
    browser.until(&there, "the descriptor is loaded").await;
}

/// How many lines say that there are labels, or that there would be.
pub(crate) async fn lines(browser: &Browser) -> Value {
    let script = "return document.querySelectorAll('p.labels').length";
    browser.script(script, vec![]).await
}

/// The text of an element, whatever the screen makes of it.
async fn whole(browser: &Browser, css: &str) -> String {
    let script = "return document.querySelector(arguments[0]).textContent";
    let text = browser.script(script, vec![json!(css)]).await;
    text.as_str().unwrap().to_owned()
}

/// The first screen's fields: what stands before each value, and the value.
async fn facts(browser: &Browser) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll('#cards .inside > .facts > dt')] \
                  .map((dt) => [dt.textContent, dt.nextElementSibling.textContent])";
    serde_json::from_value(browser.script(script, vec![]).await).unwrap()
}

/// The same of the whole payload.
async fn rows(browser: &Browser) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll('#payload .fields tbody tr')] \
                  .map((row) => [...row.children].map((cell) => cell.textContent))";
    serde_json::from_value(browser.script(script, vec![]).await).unwrap()
}

/// What a descriptor has no say in.
async fn decided(browser: &Browser) -> Vec<String> {
    let mut out = Vec::new();
    for css in [
        "#verdict",
        "#report-json",
        "#checks",
        "#unproven",
        "#raw .command",
        "#how",
    ] {
        out.push(whole(browser, css).await);
    }
    out
}

fn names(fields: &[(String, String)]) -> Vec<&str> {
    fields.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn labels_stand_beside_the_names_that_were_signed() {
    let browser = Browser::start().await;
    shown(&browser, &approval_of(PAYMENT)).await;
    let (before, plain) = (decided(&browser).await, facts(&browser).await);
    let own = [
        "action",
        "amount",
        "currency",
        "reference",
        "to.iban",
        "to.name",
    ];
    assert_eq!(names(&plain), own);

    let fields = [
        ("/to/name", "Payee"),
        ("/to/iban", "Account (IBAN)"),
        ("/vat", "VAT"),
        ("/amount", "Amount"),
    ];
    let file = descriptor("wire_transfer", &fields);
    describe(&browser, &file).await;
    let labelled = facts(&browser).await;
    let expected = [
        ("“Payee” to.name", "Acme GmbH"),
        ("“Account (IBAN)” to.iban", "DE89370400440532013000"),
        ("“Amount” amount", "4200.00"),
        ("action", "wire_transfer"),
        ("currency", "EUR"),
        ("reference", "Invoice 2026-117"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(labelled, expected);
    assert_eq!(rows(&browser).await, expected);
    assert_eq!(decided(&browser).await, before);

    // Whose words they are is said beside them, with the file and its hash.
    let hash = hex(&sha256(file.as_bytes()));
    for css in ["#cards p.labels", "#payload p.labels"] {
        let line = whole(&browser, css).await;
        for words in [
            "a descriptor that you chose: labels.json",
            &hash,
            "1 of its fields is not in this payload.",
        ] {
            assert!(line.contains(words), "{words}: {line}");
        }
    }
    let heading = whole(&browser, "#cards .inside h4").await;
    assert!(heading.contains("labels that you chose"), "{heading}");
    let loaded = whole(&browser, "#loaded").await;
    assert!(
        loaded.contains(&format!("labels labels.json {}", &hash[..8])),
        "{loaded}"
    );
    browser.state("labels").await;

    // On paper, in the dark, on a phone.
    let media = |media: &str, scheme: &str| {
        let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        json!({ "media": media, "features": scheme })
    };
    browser
        .cdp("Emulation.setEmulatedMedia", media("print", "light"))
        .await;
    let paper = browser.read("#cards p.labels").await;
    assert!(
        paper.contains(&hash) && !paper.contains("Remove"),
        "{paper}"
    );
    browser.picture("labels-printed").await;
    browser
        .cdp("Emulation.setEmulatedMedia", media("", "dark"))
        .await;
    browser.state("labels-dark").await;
    browser
        .cdp("Emulation.setEmulatedMedia", media("", "light"))
        .await;
    browser.screen(390, 844).await;
    let fits = "return document.documentElement.scrollWidth <= 390";
    browser.until(fits, "nothing wider than the screen").await;
    browser.state("labels-phone").await;

    // They are changed and removed where they stand, with the keyboard as well.
    let focus = "document.querySelector('#cards p.labels button').focus()";
    browser.script(focus, vec![]).await;
    let button = browser.driver.active_element().await.unwrap();
    button.send_keys(" ").await.unwrap();
    let there = "return document.activeElement.id === 'descriptor-file' \
                 && document.querySelector('#descriptor').open";
    browser.until(there, "the place of descriptors").await;
    browser.state("labels-place").await;
    describe(
        &browser,
        &descriptor("wire_transfer", &[("/currency", "Currency")]),
    )
    .await;
    assert_eq!(facts(&browser).await[0].0, "“Currency” currency");
    browser.press("Remove labels").await;
    browser
        .until("return !document.querySelector('p.labels')", "no labels")
        .await;
    assert_eq!(facts(&browser).await, plain);
    assert_eq!(decided(&browser).await, before);
    browser.end().await;
}

#[tokio::test]
async fn nothing_is_hidden_by_what_is_listed() {
    let browser = Browser::start().await;
    // More than fit: the amount and the payee are in view, and others are not.
    let many: String = (0..20).map(|i| format!(r#""a{i:02}":"x{i}","#)).collect();
    let payload = format!(r#"{{"action":"pay",{many}"amount":"10.00","to":"Acme"}}"#);
    shown(&browser, &approval_of(&payload)).await;
    let plain = facts(&browser).await;
    assert_eq!(plain.len(), 8);
    assert!(!names(&plain).contains(&"a17"), "{plain:?}");
    let fields = [("/a17", "Last"), ("/a00", "First"), ("/a18", "Fee")];
    describe(&browser, &descriptor("pay", &fields)).await;
    let labelled = facts(&browser).await;
    let expected = [
        "“Last” a17",
        "“First” a00",
        "“Fee” a18",
        "a01",
        "a02",
        "a03",
        "a04",
        "a05",
        "amount",
        "to",
    ];
    assert_eq!(names(&labelled), expected);
    // As before, whatever else is listed.
    for (name, _) in &plain {
        let ends =
            |(other, _): &(String, String)| other == name || other.ends_with(&format!(" {name}"));
        assert!(labelled.iter().any(ends), "{name}");
    }
    let rest = browser.read("#cards .inside details").await;
    assert_eq!(rest, "and 13 more");
    browser.click("#cards .inside summary").await;
    browser.reads("#cards .inside details", "a16").await;
    let rest = browser.read("#cards .inside details").await;
    assert!(!rest.contains("a17") && rest.contains("a19"), "{rest}");

    // The same of the table, which has its own end.
    let many: String = (0..299).map(|i| format!(r#""f{i:03}":{i},"#)).collect();
    shown(
        &browser,
        &approval_of(&format!(r#"{{{many}"action":"pay"}}"#)),
    )
    .await;
    let plain = rows(&browser).await;
    assert_eq!(plain.len(), 200);
    let fields = [("/f298", "Behind the end"), ("/f150", "Before it")];
    describe(&browser, &descriptor("pay", &fields)).await;
    let labelled = rows(&browser).await;
    assert_eq!(
        labelled[0],
        ("“Behind the end” f298".to_owned(), "298number".to_owned())
    );
    assert_eq!(labelled[1].0, "“Before it” f150");
    let others = plain.iter().filter(|(name, _)| name != "f150");
    assert!(labelled[2..].iter().eq(others), "{labelled:?}");
    let payload = whole(&browser, "#payload").await;
    assert!(
        payload.contains("Only 201 of 300 fields are shown."),
        "{payload}"
    );
    browser.end().await;
}

/// Pointers name places, whatever the keys look like; each label here is the value that it is for.
#[tokio::test]
async fn a_pointer_leads_to_its_own_field_and_to_no_other() {
    let payload = json!({
        "10": "ten", "9": "nine", "action": "pay", "a.b": "dot", "a/b": "slash", "a": { "b": "nested" },
        "m~n": "tilde", "m~1n": "tilde one", "": "empty", "__proto__": "proto", "\u{ff5e}": "wide",
        "\u{1f600}": "face", "list": [["x", "y"], "b", [], "d"], "none": {}, "after": null,
        "constructor": "made",
    });
    let fields = [
        ("/9", "nine"),
        ("/10", "ten"),
        ("/a.b", "dot"),
        ("/a~1b", "slash"),
        ("/a/b", "nested"),
        ("/m~0n", "tilde"),
        ("/m~01n", "tilde one"),
        ("/", "empty"),
        ("/__proto__", "proto"),
        ("/\u{ff5e}", "wide"),
        ("/\u{1f600}", "face"),
        ("/list/0/1", "y"),
        ("/list/3", "d"),
        ("/list/2", "[]empty array"),
        ("/none", "{}empty object"),
        ("/after", "nullnull"),
        ("/constructor", "made"),
    ];
    let nowhere = [
        "",
        "/list",
        "/list/01",
        "/list/-",
        "/list/4",
        "/a",
        "/none/x",
        "/toString",
        "/list/length",
        "/9/0",
    ];
    let mut all = fields.to_vec();
    all.extend(nowhere.map(|pointer| (pointer, "Nowhere")));
    let browser = Browser::start().await;
    shown(&browser, &approval_of(&payload.to_string())).await;
    let plain = rows(&browser).await;
    describe(&browser, &descriptor("pay", &all)).await;
    let labelled = rows(&browser).await;
    assert_eq!(labelled.len(), plain.len());
    for ((_, label), (name, value)) in fields.iter().zip(&labelled) {
        assert!(name.starts_with(&format!("“{label}” ")), "{name}");
        assert_eq!(label, value, "{name}");
    }
    let line = whole(&browser, "#payload p.labels").await;
    assert!(
        line.contains("10 of its fields are not in this payload"),
        "{line}"
    );
    browser.end().await;
}

#[tokio::test]
async fn a_descriptor_is_for_its_own_action_alone() {
    let browser = Browser::start().await;
    let fields = [("/amount", "Amount")];
    shown(&browser, &approval_of(PAYMENT)).await;
    let plain = facts(&browser).await;
    describe(&browser, &descriptor("refund", &fields)).await;
    let line = whole(&browser, "#cards p.labels").await;
    let words = "do not apply to this payload: they are for the action “refund”, and it is “wire_transfer”.";
    assert!(
        line.contains(words) && line.contains("labels.json, SHA-256"),
        "{line}"
    );
    assert_eq!(facts(&browser).await, plain);
    browser.state("labels-of-another-action").await;

    // A payload that names none, and one in which it is no text.
    for payload in [r#"{"amount":"1"}"#, r#"{"action":7,"amount":"1"}"#, "pay 1"] {
        shown(&browser, &approval_of(payload)).await;
        describe(&browser, &descriptor("7", &fields)).await;
        let line = whole(&browser, "#payload p.labels").await;
        assert!(line.contains("and it names none."), "{line}");
        assert!(!whole(&browser, "#cards").await.contains("“Amount”"));
    }

    // What was signed as the action of the request counts, not what the payload calls itself.
    let payload = br#"{"action":"refund","amount":"1"}"#;
    let context = Context::numbered(1).text();
    let approval = Draft::by("alice").approving_under(&context, payload).mint();
    shown(&browser, &approval).await;
    describe(&browser, &descriptor("refund", &fields)).await;
    let line = whole(&browser, "#cards p.labels").await;
    assert!(line.contains("and it is “wire_transfer”"), "{line}");
    describe(&browser, &descriptor("wire_transfer", &fields)).await;
    assert_eq!(facts(&browser).await[0].0, "“Amount” amount");

    // What is not in JSON has no fields.
    let approval = Draft::by("alice")
        .approving_under(&context, b"pay 1")
        .mint();
    shown(&browser, &approval).await;
    describe(&browser, &descriptor("wire_transfer", &fields)).await;
    let line = whole(&browser, "#cards p.labels").await;
    assert!(
        line.contains("1 of its fields is not in this payload"),
        "{line}"
    );
    browser.end().await;
}
