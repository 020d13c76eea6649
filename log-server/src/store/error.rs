//! The trouble with a database, whichever it is.

use std::fmt;

/// The conclusion from an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    /// Something in the database is wrong, and stays so until somebody mends it.
    Damage,
    /// A question made no sense to the database, which may be because of what is in it.
    Content,
    /// The database cannot be reached, is busy, or has no room: at another time it may work.
    Reach,
}

/// An error of a database.
#[derive(Debug)]
pub struct DatabaseError {
    pub(crate) trouble: Trouble,
    pub(crate) error: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for DatabaseError {}
