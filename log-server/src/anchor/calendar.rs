//! What is asked of calendars.
//!
//! ```text
//! POST <calendar>/digest            the digest, 32 bytes    → a branch that ends in a promise
//! GET  <calendar>/timestamp/<hex>   the promised message    → a branch that ends in a block
//!                                                             404: not yet
//! ```
//!
//! Nothing that a calendar says is trusted: an answer is evaluated before it is used, it may use
//! no operations but the three that calendars need, and no address in it is followed but those
//! that the operator has named.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::redirect::Policy;
use verifier_core::bitcoin::ots::{Attestation, Branch};
use verifier_core::encoding::hex;
use verifier_core::quote;

use crate::failure::{Failure, Result};

/// For all of one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// To be reached at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer, in bytes: what the stock client reads.
const LONGEST: usize = 10_000;

/// Why a server was of no use.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Fault(pub(super) String);

/// A client for calendars and header sources.
#[derive(Debug)]
pub(super) struct Http(Client);

impl Http {
    pub(super) fn new() -> Result<Self> {
        Client::builder()
            .user_agent(concat!("cosignet-log/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // Whom we talk to is what the operator said, not what a server says.
            .redirect(Policy::none())
            .build()
            .map(Self)
            .map_err(|error| Failure::System(format!("no HTTP client: {error}")))
    }

    /// Has a digest stamped: a branch that ends in promises of known calendars, and nothing else.
    pub(super) fn stamp(
        &self,
        calendar: &str,
        digest: &[u8; 32],
        known: &[String],
    ) -> std::result::Result<Branch, Fault> {
        let request = self.0.post(format!("{calendar}/digest"));
        let request = request.body(digest.to_vec());
        let answer = self.send(request)?.ok_or_else(|| not_found("/digest"))?;
        let branch = evaluate(digest, &answer)?;
        for attestation in branch.attestations() {
            match attestation {
                Attestation::Pending { uri, .. } if known.contains(uri) => {}
                Attestation::Pending { uri, .. } => {
                    let uri = quote(uri);
                    return Err(Fault(format!(
                        "it refers to a calendar not configured, {uri}"
                    )));
                }
                _ => return Err(Fault("it promises something other than a block".into())),
            }
        }
        Ok(branch)
    }

    /// Asks for the block of a promised message. `None`: not yet.
    pub(super) fn block(
        &self,
        calendar: &str,
        message: &[u8],
    ) -> std::result::Result<Option<Branch>, Fault> {
        let url = format!("{calendar}/timestamp/{}", hex(message));
        let Some(answer) = self.send(self.0.get(url))? else {
            return Ok(None);
        };
        let branch = evaluate(message, &answer)?;
        let block = |one: &Attestation| matches!(one, Attestation::Bitcoin { .. });
        match branch.attestations().iter().all(block) {
            true => Ok(Some(branch)),
            false => Err(Fault("its answer does not lead to Bitcoin blocks".into())),
        }
    }

    /// The body of a plain answer; `None` if there is nothing at that address.
    pub(super) fn get(&self, url: &str) -> std::result::Result<Option<Vec<u8>>, Fault> {
        self.send(self.0.get(url))
    }

    fn send(&self, request: RequestBuilder) -> std::result::Result<Option<Vec<u8>>, Fault> {
        let request = request.header("accept", "application/vnd.opentimestamps.v1, */*;q=0.1");
        let answer = request.send().map_err(|error| unreachable(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(Fault(format!("it answers {status}"))),
        }
        let read = crate::answer::read(answer, LONGEST, TIMEOUT);
        let body = read.map_err(|error| unreachable(&error))?;
        if body.len() > LONGEST {
            return Err(Fault(format!("its answer has more than {LONGEST} bytes")));
        }
        Ok(Some(body))
    }
}

fn evaluate(message: &[u8], answer: &[u8]) -> std::result::Result<Branch, Fault> {
    let branch = Branch::parse(message, answer).map_err(|error| Fault(error.to_string()))?;
    match branch.is_plain() {
        true => Ok(branch),
        false => Err(Fault("its answer uses operations of no calendar".into())),
    }
}

fn not_found(path: &str) -> Fault {
    Fault(format!("it has no {path}"))
}

/// The innermost cause says most.
fn unreachable(error: &dyn std::error::Error) -> Fault {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Fault(cause.to_string())
}
