//! Texts that people edit, or that a shell wrote for them: policies, log policies.
//!
//! The same text has many forms on disk: a byte order mark in front, UTF-16, two characters at the
//! end of a line. None of them changes what was meant, so none of them may change what is read.
//! Evidence is another matter: its bytes are signed, and nothing here is for it.
//!
//! ```text
//! EF BB BF        UTF-8 with a byte order mark: Notepad
//! FF FE           UTF-16, little end first: `>` in Windows PowerShell 5.1
//! FE FF           UTF-16, big end first
//! anything else   UTF-8
//! CR LF           LF
//! ```

use alloc::borrow::Cow;
use alloc::string::String;

const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The text in a file that a person keeps, as it would be in UTF-8 without a byte order mark and
/// with LF behind each line. A CR that stands alone stays.
///
/// # Errors
///
/// [`Error`] says what the bytes are instead of text in one of the forms above.
pub fn from_people(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let text = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(Error::Utf32),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        _ => Cow::Borrowed(utf8(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes))?),
    };
    Ok(match has(&text, "\r\n") {
        true => Cow::Owned(with_unix_lines(&text)),
        false => text,
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return Err(Error::Utf16);
    };
    char::decode_utf16(pairs.iter().copied().map(unit))
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Utf16)
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    // ASCII in UTF-16 without a mark: every other byte is zero. It is valid UTF-8, too.
    if let (Some([0, _] | [_, 0]), true) = (bytes.first_chunk(), bytes.len().is_multiple_of(2)) {
        return Err(Error::Utf16WithoutMark);
    }
    core::str::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        at: error.valid_up_to(),
    })
}

/// The reason why bytes are not text as people keep it. Each is a sentence without its subject:
/// "is UTF-16 with an error in it".
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A byte that no UTF-8 text has in this place.
    #[error("is not UTF-8 text (byte {at}): save it as UTF-8")]
    NotUtf8 {
        /// How many bytes before it are sound.
        at: usize,
    },
    /// Half a character.
    #[error("is UTF-16 that breaks off or has half a character: save it as UTF-8")]
    Utf16,
    /// UTF-16 that does not say so.
    #[error("looks like UTF-16 without a byte order mark: save it as UTF-8")]
    Utf16WithoutMark,
    /// UTF-32.
    #[error("is UTF-32: save it as UTF-8")]
    Utf32,
}

/// Whether `part`, which is not empty, stands in `text`. The search of the standard library is made
/// for parts of any length, and makes the module for browsers larger by more than its rules do.
pub(crate) fn has(text: &str, part: &str) -> bool {
    let mut windows = text.as_bytes().windows(part.len().max(1));
    windows.any(|window| window == part.as_bytes())
}

fn with_unix_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_suffix("\r\n") {
            Some(line) => {
                out.push_str(line);
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const TEXT: &str = "name = \"ä €\"\n# 𝄞\n\nlast\n";

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_form_is_the_same_text() {
        let crlf = TEXT.replace('\n', "\r\n");
        for text in [TEXT, &crlf] {
            let marked = String::from("\u{feff}") + text;
            for bytes in [
                text.as_bytes().to_vec(),
                marked.clone().into_bytes(),
                utf16(&marked, u16::to_le_bytes),
                utf16(&marked, u16::to_be_bytes),
            ] {
                assert_eq!(from_people(&bytes).unwrap(), TEXT);
            }
        }
        assert_eq!(from_people(b"").unwrap(), "");
        assert_eq!(from_people(b"\xff\xfe").unwrap(), "");
        // Nothing but the end of a line is changed.
        assert_eq!(from_people(b"a\rb\r\r\n\tc ").unwrap(), "a\rb\r\n\tc ");
        assert!(matches!(from_people(TEXT.as_bytes()), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        let words = |bytes: &[u8]| alloc::format!("{}", from_people(bytes).unwrap_err());
        assert!(words(&utf16(TEXT, u16::to_le_bytes)).contains("UTF-16 without"));
        assert!(words(&utf16(TEXT, u16::to_be_bytes)).contains("UTF-16 without"));
        assert!(words(b"\xff\xfea").contains("breaks off"));
        assert!(words(b"\xff\xfe\x00\xd8").contains("half a character"));
        assert!(words(b"\xff\xfe\0\0a\0\0\0").contains("UTF-32"));
        assert!(words(b"\0\0\xfe\xff\0\0\0a").contains("UTF-32"));
        assert!(words(b"na\xefve").contains("byte 2"));
    }
}
