//! The rule file: which requests may be made at all, and who has to approve them.
//!
//! ```toml
//! [[rule]]
//! name = "payments over 1000"
//! action = "payment.*"             # the whole action; * stands for any text
//! where = [{ at = "/amount", ge = "1000.00" }, { at = "/currency", in = ["EUR"] }]
//! approve = [{ group = "finance", at_least = 1 }, { group = "board", at_least = 1 }]
//! expires = "30m"                  # 15m if not said; at most 7d
//! claim_within = "10m"             # 10m if not said; at most 7d
//! escalate = [{ after = "15m", add = { group = "finance-oncall", to = "finance" } }]
//! require = "user-verified"        # if not said; or "device-bound"
//! claimers = ["payments-executor"] # API keys that may claim; any with the right if not said
//! requesters = ["agent-7"]         # API keys that may ask; any with the right if not said
//! max_payload = "16KiB"            # if not said; at most 512KiB
//! ```
//!
//! The first rule that a request matches is its rule; without one it is refused. A request matches
//! if its action, its requester and every condition under `where` do. All clauses under `approve`
//! have to hold, and a person serves one of them. An escalation lets more people serve a clause and
//! never asks for fewer. What the operators of conditions mean is in [`condition`].
//!
//! Of the file nothing is signed. Each rule has a text of its own, in canonical JSON with all that
//! was left out written out: approvers are shown that text and sign its hash. Comments, the order of
//! members and other rules do not change it.

pub mod check;
pub mod condition;
mod error;
pub mod explain;
mod file;
pub mod pattern;
pub mod pointer;
mod source;

use std::time::Duration;

use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::json::Value;

pub use verifier_core::hazmat::decision::Clause;
use verifier_core::hazmat::time::write_duration;

use condition::{Condition, Test};
pub use error::Error;
use pattern::Pattern;

/// The code of a refusal because no rule matches a request.
pub const NO_RULE: &str = "rule.none";

/// The rules of a file, in their order.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    sha256: [u8; 32],
}

impl Rules {
    /// The longest file, in bytes: 1 MiB.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// Reads the text of a rule file.
    ///
    /// # Errors
    ///
    /// [`Error`] with line and path, for anything that the form does not have.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self {
            rules: file::rules(text)?,
            sha256: sha256(text.as_bytes()),
        })
    }

    /// The hash of the whole text.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// All rules, in the order in which they are tried.
    pub fn list(&self) -> &[Rule] {
        &self.rules
    }

    /// The longest payload that any of the rules takes, in bytes. To look for the rule of a longer
    /// one would be work for nothing.
    pub fn max_payload(&self) -> usize {
        let all = self.rules.iter().map(Rule::max_payload);
        all.max().unwrap_or_default()
    }

    /// The rule for a request; `None` if none matches, and then it has to be refused with
    /// [`NO_RULE`].
    pub fn find(&self, action: &str, payload: &Value<'_>, requester: &str) -> Option<&Rule> {
        let request = Request {
            action,
            payload,
            requester,
        };
        self.rules.iter().find(|rule| rule.matches(&request))
    }
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers make it")]
pub struct Request<'r> {
    /// The label of what is to be done.
    pub action: &'r str,
    /// What is to be approved.
    pub payload: &'r Value<'r>,
    /// The name of the API key that asks.
    pub requester: &'r str,
}

/// A rule for some requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    name: String,
    action: Pattern,
    conditions: Vec<Condition>,
    approve: Vec<Clause>,
    expires: Duration,
    claim_within: Duration,
    escalate: Vec<Escalation>,
    require: Require,
    claimers: Option<Vec<String>>,
    requesters: Option<Vec<String>>,
    max_payload: usize,
    text: String,
}

impl Rule {
    /// The name, which no other rule of the file has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The actions that the rule is for.
    pub fn action(&self) -> &Pattern {
        &self.action
    }

    /// Everything that the payload has to meet.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Who has to approve. All clauses have to hold.
    pub fn approve(&self) -> &[Clause] {
        &self.approve
    }

    /// The time from the request to its end, if nobody decides.
    pub fn expires(&self) -> Duration {
        self.expires
    }

    /// The time from the decision to the end of its use.
    pub fn claim_within(&self) -> Duration {
        self.claim_within
    }

    /// Who may serve clauses later.
    pub fn escalate(&self) -> &[Escalation] {
        &self.escalate
    }

    /// What a passkey has to show.
    pub fn require(&self) -> Require {
        self.require
    }

    /// Whether the API key of this name may claim what was approved under the rule.
    pub fn may_claim(&self, claimer: &str) -> bool {
        names(self.claimers.as_deref(), claimer)
    }

    /// The API keys that may claim, if the rule names them.
    pub fn claimers(&self) -> Option<&[String]> {
        self.claimers.as_deref()
    }

    /// Whether the API key of this name may ask under the rule.
    pub fn may_ask(&self, requester: &str) -> bool {
        names(self.requesters.as_deref(), requester)
    }

    /// The API keys that may ask under the rule, if it names them.
    pub fn requesters(&self) -> Option<&[String]> {
        self.requesters.as_deref()
    }

