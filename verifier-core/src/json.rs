//! A strict reader of JSON (RFC 8259) and a writer of its canonical form (RFC 8785).
//!
//! Two parsers that disagree about a document are how a human approves one thing and a machine
//! executes another. So this reader refuses what parsers are known to disagree about: duplicate
//! keys, a byte order mark, lone surrogates, invalid UTF-8. It keeps the token of every number
//! instead of a rounded value, and its work is bounded by [`Limits`]. It does not recurse.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::quote;

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
        Parser {
            text,
            at: 0,
            values: 0,
            limits,
        }
        .document()
    }

    /// The canonical text of this value (RFC 8785); `None` where a number is not already written
    /// in the one form that RFC 8785 gives to the double it names, or where that double is not
    /// exactly the number that is written.
    pub fn to_canonical(&self) -> Option<String> {
        self.has_canonical_numbers().then(|| self.to_text())
    }

    /// The text of this value as RFC 8785 lays it out, except that every number keeps its token.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
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

    /// What kind of value this is, for messages.
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
            Self::Number(token) => is_canonical_number(token),
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
        Self::Object(
            members
                .into_iter()
                .map(|(k, v)| (Cow::Borrowed(k), v))
                .collect(),
        )
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

    /// A key that is not among `known`.
    pub fn unknown_key(&self, known: &[&str]) -> Option<&str> {
        self.iter()
            .map(|(key, _)| key)
            .find(|key| !known.contains(key))
    }

    /// `Err` with the first key that occurs twice.
    fn from_members(mut members: Vec<(Cow<'a, str>, Value<'a>)>) -> Result<Self, String> {
        members.sort_by(|(a, _), (b, _)| compare_keys(a, b));
        let twice = members.windows(2).find_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(a.to_string()),
            _ => None,
        });
        twice.map_or(Ok(Self(members)), Err)
    }
}

/// The last of two members with the same key wins. For values we write ourselves: the reader
/// refuses such an object.
impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.reverse();
        members.sort_by(|(a, _), (b, _)| compare_keys(a, b));
        members.dedup_by(|(a, _), (b, _)| a == b);
        Self(members)
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
    /// What is wrong there.
    pub kind: ErrorKind,
}

impl Error {
    fn new(offset: usize, kind: ErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// What is wrong with a text.
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

/// An array or object whose end has not been read yet.
enum Open<'a> {
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>, Cow<'a, str>),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    values: usize,
    limits: Limits,
}

impl<'a> Parser<'a> {
    fn document(mut self) -> Result<Value<'a>, Error> {
        let mut open = Vec::new();
        loop {
            // A value begins here.
            self.space();
            self.count()?;
            let mut value = match self.peek() {
                Some(b'[') => {
                    self.enter(&open)?;
                    if !self.take(b']') {
                        open.push(Open::Array(Vec::new()));
                        continue;
                    }
                    Value::Array(Vec::new())
                }
                Some(b'{') => {
                    self.enter(&open)?;
                    if !self.take(b'}') {
                        let key = self.key()?;
                        open.push(Open::Object(Vec::new(), key));
                        continue;
                    }
                    Value::Object(Object::default())
                }
                _ => self.scalar()?,
            };
            // It has ended; so may the arrays and objects around it.
            loop {
                match open.pop() {
                    None => {
                        self.space();
                        return match self.peek() {
                            None => Ok(value),
                            Some(_) => Err(self.syntax("the end of the text")),
                        };
                    }
                    Some(Open::Array(mut items)) => {
                        items.push(value);
                        if self.take(b',') {
                            open.push(Open::Array(items));
                            break;
                        }
                        if !self.take(b']') {
                            return Err(self.syntax("a comma or ]"));
                        }
                        value = Value::Array(items);
                    }
                    Some(Open::Object(mut members, key)) => {
                        members.push((key, value));
                        if self.take(b',') {
                            let key = self.key()?;
                            open.push(Open::Object(members, key));
                            break;
                        }
                        if !self.take(b'}') {
                            return Err(self.syntax("a comma or }"));
                        }
                        value = Object::from_members(members)
                            .map(Value::Object)
                            .map_err(|key| Error::new(self.at, ErrorKind::DuplicateKey(key)))?;
                    }
                }
            }
        }
    }

