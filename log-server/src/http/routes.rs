//! Every path of the server.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use serving::answer::{TEXT, json, of_type, private, public, set, text};
use serving::{
    Answer, BodyLimits, Held, Party, Problem, Request, allow, gzip, party, prometheus, read_body,
    token,
};
use verifier_core::hazmat::bundle::Bundle;
use verifier_core::hazmat::tlog::merkle::leaf_hash;
use verifier_core::hazmat::tlog::tile::{Level, Tile};

use crate::args::Right;
use crate::disclosure::shown;
use crate::http::app::{App, Appends};
use crate::http::{append, disclose, forward, front, openapi, page, problem, said};
use crate::refusal::{Reason, Refusal};
use crate::tiles::Source as _;

/// The longest body, and how long a client may take to send it.
pub(super) const BODY: BodyLimits = BodyLimits {
    most: 1024 * 1024,
    time: Duration::from_secs(10),
};

/// A kind of address, whether there is anything at it at the moment or not.
#[derive(Debug)]
enum Place {
    Anchor(String),
    Checkpoint,
    Disclosure(String),
    Entries,
    Front,
    Health,
    Log,
    Metrics,
    OpenApi,
    Page(Result<Answer, Problem>),
    Readiness,
    Tile(Tile),
    Verification(String),
}

impl Place {
    /// `None` if there is never anything at this address.
    fn of(path: &str, app: &App) -> Option<Self> {
        Some(match path {
            "/" => Self::Front,
            "/checkpoint" => Self::Checkpoint,
            "/healthz" => Self::Health,
            "/log.json" => Self::Log,
            "/metrics" => Self::Metrics,
            "/openapi.json" => Self::OpenApi,
            "/readyz" => Self::Readiness,
            "/v1/entries" => Self::Entries,
            _ => {
                if let Some(id) = inner(path, "/v1/entries/", "/disclosure") {
                    return Some(Self::Disclosure(id.into()));
                }
                if let Some(id) = inner(path, "/public/log/entries/", "/verification") {
                    return Some(Self::Verification(id.into()));
                }
                if let Some(file) = path.strip_prefix("/anchors/") {
                    return is_anchor(file).then(|| Self::Anchor(file.into()));
                }
                if let Some(tile) = path.strip_prefix('/').and_then(Tile::parse_path) {
                    return Some(Self::Tile(tile));
                }
                Self::Page(page::answer(path, app.verify_policy.as_deref())?)
            }
        })
    }

    /// Whether it belongs to the log that everybody can read and mirror. The rest writes, or is
    /// about the program that serves it.
    fn is_public(&self) -> bool {
        match self {
            Self::Anchor(_)
            | Self::Checkpoint
            | Self::Log
            | Self::Page(_)
            | Self::Tile(_)
            | Self::Verification(_) => true,
            Self::Disclosure(_)
            | Self::Entries
            | Self::Front
            | Self::Health
            | Self::Metrics
            | Self::OpenApi
            | Self::Readiness => false,
        }
    }

    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Entries => &[Method::POST],
            Self::Disclosure(_) => &[Method::PUT],
            _ => &[Method::GET],
        }
    }
}

/// Whether a path is one of the public log.
pub(crate) fn is_public(path: &str, app: &App) -> bool {
    Place::of(path, app).is_some_and(|place| place.is_public())
}

/// Answers one request.
pub(crate) async fn answer(app: Arc<App>, request: Request) -> Answer {
    let place = Place::of(request.uri().path(), &app);
    answer_at(place, &app, request).await
}

/// Answers one request, if it is for the public log.
pub(crate) async fn answer_public(app: Arc<App>, request: Request) -> Answer {
    let place = Place::of(request.uri().path(), &app);
    answer_at(place.filter(Place::is_public), &app, request).await
}

async fn answer_at(place: Option<Place>, app: &Arc<App>, request: Request) -> Answer {
    match route(place, app, request).await {
        Ok(answer) => answer,
        Err(problem) => {
            app.metrics.refused(problem.code());
            problem.answer()
        }
    }
}

