//! Cosignatures: a head is published when a quorum of witnesses has signed that it extends what
//! they have seen.
//!
//! Each witness has a task of its own that knows what the witness knows, so slow, lying and dead
//! ones hold up nobody else. All are asked at once; publication waits for the quorum and for
//! nobody beyond it. A cosignature that comes later is still added to the checkpoint, as long as
//! that is the newest one.
//!
//! A witness that knows a larger tree than this log has committed proves that the log was rolled
//! back. Going on would fork it, so that ends the process.

mod client;
mod worker;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serving::prometheus::{head, label};
use tokio::sync::{Notify, watch};
use verifier_core::AwsLc;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::disk;
use crate::error::{LogError, Result};
use crate::store::Head;
use crate::tiles::Tiles;

/// How long the start waits for each witness to say what it knows.
const START_TIME: Duration = Duration::from_secs(5);

/// How long one attempt to publish waits for a quorum. More attempts follow.
const PATIENCE: Duration = Duration::from_secs(1);

/// The policy of the log itself: which witnesses it asks, and which of them have to sign. Without
/// a file nobody is asked.
pub(crate) fn policy(path: Option<&Path>, log: &VerifierKey) -> Result<TlogPolicy> {
    let Some(path) = path else {
        return TlogPolicy::parse(&format!("log {log}\nquorum none\n"))
            .map_err(|error| LogError::System(error.to_string()));
    };
    let usage = |what: String| LogError::Usage(format!("{}: {what}", path.display()));
    let policy = policy_of_readers(path, log)?;
    if policy.witnesses().len() >= Note::MAX_SIGNATURES {
        let most = Note::MAX_SIGNATURES - 1;
        return Err(usage(format!("a checkpoint has room for {most} witnesses")));
    }
    for witness in policy.witnesses() {
        if let Some(url) = witness.url() {
            log_client::address(url)
                .map_err(|error| usage(format!("witness {}: {error}", witness.name())))?;
        }
    }
    let reachable: Vec<bool> = policy
        .witnesses()
        .iter()
        .map(|witness| witness.url().is_some())
        .collect();
    if !policy.is_quorum(&reachable) {
        return Err(usage(format!(
            "the quorum ({}) needs witnesses without a URL, and those cannot be asked",
            policy.quorum_in_words()
        )));
    }
    Ok(policy)
}

/// The policy of those who read a log, and ask no witness themselves.
pub(crate) fn policy_of_readers(path: &Path, log: &VerifierKey) -> Result<TlogPolicy> {
    let usage = |what: String| LogError::Usage(format!("{}: {what}", path.display()));
    let text = disk::read_text(path)?;
    let mut policy = TlogPolicy::parse(&text).map_err(|error| usage(error.to_string()))?;
    if policy.logs().is_empty() {
        policy = TlogPolicy::parse(&format!("log {log}\n{text}"))
            .map_err(|error| usage(error.to_string()))?;
    }
    if !policy.logs().iter().any(|listed| listed.key() == log) {
        return Err(usage(format!(
            "it is for another log; this one is `log {log}`"
        )));
    }
    Ok(policy)
}

/// Fails, and says why, unless the witnesses of a policy have signed a checkpoint as it asks.
pub(crate) fn require_quorum(
    policy: &TlogPolicy,
    signed: &SignedCheckpoint,
) -> std::result::Result<(), String> {
    let quorum = policy.verify_quorum(&AwsLc, signed);
    quorum.map_err(|error| error.to_string())
}

/// Asks the witnesses of a log.
#[derive(Debug)]
pub(crate) struct Cosigner {
    shared: Arc<Shared>,
}

/// The state that the tasks of the witnesses, the writer and the publisher have in common.
#[derive(Debug)]
struct Shared {
    policy: TlogPolicy,
    log: VerifierKey,
    tiles: Tiles,
    state: Mutex<State>,
    /// For the threads that wait for an answer.
    changed: Condvar,
    /// For the tasks of the witnesses.
    wake: watch::Sender<()>,
    /// For the publisher: there is a cosignature more, or the log was rolled back.
    news: Notify,
    /// Time spent waiting for the quorum, in µs, and how often.
    waited: AtomicU64,
    waits: AtomicU64,
}

#[derive(Debug)]
struct State {
    target: Arc<Target>,
    /// In the order of the policy's witnesses.
    seats: Vec<Seat>,
    /// Why the process has to end.
    fatal: Option<String>,
    ended: bool,
}

/// The head that is to be cosigned. None that is larger has left this process.
#[derive(Debug)]
struct Target {
    head: Head,
    /// Only what the witness knows is asked: nothing must be signed yet that it does not know.
    probe: bool,
    since: Instant,
}

/// The state of one witness.
#[derive(Clone, Debug, Default)]
struct Seat {
    /// Its signature line on the target.
    line: Option<String>,
    /// It was asked at least once, with whatever result.
    asked: bool,
    /// It has said, since the start, that it knows no more than this log.
    confirmed: bool,
    /// It says that it knows more, and shows nothing that this log has signed.
    claim: Option<String>,
    /// Why the last question failed, if it did.
    trouble: Option<String>,
    cosigned: u64,
    failed: BTreeMap<&'static str, u64>,
}

