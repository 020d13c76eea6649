//! The time of this machine.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use verifier_core::Time;

/// A clock that is read once and then goes on by itself, whatever anybody sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Time,
    since: Instant,
    /// Not a test's.
    is_system: bool,
}

impl Clock {
    /// The clock of this machine.
    pub(crate) fn of_system() -> Self {
        Self {
            is_system: true,
            ..Self::at(system())
        }
    }

    /// A clock that shows this time now.
    pub(crate) fn at(start: Time) -> Self {
        Self {
            start,
            since: Instant::now(),
            is_system: false,
        }
    }

    /// The later of this clock and of the machine's as it stands: what ends does not come back when
    /// somebody sets the clock, nor after a sleep that this one has not seen.
    pub(crate) fn latest(&self) -> Time {
        match self.is_system {
            true => self.now().max(system()),
            false => self.now(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start.saturating_add_millis(millis)
    }
}

fn system() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    Time::from_millis(millis).unwrap_or(Time::EPOCH)
}
