//! Every sentence that asserts something, over all kinds of results: the report has the facts.
//!
//! The page is driven as its reader would drive it, once for each kind of result in the vectors;
//! the report that judges its words is made by the core on this machine.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, hex, sha256};
use verifier_core::hazmat::encoding::from_base64url;

use crate::browser::Browser;
use crate::vectors::{files, native};

/// Asks one question on the page after the other; what stands there then.
const ASK: &str = r##"
const done = arguments[arguments.length - 1];
const bytes = (encoded) => Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const $ = (css) => document.querySelector(css);
const text = (css) => $(css).textContent;
const until = async (there) => { for (let i = 0; !there(); i += 1) { if (i > 2000) throw new Error(`waited for ${there}: ${document.body.innerText.slice(0, 2000)}`); await new Promise((next) => setTimeout(next, 2)); } };
const drop = (css, name, content) => {
  const data = new DataTransfer();
  data.items.add(new File([content], name));
  $(css).dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
};
const press = (css, words) => [...document.querySelectorAll(`${css} button`)].find((button) => button.textContent === words)?.click();
const settled = () => $("#problem").hidden === false || document.documentElement.dataset.verdict !== "";
async function ask(input) {
  press("#policy", "Stop trusting this policy");
  for (let left; (left = $("#items button[aria-label^='Remove']")); ) left.click();
  const asked = input.expectations ?? {};
  for (const name of ["approvalId", "approver", "rpId", "payloadSha256"]) $(`#expect [name=${name}]`).value = asked[name] ?? "";
  $("#expect [name=time]").value = input.at ?? "";
  $("#expect-form").requestSubmit();
  if (input.policyText != null) {
    drop("#trust", "policy.json", input.policyText);
    await until(() => $(".offer-title") || !$("#problem").hidden);
    if (!$(".offer-title")) return null;
    press("#policy", "Use as my policy");
  }
  if (input.headers != null) { drop("[data-place=headers]", "headers", bytes(input.headers)); await until(() => text("#items").includes("Bitcoin headers") || !$("#problem").hidden); }
  if (input.payload != null) { drop("[data-place=payload]", "payload", bytes(input.payload)); await until(() => text("#items").includes("Payload you expect") || !$("#problem").hidden); }
  drop("#drop", "approval.json", input.bundleText);
  await until(settled);
  if (document.documentElement.dataset.verdict === "") return null;
  return Object.fromEntries(["verdict", "cards", "payload", "how", "checks", "tree"].map((id) => [id, text(`#${id}`)]));
}
(async () => {
  const out = [];
  for (const input of arguments[0]) out.push(await ask(input));
  return out;
})().then(done, (error) => done(String(error.stack)));
"##;

/// The same evidence asked about in several ways.
fn questions(case: &Value) -> Vec<Value> {
    let mut asked = case["input"].clone();
    if !asked["policy"].is_null() {
        asked["policyText"] = json!(asked["policy"].to_string());
    }
    let mut without = asked.clone();
    without["policyText"] = Value::Null;
    let mut other = asked.clone();
    other["payload"] = json!(b64url(&another_payload(&asked)));
    vec![asked, without, other]
}

/// The payload of the bundle with one more member, so that some fields differ and some do not.
fn another_payload(asked: &Value) -> Vec<u8> {
    let own = payload_at_hand(asked).unwrap_or_default();
    match serde_json::from_slice(&own) {
        Ok(Value::Object(mut members)) => {
            members.insert("another".into(), json!("member"));
            Value::Object(members).to_string().into_bytes()
        }
        _ => b"{}".to_vec(),
    }
}

/// Everything in a report that decides about words.
fn kind_of(report: &Value) -> String {
    let checks = report["checks"].as_array().unwrap();
    let ended = |check: &Value| format!("{}{}", check["status"], check["differencesLeftOut"]);
    let facts = ["approver", "log", "anchor"].map(|key| report[key].is_null());
    format!(
        "{}{:?}{facts:?}{}{}{}{}",
        report["verdict"],
        checks.iter().map(ended).collect::<Vec<_>>(),
        report["subject"]["payloadMatch"],
        report["subject"]["userVerified"],
        report["notLaterThanFrom"],
        report["log"]["witnesses"].as_array().map_or(0, Vec::len),
    )
}

