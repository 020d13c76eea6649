//! The front page of a log, for people: `/`. Programs read `/log.json`.
//!
//! It says what the log says of itself. Nobody has to believe any of it, and it says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serving::answer::{of_type, set};
use serving::{Answer, Problem};
use verifier_core::hazmat::encoding::{base64, hex, sha256};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::{AwsLc, plain};

use crate::http::app::App;
use crate::http::page;

const STYLE: &str = include_str!("front/style.css");
const SCRIPT: &str = include_str!("front/script.js");

const DAY_MILLIS: u64 = 86_400_000;

/// How many days the picture shows.
const DAYS: u64 = 30;

/// How many anchors the table shows.
const ANCHORS: usize = 5;

/// The number of entries that were decided before each of the last days began. The past does not
/// change, so each is looked for once.
#[derive(Debug, Default)]
pub(crate) struct Days(Mutex<BTreeMap<u64, u64>>);

impl Days {
    /// How many entries of the tree of `size` each of the last days has, the oldest first: the
    /// number of the day since 1970, and the entries. The log admits an entry a short time after
    /// it was decided, so the order is nearly that of the times.
    fn counts(&self, app: &App, size: u64, today: u64) -> crate::failure::Result<Vec<(u64, u64)>> {
        let first = today.saturating_sub(DAYS - 1);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|day, _| (first..=today).contains(day));
        let mut starts = Vec::new();
        let mut low = 0;
        for day in first..=today {
            let start = match known.get(&day) {
                Some(start) => *start,
                None => {
                    let begin = day.saturating_mul(DAY_MILLIS);
                    let start = place(app, low, size, begin)?;
                    known.insert(day, start);
                    start
                }
            };
            low = start.max(low);
            starts.push((day, low));
        }
        let ends = starts.iter().skip(1).map(|(_, start)| *start);
        let ends: Vec<u64> = ends.chain([size]).collect();
        let counts = starts.iter().zip(ends);
        Ok(counts
            .map(|((day, start), end)| (*day, end.saturating_sub(*start)))
            .collect())
    }
}

/// The first entry from `low` on that was decided at `begin` or later; `size` if none was.
fn place(app: &App, low: u64, size: u64, begin: u64) -> crate::failure::Result<u64> {
    let (mut low, mut high) = (low, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let leaf = app.tiles.leaf(middle, size)?;
        let decided = Entry::parse(&leaf).map(|entry| entry.decided_at.as_millis());
        match decided.is_ok_and(|decided| decided < begin) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}

/// Reads files.
pub(crate) fn answer(app: &App) -> Result<Answer, Problem> {
    let mut answer = of_type(StatusCode::OK, "text/html; charset=utf-8", to_html(app)?);
    let hash = |text: &str| format!("'sha256-{}'", base64(&sha256(text.as_bytes())));
    let rights = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE),
    );
    if let Ok(rights) = HeaderValue::from_str(&rights) {
        answer
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, rights);
    }
    set(&mut answer, header::CACHE_CONTROL, "public, max-age=60");
    set(&mut answer, header::REFERRER_POLICY, "no-referrer");
    Ok(answer)
}

fn to_html(app: &App) -> crate::failure::Result<String> {
    let head = app.head();
    let name = text(&plain(app.key.name()));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>The log {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>The log {name}</h1>\n\
         <p>A public, append-only list of approvals that people gave with their passkeys. Every entry is a hash and a signature; nothing in it names a person or says what was approved.</p>\n"
    );
    out += &look_up();
    out += &about(app, &head.root, head.size);
    out += &witnesses(app, &head.checkpoint);
    out += &picture(app, head.size)?;
    out += &anchors(app);
    out += "<h2>For programs</h2>\n<p><a href=\"log.json\">log.json</a>, <a href=\"checkpoint\">checkpoint</a>, <a href=\"openapi.json\">openapi.json</a>, <a href=\"anchors/index.json\">anchors/index.json</a></p>\n\
        <p class=\"hint\">All of this is what the log says of itself, and no reason to trust it. The key belongs into your policy from another source; witnesses, monitors and your own copy of an approval show whether the log keeps its word.</p>\n\
        </main>\n</body>\n</html>\n";
    Ok(out)
}

fn look_up() -> String {
    if !page::is_built() {
        return "<p class=\"hint\">This server was built without the page that verifies approvals. The command <code>cosignet fetch</code> gets one by its id.</p>\n".into();
    }
    format!(
        "<form id=\"lookup\">\n<h2><label for=\"id\">Look up an approval by its id</label></h2>\n\
         <p><input id=\"id\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"0189b2f4-5a00-7c3e-8d11-2f6a90c4be07\"> <button type=\"submit\">Look up and verify</button></p>\n</form>\n\
         <p>Or <a href=\"verify/\">verify a file</a> that somebody gave you.</p>\n<script>{SCRIPT}</script>\n"
    )
}

fn about(app: &App, root: &[u8], size: u64) -> String {
    let row = |label: &str, value: String| format!("<dt>{label}</dt><dd>{value}</dd>\n");
    let vkey = app.key.to_string();
    let fingerprint = hex(&sha256(vkey.as_bytes()));
    let delay = app.rules.max_append_delay / 1000;
    let mut out = String::from("<h2>The log</h2>\n<dl>\n");
    out += &row("Key", format!("<code>{}</code>", text(&vkey)));
    out += &row(
        "SHA-256 of that line",
        format!("<code>{fingerprint}</code>"),
    );
    out += &row("Entries", size.to_string());
    out += &row("Newest root", format!("<code>{}</code>", hex(root)));
    out += &row(
        "Published within",
        format!("{} of the decision", duration(delay)),
    );
    if let Some(millis) = app.metrics.nine_of_ten_within() {
        out += &row(
            "Time to publish",
            format!("at most {millis} ms for nine of ten batches since the start"),
        );
    }
    out + "</dl>\n"
}

