//! PostgreSQL's errors, as the log understands them.

use postgres_session::error::Error;
pub(super) use postgres_session::error::Lapse;

use crate::error::LogError;
use crate::store::{DatabaseError, Trouble};

fn trouble(lapse: &Lapse) -> Trouble {
    let Lapse::Refused(error) = lapse else {
        return Trouble::Reach;
    };
    let Some(code) = error.code() else {
        return Trouble::Reach;
    };
    match code.code().get(..2) {
        // Of constraints; of the server itself, such as a page that cannot be right
        Some("23" | "XX") => Trouble::Damage,
        // Of data and of names
        Some("21" | "22" | "42") => Trouble::Content,
        _ => Trouble::Reach,
    }
}

impl From<Lapse> for LogError {
    fn from(lapse: Lapse) -> Self {
        Self::Database(DatabaseError {
            trouble: trouble(&lapse),
            error: Box::new(lapse),
        })
    }
}

impl From<Error> for LogError {
    fn from(error: Error) -> Self {
        match error {
            Error::Lapse(lapse) => lapse.into(),
            Error::Usage(text) => Self::Usage(text),
            error => Self::System(error.to_string()),
        }
    }
}
