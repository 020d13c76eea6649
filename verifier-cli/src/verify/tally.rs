//! The summary of a run as a whole: counts, failures again, what repeats, what was left out.

use std::path::{Path, PathBuf};

use verifier_core::hazmat::json::Value;

use super::human::UNREADABLE;
use super::repeats::{Marks, Repeats};
use crate::exit::Exit;
use crate::failure::show_path;
use crate::input::LeftOut;
use crate::text::wrap;

/// From how many lines on the failures among them are printed again.
const MANY: usize = 10;

/// How many names are printed of a longer list. JSON has all.
const MOST_NAMES: usize = 100;

/// The note on a VERIFIED that nobody asked for in particular.
pub(super) const NOTHING_EXPECTED: &str = "nothing was expected, so any approval by an approver of \
    the policy is VERIFIED in the same way, an old one as well. Name the payload and the approval: \
    --payload FILE --approval-id ID.";

/// The part of one input that the run as a whole needs.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) exit: Exit,
    pub(super) word: &'static str,
    pub(super) marks: Marks,
    /// VERIFIED, though nothing says what it should be.
    pub(super) unexpected: bool,
}

/// All inputs of a run.
#[derive(Debug)]
pub(super) struct Tally {
    words: Vec<(&'static str, usize)>,
    inputs: usize,
    worst: Exit,
    repeats: Repeats,
    failures: Vec<String>,
    failed: usize,
    unexpected: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            inputs: 0,
            worst: Exit::Ok,
            repeats: Repeats::default(),
            failures: Vec::new(),
            failed: 0,
            unexpected: 0,
        }
    }
}

impl Tally {
    /// Counts an input, and remembers the line about it if it failed.
    pub(super) fn count(&mut self, path: &Path, outcome: Outcome, line: &str) {
        self.inputs += 1;
        self.worst = self.worst.max(outcome.exit);
        self.repeats.add(path, &outcome.marks);
        self.unexpected += usize::from(outcome.unexpected);
        if outcome.exit != Exit::Ok {
            self.failed += 1;
            if self.failures.len() < MOST_NAMES {
                self.failures.push(line.into());
            }
        }
        match self
            .words
            .iter_mut()
            .find(|(known, _)| *known == outcome.word)
        {
            Some((_, count)) => *count += 1,
            None => self.words.push((outcome.word, 1)),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        self.worst
    }

    /// The end of a list for people: failures again, `3 inputs: 2 VERIFIED, 1 REJECTED.`, notes.
    pub(super) fn to_human(&self, left_out: &[LeftOut]) -> String {
        let mut out = String::new();
        if self.failed > 0 && self.inputs > MANY {
            out.push_str("\nNot VERIFIED:\n");
            out.extend(self.failures.iter().map(String::as_str));
            if let Some(more @ 1..) = self.failed.checked_sub(self.failures.len()) {
                out.push_str(&format!("and {more} more\n"));
            }
        }
        out.push_str(&format!("\n{}\n", self.counts()));
        for note in self.notes(left_out) {
            out.push_str(&wrap("", &note));
        }
        out
    }

    fn counts(&self) -> String {
        const ORDER: [&str; 5] = [
            "VERIFIED",
            "REJECTED",
            "MALFORMED",
            "INCOMPLETE",
            UNREADABLE,
        ];
        let counts = ORDER.iter().filter_map(|word| {
            let (_, count) = self.words.iter().find(|(known, _)| known == word)?;
            Some(format!("{count} {word}"))
        });
        let counts: Vec<String> = counts.collect();
        format!("{}: {}.", number(self.inputs, "input"), counts.join(", "))
    }

    /// Facts beside the counts, in sentences.
    pub(super) fn notes(&self, left_out: &[LeftOut]) -> Vec<String> {
        let mut out = Vec::new();
        if self.unexpected > 0 {
            out.push(match self.inputs {
                1 => NOTHING_EXPECTED.to_owned(),
                _ => format!("{} of the VERIFIED: {NOTHING_EXPECTED}", self.unexpected),
            });
        }
        if !self.repeats.found.is_empty() {
            let found = &self.repeats.found;
            let names = found.iter().map(|repeat| {
                let (path, of) = (show_path(&repeat.path), show_path(&repeat.of));
                format!("{path} (the {} of {of})", repeat.same)
            });
            out.push(format!(
                "{} of them {} what another one says: {}.",
                found.len(),
                if found.len() == 1 {
                    "repeats"
                } else {
                    "repeat"
                },
                list(names)
            ));
        }
        if !left_out.is_empty() {
            let names = left_out
                .iter()
                .map(|left| format!("{} ({})", show_path(&left.path), left.why));
            out.push(format!(
                "{} left out: {}.",
                number(left_out.len(), "file"),
                list(names)
            ));
        }
        out
    }

    /// A last line for programs, if there is anything that no report says.
    pub(super) fn to_json(&self, left_out: &[LeftOut]) -> String {
        let repeats = &self.repeats.found;
        if repeats.is_empty() && left_out.is_empty() {
            return String::new();
        }
        let name = |path: &PathBuf| Value::from(path.to_string_lossy().into_owned());
        let duplicates = repeats.iter().map(|repeat| {
            Value::from([
                ("file", name(&repeat.path)),
                ("of", name(&repeat.of)),
                ("same", repeat.same.into()),
            ])
        });
        let left_out = left_out
            .iter()
            .map(|left| Value::from([("file", name(&left.path)), ("why", left.why.into())]));
        let line = Value::from([
            ("duplicates", duplicates.collect()),
            ("exitCode", u64::from(self.worst.code()).into()),
            ("leftOut", left_out.collect()),
            ("schema", "cosignet.run/v1".into()),
        ]);
        line.to_text() + "\n"
    }
}

fn number(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn list(mut names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let shown: Vec<String> = names.by_ref().take(MOST_NAMES).collect();
    let shown = shown.join(", ");
    match more {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
