//! How often each token may ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Only who holds a token of this log is counted, so there are no more entries than tokens.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Between two requests, in the long run.
    every: Duration,
    /// When each token would be at its even pace again.
    due: Mutex<HashMap<String, Instant>>,
}

impl Rate {
    /// How far ahead of its even pace a token may be.
    const BURST: Duration = Duration::from_secs(1);

    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            every: Duration::from_secs(1) / per_second.max(1),
            due: Mutex::default(),
        }
    }

    /// Counts a request, or says in how many seconds the next one will be taken.
    pub(crate) fn take(&self, token: &str, now: Instant) -> Result<(), u32> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = due
            .get(token)
            .map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        if ahead + self.every > Self::BURST.max(self.every) {
            let wait = (ahead + self.every).saturating_sub(Self::BURST);
            return Err(u32::try_from(wait.as_secs())
                .unwrap_or(u32::MAX)
                .saturating_add(1));
        }
        due.insert(token.to_owned(), now + ahead + self.every);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_a_burst_of_one_second_and_then_its_pace() {
        let rate = Rate::new(10);
        let begin = Instant::now();
        for _ in 0..10 {
            assert_eq!(rate.take("a", begin), Ok(()));
        }
        assert_eq!(rate.take("a", begin), Err(1));
        assert_eq!(rate.take("b", begin), Ok(()));
        // A refusal costs nothing.
        let later = begin + Duration::from_millis(100);
        assert_eq!(rate.take("a", later), Ok(()));
        assert_eq!(rate.take("a", later), Err(1));
        let much_later = begin + Duration::from_secs(3600);
        let taken = (0..100).filter(|_| rate.take("a", much_later).is_ok());
        assert_eq!(taken.count(), 10);
    }

    #[test]
    fn one_a_second_is_one_a_second() {
        let rate = Rate::new(1);
        let begin = Instant::now();
        assert_eq!(rate.take("a", begin), Ok(()));
        assert_eq!(rate.take("a", begin), Err(2));
        assert_eq!(rate.take("a", begin + Duration::from_secs(1)), Ok(()));
    }
}
