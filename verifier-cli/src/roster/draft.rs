//! A version that nobody has approved yet.

use std::path::{Path, PathBuf};

use durable::Edit;
use verifier_core::policy::Approver;
use verifier_core::roster::{Roster, Version, payload_text};

use super::{parsed, version_in, version_of};
use crate::failure::{CliError, show_path};
use crate::file;

pub(super) struct Draft {
    /// Where it goes.
    path: PathBuf,
    /// The file there, if it is changed where it is and not written anew.
    edit: Option<Edit>,
    from: Version,
    number: u64,
    previous: Option<[u8; 32]>,
    admins: Vec<Approver>,
    approvers: Vec<Approver>,
}

impl Draft {
    /// The version after the newest in a roster's file, for `output`; or the payload that the file
    /// is, to be changed there unless there is an `output`.
    pub(super) fn open(path: &Path, output: Option<&Path>) -> Result<Self, CliError> {
        if output.is_none() && file::is_stdin(path) {
            let message = "the version to change has to be a file, not stdin.";
            return Err(CliError::usage(message).next("Say where the changed one goes: -o FILE."));
        }
        let edit = match output {
            Some(_) => None,
            None => Some(file::edit(path, Roster::MAX_BYTES)?),
        };
        let (from, is_chain) = match &edit {
            Some(edit) => version_in(edit.bytes(), path)?,
            None => version_of(path)?,
        };
        if is_chain && output.is_none() {
            let message = format!(
                "{} is a roster's file, and its versions are approved already.",
                show_path(path)
            );
            let next = "Say where the payload of the next version goes: -o FILE.";
            return Err(CliError::usage(message).next(next));
        }
        let (number, previous) = match is_chain {
            true => (from.number().saturating_add(1), Some(from.sha256())),
            false => (from.number(), from.previous()),
        };
        Ok(Self {
            path: output.unwrap_or(path).to_owned(),
            edit,
            admins: from.admins().to_vec(),
            approvers: from.approvers().to_vec(),
            from,
            number,
            previous,
        })
    }

    pub(super) fn list(&mut self, admins: bool) -> &mut Vec<Approver> {
        match admins {
            true => &mut self.admins,
            false => &mut self.approvers,
        }
    }

    /// Writes it, if it is a version that could be approved.
    pub(super) fn write(self) -> Result<(PathBuf, Version), CliError> {
        let text = payload_text(
            self.from.name(),
            self.number,
            self.previous,
            self.from.require(),
            &self.admins,
            &self.approvers,
        );
        let version = Self::written(&self.path, &text)?;
        match self.edit {
            Some(edit) => file::replace(&self.path, edit, &text)?,
            None => file::create(&self.path, &text)?,
        }
        Ok((self.path, version))
    }

    /// The version that a text is, before it is written anywhere.
    pub(super) fn written(path: &Path, text: &str) -> Result<Version, CliError> {
        parsed(text.as_bytes(), path)
    }
}
