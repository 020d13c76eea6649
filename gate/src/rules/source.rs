//! Members of a TOML table into types, with the line and the path of what does not fit.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use verifier_core::hazmat::shown::is_name;
use verifier_core::{plain, quote};

use super::error::{Error, choice, line_of};

/// A table of a TOML text.
pub(super) struct Source<'t> {
    text: &'t str,
    table: &'t DeTable<'t>,
    path: String,
    place: Range<usize>,
}

impl<'t> Source<'t> {
    /// The document itself.
    pub(super) fn document(text: &'t str, table: &'t DeTable<'t>) -> Self {
        Self {
            text,
            table,
            path: String::new(),
            place: 0..0,
        }
    }

    /// Refuses every key that is not in `known`.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Error> {
        // The first in the text, whatever the order of the table.
        let unknown = self.table.keys().filter(|key| {
            let key: &str = key.get_ref();
            !known.contains(&key)
        });
        let Some(key) = unknown.min_by_key(|key| key.span().start) else {
            return Ok(self);
        };
        let where_to = match self.path.as_str() {
            "" => "the file".to_owned(),
            path => path.to_owned(),
        };
        let line = line_of(self.text, &key.span());
        let message = format!("{where_to} has no member of this name");
        Err(Error::new(line, message)
            .expected_is(choice(known))
            .found_is(plain(key.get_ref())))
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'t str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    /// The member under `key`.
    pub(super) fn optional(&self, key: &str) -> Option<Member<'t>> {
        self.table.get(key).map(|value| Member {
            text: self.text,
            value,
            path: match self.path.as_str() {
                "" => plain(key),
                path => format!("{path}.{}", plain(key)),
            },
        })
    }

    /// The member under `key`, which has to be there.
    pub(super) fn required(&self, key: &str, expected: &str) -> Result<Member<'t>, Error> {
        self.optional(key).ok_or_else(|| {
            self.error(&format!("lacks the member {key}"))
                .expected_is(expected)
        })
    }

    /// An error about the table as a whole; the message goes on behind its path.
    pub(super) fn error(&self, message: &str) -> Error {
        let line = line_of(self.text, &self.place);
        Error::new(line, format!("{} {message}", self.path))
    }
}

/// A value of a TOML text, and the path that leads to it.
pub(super) struct Member<'t> {
    text: &'t str,
    value: &'t Spanned<DeValue<'t>>,
    path: String,
}

impl<'t> Member<'t> {
    pub(super) fn value(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    pub(super) fn text(&self, expected: &str) -> Result<&'t str, Error> {
        let text = self.value().as_str();
        text.ok_or_else(|| self.wrong(expected))
    }

    /// A name that people tell from others, at most 200 bytes.
    pub(super) fn name(&self) -> Result<&'t str, Error> {
        const EXPECTED: &str = "1 to 200 bytes of printable text, without blanks at its ends";
        let name = self.text(EXPECTED)?;
        match is_name(name) && name.len() <= 200 {
            true => Ok(name),
            false => Err(self.wrong(EXPECTED)),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, Error> {
        let flag = self.value().as_bool();
        flag.ok_or_else(|| self.wrong("true or false"))
    }

    /// The items of an array, at most `most`; at least one.
    pub(super) fn items(&self, most: usize, expected: &str) -> Result<Vec<Self>, Error> {
        let items = self.value().as_array();
        let items = items.ok_or_else(|| self.wrong(expected))?;
        if items.is_empty() || items.len() > most {
            return Err(self
                .error("has another number of items than it may have")
                .expected_is(format!("1 to {most}"))
                .found_is(items.len().to_string()));
        }
        let item = |(i, value)| Self {
            text: self.text,
            value,
            path: format!("{}[{i}]", self.path),
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// Names, each of them once.
    pub(super) fn names(&self, most: usize) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        for item in self.items(most, "an array of names")? {
            let name = item.name()?;
            if names.iter().any(|other| other == name) {
                let error = item.error("is in the list already");
                return Err(error.found_is(plain(name)));
            }
            names.push(name.into());
        }
        Ok(names)
    }

    /// The members of a table.
    pub(super) fn table(self) -> Result<Source<'t>, Error> {
        match self.value() {
            DeValue::Table(table) => Ok(Source {
                text: self.text,
                table,
                place: self.value.span(),
                path: self.path,
            }),
            _ => Err(self.wrong("a table")),
        }
    }

    /// An error that shows the value.
    pub(super) fn wrong(&self, expected: &str) -> Error {
        let found = match self.value() {
            DeValue::String(text) => quote(text),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Array(_) => "an array".into(),
            DeValue::Table(_) => "a table".into(),
            DeValue::Datetime(_) => "a date without quotes".into(),
        };
        self.error("does not fit")
            .expected_is(expected)
            .found_is(found)
    }

    /// An error about the value; the message goes on behind its path.
    pub(super) fn error(&self, message: &str) -> Error {
        let line = line_of(self.text, &self.value.span());
        Error::new(line, format!("{} {message}", self.path))
    }
}
