//! What requests are answered from.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Incoming;
use hyper::header;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use verifier_core::bundle::{self, is_approval_id};
use verifier_core::encoding::sha256;
use verifier_core::entry::Entry;
use verifier_core::tlog::merkle::Hash;
use verifier_core::tlog::vkey::VerifierKey;

use crate::admission::Rules;
use crate::anchor::Anchors;
use crate::args::Right;
use crate::batch::Job;
use crate::cosign::Cosigner;
use crate::erasure::Erasures;
use crate::health::Health;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::store::Head;
use crate::store::sqlite::Sqlite;
use crate::tiles::Tiles;
use crate::token;

/// How much all bodies together may take, in KiB.
pub(crate) const MEMORY: usize = 64 * 1024;

/// Everything that outlives a request.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) anchors: Arc<Anchors>,
    pub(crate) tiles: Tiles,
    pub(crate) cosigner: Arc<Cosigner>,
    pub(crate) health: Arc<Health>,
    pub(crate) erasures: Arc<Erasures>,
    /// How long an append may wait for its publication.
    pub(crate) publish_wait: Duration,
    pub(crate) key: VerifierKey,
    pub(crate) rules: Arc<Rules>,
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) published: watch::Receiver<Arc<Head>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readers: Vec<Mutex<Sqlite>>,
    pub(crate) next_reader: AtomicUsize,
    pub(crate) memory: Arc<Semaphore>,
    pub(crate) rate: Rate,
    /// How many appends may wait.
    pub(crate) queue: usize,
    /// The policy that the verify page offers.
    pub(crate) verify_policy: Option<PathBuf>,
}

impl App {
    pub(super) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.published.borrow())
    }

    pub(super) fn anchor(&self, index: u64, leaf: &Hash, head: &Head) -> Option<bundle::Anchor> {
        self.anchors.of_entry(index, leaf, head, &self.tiles)
    }

    /// A published entry, by approval id.
    pub(super) fn entry(&self, id: &str, head: &Head) -> Result<(u64, Entry), Refusal> {
        if !is_approval_id(id) {
            return Err(Refusal::unknown_approval());
        }
        let found = self.reader().find(&sha256(id.as_bytes()))?;
        let index = found
            .filter(|index| *index < head.size)
            .ok_or_else(Refusal::unknown_approval)?;
        let leaf = self.tiles.leaf(index, head.size)?;
        Ok((index, Entry::parse(&leaf)?))
    }

    pub(super) fn reader(&self) -> MutexGuard<'_, Sqlite> {
        let count = self.readers.len().max(1);
        let first = self.next_reader.fetch_add(1, Ordering::Relaxed) % count;
        let rotated = self.readers.iter().cycle().skip(first).take(count);
        for reader in rotated {
            if let Ok(reader) = reader.try_lock() {
                return reader;
            }
        }
        #[allow(clippy::indexing_slicing, reason = "there are always readers")]
        self.readers[first]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for the body of a request, for as long as it is worked on.
    pub(super) fn reserve(
        &self,
        request: &Request<Incoming>,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        const LARGEST: u32 = 1024;
        let stated = request.headers().get(header::CONTENT_LENGTH);
        let bytes: Option<u32> = stated
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok());
        let kib = bytes.map_or(LARGEST, |bytes| bytes.div_ceil(1024).clamp(1, LARGEST));
        Arc::clone(&self.memory)
            .try_acquire_many_owned(kib)
            .map_err(|_| Refusal::overloaded().into())
    }

    pub(super) fn authorize(
        &self,
        request: &Request<Incoming>,
        right: Right,
    ) -> Result<(), Problem> {
        let header = request.headers().get(header::AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let no_token = || {
            Problem::new(
                401,
                "request.unauthorized",
                "This needs the header `Authorization: Bearer <token>` with a token of this log.",
            )
        };
        let bearer = token::bearer(&self.reader(), token.ok_or_else(no_token)?)?;
        let bearer = bearer.ok_or_else(no_token)?;
        if !bearer.rights.contains(&right) {
            return Err(Problem::new(
                403,
                "request.forbidden",
                "The token does not allow this.",
            ));
        }
        self.rate.take(&bearer.id, Instant::now()).map_err(|wait| {
            let detail = "This token asks more often than it may.";
            Problem::new(429, "request.too_many", detail).retry(wait)
        })
    }
}
