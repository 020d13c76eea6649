//! The state of the log that is watched, on one page for people.

use serving::html::{DAY_MILLIS, Days, first};
use verifier_core::AwsLc;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::time::for_people;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::webauthn::cose_key::CoseKey;
use verifier_core::plain;

use super::Monitor;
use super::event::now;
use super::state::replace;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::html::{Html, document};

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
        replace(&path, document(&title, &body).as_bytes())
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

    /// Entries a day, by the time of the decision.
    fn days_drawn(&mut self, body: &mut Html) -> Result<(), CliError> {
        let Some(now) = now() else {
            return Ok(());
        };
        let size = self.state.checked.size();
        let days: Result<Days, CliError> =
            Days::count(size, now.as_millis() / DAY_MILLIS, |low, day| {
                let begin = day.saturating_mul(DAY_MILLIS);
                first(low, size, |index| {
                    let decided = self.leaves.record(index)?.decided_at();
                    Ok(decided.is_none_or(|decided| decided.as_millis() < begin))
                })
            });
        let days = days?;
        body.heading("Entries a day");
        let label = format!("Entries a day, at most {} on one", days.most());
        body.push(&days.to_svg(&label, |_| false));
        body.paragraph("The last 30 days, by the day of the decision as services claim it.");
        Ok(())
    }
}
