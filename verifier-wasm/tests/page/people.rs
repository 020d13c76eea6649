//! Decisions: a row for each person, a refusal first, and who is missing.

use serde_json::json;
use test_vectors::Decision;

use crate::browser::Browser;
use crate::staged::{logged, member, no, refused, two_of_three, yes};

/// The page with a decision of these, under the policy that wants two of three.
async fn shown(browser: &Browser, decision: &Decision) {
    browser.open_single().await;
    let policy = two_of_three().value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    let text = decision.text();
    browser.give(&[("decision.json", text.as_bytes())]).await;
}

/// The rows, each as its words.
async fn rows(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('.people tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' ').trim())";
    let rows = browser.script(script, vec![]).await;
    serde_json::from_value(rows).unwrap()
}

fn first_two(decision: &Decision) -> Decision {
    let mut decision = decision.clone();
    decision.bundles.truncate(2);
    decision
}

/// SHA-256 of a person's key, as keys are shown everywhere.
fn fingerprint(name: &str) -> String {
    let key = test_vectors::encoding::sha256(&member(name, &[]).public_key);
    format!("SHA256:{}", test_vectors::encoding::b64url(&key))
}

#[tokio::test]
async fn each_person_has_a_row_on_the_first_screen() {
    let browser = Browser::start().await;
    browser.screen(1280, 800).await;
    shown(&browser, &first_two(&refused())).await;
    browser.verdict("VERIFIED").await;
    let view = browser.in_view().await;
    for words in [
        "alice and bob approved",
        "1001.00",
        "Acme GmbH",
        "DE89370400440532013000",
        "It takes 2 of finance",
        "Not later than",
        "2026-03-01 12:00:06Z",
        "You may rely on it",
        "agent-7",
        "witness.example/w1",
        "log.example/approvals",
        "What this does not prove",
        "used only once",
    ] {
        assert!(view.contains(words), "{words}: {view}");
    }
    let rows = rows(&browser).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    for (row, name, time) in [(&rows[0], "alice", "05Z"), (&rows[1], "bob", "06Z")] {
        let time = format!("2026-03-01 12:00:{time}");
        for words in ["✓ approved", name, "finance", &time, &fingerprint(name)] {
            assert!(row.contains(words), "{words}: {row}");
            assert!(
                view.contains(words.trim_start_matches("✓ ")),
                "{words}: {view}"
            );
        }
    }
    browser.state("decision").await;

    // Each is open to be looked at.
    let parts = "return [...document.querySelectorAll('#checks > .part > summary')].map((s) => s.innerText)";
    let parts = browser.script(parts, vec![]).await;
    assert_eq!(parts, json!(["alice: VERIFIED", "bob: VERIFIED"]));
    browser.click("#tree details summary").await;
    browser.reads("#tree", "The log has signed that root").await;
    let drawn = "return document.querySelectorAll('#tree svg').length === 1";
    browser.until(drawn, "one way is drawn").await;
    let how = browser.read("#how").await;
    assert!(how.contains("alice") && how.contains("EdDSA"), "{how}");

    // A change in one bundle is named with its number.
    let choose = "const s = document.querySelector('#break-part'); \
                  s.value = [...s.options].findIndex((o) => o.textContent.startsWith('bundle 2: the passkey')); \
                  s.dispatchEvent(new Event('change'))";
    browser.script(choose, vec![]).await;
    browser.press("Flip one bit").await;
    browser.reads("#break .outcome", "bundle 2, ").await;
    browser.verdict("REJECTED").await;
    assert!(self::rows(&browser).await[0].contains("does not hold"));
    browser.end().await;
}

#[tokio::test]
async fn a_decision_fits_a_phone() {
    let browser = Browser::start().await;
    browser.screen(390, 844).await;
    shown(&browser, &first_two(&refused())).await;
    browser.verdict("VERIFIED").await;
    let first = browser.in_view().await;
    for words in [
        "VERIFIED",
        "alice and bob approved",
        "1001.00",
        "Acme GmbH",
        "no later than",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    browser.script("scrollBy(0, innerHeight)", vec![]).await;
    let second = browser.in_view().await;
    let both = format!("{first}{second}");
    for words in [
        "It takes 2 of finance",
        "bob",
        &fingerprint("alice"),
        "What this does not prove",
    ] {
        assert!(both.contains(words), "{words}: {both}");
    }
    let fits = "return document.documentElement.scrollWidth <= 390";
    browser.until(fits, "nothing wider than the screen").await;
    browser.state("decision-phone").await;
    browser.end().await;
}

#[tokio::test]
async fn a_refusal_stands_first_and_outweighs_the_others() {
    let browser = Browser::start().await;
    browser.screen(1280, 800).await;
    shown(&browser, &refused()).await;
    let said = browser.verdict("REJECTED").await;
    for words in [
        "carol refused: ",
        "Somebody who was asked has said no",
        "no later than 2026-03-01 12:00:07Z",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let rows = rows(&browser).await;
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[0].starts_with("✕ refused carol"), "{rows:?}");
    assert!(rows[1].starts_with("✓ approved alice"), "{rows:?}");
    assert!(browser.in_view().await.contains("carol"));
    browser.state("decision-refused").await;

    // One refusal alone, without any decision, is somebody's no as well.
    let refusal = logged([no("carol")]).remove(0);
    let text = refusal.bundle.text();
    browser.give(&[("refusal.json", text.as_bytes())]).await;
    let said = browser.verdict("REJECTED").await;
    assert!(said.contains("carol refused: "), "{said}");
    browser.end().await;
}

#[tokio::test]
async fn who_is_missing_and_who_does_not_count_have_rows_of_their_own() {
    let browser = Browser::start().await;
    shown(&browser, &Decision::of(&logged([yes("alice")]))).await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("1 more of finance"), "{said}");
    let found = rows(&browser).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[1].starts_with("… missing 1 more person finance"),
        "{found:?}"
    );
    browser.state("decision-short").await;

    // A key that nobody knows, and a second key of alice's.
    let mut policy = two_of_three();
    let second = member("alice's key", &["finance"]).of_person("alice");
    policy.approvers.push(second);
    let drafts = [yes("alice"), yes("alice's key"), yes("stranger")];
    let decision = Decision::of(&logged(drafts)).text();
    browser.open_single().await;
    let policy = policy.value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    browser
        .give(&[("decision.json", decision.as_bytes())])
        .await;
    browser.verdict("INCOMPLETE").await;
    let found = rows(&browser).await;
    let has = |words: &[&str]| {
        let holds = |row: &&String| words.iter().all(|words| row.contains(words));
        assert!(found.iter().any(|row| holds(&row)), "{words:?}: {found:?}");
    };
    has(&["approved alice", "the same person, who counts once"]);
    has(&["does not count", "nobody known"]);
    has(&["missing", "1 more person"]);
    browser.end().await;
}

/// A single bundle under a policy that wants two is a decision of one.
#[tokio::test]
async fn one_bundle_under_such_a_policy_has_its_row_too() {
    let approval = logged([yes("bob")]).remove(0);
    let browser = Browser::start().await;
    browser.open_single().await;
    let policy = two_of_three().value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    let text = approval.bundle.text();
    browser.give(&[("approval.json", text.as_bytes())]).await;
    browser.verdict("INCOMPLETE").await;
    let found = rows(&browser).await;
    assert!(found[0].starts_with("✓ approved bob finance"), "{found:?}");
    assert!(found[1].contains("missing"), "{found:?}");

    // The table of several files names the people, too.
    let decision = first_two(&refused()).text();
    let refusal = refused().text();
    browser
        .give(&[
            ("both.json", decision.as_bytes()),
            ("no.json", refusal.as_bytes()),
        ])
        .await;
    browser.reads("#several", "2 approvals").await;
    let table = browser.read("#several").await;
    assert!(
        table.contains("alice, bob") && table.contains("carol refused"),
        "{table}"
    );
    browser.end().await;
}
