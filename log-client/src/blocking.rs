//! The client for callers that wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Kind, Result};
use crate::http::{Answer, Http, Question};

/// [`Http`] for threads that wait. Clones share connections. Not to be used inside of an
/// asynchronous runtime.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    threads: Arc<Threads>,
}

/// The thread that keeps connections alive between questions.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // Nobody waits for a resolver that has not answered.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Client {
    /// A client that calls itself `agent` and waits `timeout` for all of one answer.
    ///
    /// # Errors
    ///
    /// The system's certificates or resolver cannot be used, or no thread can be started.
    pub fn new(agent: &str, timeout: Duration) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("http")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| {
            let why = format!("cannot be used: {error}");
            Error::new(Kind::Unreachable, "The network", why)
        })?;
        Ok(Self {
            http: Http::new(agent, timeout)?,
            threads: Arc::new(Threads(Some(runtime))),
        })
    }

    /// A body of at most `limit` bytes, or `None` where the server has nothing (404, 410).
    ///
    /// # Errors
    ///
    /// No answer within the limits, or another status.
    pub fn get(&self, url: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        self.answer(url, limit)?.found(url)
    }

    /// `GET url`, whatever the status.
    ///
    /// # Errors
    ///
    /// No answer within the limits.
    pub fn answer(&self, url: &str, limit: usize) -> Result<Answer> {
        self.wait(self.http.get(url, limit))
    }

    pub(crate) fn get_as(&self, url: &str, accept: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        self.wait(self.http.get_as(url, accept, limit))?.found(url)
    }

    /// Posts bytes. Every status is the caller's to judge.
    ///
    /// # Errors
    ///
    /// No answer within the limits.
    pub fn post(
        &self,
        url: &str,
        content_type: &str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Answer> {
        self.wait(self.http.post(url, content_type, body, limit))
    }

    /// Asks with headers, as [`Http::ask`].
    ///
    /// # Errors
    ///
    /// No answer within the limits.
    pub fn ask(&self, question: Question<'_>) -> Result<Answer> {
        self.wait(self.http.ask(question))
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        match &self.threads.0 {
            Some(runtime) => runtime.block_on(answer),
            // Only a client that is being dropped has none.
            None => Err(Error::new(Kind::Unreachable, "The network", "is closed")),
        }
    }
}
