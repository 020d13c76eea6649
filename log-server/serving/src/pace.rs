//! How often somebody may ask.

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

#[cfg(test)]
mod tests {
    use super::*;

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
