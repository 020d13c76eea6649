//! Reads tiles and entry bundles, and makes proofs from them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use verifier_core::tlog::checkpoint::SignedCheckpoint;
use verifier_core::tlog::merkle::{CompactRange, Hash};
use verifier_core::tlog::proof::Proof;
use verifier_core::tlog::prove;
use verifier_core::tlog::tile::{self, Level, Tile, WIDTH};

use crate::edge::{Edge, File};
use crate::failure::{Failure, Result};
use crate::store::Head;
use crate::subtrees::Cache;

/// The public directory.
#[derive(Clone, Debug)]
pub(crate) struct Tiles {
    root: PathBuf,
    cache: Cache,
}

impl Tiles {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            cache: Cache::default(),
        }
    }

    pub(crate) fn path(&self, tile: &Tile) -> PathBuf {
        self.root.join(tile.path())
    }

    /// One entry of a tree of `size` leaves.
    pub(crate) fn leaf(&self, index: u64, size: u64) -> Result<String> {
        self.leaf_cached(index, size, &mut HashMap::new())
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
            .ok_or_else(|| Failure::damage(format!("there is no entry {index}")))?;
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

    /// Removes the partial tiles that a full one replaces.
    pub(crate) fn collect_partials(&self, full: &Tile) -> Result<()> {
        let mut name = self.path(full).into_os_string();
        name.push(".p");
        let folder = PathBuf::from(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file(&folder)(error)),
            _ => Ok(()),
        }
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
        read(&self.path(tile))
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
        let outside = || Failure::damage("a proof needs a node outside the tree");
        let place = tile::locate(height, number, self.size).ok_or_else(outside)?;
        let tile = &place.tile;
        let subtrees = self.tiles.cache.get(tile, || self.tiles.hashes(tile))?;
        subtrees.root(place.hashes).ok_or_else(outside)
    }

    /// The C2SP proof that the entry with this index is under `head`, as text.
    pub(crate) fn prove(&mut self, index: u64, head: &Head) -> Result<String> {
        let hashes = prove::inclusion(index, self.size, &mut |height, number| {
            self.node(height, number)
        })?;
        let hashes =
            hashes.ok_or_else(|| Failure::damage(format!("entry {index} is not in the tree")))?;
        let bad = |error: &dyn std::fmt::Display| Failure::damage(error.to_string());
        let checkpoint = SignedCheckpoint::parse(&head.checkpoint).map_err(|e| bad(&e))?;
        let proof = Proof::new(None, index, hashes, checkpoint).map_err(|e| bad(&e))?;
        Ok(proof.to_string())
    }

    /// The root of the first `size` leaves. Fails if there are fewer.
    pub(crate) fn beginning(&mut self, size: u64) -> Result<Hash> {
        let roots = prove::edge(size, &mut |height, number| self.node(height, number))?;
        let range = CompactRange::from_hashes(size, roots);
        let range = range.map_err(|error| Failure::damage(error.to_string()))?;
        Ok(range.root())
    }

    /// The proof that the tree begins with that of `old` leaves.
    pub(crate) fn consistency(&mut self, old: u64) -> Result<Vec<Hash>> {
        let hashes = prove::consistency(old, self.size, &mut |height, number| {
            self.node(height, number)
        })?;
        hashes.ok_or_else(|| Failure::damage(format!("the tree has no beginning of {old} entries")))
    }
}

/// The content of a file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Failure::file(path)(error)),
    }
}

fn missing(tile: &Tile) -> Failure {
    damaged(tile, "it is missing")
}

pub(crate) fn damaged(tile: &Tile, what: &str) -> Failure {
    Failure::damage(format!(
        "{} is damaged: {what}. Restore it from a backup or a mirror; `cosignet-log fsck` lists all damage",
        tile.path()
    ))
}
