//! What the owner of a verdict trusts: keys, relying parties, a log, its witnesses.
//!
//! People write it as TOML; this is the same structure as JSON. Nothing in it comes from the
//! evidence.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::bitcoin::uint::U256;
use crate::code::Code;
use crate::encoding::{base64url, from_hex, hex, sha256};
use crate::failure::is_printable;
use crate::json::{self, Limits, Value};
use crate::schema::{self, Members, Problem};
use crate::time::{Time, parse_duration};
use crate::tlog;
use crate::webauthn::assertion::UserVerification;
use crate::webauthn::cose_key::{self, CoseKey};
use crate::{Failure, quote};

pub use crate::bitcoin::network::Network;

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
        };
        policy.canonical = policy.to_value().to_text();
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
        sha256(self.canonical.as_bytes())
    }

    /// The approver whose public key has these COSE_Key bytes.
    pub(crate) fn approver_by_key(&self, cose_key: &[u8]) -> Option<&Approver> {
        self.approvers
            .list
            .get(*self.approvers.by_key.get(cose_key)?)
    }

    /// The approver with this credential id.
    pub(crate) fn approver_by_credential(&self, id: &[u8]) -> Option<&Approver> {
        self.approvers
            .list
            .get(*self.approvers.by_credential.get(id)?)
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
    fn read(members: Members<'_, '_>) -> Result<Self, Error> {
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
            list if list.is_empty() => Err(members.error(key, Problem::Missing)),
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

    fn user_verification_text(&self) -> &'static str {
        match self.user_verification {
            UserVerification::Preferred => "preferred",
            UserVerification::Required => "required",
        }
    }
}

/// A key and the name the policy gives its holder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Approver {
    /// For people; printable, not necessarily unique.
    pub name: String,
    /// The key; unique in the policy.
    pub key: CoseKey,
    /// The credential's id; unique in the policy.
    pub credential_id: Option<Vec<u8>>,
    /// No approval is proven earlier than this.
    pub not_before: Option<Time>,
    /// Every approval is proven not later than this.
    pub not_after: Option<Time>,
}

impl Approver {
    fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members =
            members.only(&["credentialId", "name", "notAfter", "notBefore", "publicKey"])?;
        let name = name(&members)?;
        let key = CoseKey::parse(&members.bytes("publicKey")?).map_err(|error| Error::Key {
            approver: name.clone(),
            error,
        })?;
        let approver = Self {
            name,
            key,
            credential_id: members.optional_bytes("credentialId")?,
            not_before: members.optional_time("notBefore")?,
            not_after: members.optional_time("notAfter")?,
        };
        match (approver.not_before, approver.not_after) {
            (Some(from), Some(to)) if from > to => Err(members
                .wrong("notAfter", "a time after notBefore", &to.to_string())
                .into()),
            _ => Ok(approver),
        }
    }

    fn to_value(&self) -> Value<'_> {
        let optional = [
            (
                "credentialId",
                self.credential_id.as_ref().map(|id| base64url(id)),
            ),
            ("notAfter", self.not_after.map(|t| t.to_string())),
            ("notBefore", self.not_before.map(|t| t.to_string())),
        ];
        let required = [
            ("name", self.name.clone()),
            ("publicKey", base64url(self.key.as_bytes())),
        ];
        let members = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let members = members.chain(required);
        Value::Object(
            members
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

#[derive(Clone, Debug)]
struct Approvers {
    list: Vec<Approver>,
    by_key: BTreeMap<Vec<u8>, usize>,
    by_credential: BTreeMap<Vec<u8>, usize>,
}

impl Approvers {
    fn read(entries: Vec<Members<'_, '_>>) -> Result<Self, Error> {
        let list = entries
            .into_iter()
            .map(Approver::read)
            .collect::<Result<Vec<_>, _>>()?;
        let mut by_key = BTreeMap::new();
        let mut by_credential = BTreeMap::new();
        for (i, approver) in list.iter().enumerate() {
            // One key under two names would let one person count as two.
            let mut twice = by_key.insert(approver.key.as_bytes().to_vec(), i).is_some();
            if let Some(id) = &approver.credential_id {
                twice |= by_credential.insert(id.clone(), i).is_some();
            }
            if twice {
                return Err(Error::KeyTwice {
                    approver: approver.name.clone(),
                });
            }
        }
        Ok(Self {
            list,
            by_key,
            by_credential,
        })
    }
}

/// Whether a log has to hold the approval.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogRule {
    /// `log = "none"`: the owner of the verdict does without.
    None,
    /// One of these logs, with this quorum.
    Required(LogPolicy),
}

/// Which logs and witnesses are trusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogPolicy {
    /// Keys and quorum.
    pub tlog: tlog::policy::Policy,
    /// How late, in milliseconds, the log may admit an approval.
    pub max_append_delay: u64,
    text: String,
    max_append_delay_text: String,
}

impl LogPolicy {
    /// The c2sp.org/tlog-policy text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl LogRule {
    fn read(members: &Members<'_, '_>) -> Result<Self, Error> {
        const EXPECTED: &str = "\"none\" or an object";
        let value = members.value("log")?;
        if let Some(text) = value.as_str() {
            return match text {
                "none" => Ok(Self::None),
                other => Err(members.wrong("log", EXPECTED, other).into()),
            };
        }
        let log = members
            .optional_members("log")?
            .ok_or_else(|| members.error("log", Problem::Missing))?
            .only(&["maxAppendDelay", "policy"])?;
        let text = log.text("policy")?;
        let delay = log.optional_text("maxAppendDelay")?.unwrap_or("24h");
        Ok(Self::Required(LogPolicy {
            tlog: tlog::policy::Policy::parse(text).map_err(Error::Log)?,
            max_append_delay: parse_duration(delay)
                .ok_or_else(|| log.wrong("maxAppendDelay", "a duration such as 24h", delay))?,
            text: text.to_string(),
            max_append_delay_text: delay.to_string(),
        }))
    }

