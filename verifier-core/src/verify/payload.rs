//! `payload.binding`: these bytes, and no others, were approved.

use alloc::format;
use alloc::string::String;

use super::Run;
use super::assertion::Signed;
use super::claim::SigningClaim;
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::context::refusal_challenge;
use crate::encoding::{hex, sha256};
use crate::payload::{differences, same_json, variant};
use crate::policy::{PayloadRule, Policy};
use crate::report::PayloadMatch;

const ID: CheckId = CheckId::PayloadBinding;

/// How the payload is named whose hash is in the challenge.
struct Words {
    which: &'static str,
    label: &'static str,
}

const SIGNED: Words = Words {
    which: "that was signed",
    label: "signed",
};

/// Without a good signature nobody has signed it.
const UNSIGNED: Words = Words {
    which: "that the challenge names",
    label: "in the challenge",
};

impl Run<'_> {
    /// The hash of the payload that was signed, and what it agrees with, if nothing disagrees.
    pub(super) fn payload_binding(
        &mut self,
        claim: &SigningClaim<'_>,
        signed: Option<&Signed>,
    ) -> Option<([u8; 32], Option<PayloadMatch>)> {
        let hash = match signed {
            None => {
                self.skip(&[ID], CheckId::WebauthnChallenge);
                return None;
            }
            Some(Signed::Approval(challenge)) => *challenge.payload_hash(),
            Some(Signed::Refusal(hash)) => self.refused(claim, hash)?,
        };
        let (check, payload_match) = self.compare(claim.payload, &hash);
        let passed = check.status == Status::Pass;
        self.push(check);
        passed.then_some((hash, payload_match))
    }

    /// The hash of the payload that a refusal is about: that of a payload at hand which, with
    /// random and context, leads to what was signed.
    fn refused(&mut self, claim: &SigningClaim<'_>, signed: &[u8; 32]) -> Option<[u8; 32]> {
        let Some((random, context)) = claim.refusal.zip(claim.context) else {
            self.skip(&[ID], CheckId::EvidenceMatch);
            return None;
        };
        let context = sha256(context.as_bytes());
        let at_hand = [
            claim.payload.map(sha256),
            self.request.payload_sha256,
            self.request.payload.map(sha256),
        ];
        let mut at_hand = at_hand.into_iter().flatten().peekable();
        let check = match at_hand.peek().copied() {
            None => Check::coded(ID, Code::PayloadMissing),
            Some(first) => {
                let leads = |hash: &[u8; 32]| refusal_challenge(random, &context, hash) == *signed;
                if let Some(hash) = at_hand.find(leads) {
                    return Some(hash);
                }
                Check::coded(ID, Code::PayloadMismatch)
                    .message("With this payload and this context the refusal does not lead to what was signed.")
                    .expected(format!("sha256 {} (signed)", hex(signed)))
                    .found(format!(
                        "sha256 {}",
                        hex(&refusal_challenge(random, &context, &first))
                    ))
            }
        };
        self.push(check);
        None
    }

    /// Everything that names a payload has to name the one in the challenge.
    fn compare(&self, bundled: Option<&[u8]>, signed: &[u8; 32]) -> (Check, Option<PayloadMatch>) {
        let words = match self.status(CheckId::WebauthnSignature) {
            Some(Status::Pass) => &SIGNED,
            _ => &UNSIGNED,
        };
        let Words { which, label } = words;
        if let Some(found) = bundled.map(sha256).filter(|found| found != signed) {
            let message = format!("The payload in the bundle is not the one {which}.");
            return (
                mismatch(signed, label, &found, "in the bundle").message(message),
                None,
            );
        }
        if let Some(expected) = self.request.payload_sha256.filter(|hash| hash != signed) {
            let message = format!("The payload hash you gave is not the one {which}.");
            return (
                mismatch(&expected, "your hash", signed, label).message(message),
                None,
            );
        }
        let pass = |message: String, payload_match| {
            let check = Check::pass(ID, message).found(format!("sha256 {}", hex(signed)));
            (check, Some(payload_match))
        };
        if let Some(expected) = self.request.payload {
            let hash = sha256(expected);
            if hash == *signed {
                let message = format!("Your payload is the one {which}.");
                return pass(message, PayloadMatch::Exact);
            }
            if bundled.is_some_and(|bundled| same_json(expected, bundled)) {
                let message =
                    format!("Your payload is the JSON document {which}, in another layout.");
                return pass(message, PayloadMatch::Canonical);
            }
            let mut message = format!("The payload you gave is not the one {which}.");
            if let Some(change) = variant(expected, signed) {
                message.push_str(&format!(" The same text {change} is the one {which}."));
            }
            let mut check = mismatch(&hash, "your payload", signed, label).message(message);
            if let Some(bundled) = bundled {
                let found = differences(expected, bundled);
                check.differences = found.first;
                check.differences_left_out = found.left_out;
            }
            return (check, None);
        }
        match (self.request.payload_sha256, bundled) {
            (Some(_), _) => {
                let message = format!("Your payload hash is the one {which}.");
                pass(message, PayloadMatch::Sha256)
            }
            (None, Some(_)) => {
                let message = format!("The payload in the bundle is the one {which}.");
                pass(message, PayloadMatch::Bundle)
            }
            (None, None) => (self.unknown(signed), None),
        }
    }

    /// Only the hash is known.
    fn unknown(&self, signed: &[u8; 32]) -> Check {
        let check = match self.request.policy.map(Policy::payload) {
            Some(PayloadRule::HashOnly) => {
                Check::pass(ID, "The policy is content with the hash of the payload.")
            }
            Some(PayloadRule::Required) | None => Check::coded(ID, Code::PayloadMissing),
        };
        check.found(format!("sha256 {}", hex(signed)))
    }
}

fn mismatch(expected: &[u8; 32], whose: &str, found: &[u8; 32], where_: &str) -> Check {
    Check::coded(ID, Code::PayloadMismatch)
        .expected(format!("sha256 {} ({whose})", hex(expected)))
        .found(format!("sha256 {} ({where_})", hex(found)))
}
