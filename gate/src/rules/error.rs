//! Why a text is no file of rules, and where.

use std::ops::Range;

use command_line::{CliCode, CliError};
use verifier_core::plain;

/// A text that is no file of rules: the line, the member, what would have fitted and what is there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line} of the rules: {message}")]
pub struct Error {
    line: usize,
    message: String,
    expected: Option<String>,
    found: Option<String>,
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        CliCode::RulesForm.as_str()
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What would have fitted.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// What is there instead.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
            expected: None,
            found: None,
        }
    }

    /// An error of the reader of TOML.
    pub(super) fn not_toml(error: &toml::de::Error, text: &str) -> Self {
        let place = error.span().unwrap_or_default();
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        Self::new(line_of(text, &place), format!("not TOML: {what}"))
    }

    pub(super) fn expected_is(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn found_is(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        let mut own = Self::new(CliCode::RulesForm, format!("{error}."));
        if let Some(expected) = error.expected {
            own = own.expected(expected);
        }
        match error.found {
            Some(found) => own.found(found),
            None => own,
        }
    }
}

/// The line of the first byte of `place`, counted from 1.
pub(super) fn line_of(text: &str, place: &Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(place.start);
    let ends = before.filter(|byte| **byte == b'\n').count();
    ends.saturating_add(1)
}

/// Words in a row, for the reader to choose from.
pub(super) fn choice(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
