//! What is wrong with rules that their form allows: rules that are never used, requests that meet
//! none, and people who are missing.
//!
//! Only what is certain is reported. Each request that is said to meet no rule has been tried, and a
//! rule is said never to be used only if the earlier ones take every request there can be.

mod between;
mod example;
mod gaps;
mod people;
mod space;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use verifier_core::hazmat::json::Value;
use verifier_core::{plain, quote};

use super::explain::list;
use super::pattern::Pattern;
use super::{Rule, Rules, in_words};
use gaps::Scope;
use people::People;

impl Rules {
    /// Everything that can be said about the rules from the file alone.
    pub fn check(&self) -> Vec<Finding> {
        let mut patterns: Vec<_> = self.list().iter().map(Rule::action).collect();
        patterns.sort_unstable();
        patterns.dedup();
        let scopes = patterns.iter().map(|pattern| Scope::of(self, pattern));
        let scopes: Vec<Scope<'_>> = scopes.collect();
        let rules = self.list().iter();
        let of = |rule| scopes.iter().flat_map(move |scope| scope.rule(rule));
        let mut findings: Vec<Finding> = rules.flat_map(of).collect();
        findings.extend(gaps_once(&patterns, &scopes));
        findings
    }

    /// Whether the people who can approve suffice for the rules, and which API keys ask for what
    /// their own owner would have to approve.
    pub fn check_people(&self, people: &[Person], keys: &[ApiKey]) -> Vec<Finding> {
        let people = People::of(people);
        let rules = self.list().iter();
        rules.flat_map(|rule| people.check(rule, keys)).collect()
    }
}

/// The gaps of each pattern of actions, without those that a wider pattern has as well.
fn gaps_once(patterns: &[&Pattern], scopes: &[Scope<'_>]) -> Vec<Finding> {
    let all: Vec<_> = patterns.iter().zip(scopes.iter().map(gaps::gaps)).collect();
    let known = |pattern: &Pattern, finding: &Finding| {
        // `a**` and `a*` are the same: one of them keeps the gap.
        let is_wider =
            |other: &Pattern| other.covers(pattern) && (!pattern.covers(other) || other < pattern);
        let mut wider = all.iter().filter(|(other, _)| is_wider(other));
        wider.any(|(_, gaps)| gaps.iter().any(|gap| gap.case() == finding.case()))
    };
    let all = all.iter().flat_map(|(pattern, gaps)| {
        let own = gaps
            .iter()
            .filter(|gap| gap.case().is_none() || !known(pattern, gap));
        own.cloned()
    });
    all.collect()
}

/// Somebody who can approve. Entries of the same name are one person.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "callers make it")]
pub struct Person {
    /// The name.
    pub name: String,
    /// The groups of this person.
    pub groups: Vec<String>,
}

/// A key with which programs ask.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "callers make it")]
pub struct ApiKey {
    /// The name by which rules know it.
    pub name: String,
    /// The person whose key it is, who may not approve what it asks for.
    pub owner: Option<String>,
}

/// A request that shows what is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Example {
    /// The action.
    pub action: String,
    /// The name of the API key that asks.
    pub requester: String,
    /// The payload.
    pub payload: Value<'static>,
}

impl Example {
    /// The request as JSON, in the form that `explain` reads.
    pub fn to_value(&self) -> Value<'_> {
        Value::from([
            ("action", self.action.as_str().into()),
            ("payload", self.payload.clone()),
            ("requester", self.requester.as_str().into()),
        ])
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Weight {
    /// To know: a request without a rule is refused, which may be what was meant.
    Note,
    /// Hardly what was meant.
    Warning,
}

/// Something to know about rules. Its `Display` is a sentence or two, fit to print.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Requests that meet no rule.
    Gap {
        /// The pattern of the actions.
        action: String,
        /// Which requests, in words.
        case: String,
        /// One of them.
        example: Example,
    },
    /// There are more gaps than are shown.
    MoreGaps {
        /// The pattern of the actions.
        action: String,
    },
    /// A rule that no request comes to.
    NeverUsed {
        /// The rule.
        rule: String,
        /// The rules that take its requests; none if its own conditions exclude each other.
        by: Vec<String>,
    },
    /// A group without anybody in it.
    NobodyInGroup {
        /// The rule that names it.
        rule: String,
        /// The group.
        group: String,
    },
    /// A rule that cannot be satisfied without the person whose key asks.
    OwnerNeeded {
        /// The rule.
        rule: String,
        /// The API key.
        requester: String,
        /// Its owner.
        owner: String,
    },
    /// Requests that come to a later rule, because what a rule compares is no number.
    Slip {
        /// The rule that compares.
        rule: String,
        /// The rule that they come to.
        to: String,
        /// Which requests, in words.
        case: String,
        /// One of them.
        example: Example,
    },
    /// Clauses that ask for more people than there are.
    TooFewPeople {
        /// The rule.
        rule: String,
        /// The groups of the clauses.
        groups: Vec<String>,
        /// How many people the clauses ask for.
        asked: usize,
        /// How many people are in these groups.
        people: usize,
        /// The escalation after which there are enough.
        until: Option<Duration>,
    },
    /// A question that would take too long to answer.
    Undecided {
        /// The rule, or the pattern of actions.
        subject: String,
    },
}

