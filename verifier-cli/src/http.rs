//! The client of this program, and its failures as those of the command line.

use std::time::Duration;

use log_client::{Client, Error, Kind};

use crate::code::CliCode;
use crate::failure::CliError;

/// For all of one answer, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn client() -> Result<Client, CliError> {
    client_with(TIMEOUT)
}

/// A client that waits this long for all of one answer.
pub(crate) fn client_with(timeout: Duration) -> Result<Client, CliError> {
    let agent = concat!("cosignet/", env!("CARGO_PKG_VERSION"));
    Ok(Client::new(agent, timeout)?)
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            Kind::Address => CliCode::Usage,
            Kind::Mismatch => CliCode::ServedMismatch,
            Kind::Missing => CliCode::ServedMissing,
            _ => CliCode::IoUnreachable,
        };
        let mut own = Self::new(code, error.to_string());
        if let Some(expected) = error.to_expected() {
            own = own.expected(expected);
        }
        match error.to_next() {
            Some(next) => own.next(next),
            None => own,
        }
    }
}
