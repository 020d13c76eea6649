//! A strict reader of CBOR (RFC 8949) in the canonical form of CTAP2 (CTAP 2.2 §8).
//!
//! Authenticators have to encode keys and extension outputs this way, so that each has one
//! encoding. This reader refuses every other one: lengths that are indefinite or longer than they
//! need to be, map keys out of order or twice, tags, floats, trailing bytes. It borrows from its
//! input, does not recurse, and its work is bounded by [`Limits`].
//!
//! The envelope of a registration is not evidence, and the field writes it in many ways;
//! [`Form::Definite`] reads those.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// A CBOR item.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An array.
    Array(Vec<Self>),
    /// `true` or `false`.
    Bool(bool),
    /// A byte string.
    Bytes(&'a [u8]),
    /// An integer from −2^63 to 2^63 − 1.
    Integer(i64),
    /// An integer beyond that, as far as −2^64 and 2^64 − 1.
    LargeInteger {
        /// The integer is −1 − `number`.
        negative: bool,
        /// At least 2^63.
        number: u64,
    },
    /// A map.
    Map(Map<'a>),
    /// `null`.
    Null,
    /// A float, `undefined`, or a simple value without a name; in [`Form::Definite`] only.
    Other,
    /// A text string.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// Reads `bytes`, which are one item and nothing else.
    pub fn parse(bytes: &'a [u8], limits: Limits) -> Result<Self, Error> {
        let (value, rest) = Self::parse_prefix(bytes, limits)?;
        if rest.is_empty() {
            return Ok(value);
        }
        let offset = bytes.len().saturating_sub(rest.len());
        Err(Error::new(offset, ErrorKind::TrailingBytes(rest.len())))
    }

    /// Reads the item that `bytes` begin with, and returns what follows it.
    pub fn parse_prefix(bytes: &'a [u8], limits: Limits) -> Result<(Self, &'a [u8]), Error> {
        let mut parser = Parser {
            all: bytes,
            rest: bytes,
            items: 0,
            limits,
        };
        let value = parser.item()?;
        Ok((value, parser.rest))
    }

    /// The kind of item, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Array(_) => "an array",
            Self::Bool(_) => "a boolean",
            Self::Bytes(_) => "a byte string",
            Self::Integer(_) => "an integer",
            Self::LargeInteger { .. } => "an integer of more than 64 bits",
            Self::Map(_) => "a map",
            Self::Null => "null",
            Self::Other => "a float or a simple value",
            Self::Text(_) => "a text string",
        }
    }
}

/// The entries of a map: unique keys, each an integer or a string, in the order of the input,
/// which is the canonical one in [`Form::Canonical`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Map<'a>(Vec<(Value<'a>, Value<'a>)>);

impl<'a> Map<'a> {
    /// The value of the integer `key`.
    pub fn get(&self, key: i64) -> Option<&Value<'a>> {
        self.find(&Value::Integer(key))
    }

    /// The value of the text `key`.
    pub fn get_text(&self, key: &str) -> Option<&Value<'a>> {
        self.find(&Value::Text(key))
    }

    /// All entries, in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = (&Value<'a>, &Value<'a>)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    fn find(&self, key: &Value<'_>) -> Option<&Value<'a>> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }
}

/// Which encodings of an item are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// The one that CTAP2 prescribes.
    Canonical,
    /// Every one of definite length in which no map has a key twice. Tags are skipped, floats and
    /// simple values become [`Value::Other`].
    Definite,
}

/// The input, and how much reading it may cost.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Which encodings are read.
    pub form: Form,
    /// How many arrays and maps may be open at once.
    pub depth: usize,
    /// How many items there may be in all, keys included.
    pub items: usize,
}

impl Limits {
    /// For a message of CTAP2, which allows four levels.
    pub const CTAP2: Self = Self {
        form: Form::Canonical,
        depth: 4,
        items: 1024,
    };
    /// For the parts of a registration that nobody verifies: the attestation object around the
    /// authenticator data, and the extension outputs in them. The attestation statements that
    /// exist need five levels.
    pub const UNVERIFIED: Self = Self {
        form: Form::Definite,
        depth: 16,
        items: 4096,
    };
}

