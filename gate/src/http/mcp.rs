//! `POST /mcp`: one message of the Model Context Protocol, answered at once or, while people think,
//! by server-sent events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header::{self, HeaderMap};
use hyper::{StatusCode, http::HeaderValue};
use serving::answer::private;
use serving::{Answer, Held, Party, Problem, Request};
use tokio::time::MissedTickBehavior;
use verifier_core::hazmat::json::{Limits, Value};

use super::api::MAX_ASKED;
use super::events::{self, EVENT_STREAM, Outlet, Sent, whole};
use super::problem;
use super::read::{self, Right};
use super::routes::App;
use crate::mcp::message::{self, Error, Message};
use crate::mcp::revision::Era;
use crate::mcp::tools::{self, Ask, Look, Tool};
use crate::mcp::{self, Members, task};
use crate::person::ApiKey;
use crate::refusal::{Reason, Refusal};
use crate::request::Status;
use crate::store::{Created, Repeats, Trouble};

pub(super) async fn answer(app: &Arc<App>, request: Request) -> Result<Sent, Problem> {
    read::require_origin(app, request.headers())?;
    let key = read::key(app, request.headers(), Right::Create).await?;
    let headers = request.headers().clone();
    let next = {
        let party = Some(Party::Token(key.id.clone()));
        let (body, _held) = read::body(app, request, party, MAX_ASKED).await?;
        take(app, key, &headers, &body).await?
    };
    match next {
        Next::Answered(answer) => Ok(whole(answer)),
        Next::Waits(call) if takes_events(&headers) => {
            Ok(events::answer(|outlet| call.follow(outlet)))
        }
        Next::Waits(call) => Ok(whole(call.answer().await?)),
    }
}

/// What becomes of a message.
enum Next {
    Answered(Answer),
    /// Somebody has to decide first.
    Waits(Call),
}

