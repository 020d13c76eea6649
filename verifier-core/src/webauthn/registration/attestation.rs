//! The attestation object of a registration, and what its statement proves (Level 3 §6.5, §8).
//!
//! ```text
//! attestationObject = CBOR {"fmt": text, "attStmt": map or array, "authData": bytes}
//!
//! fmt "none"      attStmt = {}
//! fmt "packed"    attStmt = {"alg": number, "sig": bytes}              self attestation
//!                 attStmt = {"alg": number, "sig": bytes, "x5c": […]}  by the maker
//! ```
//!
//! A self attestation proves that whoever made the registration has the private key of the new
//! credential. All other statements lead to certificates of makers of authenticators, and this
//! project trusts none of those: they are named and not verified.

use alloc::string::{String, ToString as _};
use core::fmt;

use crate::code::Code;
use crate::failure::Failure;
use crate::shown::quote;
use crate::signature::{Algorithm, Crypto};
use crate::webauthn::assertion;
use crate::webauthn::authenticator_data::{self, AttestedData};
use crate::webauthn::cbor;

/// An attestation object that is well formed, with the authenticator data in it. Its statement has
/// not been looked at.
#[derive(Clone, Debug)]
pub struct AttestationObject<'a> {
    format: &'a str,
    statement: cbor::Value<'a>,
    authenticator_data: &'a [u8],
    attested_data: AttestedData,
}

impl<'a> AttestationObject<'a> {
    /// The longest name of a format, in bytes (§8.1).
    pub const MAX_FORMAT: usize = 32;

    /// Reads an attestation object: CBOR of definite lengths in which no map has a key twice.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let value = cbor::Value::parse(bytes, cbor::Limits::UNVERIFIED).map_err(Error::Cbor)?;
        let cbor::Value::Map(map) = &value else {
            return Err(Error::Form);
        };
        let member = |name| map.get_text(name);
        match (member("fmt"), member("attStmt"), member("authData")) {
            (
                Some(cbor::Value::Text(format)),
                Some(statement @ (cbor::Value::Map(_) | cbor::Value::Array(_))),
                Some(cbor::Value::Bytes(data)),
            ) => Ok(Self {
                format,
                statement: statement.clone(),
                authenticator_data: data,
                attested_data: AttestedData::parse(data).map_err(Error::AuthenticatorData)?,
            }),
            _ => Err(Error::Form),
        }
    }

    /// The format of the statement, as it is written there.
    pub fn format(&self) -> &str {
        self.format
    }

    /// The authenticator data: the new credential and its key.
    pub fn attested_data(&self) -> &AttestedData {
        &self.attested_data
    }

    /// The same, when the rest is no longer needed.
    pub fn into_attested_data(self) -> AttestedData {
        self.attested_data
    }

    /// Verifies the statement, as far as it leads to no maker (§7.1 steps 21 to 24).
    pub fn verify_statement(
        &self,
        client_data_hash: &[u8; 32],
        crypto: &dyn Crypto,
    ) -> Result<Attestation, Error> {
        let statement = match (self.format, &self.statement) {
            ("none", cbor::Value::Map(map)) if map.iter().next().is_none() => {
                return Ok(Attestation::None);
            }
            ("none", _) => return Err(self.form("an empty map")),
            ("packed", cbor::Value::Map(map)) => map,
            ("packed", _) => return Err(self.form("a map")),
            (format, _) => return unverified(format),
        };
        if statement.get_text("x5c").is_some() {
            return unverified(self.format);
        }
        let members = statement.iter().count();
        let (2, Some(cbor::Value::Integer(alg)), Some(cbor::Value::Bytes(signature))) = (
            members,
            statement.get_text("alg"),
            statement.get_text("sig"),
        ) else {
            return Err(self.form("alg and sig"));
        };
        let key = self.attested_data.key();
        let expected = key.algorithm();
        if Algorithm::from_cose(*alg) != Some(expected) {
            let found = *alg;
            return Err(Error::SelfAlgorithm { expected, found });
        }
        let data = self.authenticator_data;
        assertion::verify_signature(key, data, client_data_hash, signature, crypto)
            .map_err(|_| Error::SelfSignature)?;
        Ok(Attestation::SelfAttested)
    }

    fn form(&self, expected: &'static str) -> Error {
        Error::StatementForm {
            format: self.format.into(),
            expected,
        }
    }
}

/// What the attestation statement of a registration has proven.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Attestation {
    /// Nothing, and it claims nothing.
    None,
    /// The private key of the credential has signed the registration.
    SelfAttested,
    /// Nothing: a statement of this format is there, and nobody has verified it.
    Unverified {
        /// At most 32 printable characters of ASCII, such as `packed` or `apple`.
        format: String,
    },
}

impl fmt::Display for Attestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::SelfAttested => f.write_str("self"),
            Self::Unverified { format } => write!(f, "unverified: {format}"),
        }
    }
}

/// A format that is not verified. Its name goes into records, so it has to be one (§8.1).
fn unverified(format: &str) -> Result<Attestation, Error> {
    let printable = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let is_name = !format.is_empty()
        && format.len() <= AttestationObject::MAX_FORMAT
        && format.bytes().all(printable);
    let format = format.into();
    match is_name {
        true => Ok(Attestation::Unverified { format }),
        false => Err(Error::FormatName { found: format }),
    }
}

/// Why an attestation object is none, or what is wrong about its statement.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The authenticator data, or the key in them.
    #[error(transparent)]
    AuthenticatorData(authenticator_data::Error),
    /// Not CBOR of definite lengths, or too large or deep.
    #[error("the attestationObject is not CBOR as WebAuthn uses it: {0}")]
    Cbor(cbor::Error),
    /// Other members than it should have.
    #[error("the attestationObject is not a map with fmt, attStmt and authData")]
    Form,
    /// A name of a format that is none.
    #[error(
        "the attestation has the format {}, which is no name of one",
        quote(found)
    )]
    FormatName {
        /// The name.
        found: String,
    },
    /// A self attestation by another algorithm than that of the key.
    #[error("the self attestation is by COSE algorithm {found}, and the key is one of {expected}")]
    SelfAlgorithm {
        /// The algorithm of the key.
        expected: Algorithm,
        /// The number in the statement.
        found: i64,
    },
    /// A self attestation that the credential has not signed.
    #[error("the signature of the self attestation does not verify under the credential's key")]
    SelfSignature,
    /// A statement that has not the form of its format.
    #[error(
        "the attestation statement of the format {} is not {expected}",
        quote(format)
    )]
    StatementForm {
        /// The format.
        format: String,
        /// The right form.
        expected: &'static str,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::AuthenticatorData(error) => error.code(),
            Self::Cbor(_) | Self::Form => Code::WebauthnAuthenticatorData,
            Self::FormatName { .. } | Self::SelfAlgorithm { .. } | Self::StatementForm { .. } => {
                Code::WebauthnAttestation
            }
            Self::SelfSignature => Code::WebauthnBadSignature,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::AuthenticatorData(error) => error.expected(),
            Self::Cbor(_) | Self::SelfSignature => None,
            Self::Form => Some("fmt, attStmt and authData".into()),
            Self::FormatName { .. } => Some("1 to 32 printable characters of ASCII".into()),
            Self::SelfAlgorithm { expected, .. } => Some(expected.cose().to_string()),
            Self::StatementForm { expected, .. } => Some((*expected).into()),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::AuthenticatorData(error) => error.found(),
            Self::FormatName { found } => Some(quote(found)),
            Self::SelfAlgorithm { found, .. } => Some(found.to_string()),
            _ => None,
        }
    }
}
