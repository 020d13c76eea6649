//! Several logs in one process: one listener, and below it each of them under a path of its own.
//!
//! ```text
//! /<path>/…          everything that a log answers
//! POST /v1/entries   the one that is open
//! /, /log.json       what all of them say of themselves
//! /readyz            whether all that have been started do their work
//! ```

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use serving::answer::{json, public, text};
use serving::html::Html;
use serving::{Answer, Problem, Request, allow};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::tlog::vkey::VerifierKey;
use verifier_core::plain;

use crate::error::{LogError, Result};
use crate::http::{front, openapi};
use crate::log::Log;
use crate::member::{Current, Member};
use crate::refusal::{Reason, Refusal};
use crate::shards::Plan;
use crate::store::Closing;

/// How often it is looked which of them is open.
const LOOK: Duration = Duration::from_secs(1);

/// The logs, in the order of time.
#[derive(Debug)]
pub(crate) struct Group {
    shards: Vec<Shard>,
    states: RwLock<Vec<State>>,
}

#[derive(Debug)]
struct Shard {
    path: String,
    key: VerifierKey,
    /// The log, or why it is not served.
    log: std::result::Result<Current, String>,
}

/// What is known of one of them.
#[derive(Clone, Debug)]
enum State {
    Closed(Closing),
    /// It is not served.
    Down,
    /// It takes appends.
    Open,
    /// One before it is still open, or cannot be read.
    Waiting,
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Closed(_) => "closed",
            Self::Down => "down",
            Self::Open => "open",
            Self::Waiting => "waiting",
        }
    }
}

impl Group {
    /// Starts all of them. One that is damaged is left out, and says so; of anything else the process
    /// ends, as it does with a log alone.
    pub(crate) fn start(plans: Vec<Plan>, url: Option<&str>) -> Result<(Arc<Self>, Vec<Member>)> {
        let mut members = Vec::new();
        let mut shards = Vec::new();
        for plan in plans {
            let own = url.map(|url| format!("{url}/{}", plan.path));
            let log = match Member::start(&plan.data, own, plan.settings) {
                Ok(member) => {
                    let current = member.current();
                    members.push(member);
                    Ok(current)
                }
                Err(failure) if failure.is_of_log() => {
                    tracing::error!(%failure, shard = plan.path, "this log is not served");
                    Err(failure.to_string())
                }
                Err(failure) => return Err(failure),
            };
            shards.push(Shard {
                path: plan.path,
                key: plan.key,
                log,
            });
        }
        if members.is_empty() {
            let why = shards.iter().filter_map(|shard| shard.log.as_ref().err());
            return Err(LogError::damage(
                why.cloned().collect::<Vec<_>>().join("; "),
            ));
        }
        let group = Arc::new(Self {
            shards,
            states: RwLock::default(),
        });
        group.look();
        Ok((group, members))
    }

