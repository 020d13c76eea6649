//! The people of the decisions and rosters below, their requests, and the policies about them.

use serde_json::{Value, json};

use super::sorted;
use crate::approval::{DECIDED_AT_SECONDS, ORIGIN, RP_ID};
use crate::encoding::b64url;
use crate::policy::clauses;
use crate::{Algorithm, Approval, Approver, Context, Decision, Draft, Ledger, Passkey, Policy};

/// What all of them are asked to approve.
pub(super) const PAYLOAD: &[u8] = br#"{"amount":"1001.00","to":"Acme GmbH"}"#;
/// When the head over their entries is cosigned.
pub(super) const SEALED_AT: u64 = DECIDED_AT_SECONDS + 5;

pub(super) fn passkey(seed: &str) -> Passkey {
    Passkey::new(Algorithm::EdDsa, seed)
}

/// The key with this seed, and a person of the same name.
pub(super) fn member(name: &str, groups: &[&str]) -> Approver {
    let mut approver = Approver::new(name, &passkey(name)).in_groups(groups);
    approver.credential_id = None;
    approver
}

/// ann of both groups, bob and cat of finance, dan of the board, and a second key of ann's.
pub(super) fn members() -> Vec<Approver> {
    vec![
        member("ann", &["board", "finance"]),
        member("bob", &["finance"]),
        member("cat", &["finance"]),
        member("dan", &["board"]),
        member("ann's key", &["finance"]).of_person("ann"),
    ]
}

/// A policy that trusts the samples' log, its one witness and these people.
pub(super) fn policy(approvers: &[Approver], decision: Option<Value>) -> Policy {
    Policy {
        name: "example".into(),
        payload: None,
        rp_ids: vec![RP_ID.into()],
        origins: vec![ORIGIN.into()],
        user_verification: None,
        cross_origin: None,
        top_origins: None,
        approvers: approvers.to_vec(),
        log: Some(Ledger::default().tlog_policy()),
        max_append_delay: None,
        anchor: None,
        decision,
        roster: None,
    }
}

/// The `decision` with these clauses.
pub(super) fn wanting(list: &[(&str, u64)]) -> Value {
    json!({"require": require(list)})
}

pub(super) fn require(list: &[(&str, u64)]) -> Vec<Value> {
    let list: Vec<(String, u64)> = list.iter().map(|(g, n)| ((*g).to_owned(), *n)).collect();
    clauses(&list)
}

pub(super) fn context() -> String {
    Context::numbered(1).text()
}

pub(super) fn yes(seed: &str) -> Draft {
    Draft::by(seed).approving_under(&context(), PAYLOAD)
}

pub(super) fn no(seed: &str) -> Draft {
    Draft::by(seed).refusing(&context(), PAYLOAD)
}

/// All in one log, under one head.
pub(super) fn together(drafts: impl IntoIterator<Item = Draft>) -> Vec<Approval> {
    let mut ledger = Ledger::default();
    for draft in drafts {
        ledger.add(draft);
    }
    ledger.seal(SEALED_AT);
    ledger.approvals_from(0)
}

/// A decision of these, and the input that it makes under a policy.
pub(super) fn decided(drafts: impl IntoIterator<Item = Draft>, policy: &Policy) -> Value {
    asked(&Decision::of(&together(drafts)).value(), policy)
}

pub(super) fn asked(decision: &Value, policy: &Policy) -> Value {
    json!({"decisionText": sorted(decision), "policy": policy.value()})
}

/// The same of one bundle.
pub(super) fn alone(draft: Draft, policy: &Policy) -> Value {
    let bundle = together([draft]).remove(0).bundle;
    json!({"bundleText": bundle.text(), "policy": policy.value()})
}

pub(super) fn given(bytes: &[u8]) -> Value {
    json!({"payload": b64url(bytes)})
}
