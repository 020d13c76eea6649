//! The JSON that a browser makes of a registration (Level 3 §5.1, RegistrationResponseJSON), read
//! for the key in it.
//!
//! ```text
//! {"id":b64,"rawId":b64,"type":"public-key",
//!  "response":{"attestationObject":b64,"clientDataJSON":b64, …}, …}
//!
//! attestationObject = CBOR {"fmt": text, "attStmt": map or array, "authData": bytes}
//! ```
//!
//! A registration is no evidence. It goes into a policy once, under its owner's eyes, after
//! libraries and servers have had it in their hands. So its envelope is read as the field writes
//! it: bytes in any encoding ([`LooseBytes`]), CBOR in any order, an attestation statement of any
//! form, which nobody verifies. What the key rests on is strict: the COSE_Key itself, the flags,
//! and that `id`, `rawId` and authenticator data mean one credential.
//!
//! `publicKey` and `authenticatorData` in the response are copies, which are ignored.
//!
//! A service that has asked for the registration itself knows more: the challenge, for one. It
//! verifies the [`ceremony`], which is strict all the way.

pub mod attestation;
pub mod ceremony;

use alloc::string::String;

use super::authenticator_data::AttestedData;
use super::loose_bytes::{self, LooseBytes};
use super::{ClientData, CoseKey, Flags};
use crate::code::Code;
use crate::encoding::base64url;
use crate::failure::Failure;
use crate::json::{self, Object, Value};
use crate::shown::quote;

pub use attestation::{Attestation, AttestationObject};
pub use ceremony::{Ceremony, VerifiedRegistration};

/// The ceremony that a registration is made in.
pub const CEREMONY: &str = "webauthn.create";

/// A new credential: its id and its key. Nobody has vouched for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registration {
    data: AttestedData,
    client_data: Option<ClientData>,
}

impl Registration {
    /// The longest registration JSON that is read, in bytes: one whose bytes are lists of numbers,
    /// one a line, has many.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads a registration JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let value = Value::parse(bytes, json::Limits::bytes(Self::MAX_BYTES))?;
        Self::from_value(&value)
    }

    /// Reads a registration JSON that has been parsed.
    pub fn from_value(value: &Value<'_>) -> Result<Self, Error> {
        let credential = object("the registration", value)?;
        let response = response(credential)?;
        let Some(written) = response.get(ATTESTATION_OBJECT) else {
            return Err(match response.get("signature") {
                Some(_) => Error::Assertion,
                None => missing(ATTESTATION_OBJECT),
            });
        };
        match credential.get("type").map(|kind| (kind, kind.as_str())) {
            None | Some((_, Some("public-key"))) => {}
            Some((_, Some(other))) => {
                let found = other.into();
                return Err(Error::CredentialType { found });
            }
            Some((kind, None)) => {
                return Err(Error::Kind {
                    member: "type",
                    expected: "a string",
                    found: kind.kind(),
                });
            }
        }
        let data = attested_data(&loose(ATTESTATION_OBJECT, written)?)?;
        check_ids(credential, data.credential_id())?;
        let client_data = client_data(response);
        match client_data.as_ref().map(ClientData::ceremony) {
            None | Some(CEREMONY) => Ok(Self { data, client_data }),
            Some(other) => Err(Error::Ceremony {
                found: other.into(),
            }),
        }
    }

    /// Whether a JSON value means to be a registration: it has an attestation object, where the
    /// browser puts it or beside the id.
    pub fn is_meant(value: &Value<'_>) -> bool {
        let credential = value.as_object();
        let response = credential.and_then(|credential| response(credential).ok());
        response.is_some_and(|response| response.get(ATTESTATION_OBJECT).is_some())
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

    /// The browser's client data, if it is there and can be read. Nobody has signed it.
    pub fn client_data(&self) -> Option<&ClientData> {
        self.client_data.as_ref()
    }
}

const ATTESTATION_OBJECT: &str = "attestationObject";

/// Reads an attestation object (§6.5). Its statement may be anything.
pub fn parse_attestation_object(bytes: &[u8]) -> Result<AttestedData, Error> {
    Ok(AttestationObject::parse(bytes)?.into_attested_data())
}

