//! The client of this program.

use std::time::Duration;

use log_client::Client;

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
