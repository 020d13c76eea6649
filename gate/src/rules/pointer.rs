//! JSON pointers (RFC 6901) into a payload.
//!
//! ```text
//! ""          the payload itself
//! /amount     the member "amount"
//! /to/0/iban  the member "iban" of the first item of the array "to"
//! /a~1b~0c    the member "a/b~c"
//! ```

use verifier_core::hazmat::json::Value;

/// A place in a JSON value.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pointer {
    text: String,
    steps: Vec<String>,
}

impl Pointer {
    const DEEPEST: usize = 32;

    /// Reads a pointer; `None` for texts that are none, and for those of more than 32 steps.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        if parts.next() != Some("") {
            return None;
        }
        let steps = parts.map(unescape).collect::<Option<Vec<_>>>()?;
        (steps.len() <= Self::DEEPEST).then(|| Self {
            text: text.into(),
            steps,
        })
    }

    /// The pointer as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of members and the numbers of items that lead to the place.
    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    /// The value at this place; `None` if there is none.
    pub fn find<'v, 'a>(&self, value: &'v Value<'a>) -> Option<&'v Value<'a>> {
        self.steps
            .iter()
            .try_fold(value, |value, step| match value {
                Value::Object(members) => members.get(step),
                Value::Array(items) => items.get(index(step)?),
                _ => None,
            })
    }
}

fn unescape(step: &str) -> Option<String> {
    let mut parts = step.split('~');
    let mut out = String::from(parts.next()?);
    for part in parts {
        let (tilde, rest) = match part.strip_prefix('0') {
            Some(rest) => ('~', rest),
            None => ('/', part.strip_prefix('1')?),
        };
        out.push(tilde);
        out.push_str(rest);
    }
    Some(out)
}

/// RFC 6901 §4: digits without a leading zero.
fn index(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with('0');
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits).then(|| step.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::hazmat::json::Limits;

    #[test]
    fn finds_what_rfc_6901_finds() {
        // §5, and items that are none.
        let text = br#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,
            "k\"l":6," ":7,"m~n":8,"~1":9,"01":10}"#;
        let value = Value::parse(text, Limits::bytes(1000)).unwrap();
        for (pointer, expected) in [
            ("/foo", Some(r#"["bar","baz"]"#)),
            ("/foo/0", Some(r#""bar""#)),
            ("/", Some("0")),
            ("/a~1b", Some("1")),
            ("/c%d", Some("2")),
            ("/e^f", Some("3")),
            ("/g|h", Some("4")),
            ("/i\\j", Some("5")),
            ("/k\"l", Some("6")),
            ("/ ", Some("7")),
            ("/m~0n", Some("8")),
            ("/~01", Some("9")),
            ("/01", Some("10")),
            ("/foo/2", None),
            ("/foo/00", None),
            ("/foo/01", None),
            ("/foo/-", None),
            ("/foo/+1", None),
            ("/foo/", None),
            ("/foo/0/x", None),
            ("/foo/18446744073709551616", None),
            ("/bar", None),
        ] {
            let found = Pointer::parse(pointer).unwrap();
            let found = found.find(&value).map(Value::to_text);
            assert_eq!(found.as_deref(), expected, "{pointer}");
        }
        assert_eq!(Pointer::parse("").unwrap().find(&value), Some(&value));
    }

    #[test]
    fn refuses_what_is_no_pointer() {
        for text in ["amount", "#/a", "/a~", "/a~2", "$.a", &"/a".repeat(33)] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
        assert!(Pointer::parse(&"/a".repeat(32)).is_some());
    }
}
