//! How often each token may ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serving::Pace;

/// Only who holds a token of this log is counted, so there are no more entries than tokens.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Between two requests, in the long run.
    every: Duration,
    paces: Mutex<HashMap<String, Pace>>,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            every: Duration::from_secs(1) / per_second.max(1),
            paces: Mutex::default(),
        }
    }

    /// Counts a request, or says in how many seconds the next one will be taken.
    pub(crate) fn take(&self, token: &str, now: Instant) -> Result<(), u32> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(token.to_owned()).or_default();
        pace.take(self.every, now).map_err(|wait| {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            seconds.saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_a_pace_of_its_own() {
        let rate = Rate::new(10);
        let begin = Instant::now();
        for _ in 0..10 {
            assert_eq!(rate.take("a", begin), Ok(()));
        }
        assert_eq!(rate.take("a", begin), Err(1));
        assert_eq!(rate.take("b", begin), Ok(()));
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
