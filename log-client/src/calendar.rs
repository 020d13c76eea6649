//! OpenTimestamps calendars.
//!
//! ```text
//! POST <calendar>/digest            the digest, 32 bytes    → a branch that ends in a promise
//! GET  <calendar>/timestamp/<hex>   the promised message    → a branch that ends in a block
//!                                                             404: not yet
//! ```
//!
//! An answer is evaluated before it is used. It may lead to other things besides: those are kept
//! as they are, trusted by nobody, and no address in them is followed but those that the caller
//! has named.

use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch};
use verifier_core::hazmat::encoding::hex;
use verifier_core::quote;

use crate::blocking::Client;
use crate::error::{Error, Kind, Result};
use crate::http::shown;

/// The media type of answers.
const MEDIA_TYPE: &str = "application/vnd.opentimestamps.v1, */*;q=0.1";

/// The longest answer, in bytes: as much as the stock client reads.
const MAX_ANSWER: usize = 10_000;

/// Has a digest stamped: a branch that ends in a promise of at least one of the `known` calendars.
///
/// # Errors
///
/// The calendar cannot be reached, or its answer is no such branch.
pub fn stamp(
    client: &Client,
    calendar: &str,
    digest: &[u8; 32],
    known: &[String],
) -> Result<Branch> {
    let url = format!("{calendar}/digest");
    let kind = "application/octet-stream";
    let answer = client.post(&url, kind, Vec::from(digest), MAX_ANSWER)?;
    let answer = match answer.status {
        200 => answer.body,
        _ => return Err(answer.refused(&url)),
    };
    let branch = evaluate(calendar, digest, &answer)?;
    let promised =
        |one: &Attestation| matches!(one, Attestation::Pending { uri, .. } if known.contains(uri));
    if branch.attestations().iter().any(promised) {
        return Ok(branch);
    }
    let other = branch.attestations().iter().find_map(|one| match one {
        Attestation::Pending { uri, .. } => Some(quote(uri)),
        _ => None,
    });
    Err(no_use(
        calendar,
        &match other {
            Some(uri) => format!("refers to a calendar that is not configured, {uri}"),
            None => "promises no block".into(),
        },
    ))
}

/// Asks for the block of a promised message: a branch that leads to at least one. `None`: not yet.
///
/// # Errors
///
/// The calendar cannot be reached, or its answer is no such branch.
pub fn block(client: &Client, calendar: &str, message: &[u8]) -> Result<Option<Branch>> {
    let url = format!("{calendar}/timestamp/{}", hex(message));
    let Some(answer) = client.get_as(&url, MEDIA_TYPE, MAX_ANSWER)? else {
        return Ok(None);
    };
    let branch = evaluate(calendar, message, &answer)?;
    let block = |one: &Attestation| matches!(one, Attestation::Bitcoin { .. });
    match branch.attestations().iter().any(block) {
        true => Ok(Some(branch)),
        false => Err(no_use(calendar, "does not lead to a Bitcoin block")),
    }
}

fn evaluate(calendar: &str, message: &[u8], answer: &[u8]) -> Result<Branch> {
    let branch = Branch::parse(message, answer).map_err(|error| {
        let why = format!("gave an answer that is of no use: {error}");
        Error::new(Kind::Answer, shown(calendar), why)
    })?;
    match branch.is_plain() {
        true => Ok(branch),
        false => Err(no_use(calendar, "uses operations that no calendar needs")),
    }
}

fn no_use(calendar: &str, why: &str) -> Error {
    let why = format!("gave an answer that {why}");
    Error::new(Kind::Answer, shown(calendar), why)
}
