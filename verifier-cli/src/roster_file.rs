//! The roster's file that a command is given, beside the policy that it is for.

use std::path::Path;

use verifier_core::roster::{self, Roster};
use verifier_core::{HeaderChain, Policy, Request, Time};

use crate::failure::CliError;
use crate::file;
use crate::verify::CRYPTO;

/// Reads a roster's file and verifies it. The caller says that it does not hold: a report has a
/// code for it.
pub(crate) fn load(
    path: &Path,
    policy: Option<&Policy>,
    headers: Option<&HeaderChain<'_>>,
    at: Option<Time>,
) -> Result<Result<Roster, roster::Error>, CliError> {
    let policy = named(policy)?;
    let bytes = file::read_whole(path, Roster::MAX_BYTES)?;
    Ok(verify(&bytes, policy, headers, at))
}

/// The same for bytes that have been read.
pub(crate) fn parse(
    bytes: &[u8],
    policy: &Policy,
    headers: Option<&HeaderChain<'_>>,
) -> Result<Result<Roster, roster::Error>, CliError> {
    Ok(verify(bytes, named(Some(policy))?, headers, None))
}

/// The policy, if it names a roster.
fn named(policy: Option<&Policy>) -> Result<&Policy, CliError> {
    policy
        .filter(|policy| policy.roster().is_some())
        .ok_or_else(|| {
            let message = "a roster's file was given, and no policy that names a roster.";
            let next = "Give a policy with a [roster]; without one no roster's file is needed.";
            CliError::usage(message).next(next)
        })
}

fn verify(
    bytes: &[u8],
    policy: &Policy,
    headers: Option<&HeaderChain<'_>>,
    at: Option<Time>,
) -> Result<Roster, roster::Error> {
    let mut request = Request::new().policy(policy).crypto(&CRYPTO);
    request.headers = headers;
    request.at = at;
    Roster::verify(bytes, &request)
}