    /// The longest payload, in bytes.
    pub fn max_payload(&self) -> usize {
        self.max_payload
    }

    /// The rule as approvers are shown it: canonical JSON, with nothing left to defaults.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash of [`Rule::text`], which approvers sign.
    pub fn sha256(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }

    /// Whether the rule is for a request.
    pub fn matches(&self, request: &Request<'_>) -> bool {
        self.mismatches(request).next().is_none()
    }

    /// Every reason why the rule is not for a request.
    pub fn mismatches<'r>(
        &'r self,
        request: &'r Request<'r>,
    ) -> impl Iterator<Item = Mismatch<'r>> + use<'r> {
        let action = (!self.action.matches(request.action)).then_some(Mismatch::Action);
        let requester = (!self.may_ask(request.requester)).then_some(Mismatch::Requester);
        let payload = self.conditions.iter().filter_map(|condition| {
            let found = condition.at.find(request.payload);
            let test = condition.fails(found)?;
            Some(Mismatch::Payload {
                condition,
                test,
                found,
            })
        });
        action.into_iter().chain(requester).chain(payload)
    }

    /// The groups for which a person of `groups` may serve clauses so long after the request.
    pub fn groups_of(&self, groups: &[String], elapsed: Duration) -> Vec<String> {
        groups_of(&self.escalate, groups, elapsed)
    }

    /// Writes [`Rule::text`].
    fn with_text(self) -> Self {
        let kib = self.max_payload.checked_div(1024).unwrap_or_default();
        let mut members = vec![
            ("action", self.action.as_str().into()),
            ("approve", self.approve.iter().map(clause_value).collect()),
            ("claim_within", in_words(self.claim_within).into()),
            (
                "escalate",
                self.escalate.iter().map(Escalation::to_value).collect(),
            ),
            ("expires", in_words(self.expires).into()),
            ("max_payload", format!("{kib}KiB").into()),
            ("name", self.name.as_str().into()),
            ("require", self.require.as_str().into()),
            ("type", "cosignet.rule/v1".into()),
            (
                "where",
                self.conditions.iter().map(Condition::to_value).collect(),
            ),
        ];
        let lists = [
            ("claimers", &self.claimers),
            ("requesters", &self.requesters),
        ];
        for (key, list) in lists {
            let names = list.as_deref();
            let names = names.map(|list| list.iter().map(|name| Value::from(name.as_str())));
            members.extend(names.map(|list| (key, list.collect())));
        }
        let members = members.into_iter().map(|(key, value)| (key.into(), value));
        let text = Value::Object(members.collect()).to_text();
        Self { text, ..self }
    }
}

/// A reason why a rule is not for a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mismatch<'r> {
    /// The action does not match the pattern.
    Action,
    /// What is asked of a place in the payload does not hold.
    Payload {
        /// What is asked.
        condition: &'r Condition,
        /// The first operator that does not hold.
        test: &'r Test,
        /// The value at the place, if there is one.
        found: Option<&'r Value<'r>>,
    },
    /// The rule names API keys, and not this one.
    Requester,
}

fn clause_value(clause: &Clause) -> Value<'_> {
    let at_least = u64::try_from(clause.at_least).unwrap_or(u64::MAX);
    Value::from([
        ("at_least", at_least.into()),
        ("group", clause.group.as_str().into()),
    ])
}

/// People who may serve a clause after some time.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Escalation {
    /// How long after the request.
    pub after: Duration,
    /// The group of these people.
    pub group: String,
    /// The group that they then count as members of.
    pub to: String,
}

/// The groups for which a person of `groups` may serve clauses so long after the request, in
/// alphabetical order. Escalations look at the person's own groups: one does not lead to the next.
pub(crate) fn groups_of(
    escalate: &[Escalation],
    groups: &[String],
    elapsed: Duration,
) -> Vec<String> {
    let due = escalate.iter().filter(|one| elapsed >= one.after);
    let added = due.filter(|one| groups.contains(&one.group));
    let added = added.map(|one| one.to.clone());
    let mut all: Vec<String> = groups.iter().cloned().chain(added).collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl Escalation {
    fn to_value(&self) -> Value<'_> {
        let add = Value::from([
            ("group", self.group.as_str().into()),
            ("to", self.to.as_str().into()),
        ]);
        Value::from([("add", add), ("after", in_words(self.after).into())])
    }
}

/// What a passkey has to show beside its signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Require {
    /// It has verified its user, and it cannot be copied to other devices.
    DeviceBound,
    /// It has verified its user, by PIN or biometric.
    UserVerified,
}

impl Require {
    /// The word of the rule file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeviceBound => "device-bound",
            Self::UserVerified => "user-verified",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::DeviceBound, Self::UserVerified];
        all.into_iter().find(|one| one.as_str() == text)
    }
}

/// Whether a list that allows everybody if it is missing names `name`.
fn names(list: Option<&[String]>, name: &str) -> bool {
    list.is_none_or(|list| list.iter().any(|one| one == name))
}

/// A duration as rule files write it.
fn in_words(duration: Duration) -> String {
    write_duration(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
