//! Payloads that differ from the approved one in nothing that people see: the end of a line, the
//! end of the text, a byte order mark. They stay refused; the reader learns what to look for.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::encoding::sha256;
use crate::text;

/// The longest payload that is looked at: up to 18 hashes are made of it.
const MAX_BYTES: usize = 1024 * 1024;

const MARK: &str = "\u{feff}";

/// How `payload` would have to be written for its hash to be `approved`, in words that follow "the
/// same text": "with Unix line ends (LF)", "without the byte order mark and with a newline at the
/// end". `None` if the two differ in more than that, or not at all.
pub(crate) fn variant(payload: &[u8], approved: &[u8; 32]) -> Option<String> {
    if payload.len() > MAX_BYTES || sha256(payload) == *approved {
        return None;
    }
    let unix = text::from_people(payload).ok()?;
    let original = core::str::from_utf8(payload).ok();
    let bare = original.map(|text| text.strip_prefix(MARK).unwrap_or(text));
    let had_mark = original.is_none_or(|text| text.starts_with(MARK));
    let without_mark = match original {
        Some(_) => "without the byte order mark",
        None => "as UTF-8 without a byte order mark",
    };
    let had_crlf = match bare {
        Some(text) => text::has(text, "\r\n"),
        None => 2 * unix.encode_utf16().count() + 2 < payload.len(),
    };
    let windows = Cow::Owned(unix.replace('\n', "\r\n"));
    let lines = [
        (had_crlf.then_some("with Unix line ends (LF)"), Some(unix)),
        (Some("with Windows line ends (CR LF)"), Some(windows)),
        // Both kinds in one text.
        (None, bare.map(Cow::Borrowed)),
    ];
    // The fewest changes first.
    let mut found: Option<Vec<&str>> = None;
    for (line, text) in &lines {
        let Some(text) = text else { continue };
        let newline = if text::has(text, "\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let end = |end| Some((text.strip_suffix(end)?, end));
        let (trimmed, own) = end("\r\n").or_else(|| end("\n")).unwrap_or((text, ""));
        for (end, tail) in [
            (None, own),
            (Some("with a newline at the end"), newline),
            (Some("without the newline at the end"), ""),
        ] {
            for mark in [false, true] {
                let mark_word = match (had_mark, mark) {
                    (true, false) => Some(without_mark),
                    (false, true) => Some("with a byte order mark"),
                    _ => None,
                };
                let bytes = [if mark { MARK } else { "" }, trimmed, tail].concat();
                if sha256(bytes.as_bytes()) != *approved {
                    continue;
                }
                let words: Vec<&str> = [mark_word, *line, end].into_iter().flatten().collect();
                if !words.is_empty() && found.as_ref().is_none_or(|old| words.len() < old.len()) {
                    found = Some(words);
                }
            }
        }
    }
    found.map(|words| words.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn says_what_would_have_to_be_changed() {
        let utf16 = |text: &str| -> Vec<u8> {
            let units = format!("{MARK}{text}");
            units.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        let bytes = |text: &str| text.as_bytes().to_vec();
        let cases = [
            ("a\nb\n", bytes("a\r\nb\r\n"), "with Unix line ends (LF)"),
            (
                "a\r\nb\r\n",
                bytes("a\nb\n"),
                "with Windows line ends (CR LF)",
            ),
            ("a\nb\n", bytes("a\nb"), "with a newline at the end"),
            ("a\nb", bytes("a\nb\n"), "without the newline at the end"),
            (
                "a\r\nb",
                bytes("a\r\nb\r\n"),
                "without the newline at the end",
            ),
            (
                "a\nb\n",
                bytes("\u{feff}a\nb\n"),
                "without the byte order mark",
            ),
            ("\u{feff}a\n", bytes("a\n"), "with a byte order mark"),
            (
                "a\r\nb\nc",
                bytes("a\r\nb\nc\n"),
                "without the newline at the end",
            ),
            (
                "a\nb\n",
                bytes("\u{feff}a\r\nb"),
                "without the byte order mark and with Unix line ends (LF) and with a newline at the end",
            ),
            (
                "a\nb\n",
                utf16("a\nb\n"),
                "as UTF-8 without a byte order mark",
            ),
            (
                "a\nb\n",
                utf16("a\r\nb\r\n"),
                "as UTF-8 without a byte order mark and with Unix line ends (LF)",
            ),
        ];
        for (approved, given, expected) in cases {
            let found = variant(&given, &sha256(approved.as_bytes()));
            assert_eq!(found.as_deref(), Some(expected), "{approved:?} {given:?}");
        }
    }

    #[test]
    fn says_nothing_of_other_differences() {
        let approved = sha256(b"a\n");
        for given in ["a", "b\n", " a\n", "a\n\n\n", ""] {
            let fits = given == "a";
            assert_eq!(
                variant(given.as_bytes(), &approved).is_some(),
                fits,
                "{given:?}"
            );
        }
        assert_eq!(variant(b"a\n", &approved), None, "it is the approved one");
        assert_eq!(variant(b"\xff\xfe\x00", &approved), None);
        let long = "x".repeat(MAX_BYTES);
        assert_eq!(
            variant(format!("{long}\n").as_bytes(), &sha256(long.as_bytes())),
            None
        );
    }
}
