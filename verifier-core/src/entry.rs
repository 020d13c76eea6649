//! The log entry: the leaf that everybody sees.
//!
//! Canonical JSON, strings only, at most 8 KiB:
//!
//! ```text
//! {"approvalIdHash":b64,"approver":b64,"authenticatorData":b64,"clientDataHash":b64,
//!  "credentialPublicKey":b64,"decidedAt":time,"rpId":string,"signature":b64,
//!  "type":"cosignet.approval/v1"}
//! ```
//!
//! The entry of a refusal is the same with the type `cosignet.refusal/v1`.
//!
//! The leaf hash covers the text, so a text has to be its own canonical form: one approval, one
//! leaf.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use crate::code::Code;
use crate::encoding::{base64url, sha256};
use crate::json::{self, Limits, Value};
use crate::schema::{self, Members, Wrong};
use crate::time::Time;
use crate::webauthn::{AssertionJson, CoseKey, cose_key};
use crate::{Failure, break_glass, quote};

/// The `type` of an approval's entry.
pub const TYPE: &str = "cosignet.approval/v1";

/// The `type` of a refusal's entry.
pub const REFUSAL_TYPE: &str = "cosignet.refusal/v1";

/// What a human did, as the type of the entry says. The challenge that was signed has to agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // a human says yes or no
pub enum Act {
    /// Yes.
    Approval,
    /// No.
    Refusal,
}

impl Act {
    /// The `type` of its entries.
    pub const fn entry_type(self) -> &'static str {
        match self {
            Self::Approval => TYPE,
            Self::Refusal => REFUSAL_TYPE,
        }
    }
}

/// An entry of a type that this version understands, well formed. Nothing in it has been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// What it says that the human did.
    pub act: Act,
    /// SHA-256 of the approval id as ASCII.
    pub approval_id_hash: [u8; 32],
    /// The approver commitment, see [`crate::commitment`].
    pub approver: Option<[u8; 32]>,
    /// WebAuthn authenticatorData.
    pub authenticator_data: Vec<u8>,
    /// SHA-256 of clientDataJSON.
    pub client_data_hash: [u8; 32],
    /// The COSE_Key of the credential, as the entry has it; see [`Entry::key_identity`].
    pub credential_public_key: Vec<u8>,
    /// When the human decided, as the service claims.
    pub decided_at: Time,
    /// The relying party id.
    pub rp_id: String,
    /// The assertion's signature.
    pub signature: Vec<u8>,
}

impl Entry {
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// The entry of an approval or a refusal: what a log that admits it appends.
    pub fn new(
        act: Act,
        approval_id: &str,
        rp_id: &str,
        decided_at: Time,
        key: &CoseKey,
        assertion: &AssertionJson,
        approver: Option<[u8; 32]>,
    ) -> Self {
        Self {
            act,
            approval_id_hash: sha256(approval_id.as_bytes()),
            approver,
            authenticator_data: assertion.authenticator_data().to_vec(),
            client_data_hash: sha256(assertion.client_data_json()),
            credential_public_key: key.as_bytes().to_vec(),
            decided_at,
            rp_id: rp_id.to_string(),
            signature: assertion.signature().to_vec(),
        }
    }

