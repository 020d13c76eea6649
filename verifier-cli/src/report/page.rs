//! The report for people: one file, exceptions first, with the rows for programs inside.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::entry::Act;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::time::for_people;
use verifier_core::policy::Policy;
use verifier_core::{Roster, plain};

use super::glass::Glass;
use super::published::Published;
use super::row::Row;
use super::totals::{Totals, VERDICTS};
use super::{charts, rules};
use crate::args::ReportArgs;
use crate::failure::show_path;
use crate::html::{Html, document};

/// How many rows that are in order the page lists. The data in it have all.
const MOST_LISTED: usize = 20_000;

pub(super) struct Report<'a> {
    pub(super) args: &'a ReportArgs,
    pub(super) policy: &'a Policy,
    pub(super) roster: Option<&'a Roster>,
    pub(super) rows: &'a [Row],
    pub(super) totals: &'a Totals,
    pub(super) published: Option<&'a Published>,
    pub(super) glass: Option<&'a Glass>,
    pub(super) sample: &'a [usize],
}

impl Report<'_> {
    pub(super) fn to_html(&self) -> String {
        let title = format!("Approvals under the policy {}", plain(self.policy.name()));
        let mut body = Html::default();
        body.push(&Html::tag("h1", "", &Html::text(&title)));
        body.push(&Html::tag(
            "p",
            "signed",
            &Html::text("Verified on ____________________ by ______________________________"),
        ));
        self.totals(&mut body);
        self.exceptions(&mut body);
        self.not_shown(&mut body);
        if let Some(glass) = self.glass {
            glass.section(&mut body);
        }
        body.heading("Approvals a month, by approver");
        body.paragraph("VERIFIED ones, copies counted once, in the month by whose end at the latest they existed.");
        body.push(&charts::months(self.totals));
        self.by_key(&mut body);
        self.drawn(&mut body);
        rules::section(self.policy, self.roster, &mut body);
        self.method(&mut body);
        self.all(&mut body);
        let rows: Value<'_> = self.rows.iter().map(Row::to_value).collect();
        body.push(&Html::data("rows", &rows.to_text()));
        document(&title, &body)
    }

    fn totals(&self, body: &mut Html) {
        let count = |count: usize| Html::text(&count.to_string());
        let verdicts = VERDICTS.iter().zip(self.totals.verdicts).rev();
        let mut rows: Vec<Vec<Html>> = vec![vec![Html::text("files"), count(self.rows.len())]];
        rows.extend(verdicts.map(|(word, number)| vec![verdict(word), count(number)]));
        rows.push(vec![
            Html::text("different approvals that are VERIFIED"),
            count(self.totals.approvals()),
        ]);
        for (same, number) in &self.totals.repeats {
            let words = format!("repeat the {same} of another one");
            rows.push(vec![Html::text(&words), count(*number)]);
        }
        if !self.totals.left_out.is_empty() {
            let words = "files in the folders that are no inputs";
            rows.push(vec![Html::text(words), count(self.totals.left_out.len())]);
        }
        body.heading("Totals");
        body.table(&["Count of", "Number"], rows);
        if let Some(published) = self.published {
            body.paragraph(&published.sentence());
        }
    }

    fn exceptions(&self, body: &mut Html) {
        body.heading("Exceptions");
        let order = |row: &&Row| VERDICTS.iter().position(|word| *word == row.verdict);
        let mut bad: Vec<&Row> = self.rows.iter().filter(|row| !row.is_verified()).collect();
        bad.sort_by_key(order);
        if bad.is_empty() {
            body.paragraph("None: every file is VERIFIED.");
        }
        body.table(
            &["File", "Verdict", "Why", "Code"],
            bad.iter().map(|row| {
                vec![
                    file(row),
                    verdict(row.verdict),
                    Html::text(&row.summary),
                    Html::tag("code", "", &Html::text(&row.code)),
                ]
            }),
        );
        let repeats: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.repeats.is_some())
            .collect();
        if !repeats.is_empty() {
            body.heading("Duplicates");
            body.paragraph("Many copies of one approval are not many approvals. Two that share an assertion are one act of a human, whatever else they say.");
        }
        body.table(
            &["File", "Verdict", "Repeats"],
            repeats.iter().map(|row| {
                let words = row.repeats().unwrap_or_default();
                vec![file(row), verdict(row.verdict), Html::text(&words)]
            }),
        );
        body.table(
            &["Left out", "Why"],
            self.totals
                .left_out
                .iter()
                .map(|left| vec![Html::text(&show_path(&left.path)), Html::text(left.why)]),
        );
    }

    fn not_shown(&self, body: &mut Html) {
        let Some(published) = self.published else {
            return;
        };
        body.heading("Approvals and refusals that you were not shown");
        match published.not_shown.len() {
            0 => body.paragraph("None: every entry of the log by a key of the policy, or of its roster, is among the files."),
            _ => body.paragraph("The log has these entries by keys of the policy, or of its roster, and no file is about them. Ask for them by their number. The log shows neither what was decided about nor that it was for you."),
        }
        body.table(
            &[
                "Entry",
                "Says",
                "Key of",
                "Relying party",
                "Decided, as the service claims",
            ],
            published.not_shown.iter().map(|entry| {
                vec![
                    Html::text(&entry.index.to_string()),
                    Html::text(match entry.act {
                        Act::Approval => "approved",
                        Act::Refusal => "refused",
                    }),
                    Html::text(&plain(&entry.approver)),
                    Html::text(&plain(&entry.rp_id)),
                    Html::text(&for_people(entry.decided_at)),
                ]
            }),
        );
        let elsewhere = published
            .elsewhere
            .iter()
            .filter_map(|place| self.rows.get(*place));
        body.table(
            &["Not in this log", "Verdict", "Where it says that it is"],
            elsewhere.map(|row| vec![file(row), verdict(row.verdict), Html::text(&place(row))]),
        );
    }

    fn by_key(&self, body: &mut Html) {
        let count = |count: &usize| Html::text(&count.to_string());
        body.heading("By key, relying party and log");
        body.table(
            &["Key of", "Fingerprint", "Approvals"],
            self.totals.keys.iter().map(|((name, key), number)| {
                let key = Html::tag("code", "", &Html::text(key));
                vec![Html::text(&plain(name)), key, count(number)]
            }),
        );
        body.table(
            &["Relying party", "Approvals"],
            self.totals
                .rp_ids
                .iter()
                .map(|(rp_id, number)| vec![Html::text(&plain(rp_id)), count(number)]),
        );
        body.table(
            &["Log", "First entry", "Last entry", "Approvals"],
            self.totals
                .positions
                .iter()
                .map(|(origin, (first, last, number))| {
                    let position = |index: &u64| Html::text(&index.to_string());
                    vec![
                        Html::text(&plain(origin)),
                        position(first),
                        position(last),
                        count(number),
                    ]
                }),
        );
    }

    fn drawn(&self, body: &mut Html) {
        let Some(wanted) = self.args.sample else {
            return;
        };
        body.heading("Sample");
        body.paragraph(&format!(
            "{} of {} approvals that are VERIFIED and no copies, with the seed {}: those whose SHA-256 of \"cosignet.sample/v1\", the seed in 8 bytes and the SHA-256 of the file is smallest. {wanted} were asked for.",
            self.sample.len(),
            self.totals.approvals(),
            self.args.seed,
        ));
        let rows = self.sample.iter().filter_map(|place| self.rows.get(*place));
        listed(body, rows, true);
    }

    fn method(&self, body: &mut Html) {
        body.heading("Method, and what is not proven");
        body.paragraph("Every file was verified offline under the policy above, with all the checks of `cosignet verify`. Nothing was expected of a single approval but the payload that lies beside its file, if one does: an old approval is VERIFIED as well as a new one.");
        let mut items = String::new();
        for (sentence, count) in &self.totals.not_proven {
            let sentence = Html::text(sentence).into_string();
            items.push_str(&format!("<li>{sentence} ({count})</li>\n"));
        }
        if self.published.is_none() {
            items.push_str("<li>That there are no other approvals by the same keys: no log was compared with (--log).</li>\n");
        }
        body.paragraph("Of this many VERIFIED files each is not proven:");
        body.push(&Html::raw(format!("<ul>{items}</ul>\n")));
        body.paragraph("The same report from the same files:");
        body.push(&Html::tag("pre", "", &Html::text(&self.command())));
        body.paragraph(&format!("Verifier {}.", env!("CARGO_PKG_VERSION")));
    }

    /// The command that makes this report again.
    fn command(&self) -> String {
        let args = self.args;
        let mut words = vec!["cosignet".to_owned(), "report".into()];
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                words.push(format!("{name}={value}"));
            }
        };
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        option("--policy", Some(path(&args.policy)));
        option("--roster", args.roster.as_ref().map(path));
        option("--headers", args.headers.as_ref().map(path));
        option("--at", args.at.map(|at| at.to_string()));
        option("--log", args.log.as_ref().map(|url| log_client::shown(url)));
        option("--log-copy", args.log_copy.as_ref().map(path));
        option("--sample", args.sample.map(|count| count.to_string()));
        option("--seed", args.sample.map(|_| args.seed.to_string()));
        option("--html", args.html.as_ref().map(path));
        words.push("--".into());
        words.extend(args.inputs.iter().map(path));
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    }

    fn all(&self, body: &mut Html) {
        let mut list = Html::default();
        let good = self.rows.iter().filter(|row| row.is_verified());
        listed(&mut list, good.clone().take(MOST_LISTED), false);
        let count = good.count();
        if count == 0 {
            return;
        }
        if let Some(more @ 1..) = count.checked_sub(MOST_LISTED) {
            list.paragraph(&format!(
                "{more} more are in the data of this file, and not listed here."
            ));
        }
        let summary = Html::tag(
            "summary",
            "",
            &Html::text(&format!("All {count} files that are VERIFIED")),
        );
        let mut details = summary;
        details.push(&list);
        body.push(&Html::tag("details", "", &details));
    }
}

