//! Bundles, confirmations and decisions from outside (docs/spec/bundle.md, decision.md).

use super::encodings::{base64, base64url, hex, is_approval_id};
use super::json::{Json, Refusal, VALUES};
use crate::tree::Hash;

pub(super) enum Input {
    Bundle(Box<Bundle>),
    Confirmation(Confirmation),
    Decision(Decision),
}

/// Several bundles, each with the context and the payload that are stated for all.
pub(super) struct Decision {
    pub(super) bundles: Vec<Bundle>,
}

#[derive(Default)]
pub(super) struct Bundle {
    pub(super) entry: String,
    pub(super) log_proof: String,
    pub(super) approval_id: Option<String>,
    pub(super) client_data: Option<Vec<u8>>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) context: Option<String>,
    /// `refusal.random`.
    pub(super) random: Option<[u8; 32]>,
    pub(super) approver: Option<Opening>,
    pub(super) anchor: Option<Anchor>,
}

/// The opening of the commitment to an approver.
pub(super) struct Opening {
    pub(super) blind: [u8; 32],
    pub(super) salt: [u8; 32],
    pub(super) email: Option<String>,
}

#[derive(Default)]
pub(super) struct Anchor {
    pub(super) checkpoint: Option<String>,
    pub(super) log_proof: Option<String>,
    pub(super) consistency: Vec<Hash>,
    pub(super) ots: Option<Vec<u8>>,
    pub(super) header: Option<(u64, [u8; 80])>,
}

pub(super) struct Confirmation {
    /// `None` unless the status is `approved`.
    pub(super) approved: Option<Approved>,
}

pub(super) struct Approved {
    pub(super) payload_hash: Hash,
    pub(super) credential_id: Vec<u8>,
    /// `id` and whether it is that of a public key, under one name.
    pub(super) id: Vec<u8>,
    pub(super) contradicts_itself: bool,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A code of MALFORMED.
type Malformed = &'static str;

const BASE64: Malformed = "bundle.base64";
const SCHEMA: Malformed = "bundle.schema";
const TOO_LARGE: Malformed = "bundle.too_large";

impl Input {
    pub(super) fn read(text: &[u8]) -> Result<Self, Malformed> {
        let long = text.len() > 1 << 20;
        let value = Json::read(text, 8 << 20, VALUES).map_err(|refusal| match refusal {
            Refusal::Not if !long => "bundle.not_json",
            _ => TOO_LARGE,
        })?;
        match value.member("type").and_then(Json::text) {
            Some("cosignet.decision/v1") => return Decision::of(&value).map(Self::Decision),
            _ if long => return Err(TOO_LARGE),
            Some("cosignet.bundle/v1") => {}
            _ => {
                value.member("status").ok_or(SCHEMA)?;
                return confirmation(&value).map(Self::Confirmation);
            }
        }
        Bundle::of(&value).map(|bundle| Self::Bundle(Box::new(bundle)))
    }
}

impl Decision {
    pub(super) fn of(value: &Json) -> Result<Self, Malformed> {
        let members = Members::only(value, &["type", "context", "payload", "bundles"])?;
        if members.text("type")?.as_deref() != Some("cosignet.decision/v1") {
            return Err(SCHEMA);
        }
        let context = members.text("context")?;
        let payload = payload(&members)?;
        let Some(Json::List(items)) = value.member("bundles") else {
            return Err(SCHEMA);
        };
        match items.len() {
            0 => return Err(SCHEMA),
            1..=64 => {}
            _ => return Err(TOO_LARGE),
        }
        let mut bundles = Vec::new();
        for item in items {
            let mut bundle = Bundle::of(item)?;
            let twice = (context.is_some() && bundle.context.is_some())
                || (payload.is_some() && bundle.payload.is_some());
            if twice {
                return Err(SCHEMA);
            }
            bundle.context = bundle.context.or_else(|| context.clone());
            bundle.payload = bundle.payload.or_else(|| payload.clone());
            bundles.push(bundle);
        }
        Ok(Self { bundles })
    }
}

impl Bundle {
    fn of(value: &Json) -> Result<Self, Malformed> {
        let kind = value.member("type").and_then(Json::text);
        if kind != Some("cosignet.bundle/v1") {
            return Err(SCHEMA);
        }
        let members = Members::only(value, &["type", "entry", "logProof", "evidence", "anchor"])?;
        let mut bundle = Self {
            entry: members.text("entry")?.ok_or(SCHEMA)?,
            log_proof: members.text("logProof")?.ok_or(SCHEMA)?,
            ..Self::default()
        };
        if let Some(evidence) = value.member("evidence") {
            bundle.read_evidence(evidence)?;
        }
        bundle.anchor = value.member("anchor").map(anchor).transpose()?;
        Ok(bundle)
    }

