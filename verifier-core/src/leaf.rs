//! The checks that need a log entry alone: its form and its signature.
//!
//! The evidence is not needed: a passkey signs `authenticatorData ‖ SHA-256(clientDataJSON)`, and
//! the entry has both. What this does not show is in docs/THREAT-MODEL.md: no ceremony, no origin,
//! no approval.

use alloc::string::String;
use alloc::vec::Vec;

use crate::code::Code;
use crate::entry::{self, Entry};
use crate::policy::Webauthn;
use crate::signature::Crypto;
use crate::webauthn::assertion::{
    self, check_rp_id, check_user_presence, check_user_verification, verify_signature,
};
use crate::webauthn::authenticator_data::{self, AuthenticatorData};
use crate::webauthn::cose_key::{self, CoseKey};
use crate::{Failure, quote};

/// Checks one entry of a log against the rules for assertions; the first rule that is broken is
/// the error. The origins of the rules are not looked at: a leaf has none.
pub fn check(leaf: &[u8], rules: &Webauthn, crypto: &dyn Crypto) -> Result<Entry, Error> {
    let text = core::str::from_utf8(leaf).map_err(|_| Error::NotText)?;
    let entry = Entry::parse(text).map_err(Error::Form)?;
    let key = CoseKey::parse(&entry.credential_public_key).map_err(Error::Key)?;
    verify_signature(
        &key,
        &entry.authenticator_data,
        &entry.client_data_hash,
        &entry.signature,
        crypto,
    )
    .map_err(Error::Assertion)?;
    let data =
        AuthenticatorData::parse(&entry.authenticator_data).map_err(Error::AuthenticatorData)?;
    check_rp_id(&data, &entry.rp_id).map_err(Error::Assertion)?;
    if !rules.rp_ids.contains(&entry.rp_id) {
        return Err(Error::UnlistedRpId {
            expected: rules.rp_ids.clone(),
            found: entry.rp_id,
        });
    }
    check_user_presence(&data).map_err(Error::Assertion)?;
    check_user_verification(&data, rules.user_verification).map_err(Error::Assertion)?;
    Ok(entry)
}

/// Which rule an entry breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The signature, or what was signed.
    #[error(transparent)]
    Assertion(assertion::Error),
    /// The authenticator data are malformed.
    #[error(transparent)]
    AuthenticatorData(authenticator_data::Error),
    /// No entry, or one of a type that this version does not know.
    #[error(transparent)]
    Form(entry::Error),
    /// The credential's public key is not sound.
    #[error(transparent)]
    Key(cose_key::Error),
    /// Not UTF-8.
    #[error("the log entry is no text")]
    NotText,
    /// Signed for a relying party that the policy does not list.
    #[error(
        "the entry is for the relying party id {}, which the policy does not list",
        quote(found)
    )]
    UnlistedRpId {
        /// The values in the policy.
        expected: Vec<String>,
        /// The value in the entry.
        found: String,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Assertion(error) => error.code(),
            Self::AuthenticatorData(error) => error.code(),
            Self::Form(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::NotText => Code::EntryNotCanonical,
            Self::UnlistedRpId { .. } => Code::WebauthnRpId,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Assertion(error) => error.expected(),
            Self::AuthenticatorData(error) => error.expected(),
            Self::Form(error) => error.expected(),
            Self::Key(error) => error.expected(),
            Self::NotText => Some("UTF-8".into()),
            Self::UnlistedRpId { expected, .. } => {
                let quoted: Vec<String> = expected.iter().map(|id| quote(id)).collect();
                Some(quoted.join(" or "))
            }
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Assertion(error) => error.found(),
            Self::AuthenticatorData(error) => error.found(),
            Self::Form(error) => error.found(),
            Self::Key(error) => error.found(),
            Self::NotText => None,
            Self::UnlistedRpId { found, .. } => Some(quote(found)),
        }
    }
}
