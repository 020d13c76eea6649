//! The JSON that a browser makes of a credential: `PublicKeyCredential.toJSON()` (Level 3 §5.1,
//! AuthenticationResponseJSON and RegistrationResponseJSON).
//!
//! ```text
//! {"id":b64,"rawId":b64,"type":"public-key",
//!  "response":{"authenticatorData":b64,"clientDataJSON":b64,"signature":b64, …}, …}
//!
//! {"id":b64,"rawId":b64,"type":"public-key",
//!  "response":{"attestationObject":b64,"clientDataJSON":b64,"transports":[text,…], …}, …}
//! ```
//!
//! Of an assertion, only these three members of `response` are covered by the signature. The credential id says
//! where to look, never who it was. Browsers and libraries add members and have their own ideas of
//! some (`userHandle` among them), so what is not used here is not read, whatever it is.

use alloc::string::String;
use alloc::vec::Vec;

use super::Assertion;
use crate::code::Code;
use crate::encoding::{self, base64url, from_base64url};
use crate::failure::Failure;
use crate::json;
use crate::shown::quote;

/// The `type` of every WebAuthn credential.
const PUBLIC_KEY: &str = "public-key";

/// A well-formed assertion JSON. Nothing in it has been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AssertionJson {
    credential_id: Vec<u8>,
    authenticator_data: Vec<u8>,
    client_data_json: Vec<u8>,
    signature: Vec<u8>,
}

impl AssertionJson {
    /// Reads the JSON of an assertion. What is malformed is reported before what contradicts
    /// itself.
    pub fn from_value(value: &json::Value<'_>) -> Result<Self, Error> {
        let credential = Credential::read(value)?;
        let response = credential.response;
        let authenticator_data = binary(response, "authenticatorData")?;
        let client_data_json = binary(response, "clientDataJSON")?;
        let signature = binary(response, "signature")?;
        Ok(Self {
            credential_id: credential.agreed_id()?,
            authenticator_data,
            client_data_json,
            signature,
        })
    }

    /// The id of the credential. Not signed.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The authenticator data.
    pub fn authenticator_data(&self) -> &[u8] {
        &self.authenticator_data
    }

    /// The clientDataJSON, byte for byte.
    pub fn client_data_json(&self) -> &[u8] {
        &self.client_data_json
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The part that can be verified.
    pub fn assertion(&self) -> Assertion<'_> {
        Assertion::new(
            &self.authenticator_data,
            &self.client_data_json,
            &self.signature,
        )
    }
}

/// A well-formed registration JSON, as strict as that of an assertion. Nothing in it has been
/// verified; what can be is in [`super::registration::ceremony`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegistrationJson {
    credential_id: Vec<u8>,
    attestation_object: Vec<u8>,
    client_data_json: Vec<u8>,
    transports: Vec<String>,
}

impl RegistrationJson {
    /// The most transports that are read. WebAuthn knows six.
    pub const MAX_TRANSPORTS: usize = 16;
    /// The longest name of a transport, in bytes.
    pub const MAX_TRANSPORT: usize = 32;

    /// Reads the JSON of a registration. What is malformed is reported before what contradicts
    /// itself.
    pub fn from_value(value: &json::Value<'_>) -> Result<Self, Error> {
        let credential = Credential::read(value)?;
        let response = credential.response;
        let attestation_object = binary(response, "attestationObject")?;
        let client_data_json = binary(response, "clientDataJSON")?;
        let transports = transports(response)?;
        Ok(Self {
            credential_id: credential.agreed_id()?,
            attestation_object,
            client_data_json,
            transports,
        })
    }

    /// The id of the credential, as the browser states it.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The attestation object, byte for byte.
    pub fn attestation_object(&self) -> &[u8] {
        &self.attestation_object
    }

    /// The clientDataJSON, byte for byte.
    pub fn client_data_json(&self) -> &[u8] {
        &self.client_data_json
    }

    /// How the authenticator can be reached, as the browser believes; empty if it does not say.
    pub fn transports(&self) -> &[String] {
        &self.transports
    }
}

