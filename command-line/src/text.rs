//! Text for people: as wide as the terminal and at most 100 columns; 100 where there is none.

use std::borrow::Cow;
use std::io::{IsTerminal as _, stderr, stdout};

use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr as _;
use verifier_core::hazmat::shown;

pub use verifier_core::plain;

/// The longest line.
pub const WIDTH: usize = 100;

/// No terminal is taken for narrower than this.
const NARROWEST: usize = 40;

/// The columns of what stdout writes to.
pub fn width() -> usize {
    fitting(terminal_size_of(stdout()).map(|(Width(columns), _)| columns))
}

fn fitting(columns: Option<u16>) -> usize {
    // Terminals that do not know their size say 0.
    let known = columns.filter(|columns| *columns > 0);
    known.map_or(WIDTH, |columns| {
        usize::from(columns).clamp(NARROWEST, WIDTH)
    })
}

/// `text` behind `label`, wrapped to the width of stdout, further lines indented to the width of
/// the label. Ends in a newline.
pub fn wrap(label: &str, text: &str) -> String {
    wrap_to(width(), label, text)
}

/// The same, for stderr.
pub fn wrap_stderr(label: &str, text: &str) -> String {
    let columns = terminal_size_of(stderr()).map(|(Width(columns), _)| columns);
    wrap_to(fitting(columns), label, text)
}

/// One row of a list: of one line, so that programs can read it, and on a terminal wrapped like
/// any other text, so that nothing but a row begins at its left edge.
pub fn row(label: &str, text: &str) -> String {
    let text = shown::escape(text);
    match stdout().is_terminal() {
        true => wrap(label, &text),
        false => format!("{label}{text}\n"),
    }
}

/// Lines of at most `width` columns. Words stay whole; one that is longer than a line is broken
/// behind a comma or a slash, or else anywhere but inside an escape.
pub fn wrap_to(width: usize, label: &str, text: &str) -> String {
    const LEAST_ROOM: usize = 20;
    let text = visible(text);
    let indent = label.width();
    let room = width.saturating_sub(indent).max(LEAST_ROOM);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for (i, word) in text.split(' ').enumerate() {
        let mut word = Cow::Borrowed(word);
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut line));
        } else if i > 0 {
            line.push(' ');
        }
        while word.width() > room {
            let at = break_at(&word, room);
            let (first, rest) = word.split_at(at);
            lines.push(first.to_owned());
            word = Cow::Owned(rest.to_owned());
        }
        line.push_str(&word);
    }
    lines.push(line);
    let between = format!("\n{}", " ".repeat(indent));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    let text = format!("{label}{}", lines.join(&between));
    text.trim_end().to_owned() + "\n"
}

/// The net below everything that quotes: nothing that drives a terminal, prints as nothing or
/// reorders its neighbours is ever printed.
fn visible(text: &str) -> Cow<'_, str> {
    match text.contains(shown::is_hidden) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(shown::escape(text)),
    }
}

/// Where to break a word that is wider than `room`, in bytes.
fn break_at(word: &str, room: usize) -> usize {
    let (mut columns, mut end, mut soft) = (0, 0, None);
    let mut rest = word;
    while let Some(atom) = atom(rest) {
        columns += atom.width();
        if columns > room && end > 0 {
            break;
        }
        end += atom.len();
        rest = rest.get(atom.len()..).unwrap_or_default();
        if matches!(atom, "," | "/") && !rest.starts_with(['/', ',']) {
            soft = Some(end);
        }
    }
    soft.unwrap_or(end)
}

/// The unbreakable beginning of `text`: an escape, or a character and what is drawn
/// onto it.
fn atom(text: &str) -> Option<&str> {
    let first = text.chars().next()?;
    let escape = match text.as_bytes() {
        [b'\\', b'u', b'{', ..] => text.find('}').map(|at| at + 1),
        [b'\\', b'x', _, _, ..] => Some(4),
        [b'\\', _, ..] => Some(2),
        _ => None,
    };
    let escape = escape.and_then(|end| text.get(..end));
    escape.or_else(|| {
        let rest = text.get(first.len_utf8()..)?;
        let drawn_on = |c: &char| c.encode_utf8(&mut [0; 4]).width() == 0;
        let marks: usize = rest.chars().take_while(drawn_on).map(char::len_utf8).sum();
        text.get(..first.len_utf8() + marks)
    })
}

