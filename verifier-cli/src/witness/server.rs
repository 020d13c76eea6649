//! HTTP: routes, limits on size and time, graceful end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serving::Answer;
use serving::prometheus::{head, label};
use tokio::net::TcpListener;
use verifier_core::tlog::submission::SIZE_TYPE;

use super::ledger::{Refusal, Witness};
use crate::args::WitnessServeArgs;
use crate::code::CliCode;
use crate::failure::CliError;

/// The longest body, in bytes: a proof, and a checkpoint with many signatures, also of the long
/// kinds that this witness does not make.
const MAX_BODY: usize = 128 * 1024;

/// How long a client may take to send the head of a request, also the first byte of the next one.
const HEAD_TIME: Duration = Duration::from_secs(60);

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(10);

const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug)]
struct App {
    witness: Arc<Witness>,
    /// Answers by route and status.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

/// Serves until a signal ends it.
pub(super) fn serve(witness: Witness, args: &WitnessServeArgs) -> Result<(), CliError> {
    let cannot = |error: std::io::Error| {
        let message = format!("{} cannot be listened on: {error}.", args.listen);
        CliError::new(CliCode::IoListen, message)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(cannot)?;
    let app = App {
        witness: Arc::new(witness),
        answers: Mutex::default(),
    };
    runtime.block_on(run(Arc::new(app), args)).map_err(cannot)
}

async fn run(app: Arc<App>, args: &WitnessServeArgs) -> std::io::Result<()> {
    let listener = TcpListener::bind(args.listen).await?;
    let address = listener.local_addr()?;
    let (vkey, logs) = (app.witness.vkey(), app.witness.log_count());
    tracing::info!(%address, %vkey, logs, "serving");
    let connections = usize::from(args.connections);
    let answer = move |request| answer(Arc::clone(&app), request);
    serving::serve(listener, connections, HEAD_TIME, answer).await
}

async fn answer(app: Arc<App>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (route, answer) = match path.as_str() {
        "/add-checkpoint" if *request.method() == Method::POST => {
            ("add-checkpoint", add_checkpoint(&app, request).await)
        }
        "/add-checkpoint" => (
            "other",
            plain(StatusCode::METHOD_NOT_ALLOWED, "POST only\n"),
        ),
        _ if !read => ("other", plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n")),
        "/healthz" => ("other", plain(StatusCode::OK, "ok\n")),
        "/metrics" => ("other", plain(StatusCode::OK, &app.metrics())),
        _ => match monitored(&path) {
            Some(hash) => ("checkpoint", shown(&app, hash)),
            None => ("other", plain(StatusCode::NOT_FOUND, "nothing here\n")),
        },
    };
    app.count(route, answer.status());
    Ok(answer)
}

/// `POST /add-checkpoint`
async fn add_checkpoint(app: &Arc<App>, request: Request<Incoming>) -> Answer {
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    let body = match tokio::time::timeout(BODY_TIME, body).await {
        Err(_) => {
            return plain(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time\n",
            );
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 128 KiB\n",
            );
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the body did not arrive whole\n"),
        Ok(Ok(body)) => body.to_bytes(),
    };
    let Ok(body) = String::from_utf8(body.into()) else {
        return plain(StatusCode::BAD_REQUEST, "the body is not UTF-8\n");
    };
    let refusal = match app.witness.add_checkpoint(&body).await {
        Ok(line) => return plain(StatusCode::OK, &line),
        Err(refusal) => refusal,
    };
    let said = |why: String| why + "\n";
    let (status, text) = match refusal {
        Refusal::Malformed(why) => (StatusCode::BAD_REQUEST, said(why)),
        Refusal::NotSigned(why) => (StatusCode::FORBIDDEN, said(why)),
        Refusal::UnknownLog => (
            StatusCode::NOT_FOUND,
            "this witness does not know the log\n".into(),
        ),
        Refusal::OtherSize(size) => {
            let mut answer = plain(StatusCode::CONFLICT, &format!("{size}\n"));
            set(&mut answer, header::CONTENT_TYPE, SIZE_TYPE);
            return answer;
        }
        Refusal::Inconsistent(why) => (StatusCode::UNPROCESSABLE_ENTITY, said(why)),
        Refusal::TooMany => {
            let text = "too many requests about this log\n";
            let mut answer = plain(StatusCode::TOO_MANY_REQUESTS, text);
            set(&mut answer, header::RETRY_AFTER, "1");
            return answer;
        }
        Refusal::Unable => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the witness cannot cosign at the moment\n".into(),
        ),
    };
    plain(status, &text)
}

/// `GET /<SHA-256 of the origin, in hex>/checkpoint`
fn shown(app: &App, origin_hash: &str) -> Answer {
    let Some(shown) = app.witness.shown(origin_hash) else {
        return plain(
            StatusCode::NOT_FOUND,
            "nothing of such a log was cosigned\n",
        );
    };
    let mut answer = plain(StatusCode::OK, &shown.checkpoint);
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

    /// What Prometheus reads.
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
        out
    }
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, TEXT);
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

fn set(answer: &mut Answer, name: header::HeaderName, value: &'static str) {
    let headers = answer.headers_mut();
    headers.insert(name, HeaderValue::from_static(value));
}
