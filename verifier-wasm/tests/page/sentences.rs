//! Every sentence that asserts something, over all kinds of results: the report has the facts.
//!
//! The page is driven as its reader would drive it, once for each kind of result in the vectors;
//! the report that judges its words is made by the core on this machine.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, hex, sha256};
use verifier_core::hazmat::encoding::from_base64url;
use verifier_core::roster::{Version, newest_payload};

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
  if (input.roster != null) { drop("[data-place=roster]", "roster", input.roster); await until(() => /(^|\s)Roster/.test(text("#items")) || !$("#problem").hidden); if (!$("#problem").hidden) return null; }
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
    if let Some(text) = asked["decisionText"].as_str() {
        asked["bundleText"] = json!(text);
    }
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

fn reads_as_roster(file: &str) -> bool {
    let payload = newest_payload(file.as_bytes());
    payload.is_some_and(|payload| Version::parse(&payload).is_ok())
}

/// Everything in a report that decides about words.
fn kind_of(report: &Value) -> String {
    let checks = report["checks"].as_array().unwrap();
    let ended = |check: &Value| format!("{}{}", check["status"], check["differencesLeftOut"]);
    let facts = ["approver", "log", "anchor"].map(|key| report[key].is_null());
    let people = &report["decision"];
    let count = |list: &Value| list.as_array().map_or(0, |list| list.len().min(2));
    let clauses = people["clauses"].as_array().into_iter().flatten();
    let short = clauses
        .filter(|clause| clause["missing"] != 0)
        .count()
        .min(1);
    let parts = report["approvals"].as_array().unwrap().iter();
    let parts: BTreeSet<String> = parts.map(|part| part["code"].to_string()).collect();
    format!(
        "{}{:?}{facts:?}{}{}{}{}{}{}{short}{parts:?}{}",
        report["verdict"],
        checks.iter().map(ended).collect::<Vec<_>>(),
        report["subject"]["payloadMatch"],
        report["subject"]["userVerified"],
        report["notLaterThanFrom"],
        report["log"]["witnesses"].as_array().map_or(0, Vec::len),
        count(&people["approvedBy"]),
        count(&people["refusedBy"]),
        report["signed"]["inTime"],
    )
}

/// The payload that the page shows: the one in the bundle, else the one that is expected.
fn payload_at_hand(input: &Value) -> Option<Vec<u8>> {
    let bundle: Value = serde_json::from_str(input["bundleText"].as_str()?).ok()?;
    let first = match &bundle["bundles"] {
        Value::Null => &bundle,
        bundles => &bundles[0],
    };
    let own = bundle["payload"]
        .as_str()
        .or(first["evidence"]["payload"].as_str());
    from_base64url(own.or(input["payload"].as_str())?).ok()
}

fn checks_of(report: &Value) -> impl Iterator<Item = &Value> {
    report["checks"].as_array().unwrap().iter()
}

/// The reports on the bundles of a decision, else the report itself.
fn parts_of(report: &Value) -> Vec<&Value> {
    let parts = report["approvals"].as_array().unwrap();
    match parts.is_empty() {
        true => vec![report],
        false => parts.iter().collect(),
    }
}

/// The check of the report, or of its bundles the one that ended worst.
fn check_of<'r>(report: &'r Value, id: &str) -> Option<&'r Value> {
    let named = |report: &'r Value| checks_of(report).find(|check| check["id"] == id);
    let of_parts: Vec<&Value> = parts_of(report).into_iter().filter_map(named).collect();
    let worst = |status: &str| of_parts.iter().find(|check| check["status"] == status);
    let open = || of_parts.iter().find(|check| check["status"] != "pass");
    named(report)
        .or_else(|| worst("fail").copied())
        .or_else(|| open().copied())
        .or_else(|| of_parts.first().copied())
}

