//! What Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    appended: AtomicU64,
    batches: AtomicU64,
    publish_micros: AtomicU64,
    queue: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Metrics {
    pub(crate) fn appended(&self, entries: usize) {
        self.appended.fetch_add(crate::count(entries), Relaxed);
    }

    /// A batch went from queue to checkpoint in this time.
    pub(crate) fn published(&self, took: Duration) {
        self.batches.fetch_add(1, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.publish_micros.fetch_add(micros, Relaxed);
    }

    pub(crate) fn queue(&self, waiting: usize) {
        self.queue.store(crate::count(waiting), Relaxed);
    }

    pub(crate) fn refused(&self, code: &'static str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(code).or_default() += 1;
    }

    /// The text format. `size` is that of the published tree.
    pub(crate) fn render(&self, size: u64) -> String {
        let mut out = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: String| {
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        };
        let load = |counter: &AtomicU64| counter.load(Relaxed).to_string();
        let micros = self.publish_micros.load(Relaxed);
        let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        one(
            "cosignet_log_tree_size",
            "gauge",
            "Entries under the published checkpoint.",
            size.to_string(),
        );
        one(
            "cosignet_log_appended_total",
            "counter",
            "Entries committed since the start.",
            load(&self.appended),
        );
        one(
            "cosignet_log_queue_depth",
            "gauge",
            "Requests that waited when the last batch began.",
            load(&self.queue),
        );
        one(
            "cosignet_log_publish_seconds_sum",
            "counter",
            "Time from the begin of batches to their publication.",
            seconds,
        );
        one(
            "cosignet_log_publish_seconds_count",
            "counter",
            "Batches published since the start.",
            load(&self.batches),
        );
        out.push_str("# HELP cosignet_log_refused_total Error answers by code.\n");
        out.push_str("# TYPE cosignet_log_refused_total counter\n");
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        for (code, count) in refused.iter() {
            let _ = writeln!(out, "cosignet_log_refused_total{{code=\"{code}\"}} {count}");
        }
        out
    }
}
