//! JSON as docs/spec/README.md defines it, and its canonical form.

use super::encodings::decimal;

/// A value; numbers as they were written.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Bool(bool),
    List(Vec<Self>),
    Null,
    Number(String),
    Object(Vec<(String, Self)>),
    Text(String),
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    Not,
    TooLong,
}

/// The values that a text may have in all.
pub(super) const VALUES: usize = 65_536;
/// The same for a payload.
pub(super) const PAYLOAD_VALUES: usize = 262_144;
const LEVELS: usize = 64;

impl Json {
    /// Reads a text of at most `bytes` bytes and `values` values.
    pub(super) fn read(text: &[u8], bytes: usize, values: usize) -> Result<Self, Refusal> {
        if text.len() > bytes {
            return Err(Refusal::TooLong);
        }
        let text = core::str::from_utf8(text).map_err(|_| Refusal::Not)?;
        let mut reader = Reader {
            rest: text,
            values: 0,
            limit: values,
        };
        let value = reader.element(0).ok_or(Refusal::Not)?;
        match reader.rest {
            "" => Ok(value),
            _ => Err(Refusal::Not),
        }
    }

    pub(super) fn member(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An object without members other than these.
    pub(super) fn has_only(&self, known: &[&str]) -> bool {
        match self {
            Self::Object(members) => members.iter().all(|(key, _)| known.contains(&key.as_str())),
            _ => false,
        }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// An integer from 0 to 2^64 − 1.
    pub(super) fn integer(&self) -> Option<u64> {
        match self {
            Self::Number(token) => decimal(token),
            _ => None,
        }
    }

    /// RFC 8785, or nothing if a number has no canonical form.
    pub(super) fn canonical(&self) -> Option<String> {
        let mut out = String::new();
        self.write(&mut out, is_canonical)?;
        Some(out)
    }

    /// The same for a payload, in which every number stays as it is written.
    pub(super) fn in_one_layout(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, |_| true);
        out
    }

    fn write(&self, out: &mut String, fits: fn(&str) -> bool) -> Option<()> {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(token) if fits(token) => out.push_str(token),
            Self::Number(_) => return None,
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    item.write(out, fits)?;
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_cached_key(|(key, _)| key.encode_utf16().collect::<Vec<_>>());
                out.push('{');
                for (i, (key, value)) in members.into_iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    write_text(key, out);
                    out.push(':');
                    value.write(out, fits)?;
                }
                out.push('}');
            }
        }
        Some(())
    }
}

/// RFC 8785 §3.2.2.2: these seven in short, other control characters in hex, the rest as it is.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Whether a token is an integer from 0 to 2^53 in plain digits.
fn is_canonical(token: &str) -> bool {
    decimal(token).is_some_and(|number| number <= 1 << 53)
}

struct Reader<'t> {
    rest: &'t str,
    values: usize,
    limit: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn element(&mut self, open: usize) -> Option<Json> {
        self.values += 1;
        if self.values > self.limit {
            return None;
        }
        self.space();
        let value = self.value(open)?;
        self.space();
        Some(value)
    }

    fn value(&mut self, open: usize) -> Option<Json> {
        let first = self.rest.chars().next()?;
        if matches!(first, '[' | '{') && open == LEVELS {
            return None;
        }
        match first {
            '"' => self.string().map(Json::Text),
            '[' => self.list(open + 1),
            '{' => self.object(open + 1),
            '-' | '0'..='9' => self.number().map(Json::Number),
            _ if self.take("true") => Some(Json::Bool(true)),
            _ if self.take("false") => Some(Json::Bool(false)),
            _ if self.take("null") => Some(Json::Null),
            _ => None,
        }
    }

    fn list(&mut self, open: usize) -> Option<Json> {
        self.take("[");
        self.space();
        let mut items = Vec::new();
        if self.take("]") {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.element(open)?);
            if self.take("]") {
                return Some(Json::List(items));
            }
            self.take(",").then_some(())?;
        }
    }

    fn object(&mut self, open: usize) -> Option<Json> {
        self.take("{");
        self.space();
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        if self.take("}") {
            return Some(Json::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            seen.insert(key.clone()).then_some(())?;
            self.space();
            self.take(":").then_some(())?;
            members.push((key, self.element(open)?));
            if self.take("}") {
                return Some(Json::Object(members));
            }
            self.take(",").then_some(())?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"").then_some(())?;
        let mut out = String::new();
        loop {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Some(out),
                '\0'..='\u{1f}' => return None,
                '\\' => out.push(self.escape()?),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) {
                    self.take("\\u").then_some(())?;
                    let low = self.unit()?;
                    return char::decode_utf16([unit, low]).next()?.ok();
                }
                char::from_u32(unit.into())?
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest.get(..4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then_some(())?;
        self.rest = &self.rest[4..];
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Option<String> {
        let all = self.rest;
        self.take("-");
        if !self.take("0") {
            self.digits()?;
        }
        if self.take(".") {
            self.digits()?;
        }
        if self.take("e") || self.take("E") {
            let _ = self.take("+") || self.take("-");
            self.digits()?;
        }
        Some(all[..all.len() - self.rest.len()].to_owned())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < self.rest.len()).then_some(())?;
        self.rest = rest;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_canonical_as_the_specification_says() {
        for token in ["0", "42", "9007199254740992"] {
            assert!(is_canonical(token), "{token}");
        }
        for token in ["-0", "-1", "1.0", "1e2", "0.5", "9007199254740993", "1e400"] {
            assert!(!is_canonical(token), "{token}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "\u{feff}{}",
            "{\"a\":1,}",
            "[1 2]",
            "01",
            "+1",
            ".5",
            "1.",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\u12\"",
            "{\"a\":1,\"\\u0061\":2}",
            "nul",
            "{} {}",
            "\"\t\"",
        ] {
            let read = Json::read(text.as_bytes(), 100, 100);
            assert!(matches!(read, Err(Refusal::Not)), "{text}");
        }
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Json::read(nested(64).as_bytes(), 200, 100).is_ok());
        assert!(Json::read(nested(65).as_bytes(), 200, 100).is_err());
    }
}
