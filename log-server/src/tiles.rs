//! Reads tiles and entry bundles, and makes proofs from them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash, leaf_hash, verify_consistency};
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::tile::{self, Level, Tile, WIDTH};

use crate::edge::{Edge, File};
use crate::error::{LogError, Result};
use crate::store::{Head, Objects};
use crate::subtrees::Cache;

/// The tiles among the public objects.
#[derive(Clone, Debug)]
pub(crate) struct Tiles {
    objects: Arc<dyn Objects>,
    cache: Cache,
    damage: Damage,
}

impl Tiles {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self {
            objects,
            cache: Cache::default(),
            damage: Damage::default(),
        }
    }

    /// Makes tiles durable, and with them other objects, in no order.
    pub(crate) fn write<'b>(
        &self,
        files: &'b [File],
        others: impl IntoIterator<Item = (String, &'b [u8])>,
    ) -> Result<()> {
        let named = files.iter().map(|(tile, bytes)| (tile.path(), &**bytes));
        self.objects
            .put_all(&named.chain(others).collect::<Vec<_>>())
    }

    /// One entry of a tree of `size` leaves, as the tree has it.
    pub(crate) fn leaf(&self, index: u64, size: u64) -> Result<String> {
        let leaf = self.leaf_cached(index, size, &mut HashMap::new())?;
        if self.nodes(size).node(0, index)? == leaf_hash(leaf.as_bytes()) {
            return Ok(leaf);
        }
        let number = index / u64::from(WIDTH);
        let outside = || LogError::damage(format!("there is no entry {index}"));
        let tile = Tile::in_tree(Level::Entries, number, size).ok_or_else(outside)?;
        let failure = damaged(&tile, "its entries are not those of the tree");
        self.damage.note(&tile, &failure);
        Err(failure)
    }

    /// Why a file cannot be used, if one could not be used and has not been mended since.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.damage.check(|tile| match tile.level() {
            Level::Entries => self.fits(tile),
            Level::Hashes(_) => self.hashes(tile).map(|_| ()),
        })
    }

    /// Whether the entries of a bundle are those of its hashes.
    fn fits(&self, bundle: &Tile) -> Result<()> {
        let leaves = self.entries(bundle)?;
        let leaves: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let hashes = Tile::new(Level::Hashes(0), bundle.index(), bundle.width());
        let hashes = hashes.map(|tile| self.hashes(&tile)).transpose()?;
        match hashes == Some(leaves) {
            true => Ok(()),
            false => Err(damaged(bundle, "its entries are not those of the tree")),
        }
    }

    /// [`Tiles::leaf`] for many leaves: keeps the bundles that it reads.
    pub(crate) fn leaf_cached(
        &self,
        index: u64,
        size: u64,
        bundles: &mut HashMap<u64, Vec<u8>>,
    ) -> Result<String> {
        let width = u64::from(WIDTH);
        let number = index / width;
        let tile = Tile::in_tree(Level::Entries, number, size)
            .ok_or_else(|| LogError::damage(format!("there is no entry {index}")))?;
        let bundle = match bundles.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.bundle(&tile)?),
        };
        let at = usize::try_from(index % width).unwrap_or(usize::MAX);
        let entries = tile::entries(bundle).unwrap_or_default();
        entries
            .get(at)
            .and_then(|entry| String::from_utf8(entry.to_vec()).ok())
            .ok_or_else(|| damaged(&tile, "an entry is no text"))
    }

    /// Removes the partial tiles that a full one replaces. They take room and do no harm: nothing
    /// waits for that.
    pub(crate) fn collect_partials(&self, full: &Tile) {
        let folder = format!("{}.p", full.path());
        if let Err(failure) = self.objects.delete_folder(&folder) {
            tracing::warn!(%failure, "partial tiles cannot be removed");
        }
    }

    /// Fails unless a full tile is there, and is the one that the tree of `head` has.
    pub(crate) fn prove_full(&self, full: &Tile, head: &Head) -> Result<()> {
        let level = match full.level() {
            Level::Entries => {
                self.fits(full)?;
                0
            }
            Level::Hashes(level) => level,
        };
        // The path of a leaf takes in every hash of the tiles that it passes, but for the one above
        // the leaf itself: that one is in the path of the other leaf.
        let outside = || LogError::damage(format!("there is no {}", full.path()));
        let span = 256_u64.checked_pow(u32::from(level) + 1);
        let first = span.and_then(|span| full.index().checked_mul(span));
        let (first, span) = first.zip(span).ok_or_else(outside)?;
        let mut nodes = self.nodes(head.size);
        for leaf in [first, first.saturating_add(span - 1)] {
            let hash = nodes.node(0, leaf)?;
            nodes.prove(leaf, &hash, head)?;
        }
        Ok(())
    }

    /// Proofs may need these tiles before they are written.
    pub(crate) fn expect(&self, files: &[File]) {
        let hashes = files.iter().filter_map(|(tile, bytes)| {
            let hashes = matches!(tile.level(), Level::Hashes(_)).then(|| tile.hashes(bytes))?;
            Some((*tile, hashes?))
        });
        self.cache.expect(hashes);
    }

    /// The nodes of the tree of `size` leaves.
    pub(crate) fn nodes(&self, size: u64) -> Nodes<'_> {
        Nodes { tiles: self, size }
    }
}

