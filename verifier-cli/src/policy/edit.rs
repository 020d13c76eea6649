//! A policy file that is changed in place, comments kept.

use std::path::Path;

use durable::Edit;
use policy_text::Form;
use toml_edit::DocumentMut;
use verifier_core::Code;
use verifier_core::Policy;

use crate::failure::CliError;
use crate::{file, policy_file};

/// A policy in TOML, before a change.
pub(super) struct PolicyEdit<'a> {
    path: &'a Path,
    edit: Edit,
    policy: Policy,
    document: DocumentMut,
}

impl<'a> PolicyEdit<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, CliError> {
        if file::is_stdin(path) {
            return Err(CliError::usage(
                "the policy to change has to be a file, not stdin.",
            ));
        }
        let edit = file::edit(path, Policy::MAX_BYTES)?;
        let about = |error: CliError| error.about(path);
        let text = file::text(edit.bytes(), Code::PolicySyntax).map_err(about)?;
        if policy_file::form(&text, path) == Form::Json {
            let message = "only a policy in TOML can be changed; this one is JSON.";
            let error = CliError::usage(message);
            return Err(policy_file::named(error, edit.bytes()).about(path));
        }
        let policy = policy_file::from_toml(&text)
            .map_err(|error| about(policy_file::named(error, edit.bytes())))?;
        Ok(Self {
            path,
            policy,
            document: policy_file::document(&text).map_err(about)?,
            edit,
        })
    }

    /// The policy as it was.
    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The text, to be changed.
    pub(super) fn document(&mut self) -> &mut DocumentMut {
        &mut self.document
    }

    /// Writes the changed text in the form in which the file was, if `is_meant` says that the
    /// policy has become what it should; else the file stays as it is. Returns the new policy.
    pub(super) fn write(self, is_meant: impl FnOnce(&Policy) -> bool) -> Result<Policy, CliError> {
        let text = self.document.to_string();
        let about = |error: CliError| error.about(self.path);
        let changed = policy_file::from_toml(&text).map_err(about)?;
        if !is_meant(&changed) {
            let message = "the policy cannot be changed like this; edit it by hand.";
            return Err(about(CliError::usage(message)));
        }
        let bytes = policy_file::written_like(self.edit.bytes(), &text);
        file::replace(self.path, self.edit, bytes)?;
        Ok(changed)
    }
}
