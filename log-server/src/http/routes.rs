//! Every path of the server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serving::Answer;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use verifier_core::bundle::{self, Bundle, Reveal};
use verifier_core::commitment::approver_commitment;
use verifier_core::entry::Entry;
use verifier_core::json::Value;
use verifier_core::policy::max_decision_age;
use verifier_core::tlog::merkle::leaf_hash;
use verifier_core::tlog::tile::{Level, Tile};

use crate::admission::{Admitted, Sent};
use crate::args::Right;
use crate::batch::{Appended, Client, Entered, Job};
use crate::disclosure::{Change, shown};
use crate::http::app::App;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::{compress, openapi};
use crate::refusal::{Reason, Refusal};
use crate::store::Replaced;
use crate::tiles::Source as _;

/// The longest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Answers one request.
pub(crate) async fn answer(
    app: Arc<App>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let answer = match route(&app, request).await {
        Ok(answer) => answer,
        Err(problem) => {
            app.metrics.refused(problem.code);
            refused(&problem)
        }
    };
    Ok(answer)
}

async fn route(app: &Arc<App>, request: Request<Incoming>) -> Result<Answer, Problem> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let read = matches!(method, Method::GET | Method::HEAD);
    match path.as_str() {
        "/v1/entries" if method == Method::POST => return append(app, request).await,
        "/v1/entries" => return Err(wrong_method()),
        _ => {}
    }
    if let Some(id) = inner(&path, "/v1/entries/", "/disclosure") {
        return match method {
            Method::PUT => disclose(app, id, request).await,
            _ => Err(wrong_method()),
        };
    }
    if !read {
        return Err(wrong_method());
    }
    if let Some(id) = inner(&path, "/public/log/entries/", "/verification") {
        let (app, id) = (Arc::clone(app), id.to_owned());
        return blocking(move || verification(&app, &id)).await;
    }
    if let Some(file) = path.strip_prefix("/anchors/") {
        let (app, file) = (Arc::clone(app), file.to_owned());
        return blocking(move || serve_anchor(&app, &file)).await;
    }
    if let Some(answer) = page::answer(&path, app.verify_policy.as_deref()) {
        return answer;
    }
    match path.as_str() {
        "/checkpoint" => {
            let text = app.head().checkpoint.clone();
            let mut answer = with_type(StatusCode::OK, "text/plain; charset=utf-8", text.into());
            public(&mut answer, "public, max-age=1");
            Ok(answer)
        }
        "/healthz" => Ok(plain("ok\n")),
        // The writer has started, or this would not be answered; it refuses work when it cannot
        // publish.
        "/readyz" if app.jobs.is_closed() => Err(Refusal::internal().into()),
        "/readyz" => {
            if let Some(why) = app.health.trouble() {
                return Err(Refusal::new(Reason::NotPublished, why).into());
            }
            let app = Arc::clone(app);
            let damage = blocking(move || Ok(app.tiles.trouble())).await?;
            match damage {
                None => Ok(plain("ready\n")),
                Some(why) => Err(Refusal::new(Reason::Damaged, why).into()),
            }
        }
        "/metrics" => {
            let waiting = app.queue.saturating_sub(app.jobs.capacity());
            let parts = [
                app.metrics.render(app.head().size, waiting),
                app.health.metrics(),
                app.cosigner.metrics(),
                app.erasures.metrics(),
                app.anchors.metrics.render(),
            ];
            Ok(plain(&parts.concat()))
        }
        "/openapi.json" => {
            let mut answer = json(StatusCode::OK, openapi::document());
            public(&mut answer, "public, max-age=3600");
            Ok(answer)
        }
        "/log.json" => {
            let mut answer = json(StatusCode::OK, log_json(app));
            public(&mut answer, "public, max-age=60");
            Ok(answer)
        }
        _ => match Tile::parse_path(path.trim_start_matches('/')) {
            Some(tile) if path.starts_with("/tile/") => {
                let gzip = compress::accepted(request.headers());
                let app = Arc::clone(app);
                blocking(move || serve_tile(&app, &tile, gzip)).await
            }
            _ => Err(not_found()),
        },
    }
}

