//! Classes of requests in words.

use super::space::{Axis, Class};
use crate::rules::explain::list;

/// Some classes of one axis that people think of as one case.
pub(super) struct Part {
    /// Words that follow "/amount is".
    pub(super) words: String,
    /// Which classes.
    pub(super) atoms: Vec<bool>,
}

impl Axis {
    /// The chosen classes as cases: texts by name, ranges of numbers, all other values, missing.
    pub(super) fn parts(&self, chosen: &[bool]) -> Vec<Part> {
        let named = self.select(chosen, |class| matches!(class, Class::Text(_)));
        let missing = self.select(chosen, |class| *class == Class::Missing);
        let mut parts = vec![self.part(named, |names| list(&names))];
        parts.extend(self.ranges(chosen));
        parts.push(self.others(chosen));
        parts.push(self.part(missing, |_| "missing".into()));
        parts.into_iter().flatten().collect()
    }

    /// The classes that are chosen and of a kind.
    fn select(&self, chosen: &[bool], kind: impl Fn(&Class) -> bool) -> Vec<bool> {
        let atoms = self.atoms.iter().zip(chosen);
        atoms
            .map(|(atom, chosen)| *chosen && kind(&atom.class))
            .collect()
    }

    fn part(&self, atoms: Vec<bool>, words: impl FnOnce(Vec<String>) -> String) -> Option<Part> {
        if !atoms.contains(&true) {
            return None;
        }
        let classes = self.atoms.iter().zip(&atoms).filter(|(_, in_it)| **in_it);
        let names = classes.filter_map(|(atom, _)| match &atom.class {
            Class::Text(text) => Some(text.clone()),
            _ => None,
        });
        let words = words(names.collect());
        Some(Part { words, atoms })
    }

    /// Numbers, where rules compare with some.
    fn ranges(&self, chosen: &[bool]) -> Vec<Option<Part>> {
        if self.bounds.is_empty() {
            return Vec::new();
        }
        let last = self.bounds.len().saturating_mul(2);
        let form = |index: usize| {
            let has = |class| self.select(chosen, |one| *one == class).contains(&true);
            (has(Class::Decimal(index)), has(Class::Number(index)))
        };
        let mut parts = Vec::new();
        let mut index = 0;
        while index <= last {
            let begin = form(index);
            let same = (index..=last).take_while(|at| form(*at) == begin).count();
            let end = index.saturating_add(same).saturating_sub(1);
            let range = index..=end;
            let suffix = match begin {
                (true, true) => "",
                (true, false) => ", as text",
                _ => ", as a JSON number",
            };
            let atoms = self.select(chosen, |class| match class {
                Class::Decimal(at) | Class::Number(at) => range.contains(at),
                _ => false,
            });
            parts.push(self.part(atoms, |_| self.range(index, end) + suffix));
            index = end.saturating_add(1);
        }
        parts
    }

    /// The numbers of the classes `from` to `to`, see [`Class::Decimal`].
    fn range(&self, from: usize, to: usize) -> String {
        let bound = |index: usize| self.bounds.get(index).map_or("", |bound| bound.as_str());
        let (low, high) = (
            from.checked_sub(1),
            to < self.bounds.len().saturating_mul(2),
        );
        let low = low.map(|low| {
            let words = if from % 2 == 1 { "at least" } else { "above" };
            format!("{words} {}", bound(low / 2))
        });
        let high = high.then(|| {
            let words = if to % 2 == 1 { "at most" } else { "below" };
            format!("{words} {}", bound(to / 2))
        });
        match (low, high) {
            _ if from == to && from % 2 == 1 => format!("the number {}", bound(from / 2)),
            (Some(low), Some(high)) => format!("{low} and {high}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "any number".into(),
        }
    }

    /// All that is neither missing, nor a number that rules compare, nor a text that they name.
    fn others(&self, chosen: &[bool]) -> Option<Part> {
        let compared = !self.bounds.is_empty();
        let is_number = |class: &Class| matches!(class, Class::Decimal(_) | Class::Number(_));
        let kind = |class: &Class| match class {
            Class::Text(_) | Class::Missing => false,
            class if is_number(class) => !compared,
            _ => true,
        };
        let atoms = self.select(chosen, kind);
        let everything = self.select(&vec![true; self.atoms.len()], kind);
        let words = match (atoms == everything, compared, self.texts.is_empty()) {
            (true, true, _) => "no number".into(),
            (true, false, true) => "anything at all".into(),
            (true, false, false) => format!("another value than {}", list(&self.texts)),
            (false, ..) => {
                let has = |kind: fn(&Class) -> bool| self.select(&atoms, kind).contains(&true);
                let words = [
                    (has(|class| *class == Class::OtherText), "another text"),
                    (has(|class| matches!(class, Class::Number(_))), "a number"),
                    (has(|class| *class == Class::Bool(true)), "true"),
                    (has(|class| *class == Class::Bool(false)), "false"),
                    (
                        has(|class| *class == Class::Other),
                        "null, an array or an object",
                    ),
                ];
                let words = words.into_iter().filter(|(has, _)| *has);
                words
                    .map(|(_, words)| words)
                    .collect::<Vec<_>>()
                    .join(" or ")
            }
        };
        self.part(atoms, |_| words)
    }
}
