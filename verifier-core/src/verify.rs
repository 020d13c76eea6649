//! The one front door: evidence, policy and expectations in, a report out.
//!
//! Every check runs, whatever the others say; a check whose subject another check has already
//! found missing or broken is skipped and says so.

mod anchor;
mod assertion;
mod block;
mod claim;
mod expectation;
mod log;
mod payload;
mod summary;

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use crate::bitcoin::chain::HeaderChain;
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::encoding::sha256;
use crate::entry::{self, Entry};
use crate::input::{self, Input};
use crate::kind::Kind;
use crate::policy::{LogRule, Policy};
use crate::report::{
    ApproverFacts, Bound, BoundSource, Claimed, Expected, Inputs, PolicyFacts, Report, Verdict,
};
use crate::signature::{Crypto, RustCrypto};
use crate::time::{CLOCK_ALLOWANCE_MILLIS, Time};
use crate::{Failure, plain};

pub use block::{StampReport, verify_stamp};

use anchor::Anchored;
use claim::Claim;
use log::LogFindings;

/// The caller's question: the policy, and the expectations. Every field can be set, and has a
/// method that sets it in a row with others:
///
/// ```
/// # use verifier_core::{Policy, Request};
/// fn about<'a>(policy: &'a Policy, payload: &'a [u8]) -> Request<'a> {
///     Request::new().policy(policy).payload(payload)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The policy: whom and what to trust. Without one no input is VERIFIED.
    pub policy: Option<&'a Policy>,
    /// The bringer of the policy, for the report: `caller` unless a front end knows better.
    pub policy_source: &'a str,
    /// The payload that should have been approved.
    pub payload: Option<&'a [u8]>,
    /// The SHA-256 of the payload that should have been approved.
    pub payload_sha256: Option<[u8; 32]>,
    /// The approval that this should be.
    pub approval_id: Option<&'a str>,
    /// The name, in the policy, of the approver that this should be from.
    pub approver: Option<&'a str>,
    /// The relying party id that this should be for.
    pub rp_id: Option<&'a str>,
    /// Bitcoin's headers, verified. They count as far as the policy knows the chain.
    pub headers: Option<&'a HeaderChain<'a>>,
    /// The moment to ask about. Nothing is compared with "now" unless it is given.
    pub at: Option<Time>,
    /// The back end for signatures.
    pub crypto: &'a dyn Crypto,
}

impl<'a> Request<'a> {
    /// Trusts nobody and expects nothing: no input is VERIFIED.
    pub fn new() -> Self {
        Self::default()
    }

    /// The trust policy.
    #[must_use]
    pub fn policy(self, policy: &'a Policy) -> Self {
        let policy = Some(policy);
        Self { policy, ..self }
    }

    /// The payload that should have been approved.
    #[must_use]
    pub fn payload(self, payload: &'a [u8]) -> Self {
        let payload = Some(payload);
        Self { payload, ..self }
    }

    /// The SHA-256 of the payload that should have been approved.
    #[must_use]
    pub fn payload_sha256(self, hash: [u8; 32]) -> Self {
        let payload_sha256 = Some(hash);
        Self {
            payload_sha256,
            ..self
        }
    }

    /// The approval that this should be: a lower-case UUID.
    #[must_use]
    pub fn approval_id(self, id: &'a str) -> Self {
        let approval_id = Some(id);
        Self {
            approval_id,
            ..self
        }
    }

    /// The name, in the policy, of the approver that this should be from.
    #[must_use]
    pub fn approver(self, name: &'a str) -> Self {
        let approver = Some(name);
        Self { approver, ..self }
    }

    /// The relying party id that this should be for.
    #[must_use]
    pub fn rp_id(self, id: &'a str) -> Self {
        let rp_id = Some(id);
        Self { rp_id, ..self }
    }

    /// Bitcoin's headers, verified.
    #[must_use]
    pub fn headers(self, headers: &'a HeaderChain<'a>) -> Self {
        let headers = Some(headers);
        Self { headers, ..self }
    }

    /// The moment to ask about.
    #[must_use]
    pub fn at(self, at: Time) -> Self {
        let at = Some(at);
        Self { at, ..self }
    }

