//! A policy as people keep it: TOML, or the same structure as JSON.

use std::path::Path;

use policy_text::Form;
use toml_edit::DocumentMut;
use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::Kind;
use verifier_core::hazmat::text::from_people;
use verifier_core::policy::{self, Policy};

use crate::failure::CliError;
use crate::key::OTHER_PASSKEY;
use crate::{file, role};

/// Reads a policy file. By its extension it is TOML or JSON; without one of these, JSON if it
/// begins like an object.
pub(crate) fn load(path: &Path) -> Result<Policy, CliError> {
    let bytes = file::read(path, Policy::MAX_BYTES)?;
    parse(&bytes, path).map_err(|error| named(error, &bytes).about(path))
}

/// The kind of a file that was to be a policy, if it looks like something else.
pub(crate) fn named(error: CliError, bytes: &[u8]) -> CliError {
    role::named(error, bytes, "a policy", &[Kind::Policy])
}

fn parse(bytes: &[u8], path: &Path) -> Result<Policy, CliError> {
    // The core refuses what is too long, in either form.
    if bytes.len() > Policy::MAX_BYTES {
        return Policy::from_json(bytes).map_err(|error| CliError::of(&error));
    }
    let text = file::text(bytes, Code::PolicySyntax)?;
    policy_text::read(&text, form(&text, path)).map_err(|error| refused(&error))
}

/// The policy in a TOML text.
pub(crate) fn from_toml(text: &str) -> Result<Policy, CliError> {
    policy_text::from_toml(text).map_err(|error| refused(&error))
}

/// A policy that its format does not allow. A key of a kind that we do not verify with is no
/// mistake of whoever wrote it there.
fn refused(error: &policy_text::Error) -> CliError {
    let refused = CliError::of(error);
    match error {
        policy_text::Error::Policy(policy::Error::Key { error, .. })
            if error.code() == Code::WebauthnUnsupportedAlgorithm =>
        {
            refused.next(OTHER_PASSKEY)
        }
        _ => refused,
    }
}

/// A TOML text, for editing.
pub(crate) fn document(text: &str) -> Result<DocumentMut, CliError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let error = policy_text::Error::syntax(text, error.span(), error.message());
        CliError::of(&error)
    })
}

/// The bytes of a text in the form of a file that it is to replace: its encoding, and its line
/// ends.
pub(crate) fn written_like(bytes: &[u8], text: &str) -> Vec<u8> {
    let old = from_people(bytes).unwrap_or_default();
    let utf16 = |unit: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
        let marked = ["\u{feff}", text].concat();
        marked.encode_utf16().flat_map(unit).collect()
    };
    let write = |text: &str| match bytes {
        [0xff, 0xfe, ..] => utf16(u16::to_le_bytes, text),
        [0xfe, 0xff, ..] => utf16(u16::to_be_bytes, text),
        [0xef, 0xbb, 0xbf, ..] => ["\u{feff}", text].concat().into_bytes(),
        _ => text.into(),
    };
    let windows = old.replace('\n', "\r\n");
    match old != windows && write(&windows) == bytes {
        true => write(&text.replace('\n', "\r\n")),
        false => write(text),
    }
}

pub(crate) fn form(text: &str, path: &Path) -> Form {
    match path.extension() {
        Some(extension) if extension == "json" => Form::Json,
        Some(extension) if extension == "toml" => Form::Toml,
        _ => Form::of(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_vectors::{Algorithm, Approval};

    #[test]
    fn toml_and_json_are_the_same_policy() {
        let policy = Approval::sample(Algorithm::Es256).policy;
        let (toml, json) = (policy.toml(), policy.value().to_string());
        for (text, path, other) in [(&toml, "p.toml", "p"), (&json, "p.json", "p.policy")] {
            for path in [path, other, "-"] {
                let read = parse(text.as_bytes(), Path::new(path)).unwrap();
                let expected = Policy::from_json(json.as_bytes()).unwrap();
                assert_eq!(read.sha256(), expected.sha256(), "{path}");
            }
        }
    }
}