/// `POST /v1/entries`
async fn append(app: &Arc<App>, request: Request<Incoming>) -> Result<Answer, Problem> {
    app.authorize(&request, Right::Append)?;
    if !app.health.admits() {
        return Err(Refusal::held_back().into());
    }
    let memory = app.reserve(&request)?;
    let body = body(request).await?;
    let admitted = Admitted::read(&body, &app.rules)?;
    let sent = admitted.sent.clone();
    let (answer, answered) = oneshot::channel();
    let client = Client {
        answer,
        _memory: memory,
    };
    let job = Job { admitted, client };
    app.jobs.try_send(job).map_err(|error| match error {
        TrySendError::Full(_) => Refusal::overloaded(),
        TrySendError::Closed(_) => Refusal::internal(),
    })?;
    let mut appended = tokio::time::timeout(app.publish_wait, answered)
        .await
        .map_err(|_| Refusal::not_published())?
        .map_err(|_| Refusal::internal())??;
    let (index, repeat) = (appended.entry.index, appended.entry.repeat);
    tracing::debug!(index, repeat, size = appended.head.size, "append");
    // What was appended just now is under no stamped head.
    let mut anchor = None;
    let mut status = StatusCode::CREATED;
    if repeat {
        let (app, head) = (Arc::clone(app), Arc::clone(&appended.head));
        let leaf = leaf_hash(appended.entry.leaf.as_bytes());
        let kept = move || {
            Ok((
                app.reader().evidence(index)?,
                app.anchor(index, &leaf, &head),
            ))
        };
        let (evidence, found) = blocking(kept).await?;
        appended.entry.blind = evidence.and_then(|evidence| evidence.blind);
        anchor = found;
        status = StatusCode::OK;
    }
    let mut bundle = own_bundle(appended, sent)?;
    bundle.anchor = anchor;
    let mut answer = json(status, bundle.to_json());
    no_store(&mut answer);
    Ok(answer)
}

/// The bundle for whoever appended it: with all that was sent, whatever the public may see.
fn own_bundle(appended: Appended, sent: Sent) -> Result<Bundle, Refusal> {
    let Entered { leaf, blind, .. } = appended.entry;
    let entry = Entry::parse(&leaf)?;
    let mut evidence = bundle::Evidence::default();
    evidence.approval_id = Some(sent.approval_id);
    evidence.client_data_json = Some(sent.client_data_json);
    evidence.payload = sent.payload;
    evidence.action = sent.action;
    // A repeat may name another approver than the entry commits to, or the blind may be erased.
    if let (Some(approver), Some(blind)) = (sent.approver, blind)
        && entry.approver == Some(approver_commitment(&blind, &approver.hash))
    {
        evidence.approver = Some(Reveal::new(blind, approver.salt, None));
    }
    Ok(Bundle::new(leaf, appended.proof, evidence))
}

/// `PUT /v1/entries/{approvalId}/disclosure`
async fn disclose(app: &Arc<App>, id: &str, request: Request<Incoming>) -> Result<Answer, Problem> {
    app.authorize(&request, Right::Disclose)?;
    let _memory = app.reserve(&request)?;
    let change = Change::read(&body(request).await?)?;
    let (app, id) = (Arc::clone(app), id.to_owned());
    blocking(move || {
        let head = app.head();
        let (index, entry) = app.entry(&id, &head)?;
        let old = app
            .reader()
            .evidence(index)?
            .ok_or_else(Refusal::internal)?;
        let new = change.apply(&id, &entry, &old)?;
        if old != new {
            if app.reader().set_evidence(index, &old, &new)? == Replaced::Other {
                return Err(Refusal::overloaded().into());
            }
            tracing::info!(index, level = ?new.disclosure, "disclosure changed");
        }
        let erasing = || app.reader().is_erasing(index);
        let finished = app.erasures.finished(erasing)?;
        let mut answer = verification(&app, &id)?;
        if !finished {
            *answer.status_mut() = StatusCode::ACCEPTED;
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
        }
        Ok(answer)
    })
    .await
}

/// `GET /public/log/entries/{approvalId}/verification`
fn verification(app: &App, id: &str) -> Result<Answer, Problem> {
    let head = app.head();
    let (index, entry) = app.entry(id, &head)?;
    let kept = app.reader().evidence(index)?;
    let leaf = leaf_hash(entry.to_text().as_bytes());
    let proof = app.tiles.nodes(head.size).prove(index, &leaf, &head)?;
    let evidence = kept.as_ref().map(shown).unwrap_or_default();
    let mut bundle = Bundle::new(entry.to_text(), proof, evidence);
    bundle.anchor = app.anchor(index, &leaf, &head);
    let mut answer = json(StatusCode::OK, bundle.to_json());
    public(&mut answer, "no-store");
    Ok(answer)
}