    /// The bytes that identify the credential's key, whichever of two numbers its algorithm was
    /// written with ([`CoseKey::as_bytes`]). What is no sound key stands for itself.
    pub fn key_identity(&self) -> Cow<'_, [u8]> {
        cose_key::identity(&self.credential_public_key)
    }

    /// The bytes that identify the assertion. Two entries with the same ones carry one and the same
    /// act of a human. The signature is not among them: another one over the same bytes needs no
    /// new act.
    ///
    /// ```text
    /// clientDataHash[32] ‖ credentialPublicKey, as it identifies the key
    /// ```
    pub fn assertion_identity(&self) -> Vec<u8> {
        assertion_identity(&self.client_data_hash, &self.credential_public_key)
    }

    /// The text of the leaf. [`Entry::parse`] reads it back, unless a field is too long or the RP
    /// id is none.
    pub fn to_text(&self) -> String {
        let mut members = vec![
            ("approvalIdHash", base64url(&self.approval_id_hash)),
            ("authenticatorData", base64url(&self.authenticator_data)),
            ("clientDataHash", base64url(&self.client_data_hash)),
            (
                "credentialPublicKey",
                base64url(&self.credential_public_key),
            ),
            ("decidedAt", self.decided_at.to_string()),
            ("rpId", self.rp_id.clone()),
            ("signature", base64url(&self.signature)),
            ("type", self.act.entry_type().to_string()),
        ];
        if let Some(approver) = &self.approver {
            members.push(("approver", base64url(approver)));
        }
        let members = members
            .into_iter()
            .map(|(key, text)| (Cow::Borrowed(key), Value::from(text)));
        Value::Object(members.collect()).to_text()
    }

    /// Reads the text of the leaf of an approval or a refusal. Logs have
    /// [others](crate::hazmat::leaf::Leaf), too.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value = canonical(text)?;
        Self::of(Members::of(&value)?)
    }

    /// The members of an entry.
    pub(crate) fn of(members: Members<'_, '_>) -> Result<Self, Error> {
        let act = match members.text("type")? {
            TYPE => Act::Approval,
            REFUSAL_TYPE => Act::Refusal,
            break_glass::ENTRY_TYPE => return Err(Error::BreakGlass),
            other => {
                let found = other.to_string();
                return Err(Error::UnknownType { found });
            }
        };
        let members = members.only(&[
            "approvalIdHash",
            "approver",
            "authenticatorData",
            "clientDataHash",
            "credentialPublicKey",
            "decidedAt",
            "rpId",
            "signature",
            "type",
        ])?;
        Ok(Self {
            act,
            approval_id_hash: members.array("approvalIdHash")?,
            approver: members.optional_array("approver")?,
            authenticator_data: members.bytes("authenticatorData")?,
            client_data_hash: members.array("clientDataHash")?,
            credential_public_key: members.bytes("credentialPublicKey")?,
            decided_at: members.time("decidedAt")?,
            rp_id: rp_id(&members, "rpId")?.to_string(),
            signature: members.bytes("signature")?,
        })
    }
}

/// [`Entry::assertion_identity`], of an entry of whatever kind.
pub(crate) fn assertion_identity(client_data_hash: &[u8; 32], key: &[u8]) -> Vec<u8> {
    [&client_data_hash[..], &cose_key::identity(key)].concat()
}

/// A text that is no longer than an entry, and its own canonical form.
pub(crate) fn canonical(text: &str) -> Result<Value<'_>, Error> {
    if text.len() > Entry::MAX_BYTES {
        return Err(Error::TooLarge { found: text.len() });
    }
    let limits = Limits::bytes(Entry::MAX_BYTES);
    let value = Value::parse(text.as_bytes(), limits).map_err(Error::NotJson)?;
    match value.to_canonical().as_deref() == Some(text) {
        true => Ok(value),
        false => Err(Error::NotCanonical),
    }
}

/// A relying party id: a domain in lower-case ASCII, at most 253 characters.
pub(crate) fn rp_id<'v>(members: &Members<'v, '_>, key: &str) -> Result<&'v str, schema::Error> {
    let text = members.text(key)?;
    if is_rp_id(text) {
        return Ok(text);
    }
    Err(members.wrong(key, "a domain in lower-case ASCII", text))
}