/// Where tiles are read from.
pub(crate) trait Source {
    /// The bytes under exactly this name; `None` if there are none.
    fn raw(&self, tile: &Tile) -> Result<Option<Vec<u8>>>;

    /// The bytes of a tile. Of a partial tile that was collected, the beginning of the full one.
    fn read(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        if let Some(bytes) = self.raw(tile)? {
            return Ok(Some(bytes));
        }
        if tile.is_full() {
            return Ok(None);
        }
        let full = tile.to_full();
        let Some(bytes) = self.raw(&full)? else {
            return Ok(None);
        };
        let beginning = tile.beginning_of(&bytes);
        let beginning = beginning.ok_or_else(|| damaged(&full, "it is cut off"))?;
        Ok(Some(beginning.to_vec()))
    }

    /// The hashes of a tile of hashes.
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>> {
        let bytes = self.read(tile)?.ok_or_else(|| missing(tile))?;
        tile.hashes(&bytes)
            .ok_or_else(|| damaged(tile, "it has the wrong length"))
    }

    /// A bundle that holds as many entries as its name says.
    fn bundle(&self, tile: &Tile) -> Result<Vec<u8>> {
        let bytes = self.read(tile)?.ok_or_else(|| missing(tile))?;
        match tile.entries(&bytes) {
            Some(_) => Ok(bytes),
            None => Err(damaged(
                tile,
                "it does not hold as many entries as its name says",
            )),
        }
    }

    /// The entries of a bundle.
    fn entries(&self, tile: &Tile) -> Result<Vec<Vec<u8>>> {
        let bytes = self.bundle(tile)?;
        let entries = tile::entries(&bytes).unwrap_or_default();
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// The right edge of the tree of `size` leaves.
    fn edge(&self, size: u64) -> Result<Edge> {
        let bundle = match crate::edge::partial(Level::Entries, size) {
            Some(tile) => self.read(&tile)?.ok_or_else(|| missing(&tile))?,
            None => Vec::new(),
        };
        let mut levels = Vec::new();
        for level in 0..8 {
            if tile::hashes_at(Level::Hashes(level), size) == 0 {
                break;
            }
            levels.push(match crate::edge::partial(Level::Hashes(level), size) {
                Some(tile) => self.hashes(&tile)?,
                None => Vec::new(),
            });
        }
        Edge::from_tiles(size, bundle, levels)
    }
}

impl Source for Tiles {
    fn raw(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        self.objects.get(&tile.path())
    }

    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>> {
        let bytes = self.there(tile)?;
        self.whole(tile, tile.hashes(&bytes), "it has the wrong length")
    }

    fn bundle(&self, tile: &Tile) -> Result<Vec<u8>> {
        let bytes = self.there(tile)?;
        let why = "it does not hold as many entries as its name says";
        let whole = tile.entries(&bytes).is_some();
        self.whole(tile, whole.then_some(bytes), why)
    }
}

impl Tiles {
    /// The bytes of a tile that has to be there.
    pub(crate) fn there(&self, tile: &Tile) -> Result<Vec<u8>> {
        let found = self.read(tile);
        let found = found.and_then(|bytes| bytes.ok_or_else(|| missing(tile)));
        found.inspect_err(|failure| self.damage.note(tile, failure))
    }

    fn whole<T>(&self, tile: &Tile, found: Option<T>, why: &str) -> Result<T> {
        let found = found.ok_or_else(|| damaged(tile, why));
        found.inspect_err(|failure| self.damage.note(tile, failure))
    }
}

/// Tiles that could not be used, and why.
#[derive(Clone, Debug, Default)]
struct Damage(Arc<Mutex<BTreeMap<Tile, String>>>);

impl Damage {
    /// The most that is remembered.
    const MOST: usize = 100;

    fn note(&self, tile: &Tile, failure: &LogError) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < Self::MOST && known.insert(*tile, failure.to_string()).is_none() {
            tracing::error!(%failure, "a file of the log cannot be used");
        }
    }

    /// Looks again at each, forgets those that are in order by now, and says what is wrong with the
    /// first of the others.
    fn check(&self, usable: impl Fn(&Tile) -> Result<()>) -> Option<String> {
        let known = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut first = None;
        for (tile, why) in known {
            let Err(failure) = usable(&tile) else {
                tracing::info!(tile = tile.path(), "the file can be used again");
                continue;
            };
            first.get_or_insert(failure.to_string());
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(tile, why);
        }
        first
    }
}

/// The inner nodes of a tree.
#[derive(Debug)]
pub(crate) struct Nodes<'t> {
    tiles: &'t Tiles,
    size: u64,
}

