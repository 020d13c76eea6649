//! Those who wait for a request to change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// One bell for each request that somebody waits for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    bells: Arc<Mutex<HashMap<String, watch::Sender<()>>>>,
}

/// A place at the bell of one request.
#[derive(Debug)]
pub(crate) struct Listener {
    id: String,
    heard: watch::Receiver<()>,
    waiting: Waiting,
}

impl Waiting {
    /// From now on every change of the request is heard. Take the place first, and then look.
    pub(crate) fn listen(&self, id: &str) -> Listener {
        let mut bells = self.lock();
        let bell = bells
            .entry(id.to_owned())
            .or_insert_with(|| watch::channel(()).0);
        Listener {
            id: id.to_owned(),
            heard: bell.subscribe(),
            waiting: self.clone(),
        }
    }

    /// Says that a request has changed.
    pub(crate) fn ring(&self, id: &str) {
        if let Some(bell) = self.lock().get(id) {
            bell.send_replace(());
        }
    }

    /// How many places there are.
    pub(crate) fn count(&self) -> usize {
        self.lock()
            .values()
            .map(watch::Sender::receiver_count)
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Waits for the next change.
    pub(crate) async fn changed(&mut self) {
        if self.heard.changed().await.is_err() {
            // Nobody will ring any more: the gate ends.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut bells = self.waiting.lock();
        // This place is still counted.
        if bells
            .get(&self.id)
            .is_some_and(|bell| bell.receiver_count() <= 1)
        {
            bells.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_after_the_look_is_heard() {
        let waiting = Waiting::default();
        let mut listener = waiting.listen("a");
        let other = waiting.listen("a");
        assert_eq!(waiting.count(), 2);
        waiting.ring("b");
        waiting.ring("a");
        listener.changed().await;
        drop((listener, other));
        assert_eq!(waiting.count(), 0);
        assert!(waiting.lock().is_empty());
    }
}
