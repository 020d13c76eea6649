//! JSON as docs/spec/README.md defines it, and its canonical form.

use num_bigint::BigUint;

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

    /// RFC 8785, or nothing if a number has no canonical form.
    pub(super) fn canonical(&self) -> Option<String> {
        let mut out = String::new();
        self.write(&mut out)?;
        Some(out)
    }

    fn write(&self, out: &mut String) -> Option<()> {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(token) if is_canonical(token) => out.push_str(token),
            Self::Number(_) => return None,
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    item.write(out)?;
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
                    value.write(out)?;
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

/// Whether a token is what ECMAScript prints for the double that it names, and names that double
/// exactly.
fn is_canonical(token: &str) -> bool {
    let Ok(double) = token.parse::<f64>() else {
        return false;
    };
    double.is_finite() && token == ecmascript(double) && is_exact(token, double)
}

/// `Number::toString`.
fn ecmascript(double: f64) -> String {
    if double == 0.0 {
        return "0".into();
    }
    // Shortest digits that read back, as d.ddde±x.
    let shortest = format!("{double:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let digits = digits.replace('.', "");
    let n: i32 = exponent.parse::<i32>().unwrap() + 1;
    let k = i32::try_from(digits.len()).unwrap();
    let zeros = |count: i32| "0".repeat(count.try_into().unwrap());
    let body = if k <= n && n <= 21 {
        digits + &zeros(n - k)
    } else if 0 < n && n <= 21 {
        let (whole, fraction) = digits.split_at(n.try_into().unwrap());
        format!("{whole}.{fraction}")
    } else if -6 < n && n <= 0 {
        format!("0.{}{digits}", zeros(-n))
    } else {
        let mark = if n > 0 { "+" } else { "-" };
        let exponent = (n - 1).abs();
        match digits.split_at(1) {
            (first, "") => format!("{first}e{mark}{exponent}"),
            (first, rest) => format!("{first}.{rest}e{mark}{exponent}"),
        }
    };
    format!("{sign}{body}")
}

/// Whether the decimal number is the double and not merely near it.
fn is_exact(token: &str, double: f64) -> bool {
    let token = token.trim_start_matches('-');
    let (number, exponent) = token.split_once('e').unwrap_or((token, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let tens = exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap();
    let decimal: BigUint = format!("{whole}{fraction}").parse().unwrap();
    // IEEE 754: sign, 11 bits of exponent, 52 bits of fraction.
    let bits = double.to_bits();
    let (biased, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let (mantissa, twos) = match biased {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, i32::try_from(biased).unwrap() - 1075),
    };
    let power = |base: u32, exponent: i32| match u32::try_from(exponent) {
        Ok(exponent) => BigUint::from(base).pow(exponent),
        Err(_) => BigUint::from(1_u32),
    };
    // decimal · 10^tens = mantissa · 2^twos, without fractions.
    decimal * power(10, tens) * power(2, -twos)
        == BigUint::from(mantissa) * power(2, twos) * power(10, -tens)
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
        for token in [
            "0",
            "-0.5",
            "42.25",
            "1e+21",
            "9007199254740992",
            "100000000000000000000",
        ] {
            assert!(is_canonical(token), "{token}");
        }
        for token in [
            "-0",
            "1.0",
            "1e2",
            "1E+21",
            "9007199254740993",
            "1e400",
            "0.1",
            "19.99",
            "123456789012345680000",
            "5e-324",
        ] {
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
