//! What is to be approved: the bytes that people see and sign.
//!
//! ```text
//! payload = the RFC 8785 form of the JSON value in the request
//! ```
//!
//! White space and the order of members do not matter in a request. Numbers do: a program that reads
//! `10.50`, `1e2` or 9007199254740993 may write `10.5`, `100` and 9007199254740992, and the approval
//! would be for something that nobody asked for. So a number has to stand in its RFC 8785 form
//! already, and nothing is ever rewritten.

#![forbid(unsafe_code)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a library with std"
)]

pub mod decimal;
pub mod number;
mod place;

use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::json::{self, ErrorKind, Limits, Value};
use verifier_core::hazmat::payload::{self, fields};
use verifier_core::quote;

use crate::decimal::Decimal;

/// A payload in its canonical form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Payload {
    text: String,
}

impl Payload {
    /// The longest payload that any rule can allow, in bytes.
    pub const MAX_BYTES: usize = payload::MAX_BYTES;

    /// The most values that hold no others: more than that nobody looks through.
    pub const MOST_FIELDS: usize = 256;

    /// The payload of a request, once it is read.
    ///
    /// # Errors
    ///
    /// [`Refusal`] for a number that is not in canonical form, and for what is too large for any
    /// rule. A duplicate key has been refused by the reader: see [`Refusal::of_json`].
    pub fn of(value: &Value<'_>) -> Result<Self, Refusal> {
        let text = value.to_text();
        let payload = Self { text }.at_most(Self::MAX_BYTES)?;
        let most = Self::MOST_FIELDS.saturating_add(1);
        let fields = fields(payload.bytes(), most).ok_or(Refusal::TooDeep)?;
        if fields.len() > Self::MOST_FIELDS {
            return Err(Refusal::TooManyFields);
        }
        for field in fields.into_iter().filter(|field| field.kind == "number") {
            let number = number::canonical(&field.text);
            if number.as_ref() != Some(&field.text) {
                return Err(Refusal::Number {
                    path: field.path,
                    same: Decimal::parse(&field.text)
                        .zip(number.as_deref().and_then(Decimal::parse))
                        .is_some_and(|(a, b)| a == b),
                    found: field.text,
                    number,
                });
            }
        }
        Ok(payload)
    }

    /// The payload in a JSON text.
    ///
    /// # Errors
    ///
    /// As [`Payload::of`], and for anything but strict JSON.
    pub fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let value = Value::parse(text, Limits::bytes(Self::MAX_BYTES));
        let value = value.map_err(|error| Refusal::of_json(text, &error))?;
        Self::of(&value)
    }

    /// The payload, if it has no more than so many bytes, such as a rule allows.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it has more.
    pub fn at_most(self, limit: usize) -> Result<Self, Refusal> {
        let found = self.text.len();
        match found <= limit {
            true => Ok(self),
            false => Err(Refusal::TooLarge { limit, found }),
        }
    }

    /// The bytes that are hashed and signed.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The text of the bytes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hash that every approval of it names.
    pub fn sha256(&self) -> [u8; 32] {
        sha256(self.bytes())
    }
}

/// Why a payload cannot be put before anybody.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the gate has an answer of its own to each"
)]
pub enum Refusal {
    /// A key that stands twice in one object.
    #[error(
        "the key of {path} stands twice in one object, and readers differ in which one they take"
    )]
    DuplicateKey {
        /// The member.
        path: String,
    },
    /// Not JSON as the strict reader reads it.
    #[error("the payload is not strict JSON: {error}, in {path}")]
    NotJson {
        /// The value that was being read.
        path: String,
        /// The fault.
        error: json::Error,
    },
    /// A number in another form than that of RFC 8785.
    #[error("the number {path} is not in the form that RFC 8785 gives it")]
    Number {
        /// The number's place.
        path: String,
        /// The token in the request.
        found: String,
        /// What programs make of the token.
        number: Option<String>,
        /// Whether that is the same number.
        same: bool,
    },
    /// More levels of arrays and objects than the reader opens.
    #[error("the payload has too many arrays and objects inside each other")]
    TooDeep,
    /// More bytes than the rule allows.
    #[error("the payload is too long in its canonical form")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// The length, in bytes.
        found: usize,
    },
    /// More fields than anybody looks through.
    #[error("the payload has more fields than people can be asked to look through")]
    TooManyFields,
}

