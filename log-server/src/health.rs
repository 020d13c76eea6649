//! Whether the log does its work: what `/readyz` says, and whether it takes on more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serving::{Readiness, Room, prometheus};

use crate::failpoint;
use crate::refusal::{Reason, Refusal};
use crate::store::Closing;

/// How long publication may be held back before nothing more is admitted. An entry that waits for
/// its publication uses up what the log has promised for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The database: nothing but a restart shows that it is mended.
const DATABASE: &str = "database";
/// The files of the tree.
const FILES: &str = "files";
/// A database that went back.
const FROZEN: &str = "frozen";
/// The way of committed heads to the public.
const PUBLICATION: &str = "publication";

/// The troubles of the moment.
#[derive(Debug)]
pub(crate) struct Health {
    ready: Readiness,
    /// The reason for which nobody leads the log any more.
    frozen: Mutex<Option<String>>,
    /// The end of the log, as far as this process has heard of it.
    closed: Mutex<Option<Closing>>,
    /// The reason for which this process does not lead, although nobody else does.
    unable: Mutex<Option<String>>,
}

impl Health {
    /// A log that does its work as long as these rooms are not exhausted.
    pub(crate) fn new(rooms: Vec<Arc<Room>>) -> Self {
        let ready = Readiness::new(rooms);
        Self {
            ready,
            frozen: Mutex::default(),
            closed: Mutex::default(),
            unable: Mutex::default(),
        }
    }

    /// Nothing was published for this reason; it is tried again.
    pub(crate) fn held_back(&self, why: &str) {
        if self.ready.trouble(PUBLICATION, why) {
            tracing::error!(why, "publication is held back");
        }
    }

    /// Everything that is committed is published.
    pub(crate) fn published(&self) {
        if self.ready.well(PUBLICATION) {
            tracing::info!("publishing again");
        }
    }

    /// Nothing can be appended until somebody has looked.
    pub(crate) fn damaged(&self, why: &str) {
        self.ready.trouble(DATABASE, why);
    }

    /// Nobody leads the log any more, nor will in this database.
    pub(crate) fn freeze(&self, why: &str) {
        self.ready.trouble(FROZEN, why);
        if held(&self.frozen).replace(why.to_owned()).is_none() {
            tracing::error!(why, "the log is frozen");
        }
    }

    /// The database is one that is not frozen.
    pub(crate) fn thaw(&self) {
        self.ready.well(FROZEN);
        if held(&self.frozen).take().is_some() {
            tracing::info!("the database is one that is not frozen");
        }
    }

    /// The reason for which nobody leads the log any more, if that is so.
    pub(crate) fn frozen(&self) -> Option<String> {
        held(&self.frozen).clone()
    }

    /// The log takes no new entries any more.
    pub(crate) fn close(&self, closing: Closing) {
        let at = closing.at.clone();
        if held(&self.closed).replace(closing).is_none() {
            tracing::info!(at, "the log is closed: it takes no new entries");
        }
    }

    /// The end of the log, as far as this process has heard of it.
    pub(crate) fn closing(&self) -> Option<Closing> {
        held(&self.closed).clone()
    }

    /// This process has tried to lead, and cannot; `None`: somebody does.
    pub(crate) fn lead(&self, unable: Option<String>) {
        *held(&self.unable) = unable;
    }

    /// The reason for which this process does not lead, if nobody else does.
    pub(crate) fn unable(&self) -> Option<String> {
        held(&self.unable).clone()
    }

    /// Whether new entries may be admitted.
    pub(crate) fn admits(&self) -> bool {
        let patience = failpoint::patience().unwrap_or(PATIENCE);
        let held = self.ready.since(PUBLICATION);
        held.is_none_or(|since| since.elapsed() <= patience)
    }

    /// Why the log is not ready, if it is not. `file` says which file of the tree cannot be used,
    /// if one cannot.
    pub(crate) fn refusal(&self, file: Option<String>) -> Option<Refusal> {
        match file {
            Some(why) => self.ready.trouble(FILES, why),
            None => self.ready.well(FILES),
        };
        let reasons = self.ready.reasons();
        let is_troubled = |part| self.ready.since(part).is_some();
        let reason = match () {
            () if is_troubled(FROZEN) => Reason::Frozen,
            () if is_troubled(PUBLICATION) => Reason::NotPublished,
            () if is_troubled(DATABASE) || is_troubled(FILES) => Reason::Damaged,
            () => Reason::Overloaded,
        };
        (!reasons.is_empty()).then(|| Refusal::new(reason, reasons.join("; ")))
    }

    /// The figures for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let mut out = String::new();
        for (name, help, holds) in [
            (
                "cosignet_log_publication_held_back",
                "1 while what is committed cannot be published.",
                self.ready.since(PUBLICATION).is_some(),
            ),
            (
                "cosignet_log_frozen",
                "1 if the database went back behind what the log has signed: nobody leads it.",
                self.frozen().is_some(),
            ),
            (
                "cosignet_log_closed",
                "1 if the log takes no new entries any more, for ever.",
                self.closing().is_some(),
            ),
        ] {
            prometheus::head(&mut out, name, "gauge", help);
            out += &format!("{name} {}\n", u8::from(holds));
        }
        out + &self.ready.metrics("cosignet_log")
    }
}

fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_frozen_as_long_as_its_database_is() {
        let health = Health::new(Vec::new());
        health.freeze("it went back");
        assert_eq!(health.frozen().as_deref(), Some("it went back"));
        assert_eq!(health.refusal(None).unwrap().reason, Reason::Frozen);
        assert!(health.metrics().contains("cosignet_log_frozen 1\n"));
        health.thaw();
        assert_eq!(health.frozen(), None);
        assert_eq!(health.refusal(None), None);
        assert!(health.metrics().contains("cosignet_log_frozen 0\n"));
    }
}