impl Finding {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "rules.gap",
            Self::MoreGaps { .. } => "rules.more_gaps",
            Self::NeverUsed { .. } => "rules.never_used",
            Self::NobodyInGroup { .. } => "rules.nobody_in_group",
            Self::OwnerNeeded { .. } => "rules.owner_needed",
            Self::Slip { .. } => "rules.slip",
            Self::TooFewPeople { .. } => "rules.too_few_people",
            Self::Undecided { .. } => "rules.undecided",
        }
    }

    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match self {
            Self::Gap { .. } | Self::MoreGaps { .. } => Weight::Note,
            _ => Weight::Warning,
        }
    }

    /// A request that shows it.
    pub fn example(&self) -> Option<&Example> {
        match self {
            Self::Gap { example, .. } | Self::Slip { example, .. } => Some(example),
            _ => None,
        }
    }

    /// Which requests, in words.
    fn case(&self) -> Option<&str> {
        match self {
            Self::Gap { case, .. } | Self::Slip { case, .. } => Some(case),
            _ => None,
        }
    }

    /// The finding as JSON.
    ///
    /// ```text
    /// {"code":text,"example"?:{"action","payload","requester"},"message":text,
    ///  "weight":"note"|"warning"}
    /// ```
    pub fn to_value(&self) -> Value<'_> {
        let weight = match self.weight() {
            Weight::Note => "note",
            Weight::Warning => "warning",
        };
        let example = self
            .example()
            .map(|example| ("example", example.to_value()));
        let always = [
            ("code", self.code().into()),
            ("message", self.to_string().into()),
            ("weight", weight.into()),
        ];
        let members = always.into_iter().chain(example);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { action, case, .. } => {
                let action = quote(action);
                write!(
                    f,
                    "A request for {action} meets no rule and is refused if {case}."
                )
            }
            Self::MoreGaps { action } => {
                let action = quote(action);
                write!(
                    f,
                    "There are more cases in which {action} meets no rule than are shown."
                )
            }
            Self::NeverUsed { rule, by } if by.is_empty() => {
                let rule = quote(rule);
                write!(
                    f,
                    "The rule {rule} is never used: its conditions exclude each other."
                )
            }
            Self::NeverUsed { rule, by } => {
                let rule = quote(rule);
                let by = by.iter().map(|name| quote(name)).collect::<Vec<_>>();
                let by = by.join(" and ");
                write!(
                    f,
                    "The rule {rule} is never used: its requests come to {by} before it."
                )
            }
            Self::NobodyInGroup { rule, group } => {
                let (rule, group) = (quote(rule), quote(group));
                write!(
                    f,
                    "The rule {rule} names the group {group}, and nobody is in it."
                )
            }
            Self::OwnerNeeded {
                rule,
                requester,
                owner,
            } => {
                let (rule, requester, owner) = (quote(rule), quote(requester), quote(owner));
                write!(
                    f,
                    "Under the rule {rule} nothing that {requester} asks for can be approved: it \
                     takes {owner}, whose key that is, and nobody approves their own request."
                )
            }
            Self::Slip { rule, to, case, .. } => {
                let (rule, to) = (quote(rule), quote(to));
                write!(
                    f,
                    "A request passes by the rule {rule} and comes to {to} if {case}."
                )
            }
            Self::TooFewPeople {
                rule,
                groups,
                asked,
                people,
                until,
            } => {
                let (rule, groups) = (quote(rule), list(groups));
                let verb = if *people == 1 { "exists" } else { "exist" };
                write!(
                    f,
                    "The rule {rule} needs {asked} different people in {groups}, of whom {people} \
                     {verb}: "
                )?;
                match until {
                    None => f.write_str("it cannot be satisfied."),
                    Some(after) => {
                        let after = in_words(*after);
                        write!(
                            f,
                            "only after {after}, when it escalates, it can be satisfied."
                        )
                    }
                }
            }
            Self::Undecided { subject } => {
                let subject = quote(subject);
                write!(f, "It would take too long to find out all about {subject}.")
            }
        }
    }
}

/// Findings in lines for people: warnings first.
pub fn to_text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for (weight, label) in [(Weight::Warning, "warning: "), (Weight::Note, "note: ")] {
        for finding in findings.iter().filter(|one| one.weight() == weight) {
            out.push_str(&format!("{label}{finding}  [{}]\n", finding.code()));
            if let Some(example) = finding.example() {
                let payload = verifier_core::hazmat::shown::escape(&example.payload.to_text());
                let (action, requester) = (plain(&example.action), plain(&example.requester));
                out.push_str(&format!("  such as {action} by {requester}: {payload}\n"));
            }
        }
    }
    out
}
