//! From text to value, without recursion.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Error, ErrorKind, Limits, Object, Value, plain};

pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, limits: Limits) -> Self {
        Self {
            text,
            at: 0,
            values: 0,
            limits,
        }
    }

    /// Reads the whole text as one value.
    pub(super) fn document(mut self) -> Result<Value<'a>, Error> {
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
                        let object = Object::sorted(members);
                        if let Some(key) = object.duplicate() {
                            let kind = ErrorKind::DuplicateKey(key.into());
                            return Err(Error::new(self.at, kind));
                        }
                        value = Value::Object(object);
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
            let start = self.at;
            self.at += plain(self.rest());
            let run = self.since(start);
            match self.peek() {
                None => return Err(Error::new(self.at, ErrorKind::Syntax("a closing quote"))),
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

/// An array or object whose end has not been read yet.
enum Open<'a> {
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>, Cow<'a, str>),
}
