//! `expectation`: what the caller asked for.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::claim::SigningClaim;
use super::trust::{Keys, Standing};
use super::{Request, Run};
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::confirmation::APPROVED;
use crate::encoding::{hex, sha256};
use crate::input::Input;
use crate::quote;

impl Run<'_> {
    pub(super) fn expectation(&mut self, input: &Input, claim: Option<&SigningClaim<'_>>) {
        const ID: CheckId = CheckId::Expectation;
        if let Some(check) = status(input) {
            return self.push(check);
        }
        let Request {
            approval_id: id,
            approver,
            rp_id: rp,
            ..
        } = *self.request;
        let asked = self.request.asks();
        let Some(claim) = claim.filter(|_| asked) else {
            return match (asked, input) {
                (true, Input::Confirmation(_)) => self.skip(&[ID], CheckId::EvidenceMatch),
                (true, _) => self.skip(&[ID], CheckId::EntryForm),
                (false, Input::Confirmation(_)) => {
                    self.push(Check::pass(ID, "The service says that it was approved."));
                }
                (false, _) => {
                    self.push(Check::not_checked(
                        ID,
                        "You asked for nothing in particular.",
                    ));
                }
            };
        };
        let found: Vec<Check> = [
            id.and_then(|id| approval_id(input, claim, id)),
            approver.and_then(|name| self.approver(claim, name)),
            rp.and_then(|id| rp_id(claim, id)),
        ]
        .into_iter()
        .flatten()
        .collect();
        // Among several, one that failed is the one to report.
        let failed = found.iter().find(|check| check.status == Status::Fail);
        let check = failed.or(found.first()).cloned();
        self.push(check.unwrap_or_else(|| Check::pass(ID, "It is what you asked for.")));
    }

    fn approver(&self, claim: &SigningClaim<'_>, name: &str) -> Option<Check> {
        if self.request.policy.is_none() {
            // Nobody has a name.
            return Some(Check::skipped(CheckId::Expectation, CheckId::ApproverKey));
        }
        if matches!(self.trust.keys, Keys::NoRoster | Keys::BadRoster(_)) {
            return Some(Check::skipped(CheckId::Expectation, CheckId::Roster));
        }
        if matches!(claim.standing, Standing::Unplaced) {
            return Some(Check::skipped(CheckId::Expectation, CheckId::ApproverKey));
        }
        let found = claim.standing.approver();
        let found = found.map(|approver| approver.name.as_str());
        (found != Some(name)).then(|| {
            let found = found.map_or_else(|| "a key without a name in the policy".into(), quote);
            failed(Code::ExpectationApprover, quote(name), found)
        })
    }
}

fn approval_id(input: &Input, claim: &SigningClaim<'_>, id: &str) -> Option<Check> {
    let (Input::Bundle(bundle), Some(found)) = (input, claim.approval_id_hash) else {
        return Some(Check::coded(
            CheckId::Expectation,
            Code::ExpectationApprovalIdMissing,
        ));
    };
    (found != sha256(id.as_bytes())).then(|| {
        let found = match &bundle.evidence.approval_id {
            Some(stated) => quote(stated),
            None => format!("an id with sha256 {}", hex(&found)),
        };
        failed(Code::ExpectationApprovalId, quote(id), found)
    })
}

fn rp_id(claim: &SigningClaim<'_>, id: &str) -> Option<Check> {
    let found = match &claim.rp_id {
        Some(stated) => (stated != id).then(|| quote(stated))?,
        None => match claim.authenticator_data.first_chunk::<32>() {
            Some(signed) if *signed == sha256(id.as_bytes()) => return None,
            Some(signed) => format!("sha256 {}", hex(signed)),
            None => {
                let cause = CheckId::WebauthnAuthenticatorData;
                return Some(Check::skipped(CheckId::Expectation, cause));
            }
        },
    };
    Some(failed(Code::ExpectationRpId, quote(id), found))
}

fn status(input: &Input) -> Option<Check> {
    match input {
        Input::Confirmation(confirmation) if confirmation.status != APPROVED => Some(failed(
            Code::ExpectationStatus,
            quote(APPROVED),
            quote(&confirmation.status),
        )),
        _ => None,
    }
}

pub(super) fn failed(code: Code, expected: String, found: String) -> Check {
    Check::coded(CheckId::Expectation, code)
        .expected(expected)
        .found(found)
}
