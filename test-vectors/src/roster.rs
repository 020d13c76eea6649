//! The roster: the payloads of its versions, and the file of their decisions.

use core::slice::from_ref;

use serde_json::{Value, json};

use crate::approval::DECIDED_AT_SECONDS;
use crate::decision::Decision;
use crate::encoding::{hex, sha256};
use crate::policy::{Approver, clauses};
use crate::tree::Hash;
use crate::{Draft, Ledger, Policy};

/// A version of a roster before it is written.
#[derive(Clone, Debug)]
pub struct Roster {
    /// `name`.
    pub name: String,
    /// `version`.
    pub version: u64,
    /// `previous`.
    pub previous: Option<Hash>,
    /// `require`: group and number.
    pub require: Vec<(String, u64)>,
    /// `admins`.
    pub admins: Vec<Approver>,
    /// `approvers`.
    pub approvers: Vec<Approver>,
}

impl Roster {
    /// The first version, whose successor wants `at_least` of the group `admins`.
    pub fn first(name: &str, at_least: u64, admins: &[Approver], approvers: &[Approver]) -> Self {
        Self {
            name: name.into(),
            version: 1,
            previous: None,
            require: vec![("admins".into(), at_least)],
            admins: admins.to_vec(),
            approvers: approvers.to_vec(),
        }
    }

    /// The only version of a roster that no vector contains, its file, and the policy that names
    /// its admin.
    pub fn apart() -> (Self, Value, Policy) {
        let key = |seed: &str| Approver::new(seed, &Draft::by(seed).passkey);
        let admin = key("apart admin").in_groups(&["admins"]);
        let roster = Self::first("apart", 1, from_ref(&admin), &[key("apart one")]);
        let mut ledger = Ledger::default();
        ledger.add(Draft::by("apart admin").approving(&roster.payload()));
        ledger.seal(DECIDED_AT_SECONDS + 5);
        let approval = ledger.approval(0);
        let mut policy = approval.policy.clone();
        policy.approvers.clear();
        policy.log = Some(ledger.tlog_policy());
        policy.roster = Some(roster.rule());
        (roster, chain(&[Decision::of(&[approval])]), policy)
    }

    /// The `roster` of a policy under which the admins of this version approve the first one.
    pub fn rule(&self) -> Value {
        let admins: Vec<Value> = self.admins.iter().map(Approver::value).collect();
        json!({"name": self.name, "admins": admins, "require": clauses(&self.require)})
    }

    /// The next version with these approvers.
    pub fn next(&self, approvers: &[Approver]) -> Self {
        Self {
            version: self.version + 1,
            previous: Some(sha256(&self.payload())),
            approvers: approvers.to_vec(),
            ..self.clone()
        }
    }

    /// The JSON structure.
    pub fn value(&self) -> Value {
        let keys =
            |list: &[Approver]| -> Vec<Value> { list.iter().map(Approver::in_roster).collect() };
        let mut value = json!({
            "admins": keys(&self.admins),
            "approvers": keys(&self.approvers),
            "name": self.name,
            "previous": self.previous.map(|hash| hex(&hash)),
            "require": clauses(&self.require),
            "type": "cosignet.roster/v1",
            "version": self.version,
        });
        value.sort_all_objects();
        value
    }

    /// The payload.
    pub fn payload(&self) -> Vec<u8> {
        self.value().to_string().into_bytes()
    }
}

/// The file of a roster: the decision about each version, the first one first.
pub fn chain(decisions: &[Decision]) -> Value {
    let decisions: Vec<Value> = decisions.iter().map(Decision::value).collect();
    let mut value = json!({"type": "cosignet.roster-chain/v1", "decisions": decisions});
    value.sort_all_objects();
    value
}
