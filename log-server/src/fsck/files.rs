//! The public objects: nothing that is served may be wrong, and nothing may be there
//! that no tree accounts for.

use std::sync::Arc;

use verifier_core::hazmat::tlog::tile::Tile;

use super::Findings;
use crate::edge::File;
use crate::error::Result;
use crate::store::{Objects, walk};
use crate::tiles::{Source as _, Tiles};

/// Compares every file below `tile` that is not one of the tree of `size` leaves, whose tiles are
/// right: with the beginning of one that is, or of one that publication will write (`next`).
/// `ahead` says that somebody publishes at the moment.
pub(super) fn check(
    objects: &Arc<dyn Objects>,
    size: u64,
    next: &[File],
    ahead: impl Fn() -> bool,
    findings: &mut Findings,
) -> Result<()> {
    let tiles = Tiles::new(Arc::clone(objects));
    let mut beyond = Vec::new();
    for path in walk(&**objects, "tile")? {
        let Some(tile) = Tile::parse_path(&path) else {
            findings.add(format!("{path} is no file of this log"));
            continue;
        };
        let there = Tile::in_tree(tile.level(), tile.index(), size);
        if there == Some(tile) {
            continue;
        }
        // It may have been collected since it was listed.
        let Some(found) = tiles.raw(&tile)? else {
            continue;
        };
        let narrower = there.filter(|there| there.width() > tile.width());
        let expected = match narrower {
            Some(there) => findings.take(tiles.there(&there))?,
            None => next
                .iter()
                .find(|(next, _)| {
                    (next.level(), next.index()) == (tile.level(), tile.index())
                        && next.width() >= tile.width()
                })
                .map(|(_, bytes)| bytes.clone()),
        };
        match expected {
            Some(bytes) if beginning(&tile, &bytes) == Some(found.as_slice()) => {}
            Some(_) => findings.add(format!("{path} is not what the tree has there")),
            None if narrower.is_some() => {}
            None => beyond.push(path),
        }
    }
    if !beyond.is_empty() && !ahead() {
        for path in beyond {
            findings.add(format!("{path} is beyond the committed tree"));
        }
    }
    Ok(())
}

fn beginning<'b>(tile: &Tile, bytes: &'b [u8]) -> Option<&'b [u8]> {
    match tile.is_full() {
        true => Some(bytes),
        false => tile.beginning_of(bytes),
    }
}
