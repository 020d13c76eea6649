//! Payload → hash → challenge: what the human approved, as the signature names it.
//!
//! ```text
//! payloadHash = SHA-256(payload)
//! challenge   = nonce (16 to 64 bytes) ‖ payloadHash (32 bytes)
//! ```

mod fields;
mod variant;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::code::Code;
use crate::encoding::{base64url, from_base64url};
use crate::json::{Limits, Value};
use crate::{Failure, quote, shown};

pub use fields::{Field, fields};
pub(crate) use variant::variant;

/// A WebAuthn challenge that names a payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    nonce: Vec<u8>,
    payload_hash: [u8; 32],
}

impl Challenge {
    const SHORTEST: usize = 16 + 32;
    const LONGEST: usize = 64 + 32;

    /// Reads the `challenge` string of clientDataJSON: strict base64url of 48 to 96 bytes.
    pub fn parse(text: &str) -> Result<Self, ChallengeError> {
        let bytes = from_base64url(text)
            .map_err(|_| ChallengeError::NotBase64Url { found: quote(text) })?;
        let found = bytes.len();
        if !(Self::SHORTEST..=Self::LONGEST).contains(&found) {
            return Err(ChallengeError::Length { found });
        }
        let (nonce, payload_hash) = bytes
            .split_last_chunk()
            .ok_or(ChallengeError::Length { found })?;
        Ok(Self {
            nonce: nonce.to_vec(),
            payload_hash: *payload_hash,
        })
    }

    /// The random part, 16 to 64 bytes.
    pub fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    /// The hash of the context, if there is room for one: of the challenge of an approval with
    /// context it is the middle third. Whether it is one only the context can say.
    ///
    /// ```text
    /// random[32] ‖ SHA-256(context) ‖ SHA-256(payload)
    /// ```
    pub fn context_hash(&self) -> Option<&[u8; 32]> {
        let (random, hash) = self.nonce.split_last_chunk()?;
        (random.len() == 32).then_some(hash)
    }

    /// The SHA-256 of the approved payload.
    pub fn payload_hash(&self) -> &[u8; 32] {
        &self.payload_hash
    }

    /// The string as a browser writes it.
    pub fn to_text(&self) -> String {
        base64url(&[self.nonce.as_slice(), &self.payload_hash].concat())
    }
}

/// Why a challenge names no payload.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// Another length than that of a nonce and a hash.
    #[error("the challenge is not a nonce of 16 to 64 bytes followed by a SHA-256 hash")]
    Length {
        /// In bytes.
        found: usize,
    },
    /// Not strict base64url.
    #[error("the challenge is not strict base64url")]
    NotBase64Url {
        /// The string, quoted.
        found: String,
    },
}

impl Failure for ChallengeError {
    fn code(&self) -> Code {
        Code::WebauthnChallenge
    }

    fn expected(&self) -> Option<String> {
        Some("48 to 96 bytes in base64url without padding".into())
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Length { found } => Some(format!("{found} bytes")),
            Self::NotBase64Url { found } => Some(found.clone()),
        }
    }
}

/// Whether two payloads are the same JSON document: white space, key order and string escapes may
/// differ and nothing else. Numbers have to be the same text: `19.99` beside `19.99` is the same for
/// every reader there is, `1e2` beside `100` is not. A duplicate key makes the answer no.
pub fn same_json(a: &[u8], b: &[u8]) -> bool {
    match (Value::parse(a, LIMITS), Value::parse(b, LIMITS)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// One place where two payloads differ.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The place, such as `$.amount`; `byte 17` where one of the two is not JSON.
    pub path: String,
    /// The caller's value there; `None` if it has nothing.
    pub expected: Option<String>,
    /// The approved value there; `None` if it has nothing.
    pub found: Option<String>,
}

/// Where two payloads differ.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Differences {
    /// The first places, at most eight.
    pub first: Vec<Difference>,
    /// How many more places there are.
    pub left_out: u64,
}

