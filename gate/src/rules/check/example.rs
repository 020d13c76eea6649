//! A request of given classes.

use std::collections::BTreeMap;

use payload_form::Payload;
use verifier_core::hazmat::json::Value;

use super::Example;
use super::space::{Class, Region, Space};

impl Space {
    /// Requests of a region: in what the region leaves open, like those of `near` first.
    pub(super) fn examples(&self, region: &Region, near: &Region, action: &str) -> Vec<Example> {
        let pick = |nearer: bool| {
            let axes = region.0.iter().zip(&near.0).enumerate();
            let choice: Option<Vec<usize>> = axes
                .map(|(i, (allowed, near))| self.pick(i, allowed, near, nearer))
                .collect();
            self.example(&choice?, action)
        };
        [true, false].into_iter().filter_map(pick).collect()
    }

    /// A class of the axis that is allowed and can be sent.
    fn pick(&self, axis: usize, allowed: &[bool], near: &[bool], nearer: bool) -> Option<usize> {
        let atoms = axis.checked_sub(1).and_then(|at| self.axes.get(at));
        let fits = |index: &usize| {
            let sent = |one: &super::space::Axis| {
                one.atoms.get(*index).is_some_and(|atom| atom.can_be_sent)
            };
            allowed.get(*index) == Some(&true) && atoms.is_none_or(sent)
        };
        let is_missing = |index: &usize| {
            let atom = atoms.and_then(|axis| axis.atoms.get(*index));
            atom.is_some_and(|atom| atom.class == Class::Missing)
        };
        let all = || (0..allowed.len()).filter(fits);
        let liked = |index: &usize| near.get(*index) == Some(&true);
        // What a rule does not ask for is left out.
        let missing = all().find(is_missing);
        let unasked = !near.contains(&false);
        let first = match (nearer, unasked) {
            (true, false) => all().find(liked),
            (true, true) | (false, _) => missing,
        };
        first.or_else(|| all().next())
    }

    /// The request with these classes; `None` if no payload has all of them.
    fn example(&self, choice: &[usize], action: &str) -> Option<Example> {
        let (requester, atoms) = choice.split_first()?;
        let requester = self.requesters.get(*requester)?.name().to_owned();
        let values = self.axes.iter().zip(atoms);
        let values = values.map(|(axis, index)| Some((axis, axis.atoms.get(*index)?)));
        let values = values.collect::<Option<Vec<_>>>()?;
        let mut tree = Tree::default();
        for (axis, atom) in &values {
            if let Some(value) = &atom.value {
                tree.insert(axis.pointer.steps(), value.clone())?;
            }
        }
        let payload = tree.into_value();
        let as_chosen = values
            .iter()
            .all(|(axis, atom)| axis.pointer.find(&payload) == atom.value.as_ref());
        let can_be_sent = Payload::of(&payload).is_ok();
        (as_chosen && can_be_sent).then(|| Example {
            action: action.into(),
            requester,
            payload,
        })
    }
}

/// A payload in the making.
#[derive(Default)]
struct Tree {
    leaf: Option<Value<'static>>,
    members: BTreeMap<String, Self>,
}

impl Tree {
    // Recursion here and below is bounded by the steps that a pointer has.
    fn insert(&mut self, steps: &[String], value: Value<'static>) -> Option<()> {
        match steps.split_first() {
            _ if self.leaf.is_some() => None,
            None if !self.members.is_empty() => None,
            None => {
                self.leaf = Some(value);
                Some(())
            }
            Some((step, rest)) => {
                let member = self.members.entry(step.clone()).or_default();
                member.insert(rest, value)
            }
        }
    }

    fn into_value(self) -> Value<'static> {
        let members = self.members.into_iter();
        self.leaf.unwrap_or_else(|| {
            Value::Object(
                members
                    .map(|(key, tree)| (key.into(), tree.into_value()))
                    .collect(),
            )
        })
    }
}
