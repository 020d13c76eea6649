//! Policies as people have them, and what they come to.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::kind::looks_like_toml;
use verifier_core::hazmat::text::from_people;
use verifier_core::policy::{Approver, LogRule, Policy, RosterRule};

use crate::usage::Usage;

/// JSON alone. A reader of TOML would add a fifth to the module, and be a second one to trust.
pub(crate) fn read(bytes: &[u8]) -> Result<Policy, Usage> {
    let text = from_people(bytes)
        .map_err(|error| Usage::new(Code::PolicySyntax.as_str(), format!("the policy {error}")))?;
    Policy::from_json(text.as_bytes()).map_err(|error| match looks_like_toml(&text) {
        true => Usage::new(
            error.code().as_str(),
            "this policy is TOML, and only its JSON form is read here; `cosignet policy show \
                 policy.toml --format json > policy.json` makes that",
        ),
        false => Usage::of(&error),
    })
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
    let admins = policy.roster().map(RosterRule::admins).unwrap_or_default();
    Value::from([
        ("admins", admins.iter().map(one).collect()),
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

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use test_vectors::{Algorithm, Approval};

    #[test]
    fn describes_what_is_trusted() {
        let policy = Approval::sample(Algorithm::Es256)
            .policy
            .value()
            .to_string();
        let policy = read(policy.as_bytes()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&describe(&policy)).unwrap();
        assert_eq!(value["sha256"], hex(&policy.sha256()));
        assert_eq!(value["approvers"][0]["name"], "alice");
        assert_eq!(value["admins"].as_array().map(Vec::len), Some(0));
        assert_eq!(value["quorum"], "2 of w1, w2, w3");
        assert_eq!(value["canonicalJson"], policy.canonical_json());
    }

    #[test]
    fn says_how_toml_becomes_json() {
        let toml = Approval::sample(Algorithm::Es256).policy.toml();
        let error = read(toml.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains("policy show policy.toml --format json"),
            "{error}"
        );
        let error = read(b"{\"name\":1}").unwrap_err().to_string();
        assert!(!error.contains("TOML"), "{error}");
    }
}
