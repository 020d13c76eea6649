//! The entries of a log on their way into a copy: bundle by bundle, and none is written that is not
//! shown to be in the tree.

use std::sync::Arc;
use std::thread;

use log_client::{Nodes, RemoteLog};
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash, leaf_hash, verify_inclusion};
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::tile::{self, Level, Tile, WIDTH};

use crate::edge::File;
use crate::error::{LogError, Result};
use crate::fsck::bar;
use crate::store::{Head, Objects};
use crate::tiles::{Source as _, Tiles};

/// How many bundles are fetched at a time.
const ABREAST: u64 = 16;

/// How many bundles until the nodes that were read for proofs are forgotten.
const REMEMBERED: u64 = 256;

/// The entries of one head.
pub(super) struct Entries<'e> {
    log: &'e RemoteLog,
    objects: &'e Arc<dyn Objects>,
    head: &'e Head,
}

/// A bundle of the tree.
struct Bundle {
    bytes: Vec<u8>,
    /// The copy has it.
    here: bool,
}

impl<'e> Entries<'e> {
    pub(super) fn new(log: &'e RemoteLog, objects: &'e Arc<dyn Objects>, head: &'e Head) -> Self {
        Self { log, objects, head }
    }

    /// Brings the copy to the head, as far as tiles and entries go. Its first `intact` entries are
    /// right; of what else is there, nothing is believed. With `recheck`, nothing at all.
    pub(super) fn copy(&self, intact: Option<u64>, recheck: bool) -> Result<()> {
        let width = u64::from(WIDTH);
        let tiles = Tiles::new(Arc::clone(self.objects));
        let begin = intact.filter(|_| !recheck).unwrap_or(0) / width;
        // The upper tiles are the same whether the last bundle is there or not.
        let mut edge = tiles.edge(begin * width)?;
        let count = self.head.size.div_ceil(width);
        let bar = bar(self.head.size);
        bar.set_position(begin * width);
        let mut nodes = self.log.nodes(self.head.size);
        let mut next = begin;
        while next < count {
            let end = count.min(next + ABREAST);
            if next % REMEMBERED < ABREAST {
                nodes = self.log.nodes(self.head.size);
            }
            let mut bundles = Vec::new();
            for (number, found) in (next..).zip(self.fetch(next..end)?) {
                bundles.push(self.shown(number, found, &mut nodes)?);
            }
            let here = bundles.iter().any(|bundle| bundle.here);
            let mut files = Vec::new();
            for bundle in &bundles {
                let entries = tile::entries(&bundle.bytes).unwrap_or_default();
                files.extend(edge.append(entries.into_iter())?);
            }
            files.retain(|(tile, _)| tile.is_full());
            self.write(&files, &tiles, here)?;
            bar.set_position(edge.size());
            next = end;
        }
        bar.finish_and_clear();
        if (edge.size(), edge.root()) != (self.head.size, self.head.root) {
            return Err(LogError::damage(
                "the entries do not lead to the root of the checkpoint: the copy is damaged. Run it \
                 again with --recheck",
            ));
        }
        self.write(&edge.partial_files(), &tiles, true)
    }

    /// Makes tiles durable; where the copy may have some, without writing these again.
    fn write(&self, files: &[File], tiles: &Tiles, here: bool) -> Result<()> {
        let mut missing = Vec::new();
        for (tile, bytes) in files {
            if !here || tiles.raw(tile)?.as_deref() != Some(bytes) {
                missing.push((tile.path(), &**bytes));
            }
        }
        self.objects.put_all(&missing)
    }

    /// Bundles as the copy has them, or else the log.
    fn fetch(&self, numbers: std::ops::Range<u64>) -> Result<Vec<(Vec<u8>, bool)>> {
        thread::scope(|scope| {
            let fetching: Vec<_> = numbers
                .map(|number| scope.spawn(move || self.fetch_one(number)))
                .collect();
            let failed = |_| LogError::System("a bundle could not be fetched".into());
            let done = fetching.into_iter().map(|one| one.join().map_err(failed)?);
            done.collect()
        })
    }

    fn fetch_one(&self, number: u64) -> Result<(Vec<u8>, bool)> {
        let tile = self.tile(number)?;
        match self.objects.get(&tile.path())? {
            Some(bytes) => Ok((bytes, true)),
            None => Ok((self.log.bundle(&tile)?, false)),
        }
    }

    /// A bundle that is in the tree: what was found, or what the log has where the copy is damaged.
    fn shown(
        &self,
        number: u64,
        (bytes, here): (Vec<u8>, bool),
        nodes: &mut Nodes<'_>,
    ) -> Result<Bundle> {
        let tile = self.tile(number)?;
        if self.is_in_tree(&tile, &bytes, nodes)? {
            return Ok(Bundle { bytes, here });
        }
        if here {
            let bytes = self.log.bundle(&tile)?;
            if self.is_in_tree(&tile, &bytes, nodes)? {
                return Ok(Bundle { bytes, here });
            }
        }
        let why = "its entries are not in the tree";
        Err(self.log.mismatch(&tile.path(), why).into())
    }

    /// Whether the entries of a bundle are those that the tree has there.
    fn is_in_tree(&self, tile: &Tile, bytes: &[u8], nodes: &mut Nodes<'_>) -> Result<bool> {
        let entries = tile.entries(bytes).unwrap_or_default();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let Some(first) = leaves.first() else {
            return Ok(false);
        };
        // The path of one leaf takes in all others of its bundle.
        let (index, size) = (tile.index() * u64::from(WIDTH), self.head.size);
        let proof = prove::inclusion(index, size, &mut |height, number| -> Result<Hash> {
            match within(&leaves, tile.index(), height, number) {
                Some(own) => Ok(own),
                None => Ok(nodes.node(height, number)?),
            }
        })?;
        let proof = proof.unwrap_or_default();
        let shown = verify_inclusion(first, index, size, &proof, &self.head.root);
        Ok(shown.is_ok())
    }

    fn tile(&self, number: u64) -> Result<Tile> {
        let tile = Tile::in_tree(Level::Entries, number, self.head.size);
        tile.ok_or_else(|| LogError::damage(format!("there is no bundle {number}")))
    }
}

/// The root of the complete subtree of 2^`height` leaves with this number, if it lies within the
/// bundle of these leaves.
fn within(leaves: &[Hash], bundle: u64, height: u8, number: u64) -> Option<Hash> {
    let above = 8_u8.checked_sub(height)?;
    let before = number.checked_sub(bundle << above)?;
    let count = 1_usize << height;
    let begin = usize::try_from(before).ok()?.checked_mul(count)?;
    let own = leaves.get(begin..begin.checked_add(count)?)?;
    let mut range = CompactRange::default();
    own.iter().try_for_each(|leaf| range.append(*leaf)).ok()?;
    Some(range.root())
}
