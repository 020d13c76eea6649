//! What a check that did not pass has to say for itself.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::code::Code;

/// An error that a report can show: a stable code, and where two things were compared, both.
///
/// Its `Display` is one sentence that says what happened. Text from the evidence appears only
/// through [`quote`].
pub trait Failure: fmt::Display {
    /// The stable code.
    fn code(&self) -> Code;

    /// What would have passed.
    fn expected(&self) -> Option<String> {
        None
    }

    /// What was there instead.
    fn found(&self) -> Option<String> {
        None
    }
}

/// `text` between double quotes, safe to print: control, format and bidirectional characters
/// escaped, at most 200 characters.
///
/// ```
/// # use verifier_core::quote;
/// assert_eq!(quote("a\u{202e}b\n"), r#""a\u{202e}b\n""#);
/// ```
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut out = String::from("\"");
    for c in text.chars().take(LONGEST) {
        if is_invisible(c) {
            out.extend(c.escape_unicode());
        } else if c == '\'' {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
    }
    out.push('"');
    match text.chars().count().checked_sub(LONGEST) {
        None | Some(0) => out,
        Some(more) => format!("{out} and {more} characters more"),
    }
}

/// Whether `text` prints as what it is: no control, format or bidirectional characters.
pub(crate) fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_invisible(c))
}

/// Characters that print as nothing, or that reorder their neighbours. `escape_debug` covers the
/// control characters and unassigned ones; these it prints as they are on some versions.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_survives_quoting() {
        assert_eq!(quote("plain é"), "\"plain é\"");
        assert_eq!(quote("it's \"x\"\\"), r#""it's \"x\"\\""#);
        for c in [
            '\u{1b}', '\u{7f}', '\u{9b}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}',
        ] {
            let quoted = quote(&String::from(c));
            assert!(quoted.is_ascii(), "{quoted}");
        }
        let long = "x".repeat(205);
        assert!(quote(&long).ends_with("x\" and 5 characters more"));
    }
}
