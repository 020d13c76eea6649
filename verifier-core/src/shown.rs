//! Text from outside, fit for people to read.
//!
//! Names, origins, file names and the words of a command line may hold characters that drive a
//! terminal, print as nothing, look like a blank, or reorder their neighbours. Whatever is shown
//! goes through this module, and a text that could be taken for more than one word stands between
//! quotes.
//!
//! ```text
//! plain   one word of ASCII letters, digits and . _ / - + @ : stays as it is, all else is quoted
//! quote   between double quotes, \" and \\ escaped, at most 200 characters
//! escape  the same without quotes, for texts that have a syntax of their own
//! ```

mod table;

use alloc::format;
use alloc::string::String;

/// The most characters of a text that are shown.
pub const LONGEST: usize = 200;

/// `text` as it is if it is one plain word, else quoted: letters and digits of ASCII and
/// `._/-+@:`. So two names never look like one, and one never like two.
///
/// ```
/// # use verifier_core::hazmat::shown::plain;
/// assert_eq!(plain("witness.example/w1"), "witness.example/w1");
/// assert_eq!(plain("2 of w1, w2"), "\"2 of w1, w2\"");
/// assert_eq!(plain(""), "\"\"");
/// ```
pub fn plain(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-+@:".contains(&b);
    match !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_plain) {
        true => text.into(),
        false => quote(text),
    }
}

/// `text` between double quotes, safe to print, at most 200 characters: whatever is not shown as
/// itself is escaped, see [`is_hidden`]; so are accents that stand on nothing, and blanks from the
/// third in a row.
///
/// ```
/// # use verifier_core::quote;
/// assert_eq!(quote("a\u{202e}b\n"), r#""a\u{202e}b\n""#);
/// ```
pub fn quote(text: &str) -> String {
    quoted(text.chars().map(Ok))
}

/// [`quote`] for the name of a file, which need not be UTF-8: other bytes become `\xff`.
pub fn quote_bytes(bytes: &[u8]) -> String {
    quoted(bytes.utf8_chunks().flat_map(|chunk| {
        let invalid = chunk.invalid().iter().copied().map(Err);
        chunk.valid().chars().map(Ok).chain(invalid)
    }))
}

/// The characters, and the bytes that are none, between double quotes.
fn quoted(parts: impl Iterator<Item = Result<char, u8>>) -> String {
    let mut shown = Shown::new(true);
    let mut count = 0_usize;
    for part in parts {
        match part {
            _ if count >= LONGEST => {}
            Ok(c) => shown.push(c),
            Err(byte) => shown.escaped(&format!("\\x{byte:02x}")),
        }
        count = count.saturating_add(1);
    }
    let out = format!("\"{}\"", shown.out);
    match count.checked_sub(LONGEST) {
        None | Some(0) => out,
        Some(more) => format!("{out} and {more} characters more"),
    }
}

/// `text` with everything escaped that is not shown as itself. Double quotes and backslashes stay,
/// so that JSON stays JSON; where the escapes have to be told from the text, use [`quote`].
pub fn escape(text: &str) -> String {
    let mut shown = Shown::new(false);
    text.chars().for_each(|c| shown.push(c));
    shown.out
}

/// Whether `text` can be a name that people tell from others: it is shown as itself, is not empty,
/// and neither begins nor ends with a blank.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(' ') && !text.ends_with(' ') && escape(text) == text
}

/// Whether a character is not shown as itself: it drives a terminal, prints as nothing or as a
/// blank, or reorders its neighbours. The space is not one of them.
///
/// General categories Cc, Cf, Cn, Co, Cs, Zl, Zp and Zs, the property
/// Default_Ignorable_Code_Point, and some blanks that no property tells from pictures.
pub fn is_hidden(c: char) -> bool {
    match c {
        ' '..='~' => false,
        _ => contains(table::HIDDEN, c),
    }
}

/// Whether a character is drawn onto the one before it: general category M.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && contains(table::MARKS, c)
}

/// Whether `c` is in a set: the number of characters that are out of it, then the number of those
/// that are in it, and so on; seven bits a byte, the lowest first, 0x80 where more follow.
fn contains(set: &[u8], c: char) -> bool {
    let (mut end, mut number, mut shift) = (0_u32, 0_u32, 0_u32);
    let mut within = false;
    for byte in set {
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 != 0 {
            shift += 7;
            continue;
        }
        end = end.saturating_add(number);
        if u32::from(c) < end {
            return within;
        }
        within = !within;
        (number, shift) = (0, 0);
    }
    false
}

/// The text written so far, and the character that a mark would stand on.
struct Shown {
    out: String,
    /// Whether quotes and backslashes are escaped.
    quoted: bool,
    /// Whether the last character can carry a mark.
    base: bool,
    marks: usize,
    blanks: usize,
}

impl Shown {
    /// More marks than languages put on one character reach into other lines.
    const MOST_MARKS: usize = 4;
    /// More blanks than typing errors make could push what follows into another line.
    const MOST_BLANKS: usize = 2;

