//! A log's own anchors, and proofs from its tiles that an entry is under one of them.
//!
//! ```text
//! GET <log>/anchors/index.json                                  → what there is
//!     <log>/anchors/<size>/checkpoint, checkpoint.ots, header   → the anchor
//!     <log>/tile/…                                              → nodes of the tree
//! ```

use std::collections::HashMap;

use verifier_core::bitcoin::header::Header;
use verifier_core::bitcoin::ots::Timestamp;
use verifier_core::bundle::{self, Bundle};
use verifier_core::code::Code;
use verifier_core::encoding::sha256;
use verifier_core::json::{Limits, Value};
use verifier_core::tlog::checkpoint::SignedCheckpoint;
use verifier_core::tlog::merkle::{CompactRange, Hash, leaf_hash, verify_consistency};
use verifier_core::tlog::proof::Proof;
use verifier_core::tlog::prove;
use verifier_core::tlog::tile::{self, Tile, WIDTH};

use crate::code::CliCode;
use crate::failure::CliError;
use crate::http::{Client, shown};

/// The longest answers, in bytes.
const MAX_INDEX: usize = 64 * 1024 * 1024;
const MAX_CHECKPOINT: usize = 1024 * 1024;
const MAX_TILE: usize = 256 * 32;

/// The anchor of the smallest anchored head that covers the entry of a bundle. What the log hands
/// out is compared with the bundle; whether anybody trusts this log is for `verify` to say.
pub(super) fn anchor(url: &str, bundle: &Bundle) -> Result<bundle::Anchor, CliError> {
    let log = Log {
        client: Client::new()?,
        url: url.trim_end_matches('/').into(),
    };
    let own = Proof::parse(&bundle.log_proof).map_err(|error| CliError::of(&error))?;
    let head = own.checkpoint().checkpoint();
    let size = log.covering(own.index())?;
    let text = log.file(&format!("/anchors/{size}/checkpoint"), MAX_CHECKPOINT)?;
    let text = String::from_utf8(text).map_err(|_| log.nonsense("a checkpoint"))?;
    let stamped = SignedCheckpoint::parse(&text).map_err(|_| log.nonsense("a checkpoint"))?;
    let tree = stamped.checkpoint();
    let ots = log.file(
        &format!("/anchors/{size}/checkpoint.ots"),
        Timestamp::MAX_BYTES,
    )?;
    let timestamp = Timestamp::parse(&ots).map_err(|error| CliError::of(&error))?;
    if *timestamp.digest() != sha256(text.as_bytes()) || tree.size() != size {
        return Err(log.nonsense("a timestamp of the checkpoint beside it"));
    }
    if tree.origin() != head.origin() {
        return Err(wrong("the bundle is of another log."));
    }
    let header = format!("{}/anchors/{size}/header", log.url);
    let header = log.client.get(&header, Header::BYTES)?;
    let mut anchor = bundle::Anchor::new(text.clone(), ots);
    anchor.header = header.and_then(|bytes| place(&timestamp, &bytes));
    if tree.size() == head.size() {
        return Ok(anchor);
    }

    let mut nodes = log.nodes(size);
    let hashes = prove::inclusion(own.index(), size, &mut |h, n| nodes.node(h, n))?;
    let hashes = hashes.ok_or_else(|| log.nonsense("an anchored head that covers the entry"))?;
    let proof = Proof::new(None, own.index(), hashes, stamped.clone());
    let proof = proof.map_err(|error| CliError::of(&error))?;
    proof
        .verify_inclusion(&leaf_hash(bundle.entry.as_bytes()))
        .map_err(|_| wrong("the entry of the bundle is not in the tree that the log anchored."))?;
    let anchored = (size, tree.root());
    let own = (head.size(), head.root());
    let (old, new) = (anchored.min(own), anchored.max(own));
    let mut nodes = log.nodes(new.0);
    let hashes = prove::consistency(old.0, new.0, &mut |h, n| nodes.node(h, n))?;
    let hashes = hashes.ok_or_else(|| log.nonsense("an anchored head"))?;
    verify_consistency(old.0, &old.1, new.0, &new.1, &hashes).map_err(|_| {
        wrong("the tree that the log anchored is not of one history with the bundle's.")
    })?;
    anchor.log_proof = Some(proof.to_string());
    anchor.consistency = Some(hashes);
    Ok(anchor)
}

