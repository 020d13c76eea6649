//! Appends at a member that does not lead: they are verified here, and sent on to the one that leads,
//! as they came. That one asks the same table for the token, and verifies again.
//!
//! A member that dies in the middle leaves nobody who knows what it did: the same request goes to the
//! next one that leads. What was appended once is found there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use log_client::{Answer as Reply, Http, Question};
use serving::answer::private;
use serving::{Answer, Problem};
use tokio::sync::watch;
use verifier_core::hazmat::json::{Limits, Value};

use crate::error::Result;
use crate::refusal::{Reason, Refusal};
use crate::store::Head;

/// The header of a request that another member has sent on: it is not sent on again.
pub(super) const FORWARDED: &str = "cosignet-forwarded";

/// The longest bundle.
const LONGEST: usize = 4 * 1024 * 1024;

/// The pause before the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// The way to the one that leads.
#[derive(Debug)]
pub(crate) struct Forward {
    http: Http,
    /// Its address, if somebody leads and can be reached.
    leader: watch::Receiver<Option<String>>,
    /// The published head that look-ups here are answered from.
    published: watch::Sender<Arc<Head>>,
}

/// The outcome of one attempt.
enum Attempt {
    Answered(Reply),
    /// It is not the one that leads, or could not be asked, or somebody else leads by now.
    Again,
}

impl Forward {
    pub(crate) fn new(
        leader: watch::Receiver<Option<String>>,
        published: watch::Sender<Arc<Head>>,
    ) -> Result<Self> {
        let http = Http::new(crate::AGENT, Duration::from_secs(60))?;
        Ok(Self {
            http,
            leader,
            published,
        })
    }

    /// Look-ups are answered from this head, unless it is older than the one before.
    pub(crate) fn show(&self, head: Arc<Head>) {
        show(&self.published, head);
    }

    /// Whether somebody leads who can be reached.
    pub(super) fn knows_leader(&self) -> bool {
        self.leader.borrow().is_some()
    }

    /// Has the one that leads append this, for at most so long.
    pub(super) async fn append(
        &self,
        token: &str,
        body: &[u8],
        patience: Duration,
    ) -> std::result::Result<Answer, Problem> {
        let deadline = Instant::now() + patience;
        let mut leader = self.leader.clone();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refusal::not_published().into());
            }
            let known = leader.wait_for(Option::is_some);
            let address = match tokio::time::timeout(left, known).await {
                Ok(Ok(address)) => address.clone().unwrap_or_default(),
                _ => return Err(Refusal::not_published().into()),
            };
            match self
                .attempt(&mut leader, &address, token, body, deadline)
                .await
            {
                Attempt::Answered(reply) => return answer(reply),
                Attempt::Again => tokio::time::sleep(PAUSE.min(left)).await,
            }
        }
    }

    async fn attempt(
        &self,
        leader: &mut watch::Receiver<Option<String>>,
        address: &str,
        token: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Attempt {
        let url = format!("{address}/v1/entries");
        let bearer = format!("Bearer {token}");
        let question = Question {
            url: &url,
            headers: &[("authorization", &bearer), (FORWARDED, "1")],
            json: Some(body.to_vec()),
            timeout: deadline.saturating_duration_since(Instant::now()),
            limit: LONGEST,
        };
        let moved = async {
            // A process that is frozen keeps its connections.
            let other = leader.wait_for(|now| now.as_deref().is_some_and(|now| now != address));
            other.await.map(|_| ())
        };
        let reply = tokio::select! {
            reply = self.http.ask(question) => reply,
            Ok(()) = moved => return Attempt::Again,
        };
        match reply {
            Ok(reply) if reply.status == 503 && says_not_leading(&reply.body) => Attempt::Again,
            Ok(reply) => Attempt::Answered(reply),
            Err(error) => {
                tracing::warn!(%error, "cannot reach the member that leads");
                Attempt::Again
            }
        }
    }
}

/// Shows this head, unless it is older than the one that is shown.
pub(crate) fn show(published: &watch::Sender<Arc<Head>>, head: Arc<Head>) {
    published.send_if_modified(|shown| {
        let is_newer = head.size > shown.size
            || (head.size == shown.size && head.checkpoint != shown.checkpoint);
        if is_newer {
            *shown = head;
        }
        is_newer
    });
}

fn says_not_leading(body: &[u8]) -> bool {
    code(body).is_some_and(|code| code == Reason::NotLeading.code())
}

fn code(body: &[u8]) -> Option<String> {
    let value = Value::parse(body, Limits::bytes(LONGEST)).ok()?;
    value.as_object()?.get("code")?.as_str().map(str::to_owned)
}

/// The answer of the one that leads, as it stands.
fn answer(reply: Reply) -> std::result::Result<Answer, Problem> {
    let text = String::from_utf8(reply.body).map_err(|_| Refusal::internal())?;
    let status = StatusCode::from_u16(reply.status).map_err(|_| Refusal::internal())?;
    let mut answer = private(status, text);
    if let Ok(kind) = reply.content_type.parse() {
        answer
            .headers_mut()
            .insert(hyper::header::CONTENT_TYPE, kind);
    }
    if matches!(reply.status, 429 | 503) {
        let second = hyper::header::HeaderValue::from_static("1");
        answer
            .headers_mut()
            .insert(hyper::header::RETRY_AFTER, second);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;

    use super::*;

    fn head(size: u64, checkpoint: &str) -> Arc<Head> {
        Arc::new(Head {
            size,
            root: EMPTY_ROOT,
            checkpoint: checkpoint.into(),
        })
    }

    /// Nobody listens at the address: there is nothing to wait for, and nobody to ask.
    #[test]
    fn an_append_is_given_up_when_its_time_is_over() {
        let address = Some("http://127.0.0.1:1".to_owned());
        let (_leader, leader) = watch::channel(address);
        let (published, _) = watch::channel(head(0, ""));
        let forward = Forward::new(leader, published).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for patience in [Duration::ZERO, Duration::from_millis(150)] {
            let refused = runtime.block_on(async {
                let asked = forward.append("token", b"{}", patience);
                tokio::time::timeout(Duration::from_secs(10), asked).await
            });
            assert!(refused.expect("it ends").is_err());
        }
    }

    #[test]
    fn what_is_shown_never_goes_back() {
        let (published, shown) = watch::channel(head(5, "five"));
        for (size, text, expected) in [
            (4, "four", "five"),
            (5, "five, cosigned", "five, cosigned"),
            (6, "six", "six"),
            (5, "five", "six"),
        ] {
            show(&published, head(size, text));
            assert_eq!(shown.borrow().checkpoint, expected);
        }
    }
}
