//! The monitor's events, as lines for people or for programs.

use std::time::{SystemTime, UNIX_EPOCH};

use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::time::{Time, for_people};

use crate::args::Format;
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output;
use crate::text::wrap;

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    name: &'static str,
    text: String,
    members: Vec<(&'static str, Value<'static>)>,
}

impl Event {
    pub(crate) fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: text.into(),
            members: Vec::new(),
        }
    }

    /// A round, or a part of one, that could not be completed.
    pub(crate) fn of(error: &CliError, exit: Exit) -> Self {
        let name = match exit {
            _ if error.code() == CliCode::MonitorBudget.as_str() => "stopped",
            Exit::Io => "unreachable",
            _ => "incomplete",
        };
        let text = format!("{}  [{}]", error.message, error.code());
        Self::new(name, text)
            .with("code", error.code())
            .with("exitCode", u64::from(exit.code()))
    }

    /// Nothing is wrong, and nobody asked.
    pub(crate) fn is_routine(&self) -> bool {
        matches!(self.name, "agrees" | "checked" | "resumed" | "unchanged")
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value<'static>>) -> Self {
        self.members.push((key, value.into()));
        self
    }

    /// The line for people, without the time.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// One JSON object.
    pub(crate) fn to_json(&self, log: &str) -> String {
        let now = now().map(|now| now.to_string());
        let always = [
            ("event", Value::from(self.name)),
            ("log", log.into()),
            ("message", self.text.as_str().into()),
            ("time", now.into()),
        ];
        let members = always.into_iter().chain(self.members.iter().cloned());
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect()).to_text()
    }

    /// Prints it. Nobody reading it is no reason to stop watching.
    pub(crate) fn print(&self, log: &str, format: Format) {
        let text = match format {
            Format::Json => self.to_json(log) + "\n",
            Format::Human => {
                let time = now().map(for_people).unwrap_or_default();
                wrap(&format!("{time}  {:<11} ", self.name), &self.text)
            }
        };
        let _ignored = output::print(&text, format);
    }
}

/// A number of things: "1 entry", "7 entries".
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// The time, if the clock of this machine makes sense.
pub(crate) fn now() -> Option<Time> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Time::from_millis(u64::try_from(now.as_millis()).ok()?)
}
