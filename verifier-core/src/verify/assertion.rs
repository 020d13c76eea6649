//! `webauthn.*`: WebAuthn L3 §7.2, as far as somebody can check who was not there.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Run;
use super::claim::SigningClaim;
use crate::check::{Check, CheckId};
use crate::code::Code;
use crate::encoding::{base64url, from_base64url, hex, sha256};
use crate::entry::Act;
use crate::payload::Challenge;
use crate::policy::Webauthn;
use crate::report::Subject;
use crate::webauthn::assertion::{self, UserVerification};
use crate::webauthn::authenticator_data::AuthenticatorData;
use crate::webauthn::client_data::ClientData;
use crate::webauthn::cose_key::CoseKey;
use crate::{Failure, quote};

/// What a challenge is, read as its entry says that it has to be.
pub(super) enum Signed {
    /// A nonce and the hash of a payload.
    Approval(Challenge),
    /// A hash over context and payload.
    Refusal([u8; 32]),
}

impl<'r> Run<'r> {
    /// Everything about the assertion but its key. What was signed, if the signature verified.
    pub(super) fn assertion(&mut self, claim: &SigningClaim<'_>) -> Option<Subject> {
        let signed = self.check_signature(claim);
        let client_data = self.client_data(claim);
        let challenge = client_data.as_ref().and_then(|data| self.challenge(data));
        let authenticator_data = self.authenticator_data(claim);
        let bound = self.payload_binding(claim, challenge.as_ref());
        let (nonce, context_hash, payload_hash) = match &challenge {
            Some(Signed::Approval(challenge)) => (
                Some(challenge.nonce().to_vec()),
                // None at all is another one than any.
                Some(challenge.context_hash().copied().unwrap_or_default()),
                Some(*challenge.payload_hash()),
            ),
            // Only together do random, context and payload lead to what a refusal signs.
            Some(Signed::Refusal(_)) => (
                claim.refusal.map(|random| random.to_vec()),
                bound.and(claim.context).map(|text| sha256(text.as_bytes())),
                bound.map(|(hash, _)| hash),
            ),
            None => (None, None, None),
        };

        let (key, data) = (signed?, authenticator_data?);
        let flags = data.flags();
        Some(Subject {
            act: self.act,
            algorithm: key.public_key().algorithm(),
            backup_eligible: flags.backup_eligible(),
            backed_up: flags.backed_up(),
            cross_origin: client_data
                .as_ref()
                .and_then(ClientData::cross_origin)
                .unwrap_or(false),
            context_hash,
            nonce,
            origin: client_data.as_ref().map(|data| data.origin().to_string()),
            payload_hash,
            payload_match: bound.and_then(|(_, found)| found),
            rp_id: self.rp_id_of(claim, &data),
            sign_count: data.sign_count(),
            top_origin: client_data
                .as_ref()
                .and_then(|data| Some(data.top_origin()?.to_string())),
            user_verified: flags.user_verified(),
        })
    }

    /// Whether `key` signed the claim.
    pub(super) fn signature(
        &self,
        claim: &SigningClaim<'_>,
        key: &CoseKey,
    ) -> Result<(), assertion::Error> {
        assertion::verify_signature(
            key,
            &claim.authenticator_data,
            &claim.client_data_hash,
            &claim.signature,
            self.request.crypto,
        )
    }

    /// `webauthn.signature`
    fn check_signature<'c>(&mut self, claim: &'c SigningClaim<'_>) -> Option<&'c CoseKey> {
        const ID: CheckId = CheckId::WebauthnSignature;
        let Some(key) = &claim.key else {
            self.skip(&[ID], CheckId::WebauthnKey);
            return None;
        };
        match self.signature(claim, key) {
            Ok(()) => {
                let message = format!("The signature verifies under key {}.", key.fingerprint());
                self.push(Check::pass(ID, message));
                Some(key)
            }
            Err(error) => {
                self.push(Check::failed(ID, &error));
                None
            }
        }
    }

    /// `webauthn.client_data` and the checks of its members, but for the challenge.
    fn client_data(&mut self, claim: &SigningClaim<'_>) -> Option<ClientData> {
        const ID: CheckId = CheckId::WebauthnClientData;
        const MEMBERS: &[CheckId] = &[
            CheckId::WebauthnType,
            CheckId::WebauthnChallenge,
            CheckId::WebauthnOrigin,
            CheckId::WebauthnCrossOrigin,
        ];
        let Some(json) = claim.client_data_json else {
            self.skip(&[ID], CheckId::EvidenceMatch);
            self.skip(MEMBERS, CheckId::EvidenceMatch);
            return None;
        };
        let data = match ClientData::parse(json) {
            Ok(data) => data,
            Err(error) => {
                self.push(Check::failed(ID, &error));
                self.skip(MEMBERS, ID);
                return None;
            }
        };
        self.push(Check::pass(ID, "Strict JSON with every member in place."));
        self.outcome(
            CheckId::WebauthnType,
            assertion::check_type(&data, assertion::CEREMONY),
            "The client data are those of an authentication.",
        );
        match self.rules() {
            Some(rules) => {
                let origin = assertion::check_origin(&data, &rules.origins);
                self.outcome(
                    CheckId::WebauthnOrigin,
                    origin,
                    "The policy lists this origin.",
                );
                let (allowed, top) = (rules.cross_origin, &rules.top_origins);
                let cross_origin = assertion::check_cross_origin(&data, allowed, top);
                let message = "The policy allows this embedding, or there was none.";
                self.outcome(CheckId::WebauthnCrossOrigin, cross_origin, message);
            }
            None => {
                self.push(without_policy(CheckId::WebauthnOrigin).found(quote(data.origin())));
                self.push(without_policy(CheckId::WebauthnCrossOrigin));
            }
        }
        Some(data)
    }