    /// The back end for signatures.
    #[must_use]
    pub fn crypto(self, crypto: &'a dyn Crypto) -> Self {
        Self { crypto, ..self }
    }

    /// Whether the caller expects a certain approval; the payload is a question of its own.
    fn asks(&self) -> bool {
        self.approval_id.is_some() || self.approver.is_some() || self.rp_id.is_some()
    }

    /// Everything that the caller expects, for the report.
    fn expected(&self) -> Vec<Expected> {
        [
            (Expected::ApprovalId, self.approval_id.is_some()),
            (Expected::Approver, self.approver.is_some()),
            (Expected::Payload, self.payload.is_some()),
            (Expected::PayloadSha256, self.payload_sha256.is_some()),
            (Expected::RpId, self.rp_id.is_some()),
        ]
        .into_iter()
        .filter_map(|(what, given)| given.then_some(what))
        .collect()
    }
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self {
            policy: None,
            policy_source: "caller",
            payload: None,
            payload_sha256: None,
            approval_id: None,
            approver: None,
            rp_id: None,
            headers: None,
            at: None,
            crypto: &RustCrypto,
        }
    }
}

/// Verifies a bundle or an approval service's confirmation.
pub fn verify(input: &[u8], request: &Request<'_>) -> Report {
    let inputs = Inputs {
        bundle_sha256: sha256(input),
        payload_sha256: request.payload.map(sha256).or(request.payload_sha256),
    };
    match Input::parse(input) {
        Ok(input) => {
            let checks = Vec::new();
            let mut report = Run { request, checks }.report(&input, inputs);
            report.payload = signed_payload(input, &report);
            report
        }
        Err(error) => malformed(&error, Kind::of(input), request, inputs),
    }
}

/// The checks about the assertion and its payload.
const ASSERTION_CHECKS: &[CheckId] = &[
    CheckId::WebauthnKey,
    CheckId::WebauthnSignature,
    CheckId::WebauthnClientData,
    CheckId::WebauthnType,
    CheckId::WebauthnChallenge,
    CheckId::WebauthnOrigin,
    CheckId::WebauthnCrossOrigin,
    CheckId::WebauthnAuthenticatorData,
    CheckId::WebauthnRpId,
    CheckId::WebauthnUserPresence,
    CheckId::WebauthnUserVerification,
    CheckId::PayloadBinding,
];

/// One verification, and what it has found so far.
struct Run<'r> {
    request: &'r Request<'r>,
    /// In the order of reports.
    checks: Vec<Check>,
}

impl<'r> Run<'r> {
    fn report(mut self, input: &Input, inputs: Inputs) -> Report {
        let mut claimed = Claimed::default();
        let (claim, log, anchored) = match input {
            Input::Bundle(bundle) => {
                claimed.approval_id.clone_from(&bundle.evidence.approval_id);
                claimed.action.clone_from(&bundle.evidence.action);
                let entry = self.entry(&bundle.entry);
                claimed.decided_at = entry.as_ref().map(|entry| entry.decided_at);
                let log = self.log(&bundle.entry, &bundle.log_proof);
                let anchored = self.anchor(&bundle.entry, bundle.anchor.as_ref(), &log);
                let claim = entry.and_then(|entry| self.claim(entry, bundle, &mut claimed));
                (claim, log, anchored)
            }
            Input::Confirmation(confirmation) => {
                claimed.status = Some(confirmation.status.clone());
                self.no_log();
                let claim = self.confirmed(confirmation);
                (claim, LogFindings::default(), None)
            }
        };
        // Both heads contain the entry, and the block has the anchored one: the earliest says most.
        let own = log.head.as_ref().and_then(|head| head.time);
        let from = BoundSource::Quorum;
        let bound = own
            .map(|time| Bound { time, from })
            .into_iter()
            .chain(anchored.iter().flat_map(Anchored::bounds))
            .min_by_key(|bound| bound.time);
        let subject = claim.as_ref().and_then(|claim| self.assertion(claim));
        // A key that did not sign is nobody's approval.
        let signed = self.status(CheckId::WebauthnSignature) == Some(Status::Pass);
        let approver = claim
            .as_ref()
            .and_then(|claim| claim.approver)
            .filter(|_| signed);
        self.expectation(input, claim.as_ref());
        if let Some(claim) = &claim {
            self.approver_key(claim, bound.map(|bound| bound.time));
        }
        self.time(&claimed, &log, anchored.as_ref());

        let (verdict, code) = self.verdict(input);
        let mut report = Report {
            verdict,
            code,
            summary: Default::default(),
            subject,
            payload: None,
            approver: approver.map(|approver| ApproverFacts {
                name: approver.name.clone(),
                key_sha256: approver.key.sha256(),
            }),
            claimed,
            log: log.facts,
            anchor: anchored.and_then(|anchored| anchored.block),
            bound,
            expected: self.request.expected(),
            checks: self.checks,
            not_proven: Vec::new(),
            policy: policy_facts(self.request),
            inputs,
            at: self.request.at,
        };
        report.not_proven = summary::not_proven(&report, self.request.policy);
        report.summary = summary::sentence(&report);
        report
    }

