//! Binary, hex, times and RP ids, each in its one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

pub(super) fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Lower case only.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// A decimal of the C2SP texts: no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    (digits && !leading).then_some(())?;
    text.parse().ok()
}

/// `YYYY-MM-DDTHH:MM:SS.sssZ` in milliseconds since 1970.
pub(super) fn time(text: &str) -> Option<u64> {
    let form = "dddd-dd-ddTdd:dd:dd.dddZ";
    let fits = text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                other => byte == other,
            });
    fits.then_some(())?;
    let number = |at: core::ops::Range<usize>| text[at].parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let in_range = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    in_range.then_some(())?;
    let days: u64 = (1970..year).map(days_of).sum::<u64>()
        + (1..month).map(|month| days_in(year, month)).sum::<u64>()
        + (day - 1);
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + number(20..23)?)
}

/// The other way.
pub(super) fn show_time(millis: u64) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (mut days, seconds) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z",
        days + 1
    )
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 36 characters, hyphens at 8, 13, 18 and 23.
pub(super) fn is_approval_id(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => matches!(c, '0'..='9' | 'a'..='f'),
        })
}

/// Labels of 1 to 63 characters, joined by dots; 253 in all.
pub(super) fn is_rp_id(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// A name, as far as it goes without the tables of Unicode: of the hidden characters those that
/// the vectors have, of the marks the combining diacritics.
pub(super) fn is_name(text: &str) -> bool {
    let hidden = |c: char| {
        let format = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        c.is_control() || format || (c.is_whitespace() && c != ' ')
    };
    let mark = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
    (1..=200).contains(&text.len())
        && !text.contains(hidden)
        && text.trim_matches(' ') == text
        && !text.contains("   ")
        && !text.starts_with(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-03-01T12:00:00.000Z", 1_772_366_400_000),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ] {
            assert_eq!(time(text), Some(millis), "{text}");
            assert_eq!(show_time(millis), text);
        }
        for text in [
            "2100-02-29T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01t00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
