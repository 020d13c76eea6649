//! The lines of the public checkpoint: that of the log to the letter, and those of witnesses as far
//! as they are known.

use std::path::Path;

use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::Findings;
use crate::cosign;
use crate::error::Result;
use crate::key::LogKey;

/// Checks the line of the log, and the cosignatures.
pub(super) fn check(
    text: &str,
    key: &LogKey,
    policy: Option<&Path>,
    (size, root): (u64, Hash),
    findings: &mut Findings,
) -> Result<()> {
    let own = key.sign(size, root)?;
    if !text.starts_with(&own) {
        findings.add("checkpoint: it is not in the form that this log writes");
    }
    quorum(text, key.public(), policy, size, findings)
}

/// Checks the cosignatures.
pub(super) fn quorum(
    text: &str,
    key: &VerifierKey,
    policy: Option<&Path>,
    size: u64,
    findings: &mut Findings,
) -> Result<()> {
    let Some(path) = policy else {
        return Ok(());
    };
    let policy = cosign::policy_of_readers(path, key)?;
    let signed = SignedCheckpoint::parse(text).map_err(|error| error.to_string());
    let quorum = signed.and_then(|signed| cosign::require_quorum(&policy, &signed));
    if let Err(error) = quorum
        && size > 0
    {
        findings.add(format!("checkpoint: {error}"));
    }
    Ok(())
}