/// Rows that are in order. `whole` adds what a closer look needs.
fn listed<'r>(body: &mut Html, rows: impl Iterator<Item = &'r Row>, whole: bool) {
    let mut columns = vec![
        "File",
        "Approver",
        "Not later than",
        "The payload says",
        "Log",
    ];
    if whole {
        columns.push("SHA-256 of the file");
    }
    body.table(
        &columns,
        rows.map(|row| {
            let says = match row.says.is_empty() {
                true => format!(
                    "hash {}",
                    row.payload_sha256.as_deref().unwrap_or("unknown")
                ),
                false => row.says(),
            };
            let time = row.not_later_than.map(for_people);
            let mut cells = vec![
                file(row),
                Html::text(&row.approver.as_deref().map(plain).unwrap_or_default()),
                Html::text(time.as_deref().unwrap_or("not proven")),
                Html::text(&says),
                Html::text(&place(row)),
            ];
            if whole {
                let hash = row.sha256.map(|hash| hex(&hash)).unwrap_or_default();
                cells.push(Html::tag("code", "", &Html::text(&hash)));
            }
            cells
        }),
    );
}

fn file(row: &Row) -> Html {
    Html::text(&plain(&row.file))
}

fn place(row: &Row) -> String {
    match &row.log {
        Some(log) => format!(
            "{} {}, {} witnesses",
            plain(&log.origin),
            log.index,
            log.witnesses
        ),
        None => "not established".into(),
    }
}

fn verdict(word: &str) -> Html {
    Html::tag("strong", &word.to_ascii_lowercase(), &Html::text(word))
}

/// A word of a command, for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:@%+=,-".contains(&b);
    match word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
