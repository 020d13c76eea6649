//! The settings of a log, whichever program runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serving::Room;

use crate::admission::Rules;
use crate::anchor::Config;
use crate::backend::{Place, StoreAddress};
use crate::place::ObjectPlace;
use crate::predecessor::PredecessorPlace;

/// The settings of a [`crate::Log`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Whose approvals are admitted.
    pub rules: Rules,
    /// The database that keeps what must not be lost, if the data directory does not.
    pub store: Option<StoreAddress>,
    /// The files of the erasure keys that evidence in that database is sealed under.
    pub erasure_keys: Vec<PathBuf>,
    /// A c2sp.org/tlog-policy: the witnesses to ask, and the quorum without which nothing is
    /// published.
    pub witness_policy: Option<PathBuf>,
    /// How long an append may wait for its publication.
    pub publish_wait: Duration,
    /// How many appends may wait before clients are sent away; at least 1.
    pub queue: usize,
    /// How many requests a second each token may make; at least 1.
    pub requests_per_second: u32,
    /// How heads are anchored in Bitcoin, if they are.
    pub anchor: Option<Config>,
    /// Where the public files are, if not in the data directory.
    pub objects: Option<ObjectPlace>,
    /// The logs before this one, which are looked into before anything new is taken.
    pub(crate) predecessors: Vec<PredecessorPlace>,
    /// A policy, as JSON, that the verify page offers to those who look approvals up.
    pub verify_policy: Option<PathBuf>,
    /// Rooms of the program around the log, such as its connections: as long as one of them is
    /// exhausted, the log is not ready.
    pub rooms: Vec<Arc<Room>>,
    /// The name of the program, which begins what the log says on standard error when it has to
    /// end the process.
    pub program: &'static str,
}

impl Settings {
    /// The defaults: no witnesses, no anchors, all files in the data directory, 20 seconds for a
    /// publication, a queue of 4096, 10,000 requests a second.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            store: None,
            erasure_keys: Vec::new(),
            witness_policy: None,
            publish_wait: Duration::from_secs(20),
            queue: 4096,
            requests_per_second: 10_000,
            anchor: None,
            objects: None,
            predecessors: Vec::new(),
            verify_policy: None,
            rooms: Vec::new(),
            program: "cosignet-log",
        }
    }

    /// The log with this data directory.
    pub(crate) fn place(&self, data: &Path) -> Place {
        Place {
            store: self.store.clone(),
            objects: self.objects.clone(),
            erasure_keys: self.erasure_keys.clone(),
            ..Place::new(data)
        }
    }
}