/// A header for the block that the proof leads to.
fn place(timestamp: &Timestamp, bytes: &[u8]) -> Option<bundle::Header> {
    let bytes: [u8; Header::BYTES] = bytes.try_into().ok()?;
    let header = Header::new(&bytes);
    let blocks = timestamp.blocks();
    let (height, _) = blocks
        .iter()
        .find(|(_, root)| root == header.merkle_root())?;
    Some(bundle::Header::new(u64::from(*height), bytes))
}

fn wrong(message: &str) -> CliError {
    CliError::policy(Code::AnchorLog, message)
}

struct Log {
    client: Client,
    url: String,
}

impl Log {
    fn file(&self, path: &str, limit: usize) -> Result<Vec<u8>, CliError> {
        let url = format!("{}{path}", self.url);
        let answer = self.client.get(&url, limit)?;
        answer.ok_or_else(|| self.nonsense(path))
    }

    /// The smallest head in a block that covers an entry.
    fn covering(&self, index: u64) -> Result<u64, CliError> {
        let bytes = self.file("/anchors/index.json", MAX_INDEX)?;
        let mut limits = Limits::bytes(MAX_INDEX);
        limits.values = MAX_INDEX;
        let value = Value::parse(&bytes, limits).ok();
        let list = value.as_ref().and_then(Value::as_object);
        let Some(Value::Array(list)) = list.and_then(|index| index.get("anchors")) else {
            return Err(self.nonsense("an index of anchors"));
        };
        let anchored = list.iter().filter_map(|one| {
            let one = one.as_object()?;
            one.get("height")?.as_u64()?;
            one.get("treeSize")?.as_u64()
        });
        let covering = anchored.filter(|size| *size > index).min();
        covering.ok_or_else(|| {
            let message = format!(
                "{} has no anchored head yet that covers the entry.",
                shown(&self.url)
            );
            CliError::policy(Code::AnchorPending, message)
                .next("Try again later: blocks take hours.")
        })
    }

    fn nodes(&self, size: u64) -> Nodes<'_> {
        Nodes {
            log: self,
            size,
            read: HashMap::new(),
        }
    }

    /// The hashes of a tile; of a partial one that is gone, the beginning of the full one.
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, CliError> {
        let get = |tile: &Tile| {
            let url = format!("{}/{}", self.url, tile.path());
            self.client.get(&url, MAX_TILE)
        };
        let mut bytes = get(tile)?;
        if let Some(full) = Tile::new(tile.level(), tile.index(), WIDTH)
            && bytes.is_none()
            && !tile.is_full()
        {
            bytes = get(&full)?;
        }
        let bytes = bytes.unwrap_or_default();
        let (hashes, rest) = bytes.as_chunks();
        let hashes = hashes.get(..usize::from(tile.width()));
        match hashes.filter(|_| rest.is_empty()) {
            Some(hashes) => Ok(hashes.to_vec()),
            None => Err(self.nonsense(&tile.path())),
        }
    }

    fn nonsense(&self, expected: &str) -> CliError {
        let message = format!("{} did not answer as a log does.", shown(&self.url));
        CliError::new(CliCode::IoUnreachable, message).expected(expected)
    }
}

/// The nodes of one tree.
struct Nodes<'l> {
    log: &'l Log,
    size: u64,
    read: HashMap<Tile, Vec<Hash>>,
}

impl Nodes<'_> {
    /// The root of the complete subtree of 2^`height` leaves with this number.
    fn node(&mut self, height: u8, number: u64) -> Result<Hash, CliError> {
        let outside = || self.log.nonsense("a tree that covers the entry");
        let place = tile::locate(height, number, self.size).ok_or_else(outside)?;
        if !self.read.contains_key(&place.tile) {
            let hashes = self.log.hashes(&place.tile)?;
            self.read.insert(place.tile, hashes);
        }
        let hashes = self
            .read
            .get(&place.tile)
            .and_then(|all| all.get(place.hashes));
        let mut subtree = CompactRange::default();
        for hash in hashes.unwrap_or_default() {
            subtree
                .append(*hash)
                .map_err(|error| CliError::of(&error))?;
        }
        Ok(subtree.root())
    }
}
