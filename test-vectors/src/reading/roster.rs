//! The roster: its versions, their chain, and which of them is in force (docs/spec/roster.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Question;
use super::decision;
use super::encodings::{base64url, hex, is_name};
use super::json::{Json, VALUES};
use super::keys::{Key, identity};
use super::people::{Clause, Holder, enough_at};
use super::procedure::{Rules, Trust, Who};
use super::shape::Decision;
use crate::encoding::sha256;
use crate::tree::Hash;

/// A version that the admins of the one before have approved.
pub(super) struct Version {
    pub(super) approvers: Vec<Holder>,
    /// Its position in each log that has one.
    positions: BTreeMap<String, u64>,
    /// In milliseconds since 1970.
    time: Option<u64>,
}

/// The place of an approval: the origin of its log and the index there.
pub(super) type Place = (String, u64);

/// The payload of a version.
struct Payload {
    name: String,
    version: u64,
    previous: Option<Hash>,
    admins: Admins,
    approvers: Vec<Holder>,
}

struct Admins {
    holders: Vec<Holder>,
    require: Vec<Clause>,
}

/// Goes through *Verification*.
pub(super) fn read(
    question: &Question,
    policy: &Value,
    file: &[u8],
) -> Result<Vec<Version>, &'static str> {
    const FORM: &str = "roster.form";
    let roster = &policy["roster"];
    let mut admins = Admins {
        holders: holders_of_policy(&roster["admins"]),
        require: Clause::of_policy(&roster["require"]),
    };
    let mut previous = None;
    let mut versions = Vec::new();
    for (number, decision) in (1..).zip(decisions(file).ok_or(FORM)?) {
        let text = decision.bundles[0].payload.as_ref().ok_or(FORM)?;
        let payload = Payload::read(text).ok_or(FORM)?;
        let in_chain = payload.version == number
            && payload.previous == previous
            && roster["name"] == payload.name.as_str();
        if !in_chain {
            return Err("roster.chain");
        }
        let hash = sha256(text);
        versions.push(sealed(
            question,
            policy,
            hash,
            admins,
            &decision,
            payload.approvers,
        )?);
        previous = Some(hash);
        admins = payload.admins;
    }
    let least = roster["minVersion"].as_u64().unwrap_or(1);
    match u64::try_from(versions.len()).unwrap() >= least {
        true => Ok(versions),
        false => Err("roster.too_old"),
    }
}

pub(super) fn holders_of_policy(list: &Value) -> Vec<Holder> {
    let items = list.as_array().into_iter().flatten();
    items.map(Holder::of_policy).collect()
}

/// The file, whose every decision has the form of one.
fn decisions(file: &[u8]) -> Option<Vec<Decision>> {
    let value = Json::read(file, 32 << 20, 1 << 20).ok()?;
    let is_chain = value.member("type")?.text()? == "cosignet.roster-chain/v1";
    (is_chain && value.has_only(&["type", "decisions"])).then_some(())?;
    let items = value.member("decisions")?.list()?;
    let decisions = items.iter().map(|item| Decision::of(item).ok());
    decisions
        .collect::<Option<Vec<_>>>()
        .filter(|all| !all.is_empty())
}

/// Step 3, and where and when the version was approved.
fn sealed(
    question: &Question,
    policy: &Value,
    hash: Hash,
    admins: Admins,
    decision: &Decision,
    approvers: Vec<Holder>,
) -> Result<Version, &'static str> {
    let question = Question {
        policy: question.policy.clone(),
        payload_sha256: Some(hash),
        headers: question.headers.clone(),
        at: question.at,
        ..Question::default()
    };
    let clauses = admins.require;
    let rules = Rules::wanting(clauses.clone());
    let trust = Trust::new(Some(policy), Who::Listed(admins.holders), rules);
    let (answer, findings) = decision::answer(&question, &trust, decision);
    if answer.verdict != "VERIFIED" {
        return Err("roster.admins");
    }
    let people = decision::counted(&findings);
    let origins: BTreeSet<String> = people
        .iter()
        .filter_map(|(_, facts)| Some(facts.place.as_ref()?.0.clone()))
        .collect();
    let position = |origin: &String| {
        let there = people.iter().filter_map(|(holder, facts)| {
            let (log, index) = facts.place.as_ref()?;
            (log == origin).then_some((*index, *holder))
        });
        enough_at(there.collect(), &clauses)
    };
    let positions = origins.into_iter().filter_map(|origin| {
        let position = position(&origin)?;
        Some((origin, position))
    });
    let times = people
        .iter()
        .filter_map(|(holder, facts)| Some((facts.bound?, *holder)));
    Ok(Version {
        approvers,
        positions: positions.collect(),
        time: enough_at(times.collect(), &clauses),
    })
}

