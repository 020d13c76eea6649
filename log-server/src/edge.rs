//! The right edge of the tree, in memory: what has to be known to append, and the tiles that an
//! append changes.

use verifier_core::hazmat::tlog::edge;
use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{self, Level, Tile, WIDTH, hashes_at};

use crate::error::{LogError, Result};

pub(crate) use verifier_core::hazmat::tlog::edge::partial;

/// A tree that can grow, with its partial tiles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    tree: edge::Edge,
    /// The partial entry bundle.
    bundle: Vec<u8>,
}

/// A tile and its bytes.
pub(crate) type File = (Tile, Vec<u8>);

impl Edge {
    /// The edge of a tree, from its partial tiles: the bundle and the hashes of each level.
    /// Nothing is compared here: the caller knows the root.
    pub(crate) fn from_tiles(size: u64, bundle: Vec<u8>, levels: Vec<Vec<Hash>>) -> Result<Self> {
        let tree = edge::Edge::from_levels(size, levels).map_err(full)?;
        Ok(Self { tree, bundle })
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
        let before = self.size();
        let mut files = Vec::new();
        for leaf in leaves {
            let index = self.size() / u64::from(WIDTH);
            tile::push_entry(&mut self.bundle, leaf)
                .ok_or_else(|| LogError::System("an entry is too long for a bundle".into()))?;
            let filled = self.tree.append(leaf_hash(leaf)).map_err(full)?;
            files.extend(
                filled
                    .into_iter()
                    .map(|(tile, hashes)| (tile, hashes.concat())),
            );
            if self.size().is_multiple_of(u64::from(WIDTH)) {
                let bundle = std::mem::take(&mut self.bundle);
                let tile = Tile::new(Level::Entries, index, WIDTH).ok_or_else(|| full("a tile"))?;
                files.push((tile, bundle));
            }
        }
        let size = self.size();
        let widened = |level| hashes_at(level, before) != hashes_at(level, size);
        let partial = self.partial_files().into_iter();
        files.extend(partial.filter(|(tile, _)| widened(tile.level())));
        Ok(files)
    }

    /// The partial tiles of the tree.
    pub(crate) fn partial_files(&self) -> Vec<File> {
        let bundle = partial(Level::Entries, self.size());
        let bundle = bundle.map(|tile| (tile, self.bundle.clone()));
        let hashes = self.tree.partial();
        let hashes = hashes.map(|(tile, hashes)| (tile, hashes.concat()));
        bundle.into_iter().chain(hashes).collect()
    }
}

fn full(error: impl std::fmt::Display) -> LogError {
    LogError::System(format!("the tree cannot grow: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use verifier_core::hazmat::tlog::merkle::CompactRange;

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
            let again =
                Edge::from_tiles(size, edge.bundle.clone(), edge.tree.levels().to_vec()).unwrap();
            assert_eq!(again.root(), edge.root());
        }
        let mut tree = CompactRange::default();
        leaves
            .iter()
            .for_each(|leaf| tree.append(leaf_hash(leaf)).unwrap());
        assert_eq!(edge.root(), tree.root());
    }
}
