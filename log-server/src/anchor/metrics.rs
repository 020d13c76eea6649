//! Figures about anchors, for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use serving::prometheus::head;

/// Counters and gauges.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    stamped: AtomicU64,
    resubmitted: AtomicU64,
    anchored: AtomicU64,
    pending: AtomicU64,
    overdue: AtomicU64,
    oldest: AtomicU64,
    failures: Mutex<BTreeMap<String, u64>>,
}

/// How far the anchored heads are behind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct State {
    /// The largest anchored tree.
    pub(super) anchored: u64,
    /// Heads that wait for a block.
    pub(super) pending: u64,
    /// Those of them that have waited too long.
    pub(super) overdue: u64,
    /// How long the oldest of them has waited, in seconds.
    pub(super) oldest: u64,
}

impl Metrics {
    pub(super) fn stamped(&self) {
        self.stamped.fetch_add(1, Relaxed);
    }

    pub(super) fn resubmitted(&self) {
        self.resubmitted.fetch_add(1, Relaxed);
    }

    /// A failure of a calendar, of the header source, or of the files here.
    pub(super) fn failed(&self, whose: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(whose.into()).or_default() += 1;
    }

    pub(super) fn set(&self, state: State) {
        self.anchored.store(state.anchored, Relaxed);
        self.pending.store(state.pending, Relaxed);
        self.overdue.store(state.overdue, Relaxed);
        self.oldest.store(state.oldest, Relaxed);
    }

    /// The text format.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for (name, kind, help, value) in [
            (
                "anchor_stamps_total",
                "counter",
                "Heads that calendars took since the start.",
                &self.stamped,
            ),
            (
                "anchor_resubmissions_total",
                "counter",
                "Heads stamped again because no block came.",
                &self.resubmitted,
            ),
            (
                "anchored_tree_size",
                "gauge",
                "Entries under the largest head that is in a block.",
                &self.anchored,
            ),
            (
                "anchor_pending",
                "gauge",
                "Heads that wait for a block.",
                &self.pending,
            ),
            (
                "anchor_overdue",
                "gauge",
                "Heads that have waited too long for a block.",
                &self.overdue,
            ),
            (
                "anchor_oldest_pending_seconds",
                "gauge",
                "How long the oldest of them has waited.",
                &self.oldest,
            ),
        ] {
            let (name, value) = (format!("cosignet_log_{name}"), value.load(Relaxed));
            head(&mut out, &name, kind, help);
            let _ = writeln!(out, "{name} {value}");
        }
        let name = "cosignet_log_anchor_failures_total";
        let help = "Failures by calendar, header source or archive.";
        head(&mut out, name, "counter", help);
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, count) in failures.iter() {
            let _ = writeln!(out, "{name}{{source=\"{whose}\"}} {count}");
        }
        out
    }
}