    /// `entry.form`
    fn entry(&mut self, text: &str) -> Option<Entry> {
        const ID: CheckId = CheckId::EntryForm;
        match Entry::parse(text) {
            Ok(entry) => {
                self.push(Check::pass(ID, "The entry is in canonical form.").found(entry::TYPE));
                Some(entry)
            }
            Err(error) => {
                self.push(Check::failed(ID, &error));
                self.skip(&[CheckId::EvidenceMatch, CheckId::ApproverKey], ID);
                self.skip(ASSERTION_CHECKS, ID);
                None
            }
        }
    }

    /// `approver.key`
    fn approver_key(&mut self, claim: &Claim<'_>, bound: Option<Time>) {
        const ID: CheckId = CheckId::ApproverKey;
        let Some(approver) = claim.approver else {
            self.push(unknown_key(self.request.policy, claim));
            return;
        };
        let found = bound.map_or_else(|| "no proven time".into(), |time| time.to_string());
        let judged = |code| Check::coded(ID, code).found(found.clone());
        self.push(match (approver.not_before, approver.not_after, bound) {
            (Some(from), _, Some(bound)) if bound < from => {
                judged(Code::ApproverKeyNotYetValid).expected(format!("not before {from}"))
            }
            (_, Some(to), Some(bound)) if bound > to => {
                judged(Code::ApproverKeyExpired).expected(format!("not after {to}"))
            }
            (_, Some(to), None) => {
                judged(Code::ApproverTimeUnproven).expected(format!("not after {to}"))
            }
            _ => Check::pass(
                ID,
                format!("The policy lists this key as {}.", plain(&approver.name)),
            )
            .found(approver.key.fingerprint()),
        });
    }

    /// `time`
    fn time(&mut self, claimed: &Claimed, log: &LogFindings, anchored: Option<&Anchored>) {
        const ID: CheckId = CheckId::Time;
        let Some(at) = self.request.at else {
            self.push(Check::not_checked(ID, "You named no moment."));
            return;
        };
        let latest = at.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS);
        let witnesses = log.facts.iter().flat_map(|facts| &facts.witnesses);
        let times = witnesses
            .map(|witness| witness.time)
            .chain(anchored.into_iter().flat_map(Anchored::times))
            .chain(claimed.decided_at);
        self.push(match times.max() {
            Some(time) if time > latest => Check::coded(ID, Code::TimeInFuture)
                .expected(format!("not after {at}, give or take two minutes"))
                .found(time.to_string()),
            _ => Check::pass(
                ID,
                format!("No time in the evidence lies after {at}, give or take two minutes."),
            ),
        });
    }

    /// Any failure rejects; anything missing leaves the verdict open; and VERIFIED needs every
    /// required check to be there and to have passed.
    fn verdict(&self, input: &Input) -> (Verdict, Code) {
        let first = |status| self.checks.iter().find(|check| check.status == status);
        let code = |check: &Check| check.code.unwrap_or(Code::CheckMissing);
        if let Some(check) = first(Status::Fail) {
            return (Verdict::Rejected, code(check));
        }
        if let Some(check) = first(Status::Incomplete) {
            return (Verdict::Incomplete, code(check));
        }
        let passed = |id: &CheckId| self.status(*id) == Some(Status::Pass);
        match self.request.policy {
            None => (Verdict::Incomplete, Code::ApproverUnknownKey),
            Some(policy) if required(self.request, policy, input).iter().all(passed) => {
                (Verdict::Verified, Code::Ok)
            }
            Some(_) => (Verdict::Incomplete, Code::CheckMissing),
        }
    }

    /// How a check ended, if it has.
    fn status(&self, id: CheckId) -> Option<Status> {
        self.checks
            .iter()
            .find(|check| check.id == id)
            .map(|check| check.status)
    }

    fn push(&mut self, check: Check) {
        let place = self.checks.partition_point(|other| other.id <= check.id);
        self.checks.insert(place, check);
    }

    fn leave_out(&mut self, ids: &[CheckId], why: &str) {
        ids.iter()
            .for_each(|id| self.push(Check::not_checked(*id, why)));
    }

    fn skip(&mut self, ids: &[CheckId], cause: CheckId) {
        ids.iter()
            .for_each(|id| self.push(Check::skipped(*id, cause)));
    }
}