/// The witnesses that the log asks, with the times of their cosignatures under the newest head.
fn witnesses(app: &App, checkpoint: &str) -> String {
    let policy = app.cosigner.policy();
    if policy.witnesses().is_empty() {
        return "<h2>Witnesses</h2>\n<p>None: nobody but this log vouches for its newest head.</p>\n".into();
    }
    let note = SignedCheckpoint::parse(checkpoint).ok();
    let signed = note
        .as_ref()
        .and_then(|note| policy.verify_log(&AwsLc, note).ok());
    let cosigned = signed
        .as_ref()
        .and_then(|signed| signed.verify_cosignatures(&AwsLc).ok());
    let times: BTreeMap<String, Time> = cosigned
        .iter()
        .flat_map(|cosigned| cosigned.witnesses())
        .map(|(witness, time)| (witness.key().to_string(), time))
        .collect();
    let mut out = format!(
        "<h2>Witnesses</h2>\n<p>A head is published once {} have cosigned it.</p>\n\
         <table><thead><tr><th scope=\"col\">Witness</th><th scope=\"col\">Cosigned the newest head</th></tr></thead><tbody>\n",
        text(&policy.quorum_in_words()),
    );
    for witness in policy.witnesses() {
        let time = times.get(&witness.key().to_string()).copied();
        let time = time.map_or_else(|| "not yet".into(), for_people);
        let name = text(&plain(witness.key().name()));
        let _infallible = writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{time}</td></tr>");
    }
    out + "</tbody></table>\n"
}

fn anchors(app: &App) -> String {
    let recent = app.anchors.archive.recent(ANCHORS);
    if recent.is_empty() {
        return "<h2>Bitcoin anchors</h2>\n<p>None.</p>\n".into();
    }
    let mut out = String::from(
        "<h2>Bitcoin anchors</h2>\n<table><thead><tr><th scope=\"col\">Stamped</th><th scope=\"col\">Entries</th><th scope=\"col\">Block</th></tr></thead><tbody>\n",
    );
    for anchor in recent {
        let block = anchor
            .height
            .map_or_else(|| "not yet".into(), |height| height.to_string());
        let time = for_people(anchor.stamped_at);
        let _infallible = writeln!(
            out,
            "<tr><th scope=\"row\">{time}</th><td>{}</td><td>{block}</td></tr>",
            anchor.size
        );
    }
    out + "</tbody></table>\n"
}

/// Entries a day, and the days on which heads were stamped.
fn picture(app: &App, size: u64) -> crate::failure::Result<String> {
    const HEIGHT: u64 = 110;
    const STEP: u64 = 24;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let today = now.map_or(0, |now| now.as_secs() / 86_400);
    let days = app.days.counts(app, size, today)?;
    let stamped = app.anchors.archive.recent(usize::MAX);
    let stamped = |day: u64| {
        let on = |millis: u64| millis / DAY_MILLIS == day;
        stamped
            .iter()
            .any(|anchor| on(anchor.stamped_at.as_millis()))
    };
    let highest = days
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    let all: u64 = days.iter().map(|(_, count)| *count).sum();
    let mut bars = String::new();
    for (x, (day, count)) in (0..).map(|place: u64| place * STEP).zip(&days) {
        let height = count.saturating_mul(HEIGHT).div_ceil(highest);
        let date = Time::from_millis(day.saturating_mul(DAY_MILLIS)).map(|time| time.to_string());
        let date = date
            .as_deref()
            .and_then(|date| date.get(..10))
            .unwrap_or_default();
        let _infallible = write!(
            bars,
            "<rect x=\"{x}\" y=\"{}\" width=\"18\" height=\"{height}\"><title>{date}: {count}</title></rect>",
            HEIGHT + 16 - height
        );
        if stamped(*day) {
            let _infallible = write!(
                bars,
                "<rect class=\"anchor\" x=\"{}\" y=\"{}\" width=\"8\" height=\"8\"/>",
                x + 5,
                HEIGHT + 22
            );
        }
    }
    let width = DAYS * STEP;
    let entries = if all == 1 { "entry" } else { "entries" };
    Ok(format!(
        "<h2>The last {DAYS} days</h2>\n<svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"Entries a day: {all} in {DAYS} days, at most {highest} on one\">\
         <text x=\"0\" y=\"11\">{highest}</text><line x1=\"0\" y1=\"{}\" x2=\"{width}\" y2=\"{}\"/>{bars}</svg>\n\
         <p class=\"hint\">{all} {entries}, by the day of the decision; a square below a day is a head that was stamped for Bitcoin.</p>\n",
        HEIGHT + 36,
        HEIGHT + 16,
        HEIGHT + 16,
    ))
}

/// `24 hours` or `90 seconds`.
fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600) {
        (1, 0) => "1 hour".into(),
        (hours, 0) => format!("{hours} hours"),
        _ => format!("{seconds} seconds"),
    }
}

/// Text for HTML.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
