//! The time of this machine.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use verifier_core::Time;

/// A clock that is read once and then goes on by itself, whatever anybody sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Time,
    since: Instant,
}

impl Clock {
    /// The clock of this machine.
    pub(crate) fn of_system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        Self::at(Time::from_millis(millis).unwrap_or(Time::EPOCH))
    }

    /// A clock that shows this time now.
    pub(crate) fn at(start: Time) -> Self {
        let since = Instant::now();
        Self { start, since }
    }

    pub(crate) fn now(&self) -> Time {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start.saturating_add_millis(millis)
    }
}
