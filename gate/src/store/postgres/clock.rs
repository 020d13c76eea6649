//! The clock of the server, as it was seen last: the clocks of several gates need not agree.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use verifier_core::Time;

/// What the server says that it is, in milliseconds since 1970.
pub(super) const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::int8";

/// An answer that took longer is about a moment that is long over.
const FRESH: Duration = Duration::from_secs(1);

/// A clock that was set, and runs on by itself.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<(Instant, u64)>>);

impl ServerClock {
    /// The server has said that it is this moment, to somebody who asked then. An answer that was
    /// long under way does not set the clock back, and is better than none.
    pub(super) fn set(&self, millis: i64, asked: Instant) {
        let millis = u64::try_from(millis).unwrap_or(0);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none() || asked.elapsed() <= FRESH {
            *seen = Some((Instant::now(), millis));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_answer_does_not_set_it_back() {
        let clock = ServerClock::default();
        let long_ago = Instant::now().checked_sub(FRESH * 2).unwrap();
        clock.set(5_000, long_ago);
        assert!((5_000..6_000).contains(&clock.now().as_millis()));
        clock.set(9_000, Instant::now());
        clock.set(1_000, long_ago);
        assert!((9_000..10_000).contains(&clock.now().as_millis()));
    }
}
