//! The rows taken together.

use std::collections::BTreeMap;

use verifier_core::plain;

use super::published::Published;
use super::row::Row;
use crate::failure::show_path;
use crate::input::LeftOut;
use crate::text::wrap;
use crate::verify::human::UNREADABLE;

/// The verdicts, those that need a look first.
pub(super) const VERDICTS: [&str; 5] = [
    "REJECTED",
    "MALFORMED",
    UNREADABLE,
    "INCOMPLETE",
    "VERIFIED",
];

/// How many exceptions are printed in a terminal. The files have all.
const MOST_PRINTED: usize = 20;

/// Months without a proven time.
pub(super) const NO_TIME: &str = "no time proven";

pub(super) struct Totals {
    /// In the order of [`VERDICTS`].
    pub(super) verdicts: [usize; 5],
    /// How many rows repeat another one, by the thing that they share.
    pub(super) repeats: BTreeMap<&'static str, usize>,
    /// VERIFIED and no copy, by month of the proven time, then by approver.
    pub(super) months: BTreeMap<String, BTreeMap<String, usize>>,
    /// The same by key and its name, and by relying party.
    pub(super) keys: BTreeMap<(String, String), usize>,
    pub(super) rp_ids: BTreeMap<String, usize>,
    /// First and last position, and the number of positions, by log.
    pub(super) positions: BTreeMap<String, (u64, u64, usize)>,
    /// How many VERIFIED rows each sentence is about.
    pub(super) not_proven: BTreeMap<String, usize>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Totals {
    pub(super) fn of(rows: &[Row], left_out: Vec<LeftOut>) -> Self {
        let mut totals = Self {
            verdicts: VERDICTS.map(|word| rows.iter().filter(|row| row.verdict == word).count()),
            repeats: BTreeMap::new(),
            months: BTreeMap::new(),
            keys: BTreeMap::new(),
            rp_ids: BTreeMap::new(),
            positions: BTreeMap::new(),
            not_proven: BTreeMap::new(),
            left_out,
        };
        rows.iter().for_each(|row| totals.count(row));
        totals
    }

    fn count(&mut self, row: &Row) {
        if let Some((_, same)) = row.repeats {
            add(&mut self.repeats, same);
        }
        if !row.is_verified() {
            return;
        }
        for sentence in &row.not_proven {
            add(&mut self.not_proven, sentence.clone());
        }
        // A copy is no further approval.
        if row.repeats.is_some() {
            return;
        }
        let approver = row.approver.clone().unwrap_or_default();
        let month = row.not_later_than.map(|time| time.to_string());
        let month = month.as_deref().and_then(|time| time.get(..7));
        let month = self.months.entry(month.unwrap_or(NO_TIME).to_owned());
        add(month.or_default(), approver.clone());
        add(
            &mut self.keys,
            (approver, row.key.clone().unwrap_or_default()),
        );
        add(&mut self.rp_ids, row.rp_id.clone().unwrap_or_default());
        if let Some(place) = &row.log {
            let range = self.positions.entry(place.origin.clone());
            let (first, last, count) = range.or_insert((place.index, place.index, 0));
            *first = place.index.min(*first);
            *last = place.index.max(*last);
            *count += 1;
        }
    }

    /// Different approvals that are VERIFIED.
    pub(super) fn approvals(&self) -> usize {
        self.keys.values().sum()
    }

    /// For a terminal.
    pub(super) fn to_text(&self, rows: &[Row], published: Option<&Published>) -> String {
        let counts = VERDICTS.iter().zip(self.verdicts).rev();
        let counts = counts.filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let files = if rows.len() == 1 { "file" } else { "files" };
        let mut out = wrap(
            "",
            &format!("{} {files}: {}.", rows.len(), counts.join(", ")),
        );
        let repeated: usize = self.repeats.values().sum();
        if repeated > 0 {
            let different = self.approvals();
            out += &wrap(
                "",
                &format!(
                    "{repeated} repeat another one: {different} different approvals are VERIFIED."
                ),
            );
        }
        let exceptions = || rows.iter().filter(|row| !row.is_verified());
        for row in exceptions().take(MOST_PRINTED) {
            let label = format!("{:<11}", row.verdict);
            out += &wrap(&label, &format!("{}: {}", plain(&row.file), row.summary));
        }
        if let Some(more @ 1..) = exceptions().count().checked_sub(MOST_PRINTED) {
            out += &format!("and {more} more that are not VERIFIED\n");
        }
        if let Some(published) = published {
            out += &wrap("", &published.sentence());
        }
        for left in &self.left_out {
            out += &wrap(
                "left out   ",
                &format!("{}: {}", show_path(&left.path), left.why),
            );
        }
        out
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}