/// JSON text, fit to print: what does not print as itself is escaped. At most 600 characters.
pub fn json_text(text: &str) -> String {
    const LONGEST: usize = 600;
    let first: String = text.chars().take(LONGEST).collect();
    let out = shown::escape(&first);
    match text.chars().count().checked_sub(LONGEST) {
        None | Some(0) => out,
        Some(more) => format!("{out}… and {more} characters more"),
    }
}

/// Colours, or none. A word always says the same as the colour.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Colours if stdout is a terminal and `NO_COLOR` is not set (no-color.org).
    pub fn of_stdout() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            colour: stdout().is_terminal() && !no_color && !dumb,
        }
    }

    /// Green: VERIFIED, and what passed.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Red: REJECTED and MALFORMED, and what failed.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Yellow: INCOMPLETE, and what is missing.
    pub fn open(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Faint: what matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, sgr: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{sgr}m{text}\x1b[0m")
        } else {
            text.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_at_any_width() {
        for width in [40, 60, 80, 100] {
            let text = wrap_to(width, "label  ", &"word ".repeat(60));
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
            let mut further = text.lines().skip(1);
            assert!(
                further.all(|line| line.starts_with("       word")),
                "{text}"
            );
            assert_eq!(text.split_whitespace().filter(|w| *w == "word").count(), 60);
        }
        assert_eq!(wrap_to(100, "a ", "b"), "a b\n");
        assert_eq!(wrap_to(100, "a ", "b  c"), "a b  c\n");
        assert_eq!(wrap_to(100, "a ", ""), "a\n");
        assert_eq!(wrap_to(100, "a ", "b\u{9b}2J\nc"), "a b\\u{9b}2J\\nc\n");
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken_where_it_may_be() {
        let long = wrap_to(100, "a ", &format!("b {} c", "x".repeat(150)));
        assert_eq!(
            long,
            format!("a b\n  {}\n  {} c\n", "x".repeat(98), "x".repeat(52))
        );
        let json = wrap_to(
            40,
            "",
            r#"{"amount":"1001.00","iban":"DE89370400440532013000"}"#,
        );
        assert_eq!(
            json,
            "{\"amount\":\"1001.00\",\n\"iban\":\"DE89370400440532013000\"}\n"
        );
        // An escape is one thing, wherever the line ends.
        for before in 30..45 {
            let word = format!("{}{}", "x".repeat(before), r"\u{202e}\u{1d173}".repeat(5));
            for line in wrap_to(40, "", &word).lines() {
                let opened = line.matches(r"\u{").count();
                assert_eq!(opened, line.matches('}').count(), "{line}");
                assert!(!line.ends_with('\\') && line.width() <= 40, "{line}");
            }
        }
        // A wide character takes two columns, and an accent none.
        let wide = wrap_to(40, "", &"\u{6f22}".repeat(30));
        assert_eq!(
            wide.lines().map(|l| l.width()).collect::<Vec<_>>(),
            [40, 20]
        );
        let accents = wrap_to(40, "", &"e\u{301}".repeat(41));
        assert_eq!(accents.lines().last(), Some("e\u{301}"));
    }

    #[test]
    fn as_wide_as_the_terminal_and_no_wider_than_a_hundred() {
        for (columns, width) in [
            (None, 100),
            (Some(0), 100),
            (Some(20), 40),
            (Some(60), 60),
            (Some(300), 100),
        ] {
            assert_eq!(fitting(columns), width);
        }
    }

    #[test]
    fn nothing_from_outside_prints_as_something_else() {
        assert_eq!(
            plain("https://approvals.example"),
            "https://approvals.example"
        );
        assert_eq!(
            json_text("{\"a\":\"b\u{202e}\\n\"}"),
            r#"{"a":"b\u{202e}\n"}"#
        );
        assert_eq!(row("a  ", "b\nc\u{1b}"), "a  b\\nc\\u{1b}\n");
    }
}
