//! The checks about the key, the assertion and the payload.

use super::super::assertion::{AuthenticatorData, ClientData, same_json};
use super::super::entry::Entry;
use super::super::people::Holder;
use super::super::roster;
use super::super::shape::Approved;
use super::{CLAIM, Challenge, Claim, Course, Who, key_of, texts};
use crate::encoding::sha256;
use crate::tree::Hash;

impl Course<'_> {
    /// Whose key the entry has.
    pub(super) fn approver_of_entry(&mut self, entry: &Entry) {
        let cose = &entry.public_key;
        let found = match &self.trust.who {
            Who::Nobody => Err("approver.unknown_key"),
            Who::Listed(holders) => {
                let holder = holders.iter().find(|holder| holder.has_key(cose));
                holder.cloned().ok_or("approver.unknown_key")
            }
            Who::Roster(Err(_)) => return self.skip(&["approver.key"]),
            Who::Roster(Ok(versions)) => {
                roster::holder(versions, self.facts.place.as_ref(), self.bound, cose)
            }
        };
        self.approver_key(found);
    }

    /// Whose credential it is, or under whose key without a credential id the signature verifies.
    pub(super) fn approver_of_confirmation(&mut self, approved: &Approved, claim: &Claim<'_>) {
        if matches!(self.trust.who, Who::Roster(Err(_))) {
            return self.skip(&["approver.key"]);
        }
        let listed = self.trust.newest();
        let id = Some(&approved.credential_id);
        let named = listed
            .iter()
            .find(|holder| holder.credential_id.as_ref() == id);
        let mut nameless = listed
            .iter()
            .filter(|holder| holder.credential_id.is_none());
        let fits = |holder: &&Holder| {
            claim.authenticator_data.len() <= 8192 && claim.verifies(&key_of(holder))
        };
        let holder = named.or_else(|| nameless.find(fits));
        self.approver_key(holder.cloned().ok_or("approver.unknown_key"));
    }

    fn approver_key(&mut self, found: Result<Holder, &'static str>) {
        let id = "approver.key";
        let holder = match found {
            Ok(holder) => holder,
            Err(code) => return self.coded(id, code),
        };
        let (from, to) = (holder.not_before, holder.not_after);
        self.facts.holder = Some(holder);
        let code = match (from, to, self.bound) {
            (Some(from), _, Some(bound)) if bound < from => "approver.key_not_yet_valid",
            (_, Some(to), Some(bound)) if bound > to => "approver.key_expired",
            (_, Some(_), None) => "approver.time_unproven",
            _ => return self.pass(id),
        };
        self.coded(id, code);
    }

    pub(super) fn claim_checks(&mut self, claim: &Claim<'_>) {
        match &claim.key {
            None => self.skip(&["webauthn.signature"]),
            Some(key) => self.judge(
                "webauthn.signature",
                claim.verifies(key),
                "webauthn.bad_signature",
            ),
        }
        let challenge = self.client_data_checks(claim);
        self.authenticator_data_checks(claim);
        match &challenge {
            Challenge::Unknown => self.skip(&["payload.binding"]),
            Challenge::Approves(bytes) => {
                let signed = *bytes.last_chunk().unwrap();
                let context = match bytes.len() {
                    96 => *bytes[32..].first_chunk().unwrap(),
                    _ => [0; 32],
                };
                self.facts.signed_for = Some((signed, context));
                self.payload_binding(claim.payload, signed);
            }
            Challenge::Refuses(bytes) => self.refused_payload(claim, bytes),
        }
        self.expectation(claim);
        self.context(claim.context, Some(&challenge));
    }

    /// The payload whose hash a refusal has signed together with random bytes and context.
    fn refused_payload(&mut self, claim: &Claim<'_>, challenge: &[u8]) {
        let id = "payload.binding";
        let (Some(random), Some(context)) = (claim.random, claim.context) else {
            return self.skip(&[id]);
        };
        let named = [
            claim.payload.map(sha256),
            self.question.payload_sha256,
            self.question.payload.as_deref().map(sha256),
        ];
        let context = sha256(context.as_bytes());
        let leads_there = |hash: &&Hash| {
            let parts = [b"cosignet.refusal/v1\0", &random[..], &context, &hash[..]];
            sha256(&parts.concat()) == *challenge
        };
        if named.iter().all(Option::is_none) {
            return self.coded(id, "payload.missing");
        }
        match named.iter().flatten().find(leads_there) {
            None => self.coded(id, "payload.mismatch"),
            Some(signed) => {
                self.facts.signed_for = Some((*signed, context));
                self.payload_binding(claim.payload, *signed);
            }
        }
    }

    fn client_data_checks(&mut self, claim: &Claim<'_>) -> Challenge {
        let Some(json) = claim.client_data else {
            self.skip(&CLAIM[2..7]);
            return Challenge::Unknown;
        };
        let Some(data) = ClientData::read(json) else {
            self.coded("webauthn.client_data", "webauthn.client_data_form");
            self.skip(&CLAIM[3..7]);
            return Challenge::Unknown;
        };
        self.pass("webauthn.client_data");
        self.judge(
            "webauthn.type",
            data.kind == "webauthn.get",
            "webauthn.type",
        );
        let challenge = match (data.approving(), data.refusing()) {
            (Some(_), _) if claim.refuses() => Err("entry.type_mismatch"),
            (_, Some(bytes)) if claim.refuses() => Ok(Challenge::Refuses(bytes)),
            (Some(bytes), _) => Ok(Challenge::Approves(bytes)),
            _ => Err("webauthn.challenge"),
        };
        match challenge {
            Ok(_) => self.pass("webauthn.challenge"),
            Err(code) => self.coded("webauthn.challenge", code),
        }
        let challenge = challenge.unwrap_or(Challenge::Unknown);
        let Some(policy) = self.trust.policy else {
            self.skip(&["webauthn.origin", "webauthn.cross_origin"]);
            return challenge;
        };
        let rules = &policy["webauthn"];
        let listed = texts(&rules["origins"]).contains(&data.origin);
        self.judge("webauthn.origin", listed, "webauthn.origin");
        let framed = data.may_be_framed(
            rules["crossOrigin"].as_bool().unwrap_or(false),
            &texts(&rules["topOrigins"]),
        );
        self.judge("webauthn.cross_origin", framed, "webauthn.cross_origin");
        challenge
    }

    fn authenticator_data_checks(&mut self, claim: &Claim<'_>) {
        let Some(data) = AuthenticatorData::read(claim.authenticator_data) else {
            self.coded("webauthn.authenticator_data", "webauthn.authenticator_data");
            return self.skip(&CLAIM[8..11]);
        };
        self.pass("webauthn.authenticator_data");
        let is = |id: &str| sha256(id.as_bytes()) == data.rp_id_hash;
        let stated = claim.entry.is_none_or(|entry| is(&entry.rp_id));
        match self.trust.policy {
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
        match self.trust.policy {
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
            .trust
            .policy
            .is_some_and(|policy| policy["payload"] == "hash-only");
        if self.question.payload_sha256.is_some() || bundled.is_some() || hash_only {
            return self.pass(id);
        }
        self.coded(id, "payload.missing");
    }
}
