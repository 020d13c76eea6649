//! Why a command does not do what it was asked.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use log_client::Kind;

use crate::store::{DatabaseError, Trouble};

/// An error for the person at the terminal: what happened, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A witness says that it knows more of this log than there is here, and proves nothing.
    #[error("{0}")]
    Claimed(String),
    /// The database.
    #[error("the database of the log: {0}")]
    Database(DatabaseError),
    /// Damage, found by the start-up checks or by fsck.
    #[error("{0}")]
    Damage(String),
    /// Another process leads the log that this one has led.
    #[error("{0}")]
    Deposed(String),
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Too few witnesses have signed, or said what they know.
    #[error("{0}")]
    Quorum(String),
    /// The log has signed more than there is here, or another history.
    #[error("{0}")]
    Rollback(String),
    /// Anything else that the system refuses.
    #[error("{0}")]
    System(String),
    /// A wrong command line or setting.
    #[error("{0}")]
    Usage(String),
}

impl LogError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::File { path, error }
    }

    pub(crate) fn damage(text: impl Into<String>) -> Self {
        Self::Damage(text.into())
    }

    /// Whether it stays until somebody mends it.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Damage(_) => true,
            Self::Database(error) => error.trouble == Trouble::Damage,
            _ => false,
        }
    }

    /// Whether it is about this log alone, and another one in the process can go on without it.
    pub(crate) fn is_of_log(&self) -> bool {
        self.is_damage() || matches!(self, Self::Claimed(_) | Self::Rollback(_))
    }

    /// Whether a process that leads has to end over it, whatever it is in the middle of.
    pub(crate) fn ends_reign(&self) -> bool {
        matches!(
            self,
            Self::Claimed(_) | Self::Deposed(_) | Self::Rollback(_)
        )
    }

    /// Whether it is about what stands in a file, and not about reaching it.
    pub(crate) fn is_content(&self) -> bool {
        match self {
            Self::Damage(_) => true,
            Self::Database(error) => error.trouble != Trouble::Reach,
            _ => false,
        }
    }

    /// 1 damage or rollback, 2 usage, 5 a file, the database or the system.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Claimed(_) | Self::Damage(_) | Self::Rollback(_) => 1,
            Self::Usage(_) => 2,
            Self::Database(_)
            | Self::Deposed(_)
            | Self::File { .. }
            | Self::Quorum(_)
            | Self::System(_) => 5,
        }
    }
}

impl From<log_client::Error> for LogError {
    fn from(error: log_client::Error) -> Self {
        match error.kind() {
            Kind::Address => Self::Usage(error.to_string()),
            Kind::Mismatch | Kind::Missing => Self::Damage(error.to_string()),
            _ => Self::System(error.to_string()),
        }
    }
}

impl From<&LogError> for ExitCode {
    fn from(failure: &LogError) -> Self {
        Self::from(failure.exit_code())
    }
}

pub(crate) type Result<T> = std::result::Result<T, LogError>;
