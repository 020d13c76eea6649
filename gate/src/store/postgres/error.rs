//! PostgreSQL's errors, as the gate understands them.

use postgres_session::error::{Error, Lapse};

use crate::store::StoreError;

impl From<Lapse> for StoreError {
    fn from(lapse: Lapse) -> Self {
        let code = match &lapse {
            Lapse::Refused(error) => error.code().map(|code| code.code().to_owned()),
            Lapse::Deadline(_) | Lapse::Lost(_) | Lapse::Warned(_) => None,
        };
        // Of the server itself, such as a page that cannot be right
        match code.is_some_and(|code| code.starts_with("XX")) {
            true => Self::Damaged(lapse.to_string()),
            false => Self::Reach(lapse.to_string()),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Lapse(lapse) => lapse.into(),
            Error::Usage(text) => Self::Usage(text),
            error => Self::Reach(error.to_string()),
        }
    }
}
