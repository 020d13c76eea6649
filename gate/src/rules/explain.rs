//! Why each rule is for a request, or is not.

use verifier_core::hazmat::json::Value;
use verifier_core::{plain, quote};

use super::condition::Test;
use super::{Mismatch, NO_RULE, Request, Rule, Rules, in_words};

impl Rules {
    /// Why each rule is for a request, or is not.
    pub fn explain<'r>(&'r self, request: &'r Request<'r>) -> Explanation<'r> {
        let mut matched = false;
        let of = |rule: &'r Rule| {
            let mismatches: Vec<_> = rule.mismatches(request).collect();
            let outcome = match (mismatches.is_empty(), matched) {
                (false, _) => Outcome::Mismatch(mismatches),
                (true, true) => Outcome::TooLate,
                (true, false) => Outcome::Match,
            };
            matched |= outcome == Outcome::Match;
            Considered { rule, outcome }
        };
        Explanation {
            request: *request,
            rules: self.rules.iter().map(of).collect(),
        }
    }
}

/// What each rule of a file says about a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation<'r> {
    /// The request.
    pub request: Request<'r>,
    /// Every rule, in the order of the file.
    pub rules: Vec<Considered<'r>>,
}

/// A rule, and what it says about a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Considered<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// What it says.
    pub outcome: Outcome<'r>,
}

/// What a rule says about a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome<'r> {
    /// It is the rule for the request.
    Match,
    /// It is not for the request, for these reasons.
    Mismatch(Vec<Mismatch<'r>>),
    /// It would be for the request, but an earlier one is.
    TooLate,
}

impl Explanation<'_> {
    /// The rule for the request.
    pub fn rule(&self) -> Option<&Rule> {
        let found = self.rules.iter().find(|one| one.outcome == Outcome::Match);
        found.map(|one| one.rule)
    }

    /// Some lines for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (i, one) in self.rules.iter().enumerate() {
            let number = i.saturating_add(1);
            let outcome = match &one.outcome {
                Outcome::Match => "is the rule for this request",
                Outcome::Mismatch(_) => "is not for this request",
                Outcome::TooLate => "comes too late: an earlier rule is for this request",
            };
            out.push_str(&format!("{number}. {} {outcome}\n", quote(one.rule.name())));
            for line in self.lines(one) {
                out.push_str(&format!("   {line}\n"));
            }
        }
        if self.rule().is_none() {
            out.push_str(&format!(
                "No rule is for this request: it is refused.  [{NO_RULE}]\n"
            ));
        }
        out
    }

    /// The same as JSON.
    ///
    /// ```text
    /// {"rule":name|null,
    ///  "rules":[{"name","outcome":"match"|"mismatch"|"too-late","reasons":[text, …]}]}
    /// ```
    pub fn to_value(&self) -> Value<'_> {
        let rule = |one: &Considered<'_>| {
            let outcome = match &one.outcome {
                Outcome::Match => "match",
                Outcome::Mismatch(_) => "mismatch",
                Outcome::TooLate => "too-late",
            };
            let reasons = match &one.outcome {
                Outcome::Mismatch(_) => self.lines(one),
                Outcome::Match | Outcome::TooLate => Vec::new(),
            };
            Value::from([
                ("name", one.rule.name().to_owned().into()),
                ("outcome", outcome.into()),
                ("reasons", reasons.into_iter().map(Value::from).collect()),
            ])
        };
        Value::from([
            (
                "rule",
                self.rule().map(|rule| rule.name().to_owned()).into(),
            ),
            ("rules", self.rules.iter().map(rule).collect()),
        ])
    }

    fn lines(&self, one: &Considered<'_>) -> Vec<String> {
        match &one.outcome {
            Outcome::Mismatch(reasons) => reasons
                .iter()
                .map(|reason| self.reason(one.rule, reason))
                .collect(),
            Outcome::Match => consequences(one.rule),
            Outcome::TooLate => Vec::new(),
        }
    }

    fn reason(&self, rule: &Rule, reason: &Mismatch<'_>) -> String {
        match reason {
            Mismatch::Action => {
                let pattern = quote(rule.action().as_str());
                let found = quote(self.request.action);
                format!("action: expected {pattern}, found {found}")
            }
            Mismatch::Requester => {
                let names = list(rule.requesters().unwrap_or_default());
                let found = plain(self.request.requester);
                format!("requester: expected {names}, found {found}")
            }
            Mismatch::Payload {
                condition,
                test,
                found,
            } => {
                let at = place(condition.at().as_str());
                format!("{at}: expected {}, found {}", in_full(test), shown(*found))
            }
        }
    }
}

/// What an operator asks for, in words that follow "expected".
pub(super) fn in_full(test: &Test) -> String {
    let operand = test.operand();
    let text = || shown(Some(&operand));
    let number = || test.bound().map(|bound| bound.as_str()).unwrap_or_default();
    match test {
        Test::Eq(_) => text(),
        Test::Ne(_) => format!("a value of the type of {} that is another one", text()),
        Test::In(texts) => list(texts),
        Test::Exists(true) => "a value".into(),
        Test::Exists(false) => "nothing".into(),
        Test::Ge(_) => format!("a number of at least {}", number()),
        Test::Gt(_) => format!("a number above {}", number()),
        Test::Le(_) => format!("a number of at most {}", number()),
        Test::Lt(_) => format!("a number below {}", number()),
    }
}

