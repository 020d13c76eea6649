//! Where in a JSON text a reader stopped.

use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::payload::{Step, path};

/// The path to the place that a strict reader of `text` had come to at byte `end`. What stands
/// before that byte has to be the beginning of a JSON text.
pub(super) fn path_at(text: &[u8], end: usize) -> String {
    let places = Places::before(text, end);
    let steps = places.open.iter().filter_map(Open::step);
    path(&steps.collect::<Vec<_>>())
}

/// The path to the member `key` of the object whose end is the last byte before `end`.
pub(super) fn path_in_object(text: &[u8], end: usize, key: &str) -> String {
    let places = Places::before(text, end.saturating_sub(1));
    let around = places.open.split_last().map(|(_, around)| around);
    let steps = around.unwrap_or_default().iter().filter_map(Open::step);
    path(&steps.chain([Step::Key(key)]).collect::<Vec<_>>())
}

/// The arrays and objects that are open.
struct Places {
    open: Vec<Open>,
}

enum Open {
    Array { index: usize },
    Object { key: Option<String>, in_value: bool },
}

impl Open {
    fn step(&self) -> Option<Step<'_>> {
        match self {
            Self::Array { index } => Some(Step::Index(*index)),
            Self::Object { key, .. } => key.as_deref().map(Step::Key),
        }
    }
}

impl Places {
    fn before(text: &[u8], end: usize) -> Self {
        let mut places = Self { open: Vec::new() };
        let mut rest = text.get(..end).unwrap_or(text);
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'{' => places.open.push(Open::Object {
                    key: None,
                    in_value: false,
                }),
                b'[' => places.open.push(Open::Array { index: 0 }),
                b'}' | b']' => {
                    places.open.pop();
                }
                b'"' => {
                    let (string, behind) = rest.split_at_checked(length(rest)).unwrap_or_default();
                    places.string(string);
                    rest = behind.get(1..).unwrap_or_default();
                }
                b',' | b':' => places.pass(*byte),
                _ => {}
            }
        }
        places
    }

    fn pass(&mut self, byte: u8) {
        match self.open.last_mut() {
            Some(Open::Array { index }) => *index = index.saturating_add(1),
            Some(Open::Object { in_value, .. }) => *in_value = byte == b':',
            None => {}
        }
    }

    /// A string that may be a key; `text` is what stands between its quotes.
    fn string(&mut self, text: &[u8]) {
        if let Some(Open::Object {
            key,
            in_value: false,
        }) = self.open.last_mut()
        {
            let quoted = [b"\"", text, b"\""].concat();
            let read = Value::parse(&quoted, Limits::bytes(quoted.len()));
            *key = read.ok().and_then(|value| value.as_str().map(Into::into));
        }
    }
}

/// How many bytes stand before the closing quote, or all of them if there is none.
fn length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_value_that_is_being_read() {
        for (before, expected) in [
            ("", "$"),
            ("{\"a\":", "$.a"),
            ("{\"a\" : 1, \"b\" : ", "$.b"),
            ("{\"a\":[1,2,", "$.a[2]"),
            ("{\"a\":[1,{\"c\":{}},[", "$.a[2][0]"),
            ("[{\"a\":\"x,:{[\\\"\",\"b\":\"\\\\\",\"c\":", "$[0].c"),
            ("{\"a\":\"a text", "$.a"),
            ("{\"\\u0061 b\":", "$[\"a b\"]"),
            ("[[],[],", "$[2]"),
        ] {
            let text = format!("{before}?");
            assert_eq!(path_at(text.as_bytes(), before.len()), expected, "{before}");
        }
    }
}