    fn read_evidence(&mut self, value: &Json) -> Result<(), Malformed> {
        let members = Members::only(
            value,
            &[
                "action",
                "approvalId",
                "approver",
                "clientDataJSON",
                "context",
                "payload",
                "refusal",
            ],
        )?;
        members.text("action")?;
        self.approval_id = members.text("approvalId")?;
        if self
            .approval_id
            .as_deref()
            .is_some_and(|id| !is_approval_id(id))
        {
            return Err(SCHEMA);
        }
        self.client_data = members.bytes("clientDataJSON")?;
        self.payload = payload(&members)?;
        self.context = members.text("context")?;
        if let Some(value) = value.member("refusal") {
            let members = Members::only(value, &["random"])?;
            self.random = Some(fixed(members.bytes("random")?.ok_or(SCHEMA)?)?);
        }
        if let Some(value) = value.member("approver") {
            let members = Members::only(value, &["blind", "email", "salt"])?;
            self.approver = Some(Opening {
                blind: fixed(members.bytes("blind")?.ok_or(SCHEMA)?)?,
                salt: fixed(members.bytes("salt")?.ok_or(SCHEMA)?)?,
                email: members.text("email")?,
            });
        }
        Ok(())
    }
}

fn payload(members: &Members<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    match members.bytes("payload")? {
        Some(payload) if payload.len() > 512 * 1024 => Err(TOO_LARGE),
        payload => Ok(payload),
    }
}

fn anchor(value: &Json) -> Result<Anchor, Malformed> {
    let members = Members::only(
        value,
        &["checkpoint", "consistency", "header", "logProof", "ots"],
    )?;
    let mut anchor = Anchor {
        checkpoint: members.text("checkpoint")?,
        log_proof: members.text("logProof")?,
        ots: members.bytes("ots")?,
        ..Anchor::default()
    };
    if anchor.ots.as_ref().is_some_and(|ots| ots.len() > 64 * 1024) {
        return Err(TOO_LARGE);
    }
    match value.member("consistency") {
        None => {}
        Some(Json::List(items)) if items.len() > 64 => return Err(TOO_LARGE),
        Some(Json::List(items)) => {
            for item in items {
                let text = item.text().ok_or(SCHEMA)?;
                anchor.consistency.push(fixed(base64(text).ok_or(BASE64)?)?);
            }
        }
        Some(_) => return Err(SCHEMA),
    }
    if let Some(value) = value.member("header") {
        let members = Members::only(value, &["bytes", "height"])?;
        let height = match value.member("height") {
            Some(Json::Number(token)) => super::encodings::decimal(token),
            _ => None,
        };
        let bytes = fixed(members.bytes("bytes")?.ok_or(SCHEMA)?)?;
        anchor.header = Some((height.ok_or(SCHEMA)?, bytes));
    }
    Ok(anchor)
}

fn confirmation(value: &Json) -> Result<Confirmation, Malformed> {
    let members = Members(value);
    if members.text("status")?.ok_or(SCHEMA)? != "approved" {
        return Ok(Confirmation { approved: None });
    }
    let payload_hash = members.text("payloadHash")?.ok_or(SCHEMA)?;
    let assertion = Members::of(value.member("rawAssertion").ok_or(SCHEMA)?)?;
    let response = Members::of(assertion.0.member("response").ok_or(SCHEMA)?)?;
    let id = assertion.bytes("id")?.ok_or(SCHEMA)?;
    let raw_id = assertion.bytes("rawId")?.ok_or(SCHEMA)?;
    let kind = assertion.text("type")?.ok_or(SCHEMA)?;
    let needed = |member| response.bytes(member)?.ok_or(SCHEMA);
    Ok(Confirmation {
        approved: Some(Approved {
            payload_hash: fixed(hex(&payload_hash).ok_or(SCHEMA)?)?,
            credential_id: members.bytes("credentialId")?.ok_or(SCHEMA)?,
            contradicts_itself: kind != "public-key" || id != raw_id,
            id,
            authenticator_data: needed("authenticatorData")?,
            client_data: needed("clientDataJSON")?,
            signature: needed("signature")?,
        }),
    })
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| SCHEMA)
}

struct Members<'j>(&'j Json);

impl<'j> Members<'j> {
    fn of(value: &'j Json) -> Result<Self, Malformed> {
        match value {
            Json::Object(_) => Ok(Self(value)),
            _ => Err(SCHEMA),
        }
    }

    fn only(value: &'j Json, known: &[&str]) -> Result<Self, Malformed> {
        match value {
            Json::Object(members) if members.iter().all(|(k, _)| known.contains(&k.as_str())) => {
                Ok(Self(value))
            }
            _ => Err(SCHEMA),
        }
    }

    fn text(&self, key: &str) -> Result<Option<String>, Malformed> {
        match self.0.member(key) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(SCHEMA),
        }
    }

    fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Malformed> {
        let decode = |text: String| base64url(&text).ok_or(BASE64);
        self.text(key)?.map(decode).transpose()
    }
}
