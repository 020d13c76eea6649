//! Evidence that tries to make the page say more than was found.

use serde_json::json;
use test_vectors::encoding::pseudo_random;
use test_vectors::note::NoteKey;
use test_vectors::{Algorithm, Approval, Ceremony, Draft, Passkey, Witness, approval};

use crate::browser::Browser;

/// An approval of alice's with this payload.
fn approval_of(payload: &[u8]) -> Approval {
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.payload = payload.to_vec();
    draft.ceremony = Ceremony::new(approval::RP_ID, approval::ORIGIN, &[7; 32], payload);
    draft.mint()
}

/// The page with this approval, under its own policy.
async fn shown(browser: &Browser, approval: &Approval) {
    browser.open_single().await;
    let policy = approval.policy.value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    let bundle = approval.bundle.text();
    browser.give(&[("approval.json", bundle.as_bytes())]).await;
}

/// The text of an element, also where it has to be scrolled to.
async fn whole(browser: &Browser, css: &str) -> String {
    let script = "return document.querySelector(arguments[0]).textContent";
    let text = browser.script(script, vec![json!(css)]).await;
    text.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_of_a_payload_is_left_out_in_silence() {
    let browser = Browser::start().await;
    let harmless = "A clause that is quite harmless. ".repeat(3000);
    let text = format!("{harmless}LAST CLAUSE: pay Mallory");
    shown(&browser, &approval_of(text.as_bytes())).await;
    browser.verdict("VERIFIED").await;
    let payload = whole(&browser, "#payload").await;
    assert!(payload.contains("LAST CLAUSE: pay Mallory"));
    // The file as a whole is cut, and says so.
    assert!(
        whole(&browser, "#raw")
            .await
            .contains("more characters are not shown here")
    );

    let mut bytes = vec![0xff; 5000];
    bytes[4999] = 7;
    shown(&browser, &approval_of(&bytes)).await;
    browser.verdict("VERIFIED").await;
    let payload = browser.read("#payload").await;
    assert!(
        payload.contains("first 1024 bytes; 3976 more are not shown"),
        "{payload}"
    );

    let many: String = (0..300).map(|i| format!("{i},")).collect();
    shown(&browser, &approval_of(format!("[{many}0]").as_bytes())).await;
    browser.verdict("VERIFIED").await;
    let payload = browser.read("#payload").await;
    assert!(payload.contains("Only the first 200 fields are shown"));

    let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(300));
    shown(&browser, &approval_of(long.as_bytes())).await;
    browser.verdict("VERIFIED").await;
    let card = browser.read("#cards .card").await;
    assert!(card.contains("20 characters more"), "{card}");
    browser.end().await;
}

