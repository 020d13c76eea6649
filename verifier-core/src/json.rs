//! A strict reader of JSON (RFC 8259) and a writer of its canonical form (RFC 8785).
//!
//! Two parsers that disagree about a document are how a human approves one thing and a machine
//! executes another. So this reader refuses what parsers are known to disagree about: duplicate
//! keys, a byte order mark, lone surrogates, invalid UTF-8. It keeps the token of every number
//! instead of a rounded value, and its work is bounded by [`Limits`]. It does not recurse.

mod reader;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::quote;
use reader::Reader;

/// A JSON value that borrows from its text wherever it can.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // JSON will not grow
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as the token that was read.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// Reads one JSON text.
    pub fn parse(text: &'a [u8], limits: Limits) -> Result<Self, Error> {
        if text.len() > limits.bytes {
            return Err(Error::new(0, ErrorKind::TooLong(limits.bytes)));
        }
        if text.starts_with(b"\xef\xbb\xbf") {
            return Err(Error::new(0, ErrorKind::ByteOrderMark));
        }
        let text = core::str::from_utf8(text)
            .map_err(|error| Error::new(error.valid_up_to(), ErrorKind::NotUtf8))?;
        Reader::new(text, limits).document()
    }

    /// The canonical text of this value (RFC 8785); `None` where a number is no integer from 0 to
    /// 2^53 in plain digits. The formats that have to be canonical have no other numbers, and about
    /// these every reader agrees.
    pub fn to_canonical(&self) -> Option<String> {
        self.has_canonical_numbers().then(|| self.to_text())
    }

    /// The text of this value as RFC 8785 lays it out, except that every number keeps its token.
    pub fn to_text(&self) -> String {
        // About the length of a report: what is written most often is not copied as it grows.
        let mut out = String::with_capacity(8 * 1024);
        self.write(&mut out);
        out
    }

    /// The same value, borrowing from nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Number(token) => Value::Number(Cow::Owned(token.into_owned())),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => items.into_iter().map(Self::into_owned).collect(),
            Self::Object(Object(members)) => Value::Object(Object(
                members
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            )),
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The number, if this is an integer from 0 to 2^64 − 1 in plain digits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(token) if token.bytes().all(|b| b.is_ascii_digit()) => token.parse().ok(),
            _ => None,
        }
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    // Recursion here and in `write` is bounded: a value is at most `Limits::depth` deep.
    fn has_canonical_numbers(&self) -> bool {
        match self {
            Self::Number(_) => self.as_u64().is_some_and(|number| number <= 1 << 53),
            Self::Array(items) => items.iter().all(Self::has_canonical_numbers),
            Self::Object(object) => object
                .iter()
                .all(|(_, value)| value.has_canonical_numbers()),
            Self::Null | Self::Bool(_) | Self::String(_) => true,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(token) => out.push_str(token),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Above 2^53 only [`Value::to_text`] writes such a number: RFC 8785 has no exact form for it.
impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Number(Cow::Owned(value.to_string()))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::String(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::String(Cow::Owned(value))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl FromIterator<Self> for Value<'_> {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

impl<'a, const N: usize> From<[(&'a str, Self); N]> for Value<'a> {
    fn from(members: [(&'a str, Self); N]) -> Self {
        // One copy of this code for all lengths.
        let mut members = members.into_iter().map(|(k, v)| (Cow::Borrowed(k), v));
        let members: &mut dyn Iterator<Item = (Cow<'a, str>, Self)> = &mut members;
        Self::Object(members.collect())
    }
}

/// The members of an object: unique keys, in the order of RFC 8785 §3.2.3 (by UTF-16 code units).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let at = self
            .0
            .binary_search_by(|(k, _)| compare_keys(k, key))
            .ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// All members, in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// With one member more, or another value of one that is there.
    #[must_use]
    pub fn with(self, key: &'a str, value: Value<'a>) -> Self {
        let others = self.0.into_iter().filter(|(other, _)| other != key);
        others.chain([(key.into(), value)]).collect()
    }

    /// A key that is not among `known`.
    pub fn unknown_key(&self, known: &[&str]) -> Option<&str> {
        self.iter()
            .map(|(key, _)| key)
            .find(|key| !known.contains(key))
    }

    /// In order, whatever their keys.
    fn sorted(mut members: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        members.sort_unstable_by(|(a, _), (b, _)| compare_keys(a, b));
        Self(members)
    }

    /// A key that occurs twice.
    fn duplicate(&self) -> Option<&str> {
        self.0.windows(2).find_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(a.as_ref()),
            _ => None,
        })
    }
}

/// For values that we write ourselves, under different keys; of two members with the same key one
/// is dropped. The reader refuses such an object.
impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        let mut object = Self::sorted(members.into_iter().collect());
        debug_assert_eq!(object.duplicate(), None);
        object.0.dedup_by(|(a, _), (b, _)| a == b);
        object
    }
}

