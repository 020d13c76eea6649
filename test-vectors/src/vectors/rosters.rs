//! `roster`: files of rosters; and approvals under policies that leave it to one who may approve.

mod admins;
mod approvals;
mod chain;
mod decisions;
mod files;
mod forms;
mod given;
mod in_force;
mod logs;
mod moment;
mod scene;

pub(super) use admins::admins;
pub(super) use chain::chain;
pub(super) use decisions::decisions;
pub(super) use files::files;
pub(super) use forms::forms;
pub(super) use in_force::in_force;
pub(super) use logs::logs;

use serde_json::{Value, json};

use super::people::{member, policy, require};
use super::{File, sorted};
use crate::reading::Question;
use crate::roster::chain as file_of;
use crate::{Approver, Decision, Policy};

impl File {
    /// A case of kind `roster`, with the code that the second reading has to find as well.
    fn roster(&mut self, name: &str, input: Value, code: Option<&str>) {
        let found = Question::of_vector(&input).roster_code();
        assert_eq!(found, code, "{}: {name}", self.path);
        match code {
            None => self.valid(name, input),
            Some(code) => self.invalid(name, input, code),
        }
    }
}

/// An admin with a key of the same name.
fn root(name: &str) -> Approver {
    member(name, &["admins"])
}

/// The policy under which so many of these sign the first version.
fn rooted(at_least: u64, admins: &[&str]) -> Policy {
    let admins: Vec<Value> = admins.iter().map(|name| root(name).value()).collect();
    Policy {
        roster: Some(json!({
            "name": "acme",
            "require": require(&[("admins", at_least)]),
            "admins": admins,
        })),
        ..policy(&[], None)
    }
}

/// A policy that wants this version at least.
fn at_least(version: u64, mut policy: Policy) -> Policy {
    policy.roster.as_mut().unwrap()["minVersion"] = json!(version);
    policy
}

fn input(decisions: &[Decision], policy: &Policy) -> Value {
    input_of(&sorted(&file_of(decisions)), policy)
}

fn input_of(text: &str, policy: &Policy) -> Value {
    json!({"roster": text, "policy": policy.value()})
}
