//! `cosignet explain`: codes and checks in plain words.

use verifier_core::check::CheckId;
use verifier_core::code::{Code, Effect};
use verifier_core::hazmat::json::Value;
use verifier_core::quote;

use crate::args::{ExplainArgs, Format};
use crate::code::{CliCode, next};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output;
use crate::text::wrap;

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, CliError> {
    let topics = match args.code.as_deref() {
        None => Topic::all().collect(),
        Some(asked) => {
            let found: Vec<_> = Topic::all().filter(|topic| topic.id() == asked).collect();
            if found.is_empty() {
                return Err(unknown(asked));
            }
            found
        }
    };
    let text: String = match (args.format, &args.code) {
        (Format::Json, _) => topics.iter().map(|topic| topic.to_json() + "\n").collect(),
        (Format::Human, None) => list(&topics),
        (Format::Human, Some(_)) => {
            let texts: Vec<String> = topics.iter().map(|topic| topic.to_human()).collect();
            texts.join("\n")
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// Something that a report or an error names.
#[derive(Clone, Copy)]
enum Topic {
    Check(CheckId),
    Cli(CliCode),
    Code(Code),
}

impl Topic {
    fn all() -> impl Iterator<Item = Self> {
        let codes = Code::ALL.iter().copied().map(Self::Code);
        let own = CliCode::ALL.iter().copied().map(Self::Cli);
        let checks = CheckId::ALL.iter().copied().map(Self::Check);
        codes.chain(own).chain(checks)
    }

    fn id(self) -> &'static str {
        match self {
            Self::Check(id) => id.as_str(),
            Self::Cli(code) => code.as_str(),
            Self::Code(code) => code.as_str(),
        }
    }

    /// The subject, in one line.
    fn meaning(self) -> &'static str {
        match self {
            Self::Check(id) => id.why(),
            Self::Cli(code) => code.explanation().meaning,
            Self::Code(code) => code.explanation().meaning,
        }
    }

    /// Labels and texts, in the order in which people read them.
    fn parts(self) -> Vec<(&'static str, &'static str)> {
        let (cause, next, effect) = match self {
            Self::Check(id) => {
                return vec![
                    ("check", id.title()),
                    ("why", id.why()),
                    ("rule", id.spec()),
                ];
            }
            Self::Cli(code) => {
                let words = code.explanation();
                (words.cause, words.next, exit_in_words(code.exit()))
            }
            Self::Code(code) => {
                let words = code.explanation();
                (words.cause, next(code), effect_in_words(code.effect()))
            }
        };
        let meaning = self.meaning();
        vec![
            ("meaning", meaning),
            ("cause", cause),
            ("next", next),
            ("effect", effect),
        ]
    }

    fn to_human(self) -> String {
        let mut out = format!("{}\n", self.id());
        for (label, text) in self.parts() {
            out.push_str(&wrap(&format!("  {label:<9}"), text));
        }
        out
    }

    fn to_json(self) -> String {
        let kind = if matches!(self, Self::Check(_)) {
            "check"
        } else {
            "code"
        };
        let id = match self {
            // A check's own name for itself is its title.
            Self::Check(_) => ("id", self.id()),
            _ => (kind, self.id()),
        };
        let parts = self.parts().into_iter().chain([id]);
        Value::Object(parts.map(|(key, text)| (key.into(), text.into())).collect()).to_text()
    }
}

fn list(topics: &[Topic]) -> String {
    let mut out = String::from("Codes\n");
    for topic in topics {
        if matches!(topic, Topic::Check(id) if CheckId::ALL.first() == Some(id)) {
            out.push_str("\nChecks\n");
        }
        out.push_str(&wrap(&format!("  {:<34}", topic.id()), topic.meaning()));
    }
    out
}

fn effect_in_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Incomplete => "INCOMPLETE (exit 4), unless something else is worse",
        Effect::Malformed => "MALFORMED (exit 3)",
        Effect::None => "VERIFIED (exit 0)",
        Effect::Reject => "REJECTED (exit 1)",
        _ => "no verdict (exit 2): nothing was checked",
    }
}

fn exit_in_words(exit: Exit) -> &'static str {
    match exit {
        Exit::Io => "no verdict (exit 5): nothing was checked",
        Exit::Usage => "no verdict (exit 2): nothing was checked",
        Exit::Malformed => "exit 3",
        _ => "exit 1",
    }
}

fn unknown(asked: &str) -> CliError {
    let mut near: Vec<(usize, &str)> = Topic::all()
        .map(|topic| (distance(asked, topic.id()), topic.id()))
        .collect();
    near.sort();
    near.dedup();
    let near: Vec<&str> = near.iter().take(3).map(|(_, id)| *id).collect();
    CliError::usage(format!("there is no code or check {}.", quote(asked)))
        .expected(format!("perhaps {}", near.join(", ")))
        .next("See them all: `cosignet explain`.")
}

/// How many letters have to change (Levenshtein); a part of a code is close to it.
fn distance(asked: &str, id: &str) -> usize {
    let asked: Vec<char> = asked.chars().take(64).collect();
    let part: String = asked.iter().collect();
    if !part.is_empty() && id.contains(&part) {
        return 0;
    }
    let mut row: Vec<usize> = (0..=id.len()).collect();
    for (i, a) in asked.iter().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (pair, b) in row.windows(2).zip(id.chars()) {
            let [above_left, above] = pair else { continue };
            left = (above_left + usize::from(*a != b))
                .min(above + 1)
                .min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_code() {
        for (typed, meant) in [
            ("payload.missmatch", "payload.mismatch"),
            ("log.quorum_shrt", "log.quorum_short"),
            ("quorum_short", "log.quorum_short"),
        ] {
            let expected = unknown(typed).to_human();
            assert!(expected.contains(meant), "{expected}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        unknown(&"\u{202e}x".repeat(500));
    }
}
