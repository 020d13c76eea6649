//! Reads the members of a JSON object into types, and says where one does not fit.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::encoding::{self, from_base64url, from_hex};
use crate::json::{Object, Value};
use crate::quote;
use crate::time::Time;

/// The members of one object, and the path that leads to it.
#[derive(Clone, Debug)]
pub struct Members<'v, 'a> {
    object: &'v Object<'a>,
    path: String,
}

impl<'v, 'a> Members<'v, 'a> {
    /// The members of the document itself.
    pub fn of(value: &'v Value<'a>) -> Result<Self, Error> {
        Self::at(value, String::new())
    }

    fn at(value: &'v Value<'a>, path: String) -> Result<Self, Error> {
        match value {
            Value::Object(object) => Ok(Self { object, path }),
            other => Err(Error::new(path, Wrong::kind("an object", other))),
        }
    }

    /// Refuses every key that is not in `known`.
    pub fn only(self, known: &[&str]) -> Result<Self, Error> {
        match self.object.unknown_key(known) {
            None => Ok(self),
            Some(key) => Err(self.error(key, Wrong::Unknown)),
        }
    }

    /// The object itself.
    pub(crate) fn to_value(&self) -> Value<'a> {
        Value::Object(self.object.clone())
    }

    /// Whether there is such a key.
    pub fn has(&self, key: &str) -> bool {
        self.object.get(key).is_some()
    }

    /// A string.
    pub fn text(&self, key: &str) -> Result<&'v str, Error> {
        self.require(key, self.optional_text(key)?)
    }

    /// A string, if the key is there.
    pub fn optional_text(&self, key: &str) -> Result<Option<&'v str>, Error> {
        self.optional(key, "a string", Value::as_str)
    }

    /// Strict base64url without padding.
    pub fn bytes(&self, key: &str) -> Result<Vec<u8>, Error> {
        self.require(key, self.optional_bytes(key)?)
    }

    /// Strict base64url without padding.
    pub fn optional_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let wrong = |error| self.error(key, Wrong::Base64(error));
        let decode = |text| from_base64url(text).map_err(wrong);
        self.optional_text(key)?.map(decode).transpose()
    }

    /// Strict base64url of exactly `N` bytes.
    pub fn array<const N: usize>(&self, key: &str) -> Result<[u8; N], Error> {
        self.require(key, self.optional_array(key)?)
    }

    /// Strict base64url of exactly `N` bytes.
    pub fn optional_array<const N: usize>(&self, key: &str) -> Result<Option<[u8; N]>, Error> {
        let Some(bytes) = self.optional_bytes(key)? else {
            return Ok(None);
        };
        let found = bytes.len();
        match bytes.try_into() {
            Ok(array) => Ok(Some(array)),
            Err(_) => Err(self.error(key, Wrong::Length { expected: N, found })),
        }
    }

    /// A SHA-256 or another 32 bytes, in 64 lower-case hex digits.
    pub fn hash(&self, key: &str) -> Result<[u8; 32], Error> {
        let text = self.text(key)?;
        let hash = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
        hash.ok_or_else(|| self.wrong(key, "64 lower-case hex digits", text))
    }

    /// A time of 24 characters.
    pub fn time(&self, key: &str) -> Result<Time, Error> {
        self.require(key, self.optional_time(key)?)
    }

    /// A time of 24 characters, if the key is there.
    pub fn optional_time(&self, key: &str) -> Result<Option<Time>, Error> {
        let parse = |text| {
            Time::parse(text).ok_or_else(|| self.wrong(key, "YYYY-MM-DDTHH:MM:SS.sssZ", text))
        };
        self.optional_text(key)?.map(parse).transpose()
    }

    /// A boolean, if the key is there.
    pub fn optional_bool(&self, key: &str) -> Result<Option<bool>, Error> {
        self.optional(key, "true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A whole number below 2^64, if the key is there.
    pub fn optional_u64(&self, key: &str) -> Result<Option<u64>, Error> {
        self.optional(key, "a whole number below 2^64", Value::as_u64)
    }

    /// The members of an object, if the key is there.
    pub fn optional_members(&self, key: &str) -> Result<Option<Self>, Error> {
        self.object
            .get(key)
            .map(|value| Self::at(value, self.path_of(key)))
            .transpose()
    }

    /// The items of an array of strings; empty if the key is missing.
    pub fn texts(&self, key: &str) -> Result<Vec<&'v str>, Error> {
        self.items(key)?
            .map(|(path, item)| match item {
                Value::String(text) => Ok(text.as_ref()),
                other => Err(Error::new(path, Wrong::kind("a string", other))),
            })
            .collect()
    }

    /// The items of an array of objects; empty if the key is missing.
    pub fn objects(&self, key: &str) -> Result<Vec<Self>, Error> {
        self.items(key)?
            .map(|(path, item)| Self::at(item, path))
            .collect()
    }

    /// Any value.
    pub fn value(&self, key: &str) -> Result<&'v Value<'a>, Error> {
        self.require(key, self.object.get(key))
    }

    /// An error that says what the text under `key` should have been.
    pub fn wrong(&self, key: &str, expected: &'static str, found: &str) -> Error {
        self.error(
            key,
            Wrong::Value {
                expected,
                found: quote(found),
            },
        )
    }

    /// An error about the value under `key`.
    pub fn error(&self, key: &str, problem: Wrong) -> Error {
        Error::new(self.path_of(key), problem)
    }

    fn items(&self, key: &str) -> Result<impl Iterator<Item = (String, &'v Value<'a>)>, Error> {
        let path = self.path_of(key);
        let items: &[Value<'a>] = match self.object.get(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.error(key, Wrong::kind("an array", other))),
        };
        Ok(items
            .iter()
            .enumerate()
            .map(move |(i, item)| (format!("{path}[{i}]"), item)))
    }

    fn optional<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&'v Value<'a>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.object.get(key) else {
            return Ok(None);
        };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(self.error(key, Wrong::kind(expected, value))),
        }
    }

    fn require<T>(&self, key: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.error(key, Wrong::Missing))
    }

    fn path_of(&self, key: &str) -> String {
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric()) && key.len() <= 64;
        let key = if plain { String::from(key) } else { quote(key) };
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// A member that does not fit: where, and what is wrong there. Small, since every member that is
/// read may return one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}: {}", self.place(), self.problem())]
pub struct Error(Box<(String, Wrong)>);

