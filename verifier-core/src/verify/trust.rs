//! Whose keys count, and for what.

use super::Request;
use crate::decision::Clause;
use crate::policy::{Approver, Approvers, DecisionRule, Policy};
use crate::roster::{self, Roster, Version};
use crate::time::Time;
use crate::webauthn::CoseKey;

/// What one verification goes by, beside the rules of the policy for assertions and logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust<'r> {
    pub(super) keys: Keys<'r>,
    /// Rules for the context.
    pub(super) rule: Option<&'r DecisionRule>,
    /// Who has to approve. `None` if one approval of anybody is enough.
    pub(super) clauses: Option<&'r [Clause]>,
}

/// Where keys are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keys<'r> {
    /// There is no policy.
    Nowhere,
    /// In a list.
    List(&'r Approvers),
    /// In the version of a roster that was in force.
    Roster(&'r Roster),
    /// In a roster that was not given.
    NoRoster,
    /// In a roster that does not hold.
    BadRoster(&'r roster::Error),
}

/// Where and when an approval was logged, as far as that is proven.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Logged<'a> {
    /// The origin of the log and the position in it.
    pub(crate) place: Option<(&'a str, u64)>,
    /// The time by which it was there.
    pub(crate) bound: Option<Time>,
}

/// What is known of the key that is claimed to have signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing<'a> {
    /// It is this approver's.
    Known(&'a Approver, Option<&'a Version>),
    /// Nobody knows it.
    Unknown,
    /// No version in force at that time lists it.
    NotInRoster,
    /// A version in force at that time had removed it.
    Removed(&'a Version),
    /// Nothing proves which version was in force.
    Unplaced,
}

impl<'a> Standing<'a> {
    pub(crate) fn approver(self) -> Option<&'a Approver> {
        match self {
            Self::Known(approver, _) => Some(approver),
            _ => None,
        }
    }

    pub(super) fn version(self) -> Option<&'a Version> {
        match self {
            Self::Known(_, version) => version,
            _ => None,
        }
    }
}

impl<'r> Trust<'r> {
    /// What the caller goes by.
    pub(super) fn of(request: &Request<'r>) -> Self {
        let rule = request.policy.and_then(Policy::decision);
        Self {
            keys: Keys::of(request),
            rule,
            clauses: rule.map(|rule| rule.require.as_slice()),
        }
    }

    /// What a version of a roster is judged by: it is for the admins alone.
    pub(crate) fn of_admins(admins: &'r Approvers, clauses: &'r [Clause]) -> Self {
        Self {
            keys: Keys::List(admins),
            rule: None,
            clauses: Some(clauses),
        }
    }

    /// Whether a context has to be there.
    pub(super) fn needs_context(&self) -> bool {
        self.rule.is_some_and(DecisionRule::needs_context)
    }
}

impl<'r> Keys<'r> {
    fn of(request: &Request<'r>) -> Self {
        let Some(policy) = request.policy else {
            return Self::Nowhere;
        };
        match (policy.roster(), request.roster) {
            (None, _) => Self::List(policy.listed()),
            (Some(_), Some(Ok(roster))) if roster.is_under(policy) => Self::Roster(roster),
            (Some(_), Some(Err(error))) => Self::BadRoster(error),
            (Some(_), _) => Self::NoRoster,
        }
    }

    /// The standing of the key with these COSE_Key bytes.
    pub(super) fn standing(self, key: &[u8], logged: Logged<'_>) -> Standing<'r> {
        match self {
            Self::List(list) => list
                .by_key(key)
                .map_or(Standing::Unknown, |one| Standing::Known(one, None)),
            Self::Roster(roster) => roster.standing(key, logged),
            Self::Nowhere | Self::NoRoster | Self::BadRoster(_) => Standing::Unknown,
        }
    }

    /// The key with these COSE_Key bytes, if it is listed. Reading it again would give the same; with
    /// Ed25519 it takes a quarter of the time of a signature.
    pub(super) fn read_before(self, key: &[u8]) -> Option<&'r CoseKey> {
        self.list()?.by_key(key).map(|approver| &approver.key)
    }

    /// Whether the policy leaves it to a roster whose they are.
    pub(super) fn are_in_roster(self) -> bool {
        matches!(self, Self::Roster(_) | Self::NoRoster | Self::BadRoster(_))
    }

    /// Everybody who could have signed what names no key.
    pub(super) fn list(self) -> Option<&'r Approvers> {
        match self {
            Self::List(list) => Some(list),
            Self::Roster(roster) => Some(roster.newest().listed()),
            Self::Nowhere | Self::NoRoster | Self::BadRoster(_) => None,
        }
    }
}