/// Where the bytes of the registration are: in `response`, or, where a library has flattened it,
/// beside the id.
fn response<'v>(credential: &'v Object<'v>) -> Result<&'v Object<'v>, Error> {
    match credential.get("response") {
        Some(value) => object("response", value),
        None if credential.get(ATTESTATION_OBJECT).is_some() => Ok(credential),
        None => Err(missing("response")),
    }
}

/// The reading of the attestation object that is one. Base64 of it begins with a letter that hex
/// does not have, so there never are two.
fn attested_data(written: &LooseBytes) -> Result<AttestedData, Error> {
    let mut first = None;
    for bytes in written.readings() {
        match parse_attestation_object(bytes) {
            Err(error) => first = first.or(Some(error)),
            data => return data,
        }
    }
    Err(first.unwrap_or(attestation::Error::Form.into()))
}

/// `id` and `rawId` are the credential id in the authenticator data, in whatever encoding. One of
/// them may be missing.
fn check_ids(credential: &Object<'_>, id: &[u8]) -> Result<(), Error> {
    let mut lost = None;
    let mut agreed = false;
    for member in ["id", "rawId"] {
        let Some(value) = credential.get(member) else {
            continue;
        };
        let written = match loose(member, value) {
            Ok(written) => written,
            Err(error) => {
                lost = lost.or(Some(error));
                continue;
            }
        };
        if !written.readings().any(|reading| reading == id) {
            let found = written.readings().last().unwrap_or_default();
            return Err(Error::CredentialId {
                expected: base64url(id),
                found: base64url(found),
            });
        }
        agreed = true;
    }
    match (agreed, lost) {
        // What JSON.stringify has made of an ArrayBuffer says nothing.
        (
            true,
            None
            | Some(Error::Bytes {
                error: loose_bytes::Error::LostBuffer,
                ..
            }),
        ) => Ok(()),
        (_, Some(error)) => Err(error),
        (false, None) => Err(missing("id")),
    }
}

fn client_data(response: &Object<'_>) -> Option<ClientData> {
    // Some libraries spell the member after the rules of their language.
    let mut members = ["clientDataJSON", "clientDataJson"].into_iter();
    let written = LooseBytes::from_value(members.find_map(|member| response.get(member))?).ok()?;
    let mut readings = written.readings();
    readings.find_map(|bytes| ClientData::parse(bytes).ok())
}

fn loose(member: &'static str, value: &Value<'_>) -> Result<LooseBytes, Error> {
    LooseBytes::from_value(value).map_err(|error| Error::Bytes { member, error })
}

fn object<'v>(member: &'static str, value: &'v Value<'v>) -> Result<&'v Object<'v>, Error> {
    value.as_object().ok_or(Error::Kind {
        member,
        expected: "an object",
        found: value.kind(),
    })
}

fn missing(member: &'static str) -> Error {
    Error::Missing { member }
}

