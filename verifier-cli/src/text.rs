//! Text for people: at most 100 columns, whatever the terminal.

use std::io::IsTerminal as _;

use verifier_core::quote;

/// The longest line.
pub(crate) const WIDTH: usize = 100;

/// `text` behind `label`, wrapped, further lines indented to the width of the label. Ends in a
/// newline.
pub(crate) fn wrap(label: &str, text: &str) -> String {
    let indent = label.chars().count();
    let room = WIDTH.saturating_sub(indent).max(20);
    let mut lines: Vec<String> = Vec::new();
    let mut line: Vec<char> = Vec::new();
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if !line.is_empty() && line.len() + 1 + word.len() > room {
            lines.push(line.drain(..).collect());
        } else if !line.is_empty() {
            line.push(' ');
        }
        // A word that is longer than a line is broken.
        while word.len() > room {
            lines.push(word.drain(..room).collect());
        }
        line.append(&mut word);
    }
    lines.push(line.into_iter().collect());
    let between = format!("\n{}", " ".repeat(indent));
    format!("{label}{}\n", lines.join(&between)).replace(" \n", "\n")
}

/// Text from outside, fit to print: as it is where that is a single harmless word, else quoted.
pub(crate) fn plain(text: &str) -> String {
    unquote(&quote(text), |c| c.is_whitespace())
}

/// The same for a path that is quoted already; blanks in it are harmless.
pub(crate) fn plain_path(quoted: &str) -> String {
    unquote(quoted, |c| c.is_whitespace() && c != ' ')
}

fn unquote(quoted: &str, harmful: fn(char) -> bool) -> String {
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    match inner {
        Some(inner)
            if !inner.is_empty() && !inner.contains(['\\', '"']) && !inner.contains(harmful) =>
        {
            inner.into()
        }
        _ => quoted.into(),
    }
}

/// JSON text, fit to print: what does not print as itself is escaped. At most 600 characters.
pub(crate) fn json_text(text: &str) -> String {
    const LONGEST: usize = 600;
    let mut out = String::new();
    for c in text.chars().take(LONGEST) {
        match c {
            '"' | '\\' => out.push(c),
            _ => {
                let quoted = quote(c.encode_utf8(&mut [0; 4]));
                out.push_str(quoted.trim_matches('"'));
            }
        }
    }
    match text.chars().count().checked_sub(LONGEST) {
        None | Some(0) => out,
        Some(more) => format!("{out}… and {more} characters more"),
    }
}

/// Colours, or none. A word always says the same as the colour.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Colours if stdout is a terminal and `NO_COLOR` is not set (no-color.org).
    pub(crate) fn of_stdout() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            colour: std::io::stdout().is_terminal() && !no_color && !dumb,
        }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn open(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
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
    fn wraps_at_a_hundred_columns() {
        let text = wrap("label  ", &"word ".repeat(60));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("       word"))
        );
        let long = wrap("a ", &format!("b {} c", "x".repeat(150)));
        assert_eq!(
            long,
            format!("a b\n  {}\n  {} c\n", "x".repeat(98), "x".repeat(52))
        );
        assert_eq!(wrap("a ", "b"), "a b\n");
    }

    #[test]
    fn nothing_from_outside_prints_as_something_else() {
        assert_eq!(
            plain("https://approvals.example"),
            "https://approvals.example"
        );
        assert_eq!(plain("two words"), "\"two words\"");
        assert_eq!(plain(""), "\"\"");
        assert_eq!(plain("a\u{202e}b"), r#""a\u{202e}b""#);
        assert_eq!(
            json_text("{\"a\":\"b\u{202e}\\n\"}"),
            r#"{"a":"b\u{202e}\n"}"#
        );
    }
}
