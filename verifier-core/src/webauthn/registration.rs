//! The JSON that a browser makes of a registration (Level 3 §5.1, RegistrationResponseJSON), read
//! for the key in it.
//!
//! ```text
//! {"id":b64,"rawId":b64,"type":"public-key","response":{"attestationObject":b64, …}, …}
//!
//! attestationObject = CBOR {"fmt": text, "attStmt": map, "authData": bytes}
//! ```
//!
//! The attestation statement is read and not verified: whoever adds a key to a policy trusts the
//! channel through which the registration came, or compares the key's fingerprint over another.
//! `publicKey` and `authenticatorData` in the response are copies, which are ignored.

use alloc::string::String;
use alloc::vec::Vec;

use super::authenticator_data::AttestedData;
use super::credential::{self, Credential};
use super::{CoseKey, Flags, authenticator_data, cbor};
use crate::code::Code;
use crate::encoding::base64url;
use crate::failure::{Failure, quote};
use crate::json;

/// A new credential: its id and its key. Nobody has vouched for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registration {
    data: AttestedData,
}

impl Registration {
    /// The longest registration JSON that is read, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads a registration JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let value = json::Value::parse(bytes, json::Limits::bytes(Self::MAX_BYTES))?;
        Self::from_value(&value)
    }

    /// Reads a registration JSON that has been parsed.
    pub fn from_value(value: &json::Value<'_>) -> Result<Self, Error> {
        let credential = Credential::read(value)?;
        let object = credential::binary(credential.response, "attestationObject")?;
        let id = credential.agreed_id()?;
        let data = parse_attestation_object(&object)?;
        if id != data.credential_id() {
            return Err(Error::CredentialId {
                expected: base64url(data.credential_id()),
                found: base64url(&id),
            });
        }
        Ok(Self { data })
    }

    /// The id of the credential, 1 to 1023 bytes.
    pub fn credential_id(&self) -> &[u8] {
        self.data.credential_id()
    }

    /// The public key.
    pub fn key(&self) -> &CoseKey {
        self.data.key()
    }

    /// SHA-256 of the RP id that the credential was made for.
    pub fn rp_id_hash(&self) -> &[u8; 32] {
        self.data.authenticator_data().rp_id_hash()
    }

    /// The flags at registration.
    pub fn flags(&self) -> Flags {
        self.data.authenticator_data().flags()
    }
}

/// Reads an attestation object (§6.5). Its statement is checked for form only.
pub fn parse_attestation_object(bytes: &[u8]) -> Result<AttestedData, Error> {
    let value =
        cbor::Value::parse(bytes, cbor::Limits::ATTESTATION).map_err(Error::AttestationCbor)?;
    let cbor::Value::Map(map) = &value else {
        return Err(Error::AttestationForm);
    };
    let mut entries: Vec<_> = map.iter().collect();
    // Canonical order: the shorter key first.
    match (entries.pop(), entries.pop(), entries.pop(), entries.pop()) {
        (
            Some((cbor::Value::Text("authData"), cbor::Value::Bytes(data))),
            Some((cbor::Value::Text("attStmt"), cbor::Value::Map(_))),
            Some((cbor::Value::Text("fmt"), cbor::Value::Text(_))),
            None,
        ) => AttestedData::parse(data).map_err(Error::AuthenticatorData),
        _ => Err(Error::AttestationForm),
    }
}

