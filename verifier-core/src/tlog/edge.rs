//! The right edge of a tree that grows: what has to be known to append, and the tiles of hashes
//! that an append fills.

use alloc::vec::Vec;

use super::merkle::{CompactRange, Error, Hash};
use super::tile::{Level, Tile, WIDTH, hashes_at};

/// A tree that can grow, with its partial tiles of hashes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Edge {
    tree: CompactRange,
    /// The hashes of the partial tile of each level.
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the tree of `size` leaves, from the partial tile of each level; empty where the
    /// level has none. Nothing is compared here: the caller knows the root.
    ///
    /// # Errors
    ///
    /// A level with more or fewer hashes than the size calls for.
    pub fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Result<Self, Error> {
        let mut roots = Vec::new();
        for hashes in levels.iter().rev() {
            let mut level = CompactRange::default();
            for hash in hashes {
                level.append(*hash)?;
            }
            roots.extend(level.into_hashes());
        }
        for (number, hashes) in (0..).zip(&levels) {
            let found = hashes.len();
            let expected = hashes_at(Level::Hashes(number), size) % u64::from(WIDTH);
            let expected = usize::try_from(expected).unwrap_or(usize::MAX);
            if found != expected {
                return Err(Error::EdgeLength { expected, found });
            }
        }
        let tree = CompactRange::from_hashes(size, roots)?;
        Ok(Self { tree, levels })
    }

    /// Appends a leaf, given by its hash. Returns the tiles that this fills, from level 0 upwards.
    pub fn append(&mut self, leaf: Hash) -> Result<Vec<(Tile, Vec<Hash>)>, Error> {
        self.tree.append(leaf)?;
        let mut filled = Vec::new();
        let mut hash = leaf;
        for number in 0..64 {
            let at = usize::from(number);
            if self.levels.len() <= at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else {
                break;
            };
            hashes.push(hash);
            if hashes.len() < usize::from(WIDTH) {
                break;
            }
            let hashes = core::mem::take(hashes);
            let mut subtree = CompactRange::default();
            for hash in &hashes {
                subtree.append(*hash)?;
            }
            hash = subtree.root();
            let level = Level::Hashes(number);
            let tiles = hashes_at(level, self.tree.size()) / u64::from(WIDTH);
            let tile = tiles
                .checked_sub(1)
                .and_then(|i| Tile::new(level, i, WIDTH));
            filled.extend(tile.map(|tile| (tile, hashes)));
        }
        Ok(filled)
    }

    /// The partial tiles, from level 0 upwards.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..).zip(&self.levels).filter_map(|(level, hashes)| {
            let tile = partial(Level::Hashes(level), self.tree.size())?;
            Some((tile, hashes.as_slice()))
        })
    }

    /// The hashes of the partial tile of each level; empty where it has none.
    pub fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }
}

/// The partial tile at the end of a level, if it has one.
pub fn partial(level: Level, size: u64) -> Option<Tile> {
    let index = hashes_at(level, size) / u64::from(WIDTH);
    Tile::in_tree(level, index, size)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use super::*;
    use crate::tlog::merkle::leaf_hash;

    #[test]
    fn every_tile_is_filled_and_the_edge_reads_back() {
        let leaves: Vec<Hash> = (0..66_000_u32)
            .map(|i| leaf_hash(&i.to_be_bytes()))
            .collect();
        let mut edge = Edge::default();
        let mut tree = CompactRange::default();
        let mut tiles: BTreeMap<Tile, Vec<Hash>> = BTreeMap::new();
        for leaf in &leaves {
            tiles.extend(edge.append(*leaf).unwrap());
            tree.append(*leaf).unwrap();
            if [1, 255, 256, 257, 65_535, 65_536, 66_000].contains(&edge.size()) {
                assert_eq!(edge.root(), tree.root());
                let again = Edge::from_levels(edge.size(), edge.levels.clone()).unwrap();
                assert_eq!(again, edge);
                let mut all = tiles.clone();
                all.extend(edge.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
                let named =
                    (0..3).flat_map(|level| Tile::all_in_tree(Level::Hashes(level), edge.size()));
                let named: Vec<Tile> = named.collect();
                assert_eq!(all.keys().copied().collect::<Vec<_>>(), {
                    let mut sorted = named.clone();
                    sorted.sort();
                    sorted
                });
                assert!(all.iter().all(|(t, h)| h.len() == usize::from(t.width())));
            }
        }
        assert!(Edge::from_levels(3, [leaves[..2].to_vec()].into()).is_err());
    }
}
