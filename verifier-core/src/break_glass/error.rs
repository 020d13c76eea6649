//! Why a file permits nothing.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Pattern;
use crate::code::Code;
use crate::decision::Served;
use crate::encoding::hex;
use crate::json;
use crate::roster;
use crate::schema::{self, Wrong};
use crate::time::{Time, write_duration};
use crate::webauthn::assertion;
use crate::{Failure, plain, quote};

/// Why a file permits nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is for another program.
    #[error("the break-glass file is for another program")]
    Audience {
        /// The name of this one.
        expected: String,
        /// The name in the grant.
        found: String,
    },
    /// A member of file or grant is missing, unknown or wrong.
    #[error("the break-glass file does not follow its format: {0}")]
    Field(#[from] schema::Error),
    /// The grant does not lie within the limits of a key.
    #[error("the key of {} does not count for the whole time of the grant", quote(.approver))]
    KeyLimits {
        /// The name of the key.
        approver: String,
    },
    /// The policy names a roster, and the settings do not say how old it may be.
    #[error(
        "the policy leaves it to a roster who may sign, and the settings name no minRosterVersion"
    )]
    NoMinRosterVersion,
    /// The policy names a roster, and there is none that was verified under it.
    #[error("the policy leaves it to a roster who may sign, and there is none")]
    NoRoster,
    /// The settings allow something else.
    #[error("the settings allow no break-glass for {}", quote(.found.as_str()))]
    NotAllowed {
        /// What they allow.
        expected: Vec<Pattern>,
        /// What the grant is for.
        found: Pattern,
    },
    /// The grant is not in canonical JSON.
    #[error("the grant is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// File or grant are not JSON, or too long.
    #[error("the break-glass file is not strict JSON within its limits: {0}")]
    NotJson(json::Error),
    /// The grant is for another action.
    #[error("the break-glass file is for another action than {}", quote(.found))]
    OtherAction {
        /// What it is for.
        expected: Pattern,
        /// What was to be done.
        found: String,
    },
    /// People of another policy have signed.
    #[error("the break-glass file is not for the policy that the settings name")]
    OtherPolicy {
        /// The policy of the settings.
        expected: [u8; 32],
        /// Another one.
        found: [u8; 32],
    },
    /// Too few people have signed.
    #[error("the signatures of {missing} people are missing")]
    QuorumShort {
        /// How many.
        missing: usize,
        /// Who serves which clause.
        served: Vec<Served>,
    },
    /// The roster does not hold.
    #[error(transparent)]
    Roster(roster::Error),
    /// The settings are none.
    #[error("the settings for break-glass do not follow their format: {0}")]
    Settings(schema::Error),
    /// The settings are not JSON, or too long.
    #[error("the settings for break-glass are not strict JSON of at most 64 KiB: {0}")]
    SettingsNotJson(json::Error),
    /// A signature does not hold.
    #[error("the signature of {} does not hold: {error}", quote(.approver))]
    Signature {
        /// The name of the key.
        approver: String,
        /// The rule that is broken.
        error: assertion::Error,
    },
    /// It is for a longer time than the settings allow.
    #[error("the break-glass file is for a longer time than the settings allow")]
    TooLong {
        /// The longest, in milliseconds.
        expected: u64,
        /// How long, in milliseconds.
        found: u64,
    },
    /// Nobody whom the policy lists has this key.
    #[error("the policy lists nobody with the credential {credential_id}")]
    UnknownKey {
        /// The credential id, in base64url.
        credential_id: String,
    },
    /// It is not the time for it.
    #[error("the break-glass file permits nothing at {found}")]
    Window {
        /// The first moment.
        from: Time,
        /// The end.
        to: Time,
        /// The moment that was asked about.
        found: Time,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Audience { .. } => Code::BreakGlassAudience,
            Self::Field(_) | Self::NotCanonical | Self::NotJson(_) => Code::BreakGlassForm,
            Self::KeyLimits { .. } => Code::BreakGlassKeyLimits,
            Self::NoRoster => Code::RosterMissing,
            Self::NotAllowed { .. } => Code::BreakGlassNotAllowed,
            Self::OtherAction { .. } => Code::BreakGlassOtherAction,
            Self::OtherPolicy { .. } => Code::BreakGlassOtherPolicy,
            Self::QuorumShort { .. } => Code::BreakGlassQuorumShort,
            Self::Roster(error) => error.code(),
            Self::NoMinRosterVersion | Self::Settings(_) | Self::SettingsNotJson(_) => {
                Code::BreakGlassSettings
            }
            Self::Signature { error, .. } => error.code(),
            Self::TooLong { .. } => Code::BreakGlassTooLong,
            Self::UnknownKey { .. } => Code::BreakGlassUnknownKey,
            Self::Window { .. } => Code::BreakGlassWindow,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Audience { expected, .. } => Some(plain(expected)),
            Self::Field(error) | Self::Settings(error) => match error.problem() {
                Wrong::Value { expected, .. } => Some((*expected).to_string()),
                _ => None,
            },
            Self::NotAllowed { expected, .. } => {
                let all: Vec<String> = expected.iter().map(|one| plain(one.as_str())).collect();
                Some(all.join(" or "))
            }
            Self::OtherAction { expected, .. } => Some(plain(expected.as_str())),
            Self::OtherPolicy { expected, .. } => Some(hex(expected)),
            Self::QuorumShort { served, .. } => {
                let clause =
                    |one: &Served| alloc::format!("{} of {}", one.at_least, plain(&one.group));
                let all: Vec<String> = served.iter().map(clause).collect();
                Some(all.join(" and "))
            }
            Self::Roster(error) => error.expected(),
            Self::Signature { error, .. } => error.expected(),
            Self::TooLong { expected, .. } => Some(write_duration(*expected)),
            Self::Window { from, to, .. } => Some(alloc::format!("{from} or later, before {to}")),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Audience { found, .. } => Some(plain(found)),
            Self::Field(error) | Self::Settings(error) => match error.problem() {
                Wrong::Value { found, .. } => Some(found.clone()),
                _ => None,
            },
            Self::NotAllowed { found, .. } => Some(plain(found.as_str())),
            Self::OtherAction { found, .. } => Some(plain(found)),
            Self::OtherPolicy { found, .. } => Some(hex(found)),
            Self::QuorumShort { served, .. } => {
                let people = served.iter().flat_map(|one| one.by.iter());
                let people: Vec<String> = people.map(|name| plain(name)).collect();
                Some(match people.is_empty() {
                    true => "nobody who counts".into(),
                    false => people.join(", "),
                })
            }
            Self::Roster(error) => error.found(),
            Self::Signature { error, .. } => error.found(),
            Self::TooLong { found, .. } => Some(write_duration(*found)),
            Self::Window { found, .. } => Some(found.to_string()),
            _ => None,
        }
    }
}
