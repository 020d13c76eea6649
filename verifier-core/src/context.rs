//! The signed context: what a request was, for which rule, and until when, as every approver of it
//! signs it (docs/spec/decision.md).
//!
//! ```text
//! {"action":string,"audience":string,"expiresAt":time,"requestId":uuid,"requester":string,
//!  "rule":{"name":string,"sha256":hex},"type":"cosignet.context/v1"}
//! ```
//!
//! Canonical JSON, at most 4 KiB. The hash of the text is in the challenge of an approval, and under
//! the hash that is the challenge of a refusal.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::Failure;
use crate::bundle::is_approval_id;
use crate::code::Code;
use crate::encoding::{hex, sha256};
use crate::json::{self, Limits, Value};
use crate::schema::{self, Members, Wrong};
use crate::time::Time;

/// The `type` of the contexts that this version understands.
pub const TYPE: &str = "cosignet.context/v1";

/// A context, well formed. That somebody signed it is for [`verify`](crate::verify) to say.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// The requester's label of the action.
    pub action: String,
    /// Where the approval is meant to be used.
    pub audience: String,
    /// The moment by which it had to be decided.
    pub expires_at: Time,
    /// The request: a lower-case UUID.
    pub request_id: String,
    /// Who asked, as the service names it.
    pub requester: String,
    /// The name of the rule under which it was asked.
    pub rule: String,
    /// The SHA-256 of that rule's text.
    pub rule_sha256: [u8; 32],
}

impl Context {
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 4 * 1024;

    /// The context of a request, with empty texts for all that is to be filled in.
    pub fn new(request_id: &str, expires_at: Time) -> Self {
        Self {
            action: String::new(),
            audience: String::new(),
            expires_at,
            request_id: request_id.to_string(),
            requester: String::new(),
            rule: String::new(),
            rule_sha256: [0; 32],
        }
    }

    /// Reads the text of a context.
    ///
    /// # Errors
    ///
    /// [`Error`] for anything but the canonical text of a context of this version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let limits = Limits::bytes(Self::MAX_BYTES);
        let value = Value::parse(text.as_bytes(), limits).map_err(Error::NotJson)?;
        if value.to_canonical().as_deref() != Some(text) {
            return Err(Error::NotCanonical);
        }
        let members = Members::of(&value)?;
        let found = members.text("type")?;
        if found != TYPE {
            return Err(members
                .wrong("type", "\"cosignet.context/v1\"", found)
                .into());
        }
        let members = members.only(&[
            "action",
            "audience",
            "expiresAt",
            "requestId",
            "requester",
            "rule",
            "type",
        ])?;
        let request_id = members.text("requestId")?;
        if !is_approval_id(request_id) {
            return Err(members
                .wrong("requestId", "a lower-case UUID", request_id)
                .into());
        }
        let rule = members
            .optional_members("rule")?
            .ok_or_else(|| members.error("rule", Wrong::Missing))?
            .only(&["name", "sha256"])?;
        Ok(Self {
            action: members.text("action")?.to_string(),
            audience: members.text("audience")?.to_string(),
            expires_at: members.time("expiresAt")?,
            request_id: request_id.to_string(),
            requester: members.text("requester")?.to_string(),
            rule: rule.text("name")?.to_string(),
            rule_sha256: rule.hash("sha256")?,
        })
    }

    /// The text, in canonical JSON. [`Context::parse`] reads it back, unless it is too long or the
    /// request id is none.
    pub fn to_text(&self) -> String {
        Value::from([
            ("action", self.action.as_str().into()),
            ("audience", self.audience.as_str().into()),
            ("expiresAt", self.expires_at.to_string().into()),
            ("requestId", self.request_id.as_str().into()),
            ("requester", self.requester.as_str().into()),
            ("rule", self.rule_value()),
            ("type", TYPE.into()),
        ])
        .to_text()
    }

    pub(crate) fn rule_value(&self) -> Value<'_> {
        Value::from([
            ("name", self.rule.as_str().into()),
            ("sha256", hex(&self.rule_sha256).into()),
        ])
    }
}

