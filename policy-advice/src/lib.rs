//! Warnings about values that are well formed, and hopeless or weak.
//!
//! A policy that its format allows may still trust nobody, name an origin that no browser sends, or
//! let one witness decide. Nothing of it makes a false VERIFIED, so the format does not refuse it;
//! somebody should say so all the same. The functions here do, for `cosignet policy` and for every
//! server that is told relying party ids and origins. Each warning is one or two sentences, fit to
//! print: names and values from outside are quoted.
//!
//! The core decides nothing by these rules, and they need what the core has not: a clock and the
//! list of public suffixes.

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "for programs with std"
)]

mod anchor;
mod approvers;
mod log;
mod origin;
mod rp_id;
mod site;

use verifier_core::Time;
use verifier_core::hazmat::webauthn::UserVerification;
use verifier_core::policy::{LogRule, PayloadRule, Policy};

pub use approvers::retirement;
pub use site::site;

/// Everything there is to warn about, at the moment `now`: whose keys are over depends on it.
pub fn policy(policy: &Policy, now: Time) -> Vec<String> {
    let mut out = approvers::warnings(policy, now);
    if policy.payload() == PayloadRule::HashOnly {
        out.push(
            "payload = \"hash-only\": VERIFIED may mean that nobody knows what was approved."
                .into(),
        );
    }
    out.extend(webauthn(policy));
    out.extend(log::warnings(policy));
    out.extend(anchor::warnings(policy));
    out
}

/// Warnings about a new policy, which has no approvers yet.
pub fn new_policy(policy: &Policy) -> Vec<String> {
    let mut out = webauthn(policy);
    // A policy without a log is one whose owner has just said so.
    if let LogRule::Required(_) = policy.log() {
        out.extend(log::warnings(policy));
    }
    out
}

fn webauthn(policy: &Policy) -> Vec<String> {
    let rules = policy.webauthn();
    let mut out = Vec::new();
    if rules.user_verification == UserVerification::Preferred {
        out.push(
            "userVerification = \"preferred\": the holder of a device can approve with it, without \
             PIN or biometric."
                .into(),
        );
    }
    out.extend(site(&rules.rp_ids, &rules.origins));
    out.extend(frames(rules.cross_origin, &rules.top_origins));
    out
}

/// Everything there is to warn about pages that may have the approval page in a frame.
pub fn frames(cross_origin: bool, top_origins: &[String]) -> Vec<String> {
    let mut out = site::top_origins(top_origins);
    match (cross_origin, top_origins.is_empty()) {
        (true, true) => out.push(
            "crossOrigin = true without topOrigins: any site may embed the approval page where \
             browsers do not name it."
                .into(),
        ),
        (false, false) => out.push("topOrigins have no effect without crossOrigin = true.".into()),
        _ => {}
    }
    out
}
