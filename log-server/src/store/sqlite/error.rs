//! SQLite's errors, as the log understands them.

use rusqlite::ErrorCode;

use crate::error::LogError;
use crate::store::{DatabaseError, Trouble};

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> Self {
        let trouble = match error.sqlite_error_code() {
            Some(
                ErrorCode::ConstraintViolation
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase,
            ) => Trouble::Damage,
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => Trouble::Reach,
            _ => Trouble::Content,
        };
        Self::Database(DatabaseError {
            trouble,
            error: Box::new(error),
        })
    }
}