impl Version {
    /// `None` if nothing is known.
    fn comes_before(&self, place: Option<&Place>, bound: Option<u64>) -> Option<bool> {
        if let Some((origin, index)) = place
            && let Some(position) = self.positions.get(origin)
        {
            return Some(position < index);
        }
        Some(self.time? <= bound?)
    }

    fn lists(&self, cose: &[u8]) -> Option<&Holder> {
        self.approvers.iter().find(|holder| holder.has_key(cose))
    }
}

/// The table under *In force*, from its row 2 on.
pub(super) fn holder(
    versions: &[Version],
    place: Option<&Place>,
    bound: Option<u64>,
    cose: &[u8],
) -> Result<Holder, &'static str> {
    let mut in_force = 0;
    for version in versions {
        match version.comes_before(place, bound) {
            Some(true) => in_force += 1,
            Some(false) => break,
            None => {
                let listed: Vec<Option<&Holder>> = versions.iter().map(|v| v.lists(cose)).collect();
                let newest = listed.last().copied().flatten();
                let agrees = |holder: &Option<&Holder>| matches!((holder, newest), (Some(a), Some(b)) if a.serves_as(b));
                return match newest {
                    Some(newest) if listed.iter().all(agrees) => Ok(newest.clone()),
                    _ if listed.iter().all(Option::is_none) => Err("approver.not_in_roster"),
                    _ => Err("approver.time_unproven"),
                };
            }
        }
    }
    let Some((newest, older)) = versions[..in_force].split_last() else {
        return Err("approver.not_in_roster");
    };
    let removed = older.iter().any(|version| version.lists(cose).is_some());
    newest.lists(cose).cloned().ok_or(match removed {
        true => "approver.removed",
        false => "approver.not_in_roster",
    })
}

impl Payload {
    fn read(text: &[u8]) -> Option<Self> {
        let value = Json::read(text, 512 * 1024, VALUES).ok()?;
        (value.canonical()?.as_bytes() == text).then_some(())?;
        let known = [
            "admins",
            "approvers",
            "name",
            "previous",
            "require",
            "type",
            "version",
        ];
        let is_roster = value.member("type")?.text()? == "cosignet.roster/v1";
        (is_roster && value.has_only(&known)).then_some(())?;
        let list = |key| value.member(key)?.list();
        let require = list("require")?.iter().map(clause);
        let require = require.collect::<Option<Vec<Clause>>>()?;
        let wanted = require
            .iter()
            .try_fold(0_u64, |sum, clause| sum.checked_add(clause.at_least))?;
        let holders = holders(list("admins")?)?;
        (!require.is_empty() && wanted <= 64 && !holders.is_empty()).then_some(())?;
        Some(Self {
            name: name(value.member("name")?)?,
            version: value.member("version")?.integer().filter(|n| *n > 0)?,
            previous: match value.member("previous")? {
                Json::Null => None,
                hash => Some(hex(hash.text()?)?.try_into().ok()?),
            },
            admins: Admins { holders, require },
            approvers: self::holders(list("approvers")?)?,
        })
    }
}

fn name(value: &Json) -> Option<String> {
    let text = value.text().filter(|text| is_name(text))?;
    Some(text.to_owned())
}

fn clause(value: &Json) -> Option<Clause> {
    value.has_only(&["atLeast", "group"]).then_some(())?;
    Some(Clause {
        group: name(value.member("group")?)?,
        at_least: value.member("atLeast")?.integer().filter(|n| *n > 0)?,
    })
}

fn holders(items: &[Json]) -> Option<Vec<Holder>> {
    let holders: Vec<Holder> = items.iter().map(key).collect::<Option<_>>()?;
    let keys: BTreeSet<Vec<u8>> = holders.iter().map(|h| identity(&h.public_key)).collect();
    let ids = || holders.iter().filter_map(|h| h.credential_id.as_ref());
    let once = keys.len() == holders.len() && ids().collect::<BTreeSet<_>>().len() == ids().count();
    once.then_some(holders)
}

fn key(value: &Json) -> Option<Holder> {
    let known = ["credentialId", "groups", "name", "person", "publicKey"];
    value.has_only(&known).then_some(())?;
    let public_key = base64url(value.member("publicKey")?.text()?)?;
    Key::read(&public_key).ok()?;
    let items = value.member("groups")?.list()?;
    let groups: BTreeSet<String> = items.iter().map(name).collect::<Option<_>>()?;
    (groups.len() == items.len()).then_some(())?;
    Some(Holder {
        name: name(value.member("name")?)?,
        person: name(value.member("person")?)?,
        groups,
        public_key,
        credential_id: match value.member("credentialId") {
            None => None,
            Some(id) => Some(base64url(id.text()?)?),
        },
        not_before: None,
        not_after: None,
    })
}