async fn take(
    app: &Arc<App>,
    key: ApiKey,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Next, Problem> {
    let answered = |answer| Ok(Next::Answered(answer));
    let value = match Value::parse(body, Limits::bytes(MAX_ASKED)) {
        Ok(value) => value,
        Err(error) => {
            let refusal = Refusal::from(payload_form::Refusal::of_json(body, &error));
            let error = Error::new(message::PARSE, refusal.detail);
            return answered(failed(&error, None, Era::Modern));
        }
    };
    let message = match Message::read(&value) {
        Ok(message) => message,
        Err(error) => return answered(failed(&error, None, Era::Modern)),
    };
    let era = match Era::of(&message, headers) {
        Ok(era) => era,
        Err(error) => return answered(failed(&error, message.id, Era::Modern)),
    };
    let Some(id) = message.id else {
        let mut accepted = Answer::default();
        *accepted.status_mut() = StatusCode::ACCEPTED;
        return answered(accepted);
    };
    match run(app, &key, &message, era).await {
        Ok(Outcome::Done(members)) => answered(succeeded(id, era, members)),
        Ok(Outcome::Task(members)) => {
            answered(private(StatusCode::OK, mcp::task_made(id, members)))
        }
        Ok(Outcome::Pending(wait)) => Ok(Next::Waits(Call {
            app: Arc::clone(app),
            key,
            wait,
            id: id.clone().into_owned(),
            era,
        })),
        Err(Stop::Error(error)) => answered(failed(&error, Some(id), era)),
        Err(Stop::Mistake(refusal)) => answered(succeeded(id, era, tools::mistake(&refusal))),
        Err(Stop::Problem(problem)) => Err(problem),
    }
}

/// What becomes of a request of the protocol.
enum Outcome {
    Done(Members),
    /// The client comes back for the answer.
    Task(Members),
    Pending(Wait),
}

/// Why a request has no result.
enum Stop {
    /// The call is wrong.
    Error(Error),
    /// A model can mend it: an answer of the tool says how.
    Mistake(Refusal),
    /// Nothing that a client could take for the answer of a tool.
    Problem(Problem),
}

async fn run(
    app: &App,
    key: &ApiKey,
    message: &Message<'_, '_>,
    era: Era,
) -> Result<Outcome, Stop> {
    let members = match (era, message.method) {
        (Era::Legacy, "initialize") => {
            let params = message.params.as_ref();
            mcp::initialize(params.and_then(|params| params.text("protocolVersion").ok()))
        }
        (Era::Legacy, "ping") => Vec::new(),
        (Era::Modern, "server/discover") => mcp::discover(),
        (_, "tools/list") => mcp::list(era),
        (_, "tools/call") => return use_tool(app, key, message, era).await,
        (Era::Modern, "tasks/get") => {
            let request = task_of(app, key, message).await?;
            task::standing(&request, &app.gate.site, app.gate.now())
        }
        // Nothing is ever asked of a client, so whatever it answers is of no use.
        (Era::Modern, "tasks/update") => {
            task_of(app, key, message).await?;
            Vec::new()
        }
        (Era::Modern, "tasks/cancel") => {
            cancel(app, key, &task_of(app, key, message).await?).await?;
            Vec::new()
        }
        (_, other) => return Err(mcp::unknown(other).into()),
    };
    Ok(Outcome::Done(members))
}

/// The request that is the task which a message names.
async fn task_of(
    app: &App,
    key: &ApiKey,
    message: &Message<'_, '_>,
) -> Result<crate::request::Request, Stop> {
    let id = task::named(message)?;
    match app.gate.of_key(key, id).await {
        Err(Trouble::Refused(refusal)) if refusal.reason == Reason::Unknown => {
            Err(task::unknown().into())
        }
        found => Ok(found?),
    }
}

/// Takes a request back. A decision that was made before stands.
async fn cancel(app: &App, key: &ApiKey, request: &crate::request::Request) -> Result<(), Stop> {
    match app.gate.cancel(key, &request.id).await {
        Err(Trouble::Refused(refusal)) if refusal.reason == Reason::Unknown => {
            Err(task::unknown().into())
        }
        Ok(_) | Err(Trouble::Refused(_)) => Ok(()),
        Err(trouble) => Err(trouble.into()),
    }
}

async fn use_tool(
    app: &App,
    key: &ApiKey,
    message: &Message<'_, '_>,
    era: Era,
) -> Result<Outcome, Stop> {
    let wrong = |text: String| Error::new(message::INVALID_PARAMS, text);
    let params = message.params.as_ref();
    let params = params.ok_or_else(|| wrong("A call of a tool needs `params`.".into()))?;
    let name = params.text("name").map_err(Error::from)?;
    let tool = Tool::parse(name).ok_or_else(|| {
        let name = verifier_core::quote(name);
        wrong(format!("There is no tool {name} here."))
    })?;
    let token = message.progress_token()?;
    let comes_back = era == Era::Modern && message.declares(task::EXTENSION)?;
    let none = Value::Object(std::iter::empty().collect());
    let arguments = params.value("arguments").unwrap_or(&none);
    let place = |wait: Duration| {
        let party = Some(Party::Token(key.id.clone()));
        let amount = usize::from(!wait.is_zero() && !comes_back);
        // Taken before anybody is asked.
        app.rooms.waiting.take(party, amount).map_err(Problem::from)
    };
    let begin = Instant::now();
    let (request, place, wait) = match tool {
        Tool::Request => {
            let ask = Ask::read(arguments)?;
            let repeats = match ask.idempotency_key {
                Some(name) => Repeats::Named(name.to_owned()),
                None => Repeats::Pending,
            };
            let place = place(ask.wait)?;
            let made = app.gate.create(key, &ask.asked, repeats).await?;
            let (Created::New(request) | Created::Repeat(request)) = made;
            (request, place, ask.wait)
        }
        Tool::Get => {
            let look = Look::read(arguments)?;
            let place = place(look.wait)?;
            let found = app.gate.of_key(key, look.id).await?;
            (found, place, look.wait)
        }
    };
    let now = app.gate.now();
    let site = &app.gate.site;
    if request.status(now) != Status::Pending || wait.is_zero() {
        return Ok(Outcome::Done(tools::standing(&request, site, now)));
    }
    if comes_back {
        return Ok(Outcome::Task(task::made(&request, site, now)));
    }
    Ok(Outcome::Pending(Wait {
        url: site.page(&request.id),
        id: request.id,
        until: begin + wait,
        token,
        _place: place,
    }))
}

/// A wait for a decision.
struct Wait {
    /// The id of the request.
    id: String,
    url: String,
    until: Instant,
    /// What the client wants to hear of progress under.
    token: Option<Value<'static>>,
    /// A place among those who wait.
    _place: Held,
}

/// A call that waits.
struct Call {
    app: Arc<App>,
    key: ApiKey,
    wait: Wait,
    /// The id of the call.
    id: Value<'static>,
    era: Era,
}

impl Call {
    /// Waits, and answers.
    async fn answer(&self) -> Result<Answer, Problem> {
        Ok(succeeded(&self.id, self.era, self.standing().await?))
    }

    /// The same, with a sign of life in between and the answer as the last event. The error of a
    /// call that has begun to answer is one of the protocol.
    async fn follow(self, outlet: Outlet) {
        let mut ticks = tokio::time::interval(self.app.keep_alive);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut standing = std::pin::pin!(self.standing());
        let mut signs = 0;
        let standing = loop {
            tokio::select! {
                found = &mut standing => break found,
                _ = ticks.tick() => {
                    outlet.alive().await;
                    if let Some(token) = &self.wait.token {
                        let text = format!("People are asked at {}", self.wait.url);
                        outlet.message(&message::progress(token, signs, &text)).await;
                    }
                    signs += 1;
                }
            }
        };
        let text = match standing {
            Ok(members) => mcp::success(&self.id, self.era, members),
            Err(problem) => {
                let text = format!("{} [{}]", problem.detail(), problem.code());
                Error::new(message::INTERNAL, text).to_text(Some(&self.id))
            }
        };
        outlet.message(&text).await;
    }

    async fn standing(&self) -> Result<Members, Problem> {
        let gate = &self.app.gate;
        let Wait { id, until, .. } = &self.wait;
        let request = gate.decided(&self.key, id, *until).await?;
        Ok(tools::standing(&request, &gate.site, gate.now()))
    }
}

fn succeeded(id: &Value<'_>, era: Era, members: Members) -> Answer {
    private(StatusCode::OK, mcp::success(id, era, members))
}

fn failed(error: &Error, id: Option<&Value<'_>>, era: Era) -> Answer {
    private(error.status(era), error.to_text(id))
}

/// Whether the client reads events. Others get one answer, at the end of the wait.
fn takes_events(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT).iter();
    let mut kinds = all
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split(','));
    kinds.any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case(EVENT_STREAM)
    })
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        match problem::is_callers(refusal.reason) {
            true => Self::Mistake(refusal),
            false => Self::Problem(refusal.into()),
        }
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) => refusal.into(),
            Trouble::Store(error) => Self::Problem(error.into()),
        }
    }
}
