//! The context (docs/spec/decision.md, *Context*).

use super::encodings::{hex, is_approval_id, time};
use super::json::{Json, VALUES};

/// What is compared with something.
pub(super) struct Context {
    pub(super) audience: String,
    /// In milliseconds since 1970.
    pub(super) expires_at: u64,
    pub(super) request_id: String,
}

impl Context {
    pub(super) fn read(text: &str) -> Option<Self> {
        let value = Json::read(text.as_bytes(), 4096, VALUES).ok()?;
        (value.canonical()? == text).then_some(())?;
        let known = [
            "action",
            "audience",
            "expiresAt",
            "requestId",
            "requester",
            "rule",
            "type",
        ];
        let rule = value.member("rule")?;
        (value.has_only(&known) && rule.has_only(&["name", "sha256"])).then_some(())?;
        let text = |key| value.member(key)?.text();
        text("action")?;
        text("requester")?;
        rule.member("name")?.text()?;
        let hash = hex(rule.member("sha256")?.text()?)?;
        (hash.len() == 32 && text("type")? == "cosignet.context/v1").then_some(())?;
        Some(Self {
            audience: text("audience")?.into(),
            expires_at: time(text("expiresAt")?)?,
            request_id: text("requestId").filter(|id| is_approval_id(id))?.into(),
        })
    }
}
