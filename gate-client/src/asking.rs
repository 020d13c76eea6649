//! A request that people are asked about.

use std::time::{Duration, Instant};

use verifier_core::Time;
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;

use crate::answer::Seen;
use crate::approved::same_payload;
use crate::ask::Ask;
use crate::denied::{Denied, Reason};

/// The longest that a request is waited for, whatever the gate says about its end.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A request that people are asked about.
#[derive(Clone, Debug)]
pub struct Asking {
    pub(crate) ask: Ask,
    pub(crate) operation: String,
    pub(crate) seen: Seen,
    /// A request that ended before this is another one.
    pub(crate) began: Time,
    pub(crate) until: Instant,
}

/// Whether a request may have been made before this process asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Age {
    /// Perhaps, by another process or an earlier try.
    Earlier,
    /// It was made just now.
    New,
}

impl Asking {
    /// The gate's id of the request.
    pub fn id(&self) -> &str {
        &self.seen.id
    }

    /// The page on which people decide, as the gate says.
    pub fn url(&self) -> &str {
        &self.seen.url
    }

    /// The end of the time to decide, as the gate says.
    pub fn expires_at(&self) -> Time {
        self.seen.expires
    }

    /// The request, if it is that of the payload and the clocks agree about it.
    pub(crate) fn new(
        ask: Ask,
        operation: String,
        seen: Seen,
        began: Time,
        age: Age,
        now: Time,
    ) -> Result<Self, Denied> {
        same_payload(ask.payload(), &seen.payload_hash)?;
        let skewed = |what: &str| {
            let message = format!("the gate says that {what}");
            let found = seen.created.to_string();
            Err(Denied::new(Reason::ClockSkew, message).compared(format!("about {now}"), found))
        };
        let allowed = |time: Time| time.saturating_add_millis(CLOCK_ALLOWANCE_MILLIS);
        if allowed(now) < seen.created {
            return skewed("the request was made in the future");
        }
        if age == Age::New && allowed(seen.created) < began {
            return skewed("a request that was made just now is older");
        }
        let left = seen.expires.as_millis().saturating_sub(now.as_millis());
        Ok(Self {
            operation,
            began: match age {
                // The gate says when it was made: what is older than any request can be is another
                // one.
                Age::Earlier => began.min(seen.created).max(before(began, LONGEST)),
                Age::New => began,
            },
            until: Instant::now() + Duration::from_millis(left).min(LONGEST),
            ask,
            seen,
        })
    }
}

fn before(time: Time, by: Duration) -> Time {
    let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Time::from_millis(time.as_millis().saturating_sub(by)).unwrap_or(Time::EPOCH)
}
