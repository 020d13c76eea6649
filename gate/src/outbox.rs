//! Signatures on their way to the log. A signature that was taken in is tried until the log has it,
//! under the same approval id, so that nothing gets in twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serving::Readiness;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::log::{self, Log, NotLogged};
use crate::store::{Store, Trouble, Unlogged};

/// How many signatures are on their way at a time.
const AT_ONCE: usize = 64;

/// How long to wait after a failure: the first time, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long to wait with a signature that the log refuses.
const REFUSED_WAIT: Duration = Duration::from_secs(10 * 60);

/// How often to look without being called.
const LOOK: Duration = Duration::from_secs(5);

/// The part of the gate's readiness that the log is.
const PART: &str = "log";

/// Feeds the log.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) rp_id: String,
    /// Rung when there is a new signature.
    pub(crate) bell: Arc<Notify>,
    pub(crate) ready: Arc<Readiness>,
}

/// What is known of a signature that was tried.
#[derive(Debug, Default)]
struct Tried {
    times: u32,
    next: Option<Instant>,
}

impl Outbox {
    /// Works until the task is dropped.
    pub(crate) async fn run(self) {
        let mut tried: HashMap<String, Tried> = HashMap::new();
        let mut on_their_way = JoinSet::new();
        let mut ids: Vec<String> = Vec::new();
        loop {
            for unlogged in self.due(&tried, &ids).await {
                ids.push(unlogged.approval_id.clone());
                let (log, store) = (Arc::clone(&self.log), Arc::clone(&self.store));
                let rp_id = self.rp_id.clone();
                // Kept by the task: what the log answers at one time becomes one transaction.
                on_their_way.spawn(async move {
                    let done = match append(&*log, &unlogged, &rp_id).await {
                        Ok(bundle) => keep(&*store, &unlogged.approval_id, bundle).await,
                        Err(failed) => Err(failed),
                    };
                    (unlogged.approval_id, done)
                });
            }
            tokio::select! {
                Some(first) = on_their_way.join_next(), if !ids.is_empty() => {
                    // All that have come back, before the next look.
                    let mut next = Some(first);
                    while let Some(done) = next {
                        let Ok((id, done)) = done else {
                            // A task that has failed: its signature is found again.
                            ids.clear();
                            on_their_way.abort_all();
                            break;
                        };
                        ids.retain(|other| *other != id);
                        self.done(&mut tried, id, done);
                        next = on_their_way.try_join_next();
                    }
                }
                () = self.bell.notified() => {}
                () = tokio::time::sleep(self.pause(&tried)) => {}
            }
        }
    }

    /// The oldest signatures that are due and not on their way, as many as there is room for.
    async fn due(&self, tried: &HashMap<String, Tried>, ids: &[String]) -> Vec<Unlogged> {
        let room = AT_ONCE.saturating_sub(ids.len());
        if room == 0 {
            return Vec::new();
        }
        // Those that wait after a failure are among the oldest, and keep no others from being seen.
        let most = AT_ONCE.saturating_add(tried.len());
        let all = match self.store.unlogged(most).await {
            Ok(all) => all,
            Err(trouble) => {
                tracing::error!("{trouble}");
                return Vec::new();
            }
        };
        let now = Instant::now();
        let is_due = |id: &str| {
            let next = tried.get(id).and_then(|tried| tried.next);
            next.is_none_or(|next| next <= now) && !ids.iter().any(|other| other == id)
        };
        let due = all.into_iter().filter(|one| is_due(&one.approval_id));
        due.take(room).collect()
    }

    fn pause(&self, tried: &HashMap<String, Tried>) -> Duration {
        let next = tried.values().filter_map(|tried| tried.next).min();
        let until = next.map(|next| next.saturating_duration_since(Instant::now()));
        until.unwrap_or(LOOK).clamp(Duration::from_millis(10), LOOK)
    }

    fn done(&self, tried: &mut HashMap<String, Tried>, id: String, done: Result<(), NotLogged>) {
        let Err(failed) = done else {
            tried.remove(&id);
            self.ready.well(PART);
            return;
        };
        let wait = match &failed {
            NotLogged::Later(why) => {
                if self
                    .ready
                    .trouble(PART, format!("the log does not take signatures: {why}"))
                {
                    tracing::warn!("the log does not take signatures: {why}");
                }
                let times = tried.get(&id).map_or(0, |tried| tried.times);
                let doubled = FIRST_WAIT.saturating_mul(1 << times.min(10));
                doubled.min(LONGEST_WAIT)
            }
            NotLogged::Never(why) => {
                // An operator may mend the log's settings, so nothing is given up. Others are not
                // kept waiting because of it.
                tracing::error!(approval = id, "the log refuses a signature: {why}");
                REFUSED_WAIT
            }
        };
        let tried = tried.entry(id).or_default();
        tried.times = tried.times.saturating_add(1);
        tried.next = Some(Instant::now() + wait);
    }
}

/// Keeps what the log has answered.
async fn keep(store: &dyn Store, id: &str, bundle: String) -> Result<(), NotLogged> {
    match store.logged(id, bundle).await {
        Ok(_) => Ok(()),
        Err(Trouble::Refused(refusal)) => Err(NotLogged::Later(refusal.detail)),
        Err(Trouble::Store(error)) => Err(NotLogged::Later(error.to_string())),
    }
}

async fn append(log: &dyn Log, unlogged: &Unlogged, rp_id: &str) -> Result<String, NotLogged> {
    let lost = || NotLogged::Never("the signature is not what was kept".into());
    let all = &unlogged.request.signatures;
    let signature = all
        .iter()
        .find(|one| one.approval_id == unlogged.approval_id);
    let signature = signature.ok_or_else(lost)?;
    let entry = log::entry(unlogged, signature, rp_id).ok_or_else(lost)?;
    let bundle = log.append(entry).await?;
    match log::is_of(&bundle, signature) {
        true => Ok(bundle),
        false => Err(NotLogged::Later(
            "the log answered with another entry".into(),
        )),
    }
}
