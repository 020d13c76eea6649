//! One log in which versions of a roster and the approvals under it come one after the other.

use serde_json::{Value, json};

use super::super::people::{PAYLOAD, SEALED_AT};
use super::super::sorted;
use crate::approval::uuid;
use crate::roster::chain;
use crate::{Approval, Decision, Draft, Ledger, Policy, Roster};

/// The log, and the indices at which each version was approved.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) ledger: Ledger,
    versions: Vec<Vec<usize>>,
}

/// An approval of a payload by the key with this seed, the id of which nobody else has.
pub(super) fn approval(seed: &str, label: &str, payload: &[u8]) -> Draft {
    let mut draft = Draft::by(seed);
    draft.approval_id = uuid(&format!("{seed} {label}"));
    draft.approving(payload)
}

impl Scene {
    /// The next version, approved by these.
    pub(super) fn version(&mut self, roster: &Roster, by: &[&str]) {
        self.payload(&roster.payload(), by);
    }

    pub(super) fn payload(&mut self, payload: &[u8], by: &[&str]) {
        let label = format!("version {}", self.versions.len());
        let drafts = by.iter().map(|seed| approval(seed, &label, payload));
        let indices = drafts.map(|draft| self.ledger.add(draft)).collect();
        self.versions.push(indices);
    }

    /// One more approval of the newest version, further down in the log.
    pub(super) fn late(&mut self, roster: &Roster, by: &str) {
        let label = format!("version {}", self.versions.len() - 1);
        let index = self.ledger.add(approval(by, &label, &roster.payload()));
        self.versions.last_mut().unwrap().push(index);
    }

    /// An ordinary approval, and its index.
    pub(super) fn approve(&mut self, seed: &str) -> usize {
        let label = format!("at {}", self.ledger.len());
        self.ledger.add(approval(seed, &label, PAYLOAD))
    }

    pub(super) fn seal(&mut self, minute: u64) {
        self.ledger.seal(SEALED_AT + 60 * minute);
    }

    /// The decision about each version.
    pub(super) fn decisions(&self) -> Vec<Decision> {
        let version = |indices: &Vec<usize>| {
            let all: Vec<Approval> = indices.iter().map(|i| self.ledger.approval(*i)).collect();
            Decision::of(&all)
        };
        self.versions.iter().map(version).collect()
    }

    /// The input of kind `bundle` that the approval at this index makes, with these versions.
    pub(super) fn asked(&self, index: usize, decisions: &[Decision], policy: &Policy) -> Value {
        json!({
            "bundleText": self.ledger.approval(index).bundle.text(),
            "policy": policy.value(),
            "roster": sorted(&chain(decisions)),
        })
    }
}

/// These versions, each approved by its admins.
pub(super) fn versions(list: &[(&Roster, &[&str])]) -> Vec<Decision> {
    let mut scene = Scene::default();
    for (roster, by) in list {
        scene.version(roster, by);
    }
    scene.seal(0);
    scene.decisions()
}