/// Why a registration does not yield a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The JSON of an assertion.
    #[error("this is an assertion, the answer to a request to sign; it has no key in it")]
    Assertion,
    /// The attestation object, the authenticator data in it, or the key in those.
    #[error(transparent)]
    AttestationObject(#[from] attestation::Error),
    /// Bytes that cannot be read.
    #[error("{member} of the registration is {error}")]
    Bytes {
        /// Its key.
        member: &'static str,
        /// Why.
        error: loose_bytes::Error,
    },
    /// The client data of another ceremony.
    #[error("the client data are of {}, not of a registration", quote(found))]
    Ceremony {
        /// The ceremony.
        found: String,
    },
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
    /// Another type than `public-key`.
    #[error("the credential is of type {}, not \"public-key\"", quote(found))]
    CredentialType {
        /// The type.
        found: String,
    },
    /// Not strict JSON.
    #[error("the registration is not strict JSON: {0}")]
    Json(#[from] json::Error),
    /// A member of the wrong kind.
    #[error("{member} is {found} instead of {expected}")]
    Kind {
        /// Its key.
        member: &'static str,
        /// The right kind.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// A required member, missing.
    #[error("the registration has no {member}")]
    Missing {
        /// Its key.
        member: &'static str,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Assertion | Self::Kind { .. } | Self::Missing { .. } => Code::BundleSchema,
            Self::AttestationObject(error) => error.code(),
            Self::Bytes { .. } => Code::BundleBase64,
            Self::Ceremony { .. } => Code::WebauthnType,
            Self::CredentialId { .. } | Self::CredentialType { .. } => {
                Code::EvidenceCredentialMismatch
            }
            Self::Json(_) => Code::BundleNotJson,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::AttestationObject(error) => error.expected(),
            Self::Ceremony { .. } => Some(quote(CEREMONY)),
            Self::CredentialId { expected, .. } => Some(quote(expected)),
            Self::CredentialType { .. } => Some(quote("public-key")),
            Self::Kind { expected, .. } => Some((*expected).into()),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::AttestationObject(error) => error.found(),
            Self::Ceremony { found }
            | Self::CredentialId { found, .. }
            | Self::CredentialType { found } => Some(quote(found)),
            Self::Kind { found, .. } => Some((*found).into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;
    use alloc::vec::Vec;

    use super::*;
    use crate::encoding::{base64, from_hex, hex};

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
        assert!(Registration::is_meant(
            &Value::parse(json("a0").as_bytes(), json::Limits::bytes(1000)).unwrap()
        ));
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
    fn reads_the_envelope_as_the_field_writes_it() {
        let auth_data = auth_data();
        let data = object("a1", &auth_data)[2..].to_string();
        let packed = "63616c672663736967420000637835638141aa";
        for object in [
            // members in another order: authData, fmt, attStmt; authData, attStmt, fmt
            format!("a3{data}63666d74646e6f6e656761747453746d74a0"),
            format!("a3{data}6761747453746d74a063666d74646e6f6e65"),
            // alg, x5c, sig instead of alg, sig, x5c
            object(
                "a363666d74667061636b65646761747453746d74a363616c6726637835638141aa637369674200\
                 00",
                &auth_data,
            ),
            // alg and a length in more bytes than they need
            object(
                &format!(
                    "a363666d74667061636b65646761747453746d74a3{}",
                    packed.replacen("26", "3806", 1)
                ),
                &auth_data,
            ),
            format!("b803{}", &object(NONE, &auth_data)[2..]),
            // compound: the statement is an array of statements
            object(
                &format!(
                    "a363666d7468636f6d706f756e646761747453746d7482{0}{0}",
                    format_args!("a263666d74667061636b65646761747453746d74a3{packed}")
                ),
                &auth_data,
            ),
            // a statement with a float, a tag and deep nesting; a member of which nobody knows
            object(
                "a363666d7461786761747453746d74a36161f93c006162c0006163818181818181818100",
                &auth_data,
            ),
            format!("a4{}6965787472615f6f6e6500", &object(NONE, &auth_data)[2..]),
        ] {
            let registration = Registration::parse(json(&object).as_bytes()).expect(&object);
            assert_eq!(hex(registration.key().as_bytes()), KEY, "{object}");
        }
    }

    #[test]
    fn reads_bytes_in_every_encoding_in_which_servers_keep_them() {
        let object = from_hex(&object(NONE, &auth_data())).unwrap();
        let list = |bytes: &[u8]| {
            let numbers: Vec<String> = bytes.iter().map(|byte| format!("{byte}")).collect();
            numbers.join(",")
        };
        let typed = |bytes: &[u8]| {
            let numbers = bytes.iter().enumerate();
            let members: Vec<String> = numbers.map(|(i, b)| format!("\"{i}\":{b}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let quoted = |text: String| format!("\"{text}\"");
        // The id is AQIDBA (01 02 03), written four ways; hex could be base64 as well.
        for raw_id in [
            "\"AQID\"",
            "\"010203\"",
            "[1,2,3]",
            "{\"0\":1,\"1\":2,\"2\":3}",
            "{}",
        ] {
            for object in [
                quoted(base64url(&object)),
                quoted(base64(&object)),
                quoted(hex(&object)),
                quoted(hex(&object).to_ascii_uppercase()),
                format!("[{}]", list(&object)),
                typed(&object),
                format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", list(&object)),
            ] {
                let text = format!(
                    r#"{{"id":"AQID","rawId":{raw_id},"response":{{"attestationObject":{object}}}}}"#
                );
                let registration = Registration::parse(text.as_bytes()).expect(&text);
                assert_eq!(hex(registration.key().as_bytes()), KEY);
            }
        }
        // Flat, and with one id only.
        for ids in [r#""id":"AQID""#, r#""rawId":"AQID""#] {
            let object = base64(&object);
            let text = format!(r#"{{{ids},"attestationObject":"{object}"}}"#);
            assert!(Registration::parse(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn reads_what_the_browser_said_where_it_is_there() {
        let text = json(&object(NONE, &auth_data()));
        let with = |data: &str| {
            let data = base64url(data.as_bytes());
            Registration::parse(text.replace("\"e30\"", &format!("\"{data}\"")).as_bytes())
        };
        let made = r#"{"type":"webauthn.create","challenge":"AA","origin":"https://a.example"}"#;
        let registration = with(made).unwrap();
        let origin = registration.client_data().map(ClientData::origin);
        assert_eq!(origin, Some("https://a.example"));
        assert_eq!(with("{}").unwrap().client_data(), None);
        let error = with(&made.replace("create", "get")).unwrap_err();
        assert_eq!(error.code(), Code::WebauthnType);
    }

    #[test]
    fn refuses_what_is_no_attestation_object() {
        let good = object(NONE, &auth_data());
        let without = json(&good).replace("attestationObject", "authenticatorData");
        assert_eq!(
            refused(&without),
            Error::Missing {
                member: ATTESTATION_OBJECT
            }
        );
        let assertion = without.replace("clientDataJSON", "signature");
        assert_eq!(refused(&assertion), Error::Assertion);
        assert!(matches!(refused("{"), Error::Json(_)));
        for object in [
            "a0".into(),
            "80".into(),
            // authData alone; fmt of the wrong kind; attStmt of the wrong kind; another fmt
            object("a1", &auth_data()),
            object("a363666d74006761747453746d74a0", &auth_data()),
            object("a363666d74646e6f6e656761747453746d7400", &auth_data()),
            good.replacen("63666d74", "63666d75", 1),
        ] {
            let error = Error::AttestationObject(attestation::Error::Form);
            assert_eq!(refused(&json(&object)), error, "{object}");
        }
        for object in [
            format!("{good}00"),
            format!("bf{}ff", &good[2..]),
            // fmt twice
            format!("a4{}63666d74646e6f6e65", &good[2..]),
        ] {
            let error = refused(&json(&object));
            let Error::AttestationObject(attestation::Error::Cbor(_)) = error else {
                panic!("{object}: {error}");
            };
        }
    }

    #[test]
    fn refuses_bytes_that_cannot_be_read() {
        let text = json(&object(NONE, &auth_data()));
        let start = text.find("attestationObject\":\"").unwrap() + 19;
        let end = start + text[start + 1..].find('"').unwrap() + 2;
        let with = |value: &str| refused(&format!("{}{value}{}", &text[..start], &text[end..]));
        for (value, expected) in [
            ("{}", loose_bytes::Error::LostBuffer),
            ("\"\"", loose_bytes::Error::Empty),
            ("7", loose_bytes::Error::Kind { found: "a number" }),
            ("\"o2Nm+_\"", loose_bytes::Error::MixedAlphabets),
        ] {
            let error = Error::Bytes {
                member: ATTESTATION_OBJECT,
                error: expected,
            };
            assert_eq!(with(value), error, "{value}");
        }
        for ids in [r#""id":{},"rawId":{}"#, r#""id":7,"rawId":"AQID""#] {
            let text = text.replace(r#""id":"AQID","rawId":"AQID""#, ids);
            assert_eq!(refused(&text).code(), Code::BundleBase64, "{text}");
        }
        let none = text.replace(r#""id":"AQID","rawId":"AQID","#, "");
        assert_eq!(refused(&none), Error::Missing { member: "id" });
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
