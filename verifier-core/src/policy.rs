//! The policy: keys, relying parties, a log and its witnesses that the owner of a verdict trusts.
//!
//! People write it as TOML; this is the same structure as JSON. Nothing in it comes from the
//! evidence.

mod anchor;
mod approver;
mod log;
mod webauthn;

use alloc::string::{String, ToString as _};

use crate::code::Code;
use crate::encoding::sha256;
use crate::json::{self, Limits, Value};
use crate::schema::{self, Members, Problem};
use crate::shown::is_name;
use crate::tlog;
use crate::webauthn::cose_key;
use crate::{Failure, quote};

pub use crate::bitcoin::network::{Network, PinnedBlock};
pub use anchor::AnchorRule;
pub use approver::Approver;
use approver::Approvers;
pub use log::{LogPolicy, LogRule, max_decision_age};
pub use webauthn::Webauthn;

/// A policy that can be applied: every key in it is sound, every text in it well formed.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    payload: PayloadRule,
    webauthn: Webauthn,
    approvers: Approvers,
    log: LogRule,
    anchor: AnchorRule,
    canonical: String,
    /// Of `canonical`; every report names it.
    sha256: [u8; 32],
}

impl Policy {
    /// The longest policy, in bytes of JSON.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// Reads the JSON form. Unknown keys are refused: a rule that is misspelt would not be applied.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let value = Value::parse(text, Limits::bytes(Self::MAX_BYTES)).map_err(Error::Syntax)?;
        let members = Members::of(&value)?.only(&[
            "anchor",
            "approvers",
            "log",
            "name",
            "payload",
            "webauthn",
        ])?;
        let webauthn = members
            .optional_members("webauthn")?
            .ok_or_else(|| members.error("webauthn", Problem::Missing))?;
        let anchor = members.optional_members("anchor")?;
        let mut policy = Self {
            name: name(&members)?,
            payload: payload_rule(&members)?,
            webauthn: Webauthn::read(webauthn)?,
            approvers: Approvers::read(members.objects("approvers")?)?,
            log: LogRule::read(&members)?,
            anchor: anchor.map_or_else(|| Ok(AnchorRule::default()), AnchorRule::read)?,
            canonical: String::new(),
            sha256: [0; 32],
        };
        policy.canonical = policy.to_value().to_text();
        policy.sha256 = sha256(policy.canonical.as_bytes());
        Ok(policy)
    }

    /// The name its owner gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the payload itself has to be there.
    pub fn payload(&self) -> PayloadRule {
        self.payload
    }

    /// The rules for assertions.
    pub fn webauthn(&self) -> &Webauthn {
        &self.webauthn
    }

    /// Whose keys are known.
    pub fn approvers(&self) -> &[Approver] {
        &self.approvers.list
    }

    /// The rules for the log.
    pub fn log(&self) -> &LogRule {
        &self.log
    }

    /// The rules for Bitcoin anchors.
    pub fn anchor(&self) -> &AnchorRule {
        &self.anchor
    }

    /// Canonical JSON (RFC 8785) with the defaults filled in, arrays in the order given.
    pub fn canonical_json(&self) -> &str {
        &self.canonical
    }

    /// SHA-256 of [`Self::canonical_json`]: the identity of the policy.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The approver whose public key is [`CoseKey::as_bytes`](crate::webauthn::CoseKey::as_bytes).
    pub(crate) fn approver_by_key(&self, cose_key: &[u8]) -> Option<&Approver> {
        self.approvers.by_key(cose_key)
    }

    /// The approver with this credential id.
    pub(crate) fn approver_by_credential(&self, id: &[u8]) -> Option<&Approver> {
        self.approvers.by_credential(id)
    }

    fn to_value(&self) -> Value<'_> {
        let texts = |texts: &'_ [String]| texts.iter().map(|t| Value::from(t.clone())).collect();
        Value::from([
            ("anchor", self.anchor.to_value()),
            (
                "approvers",
                self.approvers.list.iter().map(Approver::to_value).collect(),
            ),
            ("log", self.log.to_value()),
            ("name", self.name.as_str().into()),
            ("payload", self.payload.as_str().into()),
            (
                "webauthn",
                Value::from([
                    ("crossOrigin", self.webauthn.cross_origin.into()),
                    ("origins", texts(&self.webauthn.origins)),
                    ("rpIds", texts(&self.webauthn.rp_ids)),
                    ("topOrigins", texts(&self.webauthn.top_origins)),
                    (
                        "userVerification",
                        self.webauthn.user_verification_text().into(),
                    ),
                ]),
            ),
        ])
    }
}

/// Whether a verdict needs the payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PayloadRule {
    /// The hash that was signed is reported; the payload may stay unknown.
    HashOnly,
    /// The payload has to be there, or the caller has to name its hash.
    Required,
}

impl PayloadRule {
    fn as_str(self) -> &'static str {
        match self {
            Self::HashOnly => "hash-only",
            Self::Required => "required",
        }
    }
}

/// Why a text is not a policy. Nothing is checked with such a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A member is missing, unknown or wrong.
    #[error("the policy does not follow its format: {0}")]
    Field(#[from] schema::Error),
    /// An approver's key is not sound.
    #[error("the public key of approver {}: {error}", quote(.approver))]
    Key {
        /// The approver's name.
        approver: String,
        /// The fault of the key.
        error: cose_key::Error,
    },
    /// A key or credential id that another approver has already.
    #[error(
        "the public key or credential id of approver {} stands in the policy twice",
        quote(.approver)
    )]
    KeyTwice {
        /// The second approver's name.
        approver: String,
    },
    /// The tlog-policy text is wrong.
    #[error("the log policy: {0}")]
    Log(tlog::policy::Error),
    /// Not strict JSON.
    #[error("the policy is not strict JSON: {0}")]
    Syntax(json::Error),
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Field(_) => Code::PolicyField,
            Self::Key { .. } | Self::KeyTwice { .. } => Code::PolicyKey,
            Self::Log(_) => Code::PolicyLog,
            Self::Syntax(_) => Code::PolicySyntax,
        }
    }
}

/// Names appear in verdicts, so they have to be what they look like.
fn name(members: &Members<'_, '_>) -> Result<String, schema::Error> {
    let text = members.text("name")?;
    if text.len() <= 200 && is_name(text) {
        return Ok(text.to_string());
    }
    let expected = "1 to 200 bytes of printable text, without blanks at its ends";
    Err(members.wrong("name", expected, text))
}

fn payload_rule(members: &Members<'_, '_>) -> Result<PayloadRule, schema::Error> {
    match members.optional_text("payload")? {
        None | Some("required") => Ok(PayloadRule::Required),
        Some("hash-only") => Ok(PayloadRule::HashOnly),
        Some(other) => Err(members.wrong("payload", "\"required\" or \"hash-only\"", other)),
    }
}
