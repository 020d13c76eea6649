//! The state of the log that is watched, on one page for people.

use verifier_core::AwsLc;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::webauthn::cose_key::CoseKey;
use verifier_core::plain;

use super::Monitor;
use super::event::now;
use super::state::replace;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::html::{Html, document};

const DAY_MILLIS: u64 = 86_400_000;

/// How many days the picture shows.
const DAYS: u64 = 30;

impl Monitor<'_> {
    /// Writes the page, if one was asked for.
    pub(super) fn write_page(&mut self, exit: Exit) -> Result<(), CliError> {
        let Some(path) = self.args.html.clone() else {
            return Ok(());
        };
        let title = match &self.state.log {
            Some(key) => format!(
                "The log {}",
                plain(key.split('+').next().unwrap_or_default())
            ),
            None => format!("The log at {}", self.log.url()),
        };
        let mut body = Html::default();
        body.push(&Html::tag("h1", "", &Html::text(&title)));
        self.round_in_words(&mut body, exit);
        self.alarms_listed(&mut body)?;
        self.state_listed(&mut body);
        self.witnesses_listed(&mut body);
        self.days_drawn(&mut body)?;
        let keys = self
            .watched
            .iter()
            .filter_map(|key| CoseKey::parse(key).ok());
        body.heading("Keys that are watched");
        let keys: Vec<Vec<Html>> = keys
            .map(|key| vec![Html::tag("code", "", &Html::text(&key.fingerprint()))])
            .collect();
        if keys.is_empty() {
            body.paragraph("None (--watch-key).");
        }
        body.table(&["Fingerprint"], keys);
        replace(&path, document(&title, body).as_bytes())
    }

    fn round_in_words(&self, body: &mut Html, exit: Exit) {
        let (class, words) = match exit {
            Exit::Ok => (
                "verified",
                "The last round was complete, and nothing is wrong.",
            ),
            Exit::Rejected => (
                "rejected",
                "There is evidence against the log or a service. See the alarms.",
            ),
            Exit::Io => ("incomplete", "The last round could not reach the log."),
            _ => (
                "incomplete",
                "The last round could not be completed. That is no evidence against anybody.",
            ),
        };
        body.push(&Html::tag(
            "p",
            class,
            &Html::tag("strong", "", &Html::text(words)),
        ));
        let time = now().map_or_else(|| "unknown".into(), for_people);
        let counts = self.counts;
        body.paragraph(&format!(
            "It ended at {time}, by the clock of this machine. Rounds since the start: {} complete, {} with evidence, {} incomplete, {} without an answer.",
            counts.clean, counts.misbehaviour, counts.incomplete, counts.unreachable
        ));
    }

    fn alarms_listed(&self, body: &mut Html) -> Result<(), CliError> {
        let files = self.alarm_files()?;
        body.heading("Alarms");
        if files.is_empty() {
            body.paragraph("None.");
        } else {
            body.paragraph(
                "Each file is evidence that anybody can check: cosignet verify-alarm FILE",
            );
        }
        let rows = files.iter().map(|path| vec![Html::text(&show_path(path))]);
        body.table(&["Evidence"], rows);
        Ok(())
    }

    fn state_listed(&self, body: &mut Html) {
        let code = |text: &str| Html::tag("code", "", &Html::text(text));
        let checked = &self.state.checked;
        let head = self
            .head_time
            .map_or_else(|| "not known".into(), for_people);
        let others: Vec<&str> = self.others.iter().map(log_client::RemoteLog::url).collect();
        let rows = [
            ("Address", Html::text(self.log.url())),
            (
                "Key",
                code(self.state.log.as_deref().unwrap_or("not seen yet")),
            ),
            (
                "Entries that are checked",
                Html::text(&checked.size().to_string()),
            ),
            ("Newest head, by the clocks of witnesses", Html::text(&head)),
            ("Policy", Html::text(&plain(self.policy.name()))),
            ("SHA-256 of the policy", code(&hex(&self.policy.sha256()))),
            (
                "Anchored heads that were compared",
                Html::text(&self.state.anchored.len().to_string()),
            ),
            (
                "Anchors whose blocks were compared",
                Html::text(&self.state.timed.len().to_string()),
            ),
            (
                "Entries of types that are not known",
                Html::text(&self.state.unknown.to_string()),
            ),
            (
                "Compared with",
                Html::text(if others.is_empty() { "nobody else" } else { "" }),
            ),
        ];
        body.heading("What is checked");
        body.table(
            &["Fact", "Value"],
            rows.map(|(name, value)| vec![Html::text(name), value]),
        );
        body.table(
            &["Mirrors and witnesses"],
            others.iter().map(|url| vec![Html::text(url)]),
        );
    }

    fn witnesses_listed(&self, body: &mut Html) {
        let note = self.state.head.as_deref();
        let note = note.and_then(|text| SignedCheckpoint::parse(text).ok());
        let signed = note
            .as_ref()
            .and_then(|note| self.rule.tlog.verify_log(&AwsLc, note).ok());
        let cosigned = signed
            .as_ref()
            .and_then(|signed| signed.verify_cosignatures(&AwsLc).ok());
        let time = |key: &str| {
            let mut times = cosigned.iter().flat_map(|cosigned| cosigned.witnesses());
            let found = times.find(|(witness, _)| witness.key().to_string() == key);
            found.map_or_else(
                || "not under this head".into(),
                |(_, time)| for_people(time),
            )
        };
        body.heading("Witnesses");
        body.paragraph(&format!(
            "Your policy asks for {}.",
            self.rule.tlog.quorum_in_words()
        ));
        body.table(
            &["Witness", "Cosigned the last head that is checked"],
            self.rule.tlog.witnesses().iter().map(|witness| {
                let name = format!(
                    "{} ({})",
                    plain(witness.name()),
                    plain(witness.key().name())
                );
                vec![
                    Html::text(&name),
                    Html::text(&time(&witness.key().to_string())),
                ]
            }),
        );
    }

    /// Entries a day, by the time of the decision. Entries stand nearly in that order.
    fn days_drawn(&mut self, body: &mut Html) -> Result<(), CliError> {
        const HEIGHT: u64 = 110;
        let Some(now) = now() else {
            return Ok(());
        };
        let today = now.as_millis() / DAY_MILLIS;
        let size = self.state.checked.size();
        let mut starts = Vec::new();
        let mut low = 0;
        for day in today.saturating_sub(DAYS - 1)..=today {
            low = self.first_since(low, size, day.saturating_mul(DAY_MILLIS))?;
            starts.push((day, low));
        }
        let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([size]);
        let ends: Vec<u64> = ends.collect();
        let days: Vec<(u64, u64)> = starts
            .iter()
            .zip(ends)
            .map(|((day, start), end)| (*day, end.saturating_sub(*start)))
            .collect();
        let highest = days
            .iter()
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0)
            .max(1);
        let mut bars = String::new();
        for (x, (day, count)) in (0..).map(|place: u64| place * 24).zip(&days) {
            let height = count.saturating_mul(HEIGHT).div_ceil(highest);
            let date =
                Time::from_millis(day.saturating_mul(DAY_MILLIS)).map(|time| time.to_string());
            let date = date
                .as_deref()
                .and_then(|date| date.get(..10))
                .unwrap_or_default();
            let y = HEIGHT + 16 - height;
            bars.push_str(&format!("<rect class=\"a0\" x=\"{x}\" y=\"{y}\" width=\"18\" height=\"{height}\"><title>{date}: {count}</title></rect>"));
        }
        body.heading("Entries a day");
        let (width, base) = (DAYS * 24, HEIGHT + 16);
        body.push(&Html::raw(format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"Entries a day, at most {highest} on one\"><text x=\"12\" y=\"11\">{highest}</text><line x1=\"0\" y1=\"{base}\" x2=\"{width}\" y2=\"{base}\"/>{bars}</svg>\n",
            base + 4
        )));
        body.paragraph("The last 30 days, by the day of the decision as services claim it.");
        Ok(())
    }

    /// The first entry from `low` on that was decided at `begin` or later; `size` if none was.
    fn first_since(&mut self, low: u64, size: u64, begin: u64) -> Result<u64, CliError> {
        let (mut low, mut high) = (low, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let decided = self.leaves.record(middle)?.decided_at();
            match decided.is_none_or(|decided| decided.as_millis() < begin) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }
}
