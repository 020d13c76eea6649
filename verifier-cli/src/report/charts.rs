//! Approvals a month, stacked by approver. Drawn in SVG, with its numbers in a table beside it.

use std::collections::BTreeMap;

use super::totals::{NO_TIME, Totals};
use crate::html::Html;
use verifier_core::plain;

const WIDTH: usize = 720;
const HEIGHT: usize = 180;
const BASE: usize = 150;

/// The most months that are drawn; the table has all.
const MOST_MONTHS: usize = 24;

/// Approvers with a pattern of their own. The others share the last one.
const PATTERNS: usize = 6;

/// The approvers, those with most approvals first.
fn approvers(totals: &Totals) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, count) in totals.months.values().flatten() {
        *counts.entry(name).or_default() += count;
    }
    let mut all: Vec<(String, usize)> = counts
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all
}

pub(super) fn months(totals: &Totals) -> Html {
    let approvers = approvers(totals);
    let number = |name: &str| {
        let place = approvers.iter().position(|(known, _)| known == name);
        place.unwrap_or(PATTERNS).min(PATTERNS)
    };
    let shown: Vec<_> = totals
        .months
        .iter()
        .filter(|(month, _)| *month != NO_TIME)
        .collect();
    let shown = shown
        .get(shown.len().saturating_sub(MOST_MONTHS)..)
        .unwrap_or_default();
    let highest = shown
        .iter()
        .map(|(_, counts)| counts.values().sum::<usize>())
        .max()
        .unwrap_or(0)
        .max(1);
    let mut bars = String::new();
    let step = (WIDTH - 40) / shown.len().max(1);
    let width = step.saturating_sub(4).clamp(4, 60);
    for (place, (month, counts)) in shown.iter().enumerate() {
        let x = 40 + place * step;
        let mut top = BASE;
        let mut parts: Vec<(usize, usize)> = counts
            .iter()
            .map(|(name, count)| (number(name), *count))
            .collect();
        parts.sort_unstable();
        for (pattern, count) in parts {
            let height = (count * (BASE - 20)).div_ceil(highest);
            top = top.saturating_sub(height);
            bars.push_str(&format!("<rect class=\"a{pattern}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"));
        }
        let sum: usize = counts.values().sum();
        let middle = x + width / 2;
        bars.push_str(&format!(
            "<text x=\"{middle}\" y=\"{}\">{sum}</text>",
            top.saturating_sub(4)
        ));
        let label = month.get(2..).unwrap_or_default();
        bars.push_str(&format!(
            "<text x=\"{middle}\" y=\"{}\">{}</text>",
            BASE + 16,
            Html::text(label).into_string()
        ));
    }
    let legend = approvers.iter().take(PATTERNS).enumerate().map(|(place, (name, _))| {
        let name = Html::text(&plain(name)).into_string();
        format!("<li><svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"a{place}\" width=\"10\" height=\"10\"/></svg> {name}</li>")
    });
    let legend: String = legend.collect();
    let mut out = Html::raw(format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Approvals a month; the table below has the numbers\">\
         <line x1=\"36\" y1=\"{BASE}\" x2=\"{WIDTH}\" y2=\"{BASE}\"/>{bars}</svg><ul class=\"legend\">{legend}</ul>\n"
    ));
    let mut columns = vec!["Not later than"];
    let names: Vec<String> = approvers.iter().map(|(name, _)| plain(name)).collect();
    columns.extend(names.iter().map(String::as_str));
    columns.push("all");
    out.table(
        &columns,
        totals.months.iter().map(|(month, counts)| {
            let cell = |count: usize| Html::text(&count.to_string());
            let mut row = vec![Html::text(month)];
            row.extend(
                approvers
                    .iter()
                    .map(|(name, _)| cell(counts.get(name).copied().unwrap_or(0))),
            );
            row.push(cell(counts.values().sum()));
            row
        }),
    );
    out
}