async fn route(place: Option<Place>, app: &Arc<App>, request: Request) -> Result<Answer, Problem> {
    let place = place.ok_or_else(Problem::not_found)?;
    if let Place::Page(Err(problem)) = place {
        return Err(problem);
    }
    allow(request.method(), place.methods())?;
    let from = party(&request);
    match place {
        Place::Entries => append(app, request).await,
        Place::Disclosure(id) => disclose(app, id, request).await,
        Place::Verification(id) => looked_up(app, from, move |app| verification(app, &id)).await,
        Place::Anchor(file) => looked_up(app, from, move |app| serve_anchor(app, &file)).await,
        Place::Tile(tile) => {
            let gzip = gzip::accepted(request.headers());
            looked_up(app, from, move |app| serve_tile(app, &tile, gzip)).await
        }
        Place::Front => looked_up(app, from, front::answer).await,
        Place::Page(answer) => answer,
        Place::Checkpoint => {
            let head = match &app.latest {
                Some(latest) => latest.head().await?,
                None => app.head(),
            };
            let mut answer = of_type(StatusCode::OK, TEXT, head.checkpoint.clone());
            public(&mut answer, "public, max-age=1");
            Ok(answer)
        }
        Place::Health => Ok(text(StatusCode::OK, "ok\n")),
        Place::Readiness => {
            readiness(app).await?;
            Ok(text(StatusCode::OK, "ready\n"))
        }
        Place::Metrics => Ok(text(StatusCode::OK, &metrics(app))),
        Place::OpenApi => Ok(openapi::answer()),
        Place::Log => {
            let text = looked_up(app, from, |app| Ok(said::of_log(app, None))).await?;
            let mut answer = json(StatusCode::OK, text);
            public(&mut answer, "public, max-age=60");
            Ok(answer)
        }
    }
}

/// `/readyz`: whether the log does its work.
pub(crate) async fn readiness(app: &Arc<App>) -> Result<(), Problem> {
    if let Some(why) = app.health.frozen() {
        return Err(Refusal::frozen(&why).into());
    }
    // The writer has started, or this would not be asked; it refuses work when it cannot publish.
    match &app.appends {
        Appends::Here(jobs) if jobs.is_closed() => return Err(Refusal::internal().into()),
        Appends::Leader(leader) if !leader.knows_leader() => {
            let detail = "No member of the log leads at the moment, or none that can be reached.";
            let detail = match app.health.unable() {
                None => detail.to_owned(),
                Some(why) => format!("{detail} This one has tried: {why}"),
            };
            return Err(Refusal::new(Reason::NotLeading, detail).into());
        }
        Appends::Here(_) | Appends::Leader(_) => {}
    }
    if let Some(latest) = &app.latest {
        // Whoever leads at a database that is away notices with the next append.
        latest.head().await?;
    }
    let leads = matches!(app.appends, Appends::Here(_));
    let damage = blocking(app, move |app| {
        if leads && app.closing().is_none() {
            app.predecessors.confirm_closed()?;
        }
        Ok(app.tiles.trouble())
    });
    let damage = damage.await?;
    match app.health.refusal(damage) {
        None => Ok(()),
        Some(refusal) => Err(refusal.into()),
    }
}

/// `/metrics`
pub(crate) fn metrics(app: &App) -> String {
    let waiting = match &app.appends {
        Appends::Here(jobs) => app.queue.saturating_sub(jobs.capacity()),
        Appends::Leader(_) => 0,
    };
    let leads = matches!(app.appends, Appends::Here(_));
    let parts = [
        app.metrics.render(app.head().size, waiting),
        leading(leads),
        app.health.metrics(),
        app.cosigner.metrics(),
        app.erasures.metrics(),
        app.anchors.metrics.render(),
    ];
    parts.concat()
}

/// Whether this process leads, as a figure.
fn leading(leads: bool) -> String {
    const NAME: &str = "cosignet_log_leading";
    let mut out = String::new();
    let help = "1 if this process appends, 0 if it sends appends on to the one that does.";
    prometheus::head(&mut out, NAME, "gauge", help);
    out + &format!("{NAME} {}\n", u8::from(leads))
}

