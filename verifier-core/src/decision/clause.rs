//! Who of several people has to approve, and which of them serves which clause.

use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use crate::json::Value;
use crate::policy::name;
use crate::schema::{self, Members, Wrong};

/// At least so many people of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Clause {
    /// The group.
    pub group: String,
    /// How many of it, from 1 to 64.
    pub at_least: usize,
}

impl Clause {
    /// The most people that all clauses of one rule together may ask for.
    pub const MOST: usize = 64;

    /// A clause; `None` if it asks for nobody, or for more than [`Self::MOST`].
    pub fn new(group: String, at_least: usize) -> Option<Self> {
        let fits = (1..=Self::MOST).contains(&at_least);
        fits.then_some(Self { group, at_least })
    }

    /// The clauses under `key`, each `{"atLeast":n,"group":name}`; none if it is missing. Together
    /// they may ask for [`Self::MOST`] people.
    pub fn list(members: &Members<'_, '_>, key: &str) -> Result<Vec<Self>, schema::Error> {
        let mut all: usize = 0;
        let clause = |members: Members<'_, '_>| {
            let members = members.only(&["atLeast", "group"])?;
            let at_least = members.optional_u64("atLeast")?;
            let at_least = at_least.ok_or_else(|| members.error("atLeast", Wrong::Missing))?;
            let number = usize::try_from(at_least).unwrap_or(usize::MAX);
            all = all.saturating_add(number);
            let clause = Self::new(name(&members, "group")?, number);
            clause.filter(|_| all <= Self::MOST).ok_or_else(|| {
                let expected = "a number from 1 to 64, and no more than 64 in all";
                members.wrong("atLeast", expected, &at_least.to_string())
            })
        };
        members.objects(key)?.into_iter().map(clause).collect()
    }

    /// The JSON that [`Self::list`] reads.
    pub fn to_value(&self) -> Value<'_> {
        Value::from([
            ("atLeast", count(self.at_least)),
            ("group", self.group.as_str().into()),
        ])
    }
}

/// A clause, and the people who serve it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Served {
    /// The group.
    pub group: String,
    /// How many of it are required.
    pub at_least: usize,
    /// The people who serve the clause, in the order of their names.
    pub by: Vec<String>,
}

impl Served {
    /// How many people are missing.
    pub fn missing(&self) -> usize {
        self.at_least.saturating_sub(self.by.len())
    }

    /// The JSON of a report: `{"atLeast":n,"group":name,"missing":n,"servedBy":[name,…]}`.
    pub fn to_value(&self) -> Value<'_> {
        let by = self.by.iter().map(|person| Value::from(person.as_str()));
        Value::from([
            ("atLeast", count(self.at_least)),
            ("group", self.group.as_str().into()),
            ("missing", count(self.missing())),
            ("servedBy", by.collect()),
        ])
    }
}

fn count(number: usize) -> Value<'static> {
    u64::try_from(number).unwrap_or(u64::MAX).into()
}

/// Somebody who approved, and the groups that this person may serve a clause for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Person {
    /// The name. Two entries of one name are one person.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl Person {
    /// A person of these groups.
    pub fn new(name: String, groups: Vec<String>) -> Self {
        Self { name, groups }
    }
}

/// Which person serves which clause: as many places as can be filled at once, each by one person,
/// each person in one place.
///
/// Counting the people of each group gives wrong answers: one who is in two groups would serve both
/// clauses. Filling clauses one after the other does, too: who fills the first may be the only one
/// who could have filled the second. So this is a matching in a bipartite graph, made larger along
/// alternating paths until there is none. The answer does not depend on the order of `people`.
///
/// A person may stand in `people` several times, once for each key: it is one person, with the
/// groups of all of them.
///
/// The answer has one [`Served`] for each clause, in their order. Nobody is missing in any of them
/// exactly if the people can fill all places. It says nothing about signatures: that somebody
/// approved has been decided before.
pub fn assign(clauses: &[Clause], people: &[Person]) -> Vec<Served> {
    let people = each_once(people);
    let places: Vec<usize> = clauses
        .iter()
        .enumerate()
        .flat_map(|(clause, rule)| vec![clause; rule.at_least])
        .collect();
    let mut matching = Matching {
        clauses,
        places: &places,
        people: &people,
        holder: vec![None; places.len()],
    };
    for person in 0..people.len() {
        let mut asked = vec![false; places.len()];
        matching.seat(person, &mut asked);
    }
    let held: Vec<(usize, Option<usize>)> = places.iter().copied().zip(matching.holder).collect();
    let served = |(clause, rule): (usize, &Clause)| {
        let serves = |person| held.contains(&(clause, Some(person)));
        let by = people.iter().enumerate();
        let by = by.filter(|(person, _)| serves(*person));
        Served {
            group: rule.group.clone(),
            at_least: rule.at_least,
            by: by.map(|(_, person)| person.name.clone()).collect(),
        }
    };
    clauses.iter().enumerate().map(served).collect()
}