/// The checks without which there is no VERIFIED for this request under `policy`.
fn required(request: &Request<'_>, policy: &Policy, input: &Input) -> Vec<CheckId> {
    let mut ids = ASSERTION_CHECKS.to_vec();
    ids.extend([CheckId::EvidenceMatch, CheckId::ApproverKey]);
    match input {
        Input::Bundle(_) => ids.push(CheckId::EntryForm),
        Input::Confirmation(_) => ids.push(CheckId::Expectation),
    }
    if request.asks() {
        ids.push(CheckId::Expectation);
    }
    if matches!(policy.log(), LogRule::Required(_)) {
        ids.extend(log::CHECKS);
    }
    if policy.anchor().required {
        ids.extend(anchor::CHECKS);
    }
    ids
}

/// The payload in a bundle, if it is the one that was signed.
fn signed_payload(input: Input, report: &Report) -> Option<Vec<u8>> {
    // There is no match with anything if the bundle has another payload.
    report.subject.as_ref()?.payload_match?;
    match input {
        Input::Bundle(bundle) => bundle.evidence.payload,
        Input::Confirmation(_) => None,
    }
}

fn unknown_key(policy: Option<&Policy>, claim: &Claim<'_>) -> Check {
    let check = Check::coded(CheckId::ApproverKey, Code::ApproverUnknownKey);
    let check = match policy {
        None => check
            .message("No policy was given, and only a policy says whose key this is.")
            .expected("a policy that lists the key"),
        Some(policy) => check.expected(format!(
            "one of {} keys in policy {}",
            policy.approvers().len(),
            plain(policy.name())
        )),
    };
    check.found(claim.key_for_people())
}

fn malformed(error: &input::Error, looks: Kind, request: &Request<'_>, inputs: Inputs) -> Report {
    Report {
        verdict: Verdict::Malformed,
        code: error.code(),
        summary: summary::of_malformed(error, looks),
        subject: None,
        payload: None,
        approver: None,
        claimed: Claimed::default(),
        log: None,
        anchor: None,
        bound: None,
        expected: request.expected(),
        checks: Vec::new(),
        not_proven: Vec::new(),
        policy: policy_facts(request),
        inputs,
        at: request.at,
    }
}

fn policy_facts(request: &Request<'_>) -> Option<PolicyFacts> {
    request.policy.map(|policy| PolicyFacts {
        name: policy.name().to_string(),
        sha256: policy.sha256(),
        source: request.policy_source.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use test_vectors::{Algorithm, Approval};

    use super::*;

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
        let checks = CheckId::ALL.iter().map(check).collect();
        Run { request, checks }.verdict(input).1
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
        for id in required(&request, &policy, &input) {
            for status in [Status::NotChecked, Status::Skipped] {
                let code = verdict(&request, &input, Some((id, status)));
                assert_eq!(code, Code::CheckMissing, "{id} {status:?}");
                assert_ne!(code.effect(), crate::code::Effect::None);
            }
        }
    }
}
