//! Requests without a rule, rules without a request, and requests that slip to a later rule.

use verifier_core::quote;

use super::space::{Axis, Class, Region, Requester, Space};
use super::{Example, Finding};
use crate::rules::explain::place;
use crate::rules::pattern::Pattern;
use crate::rules::{Rule, Rules};

/// The most gaps that are shown of one pattern of actions.
const MOST_GAPS: usize = 16;

/// The most classes that regions may have together before a question is left open.
const MOST_CLASSES: usize = 4_000_000;

/// An action that stands for those of a pattern, and the rules for it.
pub(super) struct Scope<'r> {
    all: &'r Rules,
    pattern: &'r Pattern,
    action: String,
    space: Space,
    rules: Vec<(&'r Rule, Region)>,
}

impl<'r> Scope<'r> {
    pub(super) fn of(all: &'r Rules, pattern: &'r Pattern) -> Self {
        let action = example_action(all, pattern);
        let rules = all.list().iter();
        let rules: Vec<&Rule> = rules
            .filter(|rule| rule.action().matches(&action))
            .collect();
        let space = Space::of(&rules);
        let with_region = |rule: &'r Rule| (rule, space.region(rule));
        let rules = rules.into_iter().map(with_region).collect();
        Self {
            all,
            pattern,
            action,
            space,
            rules,
        }
    }

    /// Everything about one of the rules, if it has this very pattern.
    pub(super) fn rule(&self, rule: &Rule) -> Vec<Finding> {
        let mut own = self.rules.iter();
        let at = own.position(|(one, _)| one.name() == rule.name());
        let parts = at.and_then(|at| self.rules.split_at_checked(at));
        match parts {
            Some((earlier, [(_, region), ..])) if rule.action() == self.pattern => {
                match never_used(self, rule, region, earlier) {
                    Some(finding) => vec![finding],
                    None => slips(self, rule, region),
                }
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a rule can never be used, since earlier ones take all it is for.
fn never_used(
    scope: &Scope<'_>,
    rule: &Rule,
    region: &Region,
    earlier: &[(&Rule, Region)],
) -> Option<Finding> {
    let name = rule.name().to_owned();
    if region.is_empty() {
        let by = Vec::new();
        return Some(Finding::NeverUsed { rule: name, by });
    }
    // Others may be for this one action and not for all that the rule is for.
    let earlier = earlier
        .iter()
        .filter(|(one, _)| one.action().covers(scope.pattern));
    match remaining(region.clone(), earlier) {
        None => Some(Finding::Undecided { subject: name }),
        Some((left, by)) if left.is_empty() => {
            let by = by.into_iter().map(|rule| rule.name().to_owned()).collect();
            Some(Finding::NeverUsed { rule: name, by })
        }
        Some(_) => None,
    }
}

/// The payloads that meet no rule, for actions that match a pattern and no other pattern that the
/// first does not lie within.
pub(super) fn gaps(scope: &Scope<'_>) -> Vec<Finding> {
    let (space, pattern) = (&scope.space, scope.pattern);
    let mut all = space.all();
    let gap = |region: &Region, case: String| {
        // One that is like what the rules ask for, in all but this.
        let example = scope
            .rules
            .iter()
            .flat_map(|(_, near)| space.examples(region, near, &scope.action))
            .find(|example| example.rule(scope.all).is_none());
        example.map(|example| Finding::Gap {
            action: pattern.as_str().into(),
            case,
            example,
        })
    };
    let mut found = Vec::new();

    // What no rule allows at one place is a gap, whatever the rest of the request is.
    let axes = all.0.len();
    for axis in 0..axes {
        let allowed = |class: usize| {
            let mut rules = scope.rules.iter().filter(|(_, region)| !region.is_empty());
            rules.any(|(_, region)| region.has(axis, class))
        };
        let classes = all.0.get(axis).map_or(0, Vec::len);
        let refused: Vec<bool> = (0..classes).map(|class| !allowed(class)).collect();
        for (atoms, words) in cases(space, axis, &refused) {
            let mut region = space.all();
            region.set(axis, atoms);
            let case = format!("{} is {words}", subject(space, axis));
            found.extend(gap(&region, case));
            if found.len() > MOST_GAPS {
                return shortened(found, pattern);
            }
        }
        all.set(axis, refused.into_iter().map(|refused| !refused).collect());
    }
    // In the rest it is several places together.
    let Some((left, _)) = remaining(all.clone(), &scope.rules) else {
        found.push(Finding::Undecided {
            subject: pattern.as_str().into(),
        });
        return found;
    };
    for region in &left {
        let narrowed = region.0.iter().zip(&all.0).enumerate();
        let narrowed = narrowed.filter(|(_, (own, all))| own != all);
        let words = narrowed.map(|(axis, (own, _))| {
            let cases = cases(space, axis, own).into_iter();
            let words: Vec<String> = cases.map(|(_, words)| words).collect();
            format!("{} is {}", subject(space, axis), words.join(" or "))
        });
        let words: Vec<String> = words.collect();
        found.extend(gap(region, words.join(", and ")));
        if found.len() > MOST_GAPS {
            return shortened(found, pattern);
        }
    }
    found
}

/// As many gaps as are shown, and that there are more.
fn shortened(mut found: Vec<Finding>, pattern: &Pattern) -> Vec<Finding> {
    found.truncate(MOST_GAPS);
    found.push(Finding::MoreGaps {
        action: pattern.as_str().into(),
    });
    found
}

/// Requests that a rule compares a number of, and that come to a later rule because there is no
/// number.
fn slips(scope: &Scope<'_>, rule: &Rule, own: &Region) -> Vec<Finding> {
    let (rules, space) = (scope.all, &scope.space);
    let compared = rule.conditions().iter().filter(|condition| {
        let mut tests = condition.tests().iter();
        tests.any(|test| test.bound().is_some())
    });
    let slip = |axis: usize, classes: &dyn Fn(&Class) -> bool| {
        let at = axis.checked_sub(1).and_then(|at| space.axes.get(at))?;
        let mut region = own.clone();
        let atoms: Vec<bool> = at.atoms.iter().map(|atom| classes(&atom.class)).collect();
        region.set(axis, atoms.clone());
        let (_, words) = cases(space, axis, &atoms).into_iter().next()?;
        let case = format!("{} is {words}", subject(space, axis));
        let examples = space.examples(&region, own, &scope.action).into_iter();
        let mut hits = examples.filter_map(|example| {
            let to = example.rule(rules)?;
            let comes_later = position(rules, to) > position(rules, rule);
            comes_later.then(|| (to.name().to_owned(), example.clone()))
        });
        let (to, example) = hits.next()?;
        let rule = rule.name().to_owned();
        Some(Finding::Slip {
            rule,
            to,
            case,
            example,
        })
    };
    let axis_of = |pointer| {
        space
            .axes
            .iter()
            .position(|axis: &Axis| axis.pointer == pointer)
    };
    let mut axes: Vec<usize> = compared
        .filter_map(|condition| axis_of(condition.at().clone())?.checked_add(1))
        .collect();
    axes.sort_unstable();
    axes.dedup();
    let missing = |class: &Class| *class == Class::Missing;
    let no_number =
        |class: &Class| matches!(class, Class::OtherText | Class::Bool(_) | Class::Other);
    let both = axes
        .into_iter()
        .flat_map(|axis| [slip(axis, &missing), slip(axis, &no_number)]);
    both.flatten().collect()
}

impl Example {
    /// The rule for this request.
    fn rule<'r>(&self, rules: &'r Rules) -> Option<&'r Rule> {
        rules.find(&self.action, &self.payload, &self.requester)
    }
}

impl Region {
    fn has(&self, axis: usize, class: usize) -> bool {
        self.0.get(axis).and_then(|axis| axis.get(class)) == Some(&true)
    }
}

/// What is left of a region without those of some rules, and which of them took something. `None`
/// if it falls into too many pieces to say.
fn remaining<'s, 'r: 's>(
    region: Region,
    rules: impl IntoIterator<Item = &'s (&'r Rule, Region)>,
) -> Option<(Vec<Region>, Vec<&'r Rule>)> {
    let mut left = vec![region];
    let mut by = Vec::new();
    for (rule, taken) in rules {
        let mut next = Vec::new();
        let mut size = 0_usize;
        let before = by.len();
        for region in left {
            let parts = match region.without(taken) {
                None => vec![region],
                Some(parts) => {
                    by.truncate(before);
                    by.push(*rule);
                    parts
                }
            };
            size = parts
                .iter()
                .map(Region::size)
                .fold(size, usize::saturating_add);
            next.extend(parts);
            if size > MOST_CLASSES {
                return None;
            }
        }
        left = next;
    }
    Some((left, by))
}

