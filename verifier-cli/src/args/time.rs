//! Moments, as people type them.

use verifier_core::Time;

/// A moment, or `now`: `2026-03-01T12:00:00.000Z`, with or without milliseconds, and as reports
/// print it, with a blank instead of the `T`.
pub(super) fn moment(text: &str) -> Result<Time, &'static str> {
    const FORM: &str = "a time is written 2026-03-01T12:00:00Z or \"2026-03-01 12:00:00Z\", in UTC";
    if text == "now" {
        return now();
    }
    let full = (|| {
        let (date, clock) = text.split_at_checked(10)?;
        let clock = clock.strip_prefix(['T', ' '])?.strip_suffix('Z')?;
        let rest = if clock.len() == 8 { ".000" } else { "" };
        Time::parse(&format!("{date}T{clock}{rest}Z"))
    })();
    full.ok_or(FORM)
}

/// The moment at which this runs, by the clock of this machine.
pub(crate) fn now() -> Result<Time, &'static str> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = now.ok().and_then(|now| u64::try_from(now.as_millis()).ok());
    millis
        .and_then(Time::from_millis)
        .ok_or("the clock of this machine is wrong")
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::hazmat::time::for_people;

    #[test]
    fn reads_what_is_printed() {
        let time = moment("2026-03-01T12:00:07.000Z").unwrap();
        for text in [
            "2026-03-01T12:00:07Z",
            "2026-03-01 12:00:07Z",
            "2026-03-01 12:00:07.000Z",
            &for_people(time),
            &time.to_string(),
        ] {
            assert_eq!(moment(text), Ok(time), "{text}");
        }
        for text in [
            "",
            "2026-03-01",
            "2026-03-01  12:00:07Z",
            "2026-03-01t12:00:07Z",
            "2026-03-01T12:00:07",
            "2026-03-01T12:00:07+01:00",
            "2026-03-01T12:00:07.1Z",
            "2026-02-30T12:00:07Z",
            "2026-03-0ä12:00:07Z",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
