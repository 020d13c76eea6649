//! The hashes that proofs are made of, of tiles and of the subtrees within them, kept for the next
//! proof. A tile never changes, a partial one of a given width neither.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use verifier_core::hazmat::tlog::merkle::{Hash, node_hash};
use verifier_core::hazmat::tlog::tile::Tile;

use crate::error::Result;

/// The roots of all complete subtrees within a tile.
#[derive(Debug)]
pub(crate) struct Subtrees(Vec<Vec<Hash>>);

impl Subtrees {
    pub(crate) fn new(hashes: Vec<Hash>) -> Self {
        let mut heights = vec![hashes];
        while let Some(below) = heights.last().filter(|below| below.len() > 1) {
            let (pairs, _) = below.as_chunks::<2>();
            let above = pairs.iter().map(|[left, right]| node_hash(left, right));
            heights.push(above.collect());
        }
        Self(heights)
    }

    /// The root over these hashes of the tile, whose number is a power of two.
    pub(crate) fn root(&self, hashes: Range<usize>) -> Option<Hash> {
        let height = usize::try_from(hashes.len().checked_ilog2()?).ok()?;
        let at = hashes.start.checked_shr(hashes.len().ilog2())?;
        self.0.get(height)?.get(at).copied()
    }
}

/// The tiles that were asked for last. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache(Arc<Mutex<Tiles>>);

#[derive(Debug, Default)]
struct Tiles {
    read: HashMap<Tile, Arc<Subtrees>>,
    /// Those that may not be on disk yet.
    expected: HashMap<Tile, Arc<Subtrees>>,
}

impl Cache {
    /// 16 KiB each, 32 MiB in all.
    const TILES: usize = 2048;

    pub(crate) fn get(
        &self,
        tile: &Tile,
        read: impl FnOnce() -> Result<Vec<Hash>>,
    ) -> Result<Arc<Subtrees>> {
        let known = self.tiles(|tiles| {
            let known = tiles.read.get(tile);
            known.or_else(|| tiles.expected.get(tile)).cloned()
        });
        if let Some(subtrees) = known {
            return Ok(subtrees);
        }
        let subtrees = Arc::new(Subtrees::new(read()?));
        self.tiles(|tiles| {
            if tiles.read.len() >= Self::TILES {
                // Any of them: its place in the map is as good as random.
                let victim = tiles.read.keys().next().copied();
                victim.and_then(|victim| tiles.read.remove(&victim));
            }
            tiles.read.insert(*tile, Arc::clone(&subtrees));
        });
        Ok(subtrees)
    }

    /// Knows these tiles without reading them, until the next ones are expected.
    pub(crate) fn expect(&self, tiles: impl Iterator<Item = (Tile, Vec<Hash>)>) {
        let expected = tiles.map(|(tile, hashes)| (tile, Arc::new(Subtrees::new(hashes))));
        let expected = expected.collect();
        self.tiles(|tiles| tiles.expected = expected);
    }

    fn tiles<T>(&self, work: impl FnOnce(&mut Tiles) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::hazmat::tlog::merkle::{CompactRange, leaf_hash};
    use verifier_core::hazmat::tlog::tile::Level;

    #[test]
    fn every_subtree_has_its_root() {
        for width in [1_u8, 2, 3, 7, 8, 100, 255] {
            let hashes: Vec<Hash> = (0..width).map(|n| leaf_hash(&[n])).collect();
            let subtrees = Subtrees::new(hashes.clone());
            for height in 0..8 {
                let count = 1 << height;
                for (at, part) in hashes.chunks_exact(count).enumerate() {
                    let mut tree = CompactRange::default();
                    part.iter().for_each(|hash| tree.append(*hash).unwrap());
                    let range = at * count..(at + 1) * count;
                    assert_eq!(subtrees.root(range), Some(tree.root()), "{width} {height}");
                }
            }
            let width = usize::from(width);
            assert_eq!(subtrees.root(width..width + 1), None);
        }
    }

    #[test]
    fn forgets_and_reads_again() {
        let cache = Cache::default();
        let tile = |n| Tile::new(Level::Hashes(0), n, 1).unwrap();
        let hash = |n: u64| leaf_hash(&n.to_be_bytes());
        let last = u64::try_from(Cache::TILES).unwrap() + 10;
        for round in 0..2 {
            for n in 0..last {
                let found = cache.get(&tile(n), || Ok(vec![hash(n)])).unwrap();
                assert_eq!(found.root(0..1), Some(hash(n)), "{round}");
            }
        }
        let known = cache.get(&tile(last - 1), || panic!("it is kept"));
        assert!(known.is_ok());
        assert!(cache.tiles(|tiles| tiles.read.len()) <= Cache::TILES);
    }

    #[test]
    fn what_is_expected_is_not_read() {
        let cache = Cache::default();
        let tile = |n| Tile::new(Level::Hashes(0), n, 1).unwrap();
        let hash = |n: u64| leaf_hash(&n.to_be_bytes());
        for n in 0..3 {
            cache.expect([(tile(n), vec![hash(n)])].into_iter());
            let found = cache.get(&tile(n), || panic!("it is expected"));
            assert_eq!(found.unwrap().root(0..1), Some(hash(n)));
        }
        // The last but one is written by now.
        let read = cache.get(&tile(1), || Ok(vec![hash(9)]));
        assert_eq!(read.unwrap().root(0..1), Some(hash(9)));
    }
}