/// The chosen classes of an axis as cases, each with words that follow "is".
fn cases(space: &Space, axis: usize, chosen: &[bool]) -> Vec<(Vec<bool>, String)> {
    let Some(at) = axis.checked_sub(1) else {
        return requesters(space, chosen);
    };
    let parts = space.axes.get(at).map(|axis| axis.parts(chosen));
    let parts = parts.unwrap_or_default().into_iter();
    parts.map(|part| (part.atoms, part.words)).collect()
}

fn requesters(space: &Space, chosen: &[bool]) -> Vec<(Vec<bool>, String)> {
    let all = space.requesters.iter().enumerate().zip(chosen);
    let chosen = all.filter(|(_, chosen)| **chosen);
    chosen
        .map(|((index, requester), _)| {
            let words = match requester {
                Requester::Named(name) => quote(name),
                Requester::Other(_) => "one that no rule names".into(),
            };
            let only = (0..space.requesters.len()).map(|other| other == index);
            (only.collect(), words)
        })
        .collect()
}

/// The words in front of "is".
fn subject(space: &Space, axis: usize) -> String {
    let axis = axis.checked_sub(1).and_then(|at| space.axes.get(at));
    axis.map_or("the requester".into(), |axis| place(axis.pointer.as_str()))
}

/// An action that matches a pattern, and if possible no other pattern that not all such actions do.
pub(super) fn example_action(rules: &Rules, pattern: &Pattern) -> String {
    let numbered = (0..=rules.list().len()).map(|number| format!("x{number}"));
    let letters = ('a'..='z').map(String::from);
    let words = ["example".to_owned()].into_iter();
    let words = words.chain(letters).chain(numbered);
    let mut actions = words.map(|word| pattern.with(&word));
    let fits = |action: &String| {
        let mut others = rules.list().iter().map(Rule::action);
        others.all(|other| other.matches(action) == other.covers(pattern))
    };
    let found = actions.find(fits);
    found.unwrap_or_else(|| pattern.with("example"))
}

fn position(rules: &Rules, rule: &Rule) -> Option<usize> {
    let mut all = rules.list().iter();
    all.position(|one| one.name() == rule.name())
}
