//! The roster: who may approve is itself approved (docs/spec/roster.md).
//!
//! ```text
//! {"type":"cosignet.roster-chain/v1","decisions":[decision,…]}
//! ```
//!
//! Each decision is about the payload that is the next version, and is made by the admins of the
//! version before; the first by those whom the policy names.

mod draft;
mod version;

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::code::Code;
use crate::decision::{Clause, Decision, Person, Served, assign};
use crate::encoding::hex;
use crate::json::{self, Limits, Value};
use crate::policy::{Approver, Approvers, Policy, RosterRule};
use crate::report::{Inputs, Report, Verdict};
use crate::schema::{self, Members};
use crate::time::Time;
use crate::verify::{Logged, Request, Standing, Trust, verify_decision};
use crate::{Failure, plain};

pub use draft::Draft;
pub use version::{TYPE, Version, payload_text};

/// The `type` of the files that this version understands.
pub const CHAIN_TYPE: &str = "cosignet.roster-chain/v1";

/// A roster whose every version was approved. Only [`Roster::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The identity of the policy under which it was verified.
    policy: [u8; 32],
    /// Those who make version 1, as the policy names them.
    first: Approvers,
    /// The versions before the newest, the first one first.
    earlier: Vec<Approved>,
    newest: Approved,
}

/// A version, and since when it is in force.
#[derive(Clone, Debug)]
struct Approved {
    version: Version,
    /// Each log that has enough approvals by itself, and the position of the one that made them
    /// enough.
    places: Vec<(String, u64)>,
    /// The time by which they were enough, as far as it is proven.
    bound: Option<Time>,
}

impl Roster {
    /// The longest file, in bytes: 32 MiB.
    pub const MAX_BYTES: usize = 32 * 1024 * 1024;

    /// Verifies a roster's file under the policy of `request`, whose expectations play no part.
    /// A front end does it once, for however many approvals.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file is none, if its versions are no chain, or if one of them was not
    /// approved by the admins of the one before.
    pub fn verify(file: &[u8], request: &Request<'_>) -> Result<Self, Error> {
        let no_policy = || Error::Form("the policy names no roster".into());
        let policy = request.policy.ok_or_else(no_policy)?;
        let rule = policy.roster().ok_or_else(no_policy)?;
        let value = read(file)?;
        let items = decisions(&value)?;
        // A payload that is stated once is a part of each bundle: all decisions at once could take
        // many times the memory of the file.
        let mut versions: Vec<Approved> = Vec::new();
        for (at, members) in items.iter().enumerate() {
            let decision = Decision::from_members(members.clone())?;
            let before = versions.last().map(|last| &last.version);
            match approve(&decision, before, rule, request) {
                Ok(version) => versions.push(version),
                Err(error) => {
                    // A file that is none is that first of all, wherever it ceases to be one.
                    for members in items.iter().skip(at) {
                        Decision::from_members(members.clone())?;
                    }
                    return Err(error);
                }
            }
        }
        let empty = || Error::Form("there is no version in it".into());
        let newest = versions.pop().ok_or_else(empty)?;
        let roster = Self {
            policy: policy.sha256(),
            first: rule.admins.clone(),
            earlier: versions,
            newest,
        };
        match rule.min_version {
            Some(expected) if roster.newest().number() < expected => Err(Error::TooOld {
                expected,
                found: roster.newest().number(),
            }),
            _ => Ok(roster),
        }
    }

    /// The newest version in the file. There may be newer ones that are not in it.
    pub fn newest(&self) -> &Version {
        &self.newest.version
    }

    /// All versions, the first one first.
    pub fn versions(&self) -> impl Iterator<Item = &Version> {
        self.approved().map(|approved| &approved.version)
    }

    fn approved(&self) -> impl Iterator<Item = &Approved> {
        self.earlier.iter().chain([&self.newest])
    }

    /// Whether an entry of this log at this position may be by this key, in COSE_Key bytes: it is an
    /// approver's of the version that is in force there, or an admin's who could change it.
    pub fn lists(&self, key: &[u8], origin: &str, index: u64) -> bool {
        let logged = Logged {
            place: Some((origin, index)),
            bound: None,
        };
        let in_force = self.approved();
        let in_force = in_force.take_while(|approved| approved.comes_before(logged) == Some(true));
        match in_force.last().map(|approved| &approved.version) {
            None => self.first.by_key(key).is_some(),
            Some(version) => {
                let lists = [version.listed(), version.admins_listed()];
                lists.into_iter().any(|list| list.by_key(key).is_some())
            }
        }
    }

    /// Whether it was verified under this policy.
    pub(crate) fn is_under(&self, policy: &Policy) -> bool {
        self.policy == policy.sha256()
    }

