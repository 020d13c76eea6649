//! `decision.*`: whether enough people have approved one thing, and nobody has refused it.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::expectation::failed;
use super::verdict::DECISION_CHECKS;
use super::{Request, Run, SignedAct, Trust};
use crate::bundle::Bundle;
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::decision::{Clause, Decision, Person, Served, assign};
use crate::encoding::hex;
use crate::input::Input;
use crate::plain;
use crate::report::{DecisionFacts, Inputs, NotProven, Report, Verdict};
use crate::roster::enough;

/// Verifies a decision: each bundle by itself, then all of them together. `part_sha256` is the hash
/// that the report names a bundle by.
pub(crate) fn verify_decision(
    decision: &Decision,
    request: &Request<'_>,
    trust: Trust<'_>,
    inputs: Inputs,
    part_sha256: fn(&Bundle) -> [u8; 32],
) -> Report {
    // What the caller asks about the whole is no question to each.
    let each = Request {
        approval_id: None,
        approver: None,
        ..*request
    };
    let part = |bundle: &Bundle| {
        let inputs = Inputs {
            bundle_sha256: part_sha256(bundle),
            payload_sha256: inputs.payload_sha256,
        };
        let input = Input::Bundle(bundle.clone());
        Run::new(&each, trust).part(&input, inputs)
    };
    let parts = decision.bundles.iter().map(part);
    let (approvals, acts): (Vec<Report>, Vec<Option<SignedAct>>) = parts.unzip();
    let whole = Whole {
        decision,
        approvals: &approvals,
        acts: &acts,
    };

    let mut run = Run::new(request, trust);
    whole.bundles(&mut run);
    whole.refusals(&mut run);
    let served = whole.quorum(&mut run);
    whole.expectation(&mut run);
    let mut required = DECISION_CHECKS.to_vec();
    if request.approval_id.is_some() || request.approver.is_some() {
        required.push(CheckId::Expectation);
    }
    let (verdict, code) = run.verdict(&required);

    let all: Vec<&Report> = whole.counted().collect();
    let clauses = trust.clauses.unwrap_or_default();
    let time = enough(&all, clauses, Report::not_later_than);
    let bound = whole
        .counted()
        .filter_map(|one| one.bound)
        .find(|bound| Some(bound.time) == time);
    let newest = whole.counted().filter_map(|one| one.roster.as_ref());
    let roster = newest.max_by_key(|roster| roster.version).cloned();
    let facts = whole.facts(served);
    let report = Report {
        verdict,
        code,
        payload: whole.counted().find_map(|one| one.payload.clone()),
        signed: whole.counted().find_map(|one| one.signed.clone()),
        roster,
        bound: bound.filter(|_| verdict == Verdict::Verified),
        decision: Some(facts),
        ..Report::empty(request, inputs)
    };
    let mut limits = limits(&approvals);
    if all.len() > 1 && report.signed.is_none() {
        // Whoever put the bundles together could have left the contexts out.
        limits.push(NotProven {
            id: "one_request",
            text: "That all of them approved one and the same request: no context was signed."
                .into(),
        });
    }
    let mut report = run.finish(report);
    report.not_proven = limits;
    report.approvals = approvals;
    report
}

/// Everything that the parts do not prove, each once, in the order in which they come.
fn limits(approvals: &[Report]) -> Vec<NotProven> {
    let mut all: Vec<NotProven> = Vec::new();
    for one in approvals.iter().flat_map(|one| &one.not_proven) {
        if all.iter().all(|other| other.id != one.id) {
            all.push(one.clone());
        }
    }
    all
}

impl Run<'_> {
    /// What follows for an input that is all there is: under a policy with clauses it is a decision
    /// of one.
    pub(super) fn alone(&mut self, input: &Input, report: &mut Report) {
        let Some(clauses) = self.trust.clauses else {
            return;
        };
        let [bundles, refusal, quorum] = DECISION_CHECKS;
        self.push(Check::pass(bundles, "There is one approval."));
        if self.status(refusal).is_none() {
            self.push(Check::pass(refusal, "It is no refusal."));
        }
        let needed = self.required_of_each(input);
        let open = needed
            .into_iter()
            .find(|id| self.status(*id) != Some(Status::Pass));
        let people: Vec<Person> = match open {
            None => report.person().into_iter().collect(),
            Some(_) => Vec::new(),
        };
        let served = assign(clauses, &people);
        let approved_by = names(open.is_none().then_some(&*report));
        match open {
            None => self.push(quorum_check(&served, &approved_by, "")),
            Some(cause) => self.skip(&[quorum], cause),
        }
        let is_refusal = self.status(refusal) == Some(Status::Fail);
        report.decision = Some(DecisionFacts {
            approved_by,
            refused_by: names(is_refusal.then_some(&*report)),
            clauses: served,
            payload_hash: report
                .subject
                .as_ref()
                .and_then(|subject| subject.payload_hash),
            payload_match: report
                .subject
                .as_ref()
                .and_then(|subject| subject.payload_match),
        });
    }
}