/// Why bytes were refused, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
#[non_exhaustive]
pub struct Error {
    /// Offset into the input, in bytes.
    pub offset: usize,
    /// The fault at that place.
    pub kind: ErrorKind,
}

impl Error {
    fn new(offset: usize, kind: ErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// A fault of an input.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A map key for the second time.
    #[error("a map key for the second time")]
    DuplicateKey,
    /// The input ends inside an item.
    #[error("the input ends inside an item")]
    Incomplete,
    /// A string, array or map of indefinite length, or a stray end of one.
    #[error("an indefinite length")]
    IndefiniteLength,
    /// A map key that is neither an integer nor a string.
    #[error("a map key that is neither an integer nor a string")]
    KeyKind,
    /// A number or length in more bytes than it needs.
    #[error("a number in more bytes than it needs")]
    NotMinimal,
    /// A text string that is not UTF-8.
    #[error("a text string that is not UTF-8")]
    NotUtf8,
    /// An additional-information value that CBOR has reserved.
    #[error("a reserved kind of item")]
    Reserved,
    /// A float, or a simple value other than `false`, `true` and `null`.
    #[error("a float or an unknown simple value")]
    SimpleValue,
    /// A tag.
    #[error("a tag")]
    Tag,
    /// More open arrays and maps than the limit.
    #[error("more than {0} levels of nesting")]
    TooDeep(usize),
    /// More items than the limit.
    #[error("more than {0} items")]
    TooMany(usize),
    /// Bytes after the item.
    #[error("{0} bytes after the end")]
    TrailingBytes(usize),
    /// A map key that belongs before its predecessor.
    #[error("a map key out of order")]
    UnsortedKeys,
}

/// An array or map whose items have not all been read yet.
enum Open<'a> {
    Array {
        missing: u64,
        items: Vec<Value<'a>>,
    },
    Map {
        missing: u64,
        entries: Vec<(Value<'a>, Value<'a>)>,
        key: Value<'a>,
        /// `key` as it was encoded, for the order.
        encoded: &'a [u8],
    },
}

/// The first byte of an item and the number that belongs to it.
struct ItemHead {
    major: u8,
    number: u64,
}

/// The simple value `undefined`.
const UNDEFINED: u64 = 23;

struct Parser<'a> {
    all: &'a [u8],
    rest: &'a [u8],
    items: usize,
    limits: Limits,
}

