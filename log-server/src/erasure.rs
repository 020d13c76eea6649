//! The thread that finishes erasures, and keeps the journal of the database short.
//!
//! A change of evidence takes effect at once for whoever looks it up. What it takes away may still
//! be in the files of the database: with SQLite until the write-ahead log was moved into the
//! database and emptied, and that cannot be done while somebody reads an older snapshot. So it is
//! tried again and again, in moments in which nobody writes; no append waits for it. What is left to
//! do is in the database, so it survives the process.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serving::prometheus::head;

use crate::error::{LogError, Result};
use crate::store::Eraser;

/// How long a request waits for its erasure.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pauses between two attempts, which double.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// How often the thread looks when it knows of nothing to do.
const TICK: Duration = Duration::from_secs(1);

/// A longer journal than this, in bytes, is emptied although nothing was erased: SQLite uses the
/// room of its write-ahead log again, but gives none back.
const LONG: u64 = 16 * 1024 * 1024;

/// The requests' view of the thread.
#[derive(Debug)]
pub(crate) struct Erasures {
    wake: mpsc::SyncSender<()>,
    /// How often the journal was emptied.
    emptied: Mutex<u64>,
    again: Condvar,
    pending: AtomicU64,
    ended: AtomicBool,
    eraser: Arc<dyn Eraser>,
}

impl Erasures {
    /// Starts the thread. It ends with [`Erasures::end`].
    pub(crate) fn start(eraser: Arc<dyn Eraser>) -> Result<(Arc<Self>, JoinHandle<()>)> {
        let (wake, woken) = mpsc::sync_channel(1);
        let this = Arc::new(Self {
            wake,
            emptied: Mutex::new(0),
            again: Condvar::new(),
            pending: AtomicU64::new(eraser.pending()?),
            ended: AtomicBool::new(false),
            eraser,
        });
        let shared = Arc::clone(&this);
        let thread = std::thread::Builder::new()
            .name("erasures".into())
            .spawn(move || shared.run(&woken))
            .map_err(|error| LogError::System(error.to_string()))?;
        Ok((this, thread))
    }

    /// Ends the thread soon.
    pub(crate) fn end(&self) {
        self.ended.store(true, Relaxed);
        let _ = self.wake.try_send(());
    }

    /// Whether what was erased beside an entry is gone from every file of the database. Waits a
    /// moment for it.
    pub(crate) fn finished(&self, reader: impl Fn() -> Result<bool>) -> Result<bool> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = *self.emptied.lock().unwrap_or_else(PoisonError::into_inner);
            if !reader()? {
                return Ok(true);
            }
            // A full channel says the same.
            let _ = self.wake.try_send(());
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let emptied = self.emptied.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self
                .again
                .wait_timeout_while(emptied, left, |emptied| *emptied == seen);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Figures for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let mut out = String::new();
        for (name, help, value) in [
            (
                "cosignet_log_erasures_pending",
                "Erasures of which the database may still hold the bytes.",
                self.pending.load(Relaxed),
            ),
            (
                "cosignet_log_write_ahead_log_bytes",
                "The length of the write-ahead log of the database.",
                self.eraser.journal(),
            ),
        ] {
            head(&mut out, name, "gauge", help);
            let _ = writeln!(out, "{name} {value}");
        }
        out
    }

    /// One attempt. `None` if there is nothing to do, else whether it is done.
    fn attempt(&self) -> Result<Option<bool>> {
        let pending = self.eraser.pending()?;
        self.pending.store(pending, Relaxed);
        if pending == 0 && self.eraser.journal() <= LONG {
            return Ok(None);
        }
        let done = self.eraser.finish()?;
        if done {
            self.pending.store(self.eraser.pending()?, Relaxed);
            *self.emptied.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.again.notify_all();
        }
        Ok(Some(done))
    }

    fn run(&self, woken: &mpsc::Receiver<()>) {
        let mut pause = FIRST_PAUSE;
        while !self.ended.load(Relaxed) {
            let wait = match self.attempt() {
                Ok(Some(true) | None) => {
                    pause = FIRST_PAUSE;
                    TICK
                }
                Ok(Some(false)) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    std::thread::sleep(pause);
                    continue;
                }
                Err(failure) => {
                    // The database is busy, or there is no room: later.
                    tracing::debug!(%failure, "an erasure is not finished");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            let _ = woken.recv_timeout(wait);
        }
    }
}