    /// The standing of a key in the version that was in force where and when something was logged.
    pub(crate) fn standing(&self, key: &[u8], logged: Logged<'_>) -> Standing<'_> {
        let mut in_force = None;
        let mut listed_before = None;
        for approved in self.approved() {
            match approved.comes_before(logged) {
                Some(true) => {}
                Some(false) => break,
                // Where the versions agree about the key, no order is needed.
                None => return self.always(key),
            }
            in_force = Some(&approved.version);
            if approved.version.listed().by_key(key).is_some() {
                listed_before = in_force;
            }
        }
        let Some(version) = in_force else {
            return Standing::NotInRoster;
        };
        match (version.listed().by_key(key), listed_before) {
            (Some(approver), _) => Standing::Known(approver, Some(version)),
            (None, Some(_)) => Standing::Removed(version),
            (None, None) => Standing::NotInRoster,
        }
    }

    /// The standing of a key of which nothing says when it was used: every version has to give it
    /// to the same person with the same groups.
    fn always(&self, key: &[u8]) -> Standing<'_> {
        let mut all = self.versions().map(|version| version.listed().by_key(key));
        let newest = self.newest();
        let Some(last) = newest.listed().by_key(key) else {
            return match all.any(|one| one.is_some()) {
                true => Standing::Unplaced,
                false => Standing::NotInRoster,
            };
        };
        let same = |one: Option<&Approver>| {
            one.is_some_and(|one| one.person == last.person && one.groups == last.groups)
        };
        match all.all(same) {
            true => Standing::Known(last, Some(newest)),
            false => Standing::Unplaced,
        }
    }
}

impl Approved {
    /// Whether the version was in force already. By position within one log, else by proven times;
    /// `None` if there are none.
    fn comes_before(&self, logged: Logged<'_>) -> Option<bool> {
        if let Some((origin, at)) = logged.place
            && let Some((_, index)) = self.places.iter().find(|(own, _)| own == origin)
        {
            return Some(*index < at);
        }
        Some(self.bound? <= logged.bound?)
    }
}

/// The JSON of a file.
fn read(file: &[u8]) -> Result<Value<'_>, Error> {
    let limits = Limits {
        bytes: Roster::MAX_BYTES,
        depth: 64,
        values: 1 << 20,
    };
    Value::parse(file, limits).map_err(Error::NotJson)
}

/// The decisions in a file, in order, before they are read.
fn decisions<'v, 'a>(value: &'v Value<'a>) -> Result<Vec<Members<'v, 'a>>, Error> {
    let members = Members::of(value)?;
    let found = members.text("type")?;
    if found != CHAIN_TYPE {
        let expected = "\"cosignet.roster-chain/v1\"";
        return Err(members.wrong("type", expected, found).into());
    }
    let members = members.only(&["decisions", "type"])?;
    Ok(members.objects("decisions")?)
}

/// The payload of the last decision in a file, which nobody has verified; `None` if the file is no
/// roster's.
pub fn newest_payload(file: &[u8]) -> Option<Vec<u8>> {
    let value = read(file).ok()?;
    let last = decisions(&value).ok()?.pop()?;
    let last = Decision::from_members(last).ok()?;
    last.bundles.into_iter().next()?.evidence.payload
}

/// The file with one decision more; a new one if there is none yet. Nothing is verified.
///
/// # Errors
///
/// [`Error::Form`] or [`Error::NotJson`] if the file is no roster's.
pub fn appended(file: Option<&[u8]>, decision: &Decision) -> Result<String, Error> {
    let value = file.map(read).transpose()?;
    let items = match &value {
        None => Vec::new(),
        Some(value) => decisions(value)?,
    };
    let before = items.iter().map(Members::to_value);
    let all = before.chain([decision.to_value()]).collect();
    Ok(Value::from([("decisions", all), ("type", CHAIN_TYPE.into())]).to_text())
}

/// The version that a decision is about, if it continues the chain.
fn next(
    decision: &Decision,
    before: Option<&Version>,
    rule: &RosterRule,
) -> Result<Version, Error> {
    let mut payloads = decision
        .bundles
        .iter()
        .map(|bundle| &bundle.evidence.payload);
    let payload = payloads.next().and_then(Option::as_ref);
    let missing = || Error::Form("a version comes without its payload".into());
    let version = Version::parse(payload.ok_or_else(missing)?)?;
    let (number, previous) = match before {
        Some(before) => (before.number().saturating_add(1), Some(before.sha256())),
        None => (1, None),
    };
    let broken = |what, expected, found| {
        Err(Error::Chain {
            what,
            expected,
            found,
        })
    };
    let hash = |hash: Option<[u8; 32]>| hash.map_or_else(|| "none".into(), |hash| hex(&hash));
    if version.name() != rule.name {
        return broken("name", plain(&rule.name), plain(version.name()));
    }
    if version.number() != number {
        let found = version.number().to_string();
        return broken("version", number.to_string(), found);
    }
    if version.previous() != previous {
        return broken("previous", hash(previous), hash(version.previous()));
    }
    Ok(version)
}

