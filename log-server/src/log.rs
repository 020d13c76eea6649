//! A log that runs inside a program: its start, what it answers, and its end.
//!
//! ```text
//! Log::open ─► start-up checks ─► threads: sequencer, publisher, erasures, anchor
//!          └─► Log      for requests; as many clones as there are askers
//!          └─► Running  for the end, when no Log is left
//! ```

use std::any::Any;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;

use serving::{Answer, Problem, Request};
use tokio::sync::{mpsc, watch};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::admission::Rules;
use crate::anchor;
use crate::backend::{self, Place};
use crate::batch::Batch;
use crate::cosign;
use crate::erasure::Erasures;
use crate::error::{LogError, Result};
use crate::http::app::{App, Appends, Role};
use crate::http::latest::Latest;
use crate::http::{append, disclose, routes, said};
use crate::key::LogKey;
use crate::publisher::Publisher;
use crate::sequencer::{Last, Sequencer};
use crate::settings::Settings;
use crate::startup;
use crate::store::{Backend, Brake, Closing, Head, Lead, Tenure};

/// A log that exists, before anybody leads it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) place: Place,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) key: Arc<LogKey>,
}

impl Opened {
    pub(crate) fn new(place: Place, settings: &Settings) -> Result<Self> {
        if settings.queue == 0 || settings.requests_per_second == 0 {
            let detail = "a log needs a queue of 1 at least, and 1 request a second";
            return Err(LogError::Usage(detail.into()));
        }
        warn(&settings.rules);
        let (backend, key) = backend::open(&place)?;
        Ok(Self {
            place,
            backend: backend.into(),
            key: Arc::new(key),
        })
    }
}

/// A log that runs in this process. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Log {
    app: Arc<App>,
}

impl Log {
    /// The log that answers from this state.
    pub(crate) fn of(app: App) -> Self {
        Self { app: Arc::new(app) }
    }

    /// Opens the log in a data directory that [`crate::create`] has made, and starts its threads.
    /// Blocks while files are checked and witnesses are asked, so it is called before there is a
    /// runtime.
    ///
    /// A thread that cannot go on says why on standard error and ends the process: whatever is
    /// still in it must not be served as if the log went on. The next start goes on where it was.
    ///
    /// # Errors
    ///
    /// If there is no log, another process runs it, a setting makes no sense, or the files are not
    /// what a crash can have left.
    pub fn open(data: &Path, settings: Settings) -> Result<(Self, Running)> {
        let opened = Opened::new(settings.place(data), &settings)?;
        let lead = opened.backend.lead()?;
        Self::lead(&opened, settings, lead, None)
    }

    /// The log of the process that has the right to lead it. `latest` is the reader of the public
    /// checkpoint, if somebody else can come to lead.
    pub(crate) fn lead(
        opened: &Opened,
        settings: Settings,
        lead: Lead,
        latest: Option<Arc<Latest>>,
    ) -> Result<(Self, Running)> {
        let Lead {
            guard,
            mut store,
            publish,
            tenure,
            brake,
        } = lead;
        let Opened {
            place,
            backend,
            key,
        } = opened;
        let program = settings.program;
        // From here on, whatever the start takes.
        let leading = tenure.map(|tenure| hold(program, tenure)).transpose()?;
        let key = Arc::clone(key);
        let policy = cosign::policy(settings.witness_policy.as_deref(), key.public())?;
        let shown = |head: &Head| {
            latest
                .as_deref()
                .map_or(Ok(()), |shown| shown.confirm(head))
        };
        let layout = &place.layout;
        let recovered = startup::recover(
            layout,
            &**backend,
            &key,
            policy,
            &mut *store,
            publish,
            &shown,
        );
        let (head, edge, publication) = frozen_if_rolled_back(recovered, brake.as_deref())?;
        let (published, watching) = watch::channel(Arc::new(publication.head().clone()));
        let (jobs, queue) = mpsc::channel(settings.queue);
        let appenders = jobs.downgrade();
        let anchor = settings.anchor.clone();
        let role = Role {
            appends: Appends::Here(jobs),
            cosigner: Arc::clone(publication.cosigner()),
            latest,
            published: watching,
            tiles: publication.tiles().clone(),
        };
        let (app, erasing) = App::new(opened, settings, role)?;
        app.predecessors.require()?;
        if publication.is_behind() {
            let why = "the log has just started, and the last head is not published yet";
            app.health.held_back(why);
        }
        let sequencer = Sequencer {
            store,
            key,
            head,
            edge,
            tiles: app.tiles.clone(),
            cosigner: Arc::clone(&app.cosigner),
            published: app.published.clone(),
            rules: Arc::clone(&app.rules),
            metrics: Arc::clone(&app.metrics),
            health: Arc::clone(&app.health),
        };
        let publisher = Publisher {
            publication,
            published,
            metrics: Arc::clone(&app.metrics),
            health: Arc::clone(&app.health),
            appenders,
        };
        // What the start has left to publish comes before everything else.
        let (hand_over, batches) = mpsc::channel(1);
        let first = Batch::first();
        let last = Last::new(&first);
        let system = |error: mpsc::error::TrySendError<Batch>| LogError::System(error.to_string());
        hand_over.try_send(first).map_err(system)?;
        let (publishing, writing) = (brake.clone(), brake);
        let publisher = start(program, "publisher", move || {
            reigned(publisher.run(batches), publishing.as_deref())
        })?;
        let writer = start(program, "sequencer", move || {
            reigned(sequencer.run(queue, &hand_over, last), writing.as_deref())
        })?;
        let anchoring = anchor
            .map(|anchor| app.anchors.start(anchor, Arc::clone(backend)))
            .transpose()?;
        let threads = Threads {
            erasures: Arc::clone(&app.erasures),
            erasing,
            committing: [writer, publisher],
            leading,
            _anchoring: anchoring,
            _guard: guard,
        };
        let threads = Some(threads);
        Ok((Self::of(app), Running { threads }))
    }

