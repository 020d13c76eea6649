//! Decisions of several people, and rosters, against the bare signatures in them.

use serde_json::json;
use test_vectors::roster::chain;
use test_vectors::{Algorithm, Approval, Approver, Context, Decision, Draft, Passkey, Roster};
use verifier_core::{AwsLc, Policy, Request, Verdict, verify};

use super::{ROUNDS, Sample, bare, median, samples, time};

const PEOPLE: [&str; 5] = ["ann", "bob", "cid", "dan", "eve"];
const VERSIONS: usize = 100;
const ADMINS: usize = 3;

pub(super) fn run() -> Result<(), String> {
    decision()?;
    roster()
}

/// Five approvals under one context, and a policy that wants all of them.
fn decision() -> Result<(), String> {
    let context = Context::numbered(1).text();
    let payload = br#"{"amount":"4200.00","to":"Acme GmbH"}"#;
    let by = |name: &&str| Draft::by(name).approving_under(&context, payload);
    let approvals = Approval::together(&PEOPLE.iter().map(by).collect::<Vec<_>>());
    let mut policy = policy_of(&approvals)?;
    policy.decision = Some(json!({"require": [{"group": "finance", "atLeast": 5}]}));
    policy.approvers = keys(&PEOPLE, "finance");
    let policy = parsed(&policy)?;
    let text = Decision::of(&approvals).text();
    let reports = || {
        let request = Request::new()
            .policy(&policy)
            .payload(payload)
            .crypto(&AwsLc);
        let report = verify(text.as_bytes(), &request);
        report.verdict() == Verdict::Verified && !report.to_json().is_empty()
    };
    compare("a decision of 5 approvals", &samples(&approvals)?, &reports)
}

/// A hundred versions in one log, each approved by three admins.
fn roster() -> Result<(), String> {
    let names = PEOPLE.get(..ADMINS).unwrap_or_default();
    let admins = keys(names, "admins");
    let mut version = Roster::first("acme", 3, &admins, &[]);
    let mut drafts = Vec::new();
    for _ in 0..VERSIONS {
        let payload = version.payload();
        drafts.extend(names.iter().map(|name| Draft::by(name).approving(&payload)));
        version = version.next(&[]);
    }
    let approvals = Approval::together(&drafts);
    let decisions: Vec<Decision> = approvals.chunks(ADMINS).map(Decision::of).collect();
    let file = chain(&decisions).to_string();
    let mut policy = policy_of(&approvals)?;
    policy.approvers.clear();
    policy.roster = Some(json!({
        "name": "acme",
        "require": [{"group": "admins", "atLeast": 3}],
        "admins": admins.iter().map(Approver::value).collect::<Vec<_>>(),
    }));
    let policy = parsed(&policy)?;
    let verified = || {
        let request = Request::new().policy(&policy).crypto(&AwsLc);
        verifier_core::Roster::verify(file.as_bytes(), &request).is_ok()
    };
    let name = format!("a roster of {VERSIONS} versions with {ADMINS} approvals each");
    compare(&name, &samples(&approvals)?, &verified)
}

fn keys(names: &[&str], group: &str) -> Vec<Approver> {
    let key = |name: &&str| {
        Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(&[group])
    };
    names.iter().map(key).collect()
}

fn policy_of(approvals: &[Approval]) -> Result<test_vectors::Policy, String> {
    let first = approvals.first().ok_or("nothing minted")?;
    Ok(first.policy.clone())
}

fn parsed(policy: &test_vectors::Policy) -> Result<Policy, String> {
    let json = policy.value().to_string();
    Policy::from_json(json.as_bytes()).map_err(|error| error.to_string())
}

fn compare(name: &str, samples: &[Sample], subject: &dyn Fn() -> bool) -> Result<(), String> {
    let bare = || bare(&AwsLc, samples);
    if !bare() || !subject() {
        return Err(format!("{name} does not verify"));
    }
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let (base, found) = (time(&bare), time(subject));
        ratios.push(found.as_secs_f64() / base.as_secs_f64());
    }
    let count: usize = samples.iter().map(|sample| sample.signatures.len()).sum();
    println!(
        "{name} costs {:.2} × its {count} bare signatures",
        median(&mut ratios)
    );
    Ok(())
}