/// The bundles of a decision, and what was found about each.
struct Whole<'w> {
    decision: &'w Decision,
    approvals: &'w [Report],
    /// What each entry says was signed, if it is one.
    acts: &'w [Option<SignedAct>],
}

impl Whole<'_> {
    /// `decision.bundles`
    fn bundles(&self, run: &mut Run<'_>) {
        const ID: CheckId = CheckId::DecisionBundles;
        let check = self
            .repeated()
            .or_else(|| self.other_payload())
            .or_else(|| self.other_context())
            .or_else(|| self.rejected());
        run.push(check.unwrap_or_else(|| {
            let message = match self.approvals.len() {
                1 => String::from("There is one bundle."),
                count => format!("All {count} bundles are about one request."),
            };
            Check::pass(ID, message)
        }));
    }

    fn repeated(&self) -> Option<Check> {
        let texts = self.decision.bundles.iter().map(|bundle| &bundle.entry);
        let mut seen: Vec<(&String, &Option<SignedAct>)> = Vec::new();
        for (number, (text, act)) in (1_usize..).zip(texts.zip(self.acts)) {
            let is_twin = |(other, its): &(&String, &Option<SignedAct>)| {
                let both = its.as_ref().zip(act.as_ref());
                *other == text || both.is_some_and(|(its, own)| its.is(own))
            };
            if let Some(twin) = seen.iter().position(is_twin) {
                let message = format!(
                    "Bundle {number} is the approval of bundle {} once more.",
                    twin.saturating_add(1)
                );
                return Some(coded(Code::DecisionRepeated).message(message));
            }
            seen.push((text, act));
        }
        None
    }

    fn other_payload(&self) -> Option<Check> {
        let hash = |one: &Report| one.subject.as_ref()?.payload_hash;
        self.differing(hash, Code::DecisionOtherPayload)
    }

    /// Bundles under different contexts. Where none is stated, the middle of a challenge is no
    /// hash of one.
    fn other_context(&self) -> Option<Check> {
        let stated = |bundle: &Bundle| bundle.evidence.context.is_some();
        if !self.decision.bundles.iter().any(stated) {
            return None;
        }
        let hash = |one: &Report| one.subject.as_ref()?.context_hash;
        self.differing(hash, Code::DecisionOtherContext)
    }

    /// A failure if the bundles whose signature verified do not all have one value.
    fn differing(&self, hash: fn(&Report) -> Option<[u8; 32]>, code: Code) -> Option<Check> {
        let mut all = (1_usize..).zip(self.approvals).filter_map(|(number, one)| {
            let hash = hash(one)?;
            Some((number, hash))
        });
        let (first, expected) = all.next()?;
        let (number, found) = all.find(|(_, hash)| *hash != expected)?;
        let label =
            |number: usize, hash: [u8; 32]| format!("sha256 {} (bundle {number})", hex(&hash));
        Some(
            coded(code)
                .expected(label(first, expected))
                .found(label(number, found)),
        )
    }

    /// A bundle that is rejected, unless it is for being a refusal.
    fn rejected(&self) -> Option<Check> {
        let is_bad =
            |one: &Report| one.verdict == Verdict::Rejected && one.code != Code::DecisionRefused;
        let (number, bad) = (1_usize..)
            .zip(self.approvals)
            .find(|(_, one)| is_bad(one))?;
        let message = format!("Bundle {number}: {}", bad.summary);
        let check = coded(bad.code).message(message);
        // Some codes stand for something incomplete in a check of their own; this one failed.
        Some(Check {
            status: Status::Fail,
            ..check
        })
    }

    /// `decision.refusal`
    fn refusals(&self, run: &mut Run<'_>) {
        const ID: CheckId = CheckId::DecisionRefusal;
        let refused = self.approvals.iter().find(|one| is_refused(one));
        run.push(match refused {
            Some(refusal) => {
                Check::coded(ID, Code::DecisionRefused).message(refusal.summary.as_str())
            }
            None => Check::pass(ID, "Nobody whom the policy lists has refused."),
        });
    }

    /// `decision.quorum`
    fn quorum(&self, run: &mut Run<'_>) -> Vec<Served> {
        const ID: CheckId = CheckId::DecisionQuorum;
        let clauses: &[Clause] = run.trust.clauses.unwrap_or_default();
        let people: Vec<Person> = self.counted().filter_map(Report::person).collect();
        let served = assign(clauses, &people);
        if run.status(CheckId::DecisionBundles) != Some(Status::Pass) {
            run.skip(&[ID], CheckId::DecisionBundles);
            return served;
        }
        let mut open = (1_usize..).zip(self.approvals);
        let open = open.find(|(_, one)| one.verdict == Verdict::Incomplete);
        let why = open.map_or_else(String::new, |(number, one)| {
            format!(" Bundle {number} does not count: {}", one.summary)
        });
        run.push(quorum_check(&served, &names(self.counted()), &why));
        served
    }

    /// The approvals that count.
    fn counted(&self) -> impl Iterator<Item = &Report> {
        let all = self.approvals.iter();
        all.filter(|one| one.verdict == Verdict::Verified)
    }

    /// `expectation`: the request's id, and one of those who approved.
    fn expectation(&self, run: &mut Run<'_>) {
        const ID: CheckId = CheckId::Expectation;
        let Request {
            approval_id,
            approver,
            ..
        } = *run.request;
        if approval_id.is_none() && approver.is_none() {
            let message = "You asked for nothing in particular.";
            return run.push(Check::not_checked(ID, message));
        }
        let signed = self.approvals.iter().find_map(|one| one.signed.as_ref());
        let id = approval_id.and_then(|id| match signed {
            None => Some(Check::coded(ID, Code::ExpectationApprovalIdMissing)),
            Some(signed) => (signed.context.request_id != id).then(|| {
                let found = crate::quote(&signed.context.request_id);
                failed(Code::ExpectationApprovalId, crate::quote(id), found)
            }),
        });
        let by = approver.and_then(|name| {
            if run.request.policy.is_none() {
                // Nobody has a name.
                return Some(Check::skipped(ID, CheckId::ApproverKey));
            }
            let found = self
                .counted()
                .any(|one| one.approver.as_ref().is_some_and(|one| one.name == name));
            (!found).then(|| {
                let found = String::from("approvals of others");
                failed(Code::ExpectationApprover, crate::quote(name), found)
            })
        });
        let found: Vec<Check> = [id, by].into_iter().flatten().collect();
        let failed = found.iter().find(|check| check.status == Status::Fail);
        let check = failed.or(found.first()).cloned();
        run.push(check.unwrap_or_else(|| Check::pass(ID, "It is what you asked for.")));
    }

    fn facts(&self, clauses: Vec<Served>) -> DecisionFacts {
        let subjects = || self.approvals.iter().filter_map(|one| one.subject.as_ref());
        let refused = self.approvals.iter().filter(|one| is_refused(one));
        DecisionFacts {
            approved_by: names(self.counted()),
            refused_by: names(refused),
            clauses,
            payload_hash: subjects().find_map(|subject| subject.payload_hash),
            payload_match: subjects().find_map(|subject| subject.payload_match),
        }
    }
}

