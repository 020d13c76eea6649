//! Decisions and a roster, as the page's samples and its tests have them.

use serde_json::{Value, json};
use test_vectors::{
    Algorithm, Approval, Approver, Context, Decision, Draft, Ledger, Passkey, Policy, Roster,
    roster,
};

/// The same payment as in the sample of one approval.
pub(crate) const PAYLOAD: &[u8] = br#"{"action":"wire_transfer","amount":"1001.00","currency":"EUR","iban":"DE89370400440532013000","to":"Acme GmbH"}"#;

/// When the heads are cosigned, and every how many seconds.
const SEALED_AT: u64 = test_vectors::approval::DECIDED_AT_SECONDS + 5;

/// A person with a key of the same name.
pub(crate) fn member(name: &str, groups: &[&str]) -> Approver {
    let mut approver = Approver::new(name, &Passkey::new(Algorithm::EdDsa, name)).in_groups(groups);
    approver.credential_id = None;
    approver
}

pub(crate) fn yes(name: &str) -> Draft {
    Draft::by(name).approving_under(&Context::numbered(1).text(), PAYLOAD)
}

pub(crate) fn no(name: &str) -> Draft {
    Draft::by(name).refusing(&Context::numbered(1).text(), PAYLOAD)
}

/// All in one log, each under a head of its own.
pub(crate) fn logged(drafts: impl IntoIterator<Item = Draft>) -> Vec<Approval> {
    let mut ledger = Ledger::default();
    for (draft, seconds) in drafts.into_iter().zip(SEALED_AT..) {
        ledger.add(draft);
        ledger.seal(seconds);
    }
    ledger.approvals_from(0)
}

fn policy(approvers: &[Approver]) -> Policy {
    let mut policy = Draft::by("alice").mint().policy;
    policy.approvers = approvers.to_vec();
    policy.log = Some(Ledger::default().tlog_policy());
    policy
}

/// Two of alice, bob and carol.
pub(crate) fn two_of_three() -> Policy {
    let people = ["alice", "bob", "carol"].map(|name| member(name, &["finance"]));
    let mut policy = policy(&people);
    policy.decision =
        Some(json!({"context": "required", "require": [{"atLeast": 2, "group": "finance"}]}));
    policy
}

/// alice and bob approve, carol refuses.
pub(crate) fn refused() -> Decision {
    Decision::of(&logged([yes("alice"), yes("bob"), no("carol")]))
}

/// An approval under a roster that lets alice approve, and the files that it takes.
pub(crate) struct Rostered {
    pub(crate) approval: String,
    pub(crate) roster: String,
    pub(crate) policy: Value,
}

/// The first version was made by dan; alice approved behind it.
pub(crate) fn rostered() -> Rostered {
    let dan = member("dan", &["admins"]);
    let first = Roster::first(
        "acme",
        1,
        std::slice::from_ref(&dan),
        &[member("alice", &[])],
    );
    let all = logged([Draft::by("dan").approving(&first.payload()), yes("alice")]);
    let mut policy = policy(&[]);
    policy.roster = Some(json!({
        "admins": [dan.value()],
        "name": "acme",
        "require": [{"atLeast": 1, "group": "admins"}],
    }));
    Rostered {
        approval: all[1].bundle.text(),
        roster: roster::chain(&[Decision::of(&all[..1])]).to_string(),
        policy: policy.value(),
    }
}
