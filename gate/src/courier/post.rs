//! One try to deliver one thing.

use std::sync::Arc;
use std::time::Duration;

use command_line::CliError;
use log_client::{Answer, Http, Question, Reach};
use verifier_core::Time;

use super::mail::Mailer;
use crate::channel::{Channel, Kind};
use crate::delivery::{Due, Outcome, Receiver};
use crate::settings::Mail;
use crate::site::Site;
use crate::webhook::Signed;

/// For all of an answer: what Standard Webhooks recommends at least.
const TIME: Duration = Duration::from_secs(15);

/// As much of an answer as is read, in bytes. Its status is all that counts.
const MAX_ANSWER: usize = 4096;

/// Clients of everything that is delivered to. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// For addresses of the public internet.
    public: Http,
    /// For those of the operator's own network. It shares no connection with the other one.
    private: Http,
    mailer: Option<Arc<Mailer>>,
}

impl Post {
    pub(crate) fn new(agent: &str, mail: Option<&Mail>) -> Result<Self, CliError> {
        let http = |reach| {
            Http::within(agent, TIME, reach).map_err(|error| CliError::usage(error.to_string()))
        };
        Ok(Self {
            public: http(Reach::Public)?,
            private: http(Reach::Any)?,
            mailer: mail.map(Mailer::new).transpose()?.map(Arc::new),
        })
    }

    /// Tries once. What is signed says that it is this moment.
    pub(super) async fn deliver(&self, due: &Due, site: &Site, now: Time) -> Outcome {
        match (&due.receiver, &self.mailer) {
            (Receiver::Channel(channel), _) => self.send(channel, due, site, now).await,
            (Receiver::Mail(address), Some(mailer)) => mailer.send(address, due, site).await,
            (Receiver::Mail(_), None) => {
                Outcome::Never("there is no server for mail: see --mail-server".into())
            }
            (Receiver::Nobody, _) => Outcome::Moot,
        }
    }

    async fn send(&self, channel: &Channel, due: &Due, site: &Site, now: Time) -> Outcome {
        let url = channel.target.url();
        let (body, signed) = match channel.kind {
            Kind::Chat => (due.notice.chat(site), None),
            Kind::Webhook => {
                let body = due.notice.event(site);
                let signed = Signed::new(&due.id, now, &body, channel.secrets(now));
                (body, Some(signed))
            }
        };
        let headers = signed.as_ref().map(Signed::headers);
        let question = Question {
            url,
            headers: headers.as_ref().map_or(&[], |headers| &headers[..]),
            json: Some(body.into_bytes()),
            timeout: TIME,
            limit: MAX_ANSWER,
        };
        let http = match channel.target.reach() {
            Reach::Public => &self.public,
            _ => &self.private,
        };
        match http.tell(question).await {
            Ok(answer) => judge(&answer, url),
            Err(error) => Outcome::Failed {
                why: error.why().to_owned(),
                wish: None,
            },
        }
    }
}

/// The meaning of an answer, as Standard Webhooks has it: everything that is no success is a
/// failure, redirects included, and 410 ends it.
fn judge(answer: &Answer, url: &str) -> Outcome {
    if answer.is_success() {
        return Outcome::Delivered(format!("answered {}", answer.status));
    }
    let why = answer.refused(url).why().to_owned();
    match answer.status {
        410 => Outcome::Gone(why),
        _ => Outcome::Failed {
            why,
            wish: answer.retry_after,
        },
    }
}
