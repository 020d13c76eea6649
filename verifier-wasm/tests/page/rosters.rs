//! A roster has a place of its own: it is read as far as the policy says, and never becomes one.

use serde_json::json;
use test_vectors::encoding::{hex, sha256};
use test_vectors::{Decision, Roster, roster};
use verifier_core::policy::Policy;

use crate::browser::Browser;
use crate::staged::{Rostered, logged, member, rostered, yes};

async fn in_force(browser: &Browser) -> String {
    let script = "return document.querySelector('.policy.chosen')?.textContent ?? ''";
    let words = browser.script(script, vec![]).await;
    words.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_roster_is_read_where_its_reader_put_it_and_nowhere_else() {
    let Rostered {
        approval,
        roster,
        policy,
    } = rostered();
    let policy = policy.to_string();
    let own = hex(&Policy::from_json(policy.as_bytes()).unwrap().sha256());
    let (approval, roster) = (approval.as_bytes(), roster.as_bytes());
    let browser = Browser::start().await;
    browser.open_single().await;
    browser.trust("policy.json", policy.as_bytes()).await;
    browser.give(&[("approval.json", approval)]).await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("roster.missing"), "{said}");
    // The policy asks for one, so its place is in view.
    let place = browser.read("#roster").await;
    assert!(place.contains("leaves it to the roster acme"), "{place}");
    browser.state("roster-missing").await;

    // Beside the approval it waits: whoever hands over both could leave newer versions out.
    browser
        .give(&[("approval.json", approval), ("roster.json", roster)])
        .await;
    browser.reads("#items", "Not used yet").await;
    let items = browser.read("#items").await;
    for words in ["It reads as a roster", "acme", "version 1"] {
        assert!(items.contains(words), "{words}: {items}");
    }
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("roster.missing"), "{said}");
    browser.press("Use this roster").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("alice approved"), "{said}");
    assert!(in_force(&browser).await.contains(&own));

    // In its own place it is taken at once, with name, version and hash in view.
    browser.press("Remove roster.json").await;
    browser.verdict("INCOMPLETE").await;
    browser.put("#roster-file", &[("r.json", roster)]).await;
    browser.verdict("VERIFIED").await;
    let version = Roster::first(
        "acme",
        1,
        &[member("dan", &["admins"])],
        &[member("alice", &[])],
    );
    let hash = hex(&sha256(&version.payload()));
    browser.reads("#items", &hash).await;
    let loaded = "return document.querySelector('#loaded').textContent";
    let loaded = browser.script(loaded, vec![]).await;
    let loaded = loaded.as_str().unwrap();
    assert!(
        loaded.contains("roster acme 1") && loaded.contains(&hash),
        "{loaded}"
    );
    let command = browser.read("#raw .command").await;
    assert!(command.contains("--roster r.json"), "{command}");
    let limits = browser.read("#unproven").await;
    assert!(
        limits.contains("no newer version of the roster"),
        "{limits}"
    );
    browser.state("roster").await;

    // No place gives it another role, and its own takes nothing else.
    browser.put("#policy-file", &[("r.json", roster)]).await;
    browser
        .reads("#problem", "is no policy: it reads as a roster")
        .await;
    browser
        .put("#roster-file", &[("p.json", policy.as_bytes())])
        .await;
    browser
        .reads("#problem", "is no roster: it reads as a trust policy")
        .await;
    browser.put("#roster-file", &[("a.json", approval)]).await;
    browser
        .reads("#problem", "is no roster: it reads as an approval")
        .await;
    assert!(in_force(&browser).await.contains(&own));
    browser.verdict("VERIFIED").await;
    browser.end().await;
}

#[tokio::test]
async fn a_roster_that_the_admins_have_not_approved_counts_for_nothing() {
    let Rostered {
        approval, policy, ..
    } = rostered();
    // Made by somebody else, for the same people, under the same name.
    let dan = member("dan", &["admins"]);
    let first = Roster::first("acme", 1, &[dan], &[member("alice", &[])]);
    let mallory = test_vectors::Draft::by("mallory").approving(&first.payload());
    let forged = roster::chain(&[Decision::of(&logged([mallory, yes("alice")])[..1])]);
    let browser = Browser::start().await;
    browser.open_single().await;
    let policy = policy.to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    let forged = forged.to_string();
    browser
        .put("#roster-file", &[("roster.json", forged.as_bytes())])
        .await;
    browser
        .reads("#items", "It says that it is acme, version 1")
        .await;
    browser
        .give(&[("approval.json", approval.as_bytes())])
        .await;
    let said = browser.verdict("REJECTED").await;
    assert!(said.contains("roster.admins"), "{said}");
    browser.state("roster-forged").await;

    // Under a policy that lists its approvers nobody reads it.
    let plain = test_vectors::Approval::sample(test_vectors::Algorithm::Es256);
    browser.open_single().await;
    let policy = plain.policy.value().to_string();
    browser.trust("policy.json", policy.as_bytes()).await;
    browser
        .put("#roster-file", &[("roster.json", forged.as_bytes())])
        .await;
    let bundle = plain.bundle.text();
    browser.give(&[("approval.json", bundle.as_bytes())]).await;
    browser.verdict("VERIFIED").await;
    let open = "return document.querySelector('#roster').open";
    assert_eq!(browser.script(open, vec![]).await, json!(false));
    browser.end().await;
}
