//! A log over HTTP: its head, tiles and entries, as c2sp.org/tlog-tiles lays them out.
//!
//! ```text
//! GET <log>/checkpoint
//!     <log>/tile/<level>/<number>[.p/<width>]      hashes, 32 bytes each
//!     <log>/tile/entries/<number>[.p/<width>]      entries, each after its length in 2 bytes
//! ```

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash};
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::tile::{Level, Tile, WIDTH, locate};

use crate::blocking::Client;
use crate::error::{Error, Kind, Result};
use crate::http::{address, shown};

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How long to wait before a server is asked again that did not answer.
const PATIENCE: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(1000)];

/// A log, or a mirror of one.
#[derive(Clone, Debug)]
pub struct RemoteLog {
    client: Client,
    /// Where requests go, with a password if there is one.
    base: String,
    url: String,
}

impl RemoteLog {
    /// The log at this address, which ends where `/checkpoint` begins.
    ///
    /// # Errors
    ///
    /// As those of [`address`].
    pub fn new(client: &Client, url: &str) -> Result<Self> {
        let base = address(url)?;
        Ok(Self {
            client: client.clone(),
            url: shown(&base),
            base,
        })
    }

    /// Its address, as it may be shown.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The text of its head, or `None` if it has none.
    ///
    /// # Errors
    ///
    /// The log cannot be reached, or serves no text.
    pub fn checkpoint(&self) -> Result<Option<String>> {
        let Some(bytes) = self.get("checkpoint", MAX_HEAD)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes);
        text.map(Some)
            .map_err(|_| self.mismatch("checkpoint", "it is no text"))
    }

    /// The hashes of a tile of hashes.
    ///
    /// # Errors
    ///
    /// The log cannot be reached, or does not serve the tile as its name calls for.
    pub fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>> {
        let bytes = self.served(tile)?;
        tile.hashes(&bytes)
            .ok_or_else(|| self.mismatch(&tile.path(), "it does not have the length of its hashes"))
    }

    /// The bytes of a bundle that holds as many entries as its name says.
    ///
    /// # Errors
    ///
    /// As those of [`RemoteLog::hashes`].
    pub fn bundle(&self, tile: &Tile) -> Result<Vec<u8>> {
        let bytes = self.served(tile)?;
        match tile.entries(&bytes) {
            Some(_) => Ok(bytes),
            None => {
                let why = "it does not hold as many entries as its name says";
                Err(self.mismatch(&tile.path(), why))
            }
        }
    }

    /// One entry of the tree of `size` leaves.
    ///
    /// # Errors
    ///
    /// As those of [`RemoteLog::hashes`]; there is no such entry.
    pub fn entry(&self, index: u64, size: u64) -> Result<Vec<u8>> {
        let width = u64::from(WIDTH);
        let tile = Tile::in_tree(Level::Entries, index / width, size)
            .ok_or_else(|| self.missing(&format!("entry {index}")))?;
        let bundle = self.bundle(&tile)?;
        let at = usize::try_from(index % width).unwrap_or(usize::MAX);
        let entries = tile.entries(&bundle).unwrap_or_default();
        let entry = entries.get(at).map(|entry| entry.to_vec());
        entry.ok_or_else(|| self.missing(&format!("entry {index}")))
    }

    /// The bytes of a tile, or `None`. Of a partial tile that is gone since the full one is there,
    /// the beginning of that.
    ///
    /// # Errors
    ///
    /// The log cannot be reached, or the full tile is shorter than the partial one.
    pub fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        let full = tile.to_full();
        if let Some(bytes) = self.get(&tile.path(), full.max_bytes())? {
            return Ok(Some(bytes));
        }
        if tile.is_full() {
            return Ok(None);
        }
        let Some(bytes) = self.get(&full.path(), full.max_bytes())? else {
            return Ok(None);
        };
        match tile.beginning_of(&bytes) {
            Some(beginning) => Ok(Some(beginning.to_vec())),
            None => Err(self.mismatch(&full.path(), "it is cut off")),
        }
    }

    /// A reader of the nodes of the tree of `size` leaves that remembers what it has read.
    pub fn nodes(&self, size: u64) -> Nodes<'_> {
        Nodes {
            log: self,
            size,
            read: HashMap::new(),
        }
    }

    /// Looks whether the tiles at the right edge of a tree lead to its root. A log that does not
    /// have the tree that it has signed is found out by it, at the price of a few tiles.
    ///
    /// # Errors
    ///
    /// The log cannot be reached, lacks a tile, or has others.
    pub fn shows(&self, size: u64, root: &Hash) -> Result<()> {
        let mut nodes = self.nodes(size);
        let edge = prove::edge(size, &mut |height, number| nodes.node(height, number))?;
        let tree = CompactRange::from_hashes(size, edge);
        match tree.is_ok_and(|tree| tree.root() == *root) {
            true => Ok(()),
            false => Err(self.mismatch("tile", "the tiles do not lead to its root")),
        }
    }

    /// Fetches a path below the server's address; `None` if nothing is there.
    ///
    /// # Errors
    ///
    /// The log cannot be reached, or answers with more than `limit` bytes.
    pub fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
        let url = format!("{}/{path}", self.base);
        let mut patience = PATIENCE.iter();
        loop {
            match (self.client.get(&url, limit), patience.next()) {
                (Err(error), Some(pause)) if error.is_passing() => thread::sleep(*pause),
                (outcome, _) => return outcome,
            }
        }
    }

    /// The error that what the log serves does not fit its signed head.
    pub fn mismatch(&self, path: &str, why: &str) -> Error {
        let why = format!("does not fit the signed head: {why}");
        Error::new(Kind::Mismatch, format!("{}/{path}", self.url), why)
    }

    /// The error that the log does not serve something that its signed head needs.
    pub fn missing(&self, path: &str) -> Error {
        Error::new(Kind::Missing, &*self.url, format!("does not serve {path}"))
    }

    /// A tile that the signed head needs.
    fn served(&self, tile: &Tile) -> Result<Vec<u8>> {
        self.tile(tile)?.ok_or_else(|| self.missing(&tile.path()))
    }
}

/// The inner nodes of a tree, from the tiles of a log.
#[derive(Debug)]
pub struct Nodes<'l> {
    log: &'l RemoteLog,
    size: u64,
    read: HashMap<Tile, Vec<Hash>>,
}

impl Nodes<'_> {
    /// The root of the complete subtree of 2^`height` leaves with this number.
    ///
    /// # Errors
    ///
    /// As those of [`RemoteLog::hashes`]; there is no such node.
    pub fn node(&mut self, height: u8, number: u64) -> Result<Hash> {
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