    /// The verifier key of the log; its name is the log's origin.
    pub fn vkey(&self) -> &VerifierKey {
        &self.app.key
    }

    /// How many entries the published tree has.
    pub fn size(&self) -> u64 {
        self.app.head().size
    }

    /// Whether a path is one of the public log: `/checkpoint`, `/tile/…`, `/anchors/…`,
    /// `/log.json`, `/public/log/…`, and `/verify` with what is below it. Its front page, what
    /// writes, and what operators ask are not.
    pub fn has(&self, path: &str) -> bool {
        routes::is_public(path, &self.app)
    }

    /// Answers a request to the public log; 404 where [`Self::has`] says no. Needs the runtime of
    /// tokio.
    pub async fn answer(&self, request: Request) -> Answer {
        routes::answer_public(Arc::clone(&self.app), request).await
    }

    /// Appends an approval or a refusal, and waits until a published checkpoint covers it. `body`
    /// is that of `POST /v1/entries`; the result is the bundle of the new entry, or of the one that
    /// is there already. Needs the runtime of tokio.
    ///
    /// A future that is dropped does not take the append back.
    ///
    /// # Errors
    ///
    /// The problems of `POST /v1/entries`, but for those of tokens.
    pub async fn append(&self, body: &[u8]) -> std::result::Result<String, Problem> {
        let appended = append::trusted(&self.app, body).await;
        Ok(self.counted(appended)?.bundle.to_json())
    }

    /// Raises, lowers or erases what is disclosed of an approval. `body` is that of
    /// `PUT /v1/entries/{approvalId}/disclosure`, and so is the answer: 202 if what was erased may
    /// still be in files of the database for a while. Needs the runtime of tokio.
    ///
    /// # Errors
    ///
    /// The problems of that request, but for those of tokens.
    pub async fn disclose(
        &self,
        approval_id: &str,
        body: &[u8],
    ) -> std::result::Result<Answer, Problem> {
        let id = approval_id.to_owned();
        let disclosed = match append::room(&self.app, body) {
            Ok(memory) => disclose::disclose(&self.app, None, id, body, memory).await,
            Err(problem) => Err(problem),
        };
        self.counted(disclosed)
    }

    /// Refusals count, whoever asked.
    fn counted<T>(&self, done: std::result::Result<T, Problem>) -> std::result::Result<T, Problem> {
        done.inspect_err(|problem| self.app.metrics.refused(problem.code()))
    }

    /// Whether the log does its work. Needs the runtime of tokio.
    ///
    /// # Errors
    ///
    /// 503 with the reason if it does not.
    pub async fn readiness(&self) -> std::result::Result<(), Problem> {
        routes::readiness(&self.app).await
    }

    /// The figures for Prometheus.
    pub fn metrics(&self) -> String {
        routes::metrics(&self.app)
    }

    /// The end of the log, if it is closed. Blocks.
    pub(crate) fn closing(&self) -> Option<Closing> {
        self.app.closing()
    }

    /// Whether all logs before this one are closed. Blocks.
    pub(crate) fn is_first(&self) -> bool {
        self.app.predecessors.confirm_closed().is_ok()
    }

    /// `/log.json`, with the logs that are served beside this one.
    pub(crate) async fn describe(
        &self,
        shards: Value<'static>,
    ) -> std::result::Result<String, Problem> {
        said::of_several(&self.app, shards).await
    }

    /// Answers every request of `cosignet-log`.
    pub(crate) async fn answer_all(self, request: Request) -> Answer {
        routes::answer(self.app, request).await
    }
}

