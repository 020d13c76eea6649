//! One file that carries everything: the leaf, its log proof, the evidence, the anchor.
//!
//! ```text
//! {"type":"cosignet.bundle/v1",
//!  "entry":"<leaf text>",
//!  "logProof":"<c2sp.org/tlog-proof@v1 text>",
//!  "evidence":{"approvalId":…,"clientDataJSON":b64,"payload":b64,"action":"…",
//!              "context":"<text of the context>","refusal":{"random":b64},
//!              "approver":{"blind":b64,"salt":b64,"email":"…"}},
//!  "anchor":{"checkpoint":"<signed checkpoint exactly as stamped>","logProof":"<tlog-proof text>",
//!            "consistency":["<b64 std>",…],"ots":b64,"header":{"height":n,"bytes":b64}}}
//! ```
//!
//! `evidence`, `anchor` and all their members are optional.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use crate::encoding::{base64, base64url, from_base64, hex};
use crate::json::Value;
use crate::payload;
use crate::schema::{self, Members, Wrong};

/// The `type` of the bundles that this version understands.
pub const TYPE: &str = "cosignet.bundle/v1";

/// A bundle, well formed on the outside. Nothing in it has been verified; entry, proofs and
/// clientDataJSON have not even been read.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bundle {
    /// The text of the leaf.
    pub entry: String,
    /// A c2sp.org/tlog-proof text.
    pub log_proof: String,
    /// The evidence that ties the leaf to an approval; empty in a sealed bundle.
    pub evidence: Evidence,
    /// The anchor that ties the log to Bitcoin.
    pub anchor: Option<Anchor>,
}

/// The evidence, to which the leaf only commits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Evidence {
    /// A lower-case UUID.
    pub approval_id: Option<String>,
    /// The exact bytes that the browser hashed.
    pub client_data_json: Option<Vec<u8>>,
    /// The exact bytes that were approved.
    pub payload: Option<Vec<u8>>,
    /// A label that the service gave to the action. Nothing binds it.
    pub action: Option<String>,
    /// The text of the context that was signed, see [`crate::context`].
    pub context: Option<String>,
    /// The random part of what a refusal signs.
    pub refusal: Option<[u8; 32]>,
    /// The opening of the approver commitment.
    pub approver: Option<Reveal>,
}

/// The opening of an approver commitment, see [`crate::commitment`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reveal {
    /// Drawn by the log, once per entry.
    pub blind: [u8; 32],
    /// Drawn by the service, once per approver.
    pub salt: [u8; 32],
    /// The address, unless the reader is meant to know it.
    pub email: Option<String>,
}

/// A head of the log that was timestamped in Bitcoin.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Anchor {
    /// The signed checkpoint, exactly as it was stamped.
    pub checkpoint: Option<String>,
    /// Inclusion of the entry in that head.
    pub log_proof: Option<String>,
    /// Consistency between the head of `logProof` and this one.
    pub consistency: Option<Vec<[u8; 32]>>,
    /// An OpenTimestamps proof.
    pub ots: Option<Vec<u8>>,
    /// The header of the block that the proof leads to.
    pub header: Option<Header>,
}

/// A Bitcoin block header, 80 bytes. Not trusted: shown for comparison.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// The height that the bundle claims for it.
    pub height: u64,
    /// The header.
    pub bytes: [u8; 80],
}

impl Anchor {
    /// A head that was stamped, and its proof.
    pub fn new(checkpoint: String, ots: Vec<u8>) -> Self {
        Self {
            checkpoint: Some(checkpoint),
            log_proof: None,
            consistency: None,
            ots: Some(ots),
            header: None,
        }
    }

    fn to_value(&self) -> Value<'_> {
        let hashes = self.consistency.as_deref();
        let hashes = hashes.map(|list| list.iter().map(|hash| base64(hash).into()).collect());
        object(vec![
            ("checkpoint", self.checkpoint.as_deref().map(Into::into)),
            ("consistency", hashes),
            ("header", self.header.as_ref().map(Header::to_value)),
            ("logProof", self.log_proof.as_deref().map(Into::into)),
            ("ots", self.ots.as_deref().map(|b| base64url(b).into())),
        ])
    }
}

impl Header {
    /// The header of the block at this height.
    pub fn new(height: u64, bytes: [u8; 80]) -> Self {
        Self { height, bytes }
    }

    fn to_value(&self) -> Value<'_> {
        Value::from([
            ("bytes", base64url(&self.bytes).into()),
            ("height", self.height.into()),
        ])
    }
}

