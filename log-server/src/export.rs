//! A copy of a log, made while it runs.
//!
//! The database is copied piece by piece, as it was at one head. That may be ahead of the public
//! checkpoint that was read before, as after a crash between commit and publication; what lies
//! between the two is put back into the copy's database, so that the start-up checks finish it in
//! the same way.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use durable::Lock;
use verifier_core::hazmat::tlog::merkle::{Hash, verify_prefix};
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::tile::{self, Level, Tile};

use crate::anchor;
use crate::args::ExportArgs;
use crate::backend;
use crate::error::{LogError, Result};
use crate::key::LogKey;
use crate::layout::Layout;
use crate::store::{Backend, CHECKPOINT, CopiedDatabase, Embedded, Head, Objects, walk};
use crate::tiles::{Source as _, Tiles};

/// `export`
pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let place = args.store.place(&args.data, args.objects.place()?);
    let place = args.erasure_keys.place(place);
    let from_dir = &place.layout;
    let (from, key) = backend::open(&place)?;
    let to_dir = Layout::new(&args.to);
    apart(from_dir.root(), to_dir.root())?;
    to_dir.create()?;
    let to = backend::embedded(&to_dir);

    let text = from.published()?;
    let damaged = |error| LogError::damage(format!("the public checkpoint: {error}"));
    let (size, root) = key.open(&text).map_err(damaged)?;
    let (there, here) = (from.objects(), to.objects());
    let tiles = Tiles::new(there.clone());
    // By the way it brings an older database to this version.
    let committed = from.head()?;
    let _lock = claim(&to_dir, &to, &key, |old| {
        if (old.size, old.root) == (committed.size, committed.root) {
            return Ok(true);
        }
        extends(&tiles, old, (size, root))
    })?;
    let database = snapshot(&*from, &tiles, &to, size)?;

    let copy = Tiles::new(here.clone());
    copy_tiles(&tiles, &copy, &*here, size)?;
    copy_folder(&*there, &*here, anchor::FOLDER)?;
    if copy.edge(size)?.root() != root {
        return Err(LogError::damage(
            "the tiles do not lead to the public checkpoint: `cosignet-log fsck` says which are \
             damaged",
        ));
    }
    // From here to the end the copy has no checkpoint, and nobody takes it for a log.
    here.delete(CHECKPOINT)?;
    to.adopt(&database)?;
    here.put(CHECKPOINT, text.as_bytes())?;
    println!(
        "{size} entries in {}; the key is not among it",
        to_dir.root().display()
    );
    Ok(())
}

/// Fails unless neither of the two directories lies within the other: what is below `public` is
/// served to everybody, and the copy has evidence and tokens in it.
fn apart(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (resolved(from)?, resolved(to)?);
    let why = if from == to {
        "is the log itself"
    } else if to.starts_with(&from) {
        "lies within the directory of the log"
    } else if from.starts_with(&to) {
        "contains the directory of the log"
    } else {
        return Ok(());
    };
    Err(LogError::Usage(format!(
        "--to {why}: choose a directory beside it"
    )))
}

/// The path without links and dots; of what does not exist, that of the nearest folder above and
/// the rest.
fn resolved(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(LogError::file(path))?;
    let mut rest = Vec::new();
    let mut above = absolute.as_path();
    loop {
        match fs::canonicalize(above) {
            Ok(found) => return Ok(rest.iter().rev().fold(found, |path, name| path.join(name))),
            // A link that leads nowhere would be followed when the folder is made.
            Err(error) if error.kind() != ErrorKind::NotFound || above.is_symlink() => {
                return Err(LogError::file(above)(error));
            }
            Err(_) => {}
        }
        let (Some(parent), Some(name)) = (above.parent(), above.file_name()) else {
            // It ends in dots, below a folder that does not exist.
            return Err(LogError::Usage(format!(
                "{} is no directory",
                path.display()
            )));
        };
        rest.push(name);
        above = parent;
    }
}

