//! The kinds of evidence: a bundle, an approval service's confirmation, or a decision of several
//! people.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::Failure;
use crate::bundle::{self, Bundle};
use crate::code::Code;
use crate::confirmation::{self, Confirmation};
use crate::decision::Decision;
use crate::json::{self, Limits, Value};
use crate::schema::{self, Wrong};
use crate::webauthn::credential;

/// Evidence to be verified.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // there is one of these a verification
pub enum Input {
    /// A `cosignet.bundle/v1`.
    Bundle(Bundle),
    /// A service's own answer.
    Confirmation(Confirmation),
    /// A `cosignet.decision/v1`.
    Decision(Decision),
}

impl Input {
    /// The longest bundle or confirmation, in bytes; a decision may be longer, see
    /// [`Decision::MAX_BYTES`].
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// Reads any of the kinds. A confirmation is an object with a `status` whose `type`, if it has
    /// one, is not that of a bundle or a decision.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let limits = Limits::bytes(Decision::MAX_BYTES);
        let long = bytes.len() > Self::MAX_BYTES;
        let value = Value::parse(bytes, limits).map_err(|error| match long {
            true => Error::TooLarge,
            false => Error::NotJson(error),
        })?;
        if Decision::is_meant(&value) {
            return Ok(Self::Decision(Decision::from_value(&value)?));
        }
        if long {
            return Err(Error::TooLarge);
        }
        let member = |key| value.as_object().and_then(|object| object.get(key));
        let is_bundle = member("type").and_then(Value::as_str) == Some(bundle::TYPE);
        if !is_bundle && member("status").is_some() {
            return match Confirmation::from_value(&value) {
                Ok(confirmation) => Ok(Self::Confirmation(confirmation)),
                Err(confirmation::Error::Assertion(error)) => Err(Error::Assertion(error)),
                Err(confirmation::Error::Schema(error)) => Err(Error::Schema(error)),
            };
        }
        Ok(Self::Bundle(Bundle::from_value(&value)?))
    }
}

/// Why nothing can be concluded from an input.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `rawAssertion` of the wrong shape.
    #[error("this is not an approval file of a known kind: rawAssertion: {0}")]
    Assertion(credential::Error),
    /// Not strict JSON, or over a limit.
    #[error("this is not an approval file: {0}")]
    NotJson(json::Error),
    /// More than [`Input::MAX_BYTES`], and no decision.
    #[error("this is not an approval file: longer than 1 MiB, and no decision of at most 8 MiB")]
    TooLarge,
    /// JSON of another shape.
    #[error("this is not an approval file of a known kind: {0}")]
    Schema(#[from] schema::Error),
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Assertion(error) => error.code(),
            Self::TooLarge => Code::BundleTooLarge,
            Self::NotJson(_) => Code::BundleNotJson,
            Self::Schema(error) => match error.problem() {
                Wrong::Base64(_) => Code::BundleBase64,
                Wrong::TooLarge { .. } => Code::BundleTooLarge,
                _ => Code::BundleSchema,
            },
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Assertion(error) => error.expected(),
            Self::NotJson(_) | Self::TooLarge => Some("strict JSON of at most 1 MiB".into()),
            Self::Schema(error) => match error.problem() {
                Wrong::Kind { expected, .. } | Wrong::Value { expected, .. } => {
                    Some(expected.to_string())
                }
                Wrong::Length { expected, .. } => Some(format!("{expected} bytes")),
                _ => None,
            },
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Assertion(error) => error.found(),
            Self::NotJson(_) | Self::TooLarge => None,
            Self::Schema(error) => match error.problem() {
                Wrong::Kind { found, .. } => Some(found.to_string()),
                Wrong::Value { found, .. } => Some(found.clone()),
                Wrong::Length { found, .. } => Some(format!("{found} bytes")),
                _ => None,
            },
        }
    }
}
