//! The state that requests are answered from.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use serving::{Paces, Party, Problem, Room, token};
use tokio::sync::{mpsc, watch};
use verifier_core::hazmat::bundle::{self, is_approval_id};
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::admission::Rules;
use crate::anchor::Anchors;
use crate::args::Right;
use crate::batch::Job;
use crate::cosign::Cosigner;
use crate::erasure::Erasures;
use crate::error::LogError;
use crate::health::Health;
use crate::http::forward::Forward;
use crate::http::front::Starts;
use crate::http::latest::Latest;
use crate::http::routes::blocking;
use crate::log::Opened;
use crate::metrics::Metrics;
use crate::predecessor::Predecessors;
use crate::refusal::Refusal;
use crate::sequencer::MAX_BATCH;
use crate::settings::Settings;
use crate::store::{Closing, Head, Records, Tokens};
use crate::tiles::Tiles;

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
    pub(crate) appends: Appends,
    /// The reader of the public checkpoint, if it may move without this process.
    pub(crate) latest: Option<Arc<Latest>>,
    pub(crate) published: watch::Receiver<Arc<Head>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) predecessors: Predecessors,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) tokens: Arc<dyn Tokens>,
    pub(crate) rooms: Rooms,
    pub(crate) paces: Paces<String>,
    /// How many appends may wait.
    pub(crate) queue: usize,
    /// What the front page knows of the past.
    pub(crate) starts: Starts,
    /// The policy that the verify page offers.
    pub(crate) verify_policy: Option<PathBuf>,
}

/// What differs between the process that leads a log and one that follows it.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) appends: Appends,
    pub(crate) cosigner: Arc<Cosigner>,
    pub(crate) latest: Option<Arc<Latest>>,
    pub(crate) published: watch::Receiver<Arc<Head>>,
    pub(crate) tiles: Tiles,
}

/// The way of appends.
#[derive(Debug)]
pub(crate) enum Appends {
    /// To the writer of this process.
    Here(mpsc::Sender<Job>),
    /// To the member that leads.
    Leader(Forward),
}

/// The rooms for what is scarce.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    /// Appends that wait for their answer, each token's.
    pub(crate) appends: Arc<Room>,
    /// Bytes of bodies that are read or worked on, each token's.
    pub(crate) bodies: Arc<Room>,
    /// Changes of what is disclosed, which wait for their erasure, each token's.
    pub(crate) changes: Arc<Room>,
    /// Requests that read files or the database, each address's.
    pub(crate) lookups: Arc<Room>,
}

impl Rooms {
    /// How much all bodies together may take, in bytes.
    const BODIES: usize = 64 * 1024 * 1024;

    /// With the look-ups fewer than the 512 threads that wait for files and the database, so that a
    /// repeat of an append finds one.
    const CHANGES: usize = 128;
    const LOOKUPS: usize = 256;

    /// All of them.
    pub(crate) fn all(&self) -> [&Arc<Room>; 4] {
        [&self.bodies, &self.appends, &self.changes, &self.lookups]
    }

    /// A queue of so many appends; two batches beside it can be on their way.
    pub(crate) fn new(queue: usize) -> Self {
        Self {
            appends: Room::new("places for appends", queue.saturating_add(2 * MAX_BATCH)),
            bodies: Room::new("bytes for bodies", Self::BODIES),
            changes: Room::new("places for changes", Self::CHANGES),
            lookups: Room::new("look-ups", Self::LOOKUPS),
        }
    }
}

impl App {
    /// The state of a process in this role, and the thread that ends its erasures.
    pub(crate) fn new(
        opened: &Opened,
        settings: Settings,
        role: Role,
    ) -> Result<(Self, JoinHandle<()>), LogError> {
        let backend = &opened.backend;
        let rooms = Rooms::new(settings.queue);
        let mut watched = settings.rooms;
        watched.extend(rooms.all().map(Arc::clone));
        let (records, tokens) = (backend.records()?, backend.tokens()?);
        // The thread last: nothing ends it if the rest fails.
        let (erasures, erasing) = Erasures::start(backend.eraser()?)?;
        let app = Self {
            anchors: Arc::new(Anchors::open(backend.objects())),
            tiles: role.tiles,
            cosigner: role.cosigner,
            health: Arc::new(Health::new(watched)),
            erasures,
            publish_wait: settings.publish_wait,
            key: opened.key.public().clone(),
            rules: Arc::new(settings.rules),
            appends: role.appends,
            latest: role.latest,
            published: role.published,
            metrics: Arc::default(),
            predecessors: Predecessors::new(settings.predecessors),
            records,
            tokens,
            rooms,
            paces: Paces::new(settings.requests_per_second),
            queue: settings.queue,
            starts: Starts::default(),
            verify_policy: settings.verify_policy,
        };
        app.closing();
        Ok((app, erasing))
    }

    /// The end of the log, if it is closed. Asks the database.
    pub(crate) fn closing(&self) -> Option<Closing> {
        match self.records.closing() {
            Ok(found) => {
                if let Some(closing) = &found {
                    self.health.close(closing.clone());
                }
                found
            }
            Err(failure) => {
                // Whatever is wrong with the database, `/readyz` says.
                tracing::debug!(%failure, "cannot see whether the log is closed");
                self.health.closing()
            }
        }
    }

    /// The head that look-ups are answered from: the newest one that anybody was shown here.
    pub(crate) fn head(&self) -> Arc<Head> {
        let published = Arc::clone(&self.published.borrow());
        let shown = self.latest.as_ref().and_then(|latest| latest.newest());
        shown
            .filter(|shown| shown.size > published.size)
            .unwrap_or(published)
    }

    pub(super) fn anchor(&self, index: u64, leaf: &Hash, head: &Head) -> Option<bundle::Anchor> {
        self.anchors.of_entry(index, leaf, head, &self.tiles)
    }

    /// A published entry, by its id.
    pub(super) fn entry(&self, id: &str, head: &Head) -> Result<(u64, Leaf), Refusal> {
        if !is_approval_id(id) {
            return Err(Refusal::unknown_approval());
        }
        let found = self.records.find(&sha256(id.as_bytes()))?;
        let Some(index) = found.filter(|index| *index < head.size) else {
            // A database that went back has not heard of it.
            self.latest
                .as_ref()
                .map_or(Ok(()), |latest| latest.confirm_absence())?;
            return Err(Refusal::unknown_approval());
        };
        let leaf = self.tiles.leaf(index, head.size)?;
        Ok((index, Leaf::parse(&leaf)?))
    }

    /// The party that a request is from, if their token allows it and they do not come too often.
    pub(super) async fn authorize(
        self: &Arc<Self>,
        headers: &HeaderMap,
        right: Right,
    ) -> Result<Party, Problem> {
        let no_token = || {
            token::unauthorized(
                "This needs the header `Authorization: Bearer <token>` with a token of this log.",
            )
        };
        let sent = token::bearer(headers).ok_or_else(no_token)?.to_owned();
        let find = move |app: &Self| Ok(crate::token::bearer(&*app.tokens, &sent)?);
        let bearer = blocking(self, find).await?.ok_or_else(no_token)?;
        if !bearer.rights.contains(&right) {
            return Err(token::forbidden());
        }
        let id = bearer.holder.id().to_owned();
        self.paces.take(&id, Instant::now()).map_err(|wait| {
            let detail = "This token asks more often than it may.";
            Problem::new(429, "request.too_many", detail).retry(wait)
        })?;
        Ok(Party::Token(id))
    }
}
