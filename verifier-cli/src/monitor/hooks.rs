//! Tells others of alarms, at least once.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use verifier_core::AwsLc;
use verifier_core::alarm::{Alarm, Request};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::quote;

use super::Monitor;
use super::event::Event;
use super::state::damaged;
use crate::alarm::proven_members;
use crate::code::CliCode;
use crate::failure::CliError;
use crate::file;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Entries by watched keys that are kept for a webhook that is down.
const MOST_UNPOSTED: usize = 10_000;

/// The form of what is posted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum WebhookFormat {
    /// The event as one JSON object, an alarm with its evidence
    #[default]
    Json,
    /// {"text":"…"}, as Slack, Mattermost and others want it
    Slack,
    /// One line of text
    Plain,
}

impl WebhookFormat {
    /// The media type and the body.
    fn body(self, event: &Event, log: &str) -> (&'static str, String) {
        let line = || format!("cosignet monitor, {log}: {}", event.text());
        match self {
            Self::Json => ("application/json", event.to_json(log)),
            Self::Slack => {
                // The three characters that mean something there.
                let text = line().replace('&', "&amp;");
                let text = text.replace('<', "&lt;").replace('>', "&gt;");
                let value = Value::from([("text", Value::from(text))]);
                ("application/json", value.to_text())
            }
            Self::Plain => ("text/plain; charset=utf-8", line()),
        }
    }
}

impl Monitor<'_> {
    /// Tells the command and the webhook of what they have not heard of. What fails is tried again
    /// in the next round. It says nothing about the log, so it does not change how the round ends.
    pub(super) fn tell(&mut self) -> Result<(), CliError> {
        let (names, entries) = (
            std::mem::take(&mut self.state.untold),
            std::mem::take(&mut self.state.unposted),
        );
        if names.is_empty() && entries.is_empty() {
            return Ok(());
        }
        for name in names {
            if let Err(error) = self.tell_of(&name) {
                self.undelivered(&error);
                self.state.untold.push(name);
            }
        }
        for index in entries {
            if let Ok(Some(event)) = self.watched_event(index) {
                self.post_entry(index, &event);
            }
        }
        self.save()
    }

    fn tell_of(&self, name: &str) -> Result<(), CliError> {
        let path = self.dir.alarms().join(name);
        if !path.exists() {
            // Somebody has dealt with it already.
            return Ok(());
        }
        let bytes = file::read_whole(&path, Alarm::MAX_BYTES)?;
        let alarm = Alarm::parse(&bytes).map_err(|error| damaged(&path, &error.to_string()))?;
        let mut request = Request::new(self.policy, &AwsLc);
        request.headers = self.headers;
        let proven = alarm.judge(&request);
        let proven = proven.map_err(|error| damaged(&path, &error.to_string()))?;
        let mut event = Event::new("alarm", proven.statement())
            .with("file", path.to_string_lossy().into_owned());
        for (key, value) in proven_members(&proven) {
            event = event.with(key, value);
        }
        let text = alarm.to_json();
        if let Ok(alarm) = Value::parse(text.as_bytes(), Limits::bytes(Alarm::MAX_BYTES)) {
            event = event.with("alarm", owned(&alarm));
        }
        if let Some(command) = &self.args.on_alarm {
            run(command, &path, &event.to_json(self.log.url()))?;
        }
        self.post(&event)
    }

    /// Posts an entry by a watched key, or keeps it for the next round.
    pub(super) fn post_entry(&mut self, index: u64, event: &Event) {
        let Err(error) = self.post(event) else {
            return;
        };
        self.undelivered(&error);
        if self.state.unposted.len() < MOST_UNPOSTED {
            self.state.unposted.push(index);
        } else {
            let text = format!("entry {index} is not kept for the webhook: too many wait already");
            self.say(&Event::new("undelivered", text).with("index", index));
        }
    }

    /// Posts one event to the webhook, if there is one.
    fn post(&self, event: &Event) -> Result<(), CliError> {
        let Some(url) = &self.args.webhook else {
            return Ok(());
        };
        let (kind, body) = self.args.webhook_format.body(event, self.log.url());
        let answer = self.client.post(url, kind, body.into_bytes(), 1024 * 1024);
        // Its address may be a secret, so it is not in the message.
        let why = match answer {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => answer.refused(url).why().to_owned(),
            Err(error) => error.why().to_owned(),
        };
        let message = format!("The webhook could not be told: it {why}.");
        Err(CliError::new(CliCode::MonitorHook, message))
    }

    /// Says that somebody was not told, once a round.
    fn undelivered(&mut self, error: &CliError) {
        self.counts.undelivered = self.counts.undelivered.saturating_add(1);
        if std::mem::replace(&mut self.undelivered, true) {
            return;
        }
        let text = format!("{}  [{}]", error.message, error.code());
        self.say(&Event::new("undelivered", text).with("code", error.code()));
    }
}

/// A copy that borrows from nothing. As deep as an alarm is.
fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Number(token) => Value::Number(token.clone().into_owned().into()),
        Value::String(text) => Value::String(text.clone().into_owned().into()),
        Value::Array(items) => items.iter().map(owned).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(key, value)| (key.to_owned().into(), owned(value)));
            Value::Object(members.collect())
        }
    }
}

/// Runs a shell command with the name of the file in its environment and the event on its input.
fn run(command: &str, path: &std::path::Path, json: &str) -> Result<(), CliError> {
    let failed = |why: String| {
        let message = format!("The command {} {why}.", quote(command));
        CliError::new(CliCode::MonitorHook, message)
    };
    let started = Command::new("sh")
        .args(["-c", command])
        .env("COSIGNET_ALARM", path)
        .stdin(Stdio::piped())
        // Our own output is for events.
        .stdout(Stdio::from(std::io::stderr()))
        .spawn();
    let mut child = started.map_err(|error| failed(format!("cannot be started: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        let json = format!("{json}\n");
        // A command that does not read is no failure; one that reads slowly must not hold us up.
        thread::spawn(move || input.write_all(json.as_bytes()));
    }
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("failed: {status}"))),
            Ok(None) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                let _ignored = child.kill();
                let _ignored = child.wait();
                return Err(failed("did not end in time".into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_systems_get_what_they_want() {
        let event = Event::new("alarm", "a <b> & c").with("index", 7_u64);
        let (kind, body) = WebhookFormat::Slack.body(&event, "https://log.example");
        assert_eq!(kind, "application/json");
        let text = "cosignet monitor, https://log.example: a &lt;b&gt; &amp; c";
        assert_eq!(body, format!("{{\"text\":\"{text}\"}}"));
        let (_, body) = WebhookFormat::Plain.body(&event, "https://log.example");
        assert_eq!(body, "cosignet monitor, https://log.example: a <b> & c");
        let (_, body) = WebhookFormat::Json.body(&event, "https://log.example");
        assert!(body.contains("\"index\":7"), "{body}");
    }
}
