//! A version that nobody has approved yet, and the file that it goes to.

use std::path::{Path, PathBuf};

use durable::Edit;
use verifier_core::policy::Approver;
use verifier_core::roster::{self, Roster, Version};

use super::parsed;
use crate::failure::{CliError, show_path};
use crate::file;

pub(super) struct Draft {
    /// Where it goes.
    path: PathBuf,
    /// The file there, if it is changed where it is and not written anew.
    edit: Option<Edit>,
    draft: roster::Draft,
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
        let draft = match &edit {
            Some(edit) => drafted(edit.bytes(), path)?,
            None => drafted(&file::read_whole(path, Roster::MAX_BYTES)?, path)?,
        };
        if draft.follows() && output.is_none() {
            let message = format!(
                "{} is a roster's file, and its versions are approved already.",
                show_path(path)
            );
            let next = "Say where the payload of the next version goes: -o FILE.";
            return Err(CliError::usage(message).next(next));
        }
        Ok(Self {
            path: output.unwrap_or(path).to_owned(),
            edit,
            draft,
        })
    }

    pub(super) fn list(&mut self, admins: bool) -> &mut Vec<Approver> {
        match admins {
            true => &mut self.draft.admins,
            false => &mut self.draft.approvers,
        }
    }

    /// Writes it, if it is a version that could be approved.
    pub(super) fn write(self) -> Result<(PathBuf, Version), CliError> {
        let text = self.draft.to_payload();
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

/// What a file is the draft of, or leads to. Nothing is verified.
pub(super) fn drafted(bytes: &[u8], path: &Path) -> Result<roster::Draft, CliError> {
    roster::Draft::of(bytes).map_err(|error| CliError::of(&error).about(path))
}
