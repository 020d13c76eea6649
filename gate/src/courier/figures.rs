//! Figures of deliveries for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serving::prometheus::{head, label};
use verifier_core::Time;

use crate::delivery::{Backlog, Lane, Outcome};

/// Tries since the start, and the backlog.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tries: BTreeMap<(Lane, &'static str), u64>,
    backlog: Vec<(Lane, Backlog)>,
}

impl Figures {
    pub(super) fn count(&self, lane: &Lane, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Delivered(_) => "delivered",
            Outcome::Failed { .. } => "failed",
            Outcome::Never(_) => "never",
            Outcome::Gone(_) => "gone",
            Outcome::Moot => "moot",
        };
        let mut inner = self.lock();
        let count = inner.tries.entry((lane.clone(), outcome)).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn keep(&self, backlog: Vec<(Lane, Backlog)>) {
        self.lock().backlog = backlog;
    }

    pub(crate) fn write(&self, out: &mut String, now: Time) {
        let inner = self.lock();
        let name = "cosignet_gate_delivery_tries_total";
        head(
            out,
            name,
            "counter",
            "Tries to deliver, by receiver and outcome.",
        );
        for ((lane, outcome), count) in &inner.tries {
            let to = label(lane.label());
            let _infallible = writeln!(out, "{name}{{to={to},outcome=\"{outcome}\"}} {count}");
        }
        let name = "cosignet_gate_deliveries";
        head(
            out,
            name,
            "gauge",
            "What is not delivered: waiting, or given up.",
        );
        for (lane, open) in &inner.backlog {
            let to = label(lane.label());
            for (state, count) in [("waiting", open.waiting), ("dead", open.dead)] {
                let _infallible = writeln!(out, "{name}{{to={to},state=\"{state}\"}} {count}");
            }
        }
        let name = "cosignet_gate_delivery_age_seconds";
        head(out, name, "gauge", "Age of the oldest delivery that waits.");
        for (lane, open) in &inner.backlog {
            let age = |at: Time| now.as_millis().saturating_sub(at.as_millis()) / 1000;
            let age = open.oldest.map_or(0, age);
            let _infallible = writeln!(out, "{name}{{to={}}} {age}", label(lane.label()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