fn is_rp_id(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Why a text is not an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The entry of a use of break-glass, which is [no approval](break_glass::Entry).
    #[error("the log entry is that of a use of break-glass, which is no approval")]
    BreakGlass,
    /// A member is missing, unknown or wrong.
    #[error("the log entry does not follow its format: {0}")]
    Field(#[from] schema::Error),
    /// JSON in another layout than its canonical one.
    #[error("the log entry is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// No JSON.
    #[error("the log entry is not strict JSON: {0}")]
    NotJson(json::Error),
    /// Longer than [`Entry::MAX_BYTES`].
    #[error("the log entry is too large")]
    TooLarge {
        /// In bytes.
        found: usize,
    },
    /// A canonical entry of another type.
    #[error("the log entry is of a type that this version does not know")]
    UnknownType {
        /// The value of `type`.
        found: String,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::BreakGlass => Code::EntryBreakGlass,
            Self::Field(_) => Code::EntryField,
            Self::NotCanonical | Self::NotJson(_) => Code::EntryNotCanonical,
            Self::TooLarge { .. } => Code::EntryTooLarge,
            Self::UnknownType { .. } => Code::EntryUnknownType,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => Some(format!("at most {} bytes", Entry::MAX_BYTES)),
            Self::BreakGlass | Self::UnknownType { .. } => {
                Some(format!("{TYPE} or {REFUSAL_TYPE}"))
            }
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Field(error) => match error.problem() {
                Wrong::Value { found, .. } => Some(found.clone()),
                _ => None,
            },
            Self::BreakGlass => Some(break_glass::ENTRY_TYPE.into()),
            Self::TooLarge { found } => Some(format!("{found} bytes")),
            Self::UnknownType { found } => Some(quote(found)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        let hash = base64url(&[7; 32]);
        format!(
            r#"{{"approvalIdHash":"{hash}","authenticatorData":"AQ","clientDataHash":"{hash}","credentialPublicKey":"Ag","decidedAt":"2026-11-20T14:03:11.000Z","rpId":"cosignet.com","signature":"Aw","type":"cosignet.approval/v1"}}"#
        )
    }

    #[test]
    fn reads_a_canonical_text() {
        let entry = Entry::parse(&sample()).unwrap();
        assert_eq!(entry.approval_id_hash, [7; 32]);
        assert_eq!(entry.approver, None);
        assert_eq!(entry.rp_id, "cosignet.com");
        assert_eq!(entry.signature, [3]);
    }

    #[test]
    fn writes_the_text_that_it_reads() {
        let text = sample();
        let mut entry = Entry::parse(&text).unwrap();
        assert_eq!(entry.to_text(), text);
        entry.approver = Some([9; 32]);
        entry.act = Act::Refusal;
        let text = entry.to_text();
        assert!(text.ends_with(r#""type":"cosignet.refusal/v1"}"#));
        assert_eq!(Entry::parse(&text), Ok(entry));
    }

    /// What admits an act once, in a log and in a monitor, compares these.
    #[test]
    fn one_key_and_one_act_have_one_identity_each() {
        let key = test_vectors::Passkey::new(test_vectors::Algorithm::EdDsa, "ann").public_key;
        // -8 and -19 are one algorithm.
        let minus_8 = [0x03, 0x27];
        let at = key.windows(2).position(|pair| pair == minus_8).unwrap();
        let again = [&key[..at], &[0x03, 0x32], &key[at + 2..]].concat();
        let entry = |key: &[u8], hash: u8| {
            let mut entry = Entry::parse(&sample()).unwrap();
            entry.credential_public_key = key.to_vec();
            entry.client_data_hash = [hash; 32];
            entry
        };
        assert_eq!(entry(&key, 7).key_identity(), &key[..]);
        assert_eq!(entry(&again, 7).key_identity(), &key[..]);
        assert_eq!(entry(b"no key", 7).key_identity(), &b"no key"[..]);
        let identity = |key: &[u8], hash| entry(key, hash).assertion_identity();
        assert_eq!(identity(&key, 7), [&[7; 32], &key[..]].concat());
        assert_eq!(identity(&again, 7), identity(&key, 7));
        assert_ne!(identity(&key, 8), identity(&key, 7));
    }

    #[test]
    fn refuses_every_other_text() {
        let good = sample();
        let code = |text: &str| Entry::parse(text).unwrap_err().code();
        for (from, to, expected) in [
            (
                "{\"approvalIdHash",
                "{ \"approvalIdHash",
                Code::EntryNotCanonical,
            ),
            (
                "\"rpId\":\"c",
                "\"rpId\":\"\\u0063",
                Code::EntryNotCanonical,
            ),
            (
                "\"signature\":\"Aw\"",
                "\"signature\":3.0",
                Code::EntryNotCanonical,
            ),
            ("\"signature\":\"Aw\"", "\"signature\":3", Code::EntryField),
            ("\"signature\":\"Aw\",", "", Code::EntryField),
            (
                "\"signature\":\"Aw\"",
                "\"signature\":\"Aw==\"",
                Code::EntryField,
            ),
            ("\"rpId\":\"c", "\"rpId\":\"C", Code::EntryField),
            ("T14:03:11.000Z", "T14:03:11Z", Code::EntryField),
            (
                "\"type\":\"cosignet.approval/v1\"",
                "\"type\":\"x\"",
                Code::EntryUnknownType,
            ),
            (",\"type\":\"cosignet.approval/v1\"", "", Code::EntryField),
            ("}", ",\"zebra\":\"\"}", Code::EntryField),
            ("}", "", Code::EntryNotCanonical),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            assert_eq!(code(&bad), expected, "{to}");
        }
        assert_eq!(code(&" ".repeat(8193)), Code::EntryTooLarge);
        assert_eq!(code("[]"), Code::EntryField);
    }
}