    /// `webauthn.challenge`
    fn challenge(&mut self, data: &ClientData) -> Option<Signed> {
        const ID: CheckId = CheckId::WebauthnChallenge;
        let approval = Challenge::parse(data.challenge());
        let (check, signed) = match (self.act, approval) {
            (Act::Approval, Ok(challenge)) => {
                let nonce = format!("nonce {}", base64url(challenge.nonce()));
                let check = Check::pass(ID, "A nonce, then a payload hash.").found(nonce);
                self.challenge = Some(challenge.clone());
                (check, Some(Signed::Approval(challenge)))
            }
            (Act::Approval, Err(error)) => (Check::failed(ID, &error), None),
            (Act::Refusal, Ok(_)) => {
                let check = Check::coded(ID, Code::EntryTypeMismatch)
                    .expected("the challenge of a refusal, 32 bytes")
                    .found("that of an approval");
                (check, None)
            }
            (Act::Refusal, Err(error)) => {
                match from_base64url(data.challenge()).map(<[u8; 32]>::try_from) {
                    Ok(Ok(hash)) => {
                        let check = Check::pass(ID, "The hash that a refusal signs.");
                        let found = format!("sha256 {}", hex(&hash));
                        (check.found(found), Some(Signed::Refusal(hash)))
                    }
                    _ => {
                        let found = error.found().unwrap_or_default();
                        let check = Check::coded(ID, Code::WebauthnChallenge);
                        (check.expected("32 bytes").found(found), None)
                    }
                }
            }
        };
        self.push(check);
        signed
    }

    /// `webauthn.authenticator_data` and the checks of its fields.
    fn authenticator_data(&mut self, claim: &SigningClaim<'_>) -> Option<AuthenticatorData> {
        const ID: CheckId = CheckId::WebauthnAuthenticatorData;
        let data = match AuthenticatorData::parse(&claim.authenticator_data) {
            Ok(data) => data,
            Err(error) => {
                self.push(Check::failed(ID, &error));
                let fields = [
                    CheckId::WebauthnRpId,
                    CheckId::WebauthnUserPresence,
                    CheckId::WebauthnUserVerification,
                ];
                self.skip(&fields, ID);
                return None;
            }
        };
        self.push(Check::pass(ID, "Well formed."));
        self.rp_id(claim, &data);
        self.outcome(
            CheckId::WebauthnUserPresence,
            assertion::check_user_presence(&data),
            "The authenticator data say that a user was present.",
        );
        match self.rules() {
            Some(rules) => {
                let outcome = assertion::check_user_verification(&data, rules.user_verification);
                let message = match (data.flags().user_verified(), rules.user_verification) {
                    (true, _) => "The authenticator data say that the user was verified.",
                    (false, UserVerification::Preferred) => {
                        "The user was not verified; the policy does not require it."
                    }
                    (false, UserVerification::Required) => "",
                };
                self.outcome(CheckId::WebauthnUserVerification, outcome, message);
            }
            None => self.push(without_policy(CheckId::WebauthnUserVerification)),
        }
        Some(data)
    }

    /// `webauthn.rp_id`: what was signed, what the entry states, and what the policy lists agree.
    fn rp_id(&mut self, claim: &SigningClaim<'_>, data: &AuthenticatorData) {
        const ID: CheckId = CheckId::WebauthnRpId;
        if let Some(stated) = &claim.rp_id
            && let Err(error) = assertion::check_rp_id(data, stated)
        {
            return self.push(Check::failed(ID, &error));
        }
        let Some(rules) = self.rules() else {
            return self.push(without_policy(ID));
        };
        let listed = rules
            .rp_ids
            .iter()
            .find(|id| assertion::check_rp_id(data, id).is_ok());
        let check = match listed {
            Some(id) => Check::pass(ID, "The policy lists this relying party.").found(quote(id)),
            None => Check::coded(ID, Code::WebauthnRpId)
                .expected(quoted(&rules.rp_ids))
                .found(match &claim.rp_id {
                    Some(stated) => quote(stated),
                    None => format!("sha256 {}", hex(data.rp_id_hash())),
                }),
        };
        self.push(check);
    }

    /// The relying party id that the signed hash stands for, if anybody has named it.
    fn rp_id_of(&self, claim: &SigningClaim<'_>, data: &AuthenticatorData) -> Option<String> {
        let listed = self.rules().into_iter().flat_map(|rules| &rules.rp_ids);
        let mut known = claim.rp_id.iter().chain(listed);
        known
            .find(|id| sha256(id.as_bytes()) == *data.rp_id_hash())
            .cloned()
    }

    fn rules(&self) -> Option<&'r Webauthn> {
        self.request.policy.map(|policy| policy.webauthn())
    }

    fn outcome<E: Failure>(&mut self, id: CheckId, outcome: Result<(), E>, passed: &str) {
        self.push(match outcome {
            Ok(()) => Check::pass(id, passed),
            Err(error) => Check::failed(id, &error),
        });
    }
}

fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    texts.join(", ")
}

fn without_policy(id: CheckId) -> Check {
    Check::skipped(id, CheckId::ApproverKey)
        .message("Without a policy there is nothing to compare it with.")
}