/// Where the payload that was approved differs from the one that was expected: fields if both are
/// JSON, else the first byte.
pub fn differences(expected: &[u8], approved: &[u8]) -> Differences {
    let mut found = Differences::default();
    match (
        Value::parse(expected, LIMITS),
        Value::parse(approved, LIMITS),
    ) {
        (Ok(expected), Ok(approved)) => {
            let path = Vec::new();
            let mut comparison = Comparison { path, found };
            comparison.values(&expected, &approved);
            return comparison.found;
        }
        _ if expected != approved => found.first.push(first_byte(expected, approved)),
        _ => {}
    }
    found
}

/// The longest payload that a bundle carries, in bytes: 512 KiB.
pub const MAX_BYTES: usize = 512 * 1024;

/// A payload may consist of many small values.
const LIMITS: Limits = Limits {
    bytes: MAX_BYTES,
    depth: 64,
    values: 262_144,
};

const MOST_DIFFERENCES: usize = 8;

/// The differences so far, and where the comparison stands.
struct Comparison<'v> {
    path: Vec<Step<'v>>,
    found: Differences,
}

/// One step on the way to a place in a JSON document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // JSON will not grow
pub enum Step<'v> {
    /// To a member of an object.
    Key(&'v str),
    /// To an item of an array, counted from 0.
    Index(usize),
}

impl<'v> Comparison<'v> {
    // Recursion is bounded by `LIMITS.depth`, and every value is looked at once.
    fn values(&mut self, expected: &'v Value<'_>, approved: &'v Value<'_>) {
        match (expected, approved) {
            (Value::Object(a), Value::Object(b)) => {
                let missing_in_a = b.iter().filter(|(key, _)| a.get(key).is_none());
                for (key, _) in a.iter().chain(missing_in_a) {
                    self.step(Step::Key(key), a.get(key), b.get(key));
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                for i in 0..a.len().max(b.len()) {
                    self.step(Step::Index(i), a.get(i), b.get(i));
                }
            }
            _ if expected != approved => self.differ(Some(expected), Some(approved)),
            _ => {}
        }
    }

    fn step(
        &mut self,
        step: Step<'v>,
        expected: Option<&'v Value<'_>>,
        approved: Option<&'v Value<'_>>,
    ) {
        self.path.push(step);
        match (expected, approved) {
            (Some(a), Some(b)) => self.values(a, b),
            _ => self.differ(expected, approved),
        }
        self.path.pop();
    }

    fn differ(&mut self, expected: Option<&Value<'_>>, approved: Option<&Value<'_>>) {
        if self.found.first.len() >= MOST_DIFFERENCES {
            self.found.left_out = self.found.left_out.saturating_add(1);
            return;
        }
        let (expected, found) = match (expected, approved) {
            (Some(a), Some(b)) => {
                let (a, b) = show_two(a, b);
                (Some(a), Some(b))
            }
            (a, b) => (a.map(show), b.map(show)),
        };
        let path = path(&self.path);
        self.found.first.push(Difference {
            path,
            expected,
            found,
        });
    }
}

/// A path for people, such as `$.to[0]`: its beginning, if it is long.
pub fn path(steps: &[Step<'_>]) -> String {
    const LONGEST: usize = 200;
    let mut out = String::from("$");
    for step in steps {
        if out.len() > LONGEST {
            out.push_str(" …");
            break;
        }
        match step {
            Step::Index(i) => out.push_str(&format!("[{i}]")),
            Step::Key(key) if is_plain(key) => out.push_str(&format!(".{key}")),
            Step::Key(key) => out.push_str(&format!("[{}]", quote(key))),
        }
    }
    out
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A value as people should see it: strings quoted and escaped, the rest as its JSON text.
fn show(value: &Value<'_>) -> String {
    show_from(value, &text_of(value), 0)
}

/// Two values that differ, so that the difference is seen: long ones from shortly before the
/// place where they part.
fn show_two(a: &Value<'_>, b: &Value<'_>) -> (String, String) {
    /// Two texts that part later than this are not shown from their beginning.
    const LATE: usize = 100;
    /// The part that is shown before that place.
    const BEFORE: usize = 20;
    let (left, right) = (text_of(a), text_of(b));
    let pairs = left.chars().zip(right.chars());
    let same = pairs.take_while(|(a, b)| a == b).count();
    let long = [&left, &right].map(|text| text.chars().count() > shown::LONGEST);
    let skip = match same > LATE && long != [false, false] {
        true => same.saturating_sub(BEFORE),
        false => 0,
    };
    (show_from(a, &left, skip), show_from(b, &right, skip))
}

/// The content of a string, or the JSON text of anything else.
fn text_of<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_text()),
    }
}

