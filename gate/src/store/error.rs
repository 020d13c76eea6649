//! Trouble of a store.

/// Why a store cannot do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What it keeps is not what was written.
    #[error("the database of the gate is damaged: {0}")]
    Damaged(String),
    /// It cannot be reached, or is full.
    #[error("the database of the gate: {0}")]
    Reach(String),
    /// It must not be used, or there is none.
    #[error("{0}")]
    Usage(String),
    /// It was made by another version.
    #[error("the database of the gate has schema {found}, and this version knows {known}")]
    Version {
        /// What is there.
        found: i64,
        /// What this program reads.
        known: i64,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Reach(error.to_string()),
        }
    }
}
