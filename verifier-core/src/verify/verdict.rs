//! From checks to a verdict.

use alloc::vec::Vec;

use super::{ASSERTION_CHECKS, Run, anchor, log};
use crate::check::{CheckId, Status};
use crate::code::Code;
use crate::entry::Act;
use crate::input::Input;
use crate::policy::LogRule;
use crate::report::Verdict;

/// The checks about a decision.
pub(super) const DECISION_CHECKS: [CheckId; 3] = [
    CheckId::DecisionBundles,
    CheckId::DecisionRefusal,
    CheckId::DecisionQuorum,
];

impl Run<'_> {
    /// Any failure rejects; anything missing leaves the verdict open; and VERIFIED needs every
    /// required check to be there and to have passed.
    pub(super) fn verdict(&self, required: &[CheckId]) -> (Verdict, Code) {
        let first = |status| self.checks.iter().find(|check| check.status == status);
        if let Some(check) = first(Status::Fail) {
            return (Verdict::Rejected, check.code.unwrap_or(Code::CheckMissing));
        }
        if let Some(check) = first(Status::Incomplete) {
            let code = check.code.unwrap_or(Code::CheckMissing);
            return (Verdict::Incomplete, code);
        }
        let passed = |id: &CheckId| self.status(*id) == Some(Status::Pass);
        match self.request.policy {
            None => (Verdict::Incomplete, Code::ApproverUnknownKey),
            Some(_) if required.iter().all(passed) => (Verdict::Verified, Code::Ok),
            Some(_) => (Verdict::Incomplete, Code::CheckMissing),
        }
    }

    /// The checks without which there is no VERIFIED for an input that is all there is.
    pub(super) fn required(&self, input: &Input) -> Vec<CheckId> {
        let mut ids = self.required_of_each(input);
        if self.trust.clauses.is_some() {
            ids.extend(DECISION_CHECKS);
        }
        ids
    }

    /// The checks without which one approval does not count.
    pub(super) fn required_of_each(&self, input: &Input) -> Vec<CheckId> {
        let mut ids = ASSERTION_CHECKS.to_vec();
        ids.extend([CheckId::EvidenceMatch, CheckId::ApproverKey]);
        match input {
            Input::Confirmation(_) => ids.push(CheckId::Expectation),
            _ => ids.push(CheckId::EntryForm),
        }
        if self.request.asks() {
            ids.push(CheckId::Expectation);
        }
        let Some(policy) = self.request.policy else {
            return ids;
        };
        if matches!(policy.log(), LogRule::Required(_)) {
            ids.extend(log::CHECKS);
        }
        if policy.anchor().required {
            ids.extend(anchor::CHECKS);
        }
        if self.trust.keys.are_in_roster() {
            ids.push(CheckId::Roster);
        }
        if self.trust.needs_context() {
            ids.push(CheckId::Context);
        }
        // The check of a refusal never passes where the entry is one.
        if self.act == Act::Refusal {
            ids.push(CheckId::DecisionRefusal);
        }
        ids
    }
}

#[cfg(test)]
mod tests {
    use test_vectors::{Algorithm, Approval};

    use super::*;
    use alloc::string::ToString as _;

    use crate::check::Check;
    use crate::policy::Policy;
    use crate::verify::{Request, Trust};

    /// The verdict on checks of which one did not come to `Pass`, and nothing says why.
    fn verdict(request: &Request<'_>, input: &Input, odd: Option<(CheckId, Status)>) -> Code {
        let check = |id: &CheckId| {
            let mut check = Check::pass(*id, "It passed.");
            match odd {
                Some((other, status)) if other == *id => check.status = status,
                _ => {}
            }
            check
        };
        let mut run = Run::new(request, Trust::of(request));
        run.checks = CheckId::ALL.iter().map(check).collect();
        let required = run.required(input);
        run.verdict(&required).1
    }

    #[test]
    fn a_check_that_is_simply_missing_has_a_code_of_its_own() {
        let approval = Approval::sample(Algorithm::Es256);
        let policy = Policy::from_json(approval.policy.value().to_string().as_bytes()).unwrap();
        let input = Input::parse(approval.bundle.text().as_bytes()).unwrap();
        let mut request = Request::default();
        assert_eq!(verdict(&request, &input, None), Code::ApproverUnknownKey);
        request.policy = Some(&policy);
        assert_eq!(verdict(&request, &input, None), Code::Ok);
        let required = Run::new(&request, Trust::of(&request)).required(&input);
        assert!(required.contains(&CheckId::PayloadBinding));
        for id in required {
            for status in [Status::NotChecked, Status::Skipped] {
                let code = verdict(&request, &input, Some((id, status)));
                assert_eq!(code, Code::CheckMissing, "{id} {status:?}");
                assert_ne!(code.effect(), crate::code::Effect::None);
            }
        }
    }
}
