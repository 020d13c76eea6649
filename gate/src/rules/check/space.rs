//! All requests of an action, cut into classes that the rules cannot tell apart.
//!
//! ```text
//! axis        requester │ /amount                      │ /currency
//! classes     agent-7   │ below 500, 500, between, …   │ "EUR"
//!             others    │ no decimal, missing, …       │ other texts, missing, …
//! ```
//!
//! A rule is for a box: on each axis some classes. Places in a payload are taken for independent of
//! each other. They are not quite (`/a/b` is missing where `/a` is a text), so there may be boxes
//! without a request in them; never a request without a box.

use std::borrow::Cow;

use payload_form::decimal::Decimal;
use payload_form::number;
use verifier_core::hazmat::json::Value;

use super::between::{above, below, between};
use crate::rules::Rule;
use crate::rules::condition::{Bound, Test};
use crate::rules::pointer::Pointer;

/// The axes, and the classes on each.
pub(super) struct Space {
    pub(super) requesters: Vec<Requester>,
    pub(super) axes: Vec<Axis>,
}

/// Who asks, as far as the rules tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Requester {
    Named(String),
    /// A name that no rule has.
    Other(String),
}

impl Requester {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) | Self::Other(name) => name,
        }
    }
}

/// A place in the payload, and the classes of what may be there.
pub(super) struct Axis {
    pub(super) pointer: Pointer,
    pub(super) atoms: Vec<Atom>,
    /// The numbers that rules compare with, in ascending order.
    pub(super) bounds: Vec<Bound>,
    /// The texts that rules compare with.
    pub(super) texts: Vec<String>,
}

/// A class of values, by one of them.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    pub(super) class: Class,
    /// `None` where nothing is.
    pub(super) value: Option<Value<'static>>,
    /// Whether a payload can hold the value: some numbers have no canonical form.
    pub(super) can_be_sent: bool,
}

/// What the values of a class have in common.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// A text that a rule names.
    Text(String),
    /// A text that reads as a number. The index counts what is below the lowest bound, that bound,
    /// what is between it and the next, and so on.
    Decimal(usize),
    /// A JSON number, counted likewise.
    Number(usize),
    /// Any other text.
    OtherText,
    Bool(bool),
    /// `null`, an array or an object.
    Other,
    Missing,
}

impl Space {
    pub(super) fn of(rules: &[&Rule]) -> Self {
        let mut names: Vec<&String> = rules
            .iter()
            .flat_map(|rule| rule.requesters().unwrap_or_default())
            .collect();
        names.sort_unstable();
        names.dedup();
        let other = fresh("another-key", |name| {
            names.iter().any(|known| *known == name)
        });
        let named = names.into_iter().cloned().map(Requester::Named);
        let mut pointers: Vec<&Pointer> = rules
            .iter()
            .flat_map(|rule| rule.conditions())
            .map(|condition| condition.at())
            .collect();
        pointers.sort_unstable();
        pointers.dedup();
        Self {
            requesters: named.chain([Requester::Other(other)]).collect(),
            axes: pointers
                .into_iter()
                .map(|pointer| Axis::of(pointer, rules))
                .collect(),
        }
    }

    /// Every request.
    pub(super) fn all(&self) -> Region {
        let lengths = [self.requesters.len()].into_iter();
        let lengths = lengths.chain(self.axes.iter().map(|axis| axis.atoms.len()));
        Region(lengths.map(|length| vec![true; length]).collect())
    }

    /// The requests that a rule is for, whatever their action.
    pub(super) fn region(&self, rule: &Rule) -> Region {
        let requesters = self.requesters.iter();
        let requesters = requesters.map(|one| rule.may_ask(one.name())).collect();
        let holds = |axis: &Axis, atom: &Atom| {
            let mut here = rule.conditions().iter();
            here.all(|condition| {
                *condition.at() != axis.pointer || condition.fails(atom.value.as_ref()).is_none()
            })
        };
        let axes = self.axes.iter();
        let axes = axes.map(|axis| axis.atoms.iter().map(|atom| holds(axis, atom)).collect());
        Region([requesters].into_iter().chain(axes).collect())
    }
}