/// A place in the payload, for people.
pub(super) fn place(pointer: &str) -> String {
    match pointer {
        "" => "the payload itself".into(),
        pointer => plain(pointer),
    }
}

/// "a, b or c", each quoted; the first few of many.
pub(super) fn list(texts: &[String]) -> String {
    const MOST: usize = 8;
    let shown: Vec<String> = texts.iter().take(MOST).map(|text| quote(text)).collect();
    match (texts.len().checked_sub(MOST), shown.split_last()) {
        (Some(more @ 1..), _) => format!("{} or {more} others", shown.join(", ")),
        (_, Some((last, rest))) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

fn shown(value: Option<&Value<'_>>) -> String {
    match value {
        None => "nothing".into(),
        Some(Value::String(text)) => quote(text),
        Some(Value::Array(_) | Value::Object(_)) => value.map_or("", Value::kind).into(),
        Some(scalar) => plain(&scalar.to_text()),
    }
}

/// Everything that follows for a request under this rule.
fn consequences(rule: &Rule) -> Vec<String> {
    let clauses = rule.approve().iter();
    let clauses = clauses.map(|one| format!("{} of {}", one.at_least, quote(&one.group)));
    let approve = clauses.collect::<Vec<_>>().join(" and ");
    let mut lines = vec![format!("approve: {approve}, each person once")];
    for one in rule.escalate() {
        let (after, group, to) = (in_words(one.after), quote(&one.group), quote(&one.to));
        lines.push(format!(
            "after {after}: members of {group} may approve for {to} as well"
        ));
    }
    lines.push(format!("passkeys: {}", rule.require().as_str()));
    lines.push(format!(
        "expires after {}, has to be claimed within {}",
        in_words(rule.expires()),
        in_words(rule.claim_within())
    ));
    if let Some(claimers) = rule.claimers() {
        lines.push(format!("claimed by {} alone", list(claimers)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{PAYMENTS, value};
    use proptest::prelude::*;

    #[test]
    fn says_why() {
        let rules = Rules::parse(PAYMENTS).unwrap();
        let mut shown = String::new();
        for (action, payload, requester) in [
            (
                "payment.send",
                r#"{"amount":"2500.00","currency":"EUR"}"#,
                "agent-7",
            ),
            (
                "payment.send",
                r#"{"amount":12.5,"currency":"EUR"}"#,
                "agent-7",
            ),
            (
                "payment.send",
                r#"{"amount":"1,000","currency":["EUR"]}"#,
                "a b",
            ),
            ("pay\nout", r#"{"currency":"US\u202eD"}"#, "agent-7"),
        ] {
            let payload = value(payload);
            let request = Request {
                action,
                payload: &payload,
                requester,
            };
            let explanation = rules.explain(&request);
            shown.push_str(&format!(
                "{} {}\n",
                quote(action),
                quote(&payload.to_text())
            ));
            shown.push_str(&explanation.to_text());
            shown.push_str(&explanation.to_value().to_text());
            shown.push_str("\n\n");
            let found = rules.find(action, &payload, requester).map(Rule::name);
            assert_eq!(explanation.rule().map(Rule::name), found);
        }
        snapbox::assert_data_eq!(shown, snapbox::file!["snapshots/explain.txt"].raw());
    }

    #[test]
    fn a_later_rule_comes_too_late() {
        let text = PAYMENTS.replace("lt = 1000.00", "le = 5000");
        let rules = Rules::parse(&text).unwrap();
        let payload = value(r#"{"amount":"1000","currency":"EUR"}"#);
        let request = Request {
            action: "payment.x",
            payload: &payload,
            requester: "agent-7",
        };
        let explanation = rules.explain(&request);
        assert_eq!(explanation.rules[0].outcome, Outcome::Match);
        assert_eq!(explanation.rules[1].outcome, Outcome::TooLate);
    }

    proptest! {
        #[test]
        fn finds_the_same_rule_as_a_request_does(
            amount in "-?[0-9]{1,4}(\\.[0-9]{2})?|x|",
            currency in "EUR|USD",
            requester in "agent-[6-9]",
            action in "payment\\.a|payout",
        ) {
            let rules = Rules::parse(PAYMENTS).unwrap();
            let payload = Value::from([
                ("amount", Value::from(amount)),
                ("currency", currency.into()),
            ]);
            let request = Request { action: &action, payload: &payload, requester: &requester };
            let found = rules.find(&action, &payload, &requester);
            let explanation = rules.explain(&request);
            prop_assert_eq!(explanation.rule().map(Rule::name), found.map(Rule::name));
            let reasons = explanation.rules.iter().all(|one| match &one.outcome {
                Outcome::Mismatch(reasons) => !reasons.is_empty(),
                Outcome::Match | Outcome::TooLate => one.rule.matches(&request),
            });
            prop_assert!(reasons);
        }
    }
}