/// The version that a decision is about, with what proves that the admins of the one before approved
/// it, if it continues the chain.
fn approve(
    decision: &Decision,
    before: Option<&Version>,
    rule: &RosterRule,
    request: &Request<'_>,
) -> Result<Approved, Error> {
    let version = next(decision, before, rule)?;
    let (admins, clauses) = match before {
        Some(before) => (before.admins_listed(), before.require()),
        None => (&rule.admins, rule.require.as_slice()),
    };
    let hash = version.sha256();
    let request = Request {
        policy: request.policy,
        headers: request.headers,
        at: request.at,
        payload_sha256: Some(hash),
        crypto: request.crypto,
        ..Request::default()
    };
    let inputs = Inputs {
        bundle_sha256: hash,
        payload_sha256: Some(hash),
    };
    let trust = Trust::of_admins(admins, clauses);
    // Nobody is shown the reports on the parts.
    let report = verify_decision(decision, &request, trust, inputs, |_| [0; 32]);
    if report.verdict() != Verdict::Verified {
        return Err(Error::Admins {
            version: version.number(),
            code: report.code(),
            summary: report.summary().to_string(),
        });
    }
    let approvals: Vec<&Report> = report
        .approvals
        .iter()
        .filter(|one| one.verdict == Verdict::Verified)
        .collect();
    Ok(Approved {
        version,
        places: enough_places(&approvals, clauses),
        bound: enough(&approvals, clauses, Report::not_later_than),
    })
}

/// In each log that has enough of them, the position of the approval with which there were enough.
fn enough_places(approvals: &[&Report], clauses: &[Clause]) -> Vec<(String, u64)> {
    let mut places: Vec<(String, u64)> = Vec::new();
    for log in approvals.iter().filter_map(|one| one.log()) {
        if places.iter().any(|(known, _)| *known == log.origin) {
            continue;
        }
        let is_there = |one: &&&Report| one.log().is_some_and(|own| own.origin == log.origin);
        let there: Vec<&Report> = approvals.iter().filter(is_there).copied().collect();
        let index = enough(&there, clauses, |one| Some(one.log()?.index));
        places.extend(index.map(|index| (log.origin.clone(), index)));
    }
    places
}

/// The smallest value up to which enough people had approved; approvals without one do not count,
/// and several of one person count once.
pub(crate) fn enough<T: Copy + Ord>(
    approvals: &[&Report],
    clauses: &[Clause],
    value: fn(&Report) -> Option<T>,
) -> Option<T> {
    let mut all: Vec<(T, &Report)> = Vec::new();
    for one in approvals {
        if let Some(value) = value(one) {
            let at = all.partition_point(|(other, _)| *other <= value);
            all.insert(at, (value, *one));
        }
    }
    let mut so_far: Vec<Person> = Vec::new();
    for (value, report) in all {
        so_far.extend(report.person());
        let met = assign(clauses, &so_far)
            .iter()
            .all(|one| Served::missing(one) == 0);
        if met && !so_far.is_empty() {
            return Some(value);
        }
    }
    None
}

/// Why a file is no roster that counts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A version was not approved by those who had to.
    #[error("version {version} of the roster does not count: {summary}")]
    Admins {
        /// The version.
        version: u64,
        /// The code of the decision about it.
        code: Code,
        /// The sentence of that decision's report.
        summary: String,
    },
    /// The versions are no chain.
    #[error("the versions of the roster are no chain: its {what} is another than the one expected")]
    Chain {
        /// The member that breaks it.
        what: &'static str,
        /// The value that would continue the chain.
        expected: String,
        /// The value that is there.
        found: String,
    },
    /// The file or a payload in it is no roster.
    #[error("this is no roster: {0}")]
    Form(String),
    /// The file is not strict JSON.
    #[error("this is no roster: {0}")]
    NotJson(json::Error),
    /// The file ends before the version that the policy asks for.
    #[error("the roster ends at version {found}, and the policy asks for version {expected}")]
    TooOld {
        /// The smallest version that would do.
        expected: u64,
        /// The newest version in the file.
        found: u64,
    },
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::Form(error.to_string())
    }
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Admins { .. } => Code::RosterAdmins,
            Self::Chain { .. } => Code::RosterChain,
            Self::Form(_) | Self::NotJson(_) => Code::RosterForm,
            Self::TooOld { .. } => Code::RosterTooOld,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Chain { what, expected, .. } => Some(format!("{what} {expected}")),
            Self::TooOld { expected, .. } => Some(format!("version {expected} or newer")),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Admins { code, .. } => Some(code.to_string()),
            Self::Chain { what, found, .. } => Some(format!("{what} {found}")),
            Self::TooOld { found, .. } => Some(format!("version {found}")),
            _ => None,
        }
    }
}