impl Reveal {
    /// The opening of a commitment; without `email` it only says which blind and salt were used.
    pub fn new(blind: [u8; 32], salt: [u8; 32], email: Option<String>) -> Self {
        Self { blind, salt, email }
    }

    fn to_value(&self) -> Value<'_> {
        object(vec![
            ("blind", Some(base64url(&self.blind).into())),
            ("email", self.email.as_deref().map(Into::into)),
            ("salt", Some(base64url(&self.salt).into())),
        ])
    }
}

impl Evidence {
    fn to_value(&self) -> Value<'_> {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(|b| base64url(b).into());
        object(vec![
            ("action", self.action.as_deref().map(Into::into)),
            ("approvalId", self.approval_id.as_deref().map(Into::into)),
            ("approver", self.approver.as_ref().map(Reveal::to_value)),
            ("clientDataJSON", bytes(&self.client_data_json)),
            ("context", self.context.as_deref().map(Into::into)),
            ("payload", bytes(&self.payload)),
            (
                "refusal",
                self.refusal
                    .map(|random| Value::from([("random", base64url(&random).into())])),
            ),
        ])
    }
}

/// An object of the members that are there.
fn object<'a>(members: Vec<(&'a str, Option<Value<'a>>)>) -> Value<'a> {
    let members = members
        .into_iter()
        .filter_map(|(key, value)| Some((Cow::Borrowed(key), value?)));
    Value::Object(members.collect())
}

impl Bundle {
    /// The longest payload, in bytes.
    pub const MAX_PAYLOAD: usize = payload::MAX_BYTES;
    const MAX_OTS: usize = 64 * 1024;
    const MAX_PROOF: usize = 64;

    /// A bundle without an anchor.
    pub fn new(entry: String, log_proof: String, evidence: Evidence) -> Self {
        Self {
            entry,
            log_proof,
            evidence,
            anchor: None,
        }
    }

    /// The file, in canonical JSON: what a log answers with.
    pub fn to_json(&self) -> String {
        self.to_value().to_text()
    }

    pub(crate) fn to_value(&self) -> Value<'_> {
        let evidence = (self.evidence != Evidence::default()).then(|| self.evidence.to_value());
        object(vec![
            ("anchor", self.anchor.as_ref().map(Anchor::to_value)),
            ("entry", Some(self.entry.as_str().into())),
            ("evidence", evidence),
            ("logProof", Some(self.log_proof.as_str().into())),
            ("type", Some(TYPE.into())),
        ])
    }

    pub(crate) fn from_value(value: &Value<'_>) -> Result<Self, schema::Error> {
        Self::from_members(Members::of(value)?)
    }

    /// Reads a bundle that is a part of something.
    pub(crate) fn from_members(members: Members<'_, '_>) -> Result<Self, schema::Error> {
        let found = members.text("type")?;
        if found != TYPE {
            return Err(members.wrong("type", "\"cosignet.bundle/v1\"", found));
        }
        let members = members.only(&["anchor", "entry", "evidence", "logProof", "type"])?;
        let evidence = members
            .optional_members("evidence")?
            .map(evidence)
            .transpose()?;
        Ok(Self {
            entry: members.text("entry")?.to_string(),
            log_proof: members.text("logProof")?.to_string(),
            evidence: evidence.unwrap_or_default(),
            anchor: members
                .optional_members("anchor")?
                .map(anchor)
                .transpose()?,
        })
    }
}

fn evidence(members: Members<'_, '_>) -> Result<Evidence, schema::Error> {
    let members = members.only(&[
        "action",
        "approvalId",
        "approver",
        "clientDataJSON",
        "context",
        "payload",
        "refusal",
    ])?;
    let approval_id = members.optional_text("approvalId")?;
    if let Some(id) = approval_id.filter(|id| !is_approval_id(id)) {
        return Err(members.wrong("approvalId", "a lower-case UUID", id));
    }
    let payload = members.optional_bytes("payload")?;
    Ok(Evidence {
        approval_id: approval_id.map(Into::into),
        client_data_json: members.optional_bytes("clientDataJSON")?,
        payload: at_most(&members, "payload", payload, Bundle::MAX_PAYLOAD)?,
        action: members.optional_text("action")?.map(Into::into),
        context: members.optional_text("context")?.map(Into::into),
        refusal: members
            .optional_members("refusal")?
            .map(|members| members.only(&["random"])?.array("random"))
            .transpose()?,
        approver: members
            .optional_members("approver")?
            .map(reveal)
            .transpose()?,
    })
}