/// Why a JSON value is not a credential as a browser writes it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A binary member in another encoding.
    #[error("{member} of the credential is {error}")]
    Base64 {
        /// Its key.
        member: &'static str,
        /// The fault.
        error: encoding::Error,
    },
    /// Another type than `public-key`.
    #[error(
        "the credential is of type {}, not {}",
        quote(found),
        quote(PUBLIC_KEY)
    )]
    CredentialType {
        /// The type.
        found: String,
    },
    /// `id` and `rawId` name two credentials.
    #[error(
        "id and rawId of the credential differ: {} and {}",
        quote(id),
        quote(raw_id)
    )]
    IdMismatch {
        /// The one, in base64url.
        id: String,
        /// The other, in base64url.
        raw_id: String,
    },
    /// A member of the wrong kind; the credential itself has no key.
    #[error("{member} is {found} instead of {expected}")]
    MemberKind {
        /// Its key.
        member: &'static str,
        /// The right kind.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// A required member, missing.
    #[error("the credential has no {member}")]
    Missing {
        /// Its key.
        member: &'static str,
    },
    /// More transports, or longer ones, than there are.
    #[error(
        "the transports are more than {}, or one is longer than {} bytes",
        RegistrationJson::MAX_TRANSPORTS,
        RegistrationJson::MAX_TRANSPORT
    )]
    Transports,
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Base64 { .. } => Code::BundleBase64,
            Self::CredentialType { .. } | Self::IdMismatch { .. } => {
                Code::EvidenceCredentialMismatch
            }
            Self::MemberKind { .. } | Self::Missing { .. } | Self::Transports => Code::BundleSchema,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Base64 { .. } => Some("base64url without padding".into()),
            Self::CredentialType { .. } => Some(quote(PUBLIC_KEY)),
            Self::IdMismatch { id, .. } => Some(quote(id)),
            Self::MemberKind { expected, .. } => Some((*expected).into()),
            Self::Missing { member } => Some((*member).into()),
            Self::Transports => Some("names of transports".into()),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::CredentialType { found } => Some(quote(found)),
            Self::IdMismatch { raw_id, .. } => Some(quote(raw_id)),
            Self::MemberKind { found, .. } => Some((*found).into()),
            Self::Base64 { .. } | Self::Missing { .. } | Self::Transports => None,
        }
    }
}

/// The members around the response.
struct Credential<'v> {
    id: Vec<u8>,
    raw_id: Vec<u8>,
    kind: &'v str,
    response: &'v json::Object<'v>,
}

impl<'v> Credential<'v> {
    fn read(value: &'v json::Value<'v>) -> Result<Self, Error> {
        let object = object("the credential", value)?;
        Ok(Self {
            id: binary(object, "id")?,
            raw_id: binary(object, "rawId")?,
            kind: string("type", required(object, "type")?)?,
            response: self::object("response", required(object, "response")?)?,
        })
    }

    /// The credential id, if the members agree about it and it is a public-key credential's.
    fn agreed_id(self) -> Result<Vec<u8>, Error> {
        if self.kind != PUBLIC_KEY {
            return Err(Error::CredentialType {
                found: self.kind.into(),
            });
        }
        if self.id != self.raw_id {
            return Err(Error::IdMismatch {
                id: base64url(&self.id),
                raw_id: base64url(&self.raw_id),
            });
        }
        Ok(self.id)
    }
}

/// The bytes of a required binary member.
fn binary(object: &json::Object<'_>, member: &'static str) -> Result<Vec<u8>, Error> {
    let text = string(member, required(object, member)?)?;
    from_base64url(text).map_err(|error| Error::Base64 { member, error })
}

/// The optional list of transports. Names that nobody knows yet stay in it (Level 3 §5.2.1).
fn transports(response: &json::Object<'_>) -> Result<Vec<String>, Error> {
    const MEMBER: &str = "transports";
    let items = match response.get(MEMBER) {
        None => return Ok(Vec::new()),
        Some(json::Value::Array(items)) => items,
        Some(other) => {
            return Err(Error::MemberKind {
                member: MEMBER,
                expected: "an array",
                found: other.kind(),
            });
        }
    };
    if items.len() > RegistrationJson::MAX_TRANSPORTS {
        return Err(Error::Transports);
    }
    let name = |item| match string("a transport", item)? {
        text if text.len() > RegistrationJson::MAX_TRANSPORT => Err(Error::Transports),
        text => Ok(text.into()),
    };
    items.iter().map(name).collect()
}

fn required<'v>(
    object: &'v json::Object<'v>,
    member: &'static str,
) -> Result<&'v json::Value<'v>, Error> {
    object.get(member).ok_or(Error::Missing { member })
}

fn string<'v>(member: &'static str, value: &'v json::Value<'_>) -> Result<&'v str, Error> {
    value.as_str().ok_or(Error::MemberKind {
        member,
        expected: "a string",
        found: value.kind(),
    })
}

