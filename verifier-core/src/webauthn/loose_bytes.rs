//! Bytes as servers, databases and people write them: for registrations and keys, which are no
//! evidence.
//!
//! ```text
//! "o2NmbXQ…"                              base64 or base64url, padded or not, in lines or not
//! "a363666d74…"                           hex, in either case, perhaps behind 0x or \x
//! [163, 99, 102, …]                       a list of bytes; Java's are from -128 to 127
//! {"0": 163, "1": 99, …}                  a Uint8Array, by JSON.stringify
//! {"type": "Buffer", "data": [163, …]}    a Buffer of Node.js, by JSON.stringify
//! ```
//!
//! A text of hex digits can be base64 as well, so a text has one or two *readings*. The caller,
//! who knows what the bytes have to be, takes the one that fits: nothing is decoded as something
//! that it is not.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use crate::encoding::{from_base64url, from_hex};
use crate::json::{Object, Value};

/// The bytes that a text or a JSON value may stand for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LooseBytes {
    hex: Option<Vec<u8>>,
    other: Option<Vec<u8>>,
}

impl LooseBytes {
    /// From this many bytes on, a text of hex digits is hex: by chance, base64 would look like
    /// that once in 10^13 times.
    const CERTAINLY_HEX: usize = 16;

    /// Reads a text.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let text: alloc::string::String =
            text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let digits = ["0x", "\\x"].iter().find_map(|p| text.strip_prefix(p));
        let hex = from_hex(&digits.unwrap_or(&text).to_ascii_lowercase()).ok();
        let (hex, other) = match (hex, digits) {
            (None, Some(_)) => return Err(Error::Hex),
            (Some(bytes), Some(_)) => (Some(bytes), None),
            (hex, None) => match base64(&text) {
                Ok(bytes) => (hex, Some(bytes)),
                Err(_) if hex.is_some() => (hex, None),
                Err(error) => return Err(error),
            },
        };
        let read = Self { hex, other };
        let is_empty = read.readings().all(<[u8]>::is_empty);
        match is_empty {
            true => Err(Error::Empty),
            false => Ok(read),
        }
    }

    /// Reads a JSON value.
    pub fn from_value(value: &Value<'_>) -> Result<Self, Error> {
        let bytes = match value {
            Value::String(text) => return Self::from_text(text),
            Value::Array(items) => bytes(items.iter())?,
            Value::Object(members) if members.iter().next().is_none() => {
                return Err(Error::LostBuffer);
            }
            Value::Object(members) => match members.get("data") {
                Some(Value::Array(items)) => bytes(items.iter())?,
                _ => typed_array(members)?,
            },
            other => {
                return Err(Error::Kind {
                    found: other.kind(),
                });
            }
        };
        match bytes.is_empty() {
            true => Err(Error::Empty),
            false => Ok(Self {
                hex: None,
                other: Some(bytes),
            }),
        }
    }

    /// The readings, one or two.
    pub fn readings(&self) -> impl Iterator<Item = &[u8]> {
        self.hex.iter().chain(&self.other).map(Vec::as_slice)
    }

    /// The only reading, for bytes of which nothing is known. Hex digits are hex if there are
    /// enough of them.
    pub fn into_only(self) -> Result<Vec<u8>, Error> {
        match (self.hex, self.other) {
            (Some(bytes), None) | (None, Some(bytes)) => Ok(bytes),
            (Some(bytes), _) if bytes.len() >= Self::CERTAINLY_HEX => Ok(bytes),
            _ => Err(Error::Ambiguous),
        }
    }
}

/// Why nothing can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Few hex digits, which base64 may be as well.
    #[error("either hex or base64url, and nothing tells which")]
    Ambiguous,
    /// An item of a list that is no byte.
    #[error("a list with something in it that is no byte")]
    Byte,
    /// A character that neither base64 nor hex has.
    #[error("neither base64 nor hex")]
    Character,
    /// Base64 that ends within a byte, or has bits set behind the last one.
    #[error("base64 that was cut off or edited: bits are left over at its end")]
    CutOff,
    /// No byte at all.
    #[error("empty")]
    Empty,
    /// Marked as hex, and not.
    #[error("marked as hex, and not hex")]
    Hex,
    /// Another kind of JSON value.
    #[error("{found}, not bytes in any encoding")]
    Kind {
        /// The kind.
        found: &'static str,
    },
    /// The remains of an ArrayBuffer after `JSON.stringify`.
    #[error(
        "{{}}: JSON.stringify leaves nothing else of an ArrayBuffer, and the bytes in it are lost"
    )]
    LostBuffer,
    /// Base64 in both alphabets at once.
    #[error("base64 in two alphabets at once: - or _ beside + or /")]
    MixedAlphabets,
    /// An object that is no list of bytes.
    #[error("an object that is no Uint8Array and no Buffer")]
    Object,
}

