//! Times as our formats write them: `YYYY-MM-DDTHH:MM:SS.sssZ`, 24 characters, UTC.

use alloc::format;
use alloc::string::String;
use core::fmt;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime};

/// How far two clocks that are right may differ, in milliseconds: two minutes. The one allowance
/// wherever a time of somebody else is compared with a moment.
pub const CLOCK_ALLOWANCE_MILLIS: u64 = 120_000;

/// A moment in milliseconds since 1970-01-01T00:00:00Z, in the years 1970 to 9999.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct Time(u64);

impl Time {
    /// 9999-12-31T23:59:59.999Z, the last moment that 24 characters can name.
    const MAX: u64 = 253_402_300_799_999;

    /// 1970-01-01T00:00:00.000Z.
    pub const EPOCH: Self = Self(0);

    /// Reads the 24-character form and nothing else: no offset, no leap second, no other precision.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
        for (byte, shape) in bytes.iter().zip(b"0000-00-00T00:00:00.000Z") {
            match shape {
                b'0' if byte.is_ascii_digit() => {}
                _ if byte == shape => {}
                _ => return None,
            }
        }
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
        let byte = |from: usize| u8::try_from(number(from, from + 2)?).ok();
        let month = Month::try_from(byte(5)?).ok()?;
        let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, byte(8)?).ok()?;
        let moment = date.with_hms(byte(11)?, byte(14)?, byte(17)?).ok()?;
        let seconds = PrimitiveDateTime::assume_utc(moment).unix_timestamp();
        let millis = u64::try_from(seconds).ok()?.checked_mul(1000)?;
        Self::from_millis(millis.checked_add(number(20, 23)?.into())?)
    }

    /// `None` after the year 9999.
    pub fn from_millis(millis: u64) -> Option<Self> {
        (millis <= Self::MAX).then_some(Self(millis))
    }

    /// `None` after the year 9999.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        Self::from_millis(seconds.checked_mul(1000)?)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `millis` later; the last representable one if there is none.
    #[must_use]
    pub fn saturating_add_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis).min(Self::MAX))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0 / 1000).map_err(|_| fmt::Error)?;
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            self.0 % 1000
        )
    }
}

/// A duration in a policy: a number and one of `s`, `m`, `h`, `d`. Returned in milliseconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => 3_600_000,
        b'd' => 86_400_000,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    let plain = number.bytes().all(|b| b.is_ascii_digit())
        && (1..=9).contains(&number.len())
        && !number.starts_with('0');
    if !plain {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// A duration as policies write it, in its largest whole unit; what is less than a second is left
/// out.
pub fn write_duration(millis: u64) -> String {
    let seconds = millis / 1000;
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let whole = units.iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{seconds}s"),
        |(unit, letter)| format!("{}{letter}", seconds / unit),
    )
}

/// A time for people: to the second, with a space instead of `T`.
pub fn for_people(time: Time) -> String {
    let text = format!("{time}");
    match (text.get(..10), text.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock}Z"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn prints_what_it_reads() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:34:56.789Z", 951_827_696_789),
            ("2026-11-21T20:45:00.001Z", 1_795_293_900_001),
            ("9999-12-31T23:59:59.999Z", Time::MAX),
        ] {
            let time = Time::parse(text).unwrap();
            assert_eq!(time.as_millis(), millis, "{text}");
            assert_eq!(time.to_string(), text);
        }
        assert_eq!(Time::from_millis(Time::MAX + 1), None);
    }

    #[test]
    fn refuses_every_other_form() {
        for bad in [
            "",
            "2026-11-21T20:45:00Z",
            "2026-11-21T20:45:00.000+00:00",
            "2026-11-21t20:45:00.000Z",
            "2026-11-21 20:45:00.000Z",
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-11-21T24:00:00.000Z",
            "2026-11-21T23:59:60.000Z",
            "1969-12-31T23:59:59.999Z",
            "+026-11-21T20:45:00.000Z",
            "2026-11-21T20:45:00.0001Z",
        ] {
            assert_eq!(Time::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_written_in_their_largest_unit() {
        for text in ["1s", "59s", "90s", "1m", "90m", "1h", "25h", "1d", "7d"] {
            assert_eq!(write_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(write_duration(60_000), "1m");
        assert_eq!(write_duration(86_400_000 * 2), "2d");
        assert_eq!(write_duration(1_999), "1s");
    }

    #[test]
    fn durations_have_one_unit() {
        assert_eq!(parse_duration("24h"), Some(86_400_000));
        assert_eq!(parse_duration("90s"), Some(90_000));
        for bad in [
            "",
            "h",
            "24",
            "0h",
            "024h",
            "-1h",
            "1.5h",
            "24 h",
            "1h30m",
            "9999999999d",
        ] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn people_read_seconds() {
        let time = Time::parse("2026-11-21T20:45:00.001Z").unwrap();
        assert_eq!(for_people(time), "2026-11-21 20:45:00Z");
    }
}
