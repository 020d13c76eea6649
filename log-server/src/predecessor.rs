//! The logs before this one, as it sees them.
//!
//! ```text
//! append ─► found in one of them       the first entry, as that log answers it
//!       ├─► in none, and all closed    to the writer
//!       └─► one is open, or unreadable nothing is admitted; what this log has itself is still answered
//! ```
//!
//! Of two logs that grow, neither can know what the other is about to take. So a log admits nothing
//! before all of those before it are closed. From then on they stay as they are, and one look before
//! an append is enough, however long that then takes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Deserialize;
use verifier_core::hazmat::bundle;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash};
use verifier_core::hazmat::tlog::vkey::VerifierKey;
use verifier_core::plain;

use crate::admission::Admitted;
use crate::anchor::Anchors;
use crate::backend::{self, Place};
use crate::batch::{Appended, Entered};
use crate::error::{LogError, Result};
use crate::key;
use crate::place::ServerArgs;
use crate::refusal::{Reason, Refusal};
use crate::settings::Settings;
use crate::store::{Backend, Head, Records};
use crate::tiles::Tiles;

/// A log before this one, as the settings name it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PredecessorSetting {
    vkey: String,
    /// Its data directory. What must not be lost is there, or in the database of this log.
    data: PathBuf,
    /// Where its public files are, if not in its data directory.
    objects: Option<String>,
}

impl PredecessorSetting {
    /// The log beside one with these settings.
    pub(crate) fn place(
        &self,
        settings: &Settings,
        server: &ServerArgs,
    ) -> Result<PredecessorPlace> {
        let key = VerifierKey::parse(&self.vkey)
            .map_err(|error| LogError::Usage(format!("predecessors: vkey: {error}")))?;
        let objects = self.objects.as_deref();
        let mut place =
            backend::beside(&self.data, settings.store.as_ref(), &settings.erasure_keys);
        place.objects = objects.map(|text| server.place(text)).transpose()?;
        Ok(PredecessorPlace { key, place })
    }
}

/// Where a log before this one is, and its key.
#[derive(Clone, Debug)]
pub(crate) struct PredecessorPlace {
    pub(crate) key: VerifierKey,
    pub(crate) place: Place,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Predecessors(Vec<Predecessor>);

/// An entry of one of them, as that log answers a repeat.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) appended: Appended,
    pub(crate) anchor: Option<bundle::Anchor>,
}