impl Error {
    fn new(path: String, problem: Wrong) -> Self {
        Self(Box::new((path, problem)))
    }

    /// The fault.
    pub fn problem(&self) -> &Wrong {
        &self.0.1
    }

    /// Where, such as `evidence.approver.blind`.
    fn place(&self) -> &str {
        match self.0.0.as_str() {
            "" => "the document",
            path => path,
        }
    }
}

/// A fault of a member.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// Not in the one encoding of the format.
    #[error(transparent)]
    Base64(encoding::Error),
    /// Another kind of JSON value.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// The kind that fits.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// Another number of bytes.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// In bytes.
        expected: usize,
        /// In bytes.
        found: usize,
    },
    /// A required key that is not there.
    #[error("missing")]
    Missing,
    /// More bytes or items than the limit.
    #[error("more than {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// The unit that is counted.
        unit: &'static str,
    },
    /// A key that the format does not have.
    #[error("unknown key")]
    Unknown,
    /// A value that the format does not allow.
    #[error("expected {expected}, found {found}")]
    Value {
        /// The form that fits.
        expected: &'static str,
        /// The text that is there, quoted.
        found: String,
    },
}

impl Wrong {
    pub(crate) fn kind(expected: &'static str, found: &Value<'_>) -> Self {
        Self::Kind {
            expected,
            found: found.kind(),
        }
    }
}
