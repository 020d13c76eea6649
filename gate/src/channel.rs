//! Receivers of news: webhooks and chats. Operators alone name them, on the machine of the gate; a
//! caller never chooses an address that the gate connects to.

use log_client::Reach;
use url::Url;
use verifier_core::Time;

use crate::notice::Topic;
use crate::refusal::{Reason, Refusal, Result};
use crate::webhook::Secret;

/// The longest address, in bytes.
const MAX_URL: usize = 2048;

/// Somebody who is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) target: Target,
    /// Never empty.
    pub(crate) topics: Vec<Topic>,
    pub(crate) created: Time,
    pub(crate) disabled: Option<Disabled>,
    /// Of a webhook, the newest first; a chat has none.
    pub(crate) secrets: Vec<Kept>,
}

/// The form of what is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `{"text":…}`, unsigned: the address itself is the secret.
    Chat,
    /// Standard Webhooks.
    Webhook,
}

/// The reason why nothing is sent any more, and its moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Disabled {
    pub(crate) at: Time,
    pub(crate) why: String,
}

/// A secret, and when it ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Kept {
    pub(crate) secret: Secret,
    /// `None` for the one that is not replaced.
    pub(crate) until: Option<Time>,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Webhook => "webhook",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Chat, Self::Webhook]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

impl Channel {
    /// The secrets that sign at this moment.
    pub(crate) fn secrets(&self, now: Time) -> impl Iterator<Item = &Secret> {
        let all = self.secrets.iter();
        all.filter(move |one| one.until.is_none_or(|until| now < until))
            .map(|one| &one.secret)
    }
}

/// An address to send to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    url: String,
    private: bool,
}

impl Target {
    /// Reads an address. Without `private` it has to be `https` and, when there is a connection, one
    /// of the public internet.
    pub(crate) fn parse(text: &str, private: bool) -> Result<Self> {
        let expected = match private {
            true => "an address with http:// or https://, without a user and a fragment",
            false => {
                "an address with https://, without a user and a fragment, on the public internet"
            }
        };
        // The part behind the host is a secret, with chats at least.
        let shown = || verifier_core::quote(text.split('?').next().unwrap_or_default());
        let wrong =
            |detail: &str| Refusal::new(Reason::ChannelAddress, detail).compared(expected, shown());
        let url = Url::parse(text).map_err(|_| wrong("This is no address to send to."))?;
        let scheme = match url.scheme() {
            "https" => true,
            "http" => private,
            _ => false,
        };
        let plain = url.username().is_empty() && url.password().is_none();
        if !scheme || !plain || url.fragment().is_some() || url.as_str().len() > MAX_URL {
            return Err(wrong("Nothing is sent to an address of this form."));
        }
        let target = Self {
            url: url.into(),
            private,
        };
        match target.reach().check(&target.url) {
            Ok(()) => Ok(target),
            Err(error) => Err(wrong(&format!(
                "It {}. Say --allow-private if it is meant.",
                error.why()
            ))),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Scheme, host and port: what may be shown of it.
    pub(crate) fn origin(&self) -> String {
        Url::parse(&self.url)
            .map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }

    pub(crate) const fn is_private(&self) -> bool {
        self.private
    }

    pub(crate) const fn reach(&self) -> Reach {
        match self.private {
            true => Reach::Any,
            false => Reach::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_public_and_https_unless_it_is_said() {
        for url in [
            "http://hooks.example/",
            "http://8.8.8.8/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
            "https://user@hooks.example/",
            "https://:word@hooks.example/",
            "https://hooks.example/#part",
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "hooks.example",
            "",
        ] {
            let refused = Target::parse(url, false).unwrap_err();
            assert_eq!(refused.reason, Reason::ChannelAddress, "{url}");
        }
        for url in ["https://hooks.example/a?b=c", "https://8.8.8.8/"] {
            let target = Target::parse(url, false).unwrap();
            assert_eq!((target.url(), target.reach()), (url, Reach::Public));
        }
        for url in [
            "http://127.0.0.1:8080/a",
            "https://10.0.0.1/",
            "http://hooks.internal/",
        ] {
            assert_eq!(Target::parse(url, true).unwrap().reach(), Reach::Any);
        }
        for url in ["http://user@10.0.0.1/", "unix:/run/socket"] {
            assert!(Target::parse(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn of_an_address_its_origin_is_shown() {
        let target = Target::parse("https://hooks.example/services/SECRET?token=x", false);
        assert_eq!(target.unwrap().origin(), "https://hooks.example");
        let refused = Target::parse("http://hooks.example/?token=SECRET", false).unwrap_err();
        assert!(!format!("{refused:?}").contains("SECRET"), "{refused:?}");
    }
}
