//! `--check-log`: is there a cosignature of this witness on more than it remembers?

use std::time::Duration;

use command_line::{CliCode, CliError};
use log_client::Client;
use verifier_core::AwsLc;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::quote;

use crate::ledger::Witness;

/// For all of one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Compares what the witness remembers with the checkpoint at `url`. Only its own cosignature
/// counts: what a log says without it binds nobody here.
pub(crate) fn check(url: &str, witness: &Witness) -> Result<(), CliError> {
    let url = format!("{}/checkpoint", url.trim_end_matches('/'));
    let body = client()?.get(&url, Note::MAX_BYTES)?;
    let wrong = |what: &str| {
        let message = format!("{url} has no checkpoint to compare with: {what}.");
        CliError::new(CliCode::IoUnreachable, message)
    };
    let body = body.ok_or_else(|| wrong("there is nothing at this address"))?;
    let text = String::from_utf8(body).map_err(|_| wrong("it is not text"))?;
    let signed = SignedCheckpoint::parse(&text).map_err(|error| wrong(&error.to_string()))?;
    let theirs = signed.checkpoint();
    let origin = theirs.origin();
    let Some((size, root)) = witness.remembers(origin) else {
        let message = format!(
            "{url} is the log {}, which the policy does not list.",
            quote(origin)
        );
        return Err(CliError::usage(message));
    };
    let own = std::slice::from_ref(witness.vkey());
    if signed.note().verify(&AwsLc, own).is_err() {
        tracing::warn!(%url, origin, "no cosignature of this witness there: nothing to compare with");
        return Ok(());
    }
    if theirs.size() > size || (theirs.size() == size && theirs.root() != root) {
        let message = format!("{url} shows what this witness has cosigned and does not remember.");
        return Err(CliError::new(CliCode::WitnessRolledBack, message)
            .expected(format!("size {size} or less"))
            .found(format!("size {}", theirs.size())));
    }
    tracing::info!(%url, origin, theirs = theirs.size(), ours = size, "checked");
    Ok(())
}

fn client() -> Result<Client, CliError> {
    let agent = concat!("cosignet-witness/", env!("CARGO_PKG_VERSION"));
    Ok(Client::new(agent, TIMEOUT)?)
}
