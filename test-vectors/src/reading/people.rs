//! Keys, the people who hold them, and the clauses that people serve (docs/spec/policy.md,
//! decision.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::encodings::{base64url, time};
use super::keys::identity;

/// A key that a policy or a version of a roster lists.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) person: String,
    pub(super) groups: BTreeSet<String>,
    pub(super) public_key: Vec<u8>,
    pub(super) credential_id: Option<Vec<u8>>,
    pub(super) not_before: Option<u64>,
    pub(super) not_after: Option<u64>,
}

impl Holder {
    /// Of a policy, which is well formed.
    pub(super) fn of_policy(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let limit = |key: &str| text(key).map(|text| time(&text).unwrap());
        let name = text("name").unwrap();
        Self {
            person: text("person").unwrap_or_else(|| name.clone()),
            name,
            groups: super::procedure::texts(&value["groups"])
                .into_iter()
                .collect(),
            public_key: base64url(&text("publicKey").unwrap()).unwrap(),
            credential_id: text("credentialId").map(|id| base64url(&id).unwrap()),
            not_before: limit("notBefore"),
            not_after: limit("notAfter"),
        }
    }

    pub(super) fn has_key(&self, cose: &[u8]) -> bool {
        identity(&self.public_key) == identity(cose)
    }

    pub(super) fn serves_as(&self, other: &Self) -> bool {
        self.person == other.person && self.groups == other.groups
    }
}

/// So many people of a group.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) group: String,
    pub(super) at_least: u64,
}

impl Clause {
    /// Of a list in a policy, which is well formed.
    pub(super) fn of_policy(list: &Value) -> Vec<Self> {
        let items = list.as_array().into_iter().flatten();
        items
            .map(|item| Self {
                group: item["group"].as_str().unwrap().into(),
                at_least: item["atLeast"].as_u64().unwrap(),
            })
            .collect()
    }
}

/// Whether these are anybody at all, and can fill all places at once, each of them one.
///
/// By Hall's theorem: they can if, for every set of groups, the people in any of its groups are no
/// fewer than the places for these groups.
pub(super) fn are_enough<'h>(
    holders: impl IntoIterator<Item = &'h Holder>,
    clauses: &[Clause],
) -> bool {
    let mut people: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for holder in holders {
        let groups = people.entry(&holder.person).or_default();
        groups.extend(holder.groups.iter().map(String::as_str));
    }
    let mut places: BTreeMap<&str, u64> = BTreeMap::new();
    for clause in clauses {
        *places.entry(&clause.group).or_default() += clause.at_least;
    }
    let places: Vec<(&str, u64)> = places.into_iter().collect();
    assert!(places.len() <= 16, "too many groups for every set of them");
    let sets = 1..1_u32 << places.len();
    let holds = |set: u32| {
        let chosen = || (0..).zip(&places).filter(move |(i, _)| set >> i & 1 == 1);
        let wanted: u64 = chosen().map(|(_, (_, count))| count).sum();
        let there = people
            .values()
            .filter(|groups| chosen().any(|(_, (group, _))| groups.contains(group)));
        u64::try_from(there.count()).unwrap() >= wanted
    };
    !people.is_empty() && sets.into_iter().all(holds)
}

/// The smallest of these numbers such that those with a number up to it are enough.
pub(super) fn enough_at(mut holders: Vec<(u64, &Holder)>, clauses: &[Clause]) -> Option<u64> {
    holders.sort_by_key(|(at, _)| *at);
    let up_to = |limit: u64| {
        let earlier = holders.iter().filter(move |(at, _)| *at <= limit);
        earlier.map(|(_, holder)| *holder)
    };
    let mut numbers = holders.iter().map(|(at, _)| *at);
    numbers.find(|limit| are_enough(up_to(*limit), clauses))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(person: &str, groups: &[&str]) -> Holder {
        Holder {
            name: person.into(),
            person: person.into(),
            groups: groups.iter().map(|group| (*group).into()).collect(),
            public_key: Vec::new(),
            credential_id: None,
            not_before: None,
            not_after: None,
        }
    }

    fn clause(group: &str, at_least: u64) -> Clause {
        Clause {
            group: group.into(),
            at_least,
        }
    }

    #[test]
    fn a_person_fills_one_place() {
        let (ann, bob) = (holder("ann", &["a", "b"]), holder("bob", &["a"]));
        let clauses = [clause("a", 1), clause("b", 1)];
        assert!(are_enough([&ann, &bob], &clauses));
        assert!(!are_enough([&ann], &clauses));
        assert!(!are_enough([&ann, &ann], &clauses));
        assert!(!are_enough([&bob, &holder("eve", &["a"])], &clauses));
        assert!(are_enough([&bob], &[]) && !are_enough([], &[]));
        assert!(!are_enough(
            [&ann, &bob],
            &[clause("a", 1), clause("a", 1), clause("b", 1)]
        ));
    }

    #[test]
    fn numbers_count_up_to_the_last_that_is_needed() {
        let (ann, bob) = (holder("ann", &["a"]), holder("bob", &["a"]));
        let at =
            |ann_at, bob_at| enough_at(vec![(ann_at, &ann), (bob_at, &bob)], &[clause("a", 2)]);
        assert_eq!(at(7, 5), Some(7));
        assert_eq!(
            enough_at(vec![(7, &ann), (5, &bob), (9, &bob)], &[clause("a", 1)]),
            Some(5)
        );
        assert_eq!(
            enough_at(vec![(7, &ann), (5, &ann)], &[clause("a", 2)]),
            None
        );
    }
}