impl<'a> Parser<'a> {
    fn item(&mut self) -> Result<Value<'a>, Error> {
        let mut open: Vec<Open<'a>> = Vec::new();
        loop {
            // An item begins here.
            let start = self.offset();
            let head = self.head()?;
            if head.major == 6 && self.is_definite() {
                // The item that the tag is on begins here.
                continue;
            }
            let mut value = match head.major {
                4 | 5 => {
                    if open.len() >= self.limits.depth {
                        return Err(Error::new(start, ErrorKind::TooDeep(self.limits.depth)));
                    }
                    match (head.major, head.number.checked_sub(1)) {
                        (4, None) => Value::Array(Vec::new()),
                        (_, None) => Value::Map(Map::default()),
                        (4, Some(missing)) => {
                            open.push(Open::Array {
                                missing,
                                items: Vec::new(),
                            });
                            continue;
                        }
                        (_, Some(missing)) => {
                            let (key, encoded) = self.key(None, &[])?;
                            open.push(Open::Map {
                                missing,
                                entries: Vec::new(),
                                key,
                                encoded,
                            });
                            continue;
                        }
                    }
                }
                _ => self.scalar(start, &head)?,
            };
            // It has ended; so may the arrays and maps around it.
            loop {
                match open.pop() {
                    None => return Ok(value),
                    Some(Open::Array { missing, mut items }) => {
                        items.push(value);
                        if let Some(missing) = missing.checked_sub(1) {
                            open.push(Open::Array { missing, items });
                            break;
                        }
                        value = Value::Array(items);
                    }
                    Some(Open::Map {
                        missing,
                        mut entries,
                        key,
                        encoded,
                    }) => {
                        entries.push((key, value));
                        if let Some(missing) = missing.checked_sub(1) {
                            let (key, encoded) = self.key(Some(encoded), &entries)?;
                            open.push(Open::Map {
                                missing,
                                entries,
                                key,
                                encoded,
                            });
                            break;
                        }
                        value = Value::Map(Map(entries));
                    }
                }
            }
        }
    }

    /// Reads a map key, which must come after `previous`, or at least not be among `entries`.
    fn key(
        &mut self,
        previous: Option<&[u8]>,
        entries: &[(Value<'a>, Value<'a>)],
    ) -> Result<(Value<'a>, &'a [u8]), Error> {
        let start = self.offset();
        let before = self.rest;
        let head = self.head()?;
        if head.major > 3 {
            return Err(Error::new(start, ErrorKind::KeyKind));
        }
        let key = self.scalar(start, &head)?;
        let length = before.len().saturating_sub(self.rest.len());
        let (encoded, _) = before.split_at_checked(length).unwrap_or_default();
        if self.is_definite() {
            // One key may have several encodings here, so the keys themselves are compared.
            return match entries.iter().any(|(other, _)| *other == key) {
                true => Err(Error::new(start, ErrorKind::DuplicateKey)),
                false => Ok((key, encoded)),
            };
        }
        // CTAP2 orders keys by major type, then length, then bytes. For integers and strings in
        // their shortest form that is the order of the bytes: the head begins with the type, and
        // grows with the length.
        match previous.map(|previous| previous.cmp(encoded)) {
            None | Some(Ordering::Less) => Ok((key, encoded)),
            Some(Ordering::Equal) => Err(Error::new(start, ErrorKind::DuplicateKey)),
            Some(Ordering::Greater) => Err(Error::new(start, ErrorKind::UnsortedKeys)),
        }
    }

    fn scalar(&mut self, start: usize, head: &ItemHead) -> Result<Value<'a>, Error> {
        Ok(match (head.major, head.number) {
            (0 | 1, number) => match (head.major, i64::try_from(number)) {
                (0, Ok(number)) => Value::Integer(number),
                (_, Ok(number)) => Value::Integer(-1 - number),
                (major, Err(_)) => Value::LargeInteger {
                    negative: major == 1,
                    number,
                },
            },
            (2, length) => Value::Bytes(self.take(length)?),
            (3, length) => {
                let text = core::str::from_utf8(self.take(length)?);
                Value::Text(text.map_err(|_| Error::new(start, ErrorKind::NotUtf8))?)
            }
            (6, _) => return Err(Error::new(start, ErrorKind::Tag)),
            (7, 20) => Value::Bool(false),
            (7, 21) => Value::Bool(true),
            (7, 22) => Value::Null,
            (7, _) if self.is_definite() => Value::Other,
            _ => return Err(Error::new(start, ErrorKind::SimpleValue)),
        })
    }

    /// Reads the head of an item (RFC 8949 §3).
    ///
    /// ```text
    /// 3 bits  major type
    /// 5 bits  0–23: the number itself; 24–27: it follows in 1, 2, 4 or 8 bytes, big-endian;
    ///         28–30: reserved; 31: indefinite length
    /// ```
    fn head(&mut self) -> Result<ItemHead, Error> {
        let start = self.offset();
        let error = |kind| Err(Error::new(start, kind));
        self.items = self.items.saturating_add(1);
        if self.items > self.limits.items {
            return error(ErrorKind::TooMany(self.limits.items));
        }
        let first = self.take(1)?.first().copied().unwrap_or_default();
        let major = first >> 5;
        let (length, least) = match first & 0x1f {
            number @ 0..=23 => {
                let number = number.into();
                return Ok(ItemHead { major, number });
            }
            // Behind major type 7 these are not numbers, but a simple value and floats.
            24..=27 if major == 7 && !self.is_definite() => {
                return error(ErrorKind::SimpleValue);
            }
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            31 => return error(ErrorKind::IndefiniteLength),
            _ => return error(ErrorKind::Reserved),
        };
        let number = self
            .take(length)?
            .iter()
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        if major == 7 {
            // Whatever it is, it is none of the three that have names.
            let number = UNDEFINED;
            return Ok(ItemHead { major, number });
        }
        if number < least && !self.is_definite() {
            return error(ErrorKind::NotMinimal);
        }
        Ok(ItemHead { major, number })
    }

    fn is_definite(&self) -> bool {
        self.limits.form == Form::Definite
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let (taken, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or(Error::new(self.all.len(), ErrorKind::Incomplete))?;
        self.rest = rest;
        Ok(taken)
    }

    fn offset(&self) -> usize {
        self.all.len().saturating_sub(self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;
    use crate::encoding::from_hex;

    fn refused(hex: &str) -> ErrorKind {
        let bytes = from_hex(hex).unwrap();
        Value::parse(&bytes, Limits::CTAP2).expect_err(hex).kind
    }

    #[test]
    fn reads_every_kind_of_item() {
        use Value::{Array, Bool, Bytes, Integer, Null, Text};
        let large = |negative, number| Value::LargeInteger { negative, number };
        for (hex, value) in [
            ("00", Integer(0)),
            ("17", Integer(23)),
            ("1818", Integer(24)),
            ("190100", Integer(256)),
            ("1a00010000", Integer(65_536)),
            ("1b0000000100000000", Integer(1 << 32)),
            ("1b7fffffffffffffff", Integer(i64::MAX)),
            ("1b8000000000000000", large(false, 1 << 63)),
            ("1bffffffffffffffff", large(false, u64::MAX)),
            ("20", Integer(-1)),
            ("390100", Integer(-257)),
            ("3b7fffffffffffffff", Integer(i64::MIN)),
            ("3b8000000000000000", large(true, 1 << 63)),
            ("3bffffffffffffffff", large(true, u64::MAX)),
            ("40", Bytes(&[])),
            ("42ff00", Bytes(&[255, 0])),
            ("62c3a9", Text("é")),
            ("80", Array(vec![])),
            ("8201f6", Array(vec![Integer(1), Null])),
            ("a0", Value::Map(Map::default())),
            (
                "a101a120f5",
                Value::Map(Map(vec![(
                    Integer(1),
                    Value::Map(Map(vec![(Integer(-1), Bool(true))])),
                )])),
            ),
            ("f4", Bool(false)),
        ] {
            let bytes = from_hex(hex).unwrap();
            assert_eq!(Value::parse(&bytes, Limits::CTAP2), Ok(value), "{hex}");
        }
    }

    #[test]
    fn refuses_a_second_encoding_of_anything() {
        use ErrorKind::*;
        for (hex, kind) in [
            ("1817", NotMinimal),
            ("1900ff", NotMinimal),
            ("1a0000ffff", NotMinimal),
            ("1b00000000ffffffff", NotMinimal),
            ("3817", NotMinimal),
            ("5801ff", NotMinimal),
            ("780161", NotMinimal),
            ("980100", NotMinimal),
            ("b8010000", NotMinimal),
            ("5f4100ff", IndefiniteLength),
            ("7f6161ff", IndefiniteLength),
            ("9f00ff", IndefiniteLength),
            ("bf0000ff", IndefiniteLength),
            ("ff", IndefiniteLength),
            ("1c", Reserved),
            ("fe", Reserved),
            ("c000", Tag),
            ("c24101", Tag),
            ("f90000", SimpleValue),
            ("fa00000000", SimpleValue),
            ("fb0000000000000000", SimpleValue),
            ("f7", SimpleValue),
            ("f0", SimpleValue),
            ("f814", SimpleValue),
            ("a20200", Incomplete),
            ("a202000100", UnsortedKeys),
            ("a220000000", UnsortedKeys),
            ("a262616100616200", UnsortedKeys),
            ("a2616200616100", UnsortedKeys),
            ("a2181800170000", UnsortedKeys),
            ("a201000100", DuplicateKey),
            ("a2616100616100", DuplicateKey),
            ("a18000", KeyKind),
            ("a1a000", KeyKind),
            ("a1f500", KeyKind),
            ("61ff", NotUtf8),
            ("62c080", NotUtf8),
            ("63eda080", NotUtf8),
            ("0000", TrailingBytes(1)),
            ("a000", TrailingBytes(1)),
        ] {
            assert_eq!(refused(hex), kind, "{hex}");
        }
    }

    #[test]
    fn keys_are_ordered_by_type_then_length_then_bytes() {
        // 1, 24, 256, -1, -25, h'02', h'0101', "b", "aa"
        let keys = [
            "01", "1818", "190100", "20", "3818", "4102", "420101", "6162", "626161",
        ];
        for (at, first) in keys.iter().enumerate() {
            for (other, second) in keys.iter().enumerate() {
                let bytes = from_hex(&format!("a2{first}00{second}00")).unwrap();
                let found = Value::parse(&bytes, Limits::CTAP2).map_err(|error| error.kind);
                match at.cmp(&other) {
                    Ordering::Less => assert!(found.is_ok(), "{first} {second}"),
                    Ordering::Equal => assert_eq!(found, Err(ErrorKind::DuplicateKey)),
                    Ordering::Greater => assert_eq!(found, Err(ErrorKind::UnsortedKeys)),
                }
            }
        }
    }

    #[test]
    fn refuses_every_prefix_of_an_item() {
        let whole = from_hex("a301820263616263021864206161").unwrap();
        for end in 0..whole.len() {
            let error = Value::parse(&whole[..end], Limits::CTAP2).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Incomplete, "{end}");
        }
    }

    #[test]
    fn work_is_bounded() {
        assert!(Value::parse(&[0x81, 0x81, 0x81, 0x80], Limits::CTAP2).is_ok());
        assert_eq!(refused("8181818180"), ErrorKind::TooDeep(4));
        assert_eq!(refused("a100a100a100a100a0"), ErrorKind::TooDeep(4));
        assert_eq!(refused(&"81".repeat(1 << 16)), ErrorKind::TooDeep(4));
        let items = format!("990400{}", "00".repeat(1024));
        assert_eq!(refused(&items), ErrorKind::TooMany(1024));
        for huge in [
            "5bffffffffffffffff",
            "9bffffffffffffffff",
            "bbffffffffffffffff",
        ] {
            assert_eq!(refused(huge), ErrorKind::Incomplete, "{huge}");
        }
    }

    #[test]
    fn the_field_s_encodings_are_read_where_nobody_verifies() {
        let read = |hex: &str| {
            let bytes = from_hex(hex).unwrap();
            match Value::parse(&bytes, Limits::UNVERIFIED) {
                Ok(Value::Map(map)) => Ok(map.iter().count()),
                Ok(_) => Ok(0),
                Err(error) => Err(error.kind),
            }
        };
        use ErrorKind::{DuplicateKey, Incomplete, IndefiniteLength, KeyKind, TooDeep, TooMany};
        for (hex, expected) in [
            // out of order, numbers in too many bytes
            ("a202000100", Ok(2)),
            ("a2616200616100", Ok(2)),
            ("b80261611900006162f5", Ok(2)),
            // a tag, two tags, floats, undefined, a simple value
            ("a16161c000", Ok(1)),
            ("a16161c0d9d9f780", Ok(1)),
            ("a36161f93c006162fa3f8000006163fb3ff0000000000000", Ok(3)),
            ("a26161f76162f820", Ok(2)),
            // one key twice, in one encoding and in two
            ("a201000100", Err(DuplicateKey)),
            ("a30100020018010000", Err(DuplicateKey)),
            ("a16161a2616100616100", Err(DuplicateKey)),
            ("bfff", Err(IndefiniteLength)),
            ("a161615fff", Err(IndefiniteLength)),
            ("a1c00100", Err(KeyKind)),
            ("a18000", Err(KeyKind)),
            ("a16161fb00", Err(Incomplete)),
            ("c0", Err(Incomplete)),
        ] {
            assert_eq!(read(hex), expected, "{hex}");
        }
        assert_eq!(read(&format!("{}80", "81".repeat(15))), Ok(0));
        assert_eq!(read(&format!("{}80", "81".repeat(16))), Err(TooDeep(16)));
        assert_eq!(read(&"c0".repeat(5000)), Err(TooMany(4096)));
    }

    #[test]
    fn says_what_follows_an_item() {
        let (value, rest) = Value::parse_prefix(&[0x01, 0xff], Limits::CTAP2).unwrap();
        assert_eq!((value, rest), (Value::Integer(1), &[0xff][..]));
    }
}
