//! How many requests a second are looked at.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// As many requests at once as come in a second, refilled steadily.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    left: Mutex<(f64, Instant)>,
}

impl Rate {
    pub(super) fn new(per_second: u16) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            left: Mutex::new((per_second, Instant::now())),
        }
    }

    /// Whether one more request may be looked at now.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, since) = *left;
        let more = now.saturating_duration_since(since).as_secs_f64() * self.per_second;
        let tokens = (tokens + more).min(self.per_second);
        let taken = tokens >= 1.0;
        *left = (if taken { tokens - 1.0 } else { tokens }, now);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn gives_out_as_much_as_comes_in() {
        let rate = Rate::new(10);
        let begin = Instant::now();
        let taken = |at: u64| {
            (0..100)
                .filter(|_| rate.take(begin + Duration::from_millis(at)))
                .count()
        };
        assert_eq!(taken(0), 10);
        assert_eq!(taken(0), 0);
        assert_eq!(taken(500), 5);
        assert_eq!(taken(100_000), 10);
        assert!(!Rate::new(0).take(begin));
    }
}
