//! News of a request.
//!
//! ```text
//! {"action":…,"claimBy":time|null,"claimedAt":time|null,"createdAt":time,"decidedAt":time|null,
//!  "expiresAt":time,"id":uuid,"payloadHash":hex,"status":…,"url":…}
//! ```

use serving::openapi::schema::object;
use verifier_core::Time;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::time::for_people;

use super::{Topic, label, nullable};
use crate::request::{Request, Status};
use crate::site::Site;

/// A request, as it stood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asked {
    pub(super) id: String,
    action: String,
    payload_hash: [u8; 32],
    created: Time,
    expires: Time,
    decided: Option<Time>,
    claim_by: Option<Time>,
    claimed: Option<Time>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            id: request.id.clone(),
            action: request.action.clone(),
            payload_hash: request.payload_hash,
            created: request.created,
            expires: request.expires,
            decided: request.decided,
            claim_by: request.claim_by,
            claimed: request.claim.as_ref().map(|claim| claim.at),
        }
    }

    pub(super) fn to_text(&self) -> String {
        object(self.facts()).to_text()
    }

    pub(super) fn read(members: &Members<'_, '_>) -> Result<Self, schema::Error> {
        let optional = |key: &str| nullable(members, key, || members.time(key));
        Ok(Self {
            id: members.text("id")?.to_owned(),
            action: members.text("action")?.to_owned(),
            payload_hash: members.hash("payloadHash")?,
            created: members.time("createdAt")?,
            expires: members.time("expiresAt")?,
            decided: optional("decidedAt")?,
            claim_by: optional("claimBy")?,
            claimed: optional("claimedAt")?,
        })
    }

    /// The member `data` of a webhook's body.
    pub(super) fn data(&self, topic: Topic, site: &Site) -> Value<'_> {
        let status = topic.status().map(Status::as_str);
        let url = ("url", site.page(&self.id).into());
        let more = [("status", status.into()), url];
        object(self.facts().into_iter().chain(more))
    }

    /// The text for a chat.
    pub(super) fn chat(&self, topic: Topic, site: &Site) -> String {
        let until = match topic {
            Topic::Created => format!(" (until {})", for_people(self.expires)),
            _ => String::new(),
        };
        format!(
            "`{}` {}: {}{until}",
            label(&self.action),
            words(topic),
            site.page(&self.id)
        )
    }

    /// The subject and the text of a mail to somebody who is asked.
    pub(super) fn mail(&self, site: &Site) -> (String, String) {
        let action = label(&self.action);
        let subject = format!("{}: {action} waits for your decision", site.name);
        let text = format!(
            "You are asked to decide about: {action}\n\
             Until: {}\n\n\
             {}\n\n\
             The name of the action is the requester's. The page shows what you\n\
             would sign: read it there. This mail decides nothing, and neither\n\
             does an answer to it.\n",
            for_people(self.expires),
            site.page(&self.id),
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
            ("id", self.id.as_str().into()),
            ("payloadHash", hex(&self.payload_hash).into()),
        ]
    }
}

/// The state of a request in words, for people.
const fn words(topic: Topic) -> &'static str {
    match topic {
        Topic::Created => "waits for a decision",
        Topic::Approved => "is approved",
        Topic::Rejected => "is refused",
        Topic::Expired => "has expired",
        Topic::Cancelled => "is cancelled",
        Topic::Claimed => "is approved and claimed",
        Topic::BreakGlass => "was done without an approval",
    }
}

fn time(time: Option<Time>) -> Value<'static> {
    time.map(|time| time.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::super::{About, Notice};
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

    fn asked(action: &str) -> Asked {
        Asked {
            id: "5534d6f2-c643-4355-8548-73af4b8540f2".into(),
            action: action.into(),
            payload_hash: [7; 32],
            created: Time::from_seconds(1_800_000_000).unwrap(),
            expires: Time::from_seconds(1_800_000_600).unwrap(),
            decided: None,
            claim_by: None,
            claimed: None,
        }
    }

    fn notice(action: &str) -> Notice {
        of(asked(action))
    }

    fn of(asked: Asked) -> Notice {
        Notice {
            topic: Topic::Created,
            at: Time::from_seconds(1_800_000_000).unwrap(),
            about: About::Request(asked),
        }
    }

    #[test]
    fn what_is_kept_is_read_back() {
        for decided in [None, Some(Time::EPOCH)] {
            let mut asked = asked("payment.send");
            asked.decided = decided;
            asked.claimed = decided;
            let notice = of(asked);
            let read = Notice::parse(notice.topic, notice.at, &notice.to_text());
            assert_eq!(read, Some(notice));
        }
        assert_eq!(Notice::parse(Topic::Created, Time::EPOCH, "{}"), None);
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
