//! The checks that need a log entry alone: its form and its signature.
//!
//! The evidence is not needed: a passkey signs `authenticatorData ‖ SHA-256(clientDataJSON)`, and
//! the entry has both. What this does not show is in docs/THREAT-MODEL.md: no ceremony, no origin,
//! no approval.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::code::Code;
use crate::encoding::sha256;
use crate::entry::{self, Entry};
use crate::policy::Webauthn;
use crate::schema::Members;
use crate::signature::Crypto;
use crate::webauthn::assertion::{
    self, CEREMONY, UserVerification, check_cross_origin, check_rp_id, check_type,
    check_user_presence, check_user_verification, verify_signature,
};
use crate::webauthn::authenticator_data::{self, AuthenticatorData};
use crate::webauthn::cose_key::{self, CoseKey};
use crate::{Failure, break_glass, quote};

/// An entry of a log, of a type that this version understands, well formed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // whoever reads a log has to know of every kind
pub enum Leaf {
    /// Of a use of break-glass, which is no approval and no refusal.
    BreakGlass(break_glass::Entry),
    /// Of an approval or a refusal.
    Decision(Entry),
}

impl Leaf {
    /// Reads the text of a leaf.
    ///
    /// # Errors
    ///
    /// [`entry::Error`] for what is none, but never [`entry::Error::BreakGlass`].
    pub fn parse(text: &str) -> Result<Self, entry::Error> {
        let value = entry::canonical(text)?;
        let members = Members::of(&value)?;
        Ok(match members.text("type")? {
            break_glass::ENTRY_TYPE => Self::BreakGlass(break_glass::Entry::of(members)?),
            _ => Self::Decision(Entry::of(members)?),
        })
    }

    /// The text that was read.
    pub fn to_text(&self) -> String {
        match self {
            Self::BreakGlass(entry) => entry.to_text(),
            Self::Decision(entry) => entry.to_text(),
        }
    }

    /// SHA-256 of the id under which a log has it. It admits one entry for each.
    pub fn id_hash(&self) -> [u8; 32] {
        match self {
            Self::BreakGlass(entry) => sha256(entry.id().as_bytes()),
            Self::Decision(entry) => entry.approval_id_hash,
        }
    }

    /// The bytes that identify the assertion. A log admits one entry for each, of whatever kind.
    pub fn assertion_identity(&self) -> Vec<u8> {
        let signed = self.signed();
        entry::assertion_identity(&signed.client_data_hash, signed.key)
    }

    /// The bytes that identify the key that signed.
    pub fn key_identity(&self) -> Cow<'_, [u8]> {
        match self {
            Self::BreakGlass(entry) => entry.key_identity(),
            Self::Decision(entry) => entry.key_identity(),
        }
    }

    fn signed(&self) -> Signed<'_> {
        match self {
            Self::BreakGlass(entry) => Signed {
                authenticator_data: &entry.authenticator_data,
                client_data_hash: entry.client_data_hash(),
                key: &entry.credential_public_key,
                rp_id: &entry.rp_id,
                signature: &entry.signature,
            },
            Self::Decision(entry) => Signed {
                authenticator_data: &entry.authenticator_data,
                client_data_hash: entry.client_data_hash,
                key: &entry.credential_public_key,
                rp_id: &entry.rp_id,
                signature: &entry.signature,
            },
        }
    }
}

/// What entries of all kinds have.
struct Signed<'e> {
    authenticator_data: &'e [u8],
    client_data_hash: [u8; 32],
    key: &'e [u8],
    rp_id: &'e str,
    signature: &'e [u8],
}

/// Checks one entry of a log against the rules for assertions; the first rule that is broken is
/// the error. The origins of the rules are not looked at: the leaf of an approval has none.
pub fn check(leaf: &[u8], rules: &Webauthn, crypto: &dyn Crypto) -> Result<Leaf, Error> {
    let text = core::str::from_utf8(leaf).map_err(|_| Error::NotText)?;
    let leaf = Leaf::parse(text).map_err(Error::Form)?;
    let signed = leaf.signed();
    let key = CoseKey::parse(signed.key).map_err(Error::Key)?;
    verify_signature(
        &key,
        signed.authenticator_data,
        &signed.client_data_hash,
        signed.signature,
        crypto,
    )
    .map_err(Error::Assertion)?;
    let data =
        AuthenticatorData::parse(signed.authenticator_data).map_err(Error::AuthenticatorData)?;
    check_rp_id(&data, signed.rp_id).map_err(Error::Assertion)?;
    if !rules.rp_ids.iter().any(|known| known == signed.rp_id) {
        return Err(Error::UnlistedRpId {
            expected: rules.rp_ids.clone(),
            found: signed.rp_id.into(),
        });
    }
    check_user_presence(&data).map_err(Error::Assertion)?;
    let verification = match &leaf {
        Leaf::BreakGlass(entry) => {
            check_glass(entry).map_err(Error::Assertion)?;
            UserVerification::Required
        }
        Leaf::Decision(_) => rules.user_verification,
    };
    check_user_verification(&data, verification).map_err(Error::Assertion)?;
    Ok(leaf)
}

/// What the leaf of a use of break-glass shows more than that of an approval: the ceremony, and
/// whether there was a frame around the page.
fn check_glass(entry: &break_glass::Entry) -> Result<(), assertion::Error> {
    check_type(entry.client_data(), CEREMONY)?;
    check_cross_origin(entry.client_data(), false, &[])
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
