//! Why a server was of no use.

use std::time::Duration;

/// A [`std::result::Result`] with the errors of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The part of a failure that is about the server, which decides what the caller may conclude.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// The text is not an address that can be asked.
    Address,
    /// An answer that no server of this kind gives: in a form that was not asked for, or not what
    /// it should be.
    Answer,
    /// An answer longer than any that is of use. It was not read to its end.
    Limit,
    /// Served in another form than the signed head calls for.
    Mismatch,
    /// Not served, although the signed head needs it.
    Missing,
    /// A status other than those that the question allows for.
    Status(u16),
    /// No answer, or not all of it, within the time.
    Timeout,
    /// No connection, or one that broke.
    Unreachable,
}

/// An act of a server, or its absence. Displayed as one sentence about it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{subject} {why}.")]
pub struct Error {
    kind: Kind,
    subject: String,
    why: String,
    expected: Option<String>,
    next: Option<String>,
}

impl Error {
    /// An error about `subject`, an address that may be shown, which `why` says something of:
    /// together they are a sentence without its full stop.
    pub fn new(kind: Kind, subject: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            subject: subject.into(),
            why: why.into(),
            expected: None,
            next: None,
        }
    }

    /// No answer, or not all of it, within the time.
    pub(crate) fn timeout(subject: impl Into<String>, within: Duration) -> Self {
        let why = format!("does not answer within {} s", within.as_secs_f64());
        Self::new(Kind::Timeout, subject, why)
    }

    #[must_use]
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The kind of this failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A sentence about the server, without its address: "answered 503 …".
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The content that should have been there, if that helps.
    pub fn to_expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// The next step of the reader, if it is more than trying again.
    pub fn to_next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Whether asking again a little later may help.
    pub fn is_passing(&self) -> bool {
        match self.kind {
            Kind::Timeout | Kind::Unreachable => true,
            Kind::Status(status) => status == 429 || status >= 500,
            _ => false,
        }
    }
}