fn serve_tile(app: &App, tile: &Tile, gzip: bool) -> Result<Answer, Problem> {
    let there = Tile::in_tree(tile.level(), tile.index(), app.head().size);
    if there.is_none_or(|there| there.width() < tile.width()) {
        return Err(not_found());
    }
    let mut bytes = match tile.is_full() {
        true => app.tiles.there(tile)?,
        // It may have a width that no published tree has had.
        false => app.tiles.read(tile)?.ok_or_else(not_found)?,
    };
    // Hashes do not get smaller.
    let entries = tile.level() == Level::Entries;
    let compressed = (entries && gzip).then(|| compress::gzip(&bytes)).flatten();
    let encoded = compressed.is_some();
    bytes = compressed.unwrap_or(bytes);
    let mut answer = with_type(StatusCode::OK, "application/octet-stream", bytes.into());
    public(&mut answer, "public, max-age=604800, immutable");
    let headers = answer.headers_mut();
    if encoded {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if entries {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    Ok(answer)
}

/// `GET /anchors/index.json` and `/anchors/<treeSize>/…`
fn serve_anchor(app: &App, path: &str) -> Result<Answer, Problem> {
    let (bytes, changes) = app.anchors.archive.file(path)?.ok_or_else(not_found)?;
    let kind = match path.rsplit('/').next() {
        Some("index.json") => "application/json",
        Some("checkpoint") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let mut answer = with_type(StatusCode::OK, kind, bytes.into());
    let cache = match changes {
        true => "public, max-age=60",
        false => "public, max-age=604800, immutable",
    };
    public(&mut answer, cache);
    Ok(answer)
}

fn log_json(app: &App) -> String {
    let witnesses = app.cosigner.policy().witnesses().iter().map(|witness| {
        Value::from([
            ("name", Value::from(witness.name())),
            ("vkey", Value::from(witness.key().to_string())),
        ])
    });
    Value::from([
        (
            "maxAppendDelaySeconds",
            Value::from(app.rules.max_append_delay / 1000),
        ),
        (
            "maxDecisionAgeSeconds",
            Value::from(max_decision_age(app.rules.max_append_delay) / 1000),
        ),
        ("origin", Value::from(app.key.name())),
        ("quorum", app.cosigner.policy().quorum_in_words().into()),
        ("vkey", Value::from(app.key.to_string())),
        ("witnesses", Value::Array(witnesses.collect())),
    ])
    .to_text()
}

/// The body of a request that must be JSON.
async fn body(request: Request<Incoming>) -> Result<Bytes, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            415,
            "request.not_json",
            "The body has to be application/json.",
        ));
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    let body = tokio::time::timeout(BODY_TIME, body)
        .await
        .map_err(|_| Problem::new(408, "request.too_slow", "The body did not arrive in time."))?;
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            413,
            "request.too_large",
            "The body is larger than 1 MiB.",
        )),
        Err(_) => Err(Problem::new(
            400,
            "request.incomplete",
            "The body did not arrive whole.",
        )),
    }
}

/// Runs what reads files or the database beside the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::internal())?
}

fn inner<'p>(path: &'p str, before: &str, after: &str) -> Option<&'p str> {
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.contains('/')).then_some(id)
}

fn not_found() -> Problem {
    Problem::new(
        404,
        "request.not_found",
        "There is nothing at this address.",
    )
}

fn wrong_method() -> Problem {
    Problem::new(
        405,
        "request.method",
        "This address does not know that method.",
    )
}

fn refused(problem: &Problem) -> Answer {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body = problem.to_json();
    let mut answer = with_type(status, "application/problem+json", body.into());
    public(&mut answer, "no-store");
    if let Some(seconds) = problem.retry_after {
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn plain(text: &str) -> Answer {
    let kind = "text/plain; charset=utf-8";
    let mut answer = with_type(StatusCode::OK, kind, text.to_owned().into());
    no_store(&mut answer);
    answer
}

fn json(status: StatusCode, text: String) -> Answer {
    with_type(status, "application/json", text.into())
}

fn with_type(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}

fn no_store(answer: &mut Answer) {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Pages of every origin may read it.
fn public(answer: &mut Answer, cache: &'static str) {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
}