fn reveal(members: Members<'_, '_>) -> Result<Reveal, schema::Error> {
    let members = members.only(&["blind", "email", "salt"])?;
    Ok(Reveal {
        blind: members.array("blind")?,
        salt: members.array("salt")?,
        email: members.optional_text("email")?.map(Into::into),
    })
}

fn anchor(members: Members<'_, '_>) -> Result<Anchor, schema::Error> {
    let members = members.only(&["checkpoint", "consistency", "header", "logProof", "ots"])?;
    let ots = members.optional_bytes("ots")?;
    Ok(Anchor {
        checkpoint: members.optional_text("checkpoint")?.map(Into::into),
        log_proof: members.optional_text("logProof")?.map(Into::into),
        consistency: consistency(&members)?,
        ots: at_most(&members, "ots", ots, Bundle::MAX_OTS)?,
        header: members
            .optional_members("header")?
            .map(header)
            .transpose()?,
    })
}

fn consistency(members: &Members<'_, '_>) -> Result<Option<Vec<[u8; 32]>>, schema::Error> {
    const KEY: &str = "consistency";
    if !members.has(KEY) {
        return Ok(None);
    }
    let texts = members.texts(KEY)?;
    if texts.len() > Bundle::MAX_PROOF {
        let problem = Wrong::TooLarge {
            limit: Bundle::MAX_PROOF,
            unit: "hashes",
        };
        return Err(members.error(KEY, problem));
    }
    let hash = |text: &str| {
        let wrong = |error| members.error(KEY, Wrong::Base64(error));
        let bytes = from_base64(text).map_err(wrong)?;
        let found = bytes.len();
        let wrong = |_| {
            members.error(
                KEY,
                Wrong::Length {
                    expected: 32,
                    found,
                },
            )
        };
        <[u8; 32]>::try_from(bytes).map_err(wrong)
    };
    texts
        .into_iter()
        .map(hash)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn header(members: Members<'_, '_>) -> Result<Header, schema::Error> {
    let members = members.only(&["bytes", "height"])?;
    let height = members.optional_u64("height")?;
    let height = height.ok_or_else(|| members.error("height", Wrong::Missing))?;
    Ok(Header {
        height,
        bytes: members.array("bytes")?,
    })
}

fn at_most(
    members: &Members<'_, '_>,
    key: &str,
    bytes: Option<Vec<u8>>,
    limit: usize,
) -> Result<Option<Vec<u8>>, schema::Error> {
    match bytes {
        Some(bytes) if bytes.len() > limit => Err(members.error(
            key,
            Wrong::TooLarge {
                limit,
                unit: "bytes",
            },
        )),
        other => Ok(other),
    }
}

/// These bytes as a lower-case UUID in its 36-character form.
pub fn uuid(bytes: &[u8; 16]) -> String {
    let hex = hex(bytes);
    let part = |range: core::ops::Range<usize>| hex.get(range).unwrap_or_default();
    let parts = [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ];
    parts.join("-")
}

/// A lower-case UUID in its 36-character form.
pub fn is_approval_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;

    #[test]
    fn writes_what_it_reads() {
        let mut evidence = Evidence::default();
        let sealed = Bundle::new("leaf \"text\"".into(), "proof\n".into(), evidence.clone());
        evidence.approval_id = Some("0b9e6cf5-0a6d-4a53-8f4a-3f3f6d0c8a11".into());
        evidence.client_data_json = Some(b"{}".to_vec());
        evidence.payload = Some(vec![1, 2, 3]);
        evidence.action = Some("wire".into());
        evidence.context = Some("{}".into());
        evidence.refusal = Some([4; 32]);
        evidence.approver = Some(Reveal::new([1; 32], [2; 32], Some("a@b.example".into())));
        let full = Bundle::new("leaf".into(), "proof".into(), evidence);
        let mut anchor = Anchor::new("checkpoint\n".into(), vec![9; 70]);
        let mut pending = sealed.clone();
        pending.anchor = Some(anchor.clone());
        anchor.log_proof = Some("proof\n".into());
        anchor.consistency = Some(vec![[1; 32], [2; 32]]);
        anchor.header = Some(Header::new(u64::MAX, [3; 80]));
        let mut anchored = full.clone();
        anchored.anchor = Some(anchor);
        for bundle in [sealed, full, pending, anchored] {
            let text = bundle.to_json();
            assert_eq!(Input::parse(text.as_bytes()), Ok(Input::Bundle(bundle)));
        }
    }
}
