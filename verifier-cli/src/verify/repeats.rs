//! Inputs that say what another input of the same run has said: many copies of one approval are
//! not many approvals.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use verifier_core::Report;
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::input::Input;

type Hash = [u8; 32];

/// Things that an input can have in common with another one.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    file: Option<Hash>,
    /// The signing key, or the credential where it is not known, and clientDataJSON.
    assertion: Option<Hash>,
    /// The approval id, hashed as in the entry.
    approval: Option<Hash>,
}

impl Marks {
    pub(crate) fn of(bytes: &[u8], report: &Report) -> Self {
        let known = report.approver().map(|approver| approver.key_sha256);
        let joined = |key: Hash, client_data: Hash| Some(sha256(&[key, client_data].concat()));
        let (assertion, approval) = match Input::parse(bytes) {
            Ok(Input::Bundle(bundle)) => match Entry::parse(&bundle.entry) {
                Ok(entry) => {
                    let key = known.unwrap_or_else(|| sha256(&entry.key_identity()));
                    let assertion = joined(key, entry.client_data_hash);
                    (assertion, Some(entry.approval_id_hash))
                }
                Err(_) => (None, None),
            },
            Ok(Input::Confirmation(confirmation)) => {
                let approved = confirmation.approved.as_ref();
                let assertion = approved.and_then(|approved| {
                    let json = approved.assertion.as_ref().ok()?.client_data_json();
                    let key = known.unwrap_or_else(|| sha256(&approved.credential_id));
                    joined(key, sha256(json))
                });
                (assertion, None)
            }
            _ => (None, None),
        };
        Self {
            file: Some(report.inputs().bundle_sha256),
            assertion,
            approval,
        }
    }
}

/// An input that repeats an earlier one.
#[derive(Debug)]
pub(crate) struct Repeat {
    pub(crate) path: PathBuf,
    pub(crate) of: PathBuf,
    /// The thing that the two have in common: "file", "assertion" or "approval".
    pub(crate) same: &'static str,
}

/// Everything that was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    seen: HashMap<(&'static str, Hash), PathBuf>,
    pub(crate) found: Vec<Repeat>,
}

impl Repeats {
    pub(crate) fn add(&mut self, path: &Path, marks: &Marks) {
        let marks = [
            ("file", marks.file),
            ("assertion", marks.assertion),
            ("approval", marks.approval),
        ];
        let mut repeated = false;
        for (same, hash) in marks {
            let Some(hash) = hash else { continue };
            match self.seen.get(&(same, hash)) {
                None => drop(self.seen.insert((same, hash), path.into())),
                Some(_) if repeated => {}
                Some(of) => {
                    repeated = true;
                    self.found.push(Repeat {
                        path: path.into(),
                        of: of.clone(),
                        same,
                    });
                }
            }
        }
    }
}
