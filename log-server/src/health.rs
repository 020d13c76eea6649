//! Whether the log does its work: what `/readyz` says, and whether it takes on more.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serving::prometheus;

use crate::failpoint;

/// How long publication may be held back before nothing more is admitted. An entry that waits for
/// its publication uses up what the log has promised for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is wrong at the moment.
#[derive(Debug, Default)]
pub(crate) struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Of the database: nothing but a restart shows that it is mended.
    damage: Option<String>,
}

/// What is committed cannot be published.
#[derive(Debug)]
struct Held {
    why: String,
    since: Instant,
}

impl Health {
    /// Nothing was published for this reason; it is tried again.
    pub(crate) fn held_back(&self, why: &str) {
        let mut state = self.lock();
        match &mut state.held {
            Some(held) => why.clone_into(&mut held.why),
            None => {
                tracing::error!(why, "publication is held back");
                state.held = Some(Held {
                    why: why.to_owned(),
                    since: Instant::now(),
                });
            }
        }
    }

    /// What is committed is published.
    pub(crate) fn published(&self) {
        if self.lock().held.take().is_some() {
            tracing::info!("publishing again");
        }
    }

    /// Nothing can be appended until somebody has looked.
    pub(crate) fn damaged(&self, why: &str) {
        self.lock().damage = Some(why.to_owned());
    }

    /// Whether new entries may be admitted.
    pub(crate) fn admits(&self) -> bool {
        let patience = failpoint::patience().unwrap_or(PATIENCE);
        let state = self.lock();
        state
            .held
            .as_ref()
            .is_none_or(|held| held.since.elapsed() <= patience)
    }

    /// Why the log is not ready, if it is not.
    pub(crate) fn trouble(&self) -> Option<String> {
        let state = self.lock();
        let held = state.held.as_ref().map(|held| held.why.clone());
        state.damage.clone().or(held)
    }

    /// What Prometheus reads.
    pub(crate) fn metrics(&self) -> String {
        const NAME: &str = "cosignet_log_publication_held_back";
        let held = u8::from(self.lock().held.is_some());
        let mut out = String::new();
        let help = "1 while what is committed cannot be published.";
        prometheus::head(&mut out, NAME, "gauge", help);
        out + &format!("{NAME} {held}\n")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
