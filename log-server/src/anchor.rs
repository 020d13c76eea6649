//! Bitcoin anchors of the log's heads: made by a thread of their own, which can fail as it likes
//! without an append noticing, and read by whoever answers with a bundle.
//!
//! ```text
//! public checkpoint → calendars: POST /digest → promises          → public/anchors/<size>/
//!                     calendars: GET /timestamp/… → blocks → header → public/anchors/<size>/
//! ```

mod archive;
mod copy;
mod metrics;
mod settings;
mod source;
mod worker;

use std::sync::{Arc, mpsc};

use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::hazmat::bundle;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::Hash;

use crate::error::{LogError, Result};
use crate::store::{Backend, Head, Objects};
use crate::tiles::Tiles;

pub(crate) use archive::{Archive, FOLDER};
pub(crate) use copy::mirror;
pub(crate) use metrics::Metrics;
pub use settings::{AnchorSettings, Config};

use worker::Worker;

/// The rest of the server's view of anchors.
#[derive(Debug)]
pub(crate) struct Anchors {
    pub(crate) archive: Archive,
    pub(crate) metrics: Metrics,
}

/// Runs the worker until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    _stop: mpsc::Sender<()>,
}

impl Anchors {
    pub(crate) fn open(objects: Arc<dyn Objects>) -> Self {
        Self {
            archive: Archive::open(objects),
            metrics: Metrics::default(),
        }
    }

    /// Those of another log, which are read here and made elsewhere.
    pub(crate) fn open_to_read(objects: Arc<dyn Objects>) -> Self {
        Self {
            archive: Archive::open_to_read(objects),
            metrics: Metrics::default(),
        }
    }

    /// Starts to make anchors. Nobody waits for the thread: whatever it writes is whole at any
    /// time, so it may end with the process.
    pub(crate) fn start(
        self: &Arc<Self>,
        config: Config,
        backend: Arc<dyn Backend>,
    ) -> Result<Running> {
        let (stop, stopped) = mpsc::channel();
        let anchors = Arc::clone(self);
        std::thread::Builder::new()
            .name("anchor".into())
            .spawn(move || match Worker::new(anchors, config, backend) {
                Ok(worker) => worker.run(&stopped),
                Err(failure) => tracing::error!(%failure, "no anchors will be made"),
            })
            .map_err(|error| LogError::System(error.to_string()))?;
        Ok(Running { _stop: stop })
    }

    /// The anchor for the bundle of an entry that is proven under `head`: that of the smallest
    /// anchored head that covers the entry, or of the smallest head that is waiting for a block.
    /// A bundle without an anchor is better than no bundle.
    pub(crate) fn of_entry(
        &self,
        index: u64,
        leaf: &Hash,
        head: &Head,
        tiles: &Tiles,
    ) -> Option<bundle::Anchor> {
        let size = self.archive.covering(index)?;
        match self.read(size, (index, leaf), head, tiles) {
            Ok(anchor) => Some(anchor),
            Err(failure) => {
                tracing::error!(%failure, size, "an anchor cannot be shown");
                self.metrics.failed("archive");
                None
            }
        }
    }

    fn read(
        &self,
        size: u64,
        (index, leaf): (u64, &Hash),
        head: &Head,
        tiles: &Tiles,
    ) -> Result<bundle::Anchor> {
        let damaged = |what: &dyn std::fmt::Display| {
            LogError::damage(format!(
                "public/anchors/{size} is damaged: {what}. Restore it from a backup or a mirror"
            ))
        };
        let text = self.archive.checkpoint(size)?;
        let stamped = SignedCheckpoint::parse(&text).map_err(|error| damaged(&error))?;
        let root = stamped.checkpoint().root();
        let proof = self.archive.proof(size)?;
        let timestamp = Timestamp::parse(&proof).map_err(|error| damaged(&error))?;
        let header = self.archive.header(size)?;
        let header = header.and_then(|bytes| {
            // The height is where the proof leads: nothing else ties it to the header.
            let header = Header::new(&bytes);
            let blocks = timestamp.blocks();
            let place = blocks.iter().find(|(_, at)| at == header.merkle_root());
            place.map(|(height, _)| bundle::Header::new(u64::from(*height), bytes))
        });
        let mut anchor = bundle::Anchor::new(text.clone(), proof);
        anchor.header = header;
        if size != head.size {
            let anchored = Head {
                size,
                root,
                checkpoint: text,
            };
            anchor.log_proof = Some(tiles.nodes(size).prove(index, leaf, &anchored)?);
            let (old, new) = (size.min(head.size), size.max(head.size));
            anchor.consistency = Some(tiles.nodes(new).consistency(old)?);
        }
        Ok(anchor)
    }
}
