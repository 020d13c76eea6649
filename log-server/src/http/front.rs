//! The front page of a log, for people: `/`. Programs read `/log.json`.
//!
//! It says what the log says of itself. Nobody has to believe any of it, and it says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serving::answer::{of_type, set};
use serving::html::{DAY_MILLIS, Days, Html, document, first};
use serving::{Answer, Problem};
use verifier_core::hazmat::encoding::{base64, hex, sha256};
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::{AwsLc, plain};

use crate::error::LogError;
use crate::http::app::App;
use crate::http::page;

const STYLE: &str = include_str!("front/style.css");
const SCRIPT: &str = include_str!("front/script.js");

/// How many anchors the table shows.
const ANCHORS: usize = 5;

/// The number of entries that were decided before each of the last days began. The past does not
/// change, so each is looked for once.
#[derive(Debug, Default)]
pub(crate) struct Starts(Mutex<BTreeMap<u64, u64>>);

impl Starts {
    /// The last days of the tree of `size`. The log admits an entry a short time after it was
    /// decided, so the order is nearly that of the times.
    fn days(&self, app: &App, size: u64, today: u64) -> crate::error::Result<Days> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = today.saturating_sub(Days::LENGTH);
        known.retain(|day, _| (oldest..=today).contains(day));
        Days::count(size, today, |low, day| {
            if let Some(start) = known.get(&day) {
                return Ok(*start);
            }
            let begin = day.saturating_mul(DAY_MILLIS);
            let start = first(low, size, |index| {
                let decided = decided(app, low, index, size)?;
                Ok::<_, LogError>(decided.is_some_and(|decided| decided.as_millis() < begin))
            })?;
            known.insert(day, start);
            Ok(start)
        })
    }
}

/// How many entries in a row are passed over that nobody decided.
const PASSED_OVER: u64 = 64;