/// The payload that the page shows: the one in the bundle, else the one that is expected.
fn payload_at_hand(input: &Value) -> Option<Vec<u8>> {
    let bundle: Value = serde_json::from_str(input["bundleText"].as_str()?).ok()?;
    let own = bundle["evidence"]["payload"].as_str();
    from_base64url(own.or(input["payload"].as_str())?).ok()
}

fn checks_of(report: &Value) -> impl Iterator<Item = &Value> {
    report["checks"].as_array().unwrap().iter()
}

/// A sentence, where it stands, and whether the report has what it says.
fn sentences(input: &Value, report: &Value) -> Vec<(&'static str, &'static str, bool)> {
    let status = |id: &str| {
        let check = checks_of(report).find(|check| check["id"] == id);
        check
            .and_then(|check| check["status"].as_str())
            .unwrap_or("")
    };
    let subject = &report["subject"];
    let signed = subject["payloadHash"].as_str();
    let shown = payload_at_hand(input).map(|payload| hex(&sha256(&payload)));
    let shown_is_signed = signed.is_some() && signed == shown.as_deref();
    let matches = |how: &str| subject["payloadMatch"] == how;
    let witnessed = report["log"]["witnesses"]
        .as_array()
        .is_some_and(|w| !w.is_empty());
    let binding = checks_of(report).find(|check| check["id"] == "payload.binding");
    let all_differences_are_named = binding.is_some_and(|check| {
        let some = check["differences"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        some && check["differencesLeftOut"] == 0
    });
    let from = report["notLaterThanFrom"].as_str().unwrap_or("");
    vec![
        (
            "verdict",
            "Everything that the policy requires was checked",
            report["verdict"] == "VERIFIED",
        ),
        (
            "verdict",
            "You may rely on it",
            report["verdict"] == "VERIFIED",
        ),
        (
            "verdict",
            " approved: ",
            report["verdict"] == "VERIFIED" && shown_is_signed && !report["approver"].is_null(),
        ),
        (
            "verdict",
            "(by the clocks of a quorum",
            ["quorum", "anchoredQuorum"].contains(&from),
        ),
        ("verdict", "(by block", from == "block"),
        (
            "verdict",
            "Checked under your policy",
            !report["policy"].is_null(),
        ),
        (
            "verdict",
            "Checked without any trust policy",
            report["policy"].is_null(),
        ),
        (
            "cards",
            "the one in this file",
            matches("bundle") || (signed.is_some() && !shown_is_signed),
        ),
        ("cards", "yours, byte for byte", matches("exact")),
        ("cards", "in another layout", matches("canonical")),
        ("cards", "the hash that you named", matches("sha256")),
        ("cards", "The payload itself says", shown_is_signed),
        (
            "cards",
            "of which only the hash is known",
            signed.is_some() && subject["payloadMatch"].is_null(),
        ),
        (
            "cards",
            "as your policy names it",
            !report["approver"].is_null(),
        ),
        (
            "cards",
            "nobody whom the policy lists",
            report["approver"].is_null() && !subject.is_null(),
        ),
        ("cards", "PIN or biometric", subject["userVerified"] == true),
        (
            "how",
            "kept on one device",
            subject["backupEligible"] == false,
        ),
        (
            "cards",
            "by the clocks of a quorum",
            ["quorum", "anchoredQuorum"].contains(&from),
        ),
        ("cards", "by block", from == "block"),
        (
            "cards",
            "in the chain that the policy knows",
            report["anchor"]["strength"] == "chain",
        ),
        ("cards", "counted from 0", !report["log"].is_null()),
        (
            "payload",
            "Its hash is the one that was signed",
            shown_is_signed && status("payload.binding") != "fail",
        ),
        (
            "payload",
            "It is what was signed, and not",
            shown_is_signed && status("payload.binding") == "fail",
        ),
        (
            "payload",
            "What was signed has the SHA-256",
            signed.is_some(),
        ),
        ("payload", "the same", all_differences_are_named),
        (
            "tree",
            "The log has signed that root",
            status("log.checkpoint") == "pass",
        ),
        ("tree", "✓ checkpoint", status("log.checkpoint") == "pass"),
        ("tree", "of your policy cosigned it", witnessed),
        ("tree", "✓ witness", witnessed),
        (
            "tree",
            "The quorum of your policy is met for it",
            report["log"].is_null() && status("log.quorum") == "pass",
        ),
        (
            "tree",
            "none was verified",
            !witnessed && status("log.quorum") != "pass",
        ),
        (
            "tree",
            "No witness has cosigned it",
            !witnessed && status("log.quorum") != "pass",
        ),
        (
            "tree",
            "By your policy no witness is required",
            !witnessed && status("log.quorum") == "pass",
        ),
        ("tree", "✓ block", status("anchor.chain") == "pass"),
        (
            "tree",
            "lead from this entry to the root",
            status("log.proof") != "fail",
        ),
        (
            "tree",
            "does not lead to the root",
            status("log.proof") == "fail",
        ),
    ]
}

#[tokio::test]
async fn every_sentence_has_its_fact() {
    let mut kinds = BTreeSet::new();
    let mut asked = Vec::new();
    for file in files("bundle") {
        let cases = file["cases"].as_array().unwrap().iter();
        // The page has no place for a roster yet.
        for case in cases.filter(|case| case["input"]["roster"].is_null()) {
            for input in questions(case) {
                let Ok(report) = serde_json::from_str::<Value>(&native(&input)) else {
                    continue; // a question that cannot be asked
                };
                if input["bundleText"].as_str().unwrap().len() < 1 << 16
                    && kinds.insert(kind_of(&report))
                {
                    asked.push((case["name"].to_string(), input, report));
                }
            }
        }
    }
    assert!(asked.len() > 100, "{} kinds", asked.len());

    let browser = Browser::start().await;
    browser.open_single().await;
    let mut said = BTreeSet::new();
    for some in asked.chunks(5) {
        let inputs: Vec<&Value> = some.iter().map(|(_, input, _)| input).collect();
        let answer = browser.driver.execute_async(ASK, vec![json!(inputs)]).await;
        let answer = answer.unwrap().json().clone();
        let pages = answer.as_array().unwrap_or_else(|| panic!("{answer}"));
        for ((name, input, report), page) in some.iter().zip(pages) {
            let verdict = page["verdict"]
                .as_str()
                .unwrap_or_else(|| panic!("{name}: no result"));
            assert!(
                verdict.starts_with(report["verdict"].as_str().unwrap()),
                "{name}: {verdict}"
            );
            for (part, sentence, holds) in sentences(input, report) {
                if page[part].as_str().unwrap().contains(sentence) {
                    said.insert(sentence);
                    assert!(
                        holds,
                        "{name}: “{sentence}” in {part}, and the report is {report}"
                    );
                }
            }
            let count =
                |part: &str, words: &str| page[part].as_str().unwrap().matches(words).count();
            let witnesses = report["log"]["witnesses"].as_array().map_or(0, Vec::len);
            assert_eq!(count("tree", "✓ witness"), witnesses, "{name}");
            let passed = report["checks"].as_array().unwrap().iter();
            let passed = passed.filter(|check| check["status"] == "pass").count();
            assert_eq!(count("checks", "✓"), passed, "{name}");
        }
    }
    // Each of them is said somewhere, so that none is watched in vain.
    for (_, sentence, _) in sentences(&asked[0].1, &asked[0].2) {
        assert!(
            said.contains(sentence),
            "no vector makes the page say “{sentence}”"
        );
    }
    browser.end().await;
}
