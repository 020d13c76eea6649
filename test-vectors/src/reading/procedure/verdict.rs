//! From the checks to the verdict (docs/spec/verification.md, *Verdict*), and the checks that a
//! bundle by itself has as a decision of one (docs/spec/decision.md).

use super::super::bitcoin::Rule;
use super::super::people::are_enough;
use super::{Answer, Check, Course, Facts, show_time};

/// Every check, in the order of reports.
const ORDER: [&str; 29] = [
    "entry.form",
    "evidence.match",
    "expectation",
    "roster",
    "approver.key",
    "webauthn.key",
    "webauthn.signature",
    "webauthn.client_data",
    "webauthn.type",
    "webauthn.challenge",
    "webauthn.origin",
    "webauthn.cross_origin",
    "webauthn.authenticator_data",
    "webauthn.rp_id",
    "webauthn.user_presence",
    "webauthn.user_verification",
    "payload.binding",
    "context",
    "log.proof",
    "log.checkpoint",
    "log.quorum",
    "anchor.log",
    "anchor.path",
    "anchor.header",
    "anchor.chain",
    BUNDLES,
    REFUSAL,
    QUORUM,
    "time",
];

const BUNDLES: &str = "decision.bundles";
const REFUSAL: &str = "decision.refusal";
const QUORUM: &str = "decision.quorum";

/// The codes that make a check incomplete; all others make it fail.
const INCOMPLETE: [&str; 19] = [
    "entry.unknown_type",
    "evidence.client_data_missing",
    "expectation.approval_id_missing",
    "approver.unknown_key",
    "approver.time_unproven",
    "evidence.refusal_missing",
    "roster.missing",
    "context.missing",
    "context.time_unproven",
    "decision.quorum_short",
    "payload.missing",
    "log.missing",
    "log.unknown_key",
    "log.quorum_short",
    "anchor.missing",
    "anchor.pending",
    "anchor.header_missing",
    "anchor.not_pinned",
    "anchor.too_shallow",
];

pub(super) fn is_incomplete(code: &str) -> bool {
    INCOMPLETE.contains(&code)
}

/// Failed or incomplete, as the code says.
pub(in super::super) fn coded(id: &'static str, code: &'static str) -> Check {
    let status = match is_incomplete(code) {
        true => "incomplete",
        false => "fail",
    };
    Check {
        id,
        status,
        code: Some(code),
    }
}

/// Passed, or failed or incomplete with the code.
pub(in super::super) fn judge(id: &'static str, holds: bool, code: &'static str) -> Check {
    match holds {
        false => coded(id, code),
        true => Check {
            id,
            status: "pass",
            code: None,
        },
    }
}

/// Verdict and code of all the checks of a report.
pub(in super::super) fn verdict(
    checks: &[Check],
    required: impl Fn(&str) -> bool,
) -> (&'static str, &'static str) {
    let first = |status| checks.iter().find(|check| check.status == status);
    if let Some(check) = first("fail") {
        return ("REJECTED", check.code.unwrap());
    }
    if let Some(check) = first("incomplete") {
        return ("INCOMPLETE", check.code.unwrap());
    }
    let mut required = checks.iter().filter(|check| required(check.id));
    match required.all(|check| check.status == "pass") {
        true => ("VERIFIED", "ok"),
        false => ("INCOMPLETE", "check.missing"),
    }
}

impl Course<'_> {
    pub(super) fn conclude(mut self, bundle: bool) -> (Answer, Facts) {
        self.decision_checks(bundle);
        let place = |check: &Check| ORDER.iter().position(|id| *id == check.id);
        self.checks.sort_by_key(place);
        let ids: Vec<&str> = self.checks.iter().map(|check| check.id).collect();
        let listed = |id: &&&str| self.is_listed(id) || (**id == "context" && ids.contains(id));
        let expected: Vec<&str> = ORDER.iter().filter(listed).copied().collect();
        assert_eq!(ids, expected, "every check ends in one way");
        let (verdict, code) = verdict(&self.checks, |id| self.is_required(id, bundle));
        self.facts.bound = self.bound;
        self.facts.has_subject =
            self.passed("webauthn.signature") && self.passed("webauthn.authenticator_data");
        let answer = Answer {
            verdict,
            code,
            not_later_than: self.bound.map(show_time),
            checks: self.checks,
        };
        (answer, self.facts)
    }

    fn is_listed(&self, id: &str) -> bool {
        let as_decision = self.alone && self.trust.rules.clauses.is_some();
        match id {
            "roster" => self.trust.has_roster(),
            "context" => self.refuses || self.trust.rules.needs_context,
            BUNDLES | QUORUM => as_decision,
            REFUSAL => as_decision || self.refuses,
            _ => true,
        }
    }

    fn is_required(&self, id: &str, bundle: bool) -> bool {
        match id {
            "entry.form" => bundle,
            "expectation" => !bundle || self.asks(),
            "context" => self.trust.rules.needs_context,
            "time" => false,
            id if id.starts_with("log.") => self.trust.log.is_some(),
            id if id.starts_with("anchor.") => {
                let policy = self.trust.policy;
                policy.is_some_and(|policy| Rule::read(policy).required)
            }
            id => self.is_listed(id),
        }
    }

    fn decision_checks(&mut self, bundle: bool) {
        if self.is_listed(BUNDLES) {
            self.pass(BUNDLES);
        }
        if self.refuses {
            let is_needed = |id: &str| {
                id.starts_with("webauthn.")
                    || [
                        "payload.binding",
                        "evidence.match",
                        "context",
                        "approver.key",
                    ]
                    .contains(&id)
            };
            let mut checks = self.checks.iter();
            let authentic =
                checks.all(|c| c.status != "fail" && (c.status == "pass" || !is_needed(c.id)));
            match authentic {
                true => self.coded(REFUSAL, "decision.refused"),
                false => self.skip(&[REFUSAL]),
            }
        } else if self.is_listed(REFUSAL) {
            self.pass(REFUSAL);
        }
        if !self.is_listed(QUORUM) {
            return;
        }
        let mut checks = self.checks.iter();
        if !checks.all(|c| c.status == "pass" || !self.is_required(c.id, bundle)) {
            return self.skip(&[QUORUM]);
        }
        let clauses = self.trust.rules.clauses.as_deref().unwrap_or_default();
        let enough = are_enough(&self.facts.holder, clauses);
        self.judge(QUORUM, enough, "decision.quorum_short");
    }
}
