//! Every path of the gate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::{Method, StatusCode};
use serving::answer::{private, text};
use serving::{Answer, Paces, Problem, Request, Room, allow};

use super::events::{Sent, whole};
use super::{api, approval, assets, break_glass, enrol, mcp, session};
use crate::courier::Figures;
use crate::embedded::Embedded;
use crate::gate::Gate;

/// What requests are answered from.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) gate: Arc<Gate>,
    /// The log of this process, if it is here.
    pub(crate) log: Option<Embedded>,
    pub(crate) rooms: Rooms,
    pub(crate) paces: Paces<String>,
    /// How often a client that waits on `/mcp` gets a sign of life.
    pub(crate) keep_alive: Duration,
    pub(crate) deliveries: Arc<Figures>,
    /// Answers by route and status.
    pub(crate) answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

/// The rooms for what is scarce.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    /// Bytes of bodies, each client's.
    pub(crate) bodies: Arc<Room>,
    /// Places for those who wait, each key's.
    pub(crate) waiting: Arc<Room>,
    /// Pages and ceremonies, each address's.
    pub(crate) pages: Arc<Room>,
}

impl Rooms {
    pub(crate) fn new(waiting: usize) -> Self {
        Self {
            bodies: Room::new("bytes for bodies", 64 * 1024 * 1024),
            waiting: Room::new("places to wait", waiting),
            pages: Room::new("places for pages", 512),
        }
    }
}

/// A kind of address.
#[derive(Debug)]
enum Place {
    Api(api::Call),
    Approval(approval::Call),
    Asset(String),
    BreakGlass(break_glass::Call),
    Enrol(enrol::Call),
    Export,
    Health,
    Mcp,
    Metrics,
    OpenApi,
    Readiness,
    Session(session::Call),
}

impl Place {
    /// `None` if there is never anything of the gate's at this address.
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/export" => Self::Export,
            "/healthz" => Self::Health,
            "/mcp" => Self::Mcp,
            "/metrics" => Self::Metrics,
            "/openapi.json" => Self::OpenApi,
            "/readyz" => Self::Readiness,
            _ => {
                if let Some(file) = path.strip_prefix("/gate/") {
                    return Some(Self::Asset(file.to_owned()));
                }
                if let Some(call) = api::Call::of(path) {
                    return Some(Self::Api(call));
                }
                if let Some(call) = approval::Call::of(path) {
                    return Some(Self::Approval(call));
                }
                if let Some(call) = session::Call::of(path) {
                    return Some(Self::Session(call));
                }
                if let Some(call) = break_glass::Call::of(path) {
                    return Some(Self::BreakGlass(call));
                }
                return enrol::Call::of(path).map(Self::Enrol);
            }
        })
    }

    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Api(call) => call.methods(),
            Self::Approval(call) => call.methods(),
            Self::BreakGlass(call) => call.methods(),
            Self::Enrol(call) => call.methods(),
            Self::Mcp | Self::Session(_) => &[Method::POST],
            _ => &[Method::GET],
        }
    }

    /// The name in the figures.
    fn route(&self) -> &'static str {
        match self {
            Self::Api(_) | Self::Export => "api",
            Self::Approval(_) => "approval",
            Self::BreakGlass(_) => "break-glass",
            Self::Enrol(_) => "enrol",
            Self::Mcp => "mcp",
            Self::Session(_) => "session",
            _ => "other",
        }
    }
}

/// Answers one request.
pub(crate) async fn answer(app: Arc<App>, request: Request) -> Sent {
    let Some(place) = Place::of(request.uri().path()) else {
        return match &app.log {
            Some(log) if log.has(request.uri().path()) => {
                whole(Box::pin(log.answer(request)).await)
            }
            _ => whole(Problem::not_found().answer()),
        };
    };
    let name = place.route();
    let answer = match route(&app, place, request).await {
        Ok(answer) => answer,
        Err(problem) => whole(problem.answer()),
    };
    let mut answers = app.answers.lock().unwrap_or_else(PoisonError::into_inner);
    *answers.entry((name, answer.status().as_u16())).or_default() += 1;
    drop(answers);
    answer
}

async fn route(app: &Arc<App>, place: Place, request: Request) -> Result<Sent, Problem> {
    allow(request.method(), place.methods())?;
    // Each kind of call has a future of its own size: a connection that waits for a decision does
    // not hold room for the largest of them.
    let answer = match place {
        Place::Mcp => return Box::pin(mcp::answer(app, request)).await,
        Place::Api(call) => api::answer(app, call, request).await,
        Place::Approval(call) => Box::pin(approval::answer(app, call, request)).await,
        Place::Asset(file) => assets::answer(&file, request.headers()),
        Place::BreakGlass(call) => Box::pin(break_glass::answer(app, call, request)).await,
        Place::Enrol(call) => Box::pin(enrol::answer(app, call, request)).await,
        Place::Export => Box::pin(api::export(app, request)).await,
        Place::Health => Ok(text(StatusCode::OK, "ok\n")),
        Place::Metrics => Ok(text(StatusCode::OK, &app.metrics())),
        Place::OpenApi => Ok(private(StatusCode::OK, crate::openapi::document())),
        Place::Readiness => readiness(app).await,
        Place::Session(call) => Box::pin(session::answer(app, call, request)).await,
    };
    answer.map(whole)
}

/// Whether requests can be decided, and their signatures logged.
async fn readiness(app: &App) -> Result<Answer, Problem> {
    if let Some(log) = &app.log
        && let Some(why) = log.trouble().await
    {
        let detail = format!("the log: {why}");
        return Err(Problem::new(503, "gate.not_ready", detail).retry(1));
    }
    app.gate.ready.answer("gate.not_ready")
}
