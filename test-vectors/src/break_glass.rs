//! Break-glass files: a grant, and the people who sign it; and what a log has of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::approval::{ORIGIN, RP_ID};
use crate::ceremony::{Assertion, Ceremony};
use crate::encoding::{b64url, hex, pseudo_random, sha256};
use crate::passkey::Passkey;
use crate::{Approver, Draft, Policy};

/// A file in the making. Change what you like, then write its [`text`](Self::text).
#[derive(Clone, Debug)]
pub struct Glass {
    /// `action`.
    pub action: String,
    /// `audience`.
    pub audience: String,
    /// `notAfter`.
    pub not_after: String,
    /// `notBefore`.
    pub not_before: String,
    /// `policySha256`.
    pub policy_sha256: String,
    /// `random`.
    pub random: [u8; 32],
    /// `reason`.
    pub reason: String,
    /// `uses`.
    pub uses: u64,
    /// The passkeys that sign.
    pub signers: Vec<Passkey>,
    /// Changes each ceremony before it is signed.
    pub edit: fn(&mut Ceremony),
    /// Replaces the text of the grant altogether, before it is signed.
    pub grant: Option<String>,
}

impl Glass {
    /// Half an hour from noon for one payment, under the policy with this hash, signed by nobody.
    pub fn new(policy_sha256: &str) -> Self {
        Self {
            action: "payment.send".into(),
            audience: "payments.example".into(),
            not_after: "2026-03-01T12:30:00.000Z".into(),
            not_before: "2026-03-01T12:00:00.000Z".into(),
            policy_sha256: policy_sha256.into(),
            random: pseudo_random("break-glass"),
            reason: "The gate is down, and salaries are due today.".into(),
            uses: 1,
            signers: Vec::new(),
            edit: |_| {},
            grant: None,
        }
    }

    /// The file of two people that no vector contains, and a policy that lists their keys.
    pub fn apart() -> (Self, Policy) {
        let keys = ["apart one", "apart two"].map(|seed| Draft::by(seed).passkey);
        let mut policy = Draft::apart().mint().policy;
        policy.approvers = (1..)
            .zip(&keys)
            .map(|(number, key)| Approver::new(&format!("apart {number}"), key))
            .collect();
        let glass = Self::new(&"11".repeat(32)).signed_by(&keys.each_ref());
        (glass, policy)
    }

    /// The same with these signatures.
    pub fn signed_by(mut self, signers: &[&Passkey]) -> Self {
        self.signers = signers.iter().map(|one| (*one).clone()).collect();
        self
    }

    /// The grant as JSON.
    pub fn grant_value(&self) -> Value {
        let mut value = json!({
            "action": self.action,
            "audience": self.audience,
            "notAfter": self.not_after,
            "notBefore": self.not_before,
            "policySha256": self.policy_sha256,
            "random": b64url(&self.random),
            "reason": self.reason,
            "type": "cosignet.break-glass-grant/v1",
            "uses": self.uses,
        });
        value.sort_all_objects();
        value
    }

    /// The text that is signed, canonical as long as all members are ordinary text.
    pub fn grant_text(&self) -> String {
        let own = self.grant.clone();
        own.unwrap_or_else(|| self.grant_value().to_string())
    }

    /// What each of the signers signs.
    pub fn challenge(&self) -> Vec<u8> {
        let text = self.grant_text();
        let tagged = [b"cosignet.break-glass/v1\0", text.as_bytes()].concat();
        [&b"break-glass\0"[..], &sha256(&tagged)].concat()
    }

    /// One signature.
    pub fn sign(&self, passkey: &Passkey) -> Assertion {
        let mut ceremony = Ceremony::new(RP_ID, ORIGIN, &[], &[]);
        ceremony.challenge = b64url(&self.challenge());
        (self.edit)(&mut ceremony);
        ceremony.sign(passkey)
    }

    /// The file as JSON.
    pub fn value(&self) -> Value {
        let signatures = self.signers.iter().map(|passkey| {
            let assertion = self.sign(passkey);
            json!({
                "authenticatorData": b64url(&assertion.authenticator_data),
                "clientDataJSON": b64url(&assertion.client_data_json),
                "credentialId": b64url(&assertion.credential_id),
                "signature": b64url(&assertion.signature),
            })
        });
        let mut value = json!({
            "grant": self.grant_text(),
            "signatures": signatures.collect::<Vec<_>>(),
            "type": "cosignet.break-glass-file/v1",
        });
        value.sort_all_objects();
        value
    }

    /// The file.
    pub fn text(&self) -> String {
        self.value().to_string()
    }
}

/// The members of the entry that a log has of the signature by this passkey.
pub fn leaf(glass: &Glass, rp_id: &str, passkey: &Passkey) -> BTreeMap<String, String> {
    let assertion = glass.sign(passkey);
    let members = [
        ("authenticatorData", b64url(&assertion.authenticator_data)),
        ("clientDataJSON", b64url(&assertion.client_data_json)),
        ("credentialPublicKey", b64url(&assertion.public_key)),
        ("notBefore", glass.not_before.clone()),
        ("rpId", rp_id.to_owned()),
        ("signature", b64url(&assertion.signature)),
        ("type", "cosignet.break-glass/v1".into()),
    ];
    let members = members.into_iter();
    members.map(|(key, text)| (key.to_owned(), text)).collect()
}

/// The id under which a log has that entry.
///
/// ```text
/// SHA-256("cosignet.break-glass-entry/v1" ‖ 00 ‖ challenge[44] ‖ key)[..16] as a UUID
/// ```
pub fn leaf_id(glass: &Glass, passkey: &Passkey) -> String {
    let tag: &[u8] = b"cosignet.break-glass-entry/v1\0";
    let hash = sha256(&[tag, &glass.challenge(), &passkey.public_key].concat());
    let text = hex(&hash[..16]);
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    parts.join("-")
}

/// Settings: two of `oncall` for payments, under the policy with this hash.
pub fn settings(policy_sha256: &str, journal: &str) -> Value {
    json!({
        "actions": ["payment.*", "deploy.production"],
        "audience": "payments.example",
        "journal": journal,
        "policySha256": policy_sha256,
        "require": [{"atLeast": 2, "group": "oncall"}],
        "type": "cosignet.break-glass-settings/v1",
    })
}
