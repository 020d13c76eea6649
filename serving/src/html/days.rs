//! The last thirty days of a log, as a picture.

use verifier_core::Time;

use super::Html;

/// A day, in milliseconds.
pub const DAY_MILLIS: u64 = 86_400_000;

/// The height of the highest bar, and where all of them stand.
const HEIGHT: u64 = 110;
const BASE: u64 = HEIGHT + 16;

/// From one bar to the next.
const STEP: u64 = 24;

/// The entries of a log that were decided on one day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Day {
    /// The days since 1970 before it.
    pub number: u64,
    /// How many entries it has.
    pub entries: u64,
}

/// The last days, the oldest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Days(Vec<Day>);

impl Days {
    /// How many days there are.
    pub const LENGTH: u64 = 30;

    /// Counts the entries of a tree of `size`. `start` is the first entry, from the given one on,
    /// that was decided on the given day or later: see [`first`]. Entries stand nearly in the order
    /// of their decisions.
    ///
    /// # Errors
    ///
    /// Those of `start`.
    pub fn count<E>(
        size: u64,
        today: u64,
        mut start: impl FnMut(u64, u64) -> Result<u64, E>,
    ) -> Result<Self, E> {
        let mut starts = Vec::new();
        let mut low = 0;
        for day in today.saturating_sub(Self::LENGTH - 1)..=today {
            low = start(low, day)?.max(low);
            starts.push((day, low));
        }
        let ends = starts.iter().skip(1).map(|(_, start)| *start);
        let ends: Vec<u64> = ends.chain([size]).collect();
        let days = starts.into_iter().zip(ends);
        let day = |((number, start), end): ((u64, u64), u64)| Day {
            number,
            entries: end.saturating_sub(start),
        };
        Ok(Self(days.map(day).collect()))
    }

    /// The entries of all of them.
    pub fn entries(&self) -> u64 {
        self.0.iter().map(|day| day.entries).sum()
    }

    /// The entries of the day that has most.
    pub fn most(&self) -> u64 {
        self.0.iter().map(|day| day.entries).max().unwrap_or(0)
    }

    /// A bar for each, and a square below those that are `marked`. `label` is read out.
    pub fn to_svg(&self, label: &str, marked: impl Fn(u64) -> bool) -> Html {
        let most = self.most().max(1);
        let mut bars = String::new();
        for (x, day) in (0..).map(|place: u64| place * STEP).zip(&self.0) {
            let Day { number, entries } = *day;
            let height = entries.saturating_mul(HEIGHT).div_ceil(most);
            let time = Time::from_millis(number.saturating_mul(DAY_MILLIS));
            let time = time.map(|time| time.to_string()).unwrap_or_default();
            let date = time.get(..10).unwrap_or_default();
            let y = BASE - height;
            bars.push_str(&format!(
                "<rect class=\"a0\" x=\"{x}\" y=\"{y}\" width=\"18\" height=\"{height}\"><title>{date}: {entries}</title></rect>"
            ));
            if marked(number) {
                let (x, y) = (x + 5, BASE + 6);
                bars.push_str(&format!(
                    "<rect class=\"mark\" x=\"{x}\" y=\"{y}\" width=\"8\" height=\"8\"/>"
                ));
            }
        }
        let Html(label) = Html::text(label);
        let (width, height) = (Self::LENGTH * STEP, BASE + 20);
        Html::raw(format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">\
             <text class=\"most\" x=\"0\" y=\"11\">{most}</text>\
             <line x1=\"0\" y1=\"{BASE}\" x2=\"{width}\" y2=\"{BASE}\"/>{bars}</svg>\n"
        ))
    }
}

/// The first of the entries from `low` to `size` that does not come `before` something; `size` if
/// all do.
///
/// # Errors
///
/// Those of `before`.
pub fn first<E>(
    low: u64,
    size: u64,
    mut before: impl FnMut(u64) -> Result<bool, E>,
) -> Result<u64, E> {
    let (mut low, mut high) = (low, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match before(middle)? {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;

    /// Entries that were decided on these days, in order.
    fn days(decided: &[u64], today: u64) -> Days {
        let size = u64::try_from(decided.len()).unwrap();
        let is_before = |day: u64| {
            move |index: u64| {
                let index = usize::try_from(index).unwrap();
                Ok::<_, Infallible>(decided[index] < day)
            }
        };
        Days::count(size, today, |low, day| first(low, size, is_before(day))).unwrap()
    }

    #[test]
    fn each_entry_is_counted_on_its_day() {
        let Days(all) = days(&[1, 70, 70, 71, 99, 99, 99], 99);
        assert_eq!((all.len(), all[0].number, all[29].number), (30, 70, 99));
        let counts = |number: u64| all.iter().find(|day| day.number == number).unwrap().entries;
        // Older entries are on none of the days.
        assert_eq!([70, 71, 72, 99].map(counts), [2, 1, 0, 3]);
        let all = Days(all);
        assert_eq!((all.entries(), all.most()), (6, 3));
    }

    #[test]
    fn an_empty_log_has_a_picture() {
        let all = days(&[], 3);
        assert_eq!((all.entries(), all.most()), (0, 0));
        let svg = all.to_svg("a \"picture\"", |day| day == 2).into_string();
        assert_eq!(svg.matches("class=\"mark\"").count(), 1);
        assert!(svg.contains("a &quot;picture&quot;"), "{svg}");
        assert!(svg.contains("1970-01-03: 0"), "{svg}");
    }
}
