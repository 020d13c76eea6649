//! How often somebody may ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An even pace, of which one second may be used up at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// When the requests that were counted would have come at the even pace.
    due: Option<Instant>,
}

impl Pace {
    const BURST: Duration = Duration::from_secs(1);

    /// Counts a request at `now`, if there is one `every` so often in the long run.
    ///
    /// # Errors
    ///
    /// How long it is until a request is taken again. This one is not counted.
    pub fn take(&mut self, every: Duration, now: Instant) -> Result<(), Duration> {
        let ahead = self
            .due
            .map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        let ahead = ahead.saturating_add(every);
        if ahead > Self::BURST.max(every) {
            return Err(ahead.saturating_sub(Self::BURST.max(every)));
        }
        self.due = now.checked_add(ahead);
        Ok(())
    }
}

/// A pace for each of many. Everybody who is counted is remembered, so count only those of whom
/// there is a limited number: holders of tokens, not addresses.
#[derive(Debug)]
pub struct Paces<K> {
    /// Between two requests of one of them, in the long run.
    every: Duration,
    paces: Mutex<HashMap<K, Pace>>,
}

impl<K: Clone + Eq + Hash> Paces<K> {
    /// So many requests a second for each; at least one.
    pub fn new(per_second: u32) -> Self {
        Self {
            every: Duration::from_secs(1) / per_second.max(1),
            paces: Mutex::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// In how many seconds the next one will be taken. This one is not counted.
    pub fn take(&self, who: &K, now: Instant) -> Result<(), u32> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match paces.get_mut(who) {
            Some(pace) => pace.take(self.every, now),
            None => paces.entry(who.clone()).or_default().take(self.every, now),
        };
        taken.map_err(|wait| {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            seconds.saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_pace_of_its_own() {
        let (paces, begin) = (Paces::new(10), Instant::now());
        for _ in 0..10 {
            assert_eq!(paces.take(&"a", begin), Ok(()));
        }
        assert_eq!(paces.take(&"a", begin), Err(1));
        assert_eq!(paces.take(&"b", begin), Ok(()));
    }

    #[test]
    fn one_a_second_is_one_a_second() {
        let (paces, begin) = (Paces::new(1), Instant::now());
        assert_eq!(paces.take(&"a", begin), Ok(()));
        assert_eq!(paces.take(&"a", begin), Err(2));
        assert_eq!(paces.take(&"a", begin + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn one_second_at_once_and_then_an_even_pace() {
        let every = Duration::from_millis(100);
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let mut taken = |at: u64| {
            let now = begin + Duration::from_millis(at);
            (0..100).filter(|_| pace.take(every, now).is_ok()).count()
        };
        assert_eq!(taken(0), 10);
        assert_eq!(taken(0), 0);
        // A refusal costs nothing.
        assert_eq!(taken(100), 1);
        assert_eq!(taken(600), 5);
        assert_eq!(taken(3_600_000), 10);
    }

    #[test]
    fn who_is_refused_hears_when_to_come_back() {
        let begin = Instant::now();
        for every in [Duration::from_secs(1), Duration::from_secs(5)] {
            let mut pace = Pace::default();
            assert_eq!(pace.take(every, begin), Ok(()));
            assert_eq!(pace.take(every, begin), Err(every));
            let early = begin + every - Duration::from_millis(1);
            assert_eq!(pace.take(every, early), Err(Duration::from_millis(1)));
            assert_eq!(pace.take(every, begin + every), Ok(()));
        }
    }
}
