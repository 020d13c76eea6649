//! Refusals of the log, in HTTP.

use serving::{BodyError, Problem, Refused};
use verifier_core::code::Effect;

use crate::error::LogError;
use crate::refusal::{Reason, Refusal};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.reason;
        let problem = Self::new(status(reason), reason.code(), refusal.detail)
            .compared(refusal.expected, refusal.found)
            .successor(refusal.successor);
        match retry_after(reason) {
            Some(seconds) => problem.retry(seconds),
            None => problem,
        }
    }
}

impl From<LogError> for Problem {
    fn from(failure: LogError) -> Self {
        Refusal::from(failure).into()
    }
}

fn status(reason: Reason) -> u16 {
    match reason {
        Reason::NotJson | Reason::Schema => 400,
        Reason::Unknown => 404,
        Reason::AssertionReused | Reason::Conflict => 409,
        Reason::Closed => 410,
        Reason::TooLarge => 413,
        Reason::DecidedAt => 422,
        Reason::Damaged
        | Reason::Frozen
        | Reason::HeldBack
        | Reason::Internal
        | Reason::NotLeading
        | Reason::NotPublished
        | Reason::Overloaded
        | Reason::Predecessor => 503,
        Reason::Verifier(code) => match code.effect() {
            Effect::Malformed => 400,
            _ => 422,
        },
    }
}

/// The seconds after which the same request may succeed.
fn retry_after(reason: Reason) -> Option<u32> {
    match reason {
        Reason::Damaged | Reason::Frozen => Some(60),
        Reason::HeldBack | Reason::Predecessor => Some(30),
        Reason::Internal | Reason::NotLeading | Reason::NotPublished | Reason::Overloaded => {
            Some(1)
        }
        _ => None,
    }
}

/// A body that is not read.
pub(super) fn body(error: BodyError) -> Problem {
    match error {
        BodyError::Room(refused) => no_room(refused),
        error => error.into(),
    }
}

/// 429 for a client that asks too much, 503 with the log's own code if it is all too much.
pub(super) fn no_room(refused: Refused) -> Problem {
    match refused {
        Refused::Full(_) => Refusal::new(Reason::Overloaded, refused.to_string()).into(),
        refused => refused.into(),
    }
}
