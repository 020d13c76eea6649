//! What a report says in words, held against what it says in facts: a second reading of
//! docs/spec/report.md, for every vector.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with the words of a report, under the policy that it was made by.
pub(crate) fn faults(report: &Value, policy: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let found: Vec<&str> = ids(report);
    let expected = match report["verdict"].as_str().unwrap() {
        "MALFORMED" => Vec::new(),
        _ => not_proven(report, policy),
    };
    if found.iter().collect::<BTreeSet<_>>() != expected.iter().collect()
        || found.len() != expected.len()
    {
        faults.push(format!("not proven are {found:?}, not {expected:?}"));
    }
    let texts = report["notProven"].as_array().unwrap();
    let texts: Vec<&str> = texts.iter().map(|text| text.as_str().unwrap()).collect();
    if texts.len() != found.len() || !texts.iter().all(|text| text.ends_with('.')) {
        faults.push("not every limit has its sentence".into());
    }
    let network = report["anchor"]["network"].as_str().unwrap_or_default();
    let mut both = found.iter().zip(&texts);
    if both.any(|(id, text)| *id == "block_cost" && !text.contains(network)) {
        faults.push(format!("nothing says what blocks of {network} cost"));
    }
    let summary = report["summary"].as_str().unwrap();
    if let Some(words) = words(report)
        .into_iter()
        .find(|words| !summary.contains(words))
    {
        faults.push(format!("{summary:?} does not say {words:?}"));
    }
    faults
}

fn ids(report: &Value) -> Vec<&str> {
    let ids = report["notProvenIds"].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap()).collect()
}

/// The limits that follow from the facts.
fn not_proven<'a>(report: &'a Value, policy: &Value) -> Vec<&'a str> {
    let parts = report["approvals"].as_array().unwrap();
    if !parts.is_empty() {
        let mut all: BTreeSet<&str> = parts.iter().flat_map(ids).collect();
        let counted = parts
            .iter()
            .filter(|part| part["verdict"] == "VERIFIED")
            .count();
        if counted > 1 && report["signed"].is_null() {
            all.insert("one_request");
        }
        return all.into_iter().collect();
    }
    let mut all = vec![
        "display",
        "single_use",
        "sole_control",
        "not_a_login",
        "claims",
    ];
    let mut say = |id, holds: bool| all.extend(holds.then_some(id));
    let (subject, signed) = (&report["subject"], &report["signed"]);
    let checks = report["checks"].as_array().unwrap();
    let mismatch = checks
        .iter()
        .any(|check| check["code"] == "payload.mismatch");
    say("one_device", subject["backupEligible"] == true);
    say("user_verified", subject["userVerified"] == false);
    let unknown = !subject.is_null() && subject["payloadMatch"].is_null();
    say("payload", unknown && !mismatch);
    say("request", !signed.is_null());
    say("in_time", !signed.is_null() && signed["inTime"] != true);
    say("newest_roster", !report["roster"].is_null());
    let log = policy["log"]["policy"].as_str();
    let witnessed = log.is_some_and(|log| !log.lines().any(|line| line.trim() == "quorum none"));
    say("logged", !policy.is_null() && log.is_none());
    say("same_tree", log.is_some() && !witnessed);
    let anchor = &report["anchor"];
    let lone = !anchor.is_null() && anchor["strength"] != "chain";
    say("block", lone);
    say(
        "block_cost",
        !anchor.is_null() && !lone && anchor["network"] != "mainnet",
    );
    let time = |value: &Value| {
        value
            .as_str()
            .map(|time| verifier_core::Time::parse(time).unwrap())
    };
    let proven = time(&report["notLaterThan"]);
    let claimed = time(&report["claimedByService"]["decidedAt"]);
    say("time", proven.is_none());
    let too_late = proven.zip(claimed).is_some_and(|(proven, claimed)| {
        // Two minutes for clocks.
        claimed > proven.saturating_add_millis(120_000)
    });
    say("claimed_time", too_late);
    say("exact_time", proven.is_some() && !too_late);
    all
}

/// What the sentence has to contain.
fn words(report: &Value) -> Vec<String> {
    let first = |status: &str| {
        let checks = report["checks"].as_array().unwrap().iter();
        let mut messages = checks.filter(|check| check["status"] == status);
        let message = messages
            .next()
            .map(|check| check["message"].as_str().unwrap());
        message
            .unwrap_or("A required check could not be made.")
            .to_owned()
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match report["verdict"].as_str().unwrap() {
        "MALFORMED" => vec!["Nothing can be concluded: ".into()],
        "INCOMPLETE" => vec![
            "Nothing failed, but a required check could not be made. ".into(),
            first("incomplete"),
        ],
        "REJECTED" => vec![first("fail")],
        "VERIFIED" => {
            let (subject, decision) = (&report["subject"], &report["decision"]);
            let whole = subject.is_null();
            let facts = if whole { decision } else { subject };
            let what = match facts["payloadMatch"].as_str() {
                Some("bundle") if whole => "exactly the payload in this decision".into(),
                Some("bundle") => "exactly the payload in this bundle".into(),
                Some("canonical") => "this JSON document (in another layout)".into(),
                Some("exact") => "exactly this payload".into(),
                Some("sha256") => "the payload with exactly this hash".into(),
                Some(other) => panic!("{other}"),
                None => {
                    let hash = facts["payloadHash"].as_str().unwrap();
                    format!("the payload with SHA-256 {hash}")
                }
            };
            let when = match report["notLaterThanFrom"].as_str() {
                Some("block") => " block ".into(),
                Some(_) => "(witnessed)".into(),
                None if report["claimedByService"]["decidedAt"].is_null() => {
                    "at a time that is not proven".into()
                }
                None => "says the service (not proven)".to_owned(),
            };
            let is_plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            // Of several people it is their names, of one alone that of the key.
            let who = match text(&report["approver"]["name"]) {
                Some(name) => vec![name],
                None => decision["approvedBy"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(text)
                    .collect(),
            };
            let who = who.into_iter().filter(is_plain);
            who.chain([format!(" approved {what}, "), when]).collect()
        }
        other => panic!("{other}"),
    }
}
