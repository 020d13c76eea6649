//! The keeper of public objects that are kept elsewhere: what has to be done there from time to
//! time, by the process that leads, in a thread that nobody waits for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::error::{LogError, Result};
use crate::store::{Brake, CHECKPOINT, Head, Heads, Objects};
use crate::{failpoint, key, partials};

/// How often the keeper does what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Looks at the copy of the checkpoint.
    pub(super) look: Duration,
    /// Removes old heads.
    pub(super) prune: Duration,
    /// Removes partial tiles.
    pub(super) sweep: Duration,
    /// How long partial tiles stay after their full one was published: for readers with an older
    /// checkpoint in their hands.
    pub(super) keep: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(1),
            prune: Duration::from_secs(60),
            sweep: Duration::from_secs(600),
            keep: Duration::from_secs(3600),
        }
    }
}

/// The thread. Ends when this is dropped, with the newest checkpoint copied, if that can be done.
#[derive(Debug)]
pub(super) struct Keeper {
    published: Option<mpsc::Sender<Head>>,
    ending: Arc<AtomicBool>,
    fork: Fork,
    thread: Option<JoinHandle<()>>,
}

/// The proof that somebody else publishes with the key of this log, once there is one.
type Fork = Arc<OnceLock<String>>;

impl Keeper {
    pub(super) fn start(
        objects: Arc<dyn Objects>,
        key: &VerifierKey,
        brake: Option<Arc<dyn Brake>>,
        pace: Pace,
    ) -> Result<Self> {
        let (published, heads) = mpsc::channel();
        let ending = Arc::new(AtomicBool::new(false));
        let fork = Fork::default();
        let work = Work {
            objects,
            key: key.clone(),
            brake,
            fork: Arc::clone(&fork),
            pace,
            ending: Arc::clone(&ending),
            newest: None,
            copied: false,
            trouble: false,
            aging: VecDeque::new(),
            aged: None,
        };
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || work.run(&heads))
            .map_err(|error| LogError::System(error.to_string()))?;
        Ok(Self {
            published: Some(published),
            ending,
            fork,
            thread: Some(thread),
        })
    }

    /// Fails if somebody else publishes with the key of this log.
    pub(super) fn check(&self) -> Result<()> {
        match self.fork.get() {
            Some(why) => Err(LogError::Rollback(why.clone())),
            None => Ok(()),
        }
    }

    /// A checkpoint was published.
    pub(super) fn published(&self, checkpoint: &str) {
        // It is well formed, or it would not have been published.
        let Ok(signed) = SignedCheckpoint::parse(checkpoint) else {
            return;
        };
        let tree = signed.checkpoint();
        let head = Head {
            size: tree.size(),
            root: tree.root(),
            checkpoint: checkpoint.to_owned(),
        };
        if let Some(published) = &self.published {
            // The thread ends after this alone.
            let _ = published.send(head);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        drop(self.published.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread knows.
struct Work {
    objects: Arc<dyn Objects>,
    key: VerifierKey,
    /// What ends the log for all of its members, if it has several.
    brake: Option<Arc<dyn Brake>>,
    fork: Fork,
    pace: Pace,
    ending: Arc<AtomicBool>,
    /// The published head.
    newest: Option<Head>,
    /// Its copy was put and read back.
    copied: bool,
    /// The last attempt failed, and somebody was told.
    trouble: bool,
    /// Heads that were published, and when.
    aging: VecDeque<(Instant, Head)>,
    /// The newest that was published long enough ago.
    aged: Option<Head>,
}

impl Work {
    fn run(mut self, heads: &mpsc::Receiver<Head>) {
        let (mut pruned, mut swept) = (Instant::now(), Instant::now());
        loop {
            match heads.recv_timeout(self.pace.look) {
                Ok(mut head) => {
                    // Only the newest one is worth a copy.
                    while let Ok(newer) = heads.try_recv() {
                        head = newer;
                    }
                    self.publish(head);
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if pruned.elapsed() >= self.pace.prune {
                pruned = Instant::now();
                let done = Heads::new(Arc::clone(&self.objects)).prune();
                warn(done, "old heads cannot be removed");
            }
            if swept.elapsed() >= self.pace.sweep {
                swept = Instant::now();
                self.sweep();
            }
        }
        if !self.copied {
            self.look();
        }
    }

    fn publish(&mut self, head: Head) {
        let latest = self.aging.back().map(|(when, _)| when.elapsed());
        // A head a minute is enough to know which one is old.
        if latest.is_none_or(|since| since >= self.pace.keep / 60) {
            self.aging.push_back((Instant::now(), head.clone()));
        }
        self.newest = Some(head);
        // The copy before is an older one.
        self.copied = false;
        self.look();
    }

    /// Puts the newest checkpoint where an older one is, or has come back.
    fn look(&mut self) {
        let Some(head) = self.newest.clone() else {
            return;
        };
        let found = match self.objects.get(CHECKPOINT) {
            Ok(found) => found,
            Err(failure) => return self.told(Some(failure)),
        };
        if found.as_deref() == Some(head.checkpoint.as_bytes()) {
            self.copied = true;
            return self.told(None);
        }
        let text = found.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.unwrap_or_default();
        let signed = key::open(&self.key, &text);
        let place = self.objects.place(CHECKPOINT);
        match &signed {
            Ok((size, root)) if self.fork.get().is_some() || contradicts(*size, root, &head) => {
                return self.stop(&place, *size);
            }
            Ok(_) => {}
            Err(_) if SignedCheckpoint::parse(&text).is_ok() => {
                return self.told(Some(LogError::System(format!(
                    "{place} is not signed by this log: another one writes there. It is left as it \
                     is"
                ))));
            }
            // Nobody can read it.
            Err(_) => {}
        }
        if self.copied {
            let size = signed.ok().map(|(size, _)| size);
            tracing::warn!(
                size,
                newest = head.size,
                "the copy of the checkpoint went back"
            );
        }
        let put = self.objects.put(CHECKPOINT, head.checkpoint.as_bytes());
        self.copied = put.is_ok();
        self.told(put.err());
    }

    /// Ends the log, if this process still leads it.
    fn stop(&mut self, place: &str, size: u64) {
        let why = format!(
            "{place} is a head of {size} entries that this log has signed, and the process that leads \
             has not published it: somebody else has the key, or leads at another server. It is left \
             as it is. Stop whatever else runs with this key, and keep both; see OPERATIONS, \"A \
             database that went back\""
        );
        let why = self.fork.get_or_init(|| why).clone();
        if let Some(brake) = self.brake.take() {
            match brake.freeze(&why) {
                Ok(()) => {}
                // The next reign has published it.
                Err(failure @ LogError::Deposed(_)) => tracing::warn!(%failure, "deposed"),
                Err(failure) => {
                    tracing::error!(%failure, "cannot freeze the log");
                    self.brake = Some(brake);
                }
            }
        }
        self.told(Some(LogError::Rollback(why)));
    }

    /// Removes partial tiles that nobody needs any more.
    fn sweep(&mut self) {
        while let Some((when, _)) = self.aging.front()
            && when.elapsed() >= self.pace.keep
        {
            self.aged = self.aging.pop_front().map(|(_, head)| head);
        }
        if let Some(head) = &self.aged {
            let go_on = || !self.ending.load(Ordering::Relaxed);
            let done = partials::sweep(&self.objects, head, &go_on);
            warn(done, "partial tiles cannot be removed");
        }
    }

    /// Says once that the copy cannot be kept up, and once that it can again.
    fn told(&mut self, failure: Option<LogError>) {
        match (&failure, self.trouble) {
            (Some(failure), false) => {
                tracing::error!(%failure, "the copy of the checkpoint is not up to date");
            }
            (None, true) => tracing::info!("the copy of the checkpoint is up to date again"),
            _ => {}
        }
        self.trouble = failure.is_some();
    }
}

/// Whether no process that has published `head` can have published this one before.
fn contradicts(size: u64, root: &Hash, head: &Head) -> bool {
    let another = size > head.size || (size == head.size && *root != head.root);
    another && !failpoint::unfenced()
}

fn warn(done: Result<()>, what: &str) {
    if let Err(failure) = done {
        tracing::warn!(%failure, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::LogKey;
    use crate::store::{Fault, Faulty};

    /// The thread's work, to be done step by step.
    fn work(key: &LogKey) -> (Arc<Faulty>, Work) {
        let store = Arc::new(Faulty::default());
        let work = Work {
            objects: Arc::new(store.bucket()),
            key: key.public().clone(),
            brake: None,
            fork: Fork::default(),
            pace: Pace::default(),
            ending: Arc::default(),
            newest: None,
            copied: false,
            trouble: false,
            aging: VecDeque::new(),
            aged: None,
        };
        (store, work)
    }

    fn head(key: &LogKey, size: u64, root: u8) -> Head {
        key.head(size, [root; 32]).unwrap()
    }

    fn copied(work: &Work, head: &Head) -> bool {
        work.objects.text(CHECKPOINT).unwrap() == head.checkpoint
    }

    #[test]
    fn a_copy_that_arrives_late_is_replaced_by_the_newest() {
        let key = LogKey::generate("log.example").unwrap();
        let (one, two) = (head(&key, 1, 1), head(&key, 2, 2));
        let (store, mut work) = work(&key);
        store.plan("checkpoint", Fault::Late);
        work.publish(one.clone());
        assert!(work.trouble && !work.copied);
        work.publish(two.clone());
        assert!(work.copied && copied(&work, &two));
        store.release();
        assert!(copied(&work, &one));
        work.look();
        assert!(copied(&work, &two));
        assert_eq!(store.hits(), 1);
    }

    #[test]
    fn a_copy_that_was_lost_is_put_again() {
        let key = LogKey::generate("log.example").unwrap();
        let (store, mut work) = work(&key);
        work.publish(head(&key, 1, 1));
        for (size, fault) in (2..).zip([
            Fault::Lost,
            Fault::Cut,
            Fault::Refused,
            Fault::RefusedAndDone,
        ]) {
            let next = head(&key, size, 2);
            store.plan("checkpoint", fault);
            work.publish(next.clone());
            assert!(work.trouble && !work.copied, "{fault:?}");
            work.look();
            assert!(!work.trouble && copied(&work, &next), "{fault:?}");
        }
        assert_eq!(store.hits(), 4);
        // With another cosignature it is another text.
        let mut more = head(&key, 5, 2);
        more.checkpoint += "\u{2014} witness.example AAAAAAAA\n";
        work.publish(more.clone());
        assert!(copied(&work, &more));
    }

    /// Remembers why it was pulled.
    #[derive(Debug, Default)]
    struct Pulled(std::sync::Mutex<Vec<String>>);

    impl Brake for Pulled {
        fn freeze(&self, why: &str) -> Result<()> {
            self.0.lock().unwrap().push(why.into());
            Ok(())
        }
    }

    #[test]
    fn a_copy_that_somebody_else_has_signed_ends_the_log_and_is_left_as_it_is() {
        let key = LogKey::generate("log.example").unwrap();
        for strange in [head(&key, 6, 6), head(&key, 5, 9)] {
            let (_store, mut work) = work(&key);
            let brake = Arc::new(Pulled::default());
            work.brake = Some(brake.clone());
            work.publish(head(&key, 5, 5));
            let bytes = strange.checkpoint.as_bytes();
            work.objects.put(CHECKPOINT, bytes).unwrap();
            // Be it that more is published before somebody looks.
            work.look();
            assert!(work.trouble && copied(&work, &strange));
            work.publish(head(&key, 7, 7));
            assert!(work.trouble && copied(&work, &strange));
            assert_eq!(brake.0.lock().unwrap().len(), 1);
            assert!(work.fork.get().unwrap().contains("has the key"));
        }
        // The log of one process learns it when it publishes.
        let (store, _) = work(&key);
        let objects: Arc<dyn Objects> = Arc::new(store.bucket());
        let pace = Pace {
            look: Duration::from_millis(1),
            ..Pace::default()
        };
        let keeper = Keeper::start(Arc::clone(&objects), key.public(), None, pace).unwrap();
        let theirs = head(&key, 6, 6);
        objects
            .put(CHECKPOINT, theirs.checkpoint.as_bytes())
            .unwrap();
        keeper.check().unwrap();
        keeper.published(&head(&key, 5, 5).checkpoint);
        let begun = Instant::now();
        while keeper.check().is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        assert!(matches!(keeper.check(), Err(LogError::Rollback(_))));
        drop(keeper);
        assert_eq!(objects.text(CHECKPOINT).unwrap(), theirs.checkpoint);
    }

    #[test]
    fn a_copy_of_another_log_is_left_as_it_is() {
        let key = LogKey::generate("log.example").unwrap();
        let (_store, mut work) = work(&key);
        let other = head(&LogKey::generate("log.example").unwrap(), 3, 3);
        work.publish(head(&key, 5, 5));
        work.objects
            .put(CHECKPOINT, other.checkpoint.as_bytes())
            .unwrap();
        work.publish(head(&key, 7, 7));
        assert!(work.trouble && copied(&work, &other) && work.fork.get().is_none());
    }

    #[test]
    fn the_last_checkpoint_is_copied_before_the_process_ends() {
        let key = LogKey::generate("log.example").unwrap();
        let store = Arc::new(Faulty::default());
        let objects: Arc<dyn Objects> = Arc::new(store.bucket());
        let keeper =
            Keeper::start(Arc::clone(&objects), key.public(), None, Pace::default()).unwrap();
        store.plan("checkpoint", Fault::Lost);
        for size in 1..=3 {
            keeper.published(&head(&key, size, 1).checkpoint);
        }
        drop(keeper);
        let text = objects.text(CHECKPOINT).unwrap();
        assert_eq!(text, head(&key, 3, 1).checkpoint);
    }

    #[test]
    fn partial_tiles_stay_until_their_full_one_is_old_enough() {
        let key = LogKey::generate("log.example").unwrap();
        let (_store, mut work) = work(&key);
        let mut edge = crate::edge::Edge::default();
        let mut grow = |work: &mut Work, size: u64| {
            let leaves: Vec<String> = (edge.size()..size).map(|n| n.to_string()).collect();
            for (tile, bytes) in edge.append(leaves.iter().map(String::as_bytes)).unwrap() {
                work.objects.put(&tile.path(), &bytes).unwrap();
            }
            work.publish(key.head(size, edge.root()).unwrap());
        };
        grow(&mut work, 100);
        grow(&mut work, 300);
        work.sweep();
        assert!(work.objects.has("tile/0/000.p/100").unwrap());
        // An hour has passed.
        work.pace.keep = Duration::ZERO;
        grow(&mut work, 301);
        work.sweep();
        assert!(!work.objects.has("tile/0/000.p/100").unwrap());
        assert!(work.objects.has("tile/0/001.p/44").unwrap());
    }
}
