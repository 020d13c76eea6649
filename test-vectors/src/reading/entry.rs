//! The leaf (docs/spec/entry.md).

use super::encodings::{base64url, is_rp_id, time};
use super::json::{Json, VALUES};
use crate::tree::Hash;

pub(super) struct Entry {
    /// Whether its type is that of a refusal.
    pub(super) refuses: bool,
    pub(super) approval_id_hash: Hash,
    pub(super) approver: Option<Hash>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) client_data_hash: Hash,
    pub(super) public_key: Vec<u8>,
    /// In milliseconds since 1970.
    pub(super) decided_at: u64,
    pub(super) rp_id: String,
    pub(super) signature: Vec<u8>,
}

impl Entry {
    /// The steps under *Reading*, in order.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > 8192 {
            return Err("entry.too_large");
        }
        let value = Json::read(text.as_bytes(), 8192, VALUES).map_err(|_| "entry.not_canonical")?;
        if value.canonical().as_deref() != Some(text) {
            return Err("entry.not_canonical");
        }
        let refuses = match value.member("type").and_then(Json::text) {
            None => return Err("entry.field"),
            Some("cosignet.approval/v1") => false,
            Some("cosignet.refusal/v1") => true,
            Some("cosignet.break-glass/v1") => return Err("entry.break_glass"),
            Some(_) => return Err("entry.unknown_type"),
        };
        Self::members(&value, refuses).ok_or("entry.field")
    }

    fn members(value: &Json, refuses: bool) -> Option<Self> {
        const KNOWN: [&str; 9] = [
            "approvalIdHash",
            "approver",
            "authenticatorData",
            "clientDataHash",
            "credentialPublicKey",
            "decidedAt",
            "rpId",
            "signature",
            "type",
        ];
        let Json::Object(members) = value else {
            return None;
        };
        members
            .iter()
            .all(|(key, _)| KNOWN.contains(&key.as_str()))
            .then_some(())?;
        let text = |key| value.member(key)?.text();
        let hash = |key| base64url(text(key)?)?.try_into().ok();
        Some(Self {
            refuses,
            approval_id_hash: hash("approvalIdHash")?,
            approver: match value.member("approver") {
                None => None,
                Some(_) => Some(hash("approver")?),
            },
            authenticator_data: base64url(text("authenticatorData")?)?,
            client_data_hash: hash("clientDataHash")?,
            public_key: base64url(text("credentialPublicKey")?)?,
            decided_at: time(text("decidedAt")?)?,
            rp_id: text("rpId").filter(|id| is_rp_id(id))?.into(),
            signature: base64url(text("signature")?)?,
        })
    }
}