impl Nodes<'_> {
    /// The root of the complete subtree of 2^`height` leaves with this number.
    pub(crate) fn node(&mut self, height: u8, number: u64) -> Result<Hash> {
        let outside = || LogError::damage("a proof needs a node outside the tree");
        let place = tile::locate(height, number, self.size).ok_or_else(outside)?;
        let tile = &place.tile;
        let subtrees = self.tiles.cache.get(tile, || self.tiles.hashes(tile))?;
        subtrees.root(place.hashes).ok_or_else(outside)
    }

    /// The C2SP proof that the entry with this index and hash is under `head`, as text. It holds,
    /// or there is damage.
    pub(crate) fn prove(&mut self, index: u64, leaf: &Hash, head: &Head) -> Result<String> {
        let hashes = prove::inclusion(index, self.size, &mut |height, number| {
            self.node(height, number)
        })?;
        let hashes =
            hashes.ok_or_else(|| LogError::damage(format!("entry {index} is not in the tree")))?;
        let bad = |error: &dyn std::fmt::Display| LogError::damage(error.to_string());
        let checkpoint = SignedCheckpoint::parse(&head.checkpoint).map_err(|e| bad(&e))?;
        let proof = Proof::new(None, index, hashes, checkpoint).map_err(|e| bad(&e))?;
        proof.verify_inclusion(leaf).map_err(|error| {
            LogError::damage(format!(
                "the tiles do not lead from entry {index} to the root of {} entries ({error}): \
                 `cosignet-log fsck` lists all damage",
                head.size
            ))
        })?;
        Ok(proof.to_string())
    }

    /// The root of the first `size` leaves. Fails if there are fewer.
    pub(crate) fn beginning(&mut self, size: u64) -> Result<Hash> {
        let roots = prove::edge(size, &mut |height, number| self.node(height, number))?;
        let range = CompactRange::from_hashes(size, roots);
        let range = range.map_err(|error| LogError::damage(error.to_string()))?;
        Ok(range.root())
    }

    /// The same, if the tiles lead from there to `root`, that of the whole tree: what differs from it is
    /// another history then, and not a bit that has flipped.
    pub(crate) fn proven_beginning(&mut self, size: u64, root: &Hash) -> Result<Hash> {
        let beginning = self.beginning(size)?;
        let leads = match size {
            0 => true,
            _ if size == self.size => beginning == *root,
            _ => {
                let proof = self.consistency(size)?;
                verify_consistency(size, &beginning, self.size, root, &proof).is_ok()
            }
        };
        match leads {
            true => Ok(beginning),
            false => Err(LogError::damage(format!(
                "the tiles of the first {size} entries do not lead to the tree of {}: `cosignet-log \
                 fsck` says which are damaged; restore them from a backup or a mirror",
                self.size
            ))),
        }
    }

    /// The proof that the tree begins with that of `old` leaves.
    pub(crate) fn consistency(&mut self, old: u64) -> Result<Vec<Hash>> {
        let hashes = prove::consistency(old, self.size, &mut |height, number| {
            self.node(height, number)
        })?;
        hashes
            .ok_or_else(|| LogError::damage(format!("the tree has no beginning of {old} entries")))
    }
}

fn missing(tile: &Tile) -> LogError {
    damaged(tile, "it is missing")
}

pub(crate) fn damaged(tile: &Tile, what: &str) -> LogError {
    LogError::damage(format!(
        "{} is damaged: {what}. Restore it from a backup or a mirror; `cosignet-log fsck` lists all damage",
        tile.path()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Directory;

    /// Another history ends a log for good, and a bit that has flipped must not look like one.
    #[test]
    fn a_damaged_tile_is_no_other_history() {
        let folder = tempfile::tempdir().unwrap();
        let tiles = Tiles::new(Arc::new(Directory::new(folder.path().to_path_buf())));
        let mut edge = Edge::default();
        let mut grow = |size: u64| {
            let leaves: Vec<String> = (edge.size()..size).map(|n| n.to_string()).collect();
            let files = edge.append(leaves.iter().map(String::as_bytes)).unwrap();
            tiles.write(&files, None).unwrap();
            edge.root()
        };
        let (early, root) = (grow(100), grow(600));
        let check = |size: u64, root: &Hash| tiles.nodes(600).proven_beginning(size, root);
        assert_eq!(check(100, &root).unwrap(), early);
        assert_eq!(check(600, &root).unwrap(), root);
        assert!(check(0, &root).is_ok());
        for size in [100, 600] {
            assert!(check(size, &[7; 32]).unwrap_err().is_damage());
        }
        let path = folder.path().join("tile/0/000");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let fresh = Tiles::new(Arc::new(Directory::new(folder.path().to_path_buf())));
        assert_ne!(fresh.nodes(600).beginning(100).unwrap(), early);
        let failure = fresh.nodes(600).proven_beginning(100, &root).unwrap_err();
        assert!(failure.is_damage(), "{failure}");
    }
}