/// The threads of a log. Without [`Self::end`] the data directory stays locked until the process
/// ends, since nobody knows when they have.
#[derive(Debug)]
#[must_use = "the log is locked until the process ends, unless this is ended"]
pub struct Running {
    threads: Option<Threads>,
}

#[derive(Debug)]
struct Threads {
    erasures: Arc<Erasures>,
    erasing: JoinHandle<()>,
    committing: [Thread; 2],
    /// Says every second that this process leads, until this is dropped.
    leading: Option<(std::sync::mpsc::Sender<()>, Thread)>,
    _anchoring: Option<anchor::Running>,
    /// Dropped when the threads that use the back end have ended.
    _guard: Box<dyn Any + Send>,
}

impl Running {
    /// Ends the log: what is committed is published, whoever waits is answered, and the data
    /// directory is free again. Blocks until the last [`Log`] is gone, those of open requests
    /// included, so it is called when the runtime has ended.
    ///
    /// # Errors
    ///
    /// If a thread has failed.
    pub fn end(mut self) -> Result<()> {
        let Some(threads) = self.threads.take() else {
            return Ok(());
        };
        threads.erasures.end();
        threads
            .erasing
            .join()
            .map_err(|_| LogError::System("the thread that erases has failed".into()))?;
        for thread in threads.committing {
            thread
                .join()
                .map_err(|_| LogError::System("the writer or the publisher has failed".into()))??;
        }
        if let Some((end, thread)) = threads.leading {
            drop(end);
            thread
                .join()
                .map_err(|_| LogError::System("the thread that leads has failed".into()))??;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.erasures.end();
            // The lock among it: the threads may still write.
            std::mem::forget(threads._guard);
        }
    }
}

/// Leads until the sender is dropped, or somebody else does.
fn hold(
    program: &'static str,
    mut tenure: Box<dyn Tenure>,
) -> Result<(std::sync::mpsc::Sender<()>, Thread)> {
    const PAUSE: Duration = Duration::from_secs(1);
    let (end, ended) = std::sync::mpsc::channel();
    let thread = start(program, "tenure", move || {
        while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            match tenure.renew() {
                Err(failure @ LogError::Deposed(_)) => {
                    // A start that has failed, and has frozen the log, is nobody's reign.
                    let over = ended.try_recv() == Err(TryRecvError::Disconnected);
                    return if over { Ok(()) } else { Err(failure) };
                }
                Err(failure) => tracing::warn!(%failure, "cannot say that this process leads"),
                Ok(()) => {}
            }
        }
        Ok(())
    })?;
    Ok((end, thread))
}

/// A log that was found to have gone back is frozen, so that every other member knows. If that cannot
/// be done at the moment, the next one that leads finds the same.
fn frozen_if_rolled_back<T>(done: Result<T>, brake: Option<&dyn Brake>) -> Result<T> {
    if let (Err(LogError::Rollback(why)), Some(brake)) = (&done, brake) {
        match brake.freeze(why) {
            // What it has seen is the next reign.
            Err(failure @ LogError::Deposed(_)) => return Err(failure),
            Err(failure) => tracing::error!(%failure, "cannot freeze the log"),
            Ok(()) => {}
        }
    }
    done
}

/// The end of the reign of a process that others take over from. It is started again, and follows:
/// its exit code says so.
fn reigned(done: Result<()>, brake: Option<&dyn Brake>) -> Result<()> {
    match (frozen_if_rolled_back(done, brake), brake) {
        (Err(LogError::Claimed(why) | LogError::Rollback(why)), Some(_)) => {
            Err(LogError::Deposed(why))
        }
        (done, _) => done,
    }
}

/// Starts a thread whose failure is that of the process.
pub(crate) fn start(
    program: &'static str,
    name: &str,
    work: impl FnOnce() -> Result<()> + Send + 'static,
) -> Result<Thread> {
    let work = move || {
        let _abort = AbortOnPanic;
        let done = work();
        if let Err(failure) = &done {
            // Whatever is still in the process must not be served as if the log went on.
            eprintln!("{program}: {failure}");
            std::process::exit(failure.exit_code().into());
        }
        done
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(|error| LogError::System(error.to_string()))
}

/// A thread that fails in the middle leaves nobody who knows what it did: the process ends, and
/// the next start looks.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

pub(crate) type Thread = JoinHandle<Result<()>>;

/// Says which of these rules no approval can meet: with them every append is refused.
fn warn(rules: &Rules) {
    let site = policy_advice::site(&rules.rp_ids, &rules.origins);
    let frames = policy_advice::frames(rules.allow_cross_origin, &rules.top_origins);
    for warning in site.into_iter().chain(frames) {
        tracing::warn!("{warning}");
    }
}
