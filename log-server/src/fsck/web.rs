//! A log behind an address.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use verifier_core::json::{Limits, Value};
use verifier_core::tlog::tile::Tile;

use crate::failure::{Failure, Result};
use crate::tiles::Source;

/// A full bundle of the longest entries, in bytes.
const MAX_TILE: usize = 256 * (2 + 65_535);

/// Checkpoint and description, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// For all of one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Log {
    client: Client,
    /// Without a slash at the end.
    url: String,
}

impl Log {
    pub(super) fn new(url: &str) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("cosignet-log/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build()
            .map_err(|error| Failure::System(error.to_string()))?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { client, url })
    }

    pub(super) fn checkpoint(&self) -> Result<String> {
        self.text("checkpoint")
    }

    /// The key that the log says it has.
    pub(super) fn vkey(&self) -> Result<String> {
        let text = self.text("log.json")?;
        let value = Value::parse(text.as_bytes(), Limits::bytes(MAX_TEXT)).ok();
        let vkey = value
            .as_ref()
            .and_then(|value| value.as_object()?.get("vkey")?.as_str());
        vkey.map(Into::into).ok_or_else(|| {
            Failure::System(format!(
                "{}/log.json names no key: give it with --vkey",
                self.url
            ))
        })
    }

    fn text(&self, path: &str) -> Result<String> {
        let bytes = self.get(path, MAX_TEXT)?;
        bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| Failure::System(format!("{}/{path} is not there", self.url)))
    }

    /// `None` if there is nothing.
    fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let url = format!("{}/{path}", self.url);
        let failed = |what: &str| Failure::System(format!("{url}: {what}"));
        let sent = self.client.get(&url).send();
        let answer = sent.map_err(|error| failed(&root_cause(&error)))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status => return Err(failed(&status.to_string())),
        }
        let read = crate::answer::read(answer, limit, TIMEOUT);
        let bytes = read.map_err(|error| failed(&error.to_string()))?;
        if bytes.len() > limit {
            return Err(failed("it is longer than it can be"));
        }
        Ok(Some(bytes))
    }
}

impl Source for Log {
    fn raw(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        self.get(&tile.path(), MAX_TILE)
    }
}

/// The innermost cause says most.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
