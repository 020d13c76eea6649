//! The context that approvals and refusals sign beside the payload.

use serde_json::{Value, json};

use crate::approval::uuid;
use crate::encoding::{hex, pseudo_random, sha256};

/// A context before it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    /// `action`.
    pub action: String,
    /// `audience`.
    pub audience: String,
    /// `expiresAt`.
    pub expires_at: String,
    /// `requestId`.
    pub request_id: String,
    /// `requester`.
    pub requester: String,
    /// `rule.name`.
    pub rule: String,
    /// `rule.sha256`.
    pub rule_sha256: String,
}

impl Context {
    /// The request with this number: a wire transfer, to be decided within an hour.
    pub fn numbered(number: u32) -> Self {
        Self {
            action: "wire_transfer".into(),
            audience: "payments.example".into(),
            expires_at: "2026-03-01T13:00:00.000Z".into(),
            request_id: uuid(&format!("request {number}")),
            requester: "agent-7".into(),
            rule: "payments".into(),
            rule_sha256: hex(&pseudo_random("rule")),
        }
    }

    /// The JSON structure.
    pub fn value(&self) -> Value {
        let mut value = json!({
            "action": self.action,
            "audience": self.audience,
            "expiresAt": self.expires_at,
            "requestId": self.request_id,
            "requester": self.requester,
            "rule": {"name": self.rule, "sha256": self.rule_sha256},
            "type": "cosignet.context/v1",
        });
        value.sort_all_objects();
        value
    }

    /// The text, canonical as long as all members are ordinary text.
    pub fn text(&self) -> String {
        self.value().to_string()
    }
}

/// The challenge of an approval with context.
///
/// ```text
/// random[32] ‖ SHA-256(context) ‖ SHA-256(payload)
/// ```
pub fn approval_challenge(random: &[u8; 32], context: &str, payload: &[u8]) -> Vec<u8> {
    [&random[..], &sha256(context.as_bytes()), &sha256(payload)].concat()
}

/// The challenge of a refusal.
///
/// ```text
/// SHA-256("cosignet.refusal/v1" ‖ 00 ‖ random[32] ‖ SHA-256(context) ‖ SHA-256(payload))
/// ```
pub fn refusal_challenge(random: &[u8; 32], context: &str, payload: &[u8]) -> Vec<u8> {
    let rest = approval_challenge(random, context, payload);
    sha256(&[b"cosignet.refusal/v1\0", &rest[..]].concat()).to_vec()
}
