//! News of a request, for others: that something has happened, never what was asked.
//!
//! ```text
//! {"data":{"action":…,"claimBy":time|null,"claimedAt":time|null,"createdAt":time,
//!          "decidedAt":time|null,"expiresAt":time,"id":uuid,"payloadHash":hex,"status":…,"url":…},
//!  "timestamp":time,"type":"request.created"}
//! ```
//!
//! The payload is in none of it, and neither is anything that decides: whoever gets a notice opens
//! the page, or asks the gate.

use serving::openapi::schema::object;
use verifier_core::Time;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::time::for_people;

use crate::request::{Request, Status};
use crate::site::Site;

/// The longest facts, in bytes.
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
}

impl Topic {
    pub(crate) const ALL: [Self; 6] = [
        Self::Created,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Claimed,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "request.created",
            Self::Approved => "request.approved",
            Self::Rejected => "request.rejected",
            Self::Expired => "request.expired",
            Self::Cancelled => "request.cancelled",
            Self::Claimed => "request.claimed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Where a request stands, to everybody outside, at the moment of the event.
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::Created => Status::Pending,
            Self::Approved | Self::Claimed => Status::Approved,
            Self::Rejected => Status::Rejected,
            Self::Expired => Status::Expired,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// The state in words, for people.
    const fn words(self) -> &'static str {
        match self {
            Self::Created => "waits for a decision",
            Self::Approved => "is approved",
            Self::Rejected => "is refused",
            Self::Expired => "has expired",
            Self::Cancelled => "is cancelled",
            Self::Claimed => "is approved and claimed",
        }
    }
}

/// One piece of news about a request, as it stood when that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Notice {
    pub(crate) topic: Topic,
    pub(crate) at: Time,
    pub(crate) request: String,
    action: String,
    payload_hash: [u8; 32],
    created: Time,
    pub(crate) expires: Time,
    decided: Option<Time>,
    claim_by: Option<Time>,
    claimed: Option<Time>,
}

impl Notice {
    pub(crate) fn of(topic: Topic, request: &Request, at: Time) -> Self {
        Self {
            topic,
            at,
            request: request.id.clone(),
            action: request.action.clone(),
            payload_hash: request.payload_hash,
            created: request.created,
            expires: request.expires,
            decided: request.decided,
            claim_by: request.claim_by,
            claimed: request.claim.as_ref().map(|claim| claim.at),
        }
    }

    /// As it is kept until it is delivered.
    pub(crate) fn to_text(&self) -> String {
        object(self.facts()).to_text()
    }

    /// Reads what [`Notice::to_text`] wrote.
    pub(crate) fn parse(topic: Topic, at: Time, text: &str) -> Option<Self> {
        let value = Value::parse(text.as_bytes(), Limits::bytes(MAX_FACTS)).ok()?;
        Self::read(topic, at, &value).ok()
    }

    fn read(topic: Topic, at: Time, value: &Value<'_>) -> Result<Self, schema::Error> {
        let members = Members::of(value)?;
        let optional = |key: &str| match members.value(key)? {
            Value::Null => Ok(None),
            _ => members.time(key).map(Some),
        };
        Ok(Self {
            topic,
            at,
            request: members.text("id")?.to_owned(),
            action: members.text("action")?.to_owned(),
            payload_hash: members.hash("payloadHash")?,
            created: members.time("createdAt")?,
            expires: members.time("expiresAt")?,
            decided: optional("decidedAt")?,
            claim_by: optional("claimBy")?,
            claimed: optional("claimedAt")?,
        })
    }

    /// The body of a webhook.
    pub(crate) fn event(&self, site: &Site) -> String {
        let status = ("status", self.topic.status().as_str().into());
        let url = ("url", site.page(&self.request).into());
        let data = object(self.facts().into_iter().chain([status, url]));
        Value::from([
            ("data", data),
            ("timestamp", self.at.to_string().into()),
            ("type", self.topic.as_str().into()),
        ])
        .to_text()
    }

    /// The body for a chat.
    pub(crate) fn chat(&self, site: &Site) -> String {
        let until = match self.topic {
            Topic::Created => format!(" (until {})", for_people(self.expires)),
            _ => String::new(),
        };
        let text = format!(
            "`{}` {}: {}{until}",
            self.label(),
            self.topic.words(),
            site.page(&self.request)
        );
        Value::from([("text", Value::from(text))]).to_text()
    }

