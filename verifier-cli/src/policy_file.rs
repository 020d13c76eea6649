//! A policy as people keep it: TOML, or the same structure as JSON.

use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike, Value as Toml};
use verifier_core::Code;
use verifier_core::Kind;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::text::from_people;
use verifier_core::policy::{self, Policy};
use verifier_core::{Failure as _, quote};

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
    let from_json = |json: &[u8]| Policy::from_json(json).map_err(|error| refused(&error));
    // The core refuses what is too long, in either form.
    if bytes.len() > Policy::MAX_BYTES {
        return from_json(bytes);
    }
    let text = file::text(bytes, Code::PolicySyntax)?;
    match is_json(&text, path) {
        true => from_json(text.as_bytes()),
        false => from_toml(&text),
    }
}

/// The policy in a TOML text.
pub(crate) fn from_toml(text: &str) -> Result<Policy, CliError> {
    let document = document(text)?;
    let json = table(document.as_table(), "")?.to_text();
    Policy::from_json(json.as_bytes()).map_err(|error| refused(&error))
}

/// A policy that its format does not allow. A key of a kind that we do not verify with is no
/// mistake of whoever wrote it there.
fn refused(error: &policy::Error) -> CliError {
    let refused = CliError::of(error);
    match error {
        policy::Error::Key { error, .. } if error.code() == Code::WebauthnUnsupportedAlgorithm => {
            refused.next(OTHER_PASSKEY)
        }
        _ => refused,
    }
}

/// A TOML text, for editing.
pub(crate) fn document(text: &str) -> Result<DocumentMut, CliError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        let message = format!("line {line} of the policy is not TOML: {what}.");
        CliError::policy(Code::PolicySyntax, message)
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

pub(crate) fn is_json(text: &str, path: &Path) -> bool {
    match path.extension() {
        Some(extension) if extension == "json" => true,
        Some(extension) if extension == "toml" => false,
        _ => text.trim_ascii_start().starts_with('{'),
    }
}

// Recursion is bounded: the TOML reader refuses what is nested too deeply.
fn table<'t>(table: &'t dyn TableLike, path: &str) -> Result<Value<'t>, CliError> {
    let members = table
        .iter()
        .filter(|(_, item)| !item.is_none())
        .map(|(key, item)| {
            let path = match path {
                "" => key.to_owned(),
                path => format!("{path}.{key}"),
            };
            Ok((key.into(), value(item, &path)?))
        });
    members.collect::<Result<_, _>>().map(Value::Object)
}

fn value<'t>(item: &'t Item, path: &str) -> Result<Value<'t>, CliError> {
    match item {
        Item::None => Ok(Value::Null),
        Item::Value(value) => scalar(value, path),
        Item::Table(members) => table(members, path),
        Item::ArrayOfTables(items) => {
            let numbered = items.iter().enumerate();
            numbered
                .map(|(i, item)| table(item, &format!("{path}[{i}]")))
                .collect()
        }
    }
}

fn scalar<'t>(value: &'t Toml, path: &str) -> Result<Value<'t>, CliError> {
    let wrong = |what: &str| {
        let message = format!("{} is {what}.", quote(path));
        Err(CliError::policy(Code::PolicyField, message))
    };
    Ok(match value {
        Toml::String(text) => text.value().as_str().into(),
        Toml::Boolean(flag) => (*flag.value()).into(),
        Toml::Integer(number) => Value::Number(number.value().to_string().into()),
        Toml::Array(items) => {
            let numbered = items.iter().enumerate();
            return numbered
                .map(|(i, item)| scalar(item, &format!("{path}[{i}]")))
                .collect();
        }
        Toml::InlineTable(members) => return table(members, path),
        Toml::Float(_) => return wrong("a fraction, which no policy has"),
        Toml::Datetime(_) => {
            return wrong("a bare date: write times in quotes, \"2026-03-01T12:00:00.000Z\"");
        }
    })
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

    #[test]
    fn errors_name_the_place() {
        let message = |text| from_toml(text).unwrap_err().message;
        assert!(message("a = 1\nb = = 2\n").starts_with("line 2 of the policy is not TOML: "));
        assert!(
            message("a = 1\na = 2\n").contains("duplicate"),
            "{}",
            message("a = 1\na = 2\n")
        );
        assert!(
            message("[[approvers]]\nnotAfter = 2026-03-01\n").contains("\"approvers[0].notAfter\"")
        );
        assert!(message("name = \"x\"\nsurprise = 1\n").contains("surprise: unknown key"));
    }
}
