//! A decision: several bundles over one payload under one context (docs/spec/decision.md).
//!
//! ```text
//! {"type":"cosignet.decision/v1","context":"…","payload":b64,"bundles":[bundle,…]}
//! ```
//!
//! `context` and `payload` are optional. What the decision states is left out in its bundles.

mod clause;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::bundle::Bundle;
use crate::encoding::base64url;
use crate::json::Value;
use crate::schema::{self, Members, Wrong};

pub use clause::{Clause, Person, Served, assign};

/// The `type` of the decisions that this version understands.
pub const TYPE: &str = "cosignet.decision/v1";

/// A decision, well formed on the outside. Nothing in it has been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// The bundles, each with the context and the payload of the decision in its evidence.
    pub bundles: Vec<Bundle>,
}

impl Decision {
    /// The longest decision, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024 * 1024;
    /// The most bundles.
    pub const MAX_BUNDLES: usize = 64;

    /// A decision of these bundles, in this order.
    ///
    /// # Errors
    ///
    /// [`TooMany`] if there are more than [`Decision::MAX_BUNDLES`].
    pub fn new(bundles: Vec<Bundle>) -> Result<Self, TooMany> {
        match bundles.len() {
            found if found > Self::MAX_BUNDLES => Err(TooMany { found }),
            _ => Ok(Self { bundles }),
        }
    }

    /// The file, in canonical JSON. The context and the payload that all bundles have in common
    /// stand in it once.
    pub fn to_json(&self) -> String {
        self.to_value().to_text()
    }

    pub(crate) fn to_value(&self) -> Value<'static> {
        let mut bundles = self.bundles.clone();
        let context = common(&bundles, |bundle| bundle.evidence.context.as_ref());
        let payload = common(&bundles, |bundle| bundle.evidence.payload.as_ref());
        for evidence in bundles.iter_mut().map(|bundle| &mut bundle.evidence) {
            evidence.context = evidence.context.take().filter(|_| context.is_none());
            evidence.payload = evidence.payload.take().filter(|_| payload.is_none());
        }
        let bundles = bundles.iter().map(|bundle| bundle.to_value().into_owned());
        let optional = [
            ("context", context.map(Value::from)),
            ("payload", payload.map(|payload| base64url(&payload).into())),
        ];
        let always = [("bundles", bundles.collect()), ("type", TYPE.into())];
        let optional = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let members = optional.chain(always);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
    }

    /// Whether a file says that it is a decision.
    pub(crate) fn is_meant(value: &Value<'_>) -> bool {
        let member = value.as_object().and_then(|object| object.get("type"));
        member.and_then(Value::as_str) == Some(TYPE)
    }

    pub(crate) fn from_value(value: &Value<'_>) -> Result<Self, schema::Error> {
        Self::from_members(Members::of(value)?)
    }

    /// Reads a decision that is a part of something.
    pub(crate) fn from_members(members: Members<'_, '_>) -> Result<Self, schema::Error> {
        let found = members.text("type")?;
        if found != TYPE {
            return Err(members.wrong("type", "\"cosignet.decision/v1\"", found));
        }
        let members = members.only(&["bundles", "context", "payload", "type"])?;
        let context = members.optional_text("context")?;
        let payload = members.optional_bytes("payload")?;
        let too_large = |key, limit, unit| members.error(key, Wrong::TooLarge { limit, unit });
        if payload
            .as_ref()
            .is_some_and(|p| p.len() > Bundle::MAX_PAYLOAD)
        {
            return Err(too_large("payload", Bundle::MAX_PAYLOAD, "bytes"));
        }
        let texts = members.objects("bundles")?;
        match texts.len() {
            0 => return Err(members.error("bundles", Wrong::Missing)),
            n if n > Self::MAX_BUNDLES => {
                return Err(too_large("bundles", Self::MAX_BUNDLES, "bundles"));
            }
            _ => {}
        }
        let bundle = |part: Members<'_, '_>| {
            let mut bundle = Bundle::from_members(part)?;
            let evidence = &mut bundle.evidence;
            let twice = |key| {
                let expected = "bundles that leave out what the decision states";
                members.wrong("bundles", expected, key)
            };
            if let Some(context) = context {
                let stated = evidence.context.replace(context.to_string());
                stated.map_or(Ok(()), |_| Err(twice("context")))?;
            }
            if let Some(payload) = &payload {
                let stated = evidence.payload.replace(payload.clone());
                stated.map_or(Ok(()), |_| Err(twice("payload")))?;
            }
            Ok(bundle)
        };
        Ok(Self {
            bundles: texts.into_iter().map(bundle).collect::<Result<_, _>>()?,
        })
    }
}

/// The value that every bundle has, if they all have the same one.
fn common<T: Clone + Eq>(bundles: &[Bundle], part: fn(&Bundle) -> Option<&T>) -> Option<T> {
    let (first, rest) = bundles.split_first()?;
    let first = part(first)?;
    rest.iter()
        .all(|bundle| part(bundle) == Some(first))
        .then(|| first.clone())
}

/// More bundles than a decision has room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a decision has at most {} bundles, and there are {found}",
    Decision::MAX_BUNDLES
)]
#[non_exhaustive]
pub struct TooMany {
    /// The number of bundles.
    pub found: usize,
}