/// `text`, which is that of `value`, without its first `skip` characters.
fn show_from(value: &Value<'_>, text: &str, skip: usize) -> String {
    let rest: String = text.chars().skip(skip).collect();
    let quoted = quote(&rest);
    let bare = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    let shown = match (value, bare) {
        (Value::String(_), _) => quoted,
        (_, Some(text)) if !text.bytes().any(|byte| byte == b'\\') => text.to_string(),
        _ => quoted,
    };
    match skip.checked_add(1) {
        Some(first) if skip > 0 => format!("from character {first}: {shown}"),
        _ => shown,
    }
}

fn first_byte(expected: &[u8], approved: &[u8]) -> Difference {
    let at = expected
        .iter()
        .zip(approved)
        .take_while(|(a, b)| a == b)
        .count();
    let byte = |bytes: &[u8]| bytes.get(at).map(|b| format!("0x{b:02x}"));
    Difference {
        path: format!("byte {at}"),
        expected: byte(expected),
        found: byte(approved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What could be taken for something else stands in quotes.
    #[test]
    fn only_plain_keys_go_without_quotes() {
        let long = "x".repeat(65);
        for (key, shown) in [
            ("amount_2", "$.amount_2"),
            ("", "$[\"\"]"),
            ("a b", "$[\"a b\"]"),
            ("a.b", "$[\"a.b\"]"),
            (&long[1..], &format!("$.{}", &long[1..])),
            (&long, &format!("$[\"{long}\"]")),
        ] {
            assert_eq!(path(&[Step::Key(key)]), shown);
        }
        assert_eq!(path(&[Step::Key("to"), Step::Index(3)]), "$.to[3]");
    }

    #[test]
    fn what_is_the_same_does_not_differ() {
        for bytes in [&b"no JSON"[..], b"[1]", b""] {
            assert_eq!(differences(bytes, bytes), Differences::default());
        }
        assert_eq!(differences(b"no JSON", b"no json").first.len(), 1);
    }

    #[test]
    fn challenge_is_nonce_and_hash() {
        let bytes: Vec<u8> = (0..64).collect();
        let challenge = Challenge::parse(&base64url(&bytes)).unwrap();
        assert_eq!(challenge.nonce(), &bytes[..32]);
        assert_eq!(challenge.payload_hash()[..], bytes[32..]);
        assert_eq!(challenge.to_text(), base64url(&bytes));
        assert_eq!(challenge.context_hash(), None);
        let bytes: Vec<u8> = (0..96).collect();
        let challenge = Challenge::parse(&base64url(&bytes)).unwrap();
        assert_eq!(challenge.context_hash().unwrap()[..], bytes[32..64]);

        for (length, fits) in [
            (47, false),
            (48, true),
            (96, true),
            (97, false),
            (32, false),
        ] {
            let text = base64url(&alloc::vec![7; length]);
            assert_eq!(Challenge::parse(&text).is_ok(), fits, "{length}");
            assert!(Challenge::parse(&(text + "=")).is_err());
        }
    }

    #[test]
    fn only_the_layout_of_json_may_differ() {
        let same = |a: &str, b: &str| same_json(a.as_bytes(), b.as_bytes());
        let payload = r#"{"to":"DE89","amount":"42.00","n":1,"x":[1.5,true,null]}"#;
        assert!(same(payload, payload));
        assert!(same(
            payload,
            r#" { "x":[1.5,true,null],"amount":"42\u002e00","n":1,"to":"DE89" }"#
        ));
        for other in [
            r#"{"to":"DE89","amount":"42.01","n":1,"x":[1.5,true,null]}"#,
            r#"{"to":"DE89","amount":"42.00","n":1,"x":[true,1.5,null]}"#,
            r#"{"to":"DE89","amount":"42.00","n":"1","x":[1.5,true,null]}"#,
            r#"{"to":"DE89","amount":"42.00","n":1}"#,
            "not json",
        ] {
            assert!(!same(payload, other), "{other}");
        }
        // Numbers are compared as they are written, never by what they come to.
        for number in ["19.99", "1.0", "1e2", "-0", "9007199254740993", "1e400"] {
            assert!(same(number, &format!(" {number}\n")), "{number}");
        }
        for (a, b) in [
            ("1.0", "1"),
            ("1e2", "100"),
            ("1e2", "1E2"),
            ("1e2", "1e+2"),
            ("-0", "0"),
            ("0.10", "0.1"),
            ("9007199254740993", "9007199254740992"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} {b}");
        }
        // What parsers disagree about disables the comparison, even between equal texts.
        let twice = r#"{"a":1,"a":1}"#;
        assert!(!same(twice, twice));
    }

    #[test]
    fn names_the_fields_that_differ() {
        let diff = |a: &str, b: &str| differences(a.as_bytes(), b.as_bytes());
        let found = diff(
            r#"{"amount":"43000.00","to":{"iban":"DE89"},"list":[1,2],"new":1}"#,
            r#"{"amount":"42000.00","to":{"iban":"DE90"},"list":[1],"old key":"a\u202eb"}"#,
        );
        let text: Vec<_> = found
            .first
            .iter()
            .map(|d| {
                format!(
                    "{} {:?} {:?}",
                    d.path,
                    d.expected.as_deref(),
                    d.found.as_deref()
                )
            })
            .collect();
        assert_eq!(
            text,
            [
                r#"$.amount Some("\"43000.00\"") Some("\"42000.00\"")"#,
                r#"$.list[1] Some("2") None"#,
                r#"$.new Some("1") None"#,
                r#"$.to.iban Some("\"DE89\"") Some("\"DE90\"")"#,
                r#"$["old key"] None Some("\"a\\u{202e}b\"")"#,
            ]
        );
        assert_eq!(found.left_out, 0);
        assert_eq!(diff("abc", "abd").first[0].path, "byte 2");
        assert_eq!(diff("{}", " {}"), Differences::default());
    }

    #[test]
    fn counts_the_differences_that_it_leaves_out() {
        let many: String = (0..99).map(|i| format!("{i},")).collect();
        let found = differences(format!("[{many}0]").as_bytes(), b"[]");
        assert_eq!((found.first.len(), found.left_out), (8, 92));
        let found = differences(format!("[{many}0]").as_bytes(), b"[0,1]");
        assert_eq!((found.first.len(), found.left_out), (8, 90));
    }

    #[test]
    fn long_values_are_shown_from_where_they_differ() {
        let one = |a: &str, b: &str| {
            let found = differences(a.as_bytes(), b.as_bytes()).first.remove(0);
            (found.expected.unwrap(), found.found.unwrap())
        };
        let text = |x: usize, end: &str| format!("\"{}{end}\"", "x".repeat(x));
        // What fits is shown whole, however late it differs.
        let (a, b) = one(&text(190, "Alice"), &text(190, "Mallory"));
        assert!(a.starts_with("\"xxx") && a.ends_with("xAlice\"") && b.ends_with("xMallory\""));
        let (a, b) = one(&text(250, "Alice"), &text(250, "Mallory"));
        assert_eq!(a, "from character 231: \"xxxxxxxxxxxxxxxxxxxxAlice\"");
        assert_eq!(b, "from character 231: \"xxxxxxxxxxxxxxxxxxxxMallory\"");
        // One is the beginning of the other.
        let (a, b) = one(&text(300, ""), &text(300, &"y".repeat(300)));
        assert_eq!(a, "from character 281: \"xxxxxxxxxxxxxxxxxxxx\"");
        assert!(b.ends_with("yy\" and 120 characters more"), "{b}");
        // Numbers, and values of two kinds.
        let (a, b) = one(
            &format!("{}7", "1".repeat(300)),
            &format!("{}8", "1".repeat(300)),
        );
        assert_eq!(
            (a.as_str(), b.as_str()),
            (
                "from character 281: 111111111111111111117",
                "from character 281: 111111111111111111118"
            )
        );
        let (a, b) = one("\"1\"", "1");
        assert_eq!((a.as_str(), b.as_str()), ("\"1\"", "1"));
    }
}