/// Why a registration does not yield a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The attestation object is not CTAP2 canonical CBOR.
    #[error("the attestationObject is not canonical CBOR: {0}")]
    AttestationCbor(cbor::Error),
    /// The attestation object has other members than it should.
    #[error("the attestationObject is not a map of fmt, attStmt and authData")]
    AttestationForm,
    /// The authenticator data, or the key in them.
    #[error(transparent)]
    AuthenticatorData(authenticator_data::Error),
    /// The JSON and the authenticator data name two credentials.
    #[error(
        "the registration is of credential {}, its JSON says {}",
        quote(expected),
        quote(found)
    )]
    CredentialId {
        /// The id in the authenticator data, in base64url.
        expected: String,
        /// The id in the JSON, in base64url.
        found: String,
    },
    /// Not the JSON of a credential.
    #[error(transparent)]
    Credential(#[from] credential::Error),
    /// Not strict JSON.
    #[error("the registration is not strict JSON: {0}")]
    Json(#[from] json::Error),
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::AttestationCbor(_) | Self::AttestationForm => Code::WebauthnAuthenticatorData,
            Self::AuthenticatorData(error) => error.code(),
            Self::CredentialId { .. } => Code::EvidenceCredentialMismatch,
            Self::Credential(error) => error.code(),
            Self::Json(_) => Code::BundleNotJson,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::AuthenticatorData(error) => error.expected(),
            Self::CredentialId { expected, .. } => Some(quote(expected)),
            Self::Credential(error) => error.expected(),
            Self::AttestationForm => Some("fmt, attStmt and authData".into()),
            Self::AttestationCbor(_) | Self::Json(_) => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::AuthenticatorData(error) => error.found(),
            Self::CredentialId { found, .. } => Some(quote(found)),
            Self::Credential(error) => error.found(),
            Self::AttestationCbor(_) | Self::AttestationForm | Self::Json(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::encoding::{from_hex, hex};

    const KEY: &str = concat!(
        "a4010103272006215820",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );

    fn auth_data() -> String {
        format!(
            "{}4500000001{}0003010203{KEY}",
            "aa".repeat(32),
            "00".repeat(16)
        )
    }

    /// An attestation object in hex: `prefix` has `fmt` and `attStmt`, a byte string follows.
    fn object(prefix: &str, auth_data: &str) -> String {
        // 68 "authData" 58 length
        let length = auth_data.len() / 2;
        format!("{prefix}68617574684461746158{length:02x}{auth_data}")
    }

    const NONE: &str = "a363666d74646e6f6e656761747453746d74a0";

    fn json(object: &str) -> String {
        let object = base64url(&from_hex(object).unwrap());
        format!(
            r#"{{"id":"AQID","rawId":"AQID","type":"public-key","clientExtensionResults":{{}},"response":{{"attestationObject":"{object}","clientDataJSON":"e30","transports":["internal"]}}}}"#
        )
    }

    fn refused(json: &str) -> Error {
        Registration::parse(json.as_bytes()).expect_err(json)
    }

    #[test]
    fn finds_the_key_in_a_registration() {
        let text = json(&object(NONE, &auth_data()));
        let registration = Registration::parse(text.as_bytes()).unwrap();
        assert_eq!(registration.credential_id(), [1, 2, 3]);
        assert_eq!(hex(registration.key().as_bytes()), KEY);
        assert_eq!(registration.rp_id_hash(), &[0xaa; 32]);
        assert!(registration.flags().user_verified());
    }

    #[test]
    fn refuses_ids_that_disagree() {
        let text = json(&object(NONE, &auth_data()));
        for other in [
            text.replacen(r#""id":"AQID""#, r#""id":"AQIE""#, 1),
            text.replacen("rawId\":\"AQID\"", "rawId\":\"AQIE\"", 1),
            text.replace("AQID", "AQIE"),
            text.replacen("public-key", "other", 1),
        ] {
            let code = refused(&other).code();
            assert_eq!(code, Code::EvidenceCredentialMismatch, "{other}");
        }
    }

    #[test]
    fn refuses_what_is_no_attestation_object() {
        let good = object(NONE, &auth_data());
        let without = json(&good).replace("attestationObject", "authenticatorData");
        assert_eq!(refused(&without).code(), Code::BundleSchema);
        assert!(matches!(refused("{"), Error::Json(_)));
        for object in [
            "a0".into(),
            "80".into(),
            // authData alone; fmt of the wrong kind; attStmt of the wrong kind; a fourth member
            object("a1", &auth_data()),
            object("a363666d74006761747453746d74a0", &auth_data()),
            object("a363666d74646e6f6e656761747453746d7480", &auth_data()),
            format!("a4{}6965787472615f6f6e6500", &good[2..]),
            format!("a4617800{}", &good[2..]),
        ] {
            assert_eq!(refused(&json(&object)), Error::AttestationForm, "{object}");
        }
        for object in [
            format!("{good}00"),
            // attStmt before fmt
            object("a36761747453746d74a063666d74646e6f6e65", &auth_data()),
            format!("bf{}ff", &good[2..]),
        ] {
            let error = refused(&json(&object));
            assert!(matches!(error, Error::AttestationCbor(_)), "{object}");
        }
    }

    #[test]
    fn refuses_a_key_that_is_not_canonical() {
        // alg before kty
        let swapped = auth_data().replace("01010327", "03270101");
        let error = refused(&json(&object(NONE, &swapped)));
        assert_eq!(error.code(), Code::WebauthnBadKey);
        let ed448 = auth_data().replace("03272006", "0338342007");
        let error = refused(&json(&object(NONE, &ed448)));
        assert_eq!(error.code(), Code::WebauthnUnsupportedAlgorithm);
        let assertion = format!("{}0500000001", "aa".repeat(32));
        let error = refused(&json(&object(NONE, &assertion)));
        assert_eq!(error.code(), Code::WebauthnAuthenticatorData);
    }
}
