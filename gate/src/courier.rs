//! Carries deliveries to their receivers. Nothing is kept here that a restart could lose: a delivery
//! is a row until its receiver has taken it, and is tried again under the same id.

mod figures;
mod mail;
mod post;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use verifier_core::Time;

use crate::delivery::{Due, Lane, Outcome};
use crate::site::Site;
use crate::store::{Store, Trouble};

pub(crate) use figures::Figures;
pub(crate) use post::Post;

/// How many deliveries of one lane are on their way at a time: a receiver that is slow keeps nobody
/// else waiting.
const AT_ONCE: usize = 8;

/// How often to look without being called.
const LOOK: Duration = Duration::from_secs(1);

/// How long a delivery that has ended is kept, and how often to look for older ones.
const KEPT: u64 = 30 * 24 * 60 * 60 * 1000;
const TIDY: Duration = Duration::from_secs(60);
const FORGOTTEN_AT_ONCE: usize = 1000;

/// How long to wait when it cannot be kept what came of a try: it would be made again at once.
const TROUBLE: Duration = Duration::from_secs(5);

/// Carries deliveries.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) site: Site,
    pub(crate) post: Post,
    /// Rung when there may be something new.
    pub(crate) bell: Arc<Notify>,
    pub(crate) figures: Arc<Figures>,
}

impl Courier {
    /// Works until the task is dropped.
    pub(crate) async fn run(self) {
        let mut on_their_way = JoinSet::new();
        let mut lanes: HashMap<String, Lane> = HashMap::new();
        let mut tidied: Option<Instant> = None;
        loop {
            match self.all_due(&lanes).await {
                Ok(all) => {
                    for (lane, due) in all {
                        lanes.insert(due.id.clone(), lane.clone());
                        on_their_way.spawn(self.carry(lane, due));
                    }
                }
                Err(trouble) => tracing::error!("{trouble}"),
            }
            if tidied.is_none_or(|at| at.elapsed() >= TIDY) {
                tidied = Some(Instant::now());
                self.tidy().await;
            }
            tokio::select! {
                Some(done) = on_their_way.join_next(), if !on_their_way.is_empty() => match done {
                    Ok(id) => {
                        lanes.remove(&id);
                    }
                    Err(_) => {
                        // A task that has failed: its delivery is found again.
                        // Until the last of the others has ended: none of them is read later as
                        // one that has failed.
                        on_their_way.shutdown().await;
                        lanes.clear();
                    }
                },
                () = self.bell.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Deliveries that are due and not on their way, as many of each lane as there is room for.
    async fn all_due(&self, lanes: &HashMap<String, Lane>) -> Result<Vec<(Lane, Due)>, Trouble> {
        let backlog = self.store.backlog().await?;
        let mut all = Vec::new();
        for (lane, open) in &backlog {
            if open.waiting == 0 {
                continue;
            }
            let on_their_way: Vec<String> = lanes
                .iter()
                .filter(|(_, other)| *other == lane)
                .map(|(id, _)| id.clone())
                .collect();
            let room = AT_ONCE.saturating_sub(on_their_way.len());
            if room > 0 {
                let due = self.store.due(lane, on_their_way, room).await?;
                all.extend(due.into_iter().map(|one| (lane.clone(), one)));
            }
        }
        self.figures.keep(backlog);
        Ok(all)
    }

    /// Makes one try, and keeps what came of it.
    fn carry(&self, lane: Lane, due: Due) -> impl Future<Output = String> + Send + use<> {
        let (store, figures) = (Arc::clone(&self.store), Arc::clone(&self.figures));
        let (post, site) = (self.post.clone(), self.site.clone());
        async move {
            let outcome = post.deliver(&due, &site, store.now()).await;
            figures.count(&lane, &outcome);
            tell(&lane, &due, &outcome);
            let chance = crate::random().map_or(0, u16::from_be_bytes);
            if let Err(trouble) = store.tried(&due.id, outcome, chance).await {
                tracing::error!(delivery = due.id, "{trouble}");
                tokio::time::sleep(TROUBLE).await;
            }
            due.id
        }
    }

    async fn tidy(&self) {
        let before = self.store.now().as_millis().saturating_sub(KEPT);
        let before = Time::from_millis(before).unwrap_or(Time::EPOCH);
        if let Err(trouble) = self.store.forget(before, FORGOTTEN_AT_ONCE).await {
            tracing::error!("{trouble}");
        }
    }
}

/// Tells the operator of what did not go well.
fn tell(lane: &Lane, due: &Due, outcome: &Outcome) {
    let (delivery, to) = (&due.id, lane.label());
    match outcome {
        Outcome::Delivered(_) | Outcome::Moot => {}
        Outcome::Failed { why, .. } => {
            tracing::warn!(delivery, to, "a delivery is tried again later: {why}");
        }
        Outcome::Never(why) => tracing::error!(delivery, to, "a delivery is given up: {why}"),
        Outcome::Gone(why) => {
            tracing::error!(
                to,
                "the receiver wants nothing any more, and is disabled: {why}"
            );
        }
    }
}
