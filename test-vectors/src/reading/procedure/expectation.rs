//! The check about the question of the caller (docs/spec/verification.md, *Expectations*).

use super::verdict::is_incomplete;
use super::{Claim, Course};
use crate::encoding::sha256;

impl Course<'_> {
    pub(super) fn asks(&self) -> bool {
        let question = self.question;
        question.approval_id.is_some() || question.approver.is_some() || question.rp_id.is_some()
    }

    /// Without a policy nobody has a name; under a roster somebody has one if it is known which
    /// versions could name the key.
    fn knows_names(&self) -> bool {
        let of_key = self.checks.iter().find(|check| check.id == "approver.key");
        let open = of_key.is_some_and(|check| {
            check.status == "skipped" || check.code == Some("approver.time_unproven")
        });
        self.trust.policy.is_some() && !(self.trust.has_roster() && open)
    }

    pub(super) fn expectation_without_claim(&mut self, confirmation: bool) {
        match (self.asks(), confirmation) {
            (true, _) => self.skip(&["expectation"]),
            (false, true) => self.pass("expectation"),
            (false, false) => self.leave(&["expectation"]),
        }
    }

    pub(super) fn expectation(&mut self, claim: &Claim<'_>) {
        if !self.asks() {
            return self.expectation_without_claim(claim.entry.is_none());
        }
        /// A code, or nothing that it could be compared with.
        enum Miss {
            Coded(&'static str),
            Skipped,
        }
        let mut misses = Vec::new();
        if let Some(id) = &self.question.approval_id {
            match claim.entry {
                None => misses.push(Miss::Coded("expectation.approval_id_missing")),
                Some(entry) if entry.approval_id_hash != sha256(id.as_bytes()) => {
                    misses.push(Miss::Coded("expectation.approval_id"));
                }
                Some(_) => {}
            }
        }
        if let Some(name) = &self.question.approver {
            match &self.facts.holder {
                Some(holder) if holder.name == *name => {}
                None if !self.knows_names() => misses.push(Miss::Skipped),
                _ => misses.push(Miss::Coded("expectation.approver")),
            }
        }
        if let Some(id) = &self.question.rp_id {
            let signed = claim.authenticator_data.first_chunk::<32>();
            let holds = match (claim.entry, signed) {
                (Some(entry), _) => Some(entry.rp_id == *id),
                (None, Some(hash)) => Some(*hash == sha256(id.as_bytes())),
                (None, None) => None,
            };
            match holds {
                Some(true) => {}
                Some(false) => misses.push(Miss::Coded("expectation.rp_id")),
                None => misses.push(Miss::Skipped),
            }
        }
        let fails = |miss: &&Miss| matches!(miss, Miss::Coded(c) if !is_incomplete(c));
        match misses.iter().find(fails).or(misses.first()) {
            None => self.pass("expectation"),
            Some(Miss::Coded(code)) => self.coded("expectation", code),
            Some(Miss::Skipped) => self.skip(&["expectation"]),
        }
    }
}