fn object<'v>(
    member: &'static str,
    value: &'v json::Value<'v>,
) -> Result<&'v json::Object<'v>, Error> {
    value.as_object().ok_or(Error::MemberKind {
        member,
        expected: "an object",
        found: value.kind(),
    })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const GOOD: &str = concat!(
        r#"{"id":"AQID","rawId":"AQID","type":"public-key","authenticatorAttachment":"platform","#,
        r#""clientExtensionResults":{"appid":true},"response":{"authenticatorData":"AA","#,
        r#""clientDataJSON":"e30","signature":"MA","userHandle":"Bwc","new":1}}"#,
    );

    fn read(text: &str) -> Result<AssertionJson, Error> {
        let limits = json::Limits::bytes(1024);
        AssertionJson::from_value(&json::Value::parse(text.as_bytes(), limits).unwrap())
    }

    #[test]
    fn reads_what_browsers_write() {
        let json = read(GOOD).unwrap();
        assert_eq!(json.credential_id(), [1, 2, 3]);
        assert_eq!(json.authenticator_data(), [0]);
        assert_eq!(json.client_data_json(), b"{}");
        assert_eq!(json.signature(), [0x30]);
    }

    #[test]
    fn members_that_are_not_used_are_not_read() {
        let json = read(GOOD).unwrap();
        for other in [
            "null",
            "\"\"",
            "\"Bwc=\"",
            "\"alice@example.com\"",
            "7",
            "[7,7]",
            "{}",
            "{\"0\":7}",
        ] {
            for (member, was) in [
                ("userHandle", "\"Bwc\""),
                ("clientExtensionResults", "{\"appid\":true}"),
                ("authenticatorAttachment", "\"platform\""),
            ] {
                let (from, to) = (
                    format!("\"{member}\":{was}"),
                    format!("\"{member}\":{other}"),
                );
                assert!(GOOD.contains(&from));
                assert_eq!(read(&GOOD.replace(&from, &to)), Ok(json.clone()), "{to}");
            }
        }
        assert_eq!(read(&GOOD.replace(r#""userHandle":"Bwc","#, "")), Ok(json));
    }

    #[test]
    fn refuses_members_that_contradict_each_other() {
        let ids = Error::IdMismatch {
            id: "AQIE".into(),
            raw_id: "AQID".into(),
        };
        let kind = Error::CredentialType {
            found: "password".into(),
        };
        for (from, to, error) in [
            (r#""id":"AQID""#, r#""id":"AQIE""#, ids),
            ("public-key", "password", kind),
        ] {
            let found = read(&GOOD.replace(from, to)).unwrap_err();
            assert_eq!(found.code(), Code::EvidenceCredentialMismatch);
            assert_eq!(found, error);
        }
    }

    #[test]
    fn refuses_another_shape() {
        for member in [
            "id",
            "rawId",
            "type",
            "response",
            "authenticatorData",
            "clientDataJSON",
            "signature",
        ] {
            let renamed = GOOD.replace(&format!("\"{member}\":"), "\"renamed\":");
            let error = read(&renamed).unwrap_err();
            assert_eq!(error, Error::Missing { member });
            assert_eq!(error.code(), Code::BundleSchema);
        }
        for (from, to) in [
            ("\"AA\"", "[0]"),
            ("\"AA\"", "null"),
            ("\"MA\"", "0"),
            ("\"public-key\"", "null"),
        ] {
            let error = read(&GOOD.replace(from, to)).unwrap_err();
            assert!(matches!(error, Error::MemberKind { .. }), "{to}");
            assert_eq!(error.code(), Code::BundleSchema);
        }
        assert!(matches!(read("[]"), Err(Error::MemberKind { .. })));
        assert!(matches!(
            read(&GOOD.replace(r#""response":{"#, r#""response":"","r":{"#)),
            Err(Error::MemberKind { .. })
        ));
    }

    #[test]
    fn refuses_a_second_spelling_of_the_same_bytes() {
        for (from, to) in [
            ("\"AA\"", "\"AA==\""),
            ("\"AA\"", "\"AB\""),
            ("\"AA\"", "\" AA\""),
            ("\"MA\"", "\"M+\""),
            (r#""id":"AQID""#, r#""id":"AQID=""#),
            (r#""rawId":"AQID""#, r#""rawId":"AQI D""#),
        ] {
            let error = read(&GOOD.replace(from, to)).unwrap_err();
            assert!(matches!(error, Error::Base64 { .. }), "{to}");
            assert_eq!(error.code(), Code::BundleBase64);
        }
    }
}
