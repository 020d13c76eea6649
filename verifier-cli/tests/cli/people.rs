//! Several people, their keys, and the policies about them.

use serde_json::{Value, json};
use test_vectors::approval::{DECIDED_AT_SECONDS, uuid};
use test_vectors::encoding::b64url;
use test_vectors::{
    Algorithm, Approval, Approver, Bundle, Context, Draft, Ledger, Passkey, Policy,
};

/// The payload that all of them are asked to approve.
pub(crate) const PAYLOAD: &[u8] = br#"{"amount":"4200.00","to":"Acme GmbH"}"#;

/// The key with this seed, and a person of the same name.
pub(crate) fn member(name: &str, group: &str) -> Approver {
    Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(&[group])
}

/// That key as a text for `--key`.
pub(crate) fn key(name: &str) -> String {
    b64url(&member(name, "any").public_key)
}

/// A policy of these people, so many of whom have to approve.
pub(crate) fn of_people(names: &[&str], at_least: u64) -> Policy {
    let mut policy = plain_policy();
    policy.approvers = names.iter().map(|name| member(name, "finance")).collect();
    policy.decision = Some(json!({"require": [{"atLeast": at_least, "group": "finance"}]}));
    policy
}

/// A policy that leaves it to the roster "acme", version 1 of which takes two of these admins.
pub(crate) fn of_admins(names: &[&str]) -> Policy {
    let mut policy = plain_policy();
    policy.approvers.clear();
    let admins = names.iter().map(|name| member(name, "admins").value());
    policy.roster = Some(json!({
        "admins": admins.collect::<Vec<Value>>(),
        "name": "acme",
        "require": [{"atLeast": 2, "group": "admins"}],
    }));
    policy
}

fn plain_policy() -> Policy {
    let ledger = Ledger::default();
    let mut policy = Draft::by("nobody").policy(&ledger.log());
    policy.log = Some(ledger.tlog_policy());
    policy
}

/// An approval of a payload, by the key with this seed, the id of which nobody else has.
pub(crate) fn approving(seed: &str, payload: &[u8]) -> Draft {
    let mut draft = Draft::by(seed);
    draft.approval_id = uuid(&format!("{seed} on {}", String::from_utf8_lossy(payload)));
    draft.approving(payload)
}

/// An approval of [`PAYLOAD`] as an answer to one request.
pub(crate) fn yes(seed: &str) -> Draft {
    Draft::by(seed).approving_under(&Context::numbered(1).text(), PAYLOAD)
}

/// A refusal of the same.
pub(crate) fn no(seed: &str) -> Draft {
    Draft::by(seed).refusing(&Context::numbered(1).text(), PAYLOAD)
}

/// All in one log, under one head.
pub(crate) fn logged(drafts: impl IntoIterator<Item = Draft>) -> Vec<Bundle> {
    let mut ledger = Ledger::default();
    for draft in drafts {
        ledger.add(draft);
    }
    ledger.seal(DECIDED_AT_SECONDS + 5);
    let approvals: Vec<Approval> = ledger.approvals_from(0);
    approvals.into_iter().map(|one| one.bundle).collect()
}