/// A sentence, where it stands, and whether the report has what it says.
fn sentences(input: &Value, report: &Value) -> Vec<(&'static str, &'static str, bool)> {
    let status = |id: &str| {
        let check = check_of(report, id);
        check
            .and_then(|check| check["status"].as_str())
            .unwrap_or("")
    };
    let parts = parts_of(report);
    let any = |holds: &dyn Fn(&Value) -> bool| parts.iter().any(|part| holds(part));
    let several = !report["approvals"].as_array().unwrap().is_empty();
    let verified = any(&|part| !part["subject"].is_null());
    let subject = match (several, verified) {
        (true, true) => &report["decision"],
        (true, false) => &Value::Null,
        (false, _) => &report["subject"],
    };
    let refused = report["code"] == "decision.refused";
    let refusal = parts.iter().find(|part| part["code"] == "decision.refused");
    let timed = match refusal {
        Some(part) if refused => part,
        _ => report,
    };
    let people = &report["decision"];
    let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    let missing = people["clauses"].as_array().is_some_and(|clauses| {
        let short = clauses.iter().any(|clause| clause["missing"] != 0);
        short || clauses.is_empty() && !some(&people["approvedBy"])
    });
    let counted =
        |part: &Value| part["verdict"] == "VERIFIED" || !several && some(&people["approvedBy"]);
    let signed = subject["payloadHash"].as_str();
    let shown = payload_at_hand(input).map(|payload| hex(&sha256(&payload)));
    let shown_is_signed = signed.is_some() && signed == shown.as_deref();
    let matches = |how: &str| subject["payloadMatch"] == how;
    let witnessed = report["log"]["witnesses"]
        .as_array()
        .is_some_and(|w| !w.is_empty());
    let binding = check_of(report, "payload.binding");
    let all_differences_are_named = binding.is_some_and(|check| {
        let some = check["differences"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        some && check["differencesLeftOut"] == 0
    });
    let from = timed["notLaterThanFrom"].as_str().unwrap_or("");
    let known = !report["approver"].is_null() || some(&people["approvedBy"]);
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
            report["verdict"] == "VERIFIED" && shown_is_signed && known,
        ),
        ("verdict", " refused: ", refused && shown_is_signed),
        ("verdict", "has said no, and signed it", refused),
        ("cards", "✓ approved", any(&counted)),
        ("cards", "✕ refused", some(&people["refusedBy"])),
        ("cards", "… missing", missing),
        (
            "cards",
            "◐ does not count",
            any(&|part| part["verdict"] == "INCOMPLETE"),
        ),
        (
            "cards",
            "✕ does not hold",
            any(&|part| part["verdict"] == "REJECTED" && part["code"] != "decision.refused"),
        ),
        (
            "cards",
            "decided by then, as is proven",
            any(&|part| part["signed"]["inTime"] == true)
                && !any(&|part| counted(part) && part["signed"]["inTime"] != true),
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
            !report["approver"].is_null() && report["roster"].is_null(),
        ),
        (
            "cards",
            "of the roster names it",
            !report["approver"].is_null() && !report["roster"].is_null(),
        ),
        (
            "cards",
            "nobody whom the policy lists",
            report["approver"].is_null() && !subject.is_null() && status("roster").is_empty(),
        ),
        (
            "cards",
            "nobody whom the roster lets approve",
            report["approver"].is_null() && status("roster") == "pass",
        ),
        (
            "cards",
            "only a roster that holds says",
            ["fail", "incomplete"].contains(&status("roster")),
        ),
        ("cards", "PIN or biometric", subject["userVerified"] == true),
        (
            "how",
            "kept on one device",
            any(&|part| part["subject"]["backupEligible"] == false),
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
        (
            "cards",
            "counted from 0",
            any(&|part| !part["log"].is_null()),
        ),
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
    for file in files("bundle").into_iter().chain(files("decision")) {
        for case in file["cases"].as_array().unwrap() {
            // A file that is no roster is refused where it is put.
            let roster = case["input"]["roster"].as_str();
            if !roster.is_none_or(reads_as_roster) {
                continue;
            }
            let mut questions = questions(case);
            if questions[0]["bundleText"].as_str().unwrap().len() >= 1 << 16 {
                continue;
            }
            // Each bundle of a decision is a question of its own already.
            if !case["input"]["decisionText"].is_null() {
                questions.truncate(1);
            }
            for input in questions {
                let Ok(report) = serde_json::from_str::<Value>(&native(&input)) else {
                    continue; // a question that cannot be asked
                };
                if kinds.insert(kind_of(&report)) {
                    asked.push((case["name"].to_string(), input, report));
                }
            }
        }
    }
    println!("{} kinds of results", asked.len());
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
            let parts = report["approvals"].as_array().unwrap().iter();
            let checks = parts.chain([report]).flat_map(checks_of);
            let passed = checks.filter(|check| check["status"] == "pass").count();
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