    fn enter(&mut self, open: &[Open<'a>]) -> Result<(), Error> {
        if open.len() >= self.limits.depth {
            return Err(Error::new(self.at, ErrorKind::TooDeep(self.limits.depth)));
        }
        self.at += 1;
        Ok(())
    }

    fn count(&mut self) -> Result<(), Error> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(Error::new(self.at, ErrorKind::TooMany(self.limits.values)));
        }
        Ok(())
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Error> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a key in double quotes"));
        }
        let key = self.string()?;
        if !self.take(b':') {
            return Err(self.syntax("a colon after the key"));
        }
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Value<'a>, Error> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(|n| Value::Number(Cow::Borrowed(n))),
            _ => {
                for (word, value) in [
                    ("null", Value::Null),
                    ("true", true.into()),
                    ("false", false.into()),
                ] {
                    if self.rest().starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.syntax("a value"))
            }
        }
    }

    fn number(&mut self) -> Result<&'a str, Error> {
        let start = self.at;
        self.accept(b'-');
        if !self.accept(b'0') && self.digits() == 0 {
            return Err(self.syntax("a digit"));
        }
        if self.accept(b'.') && self.digits() == 0 {
            return Err(self.syntax("a digit after the point"));
        }
        if self.accept(b'e') || self.accept(b'E') {
            let _sign = self.accept(b'+') || self.accept(b'-');
            if self.digits() == 0 {
                return Err(self.syntax("a digit in the exponent"));
            }
        }
        Ok(self.since(start))
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let mut unescaped: Option<String> = None;
        loop {
            let plain = self
                .rest()
                .bytes()
                .position(|b| b == b'"' || b == b'\\' || b < 0x20)
                .ok_or_else(|| Error::new(self.text.len(), ErrorKind::Syntax("a closing quote")))?;
            let start = self.at;
            self.at += plain;
            let run = self.since(start);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(run),
                        Some(text) => Cow::Owned(text + run),
                    });
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(run);
                    text.push(self.escape()?);
                }
                _ => return Err(Error::new(self.at, ErrorKind::ControlCharacter)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let mut units = [self.hex4()?, 0];
                let mut count = 1;
                if (0xd800..0xdc00).contains(&units[0]) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    units[1] = self.hex4()?;
                    count = 2;
                }
                let mut decoded = char::decode_utf16(units.into_iter().take(count));
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(c)), None) => c,
                    _ => return Err(Error::new(start, ErrorKind::LoneSurrogate)),
                }
            }
            _ => return Err(Error::new(start, ErrorKind::Syntax("a known escape"))),
        })
    }

    fn hex4(&mut self) -> Result<u16, Error> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|d| u16::from_str_radix(d, 16).ok());
        let unit = unit.ok_or_else(|| self.syntax("four hex digits"))?;
        self.at += 4;
        Ok(unit)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips white space, then `byte` if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        self.accept(byte)
    }

    fn accept(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn syntax(&self, expected: &'static str) -> Error {
        Error::new(self.at, ErrorKind::Syntax(expected))
    }
}

/// By UTF-16 code units (RFC 8785 §3.2.3). That is the order of the bytes, except between
/// characters above U+FFFF and those that follow the surrogates.
fn compare_keys(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

/// RFC 8785 §3.2.2.2.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut special = special.chars();
        match special.next().unwrap_or_default() {
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
    out.push_str(rest);
    out.push('"');
}

/// Whether RFC 8785 §3.2.2.3 would print the double that `token` names as `token`, and that
/// double is exactly the number that the token says. Readers that keep decimals and readers that
/// keep doubles agree about such a number.
fn is_canonical_number(token: &str) -> bool {
    match token.parse::<f64>() {
        Ok(value) if value.is_finite() => ecmascript_number(value) == token && is_dyadic(token),
        _ => false,
    }
}

/// Whether a canonical token is an integer below 2^53 times a power of two.
fn is_dyadic(token: &str) -> bool {
    let (mantissa, exponent) = token.split_once('e').unwrap_or((token, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.trim_start_matches('-'), fraction].concat();
    let shift = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let (Ok(mut number), Ok(exponent)) = (digits.parse::<u128>(), exponent.parse::<i64>()) else {
        return false;
    };
    // number × 10^tens; powers of two are free, so only the powers of five are left.
    let mut tens = exponent.saturating_sub(shift);
    while tens > 0 {
        match number.checked_mul(5) {
            Some(more) => number = more,
            None => return false,
        }
        number >>= number.trailing_zeros().min(127);
        tens -= 1;
    }
    while tens < 0 {
        if number % 5 != 0 {
            return false;
        }
        number /= 5;
        tens += 1;
    }
    number == 0 || number >> number.trailing_zeros() < 1 << 53
}

/// ECMAScript's Number::toString. Rust prints the same shortest digits; only the layout differs.
fn ecmascript_number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    // The decimal point stands after this many digits.
    let point = exponent + 1;
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    let plain = if count <= point && point <= 21 {
        digits.clone() + &zeros(point - count)
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = split(point);
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{dot}{rest}e{sign}{}", exponent.abs())
    };
    if value < 0.0 {
        format!("-{plain}")
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn parse(text: &str) -> Result<Value<'_>, ErrorKind> {
        Value::parse(text.as_bytes(), Limits::bytes(1 << 20)).map_err(|e| e.kind)
    }

    fn canonical(text: &str) -> Option<String> {
        parse(text).unwrap().to_canonical()
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
    fn numbers_keep_their_token_and_have_one_canonical_form() {
        for good in [
            "0",
            "1",
            "-1",
            "9007199254740992",
            "1e+21",
            "-0.5",
            "42.25",
            "1.5",
            "0.0009765625",
        ] {
            assert_eq!(canonical(good).as_deref(), Some(good));
        }
        for bad in [
            "-0",
            "1.0",
            "1e2",
            "1E+21",
            "9007199254740993",
            "18446744073709551615",
            "1e400",
            "1e-400",
            "0.10",
            "100000000000000000000000",
            "0.0000001",
            // In canonical form, but not exactly the double that it names.
            "0.1",
            "19.99",
            "1e-7",
            "1e+23",
            "123456789012345680000",
            "18446744073709552000",
            "333333333.3333333",
            "5e-324",
        ] {
            assert!(parse(bad).is_ok(), "{bad}");
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