impl Predecessors {
    pub(crate) fn new(places: Vec<PredecessorPlace>) -> Self {
        let each = places.into_iter().map(|place| Predecessor {
            place,
            log: Mutex::default(),
        });
        Self(each.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.0.iter().map(|one| &one.place.key)
    }

    /// Fails if one of them is not where the settings say. One that cannot be reached at the moment is
    /// asked again later.
    pub(crate) fn require(&self) -> Result<()> {
        for one in &self.0 {
            match one.log() {
                Err(failure @ LogError::Usage(_)) => return Err(failure),
                Err(failure) => tracing::warn!(%failure, "cannot read a log before this one"),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Fails while one of them is open, or cannot be read: nothing new is admitted. Blocks.
    pub(crate) fn confirm_closed(&self) -> std::result::Result<(), Refusal> {
        let mut all = self.0.iter();
        all.try_for_each(|one| one.closed().map(|_| ()))
    }

    /// The entry that an approval has in one of them. [`Reason::Predecessor`] if nobody knows. Blocks.
    pub(crate) fn find(
        &self,
        admitted: &Admitted,
    ) -> std::result::Result<Option<Earlier>, Refusal> {
        let mut unknown = Ok(None);
        for one in &self.0 {
            match one.find(admitted) {
                Ok(None) => {}
                Err(refusal) if refusal.reason == Reason::Predecessor => unknown = Err(refusal),
                found => return found,
            }
        }
        unknown
    }
}

#[derive(Debug)]
struct Predecessor {
    place: PredecessorPlace,
    /// Once it could be opened.
    log: Mutex<Option<Arc<Opened>>>,
}

/// A log that is open to be read.
#[derive(Debug)]
struct Opened {
    backend: Box<dyn Backend>,
    records: Arc<dyn Records>,
    tiles: Tiles,
    /// How many entries it has for ever, once it was seen closed and published: nothing lifts that.
    size: OnceLock<u64>,
}

impl Predecessor {
    fn name(&self) -> String {
        plain(self.place.key.name())
    }

    fn find(&self, admitted: &Admitted) -> std::result::Result<Option<Earlier>, Refusal> {
        let (log, size) = self.closed()?;
        let lost = || {
            LogError::damage(format!(
                "a row of a claim names an entry that the log {} does not have: `cosignet-log fsck` \
                 lists all damage",
                self.name()
            ))
        };
        let held = log.records.holders(&admitted.claim());
        let held = held.map_err(|failure| self.unknown(&failure))?;
        if [held.approval, held.assertion]
            .iter()
            .flatten()
            .any(|index| *index >= size)
        {
            return Err(self.unknown(&lost()));
        }
        let index = match (held.approval, held.assertion) {
            (Some(index), _) => index,
            (None, Some(_)) => {
                let detail = format!(
                    "This assertion is in the log {} under another approval id.",
                    self.name()
                );
                return Err(Refusal::new(Reason::AssertionReused, detail));
            }
            (None, None) => return Ok(None),
        };
        let found = self.read(&log, index, size);
        let (leaf, entry) = found.map_err(|failure| self.unknown(&failure))?;
        if !admitted.repeats(&entry) {
            let detail = format!(
                "This approval id is in the log {} with another entry.",
                self.name()
            );
            return Err(Refusal::new(Reason::Conflict, detail));
        }
        let earlier = self.earlier(&log, index, leaf);
        earlier.map(Some).map_err(|failure| self.unknown(&failure))
    }

    fn read(&self, log: &Opened, index: u64, size: u64) -> Result<(String, Leaf)> {
        let leaf = log.tiles.leaf(index, size)?;
        let entry = Leaf::parse(&leaf)
            .map_err(|error| LogError::damage(format!("entry {index}: {error}")))?;
        Ok((leaf, entry))
    }

    /// The answer of that log, under its checkpoint as it is now: cosignatures, anchors and erasures
    /// may have come since it was closed.
    fn earlier(&self, log: &Opened, index: u64, leaf: String) -> Result<Earlier> {
        let head = self.published(log)?;
        let hash = leaf_hash(leaf.as_bytes());
        let proof = log.tiles.nodes(head.size).prove(index, &hash, &head)?;
        let anchors = Anchors::open_to_read(log.backend.objects());
        let anchor = anchors.of_entry(index, &hash, &head, &log.tiles);
        let evidence = log.records.evidence(index)?;
        let entry = Entered {
            index,
            repeat: true,
            leaf,
            blind: evidence.and_then(|evidence| evidence.blind),
        };
        let appended = Appended {
            entry,
            head: Arc::new(head),
            proof,
        };
        Ok(Earlier { appended, anchor })
    }

    /// The log and its size, if it is closed and all of it is published.
    fn closed(&self) -> std::result::Result<(Arc<Opened>, u64), Refusal> {
        let log = self.log().map_err(|failure| self.unknown(&failure))?;
        if let Some(size) = log.size.get() {
            return Ok((Arc::clone(&log), *size));
        }
        let closing = log.records.closing();
        if closing.map_err(|failure| self.unknown(&failure))?.is_none() {
            let detail = format!(
                "The log {} before this one is still open, and until it is closed nothing new is \
                 admitted here: append there.",
                self.name()
            );
            return Err(Refusal::new(Reason::Predecessor, detail));
        }
        let size = self.last(&log).map_err(|failure| self.unknown(&failure))?;
        let size = *log.size.get_or_init(|| size);
        Ok((log, size))
    }

    /// The size of a log that is closed, which has to be the published one: a database that went back
    /// does not know all claims.
    fn last(&self, log: &Opened) -> Result<u64> {
        let committed = log.backend.head()?;
        let published = self.published(log)?;
        let (size, root) = self.signed(&committed.checkpoint)?;
        let all = [(committed.size, committed.root), (size, root)];
        if all != [(published.size, published.root); 2] {
            return Err(LogError::System(format!(
                "its last head of {} entries is not its published one, of {}: serve it until that \
                 is published, or bring its newest database back",
                committed.size, published.size
            )));
        }
        Ok(size)
    }

    /// The published head.
    fn published(&self, log: &Opened) -> Result<Head> {
        let checkpoint = log.backend.published()?;
        let (size, root) = self.signed(&checkpoint)?;
        Ok(Head {
            size,
            root,
            checkpoint,
        })
    }

    fn signed(&self, checkpoint: &str) -> Result<(u64, Hash)> {
        key::open(&self.place.key, checkpoint)
            .map_err(|error| LogError::damage(format!("its checkpoint: {error}")))
    }

    /// The log, opened if it is not.
    fn log(&self) -> Result<Arc<Opened>> {
        let mut known = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = &*known {
            return Ok(Arc::clone(log));
        }
        let PredecessorPlace { key, place } = &self.place;
        let backend = backend::of(place, key)?;
        if !backend.exists()? {
            return Err(LogError::Usage(format!(
                "predecessors: there is no log {} in {}, nor in the database of this log",
                self.name(),
                place.layout.root().display()
            )));
        }
        let log = Arc::new(Opened {
            records: backend.records()?,
            tiles: Tiles::new(backend.objects()),
            size: OnceLock::new(),
            backend,
        });
        Ok(Arc::clone(known.insert(log)))
    }

    fn unknown(&self, failure: &LogError) -> Refusal {
        tracing::error!(%failure, log = %self.name(), "cannot read a log before this one");
        let detail = format!(
            "The log {} before this one cannot be read at the moment, and nobody knows whether the \
             approval is in it. Repeat the same request later.",
            self.name()
        );
        Refusal::new(Reason::Predecessor, detail)
    }
}