impl Cosigner {
    /// Starts to ask what each witness knows of this log, which has committed `head`.
    pub(crate) fn start(
        policy: TlogPolicy,
        log: &VerifierKey,
        tiles: Tiles,
        head: &Head,
    ) -> Result<Arc<Self>> {
        let this = Self::idle(policy, log, tiles, head);
        worker::start(&this.shared)?;
        Ok(this)
    }

    /// Of a process that does not lead: it has the policy, and asks nobody.
    pub(crate) fn idle(
        policy: TlogPolicy,
        log: &VerifierKey,
        tiles: Tiles,
        head: &Head,
    ) -> Arc<Self> {
        let mut seats = vec![Seat::default(); policy.witnesses().len()];
        for (seat, witness) in seats.iter_mut().zip(policy.witnesses()) {
            if witness.url().is_none() {
                seat.asked = true;
                seat.trouble = Some("the policy has no URL for it".into());
            }
        }
        let target = Target {
            head: head.clone(),
            probe: true,
            since: Instant::now(),
        };
        let shared = Arc::new(Shared {
            policy,
            log: log.clone(),
            tiles,
            state: Mutex::new(State {
                target: Arc::new(target),
                seats,
                fatal: None,
                ended: false,
            }),
            changed: Condvar::new(),
            wake: watch::Sender::new(()),
            news: Notify::new(),
            waited: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        });
        Arc::new(Self { shared })
    }

    /// The policy of the log.
    pub(crate) fn policy(&self) -> &TlogPolicy {
        &self.shared.policy
    }

    /// Waits until every witness was asked once. Fails if one of them knows more than this log:
    /// that is a snapshot that was restored, which nothing on this machine can tell.
    pub(crate) fn ask(&self) -> Result<()> {
        let deadline = Instant::now() + START_TIME;
        let asked = |state: &State| state.seats.iter().all(|seat| seat.asked);
        self.shared.wait(deadline, asked).map(|_| ())
    }

    /// Fails until some witness of every possible quorum has said that it knows no more than this
    /// log. Before that nothing may be signed. If a witness claims to know more and shows no proof,
    /// those have to be a quorum, too; if they are not when all were asked, the log stops.
    pub(crate) fn confirm(&self) -> Result<()> {
        // Some of every quorum: a larger head cannot have met one without them.
        let confirmed = |state: &State| {
            let confirmed = |seat: &Seat| seat.confirmed && seat.claim.is_none();
            let seats: Vec<bool> = state.seats.iter().map(confirmed).collect();
            let claimed = state.seats.iter().any(|seat| seat.claim.is_some());
            let outvoted = !claimed || self.shared.policy.is_quorum(&seats);
            self.shared.policy.is_blocking(&seats) && outvoted
        };
        let deadline = Instant::now() + PATIENCE;
        let (state, met) = self.shared.wait(deadline, confirmed)?;
        if met {
            return Ok(());
        }
        let claim = state.seats.iter().find_map(|seat| seat.claim.clone());
        if let Some(claim) = claim.filter(|_| state.seats.iter().all(|seat| seat.asked)) {
            return Err(LogError::Claimed(claim));
        }
        Err(LogError::Quorum(format!(
            "since the start too few witnesses have said what they know of this log (some of every \
             quorum are needed; it is {}): {}",
            self.shared.policy.quorum_in_words(),
            self.troubles(&state)
        )))
    }

    /// Whether a checkpoint that this log has published meets its quorum.
    pub(crate) fn meets_quorum(&self, checkpoint: &str) -> bool {
        self.check(checkpoint).is_ok()
    }

    /// The key of the log.
    pub(crate) fn key(&self) -> &VerifierKey {
        &self.shared.log
    }

    /// Asks the witnesses to sign a committed head.
    pub(crate) fn show(&self, head: &Head) -> Result<()> {
        let mut state = self.shared.lock();
        state.check()?;
        if state.target.probe || state.target.head != *head {
            if state.target.head != *head {
                state.seats.iter_mut().for_each(|seat| seat.line = None);
            }
            state.target = Arc::new(Target {
                head: head.clone(),
                probe: false,
                since: Instant::now(),
            });
            self.shared.wake.send_replace(());
        }
        Ok(())
    }

    /// The checkpoint of a committed head with the cosignatures of a quorum, and of whoever else
    /// has been as quick. After [`LogError::Quorum`] it can be called again, and goes on with what
    /// has arrived.
    pub(crate) fn cosign(&self, head: &Head) -> Result<String> {
        self.show(head)?;
        let enough = |state: &State| self.quorum(state, |seat| seat.line.is_some());
        let deadline = Instant::now() + PATIENCE;
        let (state, met) = self.shared.wait(deadline, enough)?;
        if !met {
            return Err(LogError::Quorum(format!(
                "the quorum of witnesses is not met ({} needed): {}",
                self.shared.policy.quorum_in_words(),
                self.troubles(&state)
            )));
        }
        let checkpoint = compose(&state);
        let waited = state.target.since.elapsed();
        drop(state);
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.shared.waited.fetch_add(micros, Ordering::Relaxed);
        self.shared.waits.fetch_add(1, Ordering::Relaxed);
        // What an auditor will say of it.
        self.check(&checkpoint)?;
        Ok(checkpoint)
    }