impl Axis {
    fn of(pointer: &Pointer, rules: &[&Rule]) -> Self {
        let tests: Vec<&Test> = rules
            .iter()
            .flat_map(|rule| rule.conditions())
            .filter(|condition| condition.at() == pointer)
            .flat_map(|condition| condition.tests())
            .collect();
        let bounds = tests.iter().filter_map(|test| test.bound());
        let mut bounds: Vec<Bound> = bounds.cloned().collect();
        bounds.sort_by(|a, b| a.value().cmp(b.value()));
        bounds.dedup_by(|a, b| a.value() == b.value());
        let texts = tests.iter().flat_map(|test| test.texts());
        let mut texts: Vec<String> = texts.cloned().collect();
        texts.sort_unstable();
        texts.dedup();

        let known = |text: &str| texts.iter().any(|known| known == text);
        let text = |text: &str| Some(Value::from(text.to_owned()));
        let mut atoms = Vec::new();
        for one in &texts {
            atoms.push(Atom::new(Class::Text(one.clone()), text(one)));
        }
        // Examples are taken from the front.
        let other = Atom::new(Class::OtherText, text(&fresh("other", known)));
        let numeric = !bounds.is_empty();
        atoms.extend((!numeric).then(|| other.clone()));
        let numbers = numbers(&bounds);
        for (i, number) in numbers.iter().enumerate() {
            let mut digits = number.clone();
            while known(&digits) {
                digits.push_str(if digits.contains('.') { "0" } else { ".0" });
            }
            atoms.push(Atom::new(Class::Decimal(i), text(&digits)));
        }
        for (i, digits) in numbers.into_iter().enumerate() {
            let canonical = number::canonical(&digits)
                .filter(|token| Decimal::parse(token) == Decimal::parse(&digits));
            let can_be_sent = canonical.is_some();
            let value = Value::Number(Cow::Owned(canonical.unwrap_or(digits)));
            atoms.push(Atom {
                can_be_sent,
                ..Atom::new(Class::Number(i), Some(value))
            });
        }
        atoms.extend(numeric.then_some(other));
        for flag in [true, false] {
            atoms.push(Atom::new(Class::Bool(flag), Some(flag.into())));
        }
        atoms.push(Atom::new(Class::Other, Some(Value::Null)));
        atoms.push(Atom::new(Class::Missing, None));
        Self {
            pointer: pointer.clone(),
            atoms,
            bounds,
            texts,
        }
    }
}

impl Atom {
    fn new(class: Class, value: Option<Value<'static>>) -> Self {
        Self {
            class,
            value,
            can_be_sent: true,
        }
    }
}

/// Requests, as the classes that are in it on each axis. The first axis is the requester.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Region(pub(super) Vec<Vec<bool>>);

impl Region {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().any(|axis| !axis.contains(&true))
    }

    /// How much memory it takes, in classes.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The requests that are in both.
    fn and(&self, other: &Self) -> Self {
        let axes = self.0.iter().zip(&other.0);
        Self(axes.map(|(a, b)| combine(a, b, |a, b| a && b)).collect())
    }

    /// The requests that are not in `other`, in regions that have none in common; `None` if all
    /// are not in it.
    ///
    /// ```text
    /// ┌────┬───┐
    /// │    │ 2 │     1: outside on the first axis
    /// │ 1  ├───┤     2: inside on the first, outside on the second
    /// │    │ − │
    /// └────┴───┘
    /// ```
    pub(super) fn without(&self, other: &Self) -> Option<Vec<Self>> {
        let common = self.and(other);
        if common.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        let mut inside = self.clone();
        for (i, (own, common)) in self.0.iter().zip(&common.0).enumerate() {
            let outside = combine(own, common, |own, common| own && !common);
            if outside.contains(&true) {
                let mut part = inside.clone();
                part.set(i, outside);
                parts.push(part);
            }
            inside.set(i, common.clone());
        }
        Some(parts)
    }

    pub(super) fn set(&mut self, axis: usize, classes: Vec<bool>) {
        if let Some(own) = self.0.get_mut(axis) {
            *own = classes;
        }
    }
}

fn combine(a: &[bool], b: &[bool], with: impl Fn(bool, bool) -> bool) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| with(*a, *b)).collect()
}

/// A number of each class: below the lowest bound, that bound, between it and the next, and so on.
fn numbers(bounds: &[Bound]) -> Vec<String> {
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        return vec!["1".into()];
    };
    let mut numbers = vec![below(first.value())];
    for (i, bound) in bounds.iter().enumerate() {
        numbers.push(bound.as_str().into());
        if let Some(next) = i.checked_add(1).and_then(|next| bounds.get(next)) {
            numbers.push(between(bound.value(), next.value()));
        }
    }
    numbers.push(above(last.value()));
    numbers
}

/// `text`, or the first of `text-2`, `text-3` and so on that is not known.
fn fresh(text: &str, known: impl Fn(&str) -> bool) -> String {
    let more = (2_u64..).map(|number| format!("{text}-{number}"));
    let mut all = [text.to_owned()].into_iter().chain(more);
    all.find(|text| !known(text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn regions() -> impl Strategy<Value = Region> {
        let axis = |length| prop::collection::vec(any::<bool>(), length);
        (axis(2), axis(3), axis(3)).prop_map(|(a, b, c)| Region(vec![a, b, c]))
    }

    fn has(region: &Region, point: [usize; 3]) -> bool {
        region.0.iter().zip(point).all(|(axis, class)| axis[class])
    }

    proptest! {
        #[test]
        fn what_is_left_is_in_one_part(own in regions(), other in regions()) {
            let parts = own.without(&other);
            for point in (0..18).map(|at| [at / 9, at / 3 % 3, at % 3]) {
                let taken = has(&own, point) && has(&other, point);
                match &parts {
                    None => prop_assert!(!taken),
                    Some(parts) => {
                        let parts = parts.iter().filter(|part| has(part, point)).count();
                        prop_assert_eq!(parts == 1, has(&own, point) && !taken);
                        prop_assert!(parts <= 1);
                    }
                }
            }
        }
    }
}
