//! How often break-glass was reported, in this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::refusal::{Reason, Refusal};

/// How many uses a key may report in an hour: those of two grants.
const HOURLY: u32 = 200;

/// How often each key has reported a use within the hour. It is forgotten at the end of the process.
#[derive(Debug, Default)]
pub(crate) struct Hours(Mutex<HashMap<String, (Instant, u32)>>);

impl Hours {
    pub(super) fn take(&self, key: &str, now: Instant) -> Result<(), Refusal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = all.entry(key.to_owned()).or_insert((now, 0));
        if now.saturating_duration_since(*began) >= Duration::from_secs(60 * 60) {
            (*began, *count) = (now, 0);
        }
        if *count >= HOURLY {
            let detail = format!("The key has reported {HOURLY} uses of break-glass in this hour.");
            return Err(Refusal::new(Reason::KeyLimit, detail));
        }
        *count += 1;
        Ok(())
    }
}

/// How many uses were recorded since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    valid: AtomicU64,
    invalid: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, valid: bool) {
        let count = match valid {
            true => &self.valid,
            false => &self.invalid,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The word for a count, and the count.
    pub(crate) fn all(&self) -> [(&'static str, u64); 2] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("valid", read(&self.valid)),
            ("invalid", read(&self.invalid)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reports_so_many_uses_in_an_hour() {
        let (hours, begin) = (Hours::default(), Instant::now());
        for _ in 0..HOURLY {
            hours.take("a", begin).unwrap();
        }
        let late = begin + Duration::from_secs(60 * 60 - 1);
        let refused = hours.take("a", late).unwrap_err();
        assert_eq!(refused.reason, Reason::KeyLimit);
        hours.take("b", late).unwrap();
        hours.take("a", late + Duration::from_secs(1)).unwrap();
    }
}
