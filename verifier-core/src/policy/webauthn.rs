//! The rules for assertions.

use alloc::string::String;
use alloc::vec::Vec;

use super::Error;
use crate::schema::{self, Members, Wrong};
use crate::webauthn::assertion::UserVerification;

/// The rules for assertions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Webauthn {
    /// Relying party ids; never empty.
    pub rp_ids: Vec<String>,
    /// Exact origins; never empty.
    pub origins: Vec<String>,
    /// Whether the authenticator has to have verified its user.
    pub user_verification: UserVerification,
    /// Whether the ceremony may happen in a frame of another origin.
    pub cross_origin: bool,
    /// The origins that may embed it.
    pub top_origins: Vec<String>,
}

impl Webauthn {
    pub(super) fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&[
            "crossOrigin",
            "origins",
            "rpIds",
            "topOrigins",
            "userVerification",
        ])?;
        let texts = |key: &str| -> Result<Vec<String>, schema::Error> {
            Ok(members.texts(key)?.into_iter().map(Into::into).collect())
        };
        let some = |key: &'static str| match texts(key)? {
            list if list.is_empty() => Err(members.error(key, Wrong::Missing)),
            list if list.iter().any(String::is_empty) => {
                Err(members.wrong(key, "strings that are not empty", ""))
            }
            list => Ok(list),
        };
        let rp_ids = some("rpIds")?;
        let user_verification = match members.optional_text("userVerification")? {
            None | Some("required") => UserVerification::Required,
            Some("preferred") => UserVerification::Preferred,
            Some(other) => {
                let expected = "\"required\" or \"preferred\"";
                return Err(members.wrong("userVerification", expected, other).into());
            }
        };
        Ok(Self {
            rp_ids,
            origins: some("origins")?,
            user_verification,
            cross_origin: members.optional_bool("crossOrigin")?.unwrap_or(false),
            top_origins: texts("topOrigins")?,
        })
    }

    pub(super) fn user_verification_text(&self) -> &'static str {
        match self.user_verification {
            UserVerification::Preferred => "preferred",
            UserVerification::Required => "required",
        }
    }
}
