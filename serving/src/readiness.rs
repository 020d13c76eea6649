//! Whether a server does its work, and if not, why: what `/readyz` says.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::StatusCode;

use crate::answer::{self, Answer};
use crate::problem::Problem;
use crate::room::{self, Room};

/// The parts that are in trouble at the moment, and the rooms that may be exhausted.
#[derive(Debug, Default)]
pub struct Readiness {
    rooms: Vec<Arc<Room>>,
    troubles: Mutex<BTreeMap<&'static str, Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    why: String,
    since: Instant,
}

impl Readiness {
    /// Nothing is in trouble, and these rooms are watched.
    pub fn new(rooms: Vec<Arc<Room>>) -> Self {
        let troubles = Mutex::default();
        Self { rooms, troubles }
    }

    /// Says that a part is in trouble, and why. `true` if it was not before.
    pub fn trouble(&self, part: &'static str, why: impl Into<String>) -> bool {
        let why = why.into();
        match self.lock().entry(part) {
            Entry::Occupied(mut known) => {
                known.get_mut().why = why;
                false
            }
            Entry::Vacant(new) => {
                let since = Instant::now();
                new.insert(Trouble { why, since });
                true
            }
        }
    }

    /// Says that a part is well. `true` if it was not before.
    pub fn well(&self, part: &'static str) -> bool {
        self.lock().remove(part).is_some()
    }

    /// Since when a part is in trouble, if it is, whatever the reasons were meanwhile.
    pub fn since(&self, part: &str) -> Option<Instant> {
        self.lock().get(part).map(|trouble| trouble.since)
    }

    /// Everything that is in trouble.
    pub fn reasons(&self) -> Vec<String> {
        let troubles: Vec<String> = self.lock().values().map(|it| it.why.clone()).collect();
        let rooms = self.rooms.iter().filter_map(|room| room.trouble());
        troubles.into_iter().chain(rooms).collect()
    }

    /// The figures of the rooms for Prometheus, under names that begin with `prefix`.
    pub fn metrics(&self, prefix: &str) -> String {
        room::metrics(prefix, &self.rooms)
    }

    /// The answer of `/readyz`.
    ///
    /// # Errors
    ///
    /// 503 with this code and every reason, if anything is in trouble.
    pub fn answer(&self, code: &'static str) -> Result<Answer, Problem> {
        let reasons = self.reasons();
        match reasons.is_empty() {
            true => Ok(answer::text(StatusCode::OK, "ready\n")),
            false => Err(Problem::new(503, code, reasons.join("; ")).retry(1)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_said_until_it_is_gone() {
        let room = Room::new("bodies", 2);
        let ready = Readiness::new(vec![Arc::clone(&room)]);
        assert_eq!(ready.answer("x.busy").unwrap().status(), 200);
        assert!(ready.trouble("disk", "the disk is full"));
        let since = ready.since("disk");
        assert!(!ready.trouble("disk", "the disk is still full"));
        assert!(since.is_some() && ready.since("disk") == since);
        let held = room.take(None, 2).unwrap();
        let refused = ready.answer("x.busy").unwrap_err().to_json();
        assert!(
            refused.contains("the disk is still full; the bodies are exhausted: 2 of 2"),
            "{refused}"
        );
        drop(held);
        assert!(ready.well("disk"));
        assert!(!ready.well("disk"));
        assert_eq!(ready.since("disk"), None);
        assert_eq!(ready.answer("x.busy").unwrap().status(), 200);
    }
}
