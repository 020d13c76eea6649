//! A payload field by field, for people who look at what was approved.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{LIMITS, Step, path};
use crate::json::Value;

/// A value of a JSON payload that holds no others.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// The place, such as `$.amount`, as [`super::Difference`] names it.
    pub path: String,
    /// `string`, `number`, `boolean`, `null`, `empty array` or `empty object`.
    pub kind: &'static str,
    /// A string without its quotes, a number digit by digit as it was signed. Not escaped:
    /// whoever shows it has to make control characters visible.
    pub text: String,
}

/// The first `most` fields, in canonical order; `None` if the payload is not strict JSON.
pub fn fields(payload: &[u8], most: usize) -> Option<Vec<Field>> {
    let value = Value::parse(payload, LIMITS).ok()?;
    let mut list = List {
        path: Vec::new(),
        found: Vec::new(),
        most,
    };
    list.value(&value);
    Some(list.found)
}

struct List<'v> {
    path: Vec<Step<'v>>,
    found: Vec<Field>,
    most: usize,
}

impl<'v> List<'v> {
    // Recursion is bounded by `LIMITS.depth`.
    fn value(&mut self, value: &'v Value<'_>) {
        match value {
            Value::Null => self.push("null", "null".into()),
            Value::Bool(flag) => self.push("boolean", flag.to_string()),
            Value::Number(token) => self.push("number", token.to_string()),
            Value::String(text) => self.push("string", text.to_string()),
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.step(Step::Index(i), item);
                }
                if items.is_empty() {
                    self.push("empty array", "[]".into());
                }
            }
            Value::Object(object) => {
                for (key, value) in object.iter() {
                    self.step(Step::Key(key), value);
                }
                if object.iter().next().is_none() {
                    self.push("empty object", "{}".into());
                }
            }
        }
    }

    fn step(&mut self, step: Step<'v>, value: &'v Value<'_>) {
        if self.found.len() < self.most {
            self.path.push(step);
            self.value(value);
            self.path.pop();
        }
    }

    fn push(&mut self, kind: &'static str, text: String) {
        if self.found.len() < self.most {
            let path = path(&self.path);
            self.found.push(Field { path, kind, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::differences;

    fn list(payload: &str, most: usize) -> Vec<(String, &'static str, String)> {
        let fields = fields(payload.as_bytes(), most).unwrap();
        let fields = fields.into_iter();
        fields.map(|f| (f.path, f.kind, f.text)).collect()
    }

    #[test]
    fn every_value_is_a_field_and_keeps_its_token() {
        let payload = r#"{"b":[1.0,true,[],{}],"a":{"x y":"\u202e\""},"n":null}"#;
        let found = list(payload, 10);
        let rows: Vec<_> = found
            .iter()
            .map(|(p, k, t)| (p.as_str(), *k, t.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("$.a[\"x y\"]", "string", "\u{202e}\""),
                ("$.b[0]", "number", "1.0"),
                ("$.b[1]", "boolean", "true"),
                ("$.b[2]", "empty array", "[]"),
                ("$.b[3]", "empty object", "{}"),
                ("$.n", "null", "null"),
            ]
        );
        assert_eq!(list(payload, 2), found[..2]);
        assert_eq!(list("7", 10), [("$".into(), "number", "7".into())]);
    }

    #[test]
    fn places_are_those_of_differences() {
        let (a, b) = (r#"{"to":{"é":"1"}}"#, r#"{"to":{"é":"2"}}"#);
        let difference = differences(a.as_bytes(), b.as_bytes());
        assert_eq!(difference.first[0].path, list(a, 1)[0].0);
    }

    #[test]
    fn what_parsers_disagree_about_has_no_fields() {
        for payload in ["", "text", r#"{"a":1,"a":2}"#, "\u{feff}{}"] {
            assert_eq!(fields(payload.as_bytes(), 10), None, "{payload}");
        }
    }
}
