//! The gate: its command line, and its HTTP interface as programs with keys and pages use it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::program::{output, program};

/// How long a call may take: somebody may wait for a decision for 50 seconds.
const TIME: Duration = Duration::from_secs(70);

/// A gate on this machine.
#[derive(Debug)]
pub(crate) struct Gate {
    data: PathBuf,
    origin: String,
    agent: ureq::Agent,
}

impl Gate {
    /// The gate in this directory, with its pages at this origin.
    pub(crate) fn new(data: PathBuf, origin: String) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIME))
            .build();
        Self {
            data,
            origin,
            agent: agent.into(),
        }
    }

    /// The origin of its pages.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Its rule file.
    pub(crate) fn rules(&self) -> PathBuf {
        self.data.join("rules.toml")
    }

    /// `cosignet-gate` with these arguments, for this gate.
    pub(crate) fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = program("cosignet-gate")?;
        command.args(args).arg("--data").arg(&self.data);
        Ok(command)
    }

    /// The same, run to its end; what it prints.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String> {
        output(&mut self.command(args)?)
    }

    /// A link with which this person makes a passkey, once.
    pub(crate) fn invite(&self, name: &str, group: &str) -> Result<String> {
        let said = self.run(&["invite", name, "--group", group])?;
        Ok(said.lines().next().unwrap_or_default().to_owned())
    }

    /// A key with this right.
    pub(crate) fn key(&self, name: &str, right: &str) -> Result<String> {
        self.run(&["key", "create", "--name", name, "--right", right])
    }

    /// Asks for an approval.
    pub(crate) fn ask(&self, key: &str, action: &str, payload: &Value) -> Result<Value> {
        let body = json!({ "action": action, "payload": payload });
        self.post("/api/confirmations", &[("x-api-key", key)], &body)?
            .done()
    }

    /// A request as its key sees it.
    pub(crate) fn look(&self, key: &str, id: &str) -> Result<Value> {
        let path = format!("/api/confirmations/{id}");
        self.get(&path, &[("x-api-key", key)])?.done()
    }

    /// The same, once it is decided, or after 50 seconds.
    pub(crate) fn wait(&self, key: &str, id: &str) -> Result<Value> {
        let path = format!("/api/confirmations/{id}?wait=50");
        self.get(&path, &[("x-api-key", key)])?.done()
    }

    /// Claims an approved request for one operation.
    pub(crate) fn claim(&self, key: &str, id: &str, operation: &str, hash: &str) -> Result<Answer> {
        let path = format!("/api/confirmations/{id}/claim");
        let headers = [("x-api-key", key), ("idempotency-key", operation)];
        self.post(&path, &headers, &json!({ "payloadHash": hash }))
    }

    /// Says that what was claimed is done.
    pub(crate) fn report_done(&self, key: &str, id: &str) -> Result<Value> {
        let path = format!("/api/confirmations/{id}/result");
        let body = json!({ "outcome": "done" });
        self.post(&path, &[("x-api-key", key)], &body)?.done()
    }

    /// The events behind this number.
    pub(crate) fn events(&self, key: &str, after: u64) -> Result<Vec<Value>> {
        let path = format!("/export?after={after}");
        let answer = self.get(&path, &[("x-api-key", key)])?;
        if answer.status != 200 {
            return Err(answer.complaint());
        }
        let lines = answer.text.lines();
        lines
            .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
            .collect()
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.agent.get(self.address(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(path, request.call())
    }

    pub(crate) fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer> {
        let mut request = self
            .agent
            .post(self.address(path))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(path, request.send(body.to_string().as_bytes()))
    }

    /// By address and not by name: not every system resolves localhost in the same way.
    fn address(&self, path: &str) -> String {
        let origin = self.origin.replacen("localhost", "127.0.0.1", 1);
        format!("{origin}{path}")
    }
}

/// What the gate answers.
#[derive(Debug)]
pub(crate) struct Answer {
    path: String,
    pub(crate) status: u16,
    pub(crate) cookie: Option<String>,
    text: String,
}

impl Answer {
    fn of(
        path: &str,
        answer: core::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Self> {
        let mut answer = answer.map_err(|error| format!("the gate does not answer: {error}"))?;
        let cookie = answer.headers().get("set-cookie");
        let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next());
        Ok(Self {
            path: path.to_owned(),
            status: answer.status().as_u16(),
            cookie: cookie.map(str::to_owned),
            text: answer
                .body_mut()
                .read_to_string()
                .map_err(|error| format!("the gate's answer broke off: {error}"))?,
        })
    }

    /// The value, if the call was a success.
    pub(crate) fn done(&self) -> Result<Value> {
        match self.status {
            200 | 201 => serde_json::from_str(&self.text).map_err(|error| error.to_string()),
            _ => Err(self.complaint()),
        }
    }

    /// The stable code of an error.
    pub(crate) fn code(&self) -> String {
        let problem = serde_json::from_str::<Value>(&self.text).unwrap_or_default();
        text(&problem, "code").to_owned()
    }

    fn complaint(&self) -> String {
        format!("{} answers {}: {}", self.path, self.status, self.text)
    }
}

/// A text in an answer; empty if there is none.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