/// An empty directory, or an earlier copy of this log: a copy that was started and has gone on by
/// itself is another log by now, and must not be taken back.
fn claim(
    to: &Layout,
    copy: &Embedded,
    key: &LogKey,
    is_earlier: impl FnOnce(&Head) -> Result<bool>,
) -> Result<Lock> {
    let strange = |why: &str| {
        LogError::Usage(format!(
            "{} is neither empty nor an earlier copy of this log: {why}",
            to.root().display()
        ))
    };
    let mut names = fs::read_dir(to.root()).map_err(LogError::file(to.root()))?;
    let empty = names.all(|item| item.is_ok_and(|item| is_leftover(&item.path())));
    if !empty && !copy.exists()? {
        return Err(strange("it has no log.sqlite"));
    }
    let lock = to.lock()?;
    if !empty {
        let head = copy.head()?;
        key.open(&head.checkpoint)
            .map_err(|error| strange(&error))?;
        if !is_earlier(&head)? {
            return Err(strange(
                "it has entries that this log does not have; somebody has started it",
            ));
        }
    }
    Ok(lock)
}

/// Whether the tree of this size and root begins with an older one.
fn extends(tiles: &Tiles, old: &Head, (size, root): (u64, Hash)) -> Result<bool> {
    if old.size >= size {
        return Ok((old.size, old.root) == (size, root));
    }
    if old.size == 0 {
        return Ok(true);
    }
    let mut nodes = tiles.nodes(size);
    let proof = prove::prefix(old.size, size, &mut |height, number| {
        nodes.node(height, number)
    })?;
    let before = verify_prefix(old.size, size, &root, &proof.unwrap_or_default());
    Ok(before == Ok(old.root))
}

/// Whether an interrupted export left this behind, before anything was in place.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(name, Some("lock" | "public" | "log.sqlite.new"))
}

/// The database as it is now, with every committed leaf from `size` on.
fn snapshot(from: &dyn Backend, tiles: &Tiles, to: &Embedded, size: u64) -> Result<CopiedDatabase> {
    let mut copy = to.begin_copy(from)?;
    let head = copy.head()?;
    // Whatever the database no longer keeps was published when it was dropped.
    let kept = copy.first_staged()?.unwrap_or(head.size);
    let mut bundles = std::collections::HashMap::new();
    let leaves = (size..kept)
        .map(|index| tiles.leaf_cached(index, kept, &mut bundles))
        .collect::<Result<Vec<_>>>()?;
    copy.stage(size, &leaves)?;
    if copy.staged(size)?.len() != usize::try_from(head.size - size).unwrap_or(usize::MAX) {
        return Err(LogError::damage("the database has lost committed entries"));
    }
    Ok(copy.finish())
}

/// Copies the tiles of a tree, as far as they are not there: tiles never change, and are put in place
/// whole.
pub(crate) fn copy_tiles(from: &Tiles, to: &Tiles, objects: &dyn Objects, size: u64) -> Result<()> {
    /// How many are put at once.
    const ABREAST: usize = 32;
    let levels = (0..8).map(Level::Hashes).chain([Level::Entries]);
    for level in levels {
        if tile::hashes_at(level, size) == 0 {
            continue;
        }
        let mut all = Tile::all_in_tree(level, size).peekable();
        while all.peek().is_some() {
            let mut missing = Vec::new();
            for tile in all.by_ref().take(ABREAST) {
                if objects.has(&tile.path())? {
                    continue;
                }
                let bytes = from
                    .read(&tile)?
                    .ok_or_else(|| LogError::damage(format!("{} is missing", tile.path())))?;
                missing.push((tile, bytes));
            }
            let named = missing.iter().map(|(tile, bytes)| (tile.path(), &**bytes));
            objects.put_all(&named.collect::<Vec<_>>())?;
            for (tile, _) in missing.iter().filter(|(tile, _)| tile.is_full()) {
                to.collect_partials(tile);
            }
        }
    }
    Ok(())
}

/// Every object of a folder, those of its folders before its own.
pub(crate) fn copy_folder(from: &dyn Objects, to: &dyn Objects, folder: &str) -> Result<()> {
    for name in walk(from, folder)? {
        if let Some(bytes) = from.get(&name)? {
            to.put(&name, &bytes)?;
        }
    }
    Ok(())
}
