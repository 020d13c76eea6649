//! The client for callers that wait.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::http::{Answer, Http, Question};
use crate::waiter::Waiter;

/// [`Http`] for threads that wait. Clones share connections. Not to be used inside of an
/// asynchronous runtime.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    waiter: Arc<Waiter>,
}

impl Client {
    /// A client that calls itself `agent` and waits `timeout` for all of one answer.
    ///
    /// # Errors
    ///
    /// The system's certificates or resolver cannot be used, or no thread can be started.
    pub fn new(agent: &str, timeout: Duration) -> Result<Self> {
        let waiter = Waiter::new("http").map_err(|error| {
            let why = format!("cannot be used: {error}");
            Error::new(Kind::Unreachable, "The network", why)
        })?;
        Ok(Self {
            http: Http::new(agent, timeout)?,
            waiter: Arc::new(waiter),
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
        let closed = || Error::new(Kind::Unreachable, "The network", "is closed");
        self.waiter.wait(answer).ok_or_else(closed)?
    }
}
