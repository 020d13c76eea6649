//! Nothing that arrives gets a role that gives it trust: files have the role of the place where
//! their reader put them, and a policy is one by an act of its own.

use serde_json::json;
use test_vectors::{Algorithm, Approval, Ceremony, Draft};

use crate::browser::Browser;

/// A stranger's approval, and the policy that would accept it. It is called like the reader's.
struct Forged {
    bundle: String,
    policy: String,
}

fn forged() -> Forged {
    let forged = Draft::apart().mint();
    Forged {
        bundle: forged.bundle.text(),
        policy: forged.policy.value().to_string(),
    }
}

fn own_policy() -> String {
    Approval::sample(Algorithm::Es256)
        .policy
        .value()
        .to_string()
}

/// The SHA-256 that the page shows for a policy.
fn fingerprint(policy: &str) -> String {
    let policy = verifier_core::policy::Policy::from_json(policy.as_bytes()).unwrap();
    verifier_core::hazmat::encoding::hex(&policy.sha256())
}

/// The words in the box of the policy that is in force.
async fn in_force(browser: &Browser) -> String {
    let script = "return document.querySelector('.policy.chosen')?.innerText ?? ''";
    let words = browser.script(script, vec![]).await;
    words.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_policy_that_arrives_with_an_approval_is_at_most_offered() {
    let browser = Browser::start().await;
    let Forged { bundle, policy } = forged();
    let (bundle, policy) = (bundle.as_bytes(), policy.as_bytes());
    let own = own_policy();

    // Whichever way it comes in, and whatever it is called: chosen, dropped, pasted.
    for way in ["chosen", "dropped", "pasted", "alone"] {
        for reader_has_one in [false, true] {
            browser.open_single().await;
            if reader_has_one {
                browser.trust("mine.json", own.as_bytes()).await;
            }
            match way {
                "chosen" => {
                    browser
                        .give(&[("approval.json", bundle), ("payload.json", policy)])
                        .await;
                }
                "dropped" => {
                    let files = [("payload.json", policy), ("approval.json", bundle)];
                    browser.drop_on("#tree, main", &files).await;
                }
                "pasted" => {
                    browser.give(&[("approval.json", bundle)]).await;
                    browser.verdict("INCOMPLETE").await;
                    let text = std::str::from_utf8(policy).unwrap();
                    browser.paste_on("#result", text).await;
                }
                _ => {
                    browser.give(&[("payload.json", policy)]).await;
                    browser.reads("#items", "Not used yet").await;
                    browser.give(&[("approval.json", bundle)]).await;
                }
            }
            browser.reads("#items", "Not used yet").await;
            let said = browser.verdict("INCOMPLETE").await;
            assert!(!said.contains("Checked under the policy"), "{said}");
            assert_eq!(said.contains("your policy example"), reader_has_one);
            let in_force = in_force(&browser).await;
            let mine = match reader_has_one {
                true => fingerprint(&own),
                false => String::new(),
            };
            assert!(in_force.contains(&mine), "{in_force}");
            assert_eq!(in_force.is_empty(), !reader_has_one, "{in_force}");
            let offer = browser.read(".policy.offer").await;
            assert!(offer.starts_with("Not in force"), "{offer}");
            assert!(offer.contains("came with what is checked"), "{offer}");
        }
    }
    browser.state("policy-offered").await;
    let phone = json!({ "width": 390, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser
        .cdp("Emulation.setDeviceMetricsOverride", phone)
        .await;
    let fits = "return document.documentElement.scrollWidth <= 390";
    browser.until(fits, "nothing wider than the screen").await;
    browser.state("policy-offered-phone").await;
    browser.end().await;
}

#[tokio::test]
async fn a_policy_in_force_is_replaced_by_the_same_act_and_by_nothing_else() {
    let browser = Browser::start().await;
    browser.open_single().await;
    let (own, Forged { bundle, policy }) = (own_policy(), forged());
    let (old, new) = (fingerprint(&own), fingerprint(&policy));

    // In its place it is shown with its fingerprint, and is not in force before its reader says so.
    browser
        .put("#policy-file", &[("mine.json", own.as_bytes())])
        .await;
    browser.reads("#policy", "You chose example").await;
    assert_eq!(in_force(&browser).await, "");
    let offer = browser.read("#policy").await;
    assert!(
        offer.contains(&old) && offer.contains("mine.json"),
        "{offer}"
    );
    let focus = "return document.activeElement.classList.contains('offer-title')";
    browser.until(focus, "the focus is on the offer").await;
    browser.state("policy-chosen").await;
    browser.press("Use as my policy").await;
    browser.reads(".policy.chosen", &old).await;

    browser.give(&[("approval.json", bundle.as_bytes())]).await;
    browser.verdict("INCOMPLETE").await;
    browser
        .put("#policy-file", &[("new.json", policy.as_bytes())])
        .await;
    browser.reads(".policy.offer", "It would replace").await;
    let offer = browser.read(".policy.offer").await;
    assert!(offer.contains(&old) && offer.contains(&new), "{offer}");
    assert!(in_force(&browser).await.contains(&old));
    browser.verdict("INCOMPLETE").await;
    browser.state("policy-to-be-replaced").await;
    browser.press("Leave it out").await;
    assert!(in_force(&browser).await.contains(&old));

    // The act itself.
    browser
        .drop_on("#trust", &[("new.json", policy.as_bytes())])
        .await;
    browser.reads(".policy.offer", &new).await;
    browser.press("Replace my policy").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("your policy example"), "{said}");
    assert!(in_force(&browser).await.contains(&new));

    // One that was taken over from among the evidence keeps its origin in the verdict.
    browser.press("Stop trusting this policy").await;
    browser.verdict("INCOMPLETE").await;
    browser.give(&[("payload.json", policy.as_bytes())]).await;
    browser.reads(".policy.offer", &new).await;
    browser.press("Use as my policy").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(
        said.contains("which you took over from payload.json, a file that came with"),
        "{said}"
    );
    browser.end().await;
}

#[tokio::test]
async fn of_two_policies_in_one_drop_none_is_taken() {
    let browser = Browser::start().await;
    let (own, Forged { bundle, policy }) = (own_policy(), forged());
    let both: [(&str, &[u8]); 2] = [
        ("one.json", own.as_bytes()),
        ("two.json", policy.as_bytes()),
    ];
    for place in ["#trust", "#drop", "main"] {
        browser.open_single().await;
        browser.give(&[("approval.json", bundle.as_bytes())]).await;
        browser.verdict("INCOMPLETE").await;
        browser.drop_on(place, &both).await;
        browser
            .reads("#problem", "several policies came at once")
            .await;
        let problem = browser.read("#problem").await;
        assert!(
            problem.contains("one.json") && problem.contains("two.json"),
            "{problem}"
        );
        let policies = browser.read("#policy").await;
        assert!(!policies.contains("Not in force"), "{policies}");
        assert_eq!(in_force(&browser).await, "");
        browser.verdict("INCOMPLETE").await;
    }
    browser.end().await;
}

#[tokio::test]
async fn a_policy_can_be_the_payload_and_stays_one() {
    // A change of policy, approved under the policy in force.
    let new = forged().policy;
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.payload = new.clone().into_bytes();
    draft.ceremony = Ceremony::new(
        test_vectors::approval::RP_ID,
        test_vectors::approval::ORIGIN,
        &[7; 32],
        new.as_bytes(),
    );
    let approval = draft.mint();
    let (own, bundle) = (own_policy(), approval.bundle.text());
    let browser = Browser::start().await;
    browser.open_single().await;
    browser.trust("mine.json", own.as_bytes()).await;
    browser.give(&[("approval.json", bundle.as_bytes())]).await;
    browser.verdict("VERIFIED").await;

    // In the place of the payload it is compared.
    browser
        .put("#payload-file", &[("next.json", new.as_bytes())])
        .await;
    browser.reads("#items", "Payload you expect").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("approved exactly this payload"), "{said}");
    let items = browser.read("#items").await;
    assert!(items.contains("It reads as a trust policy"), "{items}");
    assert!(in_force(&browser).await.contains(&fingerprint(&own)));
    let policies = browser.read("#policy").await;
    assert!(!policies.contains("Not in force"), "{policies}");

    // Among the evidence it waits, and no VERIFIED leaves it out without a word.
    browser.press("Remove next.json").await;
    browser.give(&[("other.json", own.as_bytes())]).await;
    let held = "return document.documentElement.dataset.verdict === 'HELD'";
    browser.until(held, "the verdict is held back").await;
    let said = browser.read("#verdict").await;
    assert!(
        said.contains("NO VERDICT YET") && said.contains("other.json"),
        "{said}"
    );
    assert!(!browser.read("#result").await.contains("VERIFIED"));
    browser.state("held-back").await;
    browser.press("It is the payload I expect").await;
    let said = browser.verdict("REJECTED").await;
    assert!(said.contains("not the one that was signed"), "{said}");
    assert!(in_force(&browser).await.contains(&fingerprint(&own)));

    // An approval, too, can be a payload.
    browser.press("Remove other.json").await;
    browser
        .put("#payload-file", &[("nested.json", bundle.as_bytes())])
        .await;
    browser.verdict("REJECTED").await;
    browser.end().await;
}

#[tokio::test]
async fn neither_headers_nor_links_give_trust() {
    let browser = Browser::start().await;
    browser.open_single().await;
    let approval = Approval::sample(Algorithm::Es256);
    let (own, bundle) = (own_policy(), approval.bundle.text());
    let headers: &[u8] = b"cosignet.headers/v1 regtest 0\n";
    browser.trust("mine.json", own.as_bytes()).await;
    browser
        .give(&[("approval.json", bundle.as_bytes()), ("headers", headers)])
        .await;
    browser.reads("#items", "Not used yet").await;
    let items = browser.read("#items").await;
    assert!(items.contains("Bitcoin block headers") && !items.contains("Bitcoin headers"));
    browser.press("Leave it out").await;
    let said = browser.verdict("VERIFIED").await;
    assert!(said.contains("your policy example"), "{said}");
    assert!(!browser.read("#raw .command").await.contains("--headers"));
    // In its own place it is taken, and named.
    browser
        .script("document.querySelector('#headers').open = true", vec![])
        .await;
    browser.put("#headers-file", &[("headers", headers)]).await;
    browser.reads("#items", "Bitcoin headers").await;
    browser
        .put("#headers-file", &[("approval.json", bundle.as_bytes())])
        .await;
    browser.reads("#problem", "no file of block headers").await;

    // An approval in the place of the policy is called what it is.
    browser
        .put("#policy-file", &[("approval.json", bundle.as_bytes())])
        .await;
    browser
        .reads("#problem", "is an approval by its look")
        .await;
    assert!(in_force(&browser).await.contains(&fingerprint(&own)));

    browser.press("Remove headers").await;
    browser.verdict("VERIFIED").await;

    // A link brings something to check, whatever it looks like.
    browser.follow_link(&forged().policy).await;
    browser.verdict("MALFORMED").await;
    assert!(in_force(&browser).await.contains(&fingerprint(&own)));
    assert!(!browser.read("#policy").await.contains("Not in force"));
    browser.end().await;
}

/// Several files, of which each could be the payload that is expected: a guess would be one of
/// them, and the other would be left out.
#[tokio::test]
async fn no_file_is_left_out_in_silence() {
    let browser = Browser::start().await;
    browser.open_single().await;
    let approval = Approval::sample(Algorithm::Es256);
    let bundle = approval.bundle.text();
    browser
        .give(&[
            ("approval.json", bundle.as_bytes()),
            ("a.json", &approval.payload),
            ("b.json", b"{}"),
        ])
        .await;
    browser
        .reads("#problem", "several files came that could be it")
        .await;
    let problem = browser.read("#problem").await;
    assert!(
        problem.contains("a.json") && problem.contains("b.json"),
        "{problem}"
    );
    assert!(!browser.read("#items").await.contains("Payload you expect"));

    // What else belongs to approvals and has no use here waits, too.
    let note = approval.bundle.log_proof.note();
    browser.give(&[("checkpoint", note.as_bytes())]).await;
    browser
        .reads("#items", "It reads as a signed checkpoint")
        .await;
    browser.end().await;
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[tokio::test]
async fn a_policy_is_the_same_in_every_form_that_editors_and_shells_write() {
    let browser = Browser::start().await;
    let approval = Approval::sample(Algorithm::Es256);
    let (bundle, policy) = (approval.bundle.text(), own_policy());
    let sha256 = fingerprint(&policy);
    let marked = format!("\u{feff}{policy}");
    let lines = serde_json::to_string_pretty(&approval.policy.value()).unwrap();
    let forms: [(&str, Vec<u8>); 5] = [
        ("utf8-bom", marked.clone().into_bytes()),
        ("utf16-le", utf16(&marked, u16::to_le_bytes)),
        ("utf16-be", utf16(&marked, u16::to_be_bytes)),
        ("crlf", lines.replace('\n', "\r\n").into_bytes()),
        (
            "no-last-newline",
            policy.trim_end().replace("\\n\",", "\",").into_bytes(),
        ),
    ];
    for (name, bytes) in &forms {
        browser.open_single().await;
        browser.trust(name, bytes).await;
        let in_force = in_force(&browser).await;
        assert!(in_force.contains(&sha256), "{name}: {in_force}");
        browser.give(&[("approval.json", bundle.as_bytes())]).await;
        browser.verdict("VERIFIED").await;

        // Beside an approval it is the same offer, and never a payload.
        browser.open_single().await;
        browser
            .give(&[("approval.json", bundle.as_bytes()), (name, bytes)])
            .await;
        browser.verdict("INCOMPLETE").await;
        let offer = browser.read(".policy.offer").await;
        assert!(offer.contains(&sha256), "{name}: {offer}");
        assert!(!browser.read("#items").await.contains("Payload you expect"));
    }
    // The text of the log's policy, within JSON, with the line ends of another system.
    let embedded = policy.replace("\\n", "\\r\\n");
    assert_ne!(embedded, policy);
    browser.open_single().await;
    browser
        .put("#policy-file", &[("p.json", embedded.as_bytes())])
        .await;
    browser
        .reads("#problem", "the line has a carriage return")
        .await;
    // Without the mark it is named.
    let bytes = utf16(&policy, u16::to_le_bytes);
    browser.open_single().await;
    browser.put("#policy-file", &[("p.json", &bytes)]).await;
    browser
        .reads("#problem", "UTF-16 without a byte order mark")
        .await;
    browser
        .give(&[("approval.json", bundle.as_bytes()), ("p.json", &bytes)])
        .await;
    browser.verdict("INCOMPLETE").await;
    browser
        .reads("#items", "UTF-16 without a byte order mark")
        .await;
    browser.end().await;
}

#[tokio::test]
async fn a_policy_says_whom_it_trusts_before_it_is_taken_over() {
    let approval = Approval::sample(Algorithm::Es256);
    let browser = Browser::start().await;
    browser.open_single().await;
    let offered = async |policy: &test_vectors::Policy| {
        let text = policy.value().to_string();
        browser
            .put("#policy-file", &[("policy.json", text.as_bytes())])
            .await;
        browser.reads("#policy", "You chose").await;
        let script = "const all = document.querySelector('.policy.offer details');\
            all.open = true; return all.innerText.replace(/\\s+/g, ' ')";
        let words = browser.script(script, vec![]).await;
        words.as_str().unwrap().to_owned()
    };

    let mut policy = approval.policy.clone();
    policy.approvers[0].person = Some("Alice A.".into());
    policy.approvers[0].groups = vec!["finance".into(), "board".into()];
    policy.decision = Some(json!({
        "audience": "payments.example",
        "require": [{"atLeast": 2, "group": "finance"}, {"atLeast": 1, "group": "board"}],
    }));
    let words = offered(&policy).await;
    for part in [
        "of “Alice A.”, for finance, board",
        "Decision 2 of finance and 1 of board",
        "Context required, for payments.example; the report says whether it was in time",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }

    let admins = [policy.approvers[1].clone().in_groups(&["admins"])];
    policy.approvers.clear();
    policy.decision = None;
    policy.roster = Some(json!({
        "admins": [admins[0].value()],
        "minVersion": 3,
        "name": "<i>acme</i>",
        "require": [{"atLeast": 1, "group": "admins"}],
    }));
    let words = offered(&policy).await;
    for part in [
        "Approvers those of the roster",
        "Roster “<i>acme</i>”, version 3 or newer; version 1 takes 1 of admins",
        "Admins bob (ES256) SHA256:",
        "Decision one approver is enough",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}
