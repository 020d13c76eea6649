//! A log behind an address.

use std::time::Duration;

use log_client::RemoteLog;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::tile::Tile;

use crate::error::{LogError, Result};
use crate::tiles::Source;

/// The description of a log, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// For all of one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Log(RemoteLog);

impl Log {
    pub(super) fn new(url: &str) -> Result<Self> {
        Ok(Self(RemoteLog::new(&crate::client(TIMEOUT)?, url)?))
    }

    pub(super) fn checkpoint(&self) -> Result<String> {
        let text = self.0.checkpoint()?;
        text.ok_or_else(|| self.absent("checkpoint"))
    }

    /// The key that the log says it has.
    pub(super) fn vkey(&self) -> Result<String> {
        let text = self.0.get("log.json", MAX_TEXT)?;
        let text = text.ok_or_else(|| self.absent("log.json"))?;
        let value = Value::parse(&text, Limits::bytes(MAX_TEXT)).ok();
        let vkey = value
            .as_ref()
            .and_then(|value| value.as_object()?.get("vkey")?.as_str());
        vkey.map(Into::into).ok_or_else(|| {
            LogError::System(format!(
                "{}/log.json names no key: give it with --vkey",
                self.0.url()
            ))
        })
    }

    /// Looks whether the tiles at the right edge lead to the root.
    pub(super) fn shows(&self, size: u64, root: &Hash) -> Result<()> {
        Ok(self.0.shows(size, root)?)
    }

    fn absent(&self, path: &str) -> LogError {
        LogError::System(format!("{}/{path} is not there", self.0.url()))
    }
}

impl Source for Log {
    fn raw(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(&tile.path(), tile.to_full().max_bytes())?)
    }

    fn read(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        Ok(self.0.tile(tile)?)
    }
}
