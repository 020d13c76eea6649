//! The findings about context, roster and people.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::PayloadMatch;
use crate::context::Context;
use crate::decision::Served;
use crate::encoding::hex;
use crate::json::Value;
use crate::roster::Version;

/// The context that was signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedFacts {
    /// The context.
    pub context: Context,
    /// SHA-256 of its text.
    pub context_sha256: [u8; 32],
    /// Whether it is proven that the approval was made before the request expired; `None` if no
    /// time is proven.
    pub in_time: Option<bool>,
}

impl SignedFacts {
    pub(super) fn to_value(&self) -> Value<'_> {
        let Context {
            action,
            audience,
            expires_at,
            request_id,
            requester,
            ..
        } = &self.context;
        Value::from([
            ("action", action.as_str().into()),
            ("audience", audience.as_str().into()),
            ("contextSha256", hex(&self.context_sha256).into()),
            ("expiresAt", expires_at.to_string().into()),
            ("inTime", self.in_time.map_or(Value::Null, Into::into)),
            ("requestId", request_id.as_str().into()),
            ("requester", requester.as_str().into()),
            ("rule", self.context.rule_value()),
        ])
    }
}

/// A version of a roster.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RosterFacts {
    /// The name of the roster.
    pub name: String,
    /// The number of the version.
    pub version: u64,
    /// SHA-256 of its payload.
    pub sha256: [u8; 32],
}

impl RosterFacts {
    pub(crate) fn of(version: &Version) -> Self {
        Self {
            name: version.name().to_string(),
            version: version.number(),
            sha256: version.sha256(),
        }
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        Value::from([
            ("name", self.name.as_str().into()),
            ("sha256", hex(&self.sha256).into()),
            ("version", self.version.into()),
        ])
    }
}

/// Who approved, who refused, and who serves which clause.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DecisionFacts {
    /// Everybody whose approval counts, in the order of their names.
    pub approved_by: Vec<String>,
    /// Everybody who refused, in the order of their names.
    pub refused_by: Vec<String>,
    /// The clauses of the policy, in its order.
    pub clauses: Vec<Served>,
    /// The hash of the payload that was signed.
    pub payload_hash: Option<[u8; 32]>,
    /// What that payload agrees with.
    pub payload_match: Option<PayloadMatch>,
}

impl DecisionFacts {
    pub(super) fn to_value(&self) -> Value<'_> {
        let texts = |texts: &'_ [String]| -> Value<'static> {
            texts.iter().map(|text| Value::from(text.clone())).collect()
        };
        Value::from([
            ("approvedBy", texts(&self.approved_by)),
            (
                "clauses",
                self.clauses.iter().map(Served::to_value).collect(),
            ),
            (
                "payloadHash",
                self.payload_hash.map(|hash| hex(&hash)).into(),
            ),
            (
                "payloadMatch",
                self.payload_match.map(PayloadMatch::as_str).into(),
            ),
            ("refusedBy", texts(&self.refused_by)),
        ])
    }
}