    /// Looks again and again which of them is open, until the task is dropped.
    pub(crate) async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            Self::look_beside(&self).await;
        }
    }

    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request) -> Answer {
        let done = match self.below(request.uri()) {
            Some((shard, Some(rest))) => shard.answer(request, rest).await,
            Some((shard, None)) => Ok(moved(&shard.path)),
            None => self.root(request).await,
        };
        done.unwrap_or_else(|problem| problem.answer())
    }

    /// The log that an address is of, and the address in it; without one, it lacks a slash.
    fn below(&self, uri: &Uri) -> Option<(&Shard, Option<Uri>)> {
        let path = uri.path().strip_prefix('/')?;
        let (first, rest) = path
            .split_once('/')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let shard = self.shards.iter().find(|shard| shard.path == first)?;
        let query = uri
            .query()
            .map_or(String::new(), |query| format!("?{query}"));
        let rest = rest.and_then(|rest| format!("/{rest}{query}").parse().ok());
        Some((shard, rest))
    }

    async fn root(self: &Arc<Self>, request: Request) -> std::result::Result<Answer, Problem> {
        let known: &[Method] = match request.uri().path() {
            "/v1/entries" => &[Method::POST],
            "/" | "/healthz" | "/log.json" | "/openapi.json" | "/readyz" => &[Method::GET],
            _ => return Err(Problem::not_found()),
        };
        allow(request.method(), known)?;
        match request.uri().path() {
            "/v1/entries" => self.append(request).await,
            "/healthz" => Ok(text(StatusCode::OK, "ok\n")),
            "/openapi.json" => Ok(openapi::answer()),
            "/readyz" => self.readiness().await,
            "/log.json" => {
                let log = self.main()?.log()?;
                let shards = self.to_json();
                let mut answer = json(StatusCode::OK, log.describe(shards).await?);
                public(&mut answer, "public, max-age=60");
                Ok(answer)
            }
            _ => Ok(front::shown(self.to_html())),
        }
    }

    /// The log that takes appends; if none does, the last one, which knows best what there is.
    fn main(&self) -> std::result::Result<&Shard, Problem> {
        let states = self.states();
        let open = states.iter().position(|state| matches!(state, State::Open));
        let shard = self
            .shards
            .get(open.unwrap_or(self.shards.len().saturating_sub(1)));
        shard.ok_or_else(Problem::not_found)
    }

    /// `POST /v1/entries`, for the log that is open.
    async fn append(self: &Arc<Self>, request: Request) -> std::result::Result<Answer, Problem> {
        let shard = self.main()?;
        let uri = request.uri().clone();
        let answer = shard.answer(request, uri).await?;
        if answer.status() != StatusCode::GONE {
            return Ok(answer);
        }
        // Closed by somebody else, a moment ago.
        Self::look_beside(self).await;
        match self.main()?.path == shard.path {
            true => Ok(answer),
            false => Err(Refusal::new(
                Reason::Predecessor,
                "The log that took appends here was closed at this moment, and the next one does from \
                 now on: repeat the same request.",
            )
            .into()),
        }
    }

    /// 503 with all reasons, if one of them does not do its work. One whose time has not come has none.
    async fn readiness(&self) -> std::result::Result<Answer, Problem> {
        let mut reasons = Vec::new();
        let mut code = None;
        for (shard, state) in self.shards.iter().zip(self.states()) {
            let problem = match (&shard.log, state) {
                (_, State::Waiting) => continue,
                (Ok(current), _) => current.log().readiness().await.err(),
                (Err(why), _) => Some(Refusal::new(Reason::Damaged, why).into()),
            };
            if let Some(problem) = problem {
                code.get_or_insert(problem.code());
                reasons.push(format!("{}: {}", shard.path, problem.detail()));
            }
        }
        match code {
            None => Ok(text(StatusCode::OK, "ready\n")),
            Some(code) => Err(Problem::new(503, code, reasons.join("; ")).retry(1)),
        }
    }

    async fn look_beside(this: &Arc<Self>) {
        let group = Arc::clone(this);
        if let Err(error) = tokio::task::spawn_blocking(move || group.look()).await {
            tracing::error!(%error, "cannot see which log is open");
        }
    }

    /// Looks which of them is open. Blocks.
    fn look(&self) {
        // The last one first: of two that are asked in the order of time, one can be closed in between,
        // and both be called open.
        let mut states: Vec<State> = self.shards.iter().rev().map(Shard::state).collect();
        states.reverse();
        *self.states.write().unwrap_or_else(PoisonError::into_inner) = states;
    }

    fn states(&self) -> Vec<State> {
        self.states
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// All of them, in the order of time.
    fn to_json(&self) -> Value<'static> {
        let each = self.shards.iter().zip(self.states()).map(|(shard, state)| {
            let closed = match &state {
                State::Closed(closing) => Some(("closedAt", Value::from(closing.at.clone()))),
                _ => None,
            };
            let members = [
                ("origin", Value::from(shard.key.name().to_owned())),
                ("path", Value::from(shard.path.clone())),
                ("state", Value::from(state.word())),
                ("vkey", Value::from(shard.key.to_string())),
            ];
            serving::openapi::schema::object(members.into_iter().chain(closed))
        });
        Value::Array(each.collect())
    }

    fn to_html(&self) -> String {
        let title = "Logs of approvals";
        let mut body = Html::tag("h1", "", &Html::text(title));
        body.paragraph("Public, append-only lists of approvals that people gave with their passkeys. One of them is open at a time; those before it are closed, and stay as they are.");
        let rows = self.shards.iter().zip(self.states()).map(|(shard, state)| {
            let said = match &state {
                State::Closed(closing) => format!("closed since {}", closing.at),
                other => other.word().to_owned(),
            };
            // A path has no character that means something here.
            let link = format!("<a href=\"{0}/\">{0}</a>", shard.path);
            vec![
                Html::raw(link),
                Html::text(&plain(shard.key.name())),
                Html::text(&said),
                Html::tag("code", "", &Html::text(&shard.key.to_string())),
            ]
        });
        body.table(&["Log", "Name", "State", "Key"], rows);
        front::page(title, &body)
    }
}

impl Shard {
    fn log(&self) -> std::result::Result<Log, Problem> {
        match &self.log {
            Ok(current) => Ok(current.log()),
            Err(why) => {
                let detail = format!("The log {} is not served: {why}", self.path);
                Err(Refusal::new(Reason::Damaged, detail).into())
            }
        }
    }

    async fn answer(&self, mut request: Request, uri: Uri) -> std::result::Result<Answer, Problem> {
        let log = self.log()?;
        *request.uri_mut() = uri;
        Ok(log.answer_all(request).await)
    }

    fn state(&self) -> State {
        let log = match &self.log {
            Ok(current) => current.log(),
            Err(_) => return State::Down,
        };
        match log.closing() {
            Some(closing) => State::Closed(closing),
            None if log.is_first() => State::Open,
            None => State::Waiting,
        }
    }
}

/// The address of a log ends with a slash, so that the links on its page are below it.
fn moved(path: &str) -> Answer {
    let mut answer = text(StatusCode::PERMANENT_REDIRECT, "");
    if let Ok(location) = HeaderValue::try_from(format!("{path}/")) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}
