//! Whether the log does its work: what `/readyz` says.

use std::sync::{Mutex, PoisonError};

use serving::prometheus;

/// Why appends are not published at the moment, if so.
#[derive(Debug, Default)]
pub(crate) struct Health {
    trouble: Mutex<Option<String>>,
}

impl Health {
    /// Nothing was published for this reason; it is tried again.
    pub(crate) fn held_back(&self, why: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            tracing::error!(why, "publication is held back");
        }
        *trouble = Some(why.to_owned());
    }

    /// What is committed is published.
    pub(crate) fn published(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.take().is_some() {
            tracing::info!("publishing again");
        }
    }

    /// Why the log is not ready, if it is not.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }

    /// What Prometheus reads.
    pub(crate) fn metrics(&self) -> String {
        const NAME: &str = "cosignet_log_publication_held_back";
        let held = u8::from(self.trouble().is_some());
        let mut out = String::new();
        let help = "1 while what is committed cannot be published.";
        prometheus::head(&mut out, NAME, "gauge", help);
        out + &format!("{NAME} {held}\n")
    }
}