/// When an entry was decided. One of break-glass, which comes at any time, stands where those before
/// it stand.
fn decided(app: &App, low: u64, index: u64, size: u64) -> crate::error::Result<Option<Time>> {
    let last = low.max(index.saturating_sub(PASSED_OVER));
    for index in (last..=index).rev() {
        match Leaf::parse(&app.tiles.leaf(index, size)?) {
            Ok(Leaf::Decision(entry)) => return Ok(Some(entry.decided_at)),
            Ok(Leaf::BreakGlass(_)) => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// Reads files.
pub(crate) fn answer(app: &App) -> Result<Answer, Problem> {
    Ok(shown(to_html(app)?))
}

/// A page of this style.
pub(crate) fn page(title: &str, body: &Html) -> String {
    let style = format!("<link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n");
    document(title, &Html::raw(style), body)
}

/// Its answer, with the rights that it has.
pub(crate) fn shown(html: String) -> Answer {
    let mut answer = of_type(StatusCode::OK, "text/html; charset=utf-8", html);
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
    answer
}

fn to_html(app: &App) -> crate::error::Result<String> {
    let head = app.head();
    let title = format!("The log {}", plain(app.key.name()));
    let mut body = Html::tag("h1", "", &Html::text(&title));
    body.paragraph("A public, append-only list of approvals that people gave with their passkeys. Every entry is a hash and a signature; nothing in it names a person or says what was approved.");
    body.paragraph("One kind of entry is no approval: cosignet.break-glass/v1 says that something was done without one, under a file that people had signed for that case. No verifier takes it for an approval.");
    body.push(&look_up());
    about(app, &head.root, head.size, &mut body);
    witnesses(app, &head.checkpoint, &mut body);
    picture(app, head.size, &mut body)?;
    anchors(app, &mut body);
    body.push(&Html::raw("<h2>For programs</h2>\n<p><a href=\"log.json\">log.json</a>, <a href=\"checkpoint\">checkpoint</a>, <a href=\"openapi.json\">openapi.json</a>, <a href=\"anchors/index.json\">anchors/index.json</a></p>\n"));
    body.push(&hint("All of this is what the log says of itself, and no reason to trust it. The key belongs into your policy from another source; witnesses, monitors and your own copy of an approval show whether the log keeps its word."));
    Ok(page(&title, &body))
}

fn hint(text: &str) -> Html {
    Html::tag("p", "hint", &Html::text(text))
}

fn look_up() -> Html {
    if !page::is_built() {
        return Html::raw(
            "<p class=\"hint\">This server was built without the page that verifies approvals. The command <code>cosignet fetch</code> gets one by its id.</p>\n",
        );
    }
    Html::raw(format!(
        "<form id=\"lookup\">\n<h2><label for=\"id\">Look up an approval by its id</label></h2>\n\
         <p><input id=\"id\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"0189b2f4-5a00-7c3e-8d11-2f6a90c4be07\"> <button type=\"submit\">Look up and verify</button></p>\n</form>\n\
         <p>Or <a href=\"verify/\">verify a file</a> that somebody gave you.</p>\n<script>{SCRIPT}</script>\n"
    ))
}

fn about(app: &App, root: &[u8], size: u64, body: &mut Html) {
    let code = |text: &str| Html::tag("code", "", &Html::text(text));
    let vkey = app.key.to_string();
    let delay = duration(app.rules.max_append_delay / 1000);
    let fastest = app.metrics.nine_of_ten_within();
    let fastest = fastest.map(|millis| {
        let text = format!("at most {millis} ms for nine of ten batches since the start");
        ("Time to publish", Html::text(&text))
    });
    let closing = app.closing().map(|closing| {
        let mut value = Html::text(&format!("since {}: it takes no new entries.", closing.at));
        if let Some(successor) = &closing.successor {
            value.push(&Html::text(&format!(" Its successor is {successor}")));
        }
        ("Closed", value)
    });
    let rows = [
        ("Key", code(&vkey)),
        ("SHA-256 of that line", code(&hex(&sha256(vkey.as_bytes())))),
        ("Entries", Html::text(&size.to_string())),
        ("Newest root", code(&hex(root))),
        (
            "Published within",
            Html::text(&format!("{delay} of the decision")),
        ),
    ];
    let mut list = Html::default();
    for (label, value) in rows.into_iter().chain(closing).chain(fastest) {
        list.push(&Html::tag("dt", "", &Html::text(label)));
        list.push(&Html::tag("dd", "", &value));
    }
    body.heading("The log");
    body.push(&Html::tag("dl", "", &list));
}

/// The witnesses that the log asks, with the times of their cosignatures under the newest head.
fn witnesses(app: &App, checkpoint: &str, body: &mut Html) {
    body.heading("Witnesses");
    let policy = app.cosigner.policy();
    if policy.witnesses().is_empty() {
        return body.paragraph("None: nobody but this log vouches for its newest head.");
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
    body.paragraph(&format!(
        "A head is published once {} have cosigned it.",
        policy.quorum_in_words()
    ));
    let rows = policy.witnesses().iter().map(|witness| {
        let time = times.get(&witness.key().to_string()).copied();
        let time = time.map_or_else(|| "not yet".into(), for_people);
        let name = plain(witness.key().name());
        vec![Html::text(&name), Html::text(&time)]
    });
    body.table(&["Witness", "Cosigned the newest head"], rows);
}

fn anchors(app: &App, body: &mut Html) {
    body.heading("Bitcoin anchors");
    let recent = app.anchors.archive.recent(ANCHORS);
    if recent.is_empty() {
        return body.paragraph("None.");
    }
    let rows = recent.iter().map(|anchor| {
        let block = anchor.height.map(|height| height.to_string());
        [
            for_people(anchor.stamped_at),
            anchor.size.to_string(),
            block.unwrap_or_else(|| "not yet".into()),
        ]
        .map(|text| Html::text(&text))
        .to_vec()
    });
    body.table(&["Stamped", "Entries", "Block"], rows);
}

/// Entries a day, and the days on which heads were stamped.
fn picture(app: &App, size: u64, body: &mut Html) -> crate::error::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let today = now.map_or(0, |now| now.as_secs() / 86_400);
    let days = app.starts.days(app, size, today)?;
    let stamped = app.anchors.archive.recent(usize::MAX);
    let stamped = stamped
        .iter()
        .map(|anchor| anchor.stamped_at.as_millis() / DAY_MILLIS);
    let stamped: BTreeSet<u64> = stamped.collect();
    let (all, most, length) = (days.entries(), days.most(), Days::LENGTH);
    body.heading(&format!("The last {length} days"));
    let label = format!("Entries a day: {all} in {length} days, at most {most} on one");
    body.push(&days.to_svg(&label, |day| stamped.contains(&day)));
    let entries = if all == 1 { "entry" } else { "entries" };
    body.push(&hint(&format!("{all} {entries}, by the day of the decision; a square below a day is a head that was stamped for Bitcoin.")));
    Ok(())
}

/// `24 hours` or `90 seconds`.
fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600) {
        (1, 0) => "1 hour".into(),
        (hours, 0) => format!("{hours} hours"),
        _ => format!("{seconds} seconds"),
    }
}
