//! The samples of an empty page: what they show, and that nothing else is judged by their policy.

use test_vectors::{Algorithm, Approval, Draft};

use crate::browser::Browser;
use crate::staged;

const SOURCE: &str = include_str!("../../web/samples.js");

/// Anybody knows the keys, and the bytes are those that every vector is made of.
#[test]
fn the_samples_are_minted_from_known_seeds() {
    let approval = Draft::numbered(Algorithm::Es256, 1).mint();
    let constant = |name: &str| {
        let start = format!("const {name} = ");
        let line = SOURCE.lines().find_map(|line| line.strip_prefix(&start));
        let literal = line.unwrap().trim_end_matches(';');
        serde_json::from_str::<String>(literal).unwrap()
    };
    assert_eq!(constant("BUNDLE"), approval.bundle.text());
    let policy: serde_json::Value = serde_json::from_str(&constant("POLICY")).unwrap();
    assert_eq!(policy, approval.policy.value());

    assert_eq!(constant("DECISION"), staged::refused().text());
    let policy: serde_json::Value = serde_json::from_str(&constant("DECISION_POLICY")).unwrap();
    assert_eq!(policy, staged::two_of_three().value());
    let rostered = staged::rostered();
    assert_eq!(constant("ROSTERED"), rostered.approval);
    assert_eq!(constant("ROSTER"), rostered.roster);
    let policy: serde_json::Value = serde_json::from_str(&constant("ROSTER_POLICY")).unwrap();
    assert_eq!(policy, rostered.policy);
}

#[tokio::test]
async fn each_sample_has_a_policy_that_is_for_nothing_else() {
    let browser = Browser::start().await;
    let genuine = Draft::numbered(Algorithm::Es256, 2).mint().bundle.text();
    browser.open_single().await;

    browser.press("A good approval").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("in a sample of this page"), "{said}");
    assert!(said.contains("anybody can sign with them"), "{said}");
    assert!(!said.contains("your policy"), "{said}");
    assert!(browser.read("#sample").await.contains("It proves nothing"));
    browser.state("sample-good").await;

    // The same keys signed this one, and the sample's policy is gone with the sample.
    browser.give(&[("approval.json", genuine.as_bytes())]).await;
    browser.verdict("INCOMPLETE").await;
    assert_eq!(browser.read("#sample").await, "");
    assert!(
        browser
            .read("#policy")
            .await
            .contains("No trust policy yet")
    );

    browser.press("Remove approval.json").await;
    browser.press("One that was changed").await;
    let said = browser.verdict("REJECTED").await;
    assert!(
        said.contains("Expected") && said.contains("Found"),
        "{said}"
    );
    browser.state("sample-changed").await;
    browser.press("Check a file of yours").await;
    browser.press("One by an unknown key").await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("approver.unknown_key"), "{said}");
    browser.state("sample-unknown").await;

    // Several people, and a roster.
    for (sample, verdict, words) in [
        ("Two of three people", "VERIFIED", "alice and bob approved"),
        ("One that was refused", "REJECTED", "carol refused"),
        ("One under a roster", "VERIFIED", "alice approved"),
    ] {
        browser.open_single().await;
        browser.press(sample).await;
        let said = browser.verdict(verdict).await;
        assert!(said.contains(words), "{sample}: {said}");
        assert!(said.contains("anybody can sign with them"), "{said}");
    }
    browser.state("sample-roster").await;
    browser.press("Check a file of yours").await;
    let loaded = browser.read("#items").await;
    assert!(!loaded.contains("Roster"), "{loaded}");

    // Whatever comes in ends the sample: pasted, dropped, in a link.
    for way in ["pasted", "dropped", "link"] {
        browser.open_single().await;
        browser.press("A good approval").await;
        browser.verdict("VERIFIED").await;
        match way {
            "pasted" => browser.paste_on("body", &genuine).await,
            "dropped" => {
                let files: [(&str, &[u8]); 1] = [("a.json", genuine.as_bytes())];
                browser.drop_on("#verdict", &files).await;
            }
            _ => browser.follow_link(&genuine).await,
        }
        browser.verdict("INCOMPLETE").await;
    }

    // A reader's own policy rests while a sample is looked at, and is the only one afterwards.
    browser.open_single().await;
    let stranger = Draft::apart().mint();
    let own = Approval::sample(Algorithm::Es256)
        .policy
        .value()
        .to_string();
    browser.trust("mine.json", own.as_bytes()).await;
    browser.press("One by an unknown key").await;
    browser.verdict("INCOMPLETE").await;
    let bundle = stranger.bundle.text();
    browser.give(&[("b.json", bundle.as_bytes())]).await;
    let said = browser.verdict("INCOMPLETE").await;
    assert!(said.contains("your policy example"), "{said}");
    browser.give(&[("a.json", genuine.as_bytes())]).await;
    browser.verdict("VERIFIED").await;
    browser.end().await;
}
