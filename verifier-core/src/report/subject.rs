//! The signed part of an approval, as far as it is verified.

use alloc::string::String;
use alloc::vec::Vec;

use crate::encoding::{base64url, hex};
use crate::entry::Act;
use crate::json::Value;

/// The signed facts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subject {
    /// What the human did.
    pub act: Act,
    /// The algorithm, as WebAuthn names it.
    pub algorithm: &'static str,
    /// Whether the credential may be synced to other devices.
    pub backup_eligible: bool,
    /// Whether it was.
    pub backed_up: bool,
    /// Whether the ceremony happened in a frame of another origin.
    pub cross_origin: bool,
    /// Of an approval the part of the challenge where the hash of a context would be, or zeros if
    /// there is no room for one; of a refusal the hash of its context. `None` if challenge or
    /// context are not known. Only the context shows that it is one.
    pub(crate) context_hash: Option<[u8; 32]>,
    /// The nonce in the challenge.
    pub nonce: Option<Vec<u8>>,
    /// The origin, exactly.
    pub origin: Option<String>,
    /// SHA-256 of the approved payload.
    pub payload_hash: Option<[u8; 32]>,
    /// The kind of match with the payload that was compared.
    pub payload_match: Option<PayloadMatch>,
    /// The relying party id.
    pub rp_id: Option<String>,
    /// The authenticator's counter; 0 where it keeps none.
    pub sign_count: u32,
    /// The origin of the outermost page, if the ceremony was embedded.
    pub top_origin: Option<String>,
    /// Whether the authenticator claims to have verified its user.
    pub user_verified: bool,
}

/// How the payload was bound to the hash that was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PayloadMatch {
    /// The bundle's own payload; the caller expected nothing.
    Bundle,
    /// The caller's payload is the same JSON document in another layout.
    Canonical,
    /// The caller's payload, byte for byte.
    Exact,
    /// The caller's hash.
    Sha256,
}

impl PayloadMatch {
    /// The text in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Canonical => "canonical",
            Self::Exact => "exact",
            Self::Sha256 => "sha256",
        }
    }
}

impl Subject {
    pub(super) fn to_value(&self) -> Value<'_> {
        let act = match self.act {
            Act::Approval => "approval",
            Act::Refusal => "refusal",
        };
        Value::from([
            ("act", act.into()),
            ("algorithm", self.algorithm.into()),
            ("backedUp", self.backed_up.into()),
            ("backupEligible", self.backup_eligible.into()),
            ("crossOrigin", self.cross_origin.into()),
            (
                "nonce",
                self.nonce.as_ref().map(|nonce| base64url(nonce)).into(),
            ),
            ("origin", self.origin.as_deref().into()),
            (
                "payloadHash",
                self.payload_hash.map(|hash| hex(&hash)).into(),
            ),
            (
                "payloadMatch",
                self.payload_match.map(PayloadMatch::as_str).into(),
            ),
            ("rpId", self.rp_id.as_deref().into()),
            ("signCount", u64::from(self.sign_count).into()),
            ("topOrigin", self.top_origin.as_deref().into()),
            ("userVerified", self.user_verified.into()),
        ])
    }
}
