//! The published checkpoint of a log that several machines keep, as it is when somebody asks: each of
//! them answers the same, and none goes back.
//!
//! Whoever asks gets the result of a read that began after they came. Those who come while one is
//! under way share the next.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Turn;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::error::{LogError, Result};
use crate::key;
use crate::refusal::Refusal;
use crate::store::{Head, Members};

/// Its reader.
#[derive(Debug)]
pub(crate) struct Latest {
    members: Arc<dyn Members>,
    key: VerifierKey,
    /// How many have asked.
    asked: AtomicU64,
    turn: Turn<Last>,
    /// The newest one that was ever read here.
    newest: Mutex<Option<Arc<Head>>>,
    /// The same, for those who do not wait for a read that is under way.
    seen: Mutex<Option<Arc<Head>>>,
}

/// The last read.
#[derive(Debug)]
struct Last {
    /// It began after so many had asked.
    asked: u64,
    head: std::result::Result<Arc<Head>, Refusal>,
}

impl Latest {
    /// `shown` is one that was read before, in another process.
    pub(crate) fn new(members: Arc<dyn Members>, key: VerifierKey, shown: Option<Head>) -> Self {
        let last = Last {
            asked: 0,
            head: Err(Refusal::not_published()),
        };
        let shown = shown.map(Arc::new);
        Self {
            members,
            key,
            asked: AtomicU64::new(0),
            turn: Turn::new(last),
            newest: Mutex::new(shown.clone()),
            seen: Mutex::new(shown),
        }
    }

    /// The newest one that was ever read here: nobody is shown an older one. Waits for nothing.
    pub(crate) fn newest(&self) -> Option<Arc<Head>> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Fails if the database is behind what was shown, and blocks: what it does not have may be in the
    /// log all the same.
    pub(crate) fn confirm_absence(&self) -> std::result::Result<(), Refusal> {
        match self.read() {
            Ok(_) => Ok(()),
            Err(failure) => Err(refusal(failure)),
        }
    }

    /// The published head, not older than this call.
    pub(crate) async fn head(self: &Arc<Self>) -> std::result::Result<Arc<Head>, Refusal> {
        let own = self.asked.fetch_add(1, SeqCst);
        let mut last = self.turn.lock().await;
        if last.asked > own {
            return last.head.clone();
        }
        let asked = self.asked.load(SeqCst);
        let this = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || this.read()).await;
        let head = match read {
            Ok(Ok(head)) => Ok(head),
            Ok(Err(failure)) => Err(refusal(failure)),
            Err(_) => Err(Refusal::internal()),
        };
        *last = Last {
            asked,
            head: head.clone(),
        };
        head
    }

    /// Fails if a committed head is behind what was read here before, or of another tree of that size:
    /// whoever comes to lead would fork what it has shown itself.
    pub(crate) fn confirm(&self, committed: &Head) -> Result<()> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let (size, root) = (committed.size, committed.root);
        match &*newest {
            Some(shown) if shown.size > size || (shown.size == size && shown.root != root) => {
                Err(LogError::Rollback(behind(shown)))
            }
            _ => Ok(()),
        }
    }

    /// Reads it, and blocks. An error if it is older than one that was read before, since whoever has
    /// seen more must not be shown less: [`LogError::Rollback`] if the log is frozen, be it over this.
    pub(crate) fn read(&self) -> Result<Arc<Head>> {
        // One after the other: a row that was read before that of another reader looks older than it.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let checkpoint = self.members.published()?;
        let wrong = |error| LogError::damage(format!("the published checkpoint: {error}"));
        let (size, root) = key::open(&self.key, &checkpoint).map_err(wrong)?;
        match &*newest {
            Some(known) if known.size > size || (known.size == size && known.root != root) => {
                let known = Arc::clone(known);
                if self.members.accuse(&known, &behind(&known))? {
                    // Frozen: the next read says so, in the words that everybody gets.
                    self.members.published()?;
                }
                return Err(LogError::System(format!(
                    "the published checkpoint has {size} entries, and had {} before: another server \
                     has taken over, and the member that leads has to publish it again",
                    known.size
                )));
            }
            Some(known) if known.checkpoint == checkpoint => return Ok(Arc::clone(known)),
            _ => {}
        }
        let head = Arc::new(Head {
            size,
            root,
            checkpoint,
        });
        *newest = Some(Arc::clone(&head));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&head));
        Ok(head)
    }
}

fn refusal(failure: LogError) -> Refusal {
    if let LogError::Rollback(why) = failure {
        return Refusal::frozen(&why);
    }
    tracing::error!(%failure, "cannot read the published checkpoint");
    Refusal::not_published()
}

