//! The question.

use alloc::vec::Vec;

use crate::bitcoin::chain::HeaderChain;
use crate::policy::Policy;
use crate::report::Expected;
use crate::roster::{self, Roster};
use crate::signature::{Crypto, RustCrypto};
use crate::time::Time;

/// The caller's question: the policy, and the expectations. Every field can be set, and has a
/// method that sets it in a row with others:
///
/// ```
/// # use verifier_core::{Policy, Request};
/// fn about<'a>(policy: &'a Policy, payload: &'a [u8]) -> Request<'a> {
///     Request::new().policy(policy).payload(payload)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The policy: whom and what to trust. Without one no input is VERIFIED.
    pub policy: Option<&'a Policy>,
    /// The bringer of the policy, for the report: `caller` unless a front end knows better.
    pub policy_source: &'a str,
    /// The payload that should have been approved.
    pub payload: Option<&'a [u8]>,
    /// The SHA-256 of the payload that should have been approved.
    pub payload_sha256: Option<[u8; 32]>,
    /// The approval that this should be.
    pub approval_id: Option<&'a str>,
    /// The name, in the policy, of the approver that this should be from.
    pub approver: Option<&'a str>,
    /// The relying party id that this should be for.
    pub rp_id: Option<&'a str>,
    /// The roster, as [`Roster::verify`] found it: a policy may leave it to one who may approve.
    pub roster: Option<&'a Result<Roster, roster::Error>>,
    /// Bitcoin's headers, verified. They count as far as the policy knows the chain.
    pub headers: Option<&'a HeaderChain<'a>>,
    /// The moment to ask about. Nothing is compared with "now" unless it is given.
    pub at: Option<Time>,
    /// The back end for signatures.
    pub crypto: &'a dyn Crypto,
}

impl<'a> Request<'a> {
    /// Trusts nobody and expects nothing: no input is VERIFIED.
    pub fn new() -> Self {
        Self::default()
    }

    /// The trust policy.
    #[must_use]
    pub fn policy(self, policy: &'a Policy) -> Self {
        let policy = Some(policy);
        Self { policy, ..self }
    }

    /// The payload that should have been approved.
    #[must_use]
    pub fn payload(self, payload: &'a [u8]) -> Self {
        let payload = Some(payload);
        Self { payload, ..self }
    }

    /// The SHA-256 of the payload that should have been approved.
    #[must_use]
    pub fn payload_sha256(self, hash: [u8; 32]) -> Self {
        let payload_sha256 = Some(hash);
        Self {
            payload_sha256,
            ..self
        }
    }

    /// The approval that this should be: a lower-case UUID.
    #[must_use]
    pub fn approval_id(self, id: &'a str) -> Self {
        let approval_id = Some(id);
        Self {
            approval_id,
            ..self
        }
    }

    /// The name, in the policy, of the approver that this should be from.
    #[must_use]
    pub fn approver(self, name: &'a str) -> Self {
        let approver = Some(name);
        Self { approver, ..self }
    }

    /// The relying party id that this should be for.
    #[must_use]
    pub fn rp_id(self, id: &'a str) -> Self {
        let rp_id = Some(id);
        Self { rp_id, ..self }
    }

    /// The roster, as [`Roster::verify`] found it.
    #[must_use]
    pub fn roster(self, roster: &'a Result<Roster, roster::Error>) -> Self {
        let roster = Some(roster);
        Self { roster, ..self }
    }

    /// Bitcoin's headers, verified.
    #[must_use]
    pub fn headers(self, headers: &'a HeaderChain<'a>) -> Self {
        let headers = Some(headers);
        Self { headers, ..self }
    }

    /// The moment to ask about.
    #[must_use]
    pub fn at(self, at: Time) -> Self {
        let at = Some(at);
        Self { at, ..self }
    }

    /// The back end for signatures.
    #[must_use]
    pub fn crypto(self, crypto: &'a dyn Crypto) -> Self {
        Self { crypto, ..self }
    }

    /// Whether the caller expects a certain approval; the payload is a question of its own.
    pub(super) fn asks(&self) -> bool {
        self.approval_id.is_some() || self.approver.is_some() || self.rp_id.is_some()
    }

    /// Everything that the caller expects, for the report.
    pub(super) fn expected(&self) -> Vec<Expected> {
        [
            (Expected::ApprovalId, self.approval_id.is_some()),
            (Expected::Approver, self.approver.is_some()),
            (Expected::Payload, self.payload.is_some()),
            (Expected::PayloadSha256, self.payload_sha256.is_some()),
            (Expected::RpId, self.rp_id.is_some()),
        ]
        .into_iter()
        .filter_map(|(what, given)| given.then_some(what))
        .collect()
    }
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self {
            policy: None,
            policy_source: "caller",
            payload: None,
            payload_sha256: None,
            approval_id: None,
            approver: None,
            rp_id: None,
            roster: None,
            headers: None,
            at: None,
            crypto: &RustCrypto,
        }
    }
}
