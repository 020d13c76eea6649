//! Signatures on their way to the log. A signature that was taken in is tried until the log has it,
//! under the same approval id, so that nothing gets in twice.

mod glass;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serving::Readiness;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::log::{self, Log, NotLogged};
use crate::store::{Store, Trouble, Unlogged};

pub(crate) use glass::GlassOutbox;

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
#[derive(Debug)]
struct Tried {
    times: u32,
    next: Instant,
}

/// Signatures whose last try has failed, by id.
#[derive(Debug, Default)]
struct Failures(HashMap<String, Tried>);

impl Failures {
    fn is_due(&self, id: &str, now: Instant) -> bool {
        self.0.get(id).is_none_or(|tried| tried.next <= now)
    }

    /// Forgets what would be due, and is neither there any more nor on its way: another process has
    /// brought it to the log.
    fn settle(&mut self, there: &[Unlogged], on_their_way: &[String], now: Instant) {
        let is_there = |id: &String| there.iter().any(|one| one.approval_id == *id);
        self.0
            .retain(|id, tried| tried.next > now || is_there(id) || on_their_way.contains(id));
    }

    /// How long nothing becomes due. What is due already waits for room, or for the store.
    fn pause(&self, on_their_way: &[String], now: Instant) -> Duration {
        let waits = self.0.iter().filter(|(id, _)| !on_their_way.contains(id));
        let next = waits
            .map(|(_, tried)| tried.next)
            .filter(|next| *next > now);
        let until = next.min().map(|next| next.saturating_duration_since(now));
        until.unwrap_or(LOOK).clamp(Duration::from_millis(10), LOOK)
    }
}

impl Outbox {
    /// Works until the task is dropped.
    pub(crate) async fn run(self) {
        let mut tried = Failures::default();
        let mut on_their_way = JoinSet::new();
        let mut ids: Vec<String> = Vec::new();
        loop {
            for unlogged in self.due(&mut tried, &ids).await {
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
                () = tokio::time::sleep(tried.pause(&ids, Instant::now())) => {}
            }
        }
    }

    /// The oldest signatures that are due and not on their way, as many as there is room for.
    async fn due(&self, tried: &mut Failures, ids: &[String]) -> Vec<Unlogged> {
        let room = AT_ONCE.saturating_sub(ids.len());
        if room == 0 {
            return Vec::new();
        }
        // Those that wait after a failure are among the oldest, and keep no others from being seen.
        let most = AT_ONCE.saturating_add(tried.0.len());
        let all = match self.store.unlogged(most).await {
            Ok(all) => all,
            Err(trouble) => {
                tracing::error!("{trouble}");
                return Vec::new();
            }
        };
        let now = Instant::now();
        tried.settle(&all, ids, now);
        let is_due = |id: &String| tried.is_due(id, now) && !ids.contains(id);
        let due = all.into_iter().filter(|one| is_due(&one.approval_id));
        due.take(room).collect()
    }

    fn done(&self, tried: &mut Failures, id: String, done: Result<(), NotLogged>) {
        let Err(failed) = done else {
            tried.0.remove(&id);
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
                let times = tried.0.get(&id).map_or(0, |tried| tried.times);
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
        let next = Instant::now() + wait;
        let tried = tried.0.entry(id).or_insert(Tried { times: 0, next });
        tried.times = tried.times.saturating_add(1);
        tried.next = next;
    }
}

/// Keeps what the log has answered.
async fn keep(store: &dyn Store, id: &str, bundle: String) -> Result<(), NotLogged> {
    store.logged(id, bundle).await.map(|_| ()).map_err(later)
}

/// What the log has and the store could not keep is brought once more.
fn later(trouble: Trouble) -> NotLogged {
    NotLogged::Later(match trouble {
        Trouble::Refused(refusal) => refusal.detail,
        Trouble::Store(error) => error.to_string(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Another process has brought the signature to the log, and so nobody here ever hears that it is
    /// there.
    #[test]
    fn what_is_not_there_any_more_is_not_waited_for() {
        let begun = Instant::now();
        let mut tried = Failures::default();
        let wait = Duration::from_millis(500);
        let next = begun + wait;
        tried.0.insert("one".into(), Tried { times: 1, next });
        // Not before it would be due: until then it is not looked for either.
        tried.settle(&[], &[], begun);
        assert!(!tried.is_due("one", begun));
        assert_eq!(tried.pause(&[], begun), wait);
        let later = begun + wait * 2;
        // On its way, it is waited for as such.
        let ids = ["one".to_owned()];
        tried.settle(&[], &ids, later);
        assert_eq!(tried.pause(&ids, later), LOOK);
        // Due, and without room: room is waited for.
        assert_eq!(tried.pause(&[], later), LOOK);
        tried.settle(&[], &[], later);
        assert!(tried.0.is_empty());
        assert_eq!(tried.pause(&[], later), LOOK);
    }
}
