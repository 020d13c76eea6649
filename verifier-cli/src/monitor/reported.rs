//! Entries that are reported by themselves, and accuse nobody: uses of break-glass, keys that the roster
//! does not list, keys that were asked to be watched.

use verifier_core::Code;
use verifier_core::hazmat::encoding::{base64url, sha256};
use verifier_core::hazmat::time::{Time, for_people};

use super::Monitor;
use super::event::Event;
use super::judge::MOST;
use super::leaves::Record;
use crate::code::CliCode;
use crate::failure::CliError;

fn unlisted_event(index: u64) -> Event {
    let code = CliCode::EntryUnlistedKey.as_str();
    let text = format!(
        "entry {index} is by a key that no version of the roster in force there lists  [{code}]"
    );
    Event::new("unlisted", text)
        .with("code", code)
        .with("index", index)
}

/// An entry of a use of break-glass. It accuses nobody: people who did not sign it should review it.
struct Glass {
    index: u64,
    /// When the file that was used begins to permit something, as the log says.
    from: Time,
    /// The roster, if there is one, lists the key.
    is_listed: bool,
}

impl Glass {
    fn of(index: u64, record: &Record) -> Option<Self> {
        let is_listed = !record.is_unlisted();
        let from = record.glass_from()?;
        Some(Self {
            index,
            from,
            is_listed,
        })
    }

    fn event(&self) -> Event {
        let code = Code::EntryBreakGlass.as_str();
        let index = self.index;
        let whose = match self.is_listed {
            true => "",
            false => ", by a key that no version of the roster in force there lists",
        };
        let text = format!(
            "entry {index} is no approval: something was done under BREAK-GLASS, with a file that \
             permits it from {} on, says the log{whose}  [{code}]",
            for_people(self.from)
        );
        Event::new("break-glass", text)
            .with("code", code)
            .with("index", index)
            .with("listed", self.is_listed)
            .with("notBefore", self.from.to_string())
    }
}

impl Monitor<'_> {
    /// Reports the entries of uses of break-glass, those by watched keys, and those by keys that the
    /// roster does not list.
    pub(super) fn watch(&mut self, from: u64, to: u64) -> Result<(), CliError> {
        let mut found = Vec::new();
        let mut unlisted = Vec::new();
        let mut glass = Vec::new();
        self.leaves.each(from, to, |index, record| {
            match Glass::of(index, &record) {
                Some(one) => glass.push(one),
                None if record.is_unlisted() => unlisted.push(index),
                None => found.extend(record.watched().map(|_| index)),
            }
            Ok(())
        })?;
        self.unlisted(&unlisted);
        self.glass(&glass);
        for index in found {
            if let Some(event) = self.watched_event(index)? {
                self.say(&event);
                self.post_entry(index, &event);
            }
        }
        Ok(())
    }

    /// Says that entries are by keys that nobody put into the roster. It is an alarm about the
    /// approval service, and no evidence against the log: a roster may be old.
    fn unlisted(&mut self, indexes: &[u64]) {
        let more = indexes.len().saturating_sub(MOST);
        for index in indexes.iter().take(MOST) {
            let event = unlisted_event(*index);
            self.say(&event);
            self.post_entry(*index, &event);
        }
        if more > 0 {
            let text = format!("{more} more entries are by keys that the roster does not list");
            self.say(&Event::new("unlisted", text));
        }
        if !indexes.is_empty() {
            self.worst = self.worst.max(CliCode::EntryUnlistedKey.exit());
        }
    }

    /// Says that something was done without an approval. It is an alarm about nobody, and no evidence
    /// against the log, which does what it should. Each is a line; a log that fills with them does not
    /// fill the place behind the webhook.
    fn glass(&mut self, entries: &[Glass]) {
        for (number, one) in entries.iter().enumerate() {
            let event = one.event();
            self.say(&event);
            if number < MOST {
                self.post_entry(one.index, &event);
            }
        }
        if !entries.is_empty() {
            self.worst = self.worst.max(CliCode::EntryUnlistedKey.exit());
        }
    }

    /// The event for an entry that is reported by itself.
    pub(super) fn watched_event(&mut self, index: u64) -> Result<Option<Event>, CliError> {
        let record = self.leaves.record(index)?;
        if let Some(one) = Glass::of(index, &record) {
            return Ok(Some(one.event()));
        }
        if record.is_unlisted() {
            return Ok(Some(unlisted_event(index)));
        }
        let key = record.watched().and_then(|key| self.watched.get(key));
        let Some((key, time)) = key.zip(record.decided_at()) else {
            return Ok(None);
        };
        let key = format!("SHA256:{}", base64url(&sha256(key)));
        let text = format!(
            "entry {index} is by the key {key}; decided at {}, says the service",
            for_people(time)
        );
        let event = Event::new("watched", text)
            .with("decidedAt", time.to_string())
            .with("index", index)
            .with("key", key)
            .with("leafHash", base64url(&record.hash));
        Ok(Some(event))
    }
}