/// How much a document may cost.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Length of the text in bytes.
    pub bytes: usize,
    /// How many arrays and objects may be open at once.
    pub depth: usize,
    /// How many values there may be in all.
    pub values: usize,
}

impl Limits {
    /// 64 levels and 65,536 values in at most `bytes` bytes.
    pub const fn bytes(bytes: usize) -> Self {
        Self {
            bytes,
            depth: 64,
            values: 65_536,
        }
    }
}

/// Why a text was refused, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
#[non_exhaustive]
pub struct Error {
    /// Offset into the text, in bytes.
    pub offset: usize,
    /// The fault at that place.
    pub kind: ErrorKind,
}

impl Error {
    fn new(offset: usize, kind: ErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// A fault of a text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// U+FEFF in front.
    #[error("a byte order mark")]
    ByteOrderMark,
    /// A character below U+0020 inside a string.
    #[error("an unescaped control character in a string")]
    ControlCharacter,
    /// A key that stands twice in one object.
    #[error("the key {} for the second time in one object", quote(.0))]
    DuplicateKey(String),
    /// A surrogate escape without its partner.
    #[error("a lone surrogate")]
    LoneSurrogate,
    /// Bytes that are not UTF-8.
    #[error("bytes that are not UTF-8")]
    NotUtf8,
    /// Anything else: what would have been right.
    #[error("no JSON: expected {0}")]
    Syntax(&'static str),
    /// More open arrays and objects than the limit.
    #[error("more than {0} levels of nesting")]
    TooDeep(usize),
    /// A longer text than the limit.
    #[error("more than {0} bytes")]
    TooLong(usize),
    /// More values than the limit.
    #[error("more than {0} values")]
    TooMany(usize),
}

/// By UTF-16 code units (RFC 8785 §3.2.3). Looks no further than to the first difference: a key
/// can be as long as all others together.
fn compare_keys(a: &str, b: &str) -> Ordering {
    let (a_bytes, b_bytes) = (a.as_bytes(), b.as_bytes());
    let both = a_bytes.iter().zip(b_bytes);
    let same = both.take_while(|(a, b)| a == b).count();
    // UTF-8 is in the order of the characters. UTF-16 has those above U+FFFF before those from
    // U+E000 on, which begin with the byte 0xEE or 0xEF.
    match (a_bytes.get(same), b_bytes.get(same)) {
        (Some(a_byte), Some(b_byte)) if *a_byte.max(b_byte) >= 0xee => {
            a.encode_utf16().cmp(b.encode_utf16())
        }
        (a_byte, b_byte) => a_byte.cmp(&b_byte),
    }
}

/// How many bytes at the beginning of `text` stand in a string of JSON as they are. All others are
/// ASCII, so a position among the bytes is one among the characters.
fn plain(text: &str) -> usize {
    const BLOCK: usize = 16;
    let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Most of a bundle is long strings. A block is looked at as a whole, without a branch for each
    // byte, so that the compiler can use vectors.
    let is_plain = |block: &&[u8]| !block.iter().fold(false, |any, byte| any | special(*byte));
    let bytes = text.as_bytes();
    let blocks = bytes.chunks_exact(BLOCK).take_while(is_plain).count();
    let done = blocks.saturating_mul(BLOCK);
    let rest = bytes.iter().skip(done);
    done.saturating_add(rest.take_while(|byte| !special(**byte)).count())
}

/// RFC 8785 §3.2.2.2.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let (run, special) = rest.split_at(plain(rest));
        out.push_str(run);
        let mut special = special.chars();
        let Some(next) = special.next() else { break };
        match next {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
        rest = special.as_str();
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::vec;

    use super::*;

    fn parse(text: &str) -> Result<Value<'_>, ErrorKind> {
        Value::parse(text.as_bytes(), Limits::bytes(1 << 20)).map_err(|e| e.kind)
    }

    fn canonical(text: &str) -> Option<String> {
        parse(text).unwrap().to_canonical()
    }

    #[test]
    fn keys_are_in_the_order_of_utf_16() {
        let parts = [
            "",
            "a",
            "b",
            "é",
            "\u{7ff}",
            "\u{800}",
            "\u{d7ff}",
            "\u{e000}",
            "\u{ffff}",
            "\u{10000}",
            "\u{10ffff}",
        ];
        let keys: Vec<String> = parts
            .iter()
            .flat_map(|first| parts.map(|second| [*first, second].concat()))
            .collect();
        for a in &keys {
            for b in &keys {
                let expected = a.encode_utf16().cmp(b.encode_utf16());
                assert_eq!(compare_keys(a, b), expected, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn strings_are_plain_up_to_what_needs_an_escape() {
        for length in 0..40 {
            let text = "é".repeat(length) + &"x".repeat(length);
            assert_eq!(plain(&text), text.len());
            for special in ["\"", "\\", "\u{1f}", "\0"] {
                let more = [&text, special, &text].concat();
                assert_eq!(plain(&more), text.len(), "{more:?}");
            }
        }
    }

    #[test]
    fn canonical_form_follows_rfc_8785() {
        for (text, expected) in [
            (
                " { \"b\" : [ 1 , true ] , \"a\" : null } ",
                r#"{"a":null,"b":[1,true]}"#,
            ),
            ("{}", "{}"),
            ("[ ]", "[]"),
            (
                r#""\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\/""#,
                r#""€$\u000f\nA'B\"\\\\\"/""#,
            ),
            // UTF-16 order: a surrogate pair sorts before U+FB33.
            (
                r#"{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3,"1":4}"#,
                "{\"1\":4,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}",
            ),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn numbers_keep_their_token_and_only_integers_are_canonical() {
        for good in ["0", "1", "42", "9007199254740992"] {
            assert_eq!(canonical(good).as_deref(), Some(good));
        }
        for bad in [
            "-0",
            "-1",
            "1.0",
            "1e2",
            "9007199254740993",
            "18446744073709551616",
            "0.5",
            "19.99",
            "1e+21",
        ] {
            assert_eq!(parse(bad).unwrap().to_text(), bad);
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    #[test]
    fn refuses_what_parsers_disagree_about() {
        use ErrorKind::*;
        for (text, kind) in [
            (r#"{"a":1,"a":2}"#, DuplicateKey("a".into())),
            (r#"{"a":1,"\u0061":2}"#, DuplicateKey("a".into())),
            ("\u{feff}{}", ByteOrderMark),
            (r#""\ud800""#, LoneSurrogate),
            (r#""\udc00""#, LoneSurrogate),
            (r#""\ud800\u0041""#, LoneSurrogate),
            ("\"\t\"", ControlCharacter),
            ("", Syntax("a value")),
            ("nul", Syntax("a value")),
            ("[1,]", Syntax("a value")),
            ("{\"a\":1,}", Syntax("a key in double quotes")),
            ("{a:1}", Syntax("a key in double quotes")),
            ("[1 2]", Syntax("a comma or ]")),
            ("{\"a\" 1}", Syntax("a colon after the key")),
            ("01", Syntax("the end of the text")),
            ("1.", Syntax("a digit after the point")),
            ("1e", Syntax("a digit in the exponent")),
            ("-", Syntax("a digit")),
            ("{} x", Syntax("the end of the text")),
            ("\"abc", Syntax("a closing quote")),
            (r#""\x""#, Syntax("a known escape")),
            (r#""\u00g0""#, Syntax("four hex digits")),
            (r#""\u+123""#, Syntax("four hex digits")),
            ("// c\n1", Syntax("a value")),
            ("\u{a0}1", Syntax("a value")),
        ] {
            assert_eq!(parse(text), Err(kind), "{text:?}");
        }
        let not_utf8 = Value::parse(b"\"\xff\"", Limits::bytes(9)).unwrap_err();
        assert_eq!(not_utf8, Error::new(1, NotUtf8));
    }

    #[test]
    fn keys_are_compared_as_far_as_they_are_the_same() {
        let long = "a".repeat(1 << 20);
        let begin = std::time::Instant::now();
        for _ in 0..20_000 {
            assert_eq!(compare_keys(&long, "b"), Ordering::Less);
        }
        // A second and more if the whole key is looked at.
        assert!(begin.elapsed().as_millis() < 500);
    }

    #[test]
    fn work_is_bounded() {
        let limits = Limits {
            bytes: 1000,
            depth: 3,
            values: 5,
        };
        let refused = |text: &str| Value::parse(text.as_bytes(), limits).unwrap_err().kind;
        assert!(Value::parse(b"[[[1,2]]]", limits).is_ok());
        assert_eq!(refused("[[[[]]]]"), ErrorKind::TooDeep(3));
        assert_eq!(refused("[1,2,3,4,5]"), ErrorKind::TooMany(5));
        assert_eq!(refused(&" ".repeat(1001)), ErrorKind::TooLong(1000));
        let deep = "[".repeat(1 << 20);
        assert_eq!(parse(&deep), Err(ErrorKind::TooDeep(64)));
    }

    #[test]
    fn members_are_found_by_key() {
        let value = parse(r#"{"z":1,"a":"x","m":[]}"#).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(object.get("a").unwrap().as_str(), Some("x"));
        assert_eq!(object.get("z").unwrap().as_u64(), Some(1));
        assert_eq!(object.get("b"), None);
        assert_eq!(object.unknown_key(&["a", "m"]), Some("z"));
    }

    #[test]
    fn what_we_write_reads_back() {
        let value = Value::from([
            (
                "list",
                vec![Value::from(7), Value::from(true), Value::Null]
                    .into_iter()
                    .collect(),
            ),
            ("text", Value::from("a\u{1}\"")),
        ]);
        let text = value.to_canonical().unwrap();
        assert_eq!(text, r#"{"list":[7,true,null],"text":"a\u0001\""}"#);
        assert_eq!(parse(&text), Ok(value));
    }
}