impl Refusal {
    /// Why the strict reader stopped in `text`, with the path to that place. In the body of a
    /// request the path begins with `$.payload` if the fault is in the payload.
    pub fn of_json(text: &[u8], error: &json::Error) -> Self {
        match &error.kind {
            ErrorKind::DuplicateKey(key) => Self::DuplicateKey {
                path: place::path_in_object(text, error.offset, key),
            },
            ErrorKind::TooDeep(_) => Self::TooDeep,
            ErrorKind::TooLong(limit) => Self::TooLarge {
                limit: *limit,
                found: text.len(),
            },
            _ => Self::NotJson {
                path: place::path_at(text, error.offset),
                error: error.clone(),
            },
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DuplicateKey { .. } | Self::Number { .. } => "payload.not_canonical",
            Self::NotJson { .. } => "payload.not_json",
            Self::TooDeep | Self::TooLarge { .. } => "payload.too_large",
            Self::TooManyFields => "payload.too_many_fields",
        }
    }

    /// The place in the payload, if the fault is in one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::DuplicateKey { path }
            | Self::NotJson { path, .. }
            | Self::Number { path, .. } => Some(path),
            Self::TooDeep | Self::TooLarge { .. } | Self::TooManyFields => None,
        }
    }

    /// What would have been taken.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::DuplicateKey { .. } | Self::NotJson { .. } => None,
            Self::Number {
                found,
                number: Some(number),
                same: true,
                ..
            } => Some(format!("{number}, or {} as text", quote(found))),
            Self::Number { found, .. } => Some(format!("{} as text", quote(found))),
            Self::TooDeep => Some("at most 64 levels".into()),
            Self::TooLarge { limit, .. } => Some(format!("at most {limit} bytes")),
            Self::TooManyFields => Some(format!("at most {} fields", Payload::MOST_FIELDS)),
        }
    }

    /// What was there instead.
    pub fn found(&self) -> Option<String> {
        match self {
            Self::Number { found, .. } => Some(bare(found)),
            Self::TooLarge { found, .. } => Some(format!("{found} bytes")),
            Self::DuplicateKey { .. } | Self::NotJson { .. } => None,
            Self::TooDeep | Self::TooManyFields => None,
        }
    }

    /// What to do about it.
    pub fn next(&self) -> String {
        match self {
            Self::DuplicateKey { .. } => "Write the member once.".into(),
            Self::NotJson { .. } => {
                "Write the payload with a JSON library, in UTF-8 without a byte order mark.".into()
            }
            Self::Number {
                found,
                number: Some(number),
                same: true,
                ..
            } => format!(
                "Write {number}; if the digits matter as they stand, write them as text: {}.",
                quote(found)
            ),
            Self::Number {
                found,
                number: Some(number),
                ..
            } => format!(
                "Write it as text: {}. As a number, many programs would read {number}.",
                quote(found)
            ),
            Self::Number { found, .. } => format!(
                "Write it as text: {}. Many programs cannot read such a number.",
                quote(found)
            ),
            Self::TooDeep | Self::TooLarge { .. } | Self::TooManyFields => {
                "Send what people have to decide about, and the hash of the rest.".into()
            }
        }
    }
}

