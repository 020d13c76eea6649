//! Figures for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serving::prometheus::head;

/// Upper bounds in entries.
const BATCH: [u64; 7] = [1, 4, 16, 64, 256, 512, 1024];

/// Upper bounds in microseconds.
const PUBLISH: [u64; 8] = [
    5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

#[derive(Debug)]
pub(crate) struct Metrics {
    appended: AtomicU64,
    batch: Histogram<7>,
    publish: Histogram<8>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            appended: AtomicU64::default(),
            batch: Histogram::new(BATCH),
            publish: Histogram::new(PUBLISH),
            refused: Mutex::default(),
        }
    }
}

impl Metrics {
    /// A batch of new entries was committed.
    pub(crate) fn appended(&self, entries: usize) {
        let entries = crate::count(entries);
        self.appended.fetch_add(entries, Relaxed);
        self.batch.add(entries);
    }

    /// A batch went from queue to checkpoint in this time.
    pub(crate) fn published(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.publish.add(micros);
    }

    pub(crate) fn refused(&self, code: &'static str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(code).or_default() += 1;
    }

    /// The time, in milliseconds, in which nine of ten batches were published, rounded up to one of
    /// the bounds; `None` before there were any, or beyond the last bound.
    pub(crate) fn nine_of_ten_within(&self) -> Option<u64> {
        let counts = self.publish.counts.iter().map(|count| count.load(Relaxed));
        let all = counts.clone().sum::<u64>() + self.publish.above.load(Relaxed);
        let mut below = 0_u64;
        for (bound, count) in PUBLISH.iter().zip(counts) {
            below += count;
            if all > 0 && below * 10 >= all * 9 {
                return Some(bound / 1000);
            }
        }
        None
    }

    /// The text format. `size` is that of the published tree, `queue` the number of requests that
    /// wait.
    pub(crate) fn render(&self, size: u64, queue: usize) -> String {
        let mut out = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: u64| {
            head(&mut out, name, kind, help);
            let _ = writeln!(out, "{name} {value}");
        };
        one(
            "cosignet_log_tree_size",
            "gauge",
            "Entries under the published checkpoint.",
            size,
        );
        one(
            "cosignet_log_appended_total",
            "counter",
            "Entries committed since the start.",
            self.appended.load(Relaxed),
        );
        one(
            "cosignet_log_queue_depth",
            "gauge",
            "Appends that nobody has taken up. Up to 1024 more wait in the next batch.",
            crate::count(queue),
        );
        self.batch.render(
            &mut out,
            "cosignet_log_batch_entries",
            "New entries of each batch.",
            |entries| entries.to_string(),
        );
        self.publish.render(
            &mut out,
            "cosignet_log_publish_seconds",
            "From the begin of a batch to its publication.",
            |micros| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        );
        let name = "cosignet_log_refused_total";
        head(&mut out, name, "counter", "Error answers by code.");
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        for (code, count) in refused.iter() {
            let _ = writeln!(out, "{name}{{code=\"{code}\"}} {count}");
        }
        out
    }
}

#[derive(Debug)]
struct Histogram<const N: usize> {
    bounds: [u64; N],
    /// Below each bound and above the one before.
    counts: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    fn new(bounds: [u64; N]) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; N],
            above: AtomicU64::default(),
            sum: AtomicU64::default(),
        }
    }

    fn add(&self, value: u64) {
        let mut places = self.bounds.iter().zip(&self.counts);
        let place = places.find(|(bound, _)| value <= **bound);
        let count = place.map_or(&self.above, |(_, count)| count);
        count.fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    fn render(&self, out: &mut String, name: &str, help: &str, write: fn(u64) -> String) {
        head(out, name, "histogram", help);
        let mut total = 0;
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            total += count.load(Relaxed);
            let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {total}", write(*bound));
        }
        total += self.above.load(Relaxed);
        let sum = write(self.sum.load(Relaxed));
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {total}");
        let _ = writeln!(out, "{name}_sum {sum}\n{name}_count {total}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_are_cumulative() {
        let metrics = Metrics::default();
        for entries in [1, 3, 1000, 5000] {
            metrics.appended(entries);
        }
        metrics.published(Duration::from_millis(7));
        let text = metrics.render(6004, 2);
        for line in [
            "cosignet_log_tree_size 6004",
            "cosignet_log_queue_depth 2",
            "cosignet_log_appended_total 6004",
            "cosignet_log_batch_entries_bucket{le=\"1\"} 1",
            "cosignet_log_batch_entries_bucket{le=\"4\"} 2",
            "cosignet_log_batch_entries_bucket{le=\"512\"} 2",
            "cosignet_log_batch_entries_bucket{le=\"1024\"} 3",
            "cosignet_log_batch_entries_bucket{le=\"+Inf\"} 4",
            "cosignet_log_batch_entries_sum 6004",
            "cosignet_log_publish_seconds_bucket{le=\"0.005000\"} 0",
            "cosignet_log_publish_seconds_bucket{le=\"0.010000\"} 1",
            "cosignet_log_publish_seconds_sum 0.007000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
