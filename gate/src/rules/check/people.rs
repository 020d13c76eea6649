//! Rules that the people who are known cannot satisfy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{ApiKey, Finding, Person};
use crate::rules::Rule;

/// More groups than this in one rule are not looked at: there are 2^n sets of them.
const MOST_GROUPS: usize = 12;

/// Each person once, with the groups of all entries.
pub(super) struct People<'p>(BTreeMap<&'p str, Vec<String>>);

impl<'p> People<'p> {
    pub(super) fn of(list: &'p [Person]) -> Self {
        let mut people: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for person in list {
            let groups = people.entry(&person.name).or_default();
            groups.extend(person.groups.iter().cloned());
        }
        Self(people)
    }

    /// Everything that stands in the way of a rule.
    pub(super) fn check(&self, rule: &Rule, keys: &[ApiKey]) -> Vec<Finding> {
        let name = || rule.name().to_owned();
        let clauses = rule.approve().iter().map(|clause| &clause.group);
        let later = rule.escalate().iter().map(|one| &one.group);
        let named: BTreeSet<&String> = clauses.chain(later).collect();
        let nobody = named.into_iter().filter(|group| {
            let mut people = self.0.values();
            !people.any(|groups| groups.contains(group))
        });
        let mut findings: Vec<Finding> = nobody
            .map(|group| Finding::NobodyInGroup {
                rule: name(),
                group: group.clone(),
            })
            .collect();

        let mut times: Vec<Duration> = rule.escalate().iter().map(|one| one.after).collect();
        times.push(Duration::ZERO);
        times.sort_unstable();
        let Some(at_first) = self.shortage(rule, Duration::ZERO, None) else {
            findings.push(Finding::Undecided { subject: name() });
            return findings;
        };
        let fits = |time: &Duration, without| self.shortage(rule, *time, without) == Some(None);
        let until = times.iter().find(|time| fits(time, None)).copied();
        if let Some(shortage) = at_first {
            // Of a group without anybody in it that was said already.
            if until.is_some() || shortage.people > 0 {
                findings.push(Finding::TooFewPeople {
                    rule: name(),
                    groups: shortage.groups,
                    asked: shortage.asked,
                    people: shortage.people,
                    until,
                });
            }
        }
        if until.is_none() {
            return findings;
        }
        for key in keys.iter().filter(|key| rule.may_ask(&key.name)) {
            let owner = key.owner.as_deref();
            if owner.is_some() && !times.iter().any(|time| fits(time, owner)) {
                findings.push(Finding::OwnerNeeded {
                    rule: name(),
                    requester: key.name.clone(),
                    owner: key.owner.clone().unwrap_or_default(),
                });
            }
        }
        findings
    }

    /// The fewest groups that are asked for more people than there are in them together; the inner
    /// `None` if there are none, and then all clauses can be served, each by people of its own
    /// (Hall's theorem). The outer one if the rule names too many groups.
    fn shortage(
        &self,
        rule: &Rule,
        elapsed: Duration,
        without: Option<&str>,
    ) -> Option<Option<Shortage>> {
        let groups: BTreeSet<&String> = rule.approve().iter().map(|one| &one.group).collect();
        let groups: Vec<&String> = groups.into_iter().collect();
        if groups.len() > MOST_GROUPS {
            return None;
        }
        let people = self.0.iter().filter(|(name, _)| Some(**name) != without);
        let people: Vec<Vec<String>> = people
            .map(|(_, own)| rule.groups_of(own, elapsed))
            .collect();
        let sets = 1_u32..1_u32.checked_shl(u32::try_from(groups.len()).ok()?)?;
        let shortage = |set: u32| {
            let within = groups.iter().enumerate();
            let within = within.filter(|(i, _)| (set >> i) & 1 == 1);
            let groups: Vec<String> = within.map(|(_, group)| (*group).clone()).collect();
            let clauses = rule.approve().iter();
            let clauses = clauses.filter(|one| groups.contains(&one.group));
            let asked = clauses.map(|one| one.at_least).sum();
            let fitting = people.iter();
            let fitting = fitting.filter(|own| own.iter().any(|group| groups.contains(group)));
            let people = fitting.count();
            (people < asked).then_some(Shortage {
                groups,
                asked,
                people,
            })
        };
        let all = sets.filter_map(shortage);
        Some(all.min_by_key(|shortage| shortage.groups.len()))
    }
}

/// Groups that are asked for more people than are in them.
#[derive(Debug, Eq, PartialEq)]
struct Shortage {
    groups: Vec<String>,
    asked: usize,
    people: usize,
}
