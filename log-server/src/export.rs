//! A copy of a log, made while it runs.
//!
//! The database is copied piece by piece, as it was at one head. That may be ahead of the public
//! checkpoint that was read before, as after a crash between commit and publication; what lies
//! between the two is put back into the copy's database, so that the start-up checks finish it in
//! the same way.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use durable::{Lock, beside};
use verifier_core::hazmat::tlog::merkle::{Hash, verify_prefix};
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::tile::{self, Level, Tile};

use crate::args::ExportArgs;
use crate::disk;
use crate::failure::{Failure, Result};
use crate::key::LogKey;
use crate::layout::Layout;
use crate::store::sqlite::Sqlite;
use crate::store::{Head, Store as _};
use crate::tiles::{self, Source as _, Tiles};

/// `export`
pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let from = Layout::new(&args.data);
    from.require()?;
    let key = LogKey::read(&from.key())?;
    let to = Layout::new(&args.to);
    apart(from.root(), to.root())?;
    to.create()?;

    let text = fs::read_to_string(from.checkpoint()).map_err(Failure::file(&from.checkpoint()))?;
    let damaged = |error| Failure::damage(format!("the public checkpoint: {error}"));
    let (size, root) = key.open(&text).map_err(damaged)?;
    let tiles = Tiles::new(from.public());
    // By the way it brings an older database to this version.
    let committed = Sqlite::open(&from.database())?.head()?;
    let _lock = claim(&to, &key, |old| {
        if (old.size, old.root) == (committed.size, committed.root) {
            return Ok(true);
        }
        extends(&tiles, old, (size, root))
    })?;
    let database = snapshot(&from, &to, size)?;

    let copy = Tiles::new(to.public());
    copy_tiles(&tiles, &copy, size)?;
    copy_folder(&from.public().join("anchors"), &to.public().join("anchors"))?;
    if copy.edge(size)?.root() != root {
        return Err(Failure::damage(
            "the tiles do not lead to the public checkpoint: `cosignet-log fsck` says which are \
             damaged",
        ));
    }
    // From here to the end the copy has no checkpoint, and nobody takes it for a log.
    disk::remove(&to.checkpoint())?;
    for more in ["-wal", "-shm"] {
        disk::remove(&beside(&to.database(), more))?;
    }
    disk::rename(&database, &to.database())?;
    disk::replace(&to.checkpoint(), text.as_bytes())?;
    println!(
        "{size} entries in {}; the key is not among it",
        to.root().display()
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
    Err(Failure::Usage(format!(
        "--to {why}: choose a directory beside it"
    )))
}

/// The path without links and dots; of what does not exist, that of the nearest folder above and
/// the rest.
fn resolved(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(Failure::file(path))?;
    let mut rest = Vec::new();
    let mut above = absolute.as_path();
    loop {
        match fs::canonicalize(above) {
            Ok(found) => return Ok(rest.iter().rev().fold(found, |path, name| path.join(name))),
            // A link that leads nowhere would be followed when the folder is made.
            Err(error) if error.kind() != ErrorKind::NotFound || above.is_symlink() => {
                return Err(Failure::file(above)(error));
            }
            Err(_) => {}
        }
        let (Some(parent), Some(name)) = (above.parent(), above.file_name()) else {
            // It ends in dots, below a folder that does not exist.
            return Err(Failure::Usage(format!(
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
    key: &LogKey,
    is_earlier: impl FnOnce(&Head) -> Result<bool>,
) -> Result<Lock> {
    let strange = |why: &str| {
        Failure::Usage(format!(
            "{} is neither empty nor an earlier copy of this log: {why}",
            to.root().display()
        ))
    };
    let mut names = fs::read_dir(to.root()).map_err(Failure::file(to.root()))?;
    let empty = names.all(|item| item.is_ok_and(|item| is_leftover(&item.path())));
    if !empty && !to.database().is_file() {
        return Err(strange("it has no log.sqlite"));
    }
    let lock = to.lock()?;
    if !empty {
        let head = Sqlite::open(&to.database())?.head()?;
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
fn snapshot(from: &Layout, to: &Layout, size: u64) -> Result<PathBuf> {
    let path = beside(&to.database(), ".new");
    for more in ["", "-wal", "-shm"] {
        disk::remove(&beside(&path, more))?;
    }
    disk::create(&path, b"")?;
    Sqlite::open_to_read(&from.database())?.copy_to(&path)?;
    let mut copy = Sqlite::open(&path)?;
    let head = copy.head()?;
    // Whatever the database no longer keeps was published when it was dropped.
    let kept = copy.first_staged()?.unwrap_or(head.size);
    let tiles = Tiles::new(from.public());
    let mut bundles = std::collections::HashMap::new();
    let leaves = (size..kept)
        .map(|index| tiles.leaf_cached(index, kept, &mut bundles))
        .collect::<Result<Vec<_>>>()?;
    copy.stage(size, &leaves)?;
    if copy.staged(size)?.len() != usize::try_from(head.size - size).unwrap_or(usize::MAX) {
        return Err(Failure::damage("the database has lost committed entries"));
    }
    // Closed, it is one file.
    drop(copy);
    Ok(path)
}

fn copy_tiles(from: &Tiles, to: &Tiles, size: u64) -> Result<()> {
    let levels = (0..8).map(Level::Hashes).chain([Level::Entries]);
    for level in levels {
        if tile::hashes_at(level, size) == 0 {
            continue;
        }
        for tile in Tile::all_in_tree(level, size) {
            let path = to.path(&tile);
            // Tiles never change, and are put in place whole.
            if path.is_file() {
                continue;
            }
            let bytes = from
                .read(&tile)?
                .ok_or_else(|| Failure::damage(format!("{} is missing", tile.path())))?;
            disk::replace(&path, &bytes)?;
            if tile.is_full() {
                to.collect_partials(&tile);
            }
        }
    }
    Ok(())
}

/// Every file of a folder, those of its folders before its own. Whoever writes there at the same
/// time puts each file in place whole.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Failure::file(from))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Failure::file(from))?.path();
        let name = path.file_name().unwrap_or_default().to_owned();
        match path.is_dir() {
            true => copy_folder(&path, &to.join(name))?,
            false => files.push((path, name)),
        }
    }
    for (path, name) in files {
        if durable::is_unfinished(&path) {
            continue;
        }
        if let Some(bytes) = tiles::read(&path)? {
            disk::replace(&to.join(name), &bytes)?;
        }
    }
    Ok(())
}
