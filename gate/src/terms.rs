//! The terms of one request: what its rule said when it was made. A rule that changes later changes
//! nothing about it.
//!
//! ```text
//! {"approve":[{"atLeast":n,"group":…}],"claimWithin":ms,"claimers":[…]|null,
//!  "require":"user-verified"|"device-bound","widen":[{"after":ms,"group":…,"to":…}]}
//! ```

use std::time::Duration;

use verifier_core::hazmat::decision::Clause;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};

use crate::rules::{Escalation, Require, Rule, groups_of};

/// What it takes to approve a request, and who may claim it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Terms {
    /// All of them have to hold. Never empty.
    pub(crate) clauses: Vec<Clause>,
    /// Who else may sign after a while.
    pub(crate) escalate: Vec<Escalation>,
    pub(crate) require: Require,
    /// The names of the keys that may claim; `None` is every key with the right.
    pub(crate) claimers: Option<Vec<String>>,
    /// How long after the decision it can be claimed, in milliseconds.
    pub(crate) claim_within: u64,
}

impl From<&Rule> for Terms {
    fn from(rule: &Rule) -> Self {
        Self {
            clauses: rule.approve().to_vec(),
            escalate: rule.escalate().to_vec(),
            require: rule.require(),
            claimers: rule.claimers().map(<[String]>::to_vec),
            claim_within: millis(rule.claim_within()),
        }
    }
}

fn widening(one: &Escalation) -> Value<'_> {
    Value::from([
        ("after", millis(one.after).into()),
        ("group", one.group.as_str().into()),
        ("to", one.to.as_str().into()),
    ])
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Terms {
    /// The groups that somebody counts for, so long after the request was made.
    pub(crate) fn groups(&self, own: &[String], elapsed: u64) -> Vec<String> {
        groups_of(&self.escalate, own, Duration::from_millis(elapsed))
    }

    /// Whether somebody in these groups is asked at all.
    pub(crate) fn ask(&self, groups: &[String]) -> bool {
        self.clauses.iter().any(|one| groups.contains(&one.group))
    }

    pub(crate) fn to_text(&self) -> String {
        let claimers = self.claimers.as_ref().map_or(Value::Null, |names| {
            names
                .iter()
                .map(|name| Value::from(name.as_str()))
                .collect()
        });
        Value::from([
            (
                "approve",
                self.clauses.iter().map(Clause::to_value).collect(),
            ),
            ("claimWithin", self.claim_within.into()),
            ("claimers", claimers),
            ("require", self.require.as_str().into()),
            ("widen", self.escalate.iter().map(widening).collect()),
        ])
        .to_text()
    }

    /// Reads what [`Terms::to_text`] wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let value = Value::parse(text.as_bytes(), Limits::bytes(1024 * 1024))
            .map_err(|error| error.to_string())?;
        Self::read(&value).map_err(|error| error.to_string())
    }

    fn read(value: &Value<'_>) -> Result<Self, schema::Error> {
        let members = Members::of(value)?.only(&[
            "approve",
            "claimWithin",
            "claimers",
            "require",
            "widen",
        ])?;
        let number = |members: &Members<'_, '_>, key: &str| {
            members
                .optional_u64(key)?
                .ok_or_else(|| members.error(key, schema::Wrong::Missing))
        };
        let widen = |one: Members<'_, '_>| {
            Ok(Escalation {
                after: Duration::from_millis(number(&one, "after")?),
                group: one.text("group")?.to_owned(),
                to: one.text("to")?.to_owned(),
            })
        };
        let require = members.text("require")?;
        let all = matches!(members.value("claimers")?, Value::Null);
        let names = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Ok(Self {
            clauses: Clause::list(&members, "approve")?,
            escalate: members
                .objects("widen")?
                .into_iter()
                .map(widen)
                .collect::<Result<_, _>>()?,
            require: Require::parse(require).ok_or_else(|| {
                members.wrong("require", "user-verified or device-bound", require)
            })?,
            claimers: match all {
                true => None,
                false => Some(names(members.texts("claimers")?)),
            },
            claim_within: number(&members, "claimWithin")?,
        })
    }
}
