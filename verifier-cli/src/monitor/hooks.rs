//! Tells others of alarms, at least once.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use verifier_core::alarm::{Alarm, Request};
use verifier_core::json::{Limits, Value};
use verifier_core::quote;
use verifier_core::signature::AwsLc;

use super::Monitor;
use super::event::Event;
use crate::alarm::proven_members;
use crate::code::CliCode;
use crate::failure::CliError;
use crate::file;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Monitor<'_> {
    /// Tells the command and the webhook of alarms that they have not heard of. What fails is tried
    /// again in the next round, both of them.
    pub(super) fn tell(&mut self) -> Result<(), CliError> {
        let mut left = Vec::new();
        let mut failed = None;
        let names = std::mem::take(&mut self.state.untold);
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            if let Err(error) = self.tell_of(&name) {
                left.push(name);
                failed = Some(error);
            }
        }
        self.state.untold = left;
        self.save()?;
        failed.map_or(Ok(()), Err)
    }

    fn tell_of(&self, name: &str) -> Result<(), CliError> {
        let path = self.dir.alarms().join(name);
        if !path.exists() {
            // Somebody has dealt with it already.
            return Ok(());
        }
        let bytes = file::read_whole(&path, Alarm::MAX_BYTES)?;
        let Ok(alarm) = Alarm::parse(&bytes) else {
            return Ok(());
        };
        let mut request = Request::new(self.policy, &AwsLc);
        request.headers = self.headers;
        let Ok(proven) = alarm.judge(&request) else {
            return Ok(());
        };
        let mut event = Event::new("alarm", proven.statement())
            .with("file", path.to_string_lossy().into_owned());
        for (key, value) in proven_members(&proven) {
            event = event.with(key, value);
        }
        let text = alarm.to_json();
        if let Ok(alarm) = Value::parse(text.as_bytes(), Limits::bytes(Alarm::MAX_BYTES)) {
            event = event.with("alarm", owned(&alarm));
        }
        let json = event.to_json(self.log.url());
        if let Some(command) = &self.args.on_alarm {
            run(command, &path, &json)?;
        }
        self.post(json)
    }

    /// Posts one event to the webhook, if there is one.
    pub(super) fn post(&self, json: String) -> Result<(), CliError> {
        let Some(url) = &self.args.webhook else {
            return Ok(());
        };
        let answer = self
            .client
            .post(url, "application/json", json.into_bytes(), 1024 * 1024);
        let why = match answer {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => answer.refused(url).why().to_owned(),
            Err(error) => error.why().to_owned(),
        };
        let message = format!("The webhook could not be told: {why}");
        Err(CliError::new(CliCode::MonitorHook, message))
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
