//! Calendars, asked for the blocks that they have promised.
//!
//! A proof names its calendars, and whoever made the proof chose the names. So no address in a
//! proof is followed unless it is one of these, or one that the caller has named.

use log_client::{Client, Error, Kind, calendar};
use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch};

use crate::failure::CliError;
use crate::http;

/// The public calendars.
const PUBLIC: [&str; 4] = [
    "https://alice.btc.calendar.opentimestamps.org",
    "https://bob.btc.calendar.opentimestamps.org",
    "https://btc.calendar.catallaxy.com",
    "https://finney.calendar.eternitywall.com",
];

pub(super) struct Calendars {
    client: Client,
    known: Vec<String>,
}

impl Calendars {
    /// The public calendars, and those that the caller names.
    pub(super) fn new(named: &[String]) -> Result<Self, CliError> {
        let named = named.iter().map(|url| url.trim_end_matches('/'));
        Ok(Self {
            client: http::client()?,
            known: PUBLIC.into_iter().chain(named).map(Into::into).collect(),
        })
    }

    /// The branch with blocks in the place of all promises that are kept, and what became of the
    /// other ones. An error if not one calendar could be asked.
    pub(super) fn fulfil(
        &self,
        mut branch: Branch,
    ) -> Result<(Branch, Vec<(String, String)>), CliError> {
        let mut open = Vec::new();
        let (mut answers, mut failure) = (0, None);
        for attestation in branch.attestations().to_vec() {
            let Attestation::Pending { commitment, uri } = attestation else {
                continue;
            };
            let why = if !self.known.contains(&uri) {
                "not asked, because it is not a known calendar; --calendar allows it".into()
            } else {
                match self.ask(&uri, &commitment) {
                    Ok(Ok(answer)) => {
                        answers += 1;
                        let grown = branch.fulfilled(&uri, &answer);
                        match grown.map_err(|error| error.to_string()) {
                            Ok(grown) => {
                                branch = grown.unwrap_or(branch);
                                continue;
                            }
                            Err(error) => format!("not used: {error}"),
                        }
                    }
                    Ok(Err(why)) => {
                        answers += 1;
                        why
                    }
                    Err(error) => {
                        let why = error.why().to_owned();
                        failure = Some(error);
                        why
                    }
                }
            };
            open.push((uri, why));
        }
        let is_block = |one: &Attestation| matches!(one, Attestation::Bitcoin { .. });
        match failure {
            Some(failure) if answers == 0 && !branch.attestations().iter().any(is_block) => {
                Err(failure.into())
            }
            _ => Ok((branch, open)),
        }
    }

    /// The block, or why there is none.
    fn ask(&self, uri: &str, message: &[u8]) -> Result<Result<Branch, String>, Error> {
        match calendar::block(&self.client, uri, message) {
            Ok(Some(branch)) => Ok(Ok(branch)),
            Ok(None) => Ok(Err("has no block yet".into())),
            Err(error) if error.kind() == Kind::Answer => Ok(Err(error.why().into())),
            Err(error) => Err(error),
        }
    }
}
