//! Client data, authenticator data, challenge, payload (docs/spec/webauthn.md, payload.md).

use super::cbor::{self, Cbor};
use super::encodings::base64url;
use super::json::{Json, PAYLOAD_VALUES, VALUES};
use crate::tree::Hash;

pub(super) struct ClientData {
    pub(super) kind: String,
    pub(super) challenge: String,
    pub(super) origin: String,
    pub(super) cross_origin: bool,
    pub(super) top_origin: Option<String>,
}

impl ClientData {
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let value = Json::read(json, 64 * 1024, VALUES).ok()?;
        let text = |key| Some(value.member(key)?.text()?.to_owned());
        Some(Self {
            kind: text("type")?,
            challenge: text("challenge")?,
            origin: text("origin")?,
            cross_origin: match value.member("crossOrigin") {
                None => false,
                Some(Json::Bool(flag)) => *flag,
                Some(_) => return None,
            },
            top_origin: match value.member("topOrigin") {
                None => None,
                Some(_) => Some(text("topOrigin")?),
            },
        })
    }

    /// The challenge of an approval: 48 to 96 bytes.
    pub(super) fn approving(&self) -> Option<Vec<u8>> {
        base64url(&self.challenge).filter(|bytes| (48..=96).contains(&bytes.len()))
    }

    /// The challenge of a refusal: 32 bytes.
    pub(super) fn refusing(&self) -> Option<Vec<u8>> {
        base64url(&self.challenge).filter(|bytes| bytes.len() == 32)
    }

    /// The last 32 bytes of an approval's challenge.
    pub(super) fn payload_hash(&self) -> Option<Hash> {
        self.approving()?.last_chunk().copied()
    }

    /// The rule of *Cross origin*.
    pub(super) fn may_be_framed(&self, allowed: bool, top_origins: &[String]) -> bool {
        if self.cross_origin && !allowed {
            return false;
        }
        match &self.top_origin {
            None => true,
            Some(top) => self.cross_origin && top_origins.contains(top),
        }
    }
}

pub(super) struct AuthenticatorData {
    pub(super) rp_id_hash: Hash,
    pub(super) user_present: bool,
    pub(super) user_verified: bool,
}

impl AuthenticatorData {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (fixed, tail) = bytes.split_first_chunk::<37>()?;
        let flag = |bit: u8| fixed[32] & bit != 0;
        let attested = flag(0x40);
        let backed_up_alone = flag(0x10) && !flag(0x08);
        let extensions = match flag(0x80) {
            false => tail.is_empty(),
            true => match cbor::read(tail) {
                Some(Cbor::Map(members)) => {
                    members.iter().all(|(key, _)| cbor::major(key) == Some(3))
                }
                _ => false,
            },
        };
        (!attested && !backed_up_alone && extensions).then_some(())?;
        Some(Self {
            rp_id_hash: *fixed.first_chunk()?,
            user_present: flag(0x01),
            user_verified: flag(0x04),
        })
    }
}

/// docs/spec/payload.md, *The same JSON*.
pub(super) fn same_json(a: &[u8], b: &[u8]) -> bool {
    let form =
        |text| Json::read(text, 512 * 1024, PAYLOAD_VALUES).map(|value| value.in_one_layout());
    matches!((form(a), form(b)), (Ok(a), Ok(b)) if a == b)
}
