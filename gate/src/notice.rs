//! News for others: that something has happened, never what was asked.
//!
//! ```text
//! {"data":{…},"timestamp":time,"type":"request.created"}
//! ```
//!
//! What `data` has is in `asked` for news of a request, and in `used` for those of a use of
//! break-glass. The payload is in none of it, and neither is anything that decides: whoever gets a
//! notice opens the page, or asks the gate.

mod asked;
mod used;

use verifier_core::Time;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};

use crate::break_glass;
use crate::request::{Request, Status};
use crate::site::Site;

use asked::Asked;
pub(crate) use used::Glass;
#[cfg(test)]
pub(crate) use used::sample;

/// The longest facts of a notice, in bytes.
const MAX_FACTS: usize = 16 * 1024;

/// The kinds of news. Each is an event of the gate, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Topic {
    Created,
    Approved,
    Rejected,
    Expired,
    Cancelled,
    Claimed,
    BreakGlass,
}

impl Topic {
    pub(crate) const ALL: [Self; 7] = [
        Self::Created,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Claimed,
        Self::BreakGlass,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "request.created",
            Self::Approved => "request.approved",
            Self::Rejected => "request.rejected",
            Self::Expired => "request.expired",
            Self::Cancelled => "request.cancelled",
            Self::Claimed => "request.claimed",
            Self::BreakGlass => break_glass::KIND,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Where a request stands, to everybody outside, at the moment of the event. A use of
    /// break-glass is none, and stands nowhere.
    pub(crate) const fn status(self) -> Option<Status> {
        Some(match self {
            Self::Created => Status::Pending,
            Self::Approved | Self::Claimed => Status::Approved,
            Self::Rejected => Status::Rejected,
            Self::Expired => Status::Expired,
            Self::Cancelled => Status::Cancelled,
            Self::BreakGlass => return None,
        })
    }
}

/// One piece of news, as things stood when it happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Notice {
    pub(crate) topic: Topic,
    pub(crate) at: Time,
    about: About,
}

/// Whatever it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
enum About {
    Request(Asked),
    Use(Glass),
}

impl Notice {
    /// News of a request. `topic` is one of those.
    pub(crate) fn of(topic: Topic, request: &Request, at: Time) -> Self {
        let about = About::Request(Asked::of(request));
        Self { topic, at, about }
    }

    /// News of a use of break-glass.
    pub(crate) fn of_use(used: Glass, at: Time) -> Self {
        let (topic, about) = (Topic::BreakGlass, About::Use(used));
        Self { topic, at, about }
    }

    /// The id of the request that it is about.
    pub(crate) fn request(&self) -> Option<&str> {
        match &self.about {
            About::Request(asked) => Some(&asked.id),
            About::Use(_) => None,
        }
    }

    /// The id of the use of break-glass that it is about.
    pub(crate) fn use_id(&self) -> Option<&str> {
        match &self.about {
            About::Request(_) => None,
            About::Use(used) => Some(&used.use_id),
        }
    }

    /// As it is kept until it is delivered.
    pub(crate) fn to_text(&self) -> String {
        match &self.about {
            About::Request(asked) => asked.to_text(),
            About::Use(used) => used.to_text(),
        }
    }

    /// Reads what [`Notice::to_text`] wrote.
    pub(crate) fn parse(topic: Topic, at: Time, text: &str) -> Option<Self> {
        let value = Value::parse(text.as_bytes(), Limits::bytes(MAX_FACTS)).ok()?;
        let members = Members::of(&value).ok()?;
        let about = match topic.status() {
            Some(_) => About::Request(Asked::read(&members).ok()?),
            None => About::Use(Glass::read(&members).ok()?),
        };
        Some(Self { topic, at, about })
    }

    /// The body of a webhook.
    pub(crate) fn event(&self, site: &Site) -> String {
        let data = match &self.about {
            About::Request(asked) => asked.data(self.topic, site),
            About::Use(used) => used.data(),
        };
        Value::from([
            ("data", data),
            ("timestamp", self.at.to_string().into()),
            ("type", self.topic.as_str().into()),
        ])
        .to_text()
    }

    /// The body for a chat.
    pub(crate) fn chat(&self, site: &Site) -> String {
        let text = match &self.about {
            About::Request(asked) => asked.chat(self.topic, site),
            About::Use(used) => used.chat(),
        };
        Value::from([("text", Value::from(text))]).to_text()
    }

    /// The subject and the text of a mail.
    pub(crate) fn mail(&self, site: &Site) -> (String, String) {
        match &self.about {
            About::Request(asked) => asked.mail(site),
            About::Use(used) => used.mail(site),
        }
    }
}

/// A member that may be null, read by `read` if it is not.
fn nullable<T>(
    members: &Members<'_, '_>,
    key: &str,
    read: impl FnOnce() -> Result<T, schema::Error>,
) -> Result<Option<T>, schema::Error> {
    match members.value(key)? {
        Value::Null => Ok(None),
        _ => read().map(Some),
    }
}

/// A name that somebody else chose, such as that of an action, as it can stand in a text of ours:
/// letters, digits and a few signs, so that no chat takes it for a link, a mention or a format.
fn label(name: &str) -> String {
    let plain = |c: char| match c {
        '.' | '_' | '-' | ' ' => c,
        c if c.is_alphanumeric() => c,
        _ => '?',
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_has_no_status() {
        let without = Topic::ALL.into_iter().filter(|one| one.status().is_none());
        assert!(without.eq([Topic::BreakGlass]));
    }

    #[test]
    fn a_notice_of_one_thing_is_not_read_as_that_of_another() {
        let used = Notice::of_use(sample(), Time::EPOCH);
        assert!(used.request().is_none() && used.use_id().is_some());
        for topic in Topic::ALL {
            let read = Notice::parse(topic, Time::EPOCH, &used.to_text());
            assert_eq!(read, (topic == Topic::BreakGlass).then(|| used.clone()));
        }
    }
}