    fn to_value(&self) -> Value<'_> {
        match self {
            Self::None => "none".into(),
            Self::Required(log) => Value::from([
                ("maxAppendDelay", log.max_append_delay_text.as_str().into()),
                ("policy", log.text.as_str().into()),
            ]),
        }
    }
}

/// What a Bitcoin anchor has to satisfy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnchorRule {
    /// Whether an approval needs one.
    pub required: bool,
    /// The chain.
    pub network: Network,
    /// Blocks on top of the anchored one, that one included.
    pub min_confirmations: u64,
    /// Blocks that the owner of the policy knows to be in the chain. If there are none, those of
    /// the release count, see [`Network::pinned_blocks`].
    pub pinned_blocks: Vec<PinnedBlock>,
    /// The work that a chain from the first block on has at least.
    pub min_chain_work: Option<U256>,
}

/// A block known to be in the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PinnedBlock {
    /// Its height.
    pub height: u64,
    /// Its hash, in the byte order in which block explorers print it.
    pub hash: [u8; 32],
}

impl Default for AnchorRule {
    fn default() -> Self {
        Self {
            required: false,
            network: Network::Mainnet,
            min_confirmations: 6,
            pinned_blocks: Vec::new(),
            min_chain_work: None,
        }
    }
}

impl AnchorRule {
    /// The defaults, on this network.
    pub fn of(network: Network) -> Self {
        Self {
            network,
            ..Self::default()
        }
    }

    /// The pinned blocks of the policy, or those of the release if it has none.
    pub fn known_blocks(&self) -> Vec<PinnedBlock> {
        match self.pinned_blocks.is_empty() {
            true => self.network.pinned_blocks(),
            false => self.pinned_blocks.clone(),
        }
    }

    fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&[
            "minChainWork",
            "minConfirmations",
            "network",
            "pinnedBlocks",
            "required",
        ])?;
        let default = Self::default();
        let network = members.optional_text("network")?.unwrap_or("mainnet");
        let confirmations = members
            .optional_u64("minConfirmations")?
            .unwrap_or(default.min_confirmations);
        if !(1..=1_000_000).contains(&confirmations) {
            let found = confirmations.to_string();
            return Err(members
                .wrong("minConfirmations", "1 to 1000000", &found)
                .into());
        }
        let pinned = members
            .objects("pinnedBlocks")?
            .into_iter()
            .map(PinnedBlock::read);
        Ok(Self {
            required: members
                .optional_bool("required")?
                .unwrap_or(default.required),
            network: Network::parse(network).ok_or_else(|| {
                members.wrong("network", "mainnet, testnet4, signet or regtest", network)
            })?,
            min_confirmations: confirmations,
            pinned_blocks: pinned.collect::<Result<_, _>>()?,
            min_chain_work: min_chain_work(&members)?,
        })
    }

    fn to_value(&self) -> Value<'_> {
        let pin = |block: &PinnedBlock| {
            Value::from([
                ("hash", hex(&block.hash).into()),
                ("height", block.height.into()),
            ])
        };
        let members = [
            ("minConfirmations", self.min_confirmations.into()),
            ("network", self.network.as_str().into()),
            ("pinnedBlocks", self.pinned_blocks.iter().map(pin).collect()),
            ("required", self.required.into()),
        ];
        let work = self.min_chain_work.map(|work| work.to_string().into());
        let work = work.map(|work| ("minChainWork", work));
        let members = work.into_iter().chain(members);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
    }
}

impl PinnedBlock {
    fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&["hash", "height"])?;
        let text = members.text("hash")?;
        let hash = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
        let height = members
            .optional_u64("height")?
            .filter(|height| *height < 1 << 32);
        let expected = "a height below 2^32";
        let wrong = || {
            members.error(
                "height",
                Problem::Value {
                    expected,
                    found: "none".into(),
                },
            )
        };
        Ok(Self {
            height: height.ok_or_else(wrong)?,
            hash: hash.ok_or_else(|| members.wrong("hash", "64 lower-case hex digits", text))?,
        })
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
        /// What is wrong with the key.
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

/// Names appear in verdicts, so they have to be printable as they are.
fn name(members: &Members<'_, '_>) -> Result<String, schema::Error> {
    let text = members.text("name")?;
    if !text.is_empty() && text.len() <= 200 && is_printable(text) {
        return Ok(text.to_string());
    }
    Err(members.wrong("name", "1 to 200 bytes of printable text", text))
}

fn min_chain_work(members: &Members<'_, '_>) -> Result<Option<U256>, schema::Error> {
    const KEY: &str = "minChainWork";
    let read = |text| {
        let bytes = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
        let work = bytes.map(U256::from_be_bytes);
        // No work at all would let every chain in.
        work.filter(|work| *work != U256::ZERO)
            .ok_or_else(|| members.wrong(KEY, "64 lower-case hex digits, not all 0", text))
    };
    members.optional_text(KEY)?.map(read).transpose()
}

fn payload_rule(members: &Members<'_, '_>) -> Result<PayloadRule, schema::Error> {
    match members.optional_text("payload")? {
        None | Some("required") => Ok(PayloadRule::Required),
        Some("hash-only") => Ok(PayloadRule::HashOnly),
        Some(other) => Err(members.wrong("payload", "\"required\" or \"hash-only\"", other)),
    }
}
