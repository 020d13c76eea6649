//! The right edge of the tree, in memory: what has to be known to append, and the tiles that an
//! append changes.

use verifier_core::tlog::merkle::{CompactRange, Hash, leaf_hash};
use verifier_core::tlog::tile::{self, Level, Tile, WIDTH};

use crate::failure::{Failure, Result};

/// A tree that can grow, with its partial tiles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    tree: CompactRange,
    /// The partial entry bundle.
    bundle: Vec<u8>,
    /// The hashes of the partial tile of each level.
    levels: Vec<Vec<Hash>>,
}

/// A tile and its bytes.
pub(crate) type File = (Tile, Vec<u8>);

impl Edge {
    /// The edge of a tree, from its partial tiles: the bundle and the hashes of each level.
    /// Nothing is compared here: the caller knows the root.
    pub(crate) fn from_tiles(size: u64, bundle: Vec<u8>, levels: Vec<Vec<Hash>>) -> Result<Self> {
        let mut roots = Vec::new();
        for hashes in levels.iter().rev() {
            let mut level = CompactRange::default();
            for hash in hashes {
                level.append(*hash).map_err(full)?;
            }
            roots.extend(level.into_hashes());
        }
        let tree = CompactRange::from_hashes(size, roots).map_err(full)?;
        Ok(Self {
            tree,
            bundle,
            levels,
        })
    }

    pub(crate) fn size(&self) -> u64 {
        self.tree.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Appends leaves. Returns the tiles that this fills or widens, full ones first, levels from
    /// the bottom.
    pub(crate) fn append<'l>(
        &mut self,
        leaves: impl Iterator<Item = &'l [u8]>,
    ) -> Result<Vec<File>> {
        let mut files = Vec::new();
        let mut widened = Vec::new();
        for leaf in leaves {
            let index = self.size() / u64::from(WIDTH);
            tile::push_entry(&mut self.bundle, leaf)
                .ok_or_else(|| Failure::System("an entry is too long for a bundle".into()))?;
            let hash = leaf_hash(leaf);
            self.tree.append(hash).map_err(full)?;
            self.push(0, hash, &mut files, &mut widened)?;
            if self.size().is_multiple_of(u64::from(WIDTH)) {
                let bundle = std::mem::take(&mut self.bundle);
                files.push((named(Level::Entries, index, WIDTH)?, bundle));
            }
        }
        let size = self.size();
        if let Some(tile) = partial(Level::Entries, size).filter(|_| !widened.is_empty()) {
            files.push((tile, self.bundle.clone()));
        }
        for (level, hashes) in (0..).zip(&self.levels) {
            let tile = partial(Level::Hashes(level), size);
            if let Some(tile) = tile.filter(|_| widened.contains(&level)) {
                files.push((tile, hashes.concat()));
            }
        }
        Ok(files)
    }

    fn push(
        &mut self,
        level: u8,
        hash: Hash,
        files: &mut Vec<File>,
        widened: &mut Vec<u8>,
    ) -> Result<()> {
        let at = usize::from(level);
        if self.levels.len() <= at {
            self.levels.push(Vec::new());
        }
        let Some(hashes) = self.levels.get_mut(at) else {
            return Ok(());
        };
        hashes.push(hash);
        if !widened.contains(&level) {
            widened.push(level);
        }
        if hashes.len() < usize::from(WIDTH) {
            return Ok(());
        }
        let hashes = std::mem::take(hashes);
        let index = tile::hashes_at(Level::Hashes(level), self.tree.size()) / u64::from(WIDTH) - 1;
        files.push((named(Level::Hashes(level), index, WIDTH)?, hashes.concat()));
        let mut subtree = CompactRange::default();
        for hash in hashes {
            subtree.append(hash).map_err(full)?;
        }
        let above = level.checked_add(1).ok_or_else(|| full("64 levels"))?;
        self.push(above, subtree.root(), files, widened)
    }
}

/// The partial tile at the end of a level, if it has one.
pub(crate) fn partial(level: Level, size: u64) -> Option<Tile> {
    let index = tile::hashes_at(level, size) / u64::from(WIDTH);
    Tile::in_tree(level, index, size)
}

fn named(level: Level, index: u64, width: u16) -> Result<Tile> {
    Tile::new(level, index, width).ok_or_else(|| full("a tile"))
}

fn full(error: impl std::fmt::Display) -> Failure {
    Failure::System(format!("the tree cannot grow: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_tile_is_written_and_the_edge_reads_back() {
        let leaves: Vec<Vec<u8>> = (0..66_000_u32).map(|i| i.to_be_bytes().to_vec()).collect();
        let mut edge = Edge::default();
        let mut files: BTreeMap<Tile, Vec<u8>> = BTreeMap::new();
        let mut at = 0;
        for step in [1, 2, 253, 1, 300, 65_000, 0, 443] {
            let batch = &leaves[at..at + step];
            at += step;
            files.extend(edge.append(batch.iter().map(Vec::as_slice)).unwrap());
            let size = edge.size();
            for level in [
                Level::Entries,
                Level::Hashes(0),
                Level::Hashes(1),
                Level::Hashes(2),
            ] {
                for tile in Tile::all_in_tree(level, size) {
                    let bytes = &files[&tile];
                    if level == Level::Entries {
                        let entries = tile::entries(bytes).unwrap();
                        assert_eq!(entries.len(), usize::from(tile.width()));
                    } else {
                        assert_eq!(bytes.len(), usize::from(tile.width()) * 32);
                    }
                }
            }
            let again = Edge::from_tiles(size, edge.bundle.clone(), edge.levels.clone()).unwrap();
            assert_eq!(again.root(), edge.root());
        }
        let mut tree = CompactRange::default();
        leaves
            .iter()
            .for_each(|leaf| tree.append(leaf_hash(leaf)).unwrap());
        assert_eq!(edge.root(), tree.root());
    }
}