/// Every person once, in the order of the names, with the groups of all entries.
fn each_once(people: &[Person]) -> Vec<Person> {
    let mut all: Vec<Person> = Vec::new();
    for person in people {
        match all.binary_search_by(|known| known.name.cmp(&person.name)) {
            Ok(at) => {
                if let Some(known) = all.get_mut(at) {
                    known.groups.extend_from_slice(&person.groups);
                }
            }
            Err(at) => all.insert(at, person.clone()),
        }
    }
    all
}

struct Matching<'m> {
    clauses: &'m [Clause],
    /// The clause of each place.
    places: &'m [usize],
    people: &'m [Person],
    /// Who is in each place.
    holder: Vec<Option<usize>>,
}

impl Matching<'_> {
    /// Finds a place for one more person, if need be by moving others to other places. Recursion
    /// is bounded by the number of places, since each is asked once.
    fn seat(&mut self, person: usize, asked: &mut Vec<bool>) -> bool {
        for place in 0..self.places.len() {
            if !self.fits(person, place) {
                continue;
            }
            match asked.get_mut(place) {
                Some(asked) if !*asked => *asked = true,
                _ => continue,
            }
            let holder = self.holder.get(place).copied().flatten();
            if holder.is_none_or(|other| self.seat(other, asked)) {
                if let Some(slot) = self.holder.get_mut(place) {
                    *slot = Some(person);
                }
                return true;
            }
        }
        false
    }

    fn fits(&self, person: usize, place: usize) -> bool {
        let clause = self.places.get(place).and_then(|at| self.clauses.get(*at));
        let person = self.people.get(person);
        clause
            .zip(person)
            .is_some_and(|(clause, person)| person.groups.contains(&clause.group))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn clause(group: &str, at_least: usize) -> Clause {
        let group = group.into();
        Clause { group, at_least }
    }

    fn person(name: &str, groups: &[&str]) -> Person {
        Person {
            name: name.into(),
            groups: groups.iter().map(|group| (*group).into()).collect(),
        }
    }

    fn missing(clauses: &[Clause], people: &[Person]) -> usize {
        assign(clauses, people).iter().map(Served::missing).sum()
    }

    #[test]
    fn filling_clauses_one_after_the_other_would_be_wrong() {
        // ann, who comes first, is the only one on the board: if she serves finance, nobody is left.
        let clauses = [clause("finance", 1), clause("board", 1)];
        let ann = person("ann", &["finance", "board"]);
        let bob = person("bob", &["finance"]);
        let served = assign(&clauses, &[ann.clone(), bob.clone()]);
        assert_eq!(served[0].by, ["bob"]);
        assert_eq!(served[1].by, ["ann"]);
        // Counting each group would be wrong as well: she cannot serve both.
        assert_eq!(missing(&clauses, &[ann]), 1);
        assert_eq!(missing(&clauses, &[bob]), 1);
    }

    #[test]
    fn several_keys_of_one_person_are_one_person() {
        let ann = person("ann", &["finance"]);
        let phone = person("ann", &["board"]);
        assert_eq!(
            missing(&[clause("finance", 2)], &[ann.clone(), ann.clone()]),
            1
        );
        let both = [clause("finance", 1), clause("board", 1)];
        assert_eq!(missing(&both, &[ann.clone(), phone.clone()]), 1);
        assert_eq!(missing(&[clause("board", 1)], &[ann, phone]), 0);
    }

    #[test]
    fn a_chain_of_people_moves_up() {
        let clauses = [clause("a", 1), clause("b", 1), clause("c", 1)];
        let people = [
            person("1", &["a", "b"]),
            person("2", &["b", "c"]),
            person("3", &["a"]),
        ];
        assert_eq!(missing(&clauses, &people), 0);
    }

    /// Every way to put people into places.
    fn by_force(clauses: &[Clause], people: &[Person]) -> usize {
        let Some((first, rest)) = people.split_first() else {
            return clauses.iter().map(|clause| clause.at_least).sum();
        };
        let mut best = by_force(clauses, rest);
        for (i, clause) in clauses.iter().enumerate() {
            if clause.at_least > 0 && first.groups.contains(&clause.group) {
                let mut left = clauses.to_vec();
                left[i].at_least -= 1;
                best = best.min(by_force(&left, rest));
            }
        }
        best
    }

    #[test]
    fn the_matching_is_as_large_as_any() {
        // A small generator: every case is the same in every run.
        let mut state: u64 = 7;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        let groups = ["a", "b", "c"];
        for _ in 0..3000 {
            let clauses: Vec<Clause> = (0..=next(4))
                .map(|_| clause(groups[next(3)], 1 + next(3)))
                .collect();
            let mut people: Vec<Person> = (0..next(8))
                .map(|i| {
                    let of: Vec<&str> = groups.into_iter().filter(|_| next(2) == 0).collect();
                    person(&format!("p{i}"), &of)
                })
                .collect();
            let found = assign(&clauses, &people);
            let short: usize = found.iter().map(Served::missing).sum();
            assert_eq!(short, by_force(&clauses, &people), "{clauses:?} {people:?}");
            let mut all: Vec<&String> = found.iter().flat_map(|served| &served.by).collect();
            let served = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), served, "nobody serves twice");
            people.reverse();
            assert_eq!(assign(&clauses, &people), found);
        }
    }
}