/// The challenge of a refusal, 32 bytes: shorter than that of any approval, so that neither can be
/// taken for the other.
///
/// ```text
/// SHA-256("cosignet.refusal/v1" ‖ 0x00 ‖ random[32] ‖ SHA-256(context) ‖ SHA-256(payload))
/// ```
pub fn refusal_challenge(
    random: &[u8; 32],
    context_hash: &[u8; 32],
    payload_hash: &[u8; 32],
) -> [u8; 32] {
    let tag: &[u8] = b"cosignet.refusal/v1\0";
    sha256(&[tag, random, context_hash, payload_hash].concat())
}

/// Why a text is no context.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A member is missing, unknown or wrong.
    #[error("the context does not follow its format: {0}")]
    Field(#[from] schema::Error),
    /// JSON in another layout than its canonical one.
    #[error("the context is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// No JSON, or more than [`Context::MAX_BYTES`].
    #[error("the context is not strict JSON of at most 4 KiB: {0}")]
    NotJson(json::Error),
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::ContextForm
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Field(error) => match error.problem() {
                Wrong::Value { expected, .. } => Some((*expected).to_string()),
                _ => None,
            },
            Self::NotCanonical | Self::NotJson(_) => Some(format!(
                "canonical JSON of at most {} bytes",
                Context::MAX_BYTES
            )),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Field(error) => match error.problem() {
                Wrong::Value { found, .. } => Some(found.clone()),
                _ => None,
            },
            Self::NotCanonical | Self::NotJson(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Context {
        Context {
            action: "wire_transfer".into(),
            audience: "payments.acme.example".into(),
            expires_at: Time::parse("2026-03-01T13:00:00.000Z").unwrap(),
            request_id: "0b9e6cf5-0a6d-4a53-8f4a-3f3f6d0c8a11".into(),
            requester: "agent \"7\"".into(),
            rule: "payments".into(),
            rule_sha256: [9; 32],
        }
    }

    #[test]
    fn writes_the_text_that_it_reads() {
        let text = sample().to_text();
        assert_eq!(Context::parse(&text), Ok(sample()));
        assert!(text.starts_with("{\"action\":\"wire_transfer\",\"audience\":"));
        assert!(text.ends_with("},\"type\":\"cosignet.context/v1\"}"));
    }

    #[test]
    fn refuses_every_other_text() {
        let good = sample().to_text();
        for (from, to) in [
            ("{\"action\"", "{ \"action\""),
            ("context/v1", "context/v2"),
            ("\"action\":\"wire_transfer\",", ""),
            ("\"wire_transfer\"", "7"),
            ("\"wire_transfer\"", "null"),
            ("13:00:00.000Z", "13:00:00Z"),
            ("0b9e", "0B9E"),
            ("\"name\":\"payments\",", ""),
            ("\"sha256\":\"0909", "\"sha256\":\"09"),
            ("\"sha256\"", "\"more\":\"\",\"sha256\""),
            ("\"type\"", "\"more\":\"\",\"type\""),
            ("\"}", "\"} "),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let error = Context::parse(&bad).unwrap_err();
            assert_eq!(error.code(), Code::ContextForm, "{to}");
        }
        let mut long = sample();
        long.requester = "x".repeat(Context::MAX_BYTES);
        assert!(Context::parse(&long.to_text()).is_err());
    }

    #[test]
    fn a_refusal_signs_what_no_approval_signs() {
        let hashes = ([1; 32], [2; 32], [3; 32]);
        let challenge = refusal_challenge(&hashes.0, &hashes.1, &hashes.2);
        assert_ne!(
            challenge,
            refusal_challenge(&hashes.1, &hashes.0, &hashes.2)
        );
        assert_ne!(
            challenge,
            refusal_challenge(&hashes.0, &hashes.2, &hashes.1)
        );
        let text = crate::encoding::base64url(&challenge);
        assert!(crate::payload::Challenge::parse(&text).is_err());
    }
}
