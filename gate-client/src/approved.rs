//! An approval that has been verified.

use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;
use verifier_core::roster::{self, Roster};
use verifier_core::{AwsLc, Code, Policy, Report, Request, Time, Verdict, plain, verify};

use crate::answer::Claimed;
use crate::denied::{Denied, Reason};

/// The caller's trust: whatever a gate says, it decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    /// Without one nothing is verified.
    pub(crate) policy: Option<Policy>,
    pub(crate) roster: Option<Result<Roster, roster::Error>>,
}

/// What was asked, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) id: &'a str,
    pub(crate) action: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) began: Time,
    pub(crate) now: Time,
}

/// An approval of exactly what was asked, claimed by this caller and verified under its policy.
/// Verification alone makes one.
#[derive(Clone, Debug)]
pub struct Approved {
    request_id: String,
    operation: String,
    payload: Vec<u8>,
    decision: String,
    report: Report,
}

impl Approved {
    /// Verifies what a claim has brought.
    pub(crate) fn verify(
        claimed: Claimed,
        operation: &str,
        asked: Asked<'_>,
        trust: &Trust,
    ) -> Result<Self, Denied> {
        same_request(asked.id, &claimed.id)?;
        same_payload(asked.payload, &sha256(&claimed.payload))?;
        same_payload(asked.payload, &claimed.payload_hash)?;
        let report = {
            // With the hash as well these bytes have to be signed, and not the same value in
            // another layout.
            let mut request = Request::new()
                .payload(asked.payload)
                .payload_sha256(sha256(asked.payload))
                .at(asked.now)
                .crypto(&AwsLc);
            request.policy = trust.policy.as_ref();
            request.roster = trust.roster.as_ref();
            verify(claimed.decision.as_bytes(), &request)
        };
        if report.verdict() != Verdict::Verified {
            return Err(not_verified(&report));
        }
        // An old approval of the same payload is authentic as well. The context says which request
        // it was for.
        let signed = report.signed().ok_or_else(|| {
            let message = "the decision does not say which request it was for";
            Denied::new(Reason::OtherRequest, message)
        })?;
        same_request(asked.id, &signed.context.request_id)?;
        if signed.context.action != asked.action {
            let message = "another action was approved";
            return Err(Denied::new(Reason::OtherRequest, message)
                .compared(plain(asked.action), plain(&signed.context.action)));
        }
        let latest = signed.context.expires_at;
        if latest.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS) < asked.began {
            let message = "the decision is about a request that had ended before this one began";
            return Err(Denied::new(Reason::OtherRequest, message)
                .compared(format!("after {}", asked.began), latest.to_string()));
        }
        Ok(Self {
            request_id: claimed.id,
            operation: operation.into(),
            payload: asked.payload.to_vec(),
            decision: claimed.decision,
            report,
        })
    }

    /// The bytes that were approved, which are those that were asked for.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The id of the request: an idempotency key for whatever is to be done.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The id of the operation that has claimed the approval.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The decision, which everybody can verify again: a `cosignet.decision/v1`.
    pub fn decision(&self) -> &str {
        &self.decision
    }

    /// The verifier's report on it.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// Fails unless an id of the gate's is that of the request.
pub(crate) fn same_request(asked: &str, found: &str) -> Result<(), Denied> {
    match asked == found {
        true => Ok(()),
        false => Err(
            Denied::new(Reason::OtherRequest, "the answer is about another request")
                .compared(asked, plain(found)),
        ),
    }
}

/// Fails unless a hash is that of the payload.
pub(crate) fn same_payload(asked: &[u8], found: &[u8; 32]) -> Result<(), Denied> {
    let expected = sha256(asked);
    match expected == *found {
        true => Ok(()),
        false => Err(
            Denied::new(Reason::OtherPayload, "the answer is about another payload")
                .compared(hex(&expected), hex(found)),
        ),
    }
}

fn not_verified(report: &Report) -> Denied {
    let reason = match report.code() {
        Code::TimeInFuture => Reason::ClockSkew,
        Code::PayloadMismatch => Reason::OtherPayload,
        code => Reason::NotVerified(code),
    };
    let message = format!(
        "the decision is {}, {}: {}",
        report.verdict(),
        report.code(),
        report.summary()
    );
    Denied::new(reason, message)
}
