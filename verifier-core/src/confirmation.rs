//! The approval service's own answer, taken instead of a bundle.
//!
//! ```text
//! {"status":"approved","payloadHash":hex,"credentialId":b64,"rawAssertion":{PublicKeyCredential}}
//! ```
//!
//! It may have any further members. It carries no log proof and does not name the key.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::Failure as _;
use crate::code::Code;
use crate::json::Value;
use crate::schema::{self, Members};
use crate::webauthn::credential::{self, AssertionJson};

/// The one status that may lead to VERIFIED.
pub const APPROVED: &str = "approved";

/// A confirmation, well formed on the outside. Nothing in it has been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Confirmation {
    /// The service's word for the state of the request.
    pub status: String,
    /// The service's account of the approval; `None` unless the status is [`APPROVED`].
    pub approved: Option<Approved>,
}

/// A service's account of an approval.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Approved {
    /// SHA-256 of the payload, as stated.
    pub payload_hash: [u8; 32],
    /// The credential that signed, as stated.
    pub credential_id: Vec<u8>,
    /// The browser's answer; an error if it names two credentials or none of ours.
    pub assertion: Result<AssertionJson, credential::Error>,
}

impl Confirmation {
    pub(crate) fn from_value(value: &Value<'_>) -> Result<Self, Error> {
        let members = Members::of(value)?;
        let status = members.text("status")?.to_string();
        let approved = (status == APPROVED)
            .then(|| approved(&members))
            .transpose()?;
        Ok(Self { status, approved })
    }
}

fn approved(members: &Members<'_, '_>) -> Result<Approved, Error> {
    Ok(Approved {
        payload_hash: members.hash("payloadHash")?,
        credential_id: members.bytes("credentialId")?,
        assertion: assertion(members.value("rawAssertion")?)?,
    })
}

/// Why a text is no confirmation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Error {
    /// A `rawAssertion` of the wrong shape.
    Assertion(credential::Error),
    /// A member is missing or wrong.
    Schema(schema::Error),
}

impl From<schema::Error> for Error {
    fn from(error: schema::Error) -> Self {
        Self::Schema(error)
    }
}

/// A credential of the wrong shape makes the file malformed; one that contradicts itself is for
/// the verdict to reject.
fn assertion(value: &Value<'_>) -> Result<Result<AssertionJson, credential::Error>, Error> {
    match AssertionJson::from_value(value) {
        Err(error) if error.code() != Code::EvidenceCredentialMismatch => {
            Err(Error::Assertion(error))
        }
        other => Ok(other),
    }
}
