//! HTTP: routes, limits on size and time, graceful end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use command_line::{CliCode, CliError};
use hyper::header;
use hyper::{Method, StatusCode};
use serving::answer::{set, text};
use serving::prometheus::{head, label};
use serving::{
    Answer, BodyLimits, Problem, Proxies, Readiness, Request, Room, Server, allow, party, read_body,
};
use verifier_core::hazmat::tlog::submission::SIZE_TYPE;

use crate::args::ServeArgs;
use crate::ledger::{Refusal, Witness};

/// The longest body: a proof, and a checkpoint with many signatures, also of the long kinds that
/// this witness does not make. How long a client may take to send it.
const BODY: BodyLimits = BodyLimits {
    most: 128 * 1024,
    time: Duration::from_secs(10),
};

/// How much all bodies together may take, in bytes.
const BODIES: usize = 16 * 1024 * 1024;

/// How long a client may take to send the head of a request, also the first byte of the next one.
const HEAD_TIME: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct App {
    witness: Arc<Witness>,
    bodies: Arc<Room>,
    ready: Readiness,
    /// Answers by route and status.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

/// Serves until a signal ends it.
pub(crate) fn serve(witness: Witness, args: &ServeArgs) -> Result<(), CliError> {
    let cannot = |error: std::io::Error| CliError::new(CliCode::IoListen, format!("{error}."));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(cannot)?;
    runtime.block_on(run(witness, args)).map_err(cannot)
}

async fn run(witness: Witness, args: &ServeArgs) -> std::io::Result<()> {
    let proxies = match args.proxies.as_slice() {
        [] => Proxies::default(),
        some => Proxies::new(some.iter().copied()),
    };
    let server = Server::new(usize::from(args.connections), HEAD_TIME, proxies);
    let bodies = Room::new("bytes for bodies", BODIES);
    let app = Arc::new(App {
        witness: Arc::new(witness),
        ready: Readiness::new(vec![Arc::clone(server.connections()), Arc::clone(&bodies)]),
        bodies,
        answers: Mutex::default(),
    });
    let listener = args.listen.bind().await?;
    let address = listener.local_addr()?;
    let (vkey, logs) = (app.witness.vkey(), app.witness.log_count());
    let end = serving::asked_to_end()?;
    tracing::info!(%address, %vkey, logs, "serving");
    let answer = move |request| answer(Arc::clone(&app), request);
    server.serve(listener, end, answer).await;
    Ok(())
}

async fn answer(app: Arc<App>, request: Request) -> Answer {
    let path = request.uri().path().to_owned();
    let (route, methods) = match path.as_str() {
        "/add-checkpoint" => ("add-checkpoint", &[Method::POST]),
        "/healthz" | "/metrics" | "/readyz" => ("other", &[Method::GET]),
        _ if monitored(&path).is_some() => ("checkpoint", &[Method::GET]),
        _ => {
            let answer = text(StatusCode::NOT_FOUND, "nothing here\n");
            app.count("other", answer.status());
            return answer;
        }
    };
    let answer = match allow(request.method(), methods) {
        Err(problem) => plain(&problem),
        Ok(()) => match path.as_str() {
            "/add-checkpoint" => add_checkpoint(&app, request).await,
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/metrics" => text(StatusCode::OK, &app.metrics()),
            "/readyz" => app
                .ready
                .answer("witness.overloaded")
                .unwrap_or_else(|problem| plain(&problem)),
            _ => shown(&app, monitored(&path).unwrap_or_default()),
        },
    };
    app.count(route, answer.status());
    answer
}

/// An error as text: what c2sp.org/tlog-witness says of errors is their status.
fn plain(problem: &Problem) -> Answer {
    let mut answer = text(problem.status(), &format!("{}\n", problem.detail()));
    answer.headers_mut().extend(problem.headers().clone());
    answer
}

/// `POST /add-checkpoint`
async fn add_checkpoint(app: &Arc<App>, request: Request) -> Answer {
    let mut held = app.bodies.hold(party(&request));
    let body = match read_body(request, BODY, &mut held).await {
        Ok(body) => body,
        Err(error) => return plain(&error.into()),
    };
    let Ok(body) = String::from_utf8(body.into()) else {
        return text(StatusCode::BAD_REQUEST, "the body is not UTF-8\n");
    };
    let refusal = match app.witness.add_checkpoint(&body).await {
        Ok(line) => return text(StatusCode::OK, &line),
        Err(refusal) => refusal,
    };
    let said = |why: String| why + "\n";
    let (status, why) = match refusal {
        Refusal::Malformed(why) => (StatusCode::BAD_REQUEST, said(why)),
        Refusal::NotSigned(why) => (StatusCode::FORBIDDEN, said(why)),
        Refusal::UnknownLog => (
            StatusCode::NOT_FOUND,
            "this witness does not know the log\n".into(),
        ),
        Refusal::OtherSize(size) => {
            let mut answer = text(StatusCode::CONFLICT, &format!("{size}\n"));
            set(&mut answer, header::CONTENT_TYPE, SIZE_TYPE);
            return answer;
        }
        Refusal::Inconsistent(why) => (StatusCode::UNPROCESSABLE_ENTITY, said(why)),
        Refusal::TooMany => {
            let why = "too many requests about this log\n";
            let mut answer = text(StatusCode::TOO_MANY_REQUESTS, why);
            set(&mut answer, header::RETRY_AFTER, "1");
            return answer;
        }
        Refusal::Unable => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the witness cannot cosign at the moment\n".into(),
        ),
    };
    text(status, &why)
}

/// `GET /<SHA-256 of the origin, in hex>/checkpoint`
fn shown(app: &App, origin_hash: &str) -> Answer {
    let Some(shown) = app.witness.shown(origin_hash) else {
        return text(
            StatusCode::NOT_FOUND,
            "nothing of such a log was cosigned\n",
        );
    };
    let mut answer = text(StatusCode::OK, &shown.checkpoint);
    set(&mut answer, header::CACHE_CONTROL, "public, max-age=5");
    set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    answer
}

fn monitored(path: &str) -> Option<&str> {
    let hash = path.strip_prefix('/')?.strip_suffix("/checkpoint")?;
    (!hash.contains('/')).then_some(hash)
}

impl App {
    fn count(&self, route: &'static str, status: StatusCode) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((route, status.as_u16())).or_default() += 1;
    }

    /// Figures for Prometheus.
    fn metrics(&self) -> String {
        let mut out = String::new();
        let name = "cosignet_witness_answers_total";
        head(&mut out, name, "counter", "Answers by route and status.");
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in answers.iter() {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            let _infallible = writeln!(out, "{name}{{{labels}}} {count}");
        }
        let all = self.witness.all_shown();
        let name = "cosignet_witness_tree_size";
        head(
            &mut out,
            name,
            "gauge",
            "Size of the tree that was cosigned last.",
        );
        for log in &all {
            let _infallible = writeln!(out, "{name}{{log={}}} {}", label(&log.origin), log.size);
        }
        let name = "cosignet_witness_cosigned_timestamp_seconds";
        head(&mut out, name, "gauge", "When that was.");
        for log in &all {
            let _infallible = writeln!(out, "{name}{{log={}}} {}", label(&log.origin), log.seconds);
        }
        out + &self.ready.metrics("cosignet_witness")
    }
}