    fn new(quoted: bool) -> Self {
        Self {
            out: String::new(),
            quoted,
            base: false,
            marks: 0,
            blanks: 0,
        }
    }

    fn push(&mut self, c: char) {
        match c {
            ' ' if self.blanks < Self::MOST_BLANKS => {
                self.blanks += 1;
                self.base = false;
                self.out.push(c);
            }
            '"' | '\\' if self.quoted => self.escaped(&format!("\\{c}")),
            '\n' => self.escaped("\\n"),
            '\r' => self.escaped("\\r"),
            '\t' => self.escaped("\\t"),
            ' ' => self.code(c),
            _ if is_hidden(c) => self.code(c),
            _ if is_mark(c) => {
                if !self.base || self.marks == Self::MOST_MARKS {
                    return self.code(c);
                }
                self.marks += 1;
                self.out.push(c);
            }
            _ => {
                self.blanks = 0;
                self.marks = 0;
                self.base = !c.is_ascii() || c.is_ascii_alphanumeric();
                self.out.push(c);
            }
        }
    }

    fn code(&mut self, c: char) {
        self.escaped(&format!("\\u{{{:x}}}", u32::from(c)));
    }

    fn escaped(&mut self, text: &str) {
        let blanks = self.blanks;
        *self = Self {
            out: core::mem::take(&mut self.out),
            ..Self::new(self.quoted)
        };
        // An escaped blank is still one: the next is escaped as well.
        self.blanks = blanks;
        self.out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_all_else_is_quoted() {
        for word in [
            "alice",
            "witness.example/w1",
            "a+b@c.example:8080",
            "-h.json",
        ] {
            assert_eq!(plain(word), word);
        }
        for (text, shown) in [
            ("", r#""""#),
            ("two words", r#""two words""#),
            ("w1,w2", r#""w1,w2""#),
            ("a(b)", r#""a(b)""#),
            ("\u{e9}", "\"\u{e9}\""),
            ("2\u{a0}of", r#""2\u{a0}of""#),
            ("2\u{2800}of", r#""2\u{2800}of""#),
        ] {
            assert_eq!(plain(text), shown);
        }
        let long = "x".repeat(201);
        assert!(plain(&long).ends_with("x\" and 1 characters more"));
    }

    #[test]
    fn quotes_show_where_a_text_ends() {
        assert_eq!(quote("plain \u{e9}"), "\"plain \u{e9}\"");
        assert_eq!(quote("it's \"x\"\\"), r#""it's \"x\"\\""#);
        assert_eq!(quote("a\r\n\tb"), r#""a\r\n\tb""#);
        let long = "x".repeat(205);
        assert!(quote(&long).ends_with("x\" and 5 characters more"));
        assert_eq!(
            escape("{\"a\":\"\\u001b\u{1b}\"}"),
            r#"{"a":"\u001b\u{1b}"}"#
        );
    }

    #[test]
    fn blanks_cannot_push_a_text_into_another_line() {
        assert_eq!(quote("a b  c"), r#""a b  c""#);
        assert_eq!(quote("a     b   c"), r#""a  \u{20}\u{20}\u{20}b  \u{20}c""#);
        assert_eq!(quote("a  \u{3000}  b"), r#""a  \u{3000}\u{20}\u{20}b""#);
    }

    #[test]
    fn marks_stand_on_something() {
        assert_eq!(quote("e\u{301}"), "\"e\u{301}\"");
        assert_eq!(quote("\u{301}e"), r#""\u{301}e""#);
        assert_eq!(quote("a \u{20dd}"), r#""a \u{20dd}""#);
        assert_eq!(quote("\u{202e}\u{301}"), r#""\u{202e}\u{301}""#);
        // Thai and Hindi words are words.
        for word in [
            "\u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22}",
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
        ] {
            assert_eq!(quote(word), format!("\"{word}\""));
        }
        let stack = format!("e{}", "\u{301}".repeat(6));
        assert_eq!(
            quote(&stack),
            format!("\"e{}{}\"", "\u{301}".repeat(4), r"\u{301}".repeat(2))
        );
    }

    #[test]
    fn file_names_need_not_be_text() {
        assert_eq!(quote_bytes(b"a\xff\xfe b\x1b"), r#""a\xff\xfe b\u{1b}""#);
        assert_eq!(quote_bytes(b"\\xff"), r#""\\xff""#);
        assert_eq!(quote_bytes("\u{e9}".as_bytes()), "\"\u{e9}\"");
        let long = [b'x'; 203];
        assert!(quote_bytes(&long).ends_with("x\" and 3 characters more"));
    }

    #[test]
    fn names_are_what_they_look_like() {
        for name in [
            "alice",
            "Alice (work phone)",
            "J\u{fc}rgen",
            "e\u{301}",
            "\u{5d0}\u{5d1}",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            " ",
            " alice",
            "alice ",
            "alice\u{a0}",
            "\u{2800}",
            "ali\u{1d173}ce",
            "ali\u{202e}ce",
            "\u{301}",
            "a   b",
            "a\nb",
            "\u{3164}",
            "\u{1d159}",
            "\u{fff0}",
            "\u{600}1",
            "\u{13430}",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
