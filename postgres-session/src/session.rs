//! A session with the server. It makes progress while somebody asks it something, and then its
//! messages are read in the order in which the server has sent them: a notice about a statement is
//! known before the answer to that statement is.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use crate::address::Address;
use crate::error::{Error, Lapse, Result};
use crate::tls::Stream;

/// How long the server works on one statement before it gives up by itself. It does not end the
/// wait of a COMMIT for a standby: only our own patience does.
const STATEMENT: &str = "20s";

/// How long an answer is waited for. A server that is gone is noticed earlier.
pub const LIMIT: Duration = Duration::from_secs(22);

/// How long the answer to a COMMIT is waited for.
const COMMIT: Duration = Duration::from_secs(5);

/// The answer of the server to some statements.
pub type Answer<T> = std::result::Result<T, tokio_postgres::Error>;

/// The use that a session is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a new purpose concerns every program"
)]
pub enum Purpose {
    /// Appends. Its look-ups never read a table from end to end, as the plan for a small one does.
    Lead,
    /// Maintenance, which takes its time.
    Maintain,
    /// Answers, and small changes.
    Serve,
    /// Looks at the server as it is set.
    Examine,
}

/// What is called committed is on disk, and stays so whatever is set for the server, the role or the
/// database while the program runs.
const DURABLE: &str = "SELECT pg_catalog.set_config('synchronous_commit', \
                       CASE pg_catalog.current_setting('synchronous_commit') \
                       WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);";

impl Purpose {
    fn settings(self, schema: &str) -> String {
        let more = match self {
            Self::Lead => format!("SET enable_seqscan = off; {DURABLE}"),
            Self::Maintain => "SET statement_timeout = 0; SET lock_timeout = '20s';".into(),
            Self::Serve => DURABLE.into(),
            Self::Examine => String::new(),
        };
        // Whoever is frozen in the middle of a transaction must not keep others out for long.
        format!(
            "SET search_path = {schema}, pg_catalog; SET statement_timeout = '{STATEMENT}'; \
             SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '5s'; {more}"
        )
    }
}

/// The runtime of a session. The last to drop it may be a request, and there nothing may wait for the
/// threads of a runtime.
#[derive(Debug)]
struct Driver(Option<Runtime>);

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A session.
pub struct Session {
    runtime: Driver,
    client: Client,
    connection: Connection<Socket, Stream>,
    /// A notification has come since somebody waited for one.
    heard: bool,
}

impl Session {
    /// Opens one. Nothing else may run on the thread that asks something: see [`Session::run`].
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or does not let this program in.
    pub fn open(address: &Address, purpose: Purpose) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::System(error.to_string()))?;
        let opened = runtime.block_on(async {
            tokio::time::timeout(LIMIT, address.config.connect(address.tls.clone())).await
        });
        let (client, connection) = opened
            .map_err(|_| Lapse::Deadline(LIMIT))
            .and_then(|opened| opened.map_err(Lapse::from))?;
        let mut this = Self {
            runtime: Driver(Some(runtime)),
            client,
            connection,
            heard: false,
        };
        let settings = purpose.settings(&address.tenant.schema);
        this.run(LIMIT, async |client| client.batch_execute(&settings).await)?;
        // Not every system can: the server then works for somebody who is gone until it is done.
        let watch = "SET client_connection_check_interval = '1s'";
        match this.run(LIMIT, async |client| client.batch_execute(watch).await) {
            Ok(()) | Err(Lapse::Refused(_)) => Ok(this),
            Err(lapse) => Err(lapse.into()),
        }
    }

    /// Asks something that is no COMMIT, and blocks until there is an answer.
    ///
    /// # Errors
    ///
    /// If there is none, or it is a refusal.
    pub fn run<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> Answer<T>,
    ) -> std::result::Result<T, Lapse> {
        self.drive(limit, work).map(|(done, _)| done)
    }

    /// Commits. Whatever goes wrong: the outcome is unknown then, and this session is of no use any
    /// more. The results of all statements of the transaction are known and good, since the server
    /// answers the COMMIT of a failed one without an error.
    ///
    /// # Errors
    ///
    /// If the outcome is unknown.
    pub fn commit(&mut self) -> std::result::Result<(), Lapse> {
        let done = self.drive(COMMIT, async |client| client.batch_execute("COMMIT").await);
        let ((), warning) = done?;
        match warning {
            Some(warning) => Err(Lapse::Warned(warning)),
            None => Ok(()),
        }
    }

    /// Waits for a notification of a channel that this session listens to, or until the time is over;
    /// says whether there was one. It may have come with an earlier answer.
    ///
    /// # Errors
    ///
    /// If the connection was lost.
    pub fn hear(&mut self, limit: Duration) -> std::result::Result<bool, Lapse> {
        if std::mem::take(&mut self.heard) {
            return Ok(true);
        }
        let Self {
            runtime,
            connection,
            ..
        } = self;
        let Driver(Some(runtime)) = runtime else {
            return Err(Lapse::Lost("it has ended".into()));
        };
        let told = poll_fn(|cx| {
            loop {
                match ready!(connection.poll_message(cx)) {
                    Some(Ok(AsyncMessage::Notification(_))) => return Poll::Ready(Ok(true)),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Poll::Ready(Err(Lapse::from(error))),
                    None => return Poll::Ready(Err(Lapse::Lost("it has ended".into()))),
                }
            }
        });
        let told = runtime.block_on(async { tokio::time::timeout(limit, told).await });
        told.unwrap_or(Ok(false))
    }

    /// The result, and the last warning that came before it.
    fn drive<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> Answer<T>,
    ) -> std::result::Result<(T, Option<String>), Lapse> {
        let Self {
            runtime,
            client,
            connection,
            heard,
        } = self;
        let mut warning = None;
        let Driver(Some(runtime)) = runtime else {
            return Err(Lapse::Lost("it has ended".into()));
        };
        let ended = runtime.block_on(async {
            let mut work = pin!(work(client));
            let mut messages = poll_fn(|cx| {
                loop {
                    match ready!(connection.poll_message(cx)) {
                        Some(Ok(AsyncMessage::Notice(notice))) => {
                            if notice.parsed_severity() == Some(Severity::Warning) {
                                warning = Some(notice.message().to_owned());
                            }
                        }
                        Some(Ok(AsyncMessage::Notification(_))) => *heard = true,
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Poll::Ready(Lapse::from(error)),
                        None => return Poll::Ready(Lapse::Lost("it has ended".into())),
                    }
                }
            });
            let answer = async {
                tokio::select! {
                    biased;
                    end = &mut messages => {
                        // The answer may have come right before the end.
                        let last = poll_fn(|cx| match work.as_mut().poll(cx) {
                            Poll::Ready(Ok(done)) => Poll::Ready(Some(done)),
                            Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
                        });
                        last.await.ok_or(match end {
                            Lapse::Refused(error) => Lapse::Lost(Lapse::Refused(error).to_string()),
                            end => end,
                        })
                    }
                    done = work.as_mut() => done.map_err(Lapse::from),
                }
            };
            let answer = tokio::time::timeout(limit, answer).await;
            answer.unwrap_or(Err(Lapse::Deadline(limit)))
        });
        ended.map(|done| (done, warning))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
