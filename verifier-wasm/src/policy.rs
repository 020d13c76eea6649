//! Policies as people have them, and what they come to.

use verifier_core::encoding::hex;
use verifier_core::json::Value;
use verifier_core::policy::{Approver, LogRule, Policy};

use crate::usage::Usage;

pub(crate) fn read(bytes: &[u8]) -> Result<Policy, Usage> {
    Policy::from_json(bytes).map_err(|error| Usage::of(&error))
}

/// Whether a text that is no JSON has the tables of a policy.
pub(crate) fn looks_like_toml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.any(|line| line.starts_with("[webauthn]") || line.starts_with("[[approvers]]"))
}

pub(crate) fn describe(policy: &Policy) -> String {
    let one = |approver: &Approver| {
        Value::from([
            ("algorithm", approver.key.public_key().algorithm().into()),
            ("fingerprint", approver.key.fingerprint().into()),
            ("name", approver.name.clone().into()),
        ])
    };
    let rules = policy.webauthn();
    let texts = |texts: &[String]| texts.iter().map(|t| Value::from(t.clone())).collect();
    let (logs, quorum) = match policy.log() {
        LogRule::Required(log) => (
            log.tlog
                .logs()
                .iter()
                .map(|log| Value::from(log.origin().to_owned()))
                .collect(),
            Value::from(log.tlog.quorum_in_words()),
        ),
        _ => (Value::Array(Vec::new()), Value::Null),
    };
    Value::from([
        ("anchorRequired", policy.anchor().required.into()),
        ("approvers", policy.approvers().iter().map(one).collect()),
        ("canonicalJson", policy.canonical_json().into()),
        ("logs", logs),
        ("name", policy.name().into()),
        ("origins", texts(&rules.origins)),
        ("quorum", quorum),
        ("rpIds", texts(&rules.rp_ids)),
        ("sha256", hex(&policy.sha256()).into()),
    ])
    .to_text()
}
