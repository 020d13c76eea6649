//! Whether a server does its work, and if not, why: what `/readyz` says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;

use crate::answer::{self, Answer};
use crate::problem::Problem;
use crate::room::{self, Room};

/// The parts that are in trouble at the moment, and the rooms that may be exhausted.
#[derive(Debug, Default)]
pub struct Readiness {
    rooms: Vec<Arc<Room>>,
    troubles: Mutex<BTreeMap<&'static str, String>>,
}

impl Readiness {
    /// Nothing is in trouble, and these rooms are watched.
    pub fn new(rooms: Vec<Arc<Room>>) -> Self {
        let troubles = Mutex::default();
        Self { rooms, troubles }
    }

    /// Says that a part is in trouble, and why. `true` if it was not before.
    pub fn trouble(&self, part: &'static str, why: impl Into<String>) -> bool {
        self.lock().insert(part, why.into()).is_none()
    }

    /// Says that a part is well. `true` if it was not before.
    pub fn well(&self, part: &'static str) -> bool {
        self.lock().remove(part).is_some()
    }

    /// Why a part is in trouble, if it is.
    pub fn why(&self, part: &str) -> Option<String> {
        self.lock().get(part).cloned()
    }

    /// Everything that is in trouble.
    pub fn reasons(&self) -> Vec<String> {
        let troubles: Vec<String> = self.lock().values().cloned().collect();
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
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
        assert!(!ready.trouble("disk", "the disk is still full"));
        let held = room.take(None, 2).unwrap();
        let refused = ready.answer("x.busy").unwrap_err().to_json();
        assert!(
            refused.contains("the disk is still full; the bodies are exhausted: 2 of 2"),
            "{refused}"
        );
        drop(held);
        assert!(ready.well("disk"));
        assert!(!ready.well("disk"));
        assert_eq!(ready.answer("x.busy").unwrap().status(), 200);
    }
}