/// A number as it stands, its beginning if it is long.
fn bare(token: &str) -> String {
    let quoted = quote(token);
    match quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        Some(token) => token.into(),
        None => quoted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Payload, Refusal> {
        Payload::parse(text.as_bytes())
    }

    #[test]
    fn layout_does_not_matter() {
        let canonical = r#"{"a":[1,19.99,-0.5,true,null],"b":"é\n","z":{"x":"","y":1e+21}}"#;
        for text in [
            canonical,
            " { \"z\" : {\"y\":1e+21,\"x\":\"\"}, \"b\":\"\\u00e9\\u000a\",\n\"a\":[ 1,19.99, -0.5,true,null] }\n",
        ] {
            let payload = parse(text).unwrap();
            assert_eq!(payload.as_str(), canonical);
            assert_eq!(payload.sha256(), sha256(canonical.as_bytes()));
        }
        // Any value is a payload.
        for text in ["null", "\"\"", "0", "[]", "{}", "false"] {
            assert_eq!(parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_number_is_never_rewritten() {
        for good in [
            "0",
            "1",
            "-1",
            "19.99",
            "10.5",
            "9007199254740992",
            "9007199254740994",
            "1e+21",
            "1e-7",
            "0.000001",
            "-0.5",
            "100000000000000000000",
            "1.7976931348623157e+308",
            "5e-324",
        ] {
            assert_eq!(parse(good).unwrap().as_str(), good);
        }
        for (bad, expected) in [
            ("1.0", "1, or \"1.0\" as text"),
            ("1e2", "100, or \"1e2\" as text"),
            ("1E+21", "1e+21, or \"1E+21\" as text"),
            ("1e21", "1e+21, or \"1e21\" as text"),
            ("10.50", "10.5, or \"10.50\" as text"),
            ("-0", "0, or \"-0\" as text"),
            ("0.0000001", "1e-7, or \"0.0000001\" as text"),
            (
                "1000000000000000000000",
                "1e+21, or \"1000000000000000000000\" as text",
            ),
            ("9007199254740993", "\"9007199254740993\" as text"),
            (
                "0.1000000000000000055511151231257827",
                "\"0.1000000000000000055511151231257827\" as text",
            ),
            ("18446744073709551615", "\"18446744073709551615\" as text"),
            ("1e400", "\"1e400\" as text"),
            ("1e-400", "\"1e-400\" as text"),
        ] {
            let text = format!(r#"{{"to":[{{"amount":{bad}}}]}}"#);
            let refusal = parse(&text).unwrap_err();
            assert_eq!(refusal.code(), "payload.not_canonical", "{bad}");
            assert_eq!(refusal.path(), Some("$.to[0].amount"));
            assert_eq!(refusal.found().as_deref(), Some(bad));
            assert_eq!(refusal.expected().as_deref(), Some(expected));
        }
        // As text, every one of them goes.
        assert!(parse(r#"["1.0","1e2","10.50","9007199254740993"]"#).is_ok());
    }

    #[test]
    fn a_key_stands_once() {
        for (text, path) in [
            (r#"{"a":1,"a":1}"#, "$.a"),
            (
                r#"{"x":{"b":[{"a":1,"c":{},"\u0061":2}]},"a":1}"#,
                "$.x.b[0].a",
            ),
            (r#"{"x":[[],{"a b":"}","a b":"{"}]}"#, "$.x[1][\"a b\"]"),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!(refusal.code(), "payload.not_canonical");
            assert_eq!(refusal.path(), Some(path), "{text}");
        }
    }

    #[test]
    fn other_faults_are_those_of_the_strict_reader() {
        for (text, path) in [
            (&b"{\"a\":[1,\"\\ud800\"]}"[..], "$.a[1]"),
            (b"{\"a\":\"\x00\"}", "$.a"),
            (b"{\"a\":tru}", "$.a"),
            (b"{\"a\":1}x", "$"),
            (b"", "$"),
            (b"\xef\xbb\xbf1", "$"),
            (b"{\"a\":\"\xff\"}", "$.a"),
        ] {
            let refusal = Payload::parse(text).unwrap_err();
            assert_eq!(refusal.code(), "payload.not_json");
            assert_eq!(refusal.path(), Some(path), "{text:?}");
        }
        // A character that is escaped is a character.
        assert_eq!(parse(r#""\u0000""#).unwrap().as_str(), r#""\u0000""#);
    }

    #[test]
    fn limits_are_kept() {
        let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert!(parse(&list(256)).is_ok());
        assert_eq!(parse(&list(257)), Err(Refusal::TooManyFields));
        // Empty ones are looked at as well.
        let empty = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert!(parse(&empty(256)).is_ok());
        assert_eq!(parse(&empty(257)), Err(Refusal::TooManyFields));

        let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(parse(&text(Payload::MAX_BYTES)).is_ok());
        let refusal = parse(&text(Payload::MAX_BYTES + 1)).unwrap_err();
        assert_eq!(refusal.code(), "payload.too_large");
        let value = Value::from("x".repeat(Payload::MAX_BYTES - 1));
        assert_eq!(Payload::of(&value).unwrap_err().code(), "payload.too_large");
        let payload = parse(&text(100)).unwrap();
        assert!(payload.clone().at_most(100).is_ok());
        let (limit, found) = (99, 100);
        assert_eq!(payload.at_most(99), Err(Refusal::TooLarge { limit, found }));

        assert!(parse(&("[".repeat(64) + &"]".repeat(64))).is_ok());
        assert_eq!(parse(&"[".repeat(65)), Err(Refusal::TooDeep));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let mut shown = String::new();
        let long = format!("[{}]", "1".repeat(1000));
        for text in [
            r#"{"amount":10.50}"#,
            r#"{"amount":9007199254740993}"#,
            r#"{"amount":1e400}"#,
            &long,
            r#"{"a":1,"a":2}"#,
            r#"{"a":"\ud800"}"#,
            &format!("[{}]", vec!["1"; 257].join(",")),
            &format!("\"{}\"", "x".repeat(Payload::MAX_BYTES)),
        ] {
            let refusal = parse(text).unwrap_err();
            shown.push_str(&format!("{}: {refusal}\n", refusal.code()));
            for (label, text) in [("expected", refusal.expected()), ("found", refusal.found())] {
                shown.extend(text.map(|text| format!("  {label}: {text}\n")));
            }
            shown.push_str(&format!("  next: {}\n", refusal.next()));
        }
        snapbox::assert_data_eq!(shown, snapbox::file!["snapshots/refusals.txt"].raw());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_its_own_canonical_form(token in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,8})?(e[+-]?[0-9]{1,2})?") {
            if let Ok(payload) = parse(&token) {
                prop_assert_eq!(payload.as_str(), &token);
                let double: f64 = token.parse().unwrap();
                prop_assert_eq!(number::canonical(&format!("{double:e}")), Some(token));
            }
        }
    }
}