    /// Waits for [`Cosigner::later`] to have something to say.
    pub(crate) async fn news(&self) {
        self.shared.news.notified().await;
    }

    /// The published checkpoint with the cosignatures that have arrived since, if there are any.
    /// Fails if a witness knows more than this log.
    pub(crate) fn later(&self, published: &str) -> Result<Option<String>> {
        let state = self.shared.lock();
        state.check()?;
        if state.target.probe || !published.starts_with(&state.target.head.checkpoint) {
            return Ok(None);
        }
        let checkpoint = compose(&state);
        drop(state);
        let more = checkpoint.len() > published.len() && self.meets_quorum(&checkpoint);
        Ok(more.then_some(checkpoint))
    }

    fn check(&self, checkpoint: &str) -> Result<()> {
        let signed = SignedCheckpoint::parse(checkpoint);
        let signed = signed.map_err(|error| LogError::System(error.to_string()))?;
        require_quorum(&self.shared.policy, &signed).map_err(LogError::System)
    }

    fn quorum(&self, state: &State, has: impl Fn(&Seat) -> bool) -> bool {
        let seats: Vec<bool> = state.seats.iter().map(has).collect();
        self.shared.policy.is_quorum(&seats)
    }

    /// The troubles of those who have not signed, for people.
    fn troubles(&self, state: &State) -> String {
        let names = self.shared.policy.witnesses().iter().zip(&state.seats);
        let said: Vec<String> = names
            .map(|(witness, seat)| match (&seat.line, &seat.trouble) {
                (Some(_), _) => format!("{} has signed", witness.name()),
                (None, Some(trouble)) => format!("{}: {trouble}", witness.name()),
                (None, None) => format!("{}: no answer yet", witness.name()),
            })
            .collect();
        said.join("; ")
    }

    /// Figures for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        const UP: &str = "cosignet_log_witness_up";
        const COSIGNED: &str = "cosignet_log_witness_cosignatures_total";
        const FAILED: &str = "cosignet_log_witness_failures_total";
        const WAITED: &str = "cosignet_log_cosign_seconds";
        let state = self.shared.lock();
        let seats = state.seats.clone();
        drop(state);
        let names = self
            .shared
            .policy
            .witnesses()
            .iter()
            .map(|w| label(w.name()));
        let all: Vec<_> = names.zip(seats).collect();
        let mut out = String::new();
        let help = "0 if the last question to a witness failed.";
        head(&mut out, UP, "gauge", help);
        for (name, seat) in &all {
            let up = u8::from(seat.trouble.is_none());
            let _ = writeln!(out, "{UP}{{witness={name}}} {up}");
        }
        let help = "Good cosignatures since the start.";
        head(&mut out, COSIGNED, "counter", help);
        for (name, seat) in &all {
            let _ = writeln!(out, "{COSIGNED}{{witness={name}}} {}", seat.cosigned);
        }
        let help = "Questions without a good cosignature, by reason.";
        head(&mut out, FAILED, "counter", help);
        for (name, seat) in &all {
            for (reason, count) in &seat.failed {
                let labels = format!("reason=\"{reason}\",witness={name}");
                let _ = writeln!(out, "{FAILED}{{{labels}}} {count}");
            }
        }
        let micros = self.shared.waited.load(Ordering::Relaxed);
        let help = "From the question to the witnesses until a head has its quorum and its tiles.";
        head(&mut out, WAITED, "summary", help);
        let _ = writeln!(
            out,
            "{WAITED}_sum {}.{:06}\n{WAITED}_count {}",
            micros / 1_000_000,
            micros % 1_000_000,
            self.shared.waits.load(Ordering::Relaxed)
        );
        out
    }
}

impl Drop for Cosigner {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.wake.send_replace(());
    }
}

impl State {
    /// Fails if the log was rolled back.
    fn check(&self) -> Result<()> {
        match &self.fatal {
            Some(why) => Err(LogError::Rollback(why.clone())),
            None => Ok(()),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` or the deadline, and says which. Fails if the log was rolled back.
    fn wait(
        &self,
        deadline: Instant,
        done: impl Fn(&State) -> bool,
    ) -> Result<(MutexGuard<'_, State>, bool)> {
        let mut state = self.lock();
        loop {
            state.check()?;
            if done(&state) {
                return Ok((state, true));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok((state, false));
            }
            let waited = self.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The target with the cosignatures that there are, in the order of the policy.
fn compose(state: &State) -> String {
    let lines = state.seats.iter().filter_map(|seat| seat.line.as_deref());
    let lines: String = lines.collect();
    state.target.head.checkpoint.clone() + &lines
}
