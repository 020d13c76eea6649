//! One approval in a report: the facts of its own report, and no more.

use std::path::Path;

use verifier_core::Report;
use verifier_core::hazmat::encoding::{base64url, hex, sha256};
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::payload::fields;
use verifier_core::hazmat::shown::escape;
use verifier_core::hazmat::time::Time;
use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash};
use verifier_core::quote;

use crate::failure::CliError;
use crate::verify::human::UNREADABLE;

/// How many fields of a payload are told in a row. The approval has all.
const MOST_FIELDS: usize = 12;

/// The longest value of a field that is told, in characters.
const LONGEST_VALUE: usize = 80;

/// The `schema` of a row.
const SCHEMA: &str = "cosignet.report-row/v1";

#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) file: String,
    /// A verdict, or `UNREADABLE`.
    pub(super) verdict: &'static str,
    pub(super) code: String,
    pub(super) summary: String,
    pub(super) approver: Option<String>,
    /// Fingerprint of the key that signed, if the policy lists it.
    pub(super) key: Option<String>,
    pub(super) rp_id: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) payload_sha256: Option<String>,
    /// The fields of the payload that was signed: path and text, as they are.
    pub(super) says: Vec<(String, String)>,
    /// Whether the payload has more of them.
    pub(super) says_more: bool,
    pub(super) not_later_than: Option<Time>,
    pub(super) not_later_than_from: Option<&'static str>,
    pub(super) log: Option<Place>,
    pub(super) block: Option<String>,
    pub(super) approval_id: Option<String>,
    pub(super) decided_at: Option<Time>,
    pub(super) sha256: Option<Hash>,
    /// The earlier input that says the same, and what they share.
    pub(super) repeats: Option<(String, &'static str)>,
    /// The leaf of the entry, or of each of a decision, whether or not a log is shown to hold it.
    pub(super) leaves: Vec<Hash>,
    pub(super) not_proven: Vec<String>,
}

/// Where a log holds the entry.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) origin: String,
    pub(super) index: u64,
    pub(super) witnesses: usize,
}

impl Row {
    pub(super) fn of(path: &Path, bytes: &[u8], payload: Option<&[u8]>, report: &Report) -> Self {
        let subject = report.subject();
        let signed = subject.and_then(|subject| subject.payload_hash);
        // The caller's bytes are the signed ones only if their hash is.
        let payload = report.payload().or(payload);
        let payload = payload.filter(|payload| signed == Some(sha256(payload)));
        let mut says = payload.and_then(|payload| fields(payload, MOST_FIELDS + 1));
        let says_more = says.as_ref().is_some_and(|says| says.len() > MOST_FIELDS);
        if let Some(says) = &mut says {
            says.truncate(MOST_FIELDS);
        }
        let claimed = report.claimed_by_service();
        let key = report.approver().map(|approver| approver.key_sha256);
        Self {
            file: path.to_string_lossy().into_owned(),
            verdict: report.verdict().as_str(),
            code: report.code().to_string(),
            summary: report.summary().to_owned(),
            approver: report.approver().map(|approver| approver.name.clone()),
            key: key.map(|key| format!("SHA256:{}", base64url(&key))),
            rp_id: subject.and_then(|subject| subject.rp_id.clone()),
            origin: subject.and_then(|subject| subject.origin.clone()),
            payload_sha256: signed.map(|hash| hex(&hash)),
            says: says
                .unwrap_or_default()
                .into_iter()
                .map(|field| (field.path, field.text))
                .collect(),
            says_more,
            not_later_than: report.not_later_than(),
            not_later_than_from: report.not_later_than_from().map(|from| from.as_str()),
            log: report.log().map(|log| Place {
                origin: log.origin.clone(),
                index: log.index,
                witnesses: log.witnesses.len(),
            }),
            block: report.anchor().map(|anchor| {
                format!(
                    "{} ({})",
                    anchor.block_for_people(),
                    anchor.strength.as_str()
                )
            }),
            approval_id: claimed.approval_id.clone(),
            decided_at: claimed.decided_at,
            sha256: Some(report.inputs().bundle_sha256),
            repeats: None,
            leaves: match Input::parse(bytes) {
                Ok(Input::Bundle(bundle)) => vec![leaf_hash(bundle.entry.as_bytes())],
                Ok(Input::Decision(decision)) => {
                    let bundles = decision.bundles.iter();
                    bundles
                        .map(|bundle| leaf_hash(bundle.entry.as_bytes()))
                        .collect()
                }
                _ => Vec::new(),
            },
            not_proven: report
                .not_proven()
                .iter()
                .map(|one| one.text.clone())
                .collect(),
        }
    }

    pub(super) fn unreadable(path: &Path, error: &CliError) -> Self {
        Self {
            file: path.to_string_lossy().into_owned(),
            verdict: UNREADABLE,
            code: error.code().to_owned(),
            summary: error.message.clone(),
            ..Self::default()
        }
    }

    pub(super) fn is_verified(&self) -> bool {
        self.verdict == "VERIFIED"
    }

