//! Decisions of several bundles (docs/spec/decision.md, *Decision*).

use super::people::{Holder, are_enough, enough_at};
use super::procedure::{Course, Facts, Trust, coded, judge, verdict};
use super::shape::{Bundle, Decision};
use super::{Answer, Check, Question};

/// One bundle of a decision, verified by itself.
pub(super) struct Finding {
    pub(super) answer: Answer,
    pub(super) facts: Facts,
}

impl Finding {
    fn counts(&self) -> bool {
        self.answer.verdict == "VERIFIED"
    }
}

/// Those whose approvals count, each with what was found of the bundle.
pub(super) fn counted(findings: &[Finding]) -> Vec<(&Holder, &Facts)> {
    findings
        .iter()
        .filter(|finding| finding.counts())
        .map(|finding| (finding.facts.holder.as_ref().unwrap(), &finding.facts))
        .collect()
}

pub(super) fn answer(
    question: &Question,
    trust: &Trust<'_>,
    decision: &Decision,
) -> (Answer, Vec<Finding>) {
    let alone = Question {
        approval_id: None,
        approver: None,
        ..question.clone()
    };
    let findings: Vec<Finding> = decision
        .bundles
        .iter()
        .map(|bundle| {
            let (answer, facts) = Course::new(&alone, trust, false).of_bundle(bundle);
            Finding { answer, facts }
        })
        .collect();
    let people = counted(&findings);
    let clauses = trust.rules.clauses.as_deref().unwrap_or_default();
    let holders = || people.iter().map(|(holder, _)| *holder);

    let mut checks = vec![expectation(question, trust, &findings)];
    checks.push(match broken(&decision.bundles, &findings) {
        Some(code) => coded("decision.bundles", code),
        None => Check {
            id: "decision.bundles",
            status: "pass",
            code: None,
        },
    });
    let refused = findings.iter().any(|f| f.answer.code == "decision.refused");
    checks.push(judge("decision.refusal", !refused, "decision.refused"));
    checks.push(if checks[1].status == "pass" {
        let enough = are_enough(holders(), clauses);
        judge("decision.quorum", enough, "decision.quorum_short")
    } else {
        Check {
            id: "decision.quorum",
            status: "skipped",
            code: None,
        }
    });

    let asked = question.approval_id.is_some() || question.approver.is_some();
    let (verdict, code) = verdict(&checks, |id| id != "expectation" || asked);
    let bounds = people
        .iter()
        .filter_map(|(holder, facts)| Some((facts.bound?, *holder)));
    let time = enough_at(bounds.collect(), clauses).filter(|_| verdict == "VERIFIED");
    let answer = Answer {
        verdict,
        code,
        checks,
        not_later_than: time.map(super::encodings::show_time),
    };
    (answer, findings)
}

/// The table of *Bundles*.
fn broken(bundles: &[Bundle], findings: &[Finding]) -> Option<&'static str> {
    let all = |differ: &dyn Fn(usize, usize) -> bool| {
        (0..bundles.len()).any(|i| (0..i).any(|j| differ(i, j)))
    };
    let facts = |i: usize| &findings[i].facts;
    if all(&|i, j| {
        let same = facts(i).assertion.is_some() && facts(i).assertion == facts(j).assertion;
        bundles[i].entry == bundles[j].entry || same
    }) {
        return Some("decision.repeated");
    }
    let about = |i: usize| facts(i).signed_for.filter(|_| facts(i).has_subject);
    if all(&|i, j| matches!((about(i), about(j)), (Some((a, _)), Some((b, _))) if a != b)) {
        return Some("decision.other_payload");
    }
    if bundles.iter().any(|bundle| bundle.context.is_some())
        && all(&|i, j| matches!((about(i), about(j)), (Some((_, a)), Some((_, b))) if a != b))
    {
        return Some("decision.other_context");
    }
    let rejected =
        |f: &&Finding| f.answer.verdict == "REJECTED" && f.answer.code != "decision.refused";
    findings.iter().find(rejected).map(|f| f.answer.code)
}

/// *Expectations*.
fn expectation(question: &Question, trust: &Trust<'_>, findings: &[Finding]) -> Check {
    let id = "expectation";
    let plain = |status| Check {
        id,
        status,
        code: None,
    };
    if question.approval_id.is_none() && question.approver.is_none() {
        return plain("not_checked");
    }
    let mut open = None;
    if let Some(asked) = &question.approval_id {
        let request = findings.iter().find_map(|f| f.facts.request_id.as_ref());
        match request {
            Some(request) if request != asked => return coded(id, "expectation.approval_id"),
            Some(_) => {}
            None => open = Some(coded(id, "expectation.approval_id_missing")),
        }
    }
    if let Some(asked) = &question.approver {
        let named = counted(findings)
            .iter()
            .any(|(holder, _)| holder.name == *asked);
        if trust.policy.is_none() {
            open = open.or(Some(plain("skipped")));
        } else if !named {
            return coded(id, "expectation.approver");
        }
    }
    open.unwrap_or_else(|| plain("pass"))
}
