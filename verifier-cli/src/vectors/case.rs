//! The layout that all vector files share.
//!
//! ```text
//! {"kind","description","source","cases":[{"name","input":{…},"expect":…}]}
//! ```

use core::fmt;

use verifier_core::hazmat::json::{Object, Value};
use verifier_core::quote;

use super::verdict::{Found, Verdict};

/// A vector file.
pub(super) struct VectorFile<'v, 'a> {
    pub(super) kind: &'v str,
    pub(super) cases: &'v [Value<'a>],
}

impl<'v, 'a> VectorFile<'v, 'a> {
    pub(super) fn read(value: &'v Value<'a>) -> Result<Self, String> {
        let object = value.as_object().ok_or("expected an object")?;
        let Some(Value::Array(cases)) = object.get("cases") else {
            return Err("expected an array of cases".into());
        };
        Ok(Self {
            kind: text(object, "kind")?,
            cases,
        })
    }
}

/// One case.
pub(super) struct Case<'v> {
    pub(super) name: &'v str,
    pub(super) input: &'v Object<'v>,
    pub(super) expect: Expect<'v>,
}

impl<'v> Case<'v> {
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self, String> {
        let object = value.as_object().ok_or("expected an object")?;
        let input = object.get("input").and_then(Value::as_object);
        Ok(Self {
            name: text(object, "name")?,
            input: input.ok_or("input: expected an object")?,
            expect: Expect::read(object.get("expect").ok_or("expect: missing")?)?,
        })
    }
}

/// How a case should come out.
pub(super) enum Expect<'v> {
    Invalid(&'v str),
    /// Canonical JSON.
    Timestamp(String),
    Valid,
    Verdict(Verdict<'v>),
    Verified(Vec<&'v str>),
}

impl<'v> Expect<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, String> {
        if value.as_str() == Some("valid") {
            return Ok(Self::Valid);
        }
        let object = value
            .as_object()
            .ok_or("expect: expected \"valid\" or an object")?;
        if object.get("verdict").is_some() {
            return Verdict::read(object).map(Self::Verdict);
        }
        let keys: Vec<&str> = object.iter().map(|(key, _)| key).collect();
        match keys.as_slice() {
            ["bitcoin", "pending"] => Ok(Self::Timestamp(value.to_text())),
            ["invalid"] => text(object, "invalid").map(Self::Invalid),
            ["verified"] => texts(object, "verified").map(Self::Verified),
            _ => Err(
                "expect: expected invalid, verified, bitcoin and pending, or verdict and code"
                    .into(),
            ),
        }
    }

    /// The difference, if there is one: the expected value and the found one.
    pub(super) fn difference(&self, outcome: &Outcome) -> Option<(String, String)> {
        if let (Self::Verdict(expected), Outcome::Report(found)) = (self, outcome) {
            return expected.difference(found);
        }
        (!self.fits(outcome)).then(|| (self.to_string(), outcome.to_string()))
    }

    fn fits(&self, outcome: &Outcome) -> bool {
        let same = |expected: &str, found: &str| expected == "*" || expected == found;
        match (self, outcome) {
            (Self::Invalid(code), Outcome::Invalid(found)) => same(code, found),
            (Self::Timestamp(expected), Outcome::Timestamp(found)) => expected == found,
            (Self::Valid, Outcome::Valid) => true,
            (Self::Verified(names), Outcome::Verified(found)) => names == found,
            _ => false,
        }
    }
}

impl fmt::Display for Expect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(code) => write!(f, "invalid, {}", quote(code)),
            Self::Timestamp(json) => f.write_str(json),
            Self::Valid => f.write_str("valid"),
            Self::Verdict(expected) => {
                let Verdict { verdict, code, .. } = expected;
                write!(f, "{}, {}", quote(verdict), quote(code))
            }
            Self::Verified(names) => write_names(names.iter().copied(), f),
        }
    }
}

/// How a case came out.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Invalid(&'static str),
    Timestamp(String),
    Report(Box<Found>),
    Valid,
    Verified(Vec<String>),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(code) => write!(f, "invalid, {}", quote(code)),
            Self::Timestamp(json) => f.write_str(json),
            Self::Report(found) => write!(f, "{}, {}", found.verdict, found.code),
            Self::Valid => f.write_str("valid"),
            Self::Verified(names) => write_names(names.iter().map(String::as_str), f),
        }
    }
}

fn write_names<'a>(
    names: impl Iterator<Item = &'a str>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let names: Vec<String> = names.map(quote).collect();
    write!(f, "verified [{}]", names.join(", "))
}

pub(super) fn text<'v>(object: &'v Object<'_>, key: &str) -> Result<&'v str, String> {
    let text = object.get(key).and_then(Value::as_str);
    text.ok_or_else(|| format!("{key}: expected a string"))
}

pub(super) fn texts<'v>(object: &'v Object<'_>, key: &str) -> Result<Vec<&'v str>, String> {
    let wrong = || format!("{key}: expected an array of strings");
    match object.get(key) {
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().ok_or_else(wrong))
            .collect(),
        _ => Err(wrong()),
    }
}
