//! `payload.binding`: these bytes, and no others, were approved.

use alloc::format;
use alloc::string::String;

use super::Run;
use super::claim::Claim;
use crate::check::{Check, CheckId};
use crate::code::Code;
use crate::encoding::{hex, sha256};
use crate::payload::{Challenge, differences, same_json, variant};
use crate::policy::{PayloadRule, Policy};
use crate::report::PayloadMatch;

const ID: CheckId = CheckId::PayloadBinding;

impl Run<'_> {
    pub(super) fn payload_binding(
        &mut self,
        claim: &Claim<'_>,
        challenge: Option<&Challenge>,
    ) -> Option<PayloadMatch> {
        let Some(challenge) = challenge else {
            self.skip(&[ID], CheckId::WebauthnChallenge);
            return None;
        };
        let (check, payload_match) = self.compare(claim.payload, challenge.payload_hash());
        self.push(check);
        payload_match
    }

    /// Everything that names a payload has to name the one that was signed.
    fn compare(&self, bundled: Option<&[u8]>, signed: &[u8; 32]) -> (Check, Option<PayloadMatch>) {
        if let Some(found) = bundled.map(sha256).filter(|found| found != signed) {
            let message = "The payload in the bundle is not the one that was approved.";
            return (
                mismatch(signed, "approved", &found, "in the bundle").message(message),
                None,
            );
        }
        if let Some(expected) = self.request.payload_sha256.filter(|hash| hash != signed) {
            let message = "The payload hash you gave is not the one that was approved.";
            return (
                mismatch(&expected, "your hash", signed, "approved").message(message),
                None,
            );
        }
        let pass = |message, payload_match| {
            let check = Check::pass(ID, message).found(format!("sha256 {}", hex(signed)));
            (check, Some(payload_match))
        };
        if let Some(expected) = self.request.payload {
            let hash = sha256(expected);
            if hash == *signed {
                return pass("Your payload is what was approved.", PayloadMatch::Exact);
            }
            if bundled.is_some_and(|bundled| same_json(expected, bundled)) {
                let message = "Your payload is the JSON document that was approved, in another \
                               layout (RFC 8785 forms agree).";
                return pass(message, PayloadMatch::Canonical);
            }
            let mut message =
                String::from("The payload you gave is not the payload that was approved.");
            if let Some(change) = variant(expected, signed) {
                message.push_str(&format!(" The same text {change} is the approved payload."));
            }
            let mut check = mismatch(&hash, "your payload", signed, "approved").message(message);
            check.differences = bundled
                .map(|b| differences(expected, b))
                .unwrap_or_default();
            return (check, None);
        }
        match (self.request.payload_sha256, bundled) {
            (Some(_), _) => pass(
                "Your payload hash is what was approved.",
                PayloadMatch::Sha256,
            ),
            (None, Some(_)) => pass(
                "The payload in the bundle is what was approved.",
                PayloadMatch::Bundle,
            ),
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