/// `POST /v1/entries`
async fn append(app: &Arc<App>, request: Request) -> Result<Answer, Problem> {
    let party = app.authorize(request.headers(), Right::Append).await?;
    append::admits(app)?;
    let headers = request.headers();
    let elsewhere = match &app.appends {
        Appends::Here(_) => None,
        Appends::Leader(_) if headers.contains_key(forward::FORWARDED) => {
            return Err(Refusal::not_leading().into());
        }
        Appends::Leader(leader) => {
            let token = token::bearer(headers).unwrap_or_default().to_owned();
            Some((leader, token))
        }
    };
    let (body, memory) = body(app, &party, request).await?;
    if let Some((leader, token)) = elsewhere {
        return append::forward(app, leader, party, &token, &body).await;
    }
    let appended = append::append(app, Some(party), &body, memory).await?;
    let status = match appended.repeat {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok(private(status, appended.bundle.to_json()))
}

/// `PUT /v1/entries/{approvalId}/disclosure`
async fn disclose(app: &Arc<App>, id: String, request: Request) -> Result<Answer, Problem> {
    let party = app.authorize(request.headers(), Right::Disclose).await?;
    let (body, memory) = body(app, &party, request).await?;
    disclose::disclose(app, Some(party), id, &body, memory).await
}

/// `GET /public/log/entries/{approvalId}/verification`
pub(super) fn verification(app: &App, id: &str) -> Result<Answer, Problem> {
    let head = app.head();
    let (index, entry) = app.entry(id, &head)?;
    let kept = app.records.evidence(index)?;
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
        return Err(Problem::not_found());
    }
    let mut bytes = match tile.is_full() {
        true => app.tiles.there(tile)?,
        // It may have a width that no published tree has had.
        false => app.tiles.read(tile)?.ok_or_else(Problem::not_found)?,
    };
    // Hashes do not get smaller.
    let entries = tile.level() == Level::Entries;
    let compressed = (entries && gzip)
        // Half of an entry is random: more effort gains nothing.
        .then(|| gzip::fast(&bytes))
        .flatten();
    let encoded = compressed.is_some();
    bytes = compressed.unwrap_or(bytes);
    let mut answer = of_type(StatusCode::OK, "application/octet-stream", bytes);
    public(&mut answer, "public, max-age=604800, immutable");
    if encoded {
        set(&mut answer, header::CONTENT_ENCODING, "gzip");
    }
    if entries {
        set(&mut answer, header::VARY, "accept-encoding");
    }
    Ok(answer)
}

/// `GET /anchors/index.json` and `/anchors/<treeSize>/…`
fn serve_anchor(app: &App, path: &str) -> Result<Answer, Problem> {
    let (bytes, changes) = app
        .anchors
        .archive
        .file(path)?
        .ok_or_else(Problem::not_found)?;
    let kind = match path.rsplit('/').next() {
        Some("index.json") => "application/json",
        Some("checkpoint") => TEXT,
        _ => "application/octet-stream",
    };
    let mut answer = of_type(StatusCode::OK, kind, bytes);
    let cache = match changes {
        true => "public, max-age=60",
        false => "public, max-age=604800, immutable",
    };
    public(&mut answer, cache);
    Ok(answer)
}

/// The body of a request that must be JSON, and the room that it takes.
async fn body(app: &App, party: &Party, request: Request) -> Result<(Bytes, Held), Problem> {
    if !is_json(request.headers()) {
        let detail = "The body has to be application/json.";
        let problem = Problem::new(415, "request.not_json", detail);
        let kind = HeaderValue::from_static("application/json");
        return Err(problem.header(header::ACCEPT, kind));
    }
    let mut held = app.rooms.bodies.hold(Some(party.clone()));
    let body = read_body(request, BODY, &mut held).await;
    Ok((body.map_err(problem::body)?, held))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads files or the database for somebody, if they do not do so too often at a time.
async fn looked_up<T: Send + 'static>(
    app: &Arc<App>,
    from: Option<Party>,
    work: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let place = app.rooms.lookups.take(from, 1);
    let place = place.map_err(problem::no_room)?;
    blocking(app, move |app| {
        // Also while nobody waits for the answer any more.
        let _place = place;
        work(app)
    })
    .await
}

/// Runs what reads files or the database beside the threads that answer.
pub(super) async fn blocking<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let app = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    done.map_err(|_| Refusal::internal())?
}

fn inner<'p>(path: &'p str, before: &str, after: &str) -> Option<&'p str> {
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.contains('/')).then_some(id)
}

/// `index.json`, `<treeSize>/checkpoint`, `<treeSize>/checkpoint.ots` or `<treeSize>/header`.
fn is_anchor(path: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match path.split_once('/') {
        None => path == "index.json",
        Some((size, file)) => {
            number(size) && matches!(file, "checkpoint" | "checkpoint.ots" | "header")
        }
    }
}
