//! Answers that go out bit by bit: server-sent events.
//!
//! ```text
//! : still waiting
//!
//! event: message
//! data: {"jsonrpc":"2.0",…}
//!
//! ```

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{self, HeaderName};
use hyper::{Response, StatusCode};
use serving::answer::set;
use tokio::sync::mpsc;

/// The media type.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// An answer of this gate: whole, or events that are still to come.
pub(crate) type Sent = Response<Either<Full<Bytes>, Events>>;

/// An answer whose body is in memory.
pub(super) fn whole(answer: serving::Answer) -> Sent {
    answer.map(Either::Left)
}

/// The work that makes events, while somebody reads them: dropped with the answer, it ends there.
pub(crate) struct Events {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    made: mpsc::Receiver<Bytes>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Where the work puts its events.
#[derive(Debug)]
pub(super) struct Outlet(mpsc::Sender<Bytes>);

impl Outlet {
    /// Sends a message, as soon as the one before is on its way.
    pub(super) async fn message(&self, text: &str) {
        self.send(format!("event: message\ndata: {text}\n\n")).await;
    }

    /// Sends a comment, which says that the connection lives.
    pub(super) async fn alive(&self) {
        self.send(": still waiting\n\n".into()).await;
    }

    async fn send(&self, text: String) {
        // The other end lives as long as the work that sends.
        let _ = self.0.send(text.into()).await;
    }
}

/// An answer whose events `work` makes.
pub(super) fn answer<W>(work: impl FnOnce(Outlet) -> W) -> Sent
where
    W: Future<Output = ()> + Send + 'static,
{
    let (outlet, made) = mpsc::channel(1);
    let mut answer = Response::new(Either::Right(Events {
        work: Some(Box::pin(work(Outlet(outlet)))),
        made,
    }));
    *answer.status_mut() = StatusCode::OK;
    set(&mut answer, header::CONTENT_TYPE, EVENT_STREAM);
    set(&mut answer, header::CACHE_CONTROL, "no-store, no-transform");
    // A proxy that collects answers would hold back what keeps the connection alive.
    let buffering = HeaderName::from_static("x-accel-buffering");
    set(&mut answer, buffering, "no");
    answer
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(work) = &mut self.work
            && work.as_mut().poll(context).is_ready()
        {
            self.work = None;
        }
        let made = self.made.poll_recv(context);
        made.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