fn is_refused(report: &Report) -> bool {
    report.code == Code::DecisionRefused
}

/// The people, in the order of their names, each once.
fn names<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Vec<String> {
    let people = reports.into_iter();
    let people = people.filter_map(|one| one.approver.as_ref());
    let mut names: Vec<String> = Vec::new();
    for name in people.map(|one| &one.person) {
        if let Err(at) = names.binary_search(name) {
            names.insert(at, name.clone());
        }
    }
    names
}

fn coded(code: Code) -> Check {
    Check::coded(CheckId::DecisionBundles, code)
}

/// Enough people, or who is missing. `why` says what might have counted and does not.
fn quorum_check(served: &[Served], approved_by: &[String], why: &str) -> Check {
    const ID: CheckId = CheckId::DecisionQuorum;
    let shown: Vec<String> = approved_by.iter().map(|name| plain(name)).collect();
    let found = match shown.as_slice() {
        [] => "nobody".to_string(),
        all => all.join(", "),
    };
    let wanted = |one: &Served| format!("{} of {}", one.at_least, plain(&one.group));
    let expected = match served {
        [] => "anybody whom the policy lists".to_string(),
        all => all.iter().map(wanted).collect::<Vec<_>>().join(" and "),
    };
    let lack = |one: &Served| match one.missing() {
        0 => None,
        missing => Some(format!("{missing} more of {}", plain(&one.group))),
    };
    let lacking: Vec<String> = served.iter().filter_map(lack).collect();
    let check = if !lacking.is_empty() {
        let message = format!(
            "Not enough people have approved. Missing: {}.{why}",
            lacking.join(" and ")
        );
        Check::coded(ID, Code::DecisionQuorumShort).message(message)
    } else if approved_by.is_empty() {
        let message = format!("Nobody whom the policy lists has approved.{why}");
        Check::coded(ID, Code::DecisionQuorumShort).message(message)
    } else {
        Check::pass(ID, "Everybody whom the policy asks for has approved.")
    };
    check.expected(expected).found(found)
}
