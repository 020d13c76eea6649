//! Why a request takes no effect: a stable code, and a text for people. Which HTTP status that is,
//! the HTTP side alone knows.

use verifier_core::Code;
use verifier_core::break_glass;
use verifier_core::hazmat::webauthn::{assertion, cose_key, credential};
use verifier_core::hazmat::{context, entry, payload, schema};

use crate::error::LogError;
use crate::store::Closing;

/// A request that takes no effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) expected: Option<String>,
    pub(crate) found: Option<String>,
    /// The address of the log that takes it instead.
    pub(crate) successor: Option<Box<str>>,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    /// This assertion is in the log under another approval id.
    AssertionReused,
    /// The log takes no new entries any more.
    Closed,
    /// This approval id is in the log with another entry.
    Conflict,
    /// A file of the log cannot be used.
    Damaged,
    /// The decision is too old, or in the future.
    DecidedAt,
    /// The database went back behind what the log has signed, and nobody leads it any more.
    Frozen,
    /// Not accepted, because what was accepted before has waited too long for its publication.
    HeldBack,
    /// An error of the log's own. Nobody can say whether the request took effect.
    Internal,
    /// Not JSON.
    NotJson,
    /// Sent on to a process that does not lead.
    NotLeading,
    /// Committed, and not yet covered by a published checkpoint.
    NotPublished,
    /// Too many requests are waiting.
    Overloaded,
    /// A log before this one is still open, or cannot be read: nobody knows what is in it.
    Predecessor,
    /// Not the members that the request should have.
    Schema,
    /// Larger than the log takes.
    TooLarge,
    /// No such approval.
    Unknown,
    /// A verifier would reject the approval with this code, or call it malformed.
    Verifier(Code),
}

impl Reason {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::AssertionReused => "entry.assertion_reused",
            Self::Closed => "log.closed",
            Self::Conflict => "entry.conflict",
            Self::Damaged => "log.damaged",
            Self::DecidedAt => "entry.decided_at",
            Self::Frozen => "log.frozen",
            Self::HeldBack => "log.held_back",
            Self::Internal => "log.error",
            Self::NotJson => "request.not_json",
            Self::NotLeading => "log.not_leading",
            Self::NotPublished => "log.not_published",
            Self::Overloaded => "log.overloaded",
            Self::Predecessor => "log.predecessor",
            Self::Schema => "request.schema",
            Self::TooLarge => "request.too_large",
            Self::Unknown => "entry.unknown",
            Self::Verifier(code) => code.as_str(),
        }
    }
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            expected: None,
            found: None,
            successor: None,
        }
    }

    /// Refuses an approval that a verifier would reject later, with the verifier's code.
    pub(crate) fn rejected(code: Code, detail: impl Into<String>) -> Self {
        Self::new(Reason::Verifier(code), detail)
    }

    pub(crate) fn unknown_approval() -> Self {
        Self::new(Reason::Unknown, "This log has no such approval.")
    }

    /// Committed, and not yet covered by a published checkpoint.
    pub(crate) fn not_published() -> Self {
        let detail = "The log cannot publish at the moment. What it has accepted is kept: repeat \
                      the same request later.";
        Self::new(Reason::NotPublished, detail)
    }

    pub(crate) fn not_leading() -> Self {
        let detail = "This member of the log does not lead, and a member has sent the request here: \
                      ask the one that leads.";
        Self::new(Reason::NotLeading, detail)
    }

    pub(crate) fn closed(closing: &Closing) -> Self {
        let mut detail = format!(
            "This log is closed since {}: it takes no new entries.",
            closing.at
        );
        if let Some(successor) = &closing.successor {
            detail += &format!(" Its successor is {successor}");
        }
        Self {
            successor: closing.successor.as_deref().map(Into::into),
            ..Self::new(Reason::Closed, detail)
        }
    }

    pub(crate) fn frozen(why: &str) -> Self {
        Self::new(Reason::Frozen, why)
    }

    pub(crate) fn held_back() -> Self {
        let detail = "For more than a minute the log has been unable to publish what it has \
                      accepted, and it accepts nothing new until it can. Repeat the same request \
                      later.";
        Self::new(Reason::HeldBack, detail)
    }

    pub(crate) fn overloaded() -> Self {
        Self::new(Reason::Overloaded, "Too many requests are waiting.")
    }

    pub(crate) fn internal() -> Self {
        let detail = "The log met an error of its own. Nobody can say whether the request took \
                      effect: repeat it.";
        Self::new(Reason::Internal, detail)
    }

    pub(crate) fn compared(
        mut self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        self.expected = Some(expected.into());
        self.found = Some(found.into());
        self
    }

    fn of(error: &dyn verifier_core::Failure) -> Self {
        Self {
            expected: error.expected(),
            found: error.found(),
            ..Self::rejected(error.code(), error.to_string())
        }
    }
}

macro_rules! from_core {
    ($($error:ty),+) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::of(&error)
            }
        })+
    };
}

from_core!(
    assertion::Error,
    break_glass::Error,
    context::Error,
    cose_key::Error,
    credential::Error,
    entry::Error,
    payload::ChallengeError
);

impl From<schema::Error> for Refusal {
    fn from(error: schema::Error) -> Self {
        Self::new(Reason::Schema, error.to_string())
    }
}

impl From<LogError> for Refusal {
    fn from(failure: LogError) -> Self {
        if let LogError::Rollback(why) = failure {
            return Self::frozen(&why);
        }
        tracing::error!(%failure, "request failed");
        Self::internal()
    }
}
