//! The policy: keys, relying parties, a log and its witnesses that the owner of a verdict trusts.
//!
//! People write it as TOML; this is the same structure as JSON. Nothing in it comes from the
//! evidence.

mod anchor;
mod approver;
mod decision;
mod log;
mod roster;
mod webauthn;

use alloc::string::{String, ToString as _};

use crate::code::Code;
use crate::encoding::sha256;
use crate::json::{self, Limits, Value};
use crate::schema::{self, Members, Wrong};
use crate::shown::is_name;
use crate::tlog;
use crate::webauthn::cose_key;
use crate::{Failure, quote};

pub use crate::bitcoin::network::{Network, PinnedBlock};
pub use anchor::AnchorRule;
pub use approver::Approver;
pub(crate) use approver::Approvers;
pub use decision::{ContextRule, DecisionRule, ExpiryRule};
pub use log::{LogPolicy, LogRule, max_decision_age};
pub use roster::RosterRule;
pub use webauthn::Webauthn;

/// A policy that can be applied: every key in it is sound, every text in it well formed.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    payload: PayloadRule,
    webauthn: Webauthn,
    approvers: Approvers,
    decision: Option<DecisionRule>,
    roster: Option<RosterRule>,
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
            "decision",
            "log",
            "name",
            "payload",
            "roster",
            "webauthn",
        ])?;
        let webauthn = members
            .optional_members("webauthn")?
            .ok_or_else(|| members.error("webauthn", Wrong::Missing))?;
        let anchor = members.optional_members("anchor")?;
        let decision = members.optional_members("decision")?;
        let roster = members.optional_members("roster")?;
        let mut policy = Self {
            name: name(&members, "name")?,
            payload: payload_rule(&members)?,
            webauthn: Webauthn::read(webauthn)?,
            approvers: Approvers::read(members.objects("approvers")?)?,
            decision: decision.map(DecisionRule::read).transpose()?,
            roster: roster.map(RosterRule::read).transpose()?,
            log: LogRule::read(&members)?,
            anchor: anchor.map_or_else(|| Ok(AnchorRule::default()), AnchorRule::read)?,
            canonical: String::new(),
            sha256: [0; 32],
        };
        if policy.roster.is_some() {
            // Two lists of approvers would contradict each other, and without a log no version of
            // a roster comes before anything.
            if members.has("approvers") {
                let problem = Wrong::Unknown;
                return Err(members.error("approvers", problem).into());
            }
            if matches!(policy.log, LogRule::None) {
                return Err(members.wrong("log", "a log, for the roster", "none").into());
            }
        }
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

    /// What it takes for a decision; `None` if one approval of anybody is enough.
    pub fn decision(&self) -> Option<&DecisionRule> {
        self.decision.as_ref()
    }

    /// Whose word it is who may approve, if that is not [`Policy::approvers`].
    pub fn roster(&self) -> Option<&RosterRule> {
        self.roster.as_ref()
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

    /// The list of approvers, to look keys up in.
    pub(crate) fn listed(&self) -> &Approvers {
        &self.approvers
    }

    fn to_value(&self) -> Value<'_> {
        let texts = |texts: &'_ [String]| texts.iter().map(|t| Value::from(t.clone())).collect();
        let approvers = self.approvers.list.iter().map(Approver::to_value).collect();
        let decision = self.decision.as_ref().map(DecisionRule::to_value);
        let given = [
            ("approvers", self.roster.is_none().then_some(approvers)),
            ("decision", decision),
            ("roster", self.roster.as_ref().map(RosterRule::to_value)),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let members = [
            ("anchor", self.anchor.to_value()),
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
        ];
        let members = members.into_iter().chain(given);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
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

/// A name under `key`. Names appear in verdicts, so they have to be what they look like.
pub(crate) fn name(members: &Members<'_, '_>, key: &str) -> Result<String, schema::Error> {
    let text = members.text(key)?;
    if is_short_name(text) {
        return Ok(text.to_string());
    }
    let expected = "1 to 200 bytes of printable text, without blanks at its ends";
    Err(members.wrong(key, expected, text))
}

fn is_short_name(text: &str) -> bool {
    text.len() <= 200 && is_name(text)
}

fn payload_rule(members: &Members<'_, '_>) -> Result<PayloadRule, schema::Error> {
    match members.optional_text("payload")? {
        None | Some("required") => Ok(PayloadRule::Required),
        Some("hash-only") => Ok(PayloadRule::HashOnly),
        Some(other) => Err(members.wrong("payload", "\"required\" or \"hash-only\"", other)),
    }
}
