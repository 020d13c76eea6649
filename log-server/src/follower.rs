//! A log in a process that does not lead it: look-ups are answered from what everybody reads, and
//! appends go to the one that leads.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::cosign::{self, Cosigner};
use crate::erasure::Erasures;
use crate::error::{LogError, Result};
use crate::health::Health;
use crate::http::app::{App, Appends, Role};
use crate::http::forward::{self, Forward};
use crate::http::latest::Latest;
use crate::key;
use crate::log::{Log, Opened};
use crate::settings::Settings;
use crate::store::Head;
use crate::tiles::Tiles;

/// Such a log, and what keeps it up to date.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) log: Log,
    health: Arc<Health>,
    latest: Arc<Latest>,
    published: watch::Sender<Arc<Head>>,
    leader: watch::Sender<Option<String>>,
    erasures: Arc<Erasures>,
    erasing: JoinHandle<()>,
}

impl Follower {
    pub(crate) fn start(opened: &Opened, settings: Settings, latest: &Arc<Latest>) -> Result<Self> {
        let key = opened.key.public();
        let policy = cosign::policy(settings.witness_policy.as_deref(), key)?;
        let tiles = Tiles::new(opened.backend.objects());
        let head = match latest.read() {
            Ok(head) => head,
            // Look-ups are answered from what there is, whatever is wrong with it.
            Err(failure) => {
                tracing::error!(%failure, "cannot show the published checkpoint");
                let checkpoint = opened.backend.published()?;
                let (size, root) = key::open(key, &checkpoint).map_err(LogError::damage)?;
                Arc::new(Head {
                    size,
                    root,
                    checkpoint,
                })
            }
        };
        let cosigner = Cosigner::idle(policy, key, tiles.clone(), &head);
        let (published, watching) = watch::channel(head);
        let (leader, led) = watch::channel(None);
        let role = Role {
            appends: Appends::Leader(Forward::new(led, published.clone())?),
            cosigner,
            latest: Some(Arc::clone(latest)),
            published: watching,
            tiles,
        };
        let (app, erasing) = App::new(opened, settings, role)?;
        Ok(Self {
            health: Arc::clone(&app.health),
            latest: Arc::clone(latest),
            published,
            leader,
            erasures: Arc::clone(&app.erasures),
            erasing,
            log: Log::of(app),
        })
    }

    /// Reads what is published by now.
    pub(crate) fn refresh(&self) {
        match self.latest.read() {
            Ok(head) => {
                self.health.published();
                forward::show(&self.published, head);
            }
            Err(LogError::Rollback(why)) => self.freeze(&why),
            Err(failure) if failure.is_damage() => self.health.damaged(&failure.to_string()),
            Err(failure) => self.health.held_back(&failure.to_string()),
        }
    }

    /// Appends go to this address from now on; `None`: they wait.
    pub(crate) fn follow(&self, leader: Option<String>) {
        self.leader.send_if_modified(|known| {
            let changed = *known != leader;
            if changed {
                tracing::info!(leader = leader.as_deref(), "following");
                *known = leader;
            }
            changed
        });
    }

    /// Somebody may lead, or can.
    pub(crate) fn thaw(&self) {
        self.health.thaw();
    }

    /// This process cannot lead at the moment, or need not.
    pub(crate) fn lead(&self, unable: Option<String>) {
        self.health.lead(unable);
    }

    /// Nobody leads any more.
    pub(crate) fn freeze(&self, why: &str) {
        self.health.freeze(why);
        self.follow(None);
    }

    /// Ends its threads. Requests that are under way are answered.
    pub(crate) fn end(self) {
        self.erasures.end();
        if self.erasing.join().is_err() {
            tracing::error!("the thread that erases has failed");
        }
    }
}
