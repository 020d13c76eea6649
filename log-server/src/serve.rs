//! The process: start-up checks, threads, listener, end.

use std::sync::Arc;
use std::time::Duration;

use serving::{Paces, Server};
use tokio::sync::{mpsc, watch};

use crate::admission::Rules;
use crate::anchor::Anchors;
use crate::args::{Config, ServeArgs};
use crate::backend;
use crate::batch::Batch;
use crate::cosign;
use crate::erasure::Erasures;
use crate::failure::{Failure, Result};
use crate::health::Health;
use crate::http::app::{App, Rooms};
use crate::http::routes;
use crate::key::LogKey;
use crate::layout::Layout;
use crate::metrics::Metrics;
use crate::publisher::Publisher;
use crate::sequencer::{Last, Sequencer};
use crate::startup;
use crate::store::{Backend, Lead};

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// `serve`
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let config = args.config()?;
    messages(config.json_messages);
    warn(&config.rules);
    let layout = Layout::new(&args.data);
    let backend: Arc<dyn Backend> = backend::open(&layout)?.into();
    // Dropped when the threads that use the back end have ended.
    let Lead {
        guard: _guard,
        mut store,
        publish,
    } = backend.lead()?;
    let key = Arc::new(LogKey::read(&layout.key())?);
    let policy = cosign::policy(config.witness_policy.as_deref(), key.public())?;
    let (head, edge, publication) =
        startup::recover(&layout, &*backend, &key, policy, &mut *store, publish)?;
    let (published, watching) = watch::channel(Arc::new(publication.head().clone()));
    let (jobs, queue) = mpsc::channel(config.queue);
    let metrics = Arc::new(Metrics::default());
    let rules = Arc::new(config.rules.clone());
    let server = Server::new(config.connections, HEAD_TIME, config.proxies.clone());
    let rooms = Rooms::new(config.queue);
    let watched = [
        server.connections(),
        &rooms.bodies,
        &rooms.appends,
        &rooms.changes,
        &rooms.lookups,
    ];
    let health = Arc::new(Health::new(watched.map(Arc::clone).into()));
    if publication.is_behind() {
        health.held_back("the log has just started, and the last head is not published yet");
    }
    let anchors = Arc::new(Anchors::open(backend.objects()));
    let (erasures, erasing) = Erasures::start(backend.eraser()?)?;
    let app = App {
        anchors: Arc::clone(&anchors),
        cosigner: Arc::clone(publication.cosigner()),
        health: Arc::clone(&health),
        erasures: Arc::clone(&erasures),
        publish_wait: config.publish_wait,
        tiles: publication.tiles().clone(),
        key: key.public().clone(),
        rules: Arc::clone(&rules),
        jobs,
        published: watching,
        metrics: Arc::clone(&metrics),
        records: backend.records()?,
        tokens: backend.tokens()?,
        rooms,
        paces: Paces::new(config.requests_per_second),
        queue: config.queue,
        starts: crate::http::front::Starts::default(),
        verify_policy: config.verify_policy.clone(),
    };
    let sequencer = Sequencer {
        store,
        key,
        head,
        edge,
        tiles: publication.tiles().clone(),
        cosigner: Arc::clone(publication.cosigner()),
        published: app.published.clone(),
        rules,
        metrics: Arc::clone(&metrics),
        health: Arc::clone(&health),
    };
    let publisher = Publisher {
        publication,
        published,
        metrics,
        health,
        appenders: app.jobs.downgrade(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::System(error.to_string()))?;
    // What the start has left to publish comes before everything else.
    let (hand_over, batches) = mpsc::channel(1);
    let first = Batch::first();
    let last = Last::new(&first);
    let system = |error: mpsc::error::TrySendError<Batch>| Failure::System(error.to_string());
    hand_over.try_send(first).map_err(system)?;
    let publisher = start("publisher", move || publisher.run(batches))?;
    let writer = start("sequencer", move || sequencer.run(queue, &hand_over, last))?;
    let anchor = config.anchor.clone();
    let _anchoring = anchor
        .map(|anchor| anchors.start(anchor, Arc::clone(&backend)))
        .transpose()?;
    let served = runtime.block_on(serve(&config, server, Arc::new(app)));
    // Requests that outlived the grace period go with the runtime, and with them the last senders
    // of jobs; the writer then finishes what it has.
    runtime.shutdown_timeout(Duration::from_secs(1));
    erasures.end();
    erasing
        .join()
        .map_err(|_| Failure::System("the thread that erases has failed".into()))?;
    for thread in [writer, publisher] {
        thread
            .join()
            .map_err(|_| Failure::System("the writer or the publisher has failed".into()))??;
    }
    served
}

fn start(name: &str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Thread> {
    let work = move || {
        let _abort = AbortOnPanic;
        let done = work();
        if let Err(failure) = &done {
            // Whatever is still in the process must not be served as if the log went on.
            eprintln!("cosignet-log: {failure}");
            std::process::exit(failure.exit_code().into());
        }
        done
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(|error| Failure::System(error.to_string()))
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

type Thread = std::thread::JoinHandle<Result<()>>;

/// Says which of these rules no approval can meet: with them every append is refused.
fn warn(rules: &Rules) {
    let site = policy_advice::site(&rules.rp_ids, &rules.origins);
    let frames = policy_advice::frames(rules.allow_cross_origin, &rules.top_origins);
    for warning in site.into_iter().chain(frames) {
        tracing::warn!("{warning}");
    }
}

async fn serve(config: &Config, server: Server, app: Arc<App>) -> Result<()> {
    let system = |error: std::io::Error| Failure::System(error.to_string());
    let listener = config.listen.bind().await.map_err(system)?;
    let address = listener.local_addr().map_err(system)?;
    let end = serving::asked_to_end().map_err(system)?;
    tracing::info!(%address, origin = app.key.name(), size = app.published.borrow().size, "serving");
    let answer = move |request| routes::answer(Arc::clone(&app), request);
    server.serve(listener, end, answer).await;
    Ok(())
}

fn messages(json: bool) {
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.with_ansi(false).init();
    }
}
