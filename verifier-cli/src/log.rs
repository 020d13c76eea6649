//! Reads a log over HTTP: its head, tiles and entries, as c2sp.org/tlog-tiles lays them out.
//!
//! Nothing that comes from here is trusted. What the log does not serve, or serves in another form
//! than its signed head calls for, is told apart from a log that cannot be reached; neither is
//! evidence against anybody.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use verifier_core::quote;
use verifier_core::tlog::merkle::Hash;
use verifier_core::tlog::tile::{Level, Tile, WIDTH, locate};

use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::http::{Client, shown};

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How long to wait before asking a server again that could not be reached.
const PATIENCE: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(1000)];

/// A log, or a mirror of one.
#[derive(Clone, Debug)]
pub(crate) struct RemoteLog {
    client: Client,
    /// Where requests go, with a password if there is one.
    base: String,
    url: String,
}

impl RemoteLog {
    /// The log at this address, which ends where `/checkpoint` begins.
    pub(crate) fn new(client: &Client, url: &str) -> Result<Self, CliError> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let message = format!("{} is not the address of a log.", quote(&shown(url)));
            return Err(CliError::usage(message).expected("https://…"));
        }
        let base = url.trim_end_matches('/');
        Ok(Self {
            client: client.clone(),
            base: base.into(),
            url: shown(base),
        })
    }

    /// Its address, as it may be shown.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The text of its head, or `None` if it has none.
    pub(crate) fn checkpoint(&self) -> Result<Option<String>, CliError> {
        let Some(bytes) = self.get("checkpoint", MAX_HEAD)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes);
        text.map(Some)
            .map_err(|_| self.mismatch("checkpoint", "it is no text"))
    }

    /// The hashes of a tile of hashes.
    pub(crate) fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, CliError> {
        let bytes = self.tile(tile)?;
        tile.hashes(&bytes)
            .ok_or_else(|| self.mismatch(&tile.path(), "it does not have the length of its hashes"))
    }

    /// The bytes of a bundle that holds as many entries as its name says.
    pub(crate) fn bundle(&self, tile: &Tile) -> Result<Vec<u8>, CliError> {
        let bytes = self.tile(tile)?;
        match tile.entries(&bytes) {
            Some(_) => Ok(bytes),
            None => {
                let why = "it does not hold as many entries as its name says";
                Err(self.mismatch(&tile.path(), why))
            }
        }
    }

    /// One entry of the tree of `size` leaves.
    pub(crate) fn entry(&self, index: u64, size: u64) -> Result<Vec<u8>, CliError> {
        let width = u64::from(WIDTH);
        let tile = Tile::in_tree(Level::Entries, index / width, size)
            .ok_or_else(|| self.missing(&format!("entry {index}")))?;
        let bundle = self.bundle(&tile)?;
        let at = usize::try_from(index % width).unwrap_or(usize::MAX);
        let entries = tile.entries(&bundle).unwrap_or_default();
        let entry = entries.get(at).map(|entry| entry.to_vec());
        entry.ok_or_else(|| self.missing(&format!("entry {index}")))
    }

    /// A reader of the nodes of the tree of `size` leaves that remembers what it has read.
    pub(crate) fn nodes(&self, size: u64) -> Nodes<'_> {
        Nodes {
            log: self,
            size,
            read: HashMap::new(),
        }
    }

    /// What the server has under a path below its address; `None` if it has nothing.
    pub(crate) fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, CliError> {
        let url = format!("{}/{path}", self.base);
        let mut patience = PATIENCE.iter();
        loop {
            match (self.client.get(&url, limit), patience.next()) {
                (Err(error), Some(pause)) if error.exit() == Exit::Io => thread::sleep(*pause),
                (outcome, _) => return outcome,
            }
        }
    }

    /// What the log serves does not fit its signed head.
    pub(crate) fn mismatch(&self, path: &str, why: &str) -> CliError {
        let message = format!("{}/{path} does not fit the signed head: {why}.", self.url);
        CliError::new(CliCode::ServedMismatch, message)
    }

    /// The log does not serve what its signed head needs.
    pub(crate) fn missing(&self, path: &str) -> CliError {
        let message = format!("{} does not serve {path}.", self.url);
        CliError::new(CliCode::ServedMissing, message)
    }

    /// The bytes of a tile. A partial tile may be gone once the full one is there.
    fn tile(&self, tile: &Tile) -> Result<Vec<u8>, CliError> {
        let full = tile.to_full();
        if let Some(bytes) = self.get(&tile.path(), full.max_bytes())? {
            return Ok(bytes);
        }
        if tile.is_full() {
            return Err(self.missing(&tile.path()));
        }
        let Some(bytes) = self.get(&full.path(), full.max_bytes())? else {
            return Err(self.missing(&tile.path()));
        };
        match tile.beginning_of(&bytes) {
            Some(beginning) => Ok(beginning.to_vec()),
            None => Err(self.mismatch(&full.path(), "it is cut off")),
        }
    }
}

/// The inner nodes of a tree, from the tiles of a log.
#[derive(Debug)]
pub(crate) struct Nodes<'l> {
    log: &'l RemoteLog,
    size: u64,
    read: HashMap<Tile, Vec<Hash>>,
}

impl Nodes<'_> {
    /// The root of the complete subtree of 2^`height` leaves with this number.
    pub(crate) fn node(&mut self, height: u8, number: u64) -> Result<Hash, CliError> {
        let place = locate(height, number, self.size)
            .ok_or_else(|| self.log.missing("a node outside its tree"))?;
        if !self.read.contains_key(&place.tile) {
            let hashes = self.log.hashes(&place.tile)?;
            self.read.insert(place.tile, hashes);
        }
        let node = self.read.get(&place.tile).and_then(|h| place.node(h));
        node.ok_or_else(|| self.log.missing(&place.tile.path()))
    }
}
