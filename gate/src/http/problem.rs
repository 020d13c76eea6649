//! Refusals of the gate, in HTTP.

use hyper::header;
use serving::Problem;
use verifier_core::code::Effect;

use crate::refusal::{Reason, Refusal};
use crate::store::{StoreError, Trouble};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.reason;
        let problem = Self::new(status(reason), reason.code(), refusal.detail)
            .compared(refusal.expected, refusal.found);
        match retry_after(reason) {
            Some(seconds) => problem.retry(seconds),
            None => problem,
        }
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) => refusal.into(),
            Trouble::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // Where the database is, and why it fails, is for the operator.
        tracing::error!("{error}");
        Refusal::internal().into()
    }
}

/// The status that a reason has.
fn status(reason: Reason) -> u16 {
    match reason {
        Reason::NotJson | Reason::Schema | Reason::IdempotencyMissing => 400,
        Reason::SessionMissing => 401,
        Reason::ApproverNotAsked
        | Reason::ApproverRequester
        | Reason::AuthenticatorSynced
        | Reason::ClaimNotAllowed
        | Reason::RuleNone => 403,
        Reason::ChannelUnknown
        | Reason::DeliveryUnknown
        | Reason::InviteUnknown
        | Reason::Unknown => 404,
        Reason::ApproverNotNeeded
        | Reason::ApproverSigned
        | Reason::BreakGlassReused
        | Reason::ChannelDisabled
        | Reason::ChannelLimit
        | Reason::ClaimNotApproved
        | Reason::ClaimTaken
        | Reason::CredentialKnown
        | Reason::DecisionMade
        | Reason::DecisionNotLogged
        | Reason::NameTaken
        | Reason::ResultOther => 409,
        Reason::ClaimExpired | Reason::DecisionExpired | Reason::Erased => 410,
        Reason::ApproverUnknown
        | Reason::ChannelAddress
        | Reason::ClaimMismatch
        | Reason::IdempotencyReused
        | Reason::MailAddress
        | Reason::PayloadNotCanonical
        | Reason::PayloadNotJson
        | Reason::PayloadTooLarge
        | Reason::PayloadTooManyFields
        | Reason::SessionRefused => 422,
        Reason::KeyLimit | Reason::PersonLimit => 429,
        Reason::ClockBehind | Reason::Internal => 503,
        Reason::Verifier(code) => match code.effect() {
            Effect::Malformed => 400,
            _ => 422,
        },
    }
}

/// Whether the caller can mend it: it is no matter of time, nor the gate's own trouble.
pub(super) fn is_callers(reason: Reason) -> bool {
    !matches!(status(reason), 429 | 503)
}

/// The seconds after which the same call may succeed.
fn retry_after(reason: Reason) -> Option<u32> {
    match reason {
        Reason::DecisionNotLogged | Reason::Internal => Some(1),
        Reason::KeyLimit | Reason::PersonLimit => Some(10),
        Reason::ClockBehind => Some(60),
        _ => None,
    }
}

/// 401 for somebody without a valid key.
pub(super) fn no_key() -> Problem {
    serving::token::unauthorized(
        "This needs `X-Api-Key: <key>` or `Authorization: Bearer <key>` with a key of this gate.",
    )
}

/// 429 for a key that comes too often.
pub(super) fn too_often(seconds: u32) -> Problem {
    let detail = "This key asks too often.";
    Problem::new(429, "request.too_many", detail).retry(seconds)
}

/// 304 for what the caller has already.
pub(super) fn not_modified(tag: &str) -> serving::Answer {
    let mut answer = serving::Answer::new(http_body_util::Full::default());
    *answer.status_mut() = hyper::StatusCode::NOT_MODIFIED;
    if let Ok(tag) = header::HeaderValue::from_str(tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}