    /// The subject and the text of a mail to somebody who is asked.
    pub(crate) fn mail(&self, site: &Site) -> (String, String) {
        let subject = format!("{}: {} waits for your decision", site.name, self.label());
        let text = format!(
            "You are asked to decide about: {}\n\
             Until: {}\n\n\
             {}\n\n\
             The name of the action is the requester's. The page shows what you\n\
             would sign: read it there. This mail decides nothing, and neither\n\
             does an answer to it.\n",
            self.label(),
            for_people(self.expires),
            site.page(&self.request),
        );
        (subject, text)
    }

    fn facts(&self) -> [(&'static str, Value<'_>); 8] {
        [
            ("action", self.action.as_str().into()),
            ("claimBy", time(self.claim_by)),
            ("claimedAt", time(self.claimed)),
            ("createdAt", self.created.to_string().into()),
            ("decidedAt", time(self.decided)),
            ("expiresAt", self.expires.to_string().into()),
            ("id", self.request.as_str().into()),
            ("payloadHash", hex(&self.payload_hash).into()),
        ]
    }

    /// The action, which the requester chose, as it can stand in a text of somebody else's: letters,
    /// digits and a few signs, so that no chat takes it for a link, a mention or a format.
    fn label(&self) -> String {
        let plain = |c: char| match c {
            '.' | '_' | '-' | ' ' => c,
            c if c.is_alphanumeric() => c,
            _ => '?',
        };
        self.action.chars().map(plain).collect()
    }
}

fn time(time: Option<Time>) -> Value<'static> {
    time.map(|time| time.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Limits;

    fn site() -> Site {
        Site {
            origin: "https://gate.example.com".into(),
            rp_id: "gate.example.com".into(),
            audience: "gate.example.com".into(),
            name: "Cosignet".into(),
            limits: Limits {
                of_key: 1,
                of_person: 1,
            },
        }
    }

    fn notice(action: &str) -> Notice {
        Notice {
            topic: Topic::Created,
            at: Time::from_seconds(1_800_000_000).unwrap(),
            request: "5534d6f2-c643-4355-8548-73af4b8540f2".into(),
            action: action.into(),
            payload_hash: [7; 32],
            created: Time::from_seconds(1_800_000_000).unwrap(),
            expires: Time::from_seconds(1_800_000_600).unwrap(),
            decided: None,
            claim_by: None,
            claimed: None,
        }
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let mut notice = notice("payment.send");
        for decided in [None, Some(Time::EPOCH)] {
            notice.decided = decided;
            notice.claimed = decided;
            let read = Notice::parse(notice.topic, notice.at, &notice.to_text());
            assert_eq!(read, Some(notice.clone()));
        }
        assert_eq!(Notice::parse(notice.topic, notice.at, "{}"), None);
    }

    #[test]
    fn an_event_says_what_happened() {
        assert_eq!(
            notice("payment.send").event(&site()),
            "{\"data\":{\"action\":\"payment.send\",\"claimBy\":null,\"claimedAt\":null,\
             \"createdAt\":\"2027-01-15T08:00:00.000Z\",\"decidedAt\":null,\
             \"expiresAt\":\"2027-01-15T08:10:00.000Z\",\
             \"id\":\"5534d6f2-c643-4355-8548-73af4b8540f2\",\
             \"payloadHash\":\"0707070707070707070707070707070707070707070707070707070707070707\",\
             \"status\":\"pending\",\
             \"url\":\"https://gate.example.com/a/5534d6f2-c643-4355-8548-73af4b8540f2\"},\
             \"timestamp\":\"2027-01-15T08:00:00.000Z\",\"type\":\"request.created\"}"
        );
    }

    #[test]
    fn an_action_is_no_link_no_mention_and_no_format() {
        let chat = |action: &str| notice(action).chat(&site());
        assert_eq!(
            chat("payment.send"),
            "{\"text\":\"`payment.send` waits for a decision: https://gate.example.com/a/\
             5534d6f2-c643-4355-8548-73af4b8540f2 (until 2027-01-15 08:10:00Z)\"}"
        );
        for action in [
            "`<!channel>",
            "<https://evil.example|approved>",
            "*[ok](https://evil.example)*",
            "@all #general",
            "a\"b\\c",
        ] {
            let said = chat(action);
            let label = said.split('`').nth(1).unwrap().to_owned();
            assert_eq!(label.chars().count(), action.chars().count(), "{said}");
            let bad = |c: char| "`<>|*[]()@#\"\\:/!".contains(c);
            assert!(!label.contains(bad), "{said}");
        }
        let (subject, text) = notice("a<b>").mail(&site());
        assert_eq!(subject, "Cosignet: a?b? waits for your decision");
        assert!(
            text.contains("https://gate.example.com/a/5534d6f2"),
            "{text}"
        );
    }
}
