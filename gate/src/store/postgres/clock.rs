//! The clock of the server, as it was seen last: the clocks of several gates need not agree.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use verifier_core::Time;

/// What the server says that it is, in milliseconds since 1970.
pub(super) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::int8";

/// A clock that was set, and runs on by itself.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<(Instant, u64)>>);

impl ServerClock {
    /// The server has said just now that it is this moment.
    pub(super) fn set(&self, millis: i64) {
        let millis = u64::try_from(millis).unwrap_or(0);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), millis));
    }

    pub(super) fn now(&self) -> Time {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((at, millis)) = seen else {
            return crate::now();
        };
        let since = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Time::from_millis(millis.saturating_add(since)).unwrap_or(Time::EPOCH)
    }
}