fn base64(text: &str) -> Result<Vec<u8>, Error> {
    let bare = text.trim_end_matches('=');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    if !bare.chars().all(plain) {
        return Err(Error::Character);
    }
    if bare.contains(['+', '/']) && bare.contains(['-', '_']) {
        return Err(Error::MixedAlphabets);
    }
    let padding = text.len().saturating_sub(bare.len());
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return Err(Error::CutOff);
    }
    from_base64url(&bare.replace('+', "-").replace('/', "_")).map_err(|_| Error::CutOff)
}

fn typed_array(members: &Object<'_>) -> Result<Vec<u8>, Error> {
    let count = members.iter().count();
    let item = |i: usize| members.get(&i.to_string()).ok_or(Error::Object);
    let items: Vec<&Value<'_>> = (0..count).map(item).collect::<Result<_, _>>()?;
    bytes(items.into_iter())
}

/// Bytes from 0 to 255, or from -128 to 127.
fn bytes<'v>(items: impl Iterator<Item = &'v Value<'v>>) -> Result<Vec<u8>, Error> {
    let number = |value: &Value<'_>| match value {
        Value::Number(token) => token.parse::<i16>().map_err(|_| Error::Byte),
        _ => Err(Error::Byte),
    };
    let numbers: Vec<i16> = items.map(number).collect::<Result<_, _>>()?;
    let signed = numbers.iter().any(|number| *number < 0);
    let byte = |number: i16| match signed {
        true => i8::try_from(number).map(i8::cast_unsigned),
        false => u8::try_from(number),
    };
    let bytes = numbers.into_iter().map(byte);
    bytes.collect::<Result<_, _>>().map_err(|_| Error::Byte)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::json::Limits;

    fn value(text: &str) -> Result<LooseBytes, Error> {
        LooseBytes::from_value(&Value::parse(text.as_bytes(), Limits::bytes(1024)).unwrap())
    }

    fn readings(text: &str) -> Result<Vec<Vec<u8>>, Error> {
        Ok(value(text)?.readings().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn one_text_in_every_encoding() {
        let bytes = vec![0xfb, 0xff, 0x3f, 0xa5];
        for text in [
            r#""-_8_pQ""#,
            r#""-_8_pQ==""#,
            r#""+/8/pQ""#,
            r#""+/8/pQ==""#,
            r#"" +/8/\n pQ==\r\n""#,
            r#""0xfbff3fa5""#,
            r#""\\xFBFF3FA5""#,
            "[251, 255, 63, 165]",
            "[-5, -1, 63, -91]",
            r#"{"0":251,"1":255,"2":63,"3":165}"#,
            r#"{"type":"Buffer","data":[251,255,63,165]}"#,
        ] {
            assert_eq!(readings(text), Ok(vec![bytes.clone()]), "{text}");
        }
    }

    #[test]
    fn hex_digits_have_two_readings_where_base64_could_be_meant() {
        let base64 = from_base64url("a501").unwrap();
        assert_eq!(readings(r#""a501""#), Ok(vec![vec![0xa5, 1], base64]));
        // No text of base64 has 4n + 1 characters or such an end, and hex has an even number.
        assert_eq!(
            readings(r#""a50102030f""#),
            Ok(vec![vec![0xa5, 1, 2, 3, 15]])
        );
        assert_eq!(readings(r#""a50""#).unwrap().len(), 1);

        let only = |text: &str| LooseBytes::from_text(text)?.into_only();
        assert_eq!(only("a501"), Err(Error::Ambiguous));
        assert_eq!(only("0xa501"), Ok(vec![0xa5, 1]));
        assert_eq!(only("pQEC"), Ok(vec![0xa5, 1, 2]));
        assert_eq!(only(&"aB".repeat(16)), Ok(vec![0xab; 16]));
    }

    #[test]
    fn says_what_cannot_be_read() {
        for (text, error) in [
            ("{}", Error::LostBuffer),
            ("\"\"", Error::Empty),
            ("[]", Error::Empty),
            ("null", Error::Kind { found: "null" }),
            ("7", Error::Kind { found: "a number" }),
            (r#""-_8/""#, Error::MixedAlphabets),
            (r#""-_8_pR==""#, Error::CutOff),
            (r#""-_8_pQ=""#, Error::CutOff),
            (r#""AAAAA""#, Error::CutOff),
            (r#""-_8_pQ===""#, Error::CutOff),
            (r#""user@example""#, Error::Character),
            (r#""0xa50""#, Error::Hex),
            ("[256]", Error::Byte),
            ("[-1, 128]", Error::Byte),
            ("[-129]", Error::Byte),
            ("[1.0]", Error::Byte),
            (r#"["1"]"#, Error::Byte),
            (r#"{"0":1,"2":1}"#, Error::Object),
            (r#"{"data":"AA"}"#, Error::Object),
        ] {
            assert_eq!(readings(text), Err(error), "{text}");
        }
    }
}