#[tokio::test]
async fn the_same_is_said_of_fields_that_are() {
    let browser = Browser::start().await;
    let fields = |range: std::ops::Range<usize>, of: &str| -> String {
        range.map(|i| format!(r#""a{i}":"{of} {i}","#)).collect()
    };
    let approved = format!(r#"{{{}"amount":"1000000.00","same":1}}"#, fields(0..8, "x"));
    let expected = format!(r#"{{{}"amount":"10.00","same":1}}"#, fields(0..8, "y"));
    shown(&browser, &approval_of(approved.as_bytes())).await;
    browser.verdict("VERIFIED").await;
    browser
        .put("#payload-file", &[("wire.json", expected.as_bytes())])
        .await;
    browser.verdict("REJECTED").await;
    let payload = browser.read("#payload").await;
    assert!(
        payload.contains("1 more difference is not listed"),
        "{payload}"
    );
    assert!(!payload.contains("the same"), "{payload}");
    assert!(
        browser
            .read("#checks")
            .await
            .contains("1 more difference is not listed")
    );
    browser.state("more-differences").await;

    let expected = format!(r#"{{{}"amount":"10.00","same":1}}"#, fields(0..8, "x"));
    browser
        .put("#payload-file", &[("wire.json", expected.as_bytes())])
        .await;
    browser.reads("#payload", "10.00").await;
    let payload = browser.read("#payload").await;
    assert_eq!(payload.matches("the same").count(), 9, "{payload}");
    assert!(!payload.contains("not listed"), "{payload}");
    browser.end().await;
}

#[tokio::test]
async fn only_what_was_verified_has_a_tick() {
    let browser = Browser::start().await;
    let mut draft = Draft::sample(Algorithm::Es256);
    draft.quorum = 1;
    draft.cosigned.truncate(1);
    let honest = draft.witnesses[0].key.clone();
    let mut approval = draft.mint();
    // Anybody can write a line with this name.
    let proof = &mut approval.bundle.log_proof;
    for label in ["one", "two", "three"] {
        let other = NoteKey::new(&honest.name, honest.kind, pseudo_random(label));
        proof
            .lines
            .push(other.line(&proof.checkpoint, approval::DECIDED_AT_SECONDS));
    }
    shown(&browser, &approval).await;
    browser.verdict("VERIFIED").await;
    let tree = whole(&browser, "#tree svg").await;
    assert_eq!(tree.matches("✓ witness").count(), 1, "{tree}");
    assert_eq!(tree.matches("not verified").count(), 3, "{tree}");
    let words = browser.read("#tree").await;
    assert!(
        words.contains("1 witness of your policy cosigned it"),
        "{words}"
    );

    // Without a policy nothing has one.
    browser.press("Stop trusting this policy").await;
    browser.verdict("INCOMPLETE").await;
    let tree = whole(&browser, "#tree").await;
    assert!(
        !tree.contains('✓') && tree.contains("none was verified"),
        "{tree}"
    );
    browser.end().await;
}

#[tokio::test]
async fn the_words_of_a_payload_stand_apart() {
    let browser = Browser::start().await;
    let payload = r#"{"Payload":"yours, byte for byte","Key of":"alice"}"#;
    shown(&browser, &approval_of(payload.as_bytes())).await;
    browser.verdict("VERIFIED").await;
    let own =
        "return [...document.querySelectorAll('#cards .card > dl dt')].map((e) => e.textContent)";
    let own = browser.script(own, vec![]).await;
    let rows = own.as_array().unwrap();
    assert_eq!(
        rows.iter().filter(|row| **row == "Payload").count(),
        1,
        "{own}"
    );
    assert_eq!(
        rows.iter().filter(|row| **row == "Key of").count(),
        1,
        "{own}"
    );
    let inside = browser.read(".inside").await;
    assert!(inside.starts_with("The payload itself says"), "{inside}");
    assert!(inside.contains("byte for byte"), "{inside}");
    browser.state("payload-that-speaks").await;
    browser.end().await;
}

#[tokio::test]
async fn nothing_is_called_signed_that_nobody_signed() {
    let browser = Browser::start().await;
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.edit_entry =
        |entry| entry.credential_public_key = Passkey::new(Algorithm::Es256, "bob").public_key;
    let approval = draft.mint();
    shown(&browser, &approval).await;
    browser.verdict("REJECTED").await;
    for expected in [false, true] {
        if expected {
            browser
                .put("#payload-file", &[("wire.json", &approval.payload)])
                .await;
            browser.reads("#items", "Payload you expect").await;
        }
        let payload = browser.read("#payload").await;
        assert!(payload.contains("No signature was verified"), "{payload}");
        assert!(!payload.contains("the one that was signed"), "{payload}");
        let cards = browser.read("#cards").await;
        assert!(
            cards.contains("Unknown: no signature was verified"),
            "{cards}"
        );
        assert!(!cards.contains("itself says"), "{cards}");
    }
    // The hash that is expected is another: what was signed is in the file all the same.
    let approval = Approval::sample(Algorithm::Es256);
    shown(&browser, &approval).await;
    browser.verdict("VERIFIED").await;
    browser
        .script("document.querySelector('#expect').open = true", vec![])
        .await;
    browser
        .write("#expect [name=payloadSha256]", &"0".repeat(64))
        .await;
    browser.press("Check with these").await;
    browser.verdict("REJECTED").await;
    let payload = browser.read("#payload").await;
    assert!(
        payload.contains("It is what was signed, and not what you expect"),
        "{payload}"
    );
    browser.end().await;
}

#[tokio::test]
async fn names_are_delimited() {
    let browser = Browser::start().await;
    let mut draft = Draft::sample(Algorithm::Es256);
    let speaking = "2\u{2800}of\u{2800}w1,\u{2800}w2,\u{2800}w3";
    draft.witnesses = vec![Witness::new(
        speaking,
        "w\u{2800}9",
        pseudo_random("mallory"),
    )];
    draft.quorum = 1;
    draft.cosigned.truncate(1);
    draft.edit_policy = |policy| policy.name = "mine (SHA-256 00) “good”. All is well".into();
    let approval = draft.mint();
    let policy = approval.policy.value().to_string();
    browser.open_single().await;
    browser.trust("policy.json", policy.as_bytes()).await;
    let bundle = approval.bundle.text();
    let file = "approval.json VERIFIED  payroll.json";
    browser.give(&[(file, bundle.as_bytes())]).await;
    let said = browser.verdict("VERIFIED").await;
    assert!(
        said.contains("“mine (SHA-256 00) \\“good\\”. All is well” (SHA-256"),
        "{said}"
    );
    let framed = format!("“{}”", file);
    assert!(
        browser
            .read("#items")
            .await
            .contains("“approval.json VERIFIED")
    );
    assert!(whole(&browser, "#items").await.contains(&framed));
    for part in ["#policy", "#verdict", "#cards", "#tree", "#items"] {
        let text = whole(&browser, part).await;
        assert!(!text.contains(['\u{2800}', '\u{a0}']), "{part}: {text}");
    }
    let tree = whole(&browser, "#tree svg").await;
    assert!(tree.contains(r#"✓ witness"w\u{2800}9""#), "{tree}");
    let cards = browser.read("#cards").await;
    assert!(cards.contains("“wU+2800 braille blank9”"), "{cards}");
    browser.state("names-that-speak").await;
    browser.end().await;
}

/// The command is copied into a terminal.
#[tokio::test]
async fn no_name_of_a_file_is_an_option_or_another_file() {
    let browser = Browser::start().await;
    browser.open_single().await;
    let approval = Approval::sample(Algorithm::Es256);
    let (bundle, policy) = (approval.bundle.text(), approval.policy.value().to_string());
    browser.trust("a.json", policy.as_bytes()).await;
    browser.give(&[("-h.json", bundle.as_bytes())]).await;
    browser.verdict("VERIFIED").await;
    let command = browser.read("#raw .command").await;
    assert_eq!(command, "cosignet verify approval.json --policy a.json");
    browser
        .put("#payload-file", &[("A.json", &approval.payload)])
        .await;
    browser.reads("#raw .command", "--payload").await;
    let command = browser.read("#raw .command").await;
    assert!(
        command.ends_with("--policy a.json --payload other-A.json"),
        "{command}"
    );
    browser
        .script("document.querySelector('#expect').open = true", vec![])
        .await;
    browser.write("#expect [name=approver]", "--help").await;
    browser.press("Check with these").await;
    browser.verdict("REJECTED").await;
    let command = browser.read("#raw .command").await;
    assert!(command.contains("--approver=--help"), "{command}");
    browser.end().await;
}
