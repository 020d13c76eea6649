//! PostgreSQL's errors, and what they say about a question.

use std::fmt;
use std::time::Duration;

use tokio_postgres::error::SqlState;

/// Why there is no session, or no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The conversation.
    #[error(transparent)]
    Lapse(#[from] Lapse),
    /// The system refuses.
    #[error("{0}")]
    System(String),
    /// A wrong address, or a server that must not be used.
    #[error("{0}")]
    Usage(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// The reason why a question has no answer.
#[derive(Debug)]
#[allow(
    clippy::exhaustive_enums,
    reason = "whoever gets one decides what it means for a change"
)]
pub enum Lapse {
    /// Nothing came within this time. The server may still be at it.
    Deadline(Duration),
    /// The connection was closed, or never came about.
    Lost(String),
    /// The server has said no.
    Refused(Box<tokio_postgres::Error>),
    /// The server has done what it was asked, and warns that it may not last.
    Warned(String),
}

impl Lapse {
    /// Whether another session may do better: this one is of no use any more.
    pub fn is_of_session(&self) -> bool {
        match self {
            Self::Deadline(_) | Self::Lost(_) | Self::Warned(_) => true,
            Self::Refused(error) => error.code().is_none_or(is_of_session),
        }
    }
}

/// Connections, the server's end, a server that does not write (any more), a server that is not
/// there yet. A statement that took too long, or was cancelled, takes as long in another session.
fn is_of_session(code: &SqlState) -> bool {
    let class = code.code().get(..2);
    (matches!(class, Some("08" | "57")) && *code != SqlState::QUERY_CANCELED)
        || [
            &SqlState::READ_ONLY_SQL_TRANSACTION,
            &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(&code)
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(limit) => {
                write!(
                    f,
                    "PostgreSQL has not answered within {} s",
                    limit.as_secs()
                )
            }
            Self::Lost(why) => write!(f, "the connection to PostgreSQL was lost: {why}"),
            Self::Refused(error) => match error.as_db_error() {
                // Its details may quote rows.
                Some(said) => write!(
                    f,
                    "PostgreSQL says: {} ({})",
                    said.message(),
                    said.code().code()
                ),
                None => write!(f, "PostgreSQL: {}", chain(error)),
            },
            Self::Warned(why) => write!(
                f,
                "PostgreSQL has committed here, and perhaps on no standby: {why}"
            ),
        }
    }
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

impl std::error::Error for Lapse {}

impl From<tokio_postgres::Error> for Lapse {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            None if error.is_closed() => Self::Lost(chain(&error)),
            _ => Self::Refused(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_took_too_long_is_no_end_of_a_session() {
        for (code, expected) in [
            ("08006", true),
            ("57P01", true),
            ("57P03", true),
            ("25006", true),
            ("25P03", true),
            ("57014", false),
            ("55P03", false),
            ("23505", false),
        ] {
            assert_eq!(
                is_of_session(&SqlState::from_code(code)),
                expected,
                "{code}"
            );
        }
    }
}