    /// Each field with its name, its value in quotes: words of the requester, and nobody else's.
    pub(super) fn says(&self) -> String {
        let one = |(path, text): &(String, String)| {
            let name = path.strip_prefix("$.").unwrap_or(path);
            let start: String = text.chars().take(LONGEST_VALUE).collect();
            let cut = if start.len() < text.len() { " …" } else { "" };
            format!("{} {}{cut}", verifier_core::plain(name), quote(&start))
        };
        let mut out: Vec<String> = self.says.iter().map(one).collect();
        if self.says_more {
            out.push("and more".into());
        }
        out.join(", ")
    }

    /// What repeats in it, in words.
    pub(super) fn repeats(&self) -> Option<String> {
        let (of, same) = self.repeats.as_ref()?;
        Some(format!("the {same} of {}", verifier_core::plain(of)))
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        let text = |text: &'_ Option<String>| Value::from(text.clone());
        let time = |time: Option<Time>| Value::from(time.map(|time| time.to_string()));
        let log = self.log.as_ref().map(|log| {
            Value::from([
                ("index", log.index.into()),
                ("origin", log.origin.as_str().into()),
                (
                    "witnesses",
                    u64::try_from(log.witnesses).unwrap_or(u64::MAX).into(),
                ),
            ])
        });
        let repeats = self
            .repeats
            .as_ref()
            .map(|(of, same)| Value::from([("of", of.as_str().into()), ("same", (*same).into())]));
        let says = self.says.iter().map(|(path, text)| {
            Value::from([
                ("path", path.as_str().into()),
                ("text", text.as_str().into()),
            ])
        });
        Value::from([
            ("anchor", text(&self.block)),
            ("approver", text(&self.approver)),
            ("bundleSha256", self.sha256.map(|hash| hex(&hash)).into()),
            (
                "claimedByService",
                Value::from([
                    ("approvalId", text(&self.approval_id)),
                    ("decidedAt", time(self.decided_at)),
                ]),
            ),
            ("code", self.code.as_str().into()),
            ("file", self.file.as_str().into()),
            ("key", text(&self.key)),
            ("log", log.into()),
            ("notLaterThan", time(self.not_later_than)),
            ("notLaterThanFrom", self.not_later_than_from.into()),
            ("origin", text(&self.origin)),
            ("payload", says.collect()),
            ("payloadHasMore", self.says_more.into()),
            ("payloadSha256", text(&self.payload_sha256)),
            ("repeats", repeats.into()),
            ("rpId", text(&self.rp_id)),
            ("schema", SCHEMA.into()),
            ("summary", self.summary.as_str().into()),
            ("verdict", self.verdict.into()),
        ])
    }
}

pub(super) fn to_json_lines(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| row.to_value().to_text() + "\n");
    lines.collect()
}

const COLUMNS: [&str; 19] = [
    "file",
    "verdict",
    "code",
    "approver",
    "key",
    "relying party",
    "origin",
    "not later than",
    "by whose clock",
    "log",
    "entry",
    "witnesses",
    "anchor",
    "payload says",
    "payload SHA-256",
    "approval id (claimed)",
    "decided (claimed)",
    "file SHA-256",
    "repeats",
];

/// RFC 4180, with a byte order mark, by which spreadsheets know UTF-8.
pub(super) fn to_csv(rows: &[Row]) -> String {
    let mut out = String::from("\u{feff}");
    let mut line = |cells: [String; 19]| {
        let cells = cells.map(|cell| cell_of(&cell));
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    line(COLUMNS.map(str::to_owned));
    for row in rows {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let time = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
        let log = row.log.as_ref();
        line([
            row.file.clone(),
            row.verdict.into(),
            row.code.clone(),
            text(&row.approver),
            text(&row.key),
            text(&row.rp_id),
            text(&row.origin),
            time(row.not_later_than),
            row.not_later_than_from.unwrap_or_default().into(),
            log.map(|log| log.origin.clone()).unwrap_or_default(),
            log.map(|log| log.index.to_string()).unwrap_or_default(),
            log.map(|log| log.witnesses.to_string()).unwrap_or_default(),
            text(&row.block),
            row.says(),
            text(&row.payload_sha256),
            text(&row.approval_id),
            time(row.decided_at),
            row.sha256.map(|hash| hex(&hash)).unwrap_or_default(),
            row.repeats().unwrap_or_default(),
        ]);
    }
    out
}

/// A cell in quotes. A spreadsheet would take one that begins like a formula for one, and run it.
fn cell_of(text: &str) -> String {
    let shown = escape(text).replace('"', "\"\"");
    let formula = shown.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    format!("\"{}{shown}\"", if formula { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "\t=1"] {
            let cell = cell_of(text);
            let inside = cell.trim_matches('"');
            assert!(inside.starts_with(['\'', '\\']), "{cell}");
        }
        assert_eq!(cell_of("a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(cell_of("a\r\n=b"), "\"a\\r\\n=b\"");
        assert_eq!(cell_of("x\u{202e}y"), "\"x\\u{202e}y\"");
    }
}
