//! Policies as people write them: TOML, or the same structure as JSON (docs/spec/policy.md).
//!
//! ```text
//! name = "acme"                  {"name":"acme",
//! [webauthn]                      "webauthn":{"rpIds":["acme.example"]}}
//! rpIds = ["acme.example"]
//! ```
//!
//! The verify page reads JSON alone: in a module for browsers this reader would be a sixth of the
//! code (docs/PERFORMANCE.md). So whoever prints policies prints both.

#![forbid(unsafe_code)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "for programs with std"
)]

use std::borrow::Cow;
use std::ops::Range;

use toml::de::{DeArray, DeTable, DeValue};
use verifier_core::hazmat::json::Value;
use verifier_core::policy::{self, Policy};
use verifier_core::{Code, Failure, quote};

/// How a policy is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a third form concerns every reader"
)]
pub enum Form {
    /// An object of JSON.
    Json,
    /// TOML.
    Toml,
}

impl Form {
    /// The form of a text: no TOML begins with a brace, and every policy in JSON does.
    pub fn of(text: &str) -> Self {
        match text.trim_ascii_start().starts_with('{') {
            true => Self::Json,
            false => Self::Toml,
        }
    }
}

/// Reads a policy that is written in this form.
///
/// # Errors
///
/// [`Error`] if the text is no policy that can be applied.
pub fn read(text: &str, form: Form) -> Result<Policy, Error> {
    match form {
        Form::Json => Ok(Policy::from_json(text.as_bytes())?),
        Form::Toml => from_toml(text),
    }
}

/// Reads a policy in TOML.
///
/// # Errors
///
/// As [`read`].
pub fn from_toml(text: &str) -> Result<Policy, Error> {
    if text.len() > Policy::MAX_BYTES {
        // The core has the words for what is too long, in either form.
        return Ok(Policy::from_json(text.as_bytes())?);
    }
    let document =
        DeTable::parse(text).map_err(|error| Error::syntax(text, error.span(), error.message()))?;
    let json = table(document.get_ref(), "")?.to_text();
    Ok(Policy::from_json(json.as_bytes())?)
}

// Recursion is bounded: the TOML reader refuses what is nested too deeply.
fn table<'t>(table: &'t DeTable<'_>, path: &str) -> Result<Value<'t>, Error> {
    let members = table.iter().map(|(key, item)| {
        let key: &str = key.get_ref();
        let path = match path {
            "" => Cow::Borrowed(key),
            path => format!("{path}.{key}").into(),
        };
        Ok((key.into(), value(item.get_ref(), &path)?))
    });
    members.collect::<Result<_, _>>().map(Value::Object)
}

fn array<'t>(items: &'t DeArray<'_>, path: &str) -> Result<Value<'t>, Error> {
    let numbered = items.iter().enumerate();
    numbered
        .map(|(i, item)| value(item.get_ref(), &format!("{path}[{i}]")))
        .collect()
}

fn value<'t>(value: &'t DeValue<'_>, path: &str) -> Result<Value<'t>, Error> {
    let wrong = |what| {
        let path = path.to_string();
        Err(Error::Kind { path, what })
    };
    match value {
        DeValue::Array(items) => array(items, path),
        DeValue::Boolean(flag) => Ok((*flag).into()),
        DeValue::Datetime(_) => {
            wrong("a bare date: write times in quotes, \"2026-03-01T12:00:00.000Z\"")
        }
        DeValue::Float(_) => wrong("a fraction, which no policy has"),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(Value::Number(number.to_string().into())),
            Err(_) => wrong("a number of more than 64 bits"),
        },
        DeValue::String(text) => Ok(Value::from(text.as_ref())),
        DeValue::Table(members) => table(members, path),
    }
}

/// The reason why a text is no policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of TOML that JSON does not have.
    #[error("{} is {what}", quote(path))]
    Kind {
        /// Its place.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// No policy, though well written.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// No TOML.
    #[error("line {line} of the policy is not TOML: {what}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the reader says about it.
        what: String,
    },
}

impl Error {
    /// What a reader of TOML says about a place in a text.
    pub fn syntax(text: &str, place: Option<Range<usize>>, message: &str) -> Self {
        let before = place.and_then(|place| text.get(..place.start));
        let breaks = before.map_or(0, |before| before.matches('\n').count());
        Self::Syntax {
            line: breaks.saturating_add(1),
            what: message.lines().collect::<Vec<_>>().join(", "),
        }
    }
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Kind { .. } => Code::PolicyField,
            Self::Policy(error) => error.code(),
            Self::Syntax { .. } => Code::PolicySyntax,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Policy(error) => error.expected(),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Policy(error) => error.found(),
            _ => None,
        }
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
        assert_eq!([Form::of(&toml), Form::of(&json)], [Form::Toml, Form::Json]);
        let expected = Policy::from_json(json.as_bytes()).unwrap();
        for text in [toml, json, expected.canonical_json().to_owned()] {
            let read = read(&text, Form::of(&text)).unwrap();
            assert_eq!(read.sha256(), expected.sha256(), "{text}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        let said = |text| from_toml(text).unwrap_err().to_string();
        assert!(said("a = 1\nb = = 2\n").starts_with("line 2 of the policy is not TOML: "));
        let twice = said("a = 1\na = 2\n");
        assert!(twice.contains("duplicate"), "{twice}");
        for (text, words) in [
            (
                "[[approvers]]\nnotAfter = 2026-03-01\n",
                "\"approvers[0].notAfter\" is a bare date",
            ),
            ("a = [[1.5]]\n", "\"a[0][0]\" is a fraction"),
            (
                "a = 9223372036854775808\n",
                "\"a\" is a number of more than",
            ),
            ("name = \"x\"\nsurprise = 1\n", "surprise: unknown key"),
        ] {
            assert!(said(text).contains(words), "{}", said(text));
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_is_read() {
        let long = "#".repeat(Policy::MAX_BYTES + 1);
        let code = from_toml(&long).unwrap_err().code();
        assert_eq!(code, Policy::from_json(long.as_bytes()).unwrap_err().code());
    }
}
