//! The one front door: evidence, policy and expectations in, a report out.
//!
//! Every check runs, whatever the others say; a check whose subject another check has already
//! found missing or broken is skipped and says so.

mod anchor;
mod assertion;
mod block;
mod claim;
mod context;
mod decision;
mod expectation;
mod log;
mod payload;
mod request;
mod summary;
mod trust;
mod verdict;

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use crate::bundle::Bundle;
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::encoding::sha256;
use crate::entry::{Act, Entry};
use crate::input::{self, Input};
use crate::kind::Kind;
use crate::payload::Challenge;
use crate::plain;
use crate::report::{
    ApproverFacts, Bound, BoundSource, Claimed, Inputs, PolicyFacts, Report, RosterFacts, Verdict,
};
use crate::time::{CLOCK_ALLOWANCE_MILLIS, Time};
use crate::webauthn::cose_key;

pub use block::{StampReport, verify_stamp};
pub use request::Request;

pub(crate) use decision::verify_decision;
pub(crate) use trust::{Logged, Standing, Trust};

use crate::Failure as _;
use anchor::Anchored;
use claim::SigningClaim;
use log::LogFindings;
use trust::Keys;

/// Verifies a bundle, an approval service's confirmation, or a decision of several people.
pub fn verify(input: &[u8], request: &Request<'_>) -> Report {
    let inputs = Inputs {
        bundle_sha256: sha256(input),
        payload_sha256: request.payload.map(sha256).or(request.payload_sha256),
    };
    let trust = Trust::of(request);
    match Input::parse(input) {
        Ok(Input::Decision(decision)) => {
            let part_sha256 = |bundle: &Bundle| sha256(bundle.to_json().as_bytes());
            verify_decision(&decision, request, trust, inputs, part_sha256)
        }
        Ok(input) => Run::new(request, trust).report(&input, inputs),
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

/// The two parts of what identifies an act of a human ([`Entry::assertion_identity`]).
struct SignedAct {
    client_data_hash: [u8; 32],
    credential_public_key: Vec<u8>,
}

impl SignedAct {
    fn of(entry: &Entry) -> Self {
        Self {
            client_data_hash: entry.client_data_hash,
            credential_public_key: entry.credential_public_key.clone(),
        }
    }

    /// The identity of a key costs more than the hash, and most acts differ in that.
    fn is(&self, other: &Self) -> bool {
        self.client_data_hash == other.client_data_hash
            && cose_key::identity(&self.credential_public_key)
                == cose_key::identity(&other.credential_public_key)
    }
}

/// One verification, and what it has found so far.
struct Run<'r> {
    request: &'r Request<'r>,
    trust: Trust<'r>,
    /// What the entry says that the human did.
    act: Act,
    /// What it says was signed, once it has been read.
    signed_act: Option<SignedAct>,
    /// The challenge of an approval, once its check has read it.
    challenge: Option<Challenge>,
    /// In the order of reports.
    checks: Vec<Check>,
}

impl<'r> Run<'r> {
    fn new(request: &'r Request<'r>, trust: Trust<'r>) -> Self {
        Self {
            request,
            trust,
            act: Act::Approval,
            signed_act: None,
            challenge: None,
            checks: Vec::new(),
        }
    }

    /// The report on an input that is all there is.
    fn report(mut self, input: &Input, inputs: Inputs) -> Report {
        let mut report = self.findings(input, inputs);
        self.alone(input, &mut report);
        let required = self.required(input);
        (report.verdict, report.code) = self.verdict(&required);
        self.finish(report)
    }

    /// The report on one bundle of several, and what its entry says was signed.
    fn part(mut self, input: &Input, inputs: Inputs) -> (Report, Option<SignedAct>) {
        let mut report = self.findings(input, inputs);
        let required = self.required_of_each(input);
        (report.verdict, report.code) = self.verdict(&required);
        let act = self.signed_act.take();
        (self.finish(report), act)
    }

    /// Everything but the verdict.
    fn findings(&mut self, input: &Input, inputs: Inputs) -> Report {
        let mut claimed = Claimed::default();
        self.roster();
        let (entry, log, anchored) = match input {
            Input::Bundle(bundle) => {
                claimed.approval_id.clone_from(&bundle.evidence.approval_id);
                claimed.action.clone_from(&bundle.evidence.action);
                let entry = self.entry(&bundle.entry);
                claimed.decided_at = entry.as_ref().map(|entry| entry.decided_at);
                let log = self.log(&bundle.entry, &bundle.log_proof);
                let anchored = self.anchor(&bundle.entry, bundle.anchor.as_ref(), &log);
                (entry, log, anchored)
            }
            _ => {
                self.no_log();
                (None, LogFindings::default(), None)
            }
        };
        let bound = earliest(&log, anchored.as_ref());
        let facts = log.facts.as_ref();
        let logged = Logged {
            place: facts.map(|facts| (facts.origin.as_str(), facts.index)),
            bound: bound.map(|bound| bound.time),
        };
        let claim = match input {
            Input::Bundle(bundle) => {
                entry.and_then(|entry| self.claim(entry, bundle, logged, &mut claimed))
            }
            Input::Confirmation(confirmation) => {
                claimed.status = Some(confirmation.status.clone());
                self.confirmed(confirmation)
            }
            Input::Decision(_) => None,
        };
        let subject = claim.as_ref().and_then(|claim| self.assertion(claim));
        let signed = self.context(input, claim.as_ref(), logged.bound);
        // A key that did not sign is nobody's approval.
        let verified = self.status(CheckId::WebauthnSignature) == Some(Status::Pass);
        let standing = claim.as_ref().map(|claim| claim.standing);
        let known = standing.filter(|_| verified);
        let approver = known.and_then(Standing::approver);
        let version = known.and_then(Standing::version);
        self.expectation(input, claim.as_ref());
        if let Some(claim) = &claim {
            self.approver_key(claim, logged.bound);
        }
        self.time(&claimed, &log, anchored.as_ref());
        // There is no match with anything if the bundle has another payload.
        let matched = subject.as_ref().and_then(|subject| subject.payload_match);
        let payload = match input {
            Input::Bundle(bundle) if matched.is_some() => bundle.evidence.payload.clone(),
            _ => None,
        };
        if let Some(signed) = &signed
            && claimed.action.as_deref() == Some(signed.context.action.as_str())
        {
            claimed.action = None;
        }
        let report = Report {
            subject,
            payload,
            signed,
            approver: approver.map(ApproverFacts::of),
            roster: version.map(RosterFacts::of),
            claimed,
            log: log.facts,
            anchor: anchored.and_then(|anchored| anchored.block),
            bound,
            ..Report::empty(self.request, inputs)
        };
        self.refusal(&report);
        report
    }

    /// The report with its checks, and what follows from them in words.
    fn finish(self, mut report: Report) -> Report {
        report.checks = self.checks;
        report.not_proven = summary::not_proven(&report, self.request.policy);
        report.summary = summary::sentence(&report);
        report
    }

    /// `entry.form`
    fn entry(&mut self, text: &str) -> Option<Entry> {
        const ID: CheckId = CheckId::EntryForm;
        match Entry::parse(text) {
            Ok(entry) => {
                self.act = entry.act;
                self.signed_act = Some(SignedAct::of(&entry));
                let kind = entry.act.entry_type();
                self.push(Check::pass(ID, "The entry is in canonical form.").found(kind));
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

    /// `roster`, where the policy leaves it to one who may approve.
    fn roster(&mut self) {
        const ID: CheckId = CheckId::Roster;
        self.push(match self.trust.keys {
            Keys::Nowhere | Keys::List(_) => return,
            Keys::NoRoster => Check::coded(ID, Code::RosterMissing),
            Keys::BadRoster(error) => Check::failed(ID, error),
            Keys::Roster(roster) => {
                let newest = roster.newest();
                let name = plain(newest.name());
                let message = format!("The admins of {name} approved every version of it.");
                Check::pass(ID, message).found(format!("version {}", newest.number()))
            }
        });
    }

    /// `approver.key`
    fn approver_key(&mut self, claim: &SigningClaim<'_>, bound: Option<Time>) {
        const ID: CheckId = CheckId::ApproverKey;
        let found = bound.map_or_else(|| "no proven time".into(), |time| time.to_string());
        let judged = |code| Check::coded(ID, code).found(found.clone());
        let key = claim.key_for_people();
        let (approver, version) = match claim.standing {
            Standing::Known(approver, version) => (approver, version),
            Standing::Unknown => return self.unknown_key(claim),
            Standing::NotInRoster => {
                return self.push(Check::coded(ID, Code::ApproverNotInRoster).found(key));
            }
            Standing::Removed(version) => {
                let by = format!("a key of version {}", version.number());
                let check = Check::coded(ID, Code::ApproverRemoved).expected(by);
                return self.push(check.found(key));
            }
            Standing::Unplaced => {
                let message = "Nothing proves which version of the roster was in force.";
                let check = Check::coded(ID, Code::ApproverTimeUnproven).message(message);
                return self.push(check.found(key));
            }
        };
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
            _ => {
                let name = plain(&approver.name);
                let message = match version {
                    None => format!("The policy lists this key as {name}."),
                    Some(version) => {
                        let number = version.number();
                        format!("Version {number} of the roster lists this key as {name}.")
                    }
                };
                Check::pass(ID, message).found(approver.key.fingerprint())
            }
        });
    }

    fn unknown_key(&mut self, claim: &SigningClaim<'_>) {
        const ID: CheckId = CheckId::ApproverKey;
        let check = Check::coded(ID, Code::ApproverUnknownKey);
        let check = match (self.trust.keys, self.request.policy) {
            (Keys::NoRoster | Keys::BadRoster(_), _) => Check::skipped(ID, CheckId::Roster),
            (Keys::List(list), Some(policy)) => check.expected(format!(
                "one of {} keys in policy {}",
                list.list.len(),
                plain(policy.name())
            )),
            (Keys::Roster(roster), _) => check.expected(format!(
                "a key of the roster {}",
                plain(roster.newest().name())
            )),
            _ => check
                .message("No policy was given, and only a policy says whose key this is.")
                .expected("a policy that lists the key"),
        };
        self.push(check.found(claim.key_for_people()));
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

/// The earliest proven time. Both heads contain the entry, and the block has the anchored one: the
/// earliest says most.
fn earliest(log: &LogFindings, anchored: Option<&Anchored>) -> Option<Bound> {
    let own = log.head.as_ref().and_then(|head| head.time);
    let from = BoundSource::Quorum;
    own.map(|time| Bound { time, from })
        .into_iter()
        .chain(anchored.into_iter().flat_map(Anchored::bounds))
        .min_by_key(|bound| bound.time)
}

fn malformed(error: &input::Error, looks: Kind, request: &Request<'_>, inputs: Inputs) -> Report {
    Report {
        verdict: Verdict::Malformed,
        code: error.code(),
        summary: summary::of_malformed(error, looks),
        ..Report::empty(request, inputs)
    }
}

impl Report {
    /// A report without any finding.
    fn empty(request: &Request<'_>, inputs: Inputs) -> Self {
        Self {
            verdict: Verdict::Incomplete,
            code: Code::CheckMissing,
            summary: Default::default(),
            subject: None,
            payload: None,
            signed: None,
            approver: None,
            roster: None,
            claimed: Claimed::default(),
            log: None,
            anchor: None,
            bound: None,
            decision: None,
            approvals: Vec::new(),
            expected: request.expected(),
            checks: Vec::new(),
            not_proven: Vec::new(),
            policy: policy_facts(request),
            inputs,
            at: request.at,
        }
    }
}

fn policy_facts(request: &Request<'_>) -> Option<PolicyFacts> {
    request.policy.map(|policy| PolicyFacts {
        name: policy.name().to_string(),
        sha256: policy.sha256(),
        source: request.policy_source.to_string(),
    })
}