/// What is said of a database that is behind a head that was shown.
fn behind(shown: &Head) -> String {
    format!(
        "a member has shown a checkpoint of {} entries that this log has signed, and the database has \
         committed less, or another tree of that size: the database went back, and going on would \
         fork the log. Stop whatever else runs with this key, bring the newest database back, and \
         start again; see OPERATIONS, \"A database that went back\"",
        shown.size
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;

    use super::*;
    use crate::key::LogKey;
    use crate::store::Leadership;

    /// A row that takes its time.
    #[derive(Debug)]
    struct Row {
        checkpoint: Mutex<String>,
        reads: AtomicU64,
        pause: Mutex<Duration>,
        /// What is committed is behind it, too.
        lost: AtomicBool,
        frozen: AtomicBool,
    }

    impl Row {
        fn set(&self, key: &LogKey, size: u64, byte: u8) {
            let root = if size == 0 { EMPTY_ROOT } else { [byte; 32] };
            *self.checkpoint.lock().unwrap() = key.sign(size, root).unwrap();
        }
    }

    impl Members for Row {
        fn published(&self) -> Result<String> {
            let pause = *self.pause.lock().unwrap();
            let text = self.checkpoint.lock().unwrap().clone();
            self.reads.fetch_add(1, SeqCst);
            std::thread::sleep(pause);
            match self.frozen.load(SeqCst) {
                true => Err(LogError::Rollback("frozen".into())),
                false => Ok(text),
            }
        }

        fn leadership(&self) -> Result<Leadership> {
            Ok(Leadership::Vacant)
        }

        fn accuse(&self, _: &Head, _: &str) -> Result<bool> {
            let lost = self.lost.load(SeqCst);
            self.frozen.store(lost, SeqCst);
            Ok(lost)
        }
    }

    fn latest() -> (LogKey, Arc<Row>, Arc<Latest>) {
        let key = LogKey::generate("log.example").unwrap();
        let row = Arc::new(Row {
            checkpoint: Mutex::default(),
            reads: AtomicU64::new(0),
            pause: Mutex::new(Duration::from_millis(20)),
            lost: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
        });
        row.set(&key, 0, 0);
        let members: Arc<dyn Members> = row.clone();
        let latest = Arc::new(Latest::new(members, key.public().clone(), None));
        (key, row, latest)
    }

    #[test]
    fn many_share_a_read_and_nobody_gets_one_that_began_before_they_asked() {
        let (key, row, latest) = latest();
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async {
            for size in 1..=20_u64 {
                // Under way while the row moves on.
                let early = tokio::spawn({
                    let latest = Arc::clone(&latest);
                    async move { latest.head().await }
                });
                row.set(&key, size, 7);
                let askers = (0..50).map(|_| {
                    let latest = Arc::clone(&latest);
                    tokio::spawn(async move { latest.head().await.unwrap().size })
                });
                for asker in askers.collect::<Vec<_>>() {
                    assert_eq!(asker.await.unwrap(), size);
                }
                early.await.unwrap().unwrap();
            }
        });
        let reads = row.reads.load(SeqCst);
        assert!(reads <= 60, "{reads}");
    }

    #[test]
    fn a_slow_reader_finds_no_damage() {
        let (key, row, latest) = latest();
        row.set(&key, 1, 1);
        *row.pause.lock().unwrap() = Duration::from_millis(300);
        let slow = std::thread::spawn({
            let latest = Arc::clone(&latest);
            move || latest.read().map(|head| head.size)
        });
        while row.reads.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        row.set(&key, 2, 2);
        *row.pause.lock().unwrap() = Duration::ZERO;
        assert_eq!(latest.read().unwrap().size, 2);
        assert_eq!(slow.join().unwrap().unwrap(), 1);
    }

    #[test]
    fn nobody_is_shown_less_than_before() {
        let (key, row, latest) = latest();
        row.set(&key, 5, 5);
        assert_eq!(latest.read().unwrap().size, 5);
        for (size, byte) in [(4, 4), (0, 0), (5, 6)] {
            row.set(&key, size, byte);
            let failure = latest.read().unwrap_err();
            assert!(matches!(failure, LogError::System(_)), "{failure}");
        }
        let other = LogKey::generate("log.example").unwrap();
        row.set(&other, 9, 9);
        assert!(latest.read().is_err());
        row.set(&key, 6, 6);
        assert_eq!(latest.read().unwrap().size, 6);
        // Nor by a process that has just started.
        let members: Arc<dyn Members> = row.clone();
        let shown = key.head(7, [7; 32]).unwrap();
        let next = Latest::new(members, key.public().clone(), Some(shown));
        assert!(matches!(next.read(), Err(LogError::System(_))));
        row.set(&key, 7, 7);
        assert_eq!(next.read().unwrap().size, 7);
    }

    /// An entry that the database does not have may be in the log all the same.
    #[test]
    fn nothing_is_called_absent_by_a_database_that_is_behind() {
        use crate::refusal::Reason;

        let (key, row, latest) = latest();
        assert_eq!(latest.newest(), None);
        latest.confirm_absence().unwrap();
        row.set(&key, 5, 5);
        latest.confirm_absence().unwrap();
        assert_eq!(latest.newest().unwrap().size, 5);
        row.set(&key, 4, 4);
        let refused = latest.confirm_absence().unwrap_err();
        assert_eq!(refused.reason, Reason::NotPublished);
        assert_eq!(latest.newest().unwrap().size, 5);
        row.lost.store(true, SeqCst);
        let refused = latest.confirm_absence().unwrap_err();
        assert_eq!(refused.reason, Reason::Frozen);
    }

    #[test]
    fn what_is_behind_with_all_that_is_committed_ends_the_log() {
        let (key, row, latest) = latest();
        row.set(&key, 5, 5);
        latest.read().unwrap();
        for (size, byte, is_behind) in [(4, 4, true), (5, 6, true), (5, 5, false), (6, 6, false)] {
            let committed = key.head(size, [byte; 32]).unwrap();
            let confirmed = latest.confirm(&committed);
            assert_eq!(confirmed.is_err(), is_behind, "{size}");
        }
        row.lost.store(true, SeqCst);
        row.set(&key, 4, 4);
        for _ in 0..2 {
            let failure = latest.read().unwrap_err();
            assert!(matches!(failure, LogError::Rollback(_)), "{failure}");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let refused = runtime.block_on(latest.head()).unwrap_err();
        assert_eq!(refused.reason, crate::refusal::Reason::Frozen);
    }
}
