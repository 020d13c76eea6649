//! What was signed under break-glass, on its way to the log: tried until the log has it, under the same
//! id and with the same bytes. Where several processes try, the log takes it once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serving::Readiness;
use tokio::time::Instant;

use super::{REFUSED_WAIT, later};
use crate::break_glass::ToLog;
use crate::log::{Log, NotLogged};
use crate::store::Store;

/// How often to look, and how many are brought at a time.
const LOOK: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 64;

/// The part of the gate's readiness that this is.
const PART: &str = "log of break-glass";

/// Feeds the log with what nobody waits for.
#[derive(Debug)]
pub(crate) struct GlassOutbox {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) ready: Arc<Readiness>,
}

impl GlassOutbox {
    /// Works until the task is dropped.
    pub(crate) async fn run(self) {
        // Those that the log refuses, and until when they keep out of the way.
        let mut refused: HashMap<String, Instant> = HashMap::new();
        loop {
            let now = Instant::now();
            refused.retain(|_, until| *until > now);
            match self
                .store
                .unlogged_glass(AT_ONCE.saturating_add(refused.len()))
                .await
            {
                Ok(all) => self.bring(all, &mut refused).await,
                Err(trouble) => tracing::error!("{trouble}"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn bring(&self, all: Vec<ToLog>, refused: &mut HashMap<String, Instant>) {
        for one in all {
            if refused.contains_key(&one.id) {
                continue;
            }
            match self.append(&one).await {
                Ok(()) => {}
                Err(NotLogged::Later(why)) => {
                    let why = format!("the log does not take what was signed: {why}");
                    if self.ready.trouble(PART, why.clone()) {
                        tracing::warn!("BREAK-GLASS: {why}");
                    }
                    // Others would not do better.
                    return;
                }
                Err(NotLogged::Never(why)) => {
                    // An operator may mend the log's settings, so nothing is given up.
                    tracing::error!(entry = one.id, "BREAK-GLASS: the log refuses it: {why}");
                    refused.insert(one.id, Instant::now() + REFUSED_WAIT);
                }
            }
        }
        self.ready.well(PART);
    }

    async fn append(&self, one: &ToLog) -> Result<(), NotLogged> {
        let bundle = self.log.append(one.body.clone()).await?;
        if !one.is_in(&bundle) {
            let why = "the log answered with another entry";
            return Err(NotLogged::Later(why.into()));
        }
        let kept = self.store.glass_logged(&one.id, bundle).await;
        kept.map_err(later)
    }
}
