//! The checks about the key, the assertion and the payload.

use serde_json::Value;

use super::super::assertion::{AuthenticatorData, ClientData, same_json};
use super::super::shape::Approved;
use super::{Claim, Course, ORDER, key_of, texts};
use crate::encoding::{b64url, sha256};
use crate::tree::Hash;

impl<'q> Course<'q> {
    /// Whose credential it is, or under whose key without a credential id the signature verifies.
    pub(super) fn holder(&self, approved: &Approved, claim: &Claim<'_>) -> Option<&'q Value> {
        let id = b64url(&approved.credential_id);
        let named = self.approvers().find(|a| a["credentialId"] == id.as_str());
        named.or_else(|| {
            let mut nameless = self.approvers().filter(|a| a["credentialId"].is_null());
            let fits = |approver: &&Value| {
                claim.authenticator_data.len() <= 8192 && claim.verifies(&key_of(approver))
            };
            nameless.find(fits)
        })
    }

    pub(super) fn claim_checks(&mut self, claim: &Claim<'_>) {
        self.approver_key(claim);
        match &claim.key {
            None => self.skip(&["webauthn.signature"]),
            Some(key) => self.judge(
                "webauthn.signature",
                claim.verifies(key),
                "webauthn.bad_signature",
            ),
        }
        let payload_hash = self.client_data_checks(claim);
        self.authenticator_data_checks(claim);
        match payload_hash {
            None => self.skip(&["payload.binding"]),
            Some(signed) => self.payload_binding(claim.payload, signed),
        }
        self.expectation(claim);
    }

    fn approver_key(&mut self, claim: &Claim<'_>) {
        let Some(approver) = claim.approver else {
            return self.coded("approver.key", "approver.unknown_key");
        };
        let limit = |key: &str| {
            let text = approver[key].as_str();
            text.map(|text| super::super::encodings::time(text).unwrap())
        };
        let (from, to) = (limit("notBefore"), limit("notAfter"));
        let code = match (from, to, self.bound) {
            (Some(from), _, Some(bound)) if bound < from => "approver.key_not_yet_valid",
            (_, Some(to), Some(bound)) if bound > to => "approver.key_expired",
            (_, Some(_), None) => "approver.time_unproven",
            _ => return self.pass("approver.key"),
        };
        self.coded("approver.key", code);
    }

    /// The payload hash that was signed.
    fn client_data_checks(&mut self, claim: &Claim<'_>) -> Option<Hash> {
        let Some(json) = claim.client_data else {
            self.skip(&ORDER[6..11]);
            return None;
        };
        let Some(data) = ClientData::read(json) else {
            self.coded("webauthn.client_data", "webauthn.client_data_form");
            self.skip(&ORDER[7..11]);
            return None;
        };
        self.pass("webauthn.client_data");
        self.judge(
            "webauthn.type",
            data.kind == "webauthn.get",
            "webauthn.type",
        );
        let hash = data.payload_hash();
        self.judge("webauthn.challenge", hash.is_some(), "webauthn.challenge");
        let Some(policy) = self.policy else {
            self.skip(&["webauthn.origin", "webauthn.cross_origin"]);
            return hash;
        };
        let rules = &policy["webauthn"];
        let listed = texts(&rules["origins"]).contains(&data.origin);
        self.judge("webauthn.origin", listed, "webauthn.origin");
        let framed = data.may_be_framed(
            rules["crossOrigin"].as_bool().unwrap_or(false),
            &texts(&rules["topOrigins"]),
        );
        self.judge("webauthn.cross_origin", framed, "webauthn.cross_origin");
        hash
    }

    fn authenticator_data_checks(&mut self, claim: &Claim<'_>) {
        let Some(data) = AuthenticatorData::read(claim.authenticator_data) else {
            self.coded("webauthn.authenticator_data", "webauthn.authenticator_data");
            return self.skip(&ORDER[12..15]);
        };
        self.pass("webauthn.authenticator_data");
        let is = |id: &str| sha256(id.as_bytes()) == data.rp_id_hash;
        let stated = claim.entry.is_none_or(|entry| is(&entry.rp_id));
        match self.policy {
            None if stated => self.skip(&["webauthn.rp_id"]),
            None => self.coded("webauthn.rp_id", "webauthn.rp_id"),
            Some(policy) => {
                let listed = texts(&policy["webauthn"]["rpIds"]).iter().any(|id| is(id));
                self.judge("webauthn.rp_id", stated && listed, "webauthn.rp_id");
            }
        }
        self.judge(
            "webauthn.user_presence",
            data.user_present,
            "webauthn.user_presence",
        );
        match self.policy {
            None => self.skip(&["webauthn.user_verification"]),
            Some(policy) => {
                let preferred = policy["webauthn"]["userVerification"] == "preferred";
                self.judge(
                    "webauthn.user_verification",
                    data.user_verified || preferred,
                    "webauthn.user_verification",
                );
            }
        }
    }

    fn payload_binding(&mut self, bundled: Option<&[u8]>, signed: Hash) {
        let id = "payload.binding";
        let mismatch = "payload.mismatch";
        if bundled.is_some_and(|payload| sha256(payload) != signed) {
            return self.coded(id, mismatch);
        }
        if self
            .question
            .payload_sha256
            .is_some_and(|hash| hash != signed)
        {
            return self.coded(id, mismatch);
        }
        if let Some(given) = &self.question.payload {
            let same =
                sha256(given) == signed || bundled.is_some_and(|bundled| same_json(given, bundled));
            return self.judge(id, same, mismatch);
        }
        let hash_only = self
            .policy
            .is_some_and(|policy| policy["payload"] == "hash-only");
        if self.question.payload_sha256.is_some() || bundled.is_some() || hash_only {
            return self.pass(id);
        }
        self.coded(id, "payload.missing");
    }
}
