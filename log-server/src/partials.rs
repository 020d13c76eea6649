//! Partial tiles that full ones have replaced, where readers may still ask for them: they are
//! removed late, and only where the full tile is shown to be there.

use std::sync::Arc;

use verifier_core::hazmat::tlog::tile::{Level, Tile, WIDTH, hashes_at};

use crate::error::Result;
use crate::store::{Head, Listed, Objects};
use crate::tiles::Tiles;

/// How many tiles a folder holds.
const GROUP: u64 = 1000;

/// Removes the partial tiles of every tile that is full in the tree of `head`, as long as `go_on`
/// says so. It begins with the newest ones, and ends at a folder that has none: what lies before
/// was swept already.
pub(crate) fn sweep(
    objects: &Arc<dyn Objects>,
    head: &Head,
    go_on: &dyn Fn() -> bool,
) -> Result<()> {
    // Nothing of it is remembered from before: what is read is there.
    let tiles = Tiles::new(Arc::clone(objects));
    let levels = (0..8).map(Level::Hashes).chain([Level::Entries]);
    for level in levels {
        let mut end = hashes_at(level, head.size) / u64::from(WIDTH);
        while let Some(last) = end.checked_sub(1) {
            let replaced = replaced(&**objects, level, last)?;
            if replaced.is_empty() {
                break;
            }
            for full in replaced {
                if !go_on() {
                    return Ok(());
                }
                tiles.prove_full(&full, head)?;
                objects.delete_folder(&format!("{}.p", full.path()))?;
            }
            end = last - last % GROUP;
        }
    }
    Ok(())
}

/// The tiles in the folder of this one, up to it, beside which there are partial ones.
fn replaced(objects: &dyn Objects, level: Level, last: u64) -> Result<Vec<Tile>> {
    let Some(tile) = Tile::new(level, last, WIDTH) else {
        return Ok(Vec::new());
    };
    let path = tile.path();
    let Some((folder, _)) = path.rsplit_once('/') else {
        return Ok(Vec::new());
    };
    let listed = objects.list(folder)?;
    let tiles = listed.iter().filter_map(|listed| match listed {
        Listed::Folder(name) => Tile::parse_path(name.strip_suffix(".p")?),
        Listed::Object(_) => None,
    });
    Ok(tiles.filter(|tile| tile.index() <= last).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Edge;
    use crate::key::LogKey;
    use crate::store::Memory;

    /// Puts the tiles of a tree that has grown in steps, and returns its heads.
    fn grown(objects: &Arc<dyn Objects>, sizes: &[u64]) -> Vec<Head> {
        let key = LogKey::generate("log.example").unwrap();
        let mut edge = Edge::default();
        let grow = |size: &u64| {
            let leaves: Vec<String> = (edge.size()..*size).map(|n| format!("leaf {n}")).collect();
            for (tile, bytes) in edge.append(leaves.iter().map(String::as_bytes)).unwrap() {
                objects.put(&tile.path(), &bytes).unwrap();
            }
            key.head(*size, edge.root()).unwrap()
        };
        sizes.iter().map(grow).collect()
    }

    fn there(objects: &Arc<dyn Objects>, names: &[&str]) -> Vec<bool> {
        names
            .iter()
            .map(|name| objects.has(name).unwrap())
            .collect()
    }

    const PARTIAL: [&str; 6] = [
        "tile/0/000.p/100",
        "tile/entries/000.p/100",
        "tile/0/001.p/44",
        "tile/entries/001.p/44",
        "tile/0/002.p/88",
        "tile/1/000.p/1",
    ];

    #[test]
    fn partial_tiles_go_when_the_full_one_is_of_the_head_and_nothing_else_does() {
        let objects: Arc<dyn Objects> = Arc::new(Memory::default());
        let heads = grown(&objects, &[100, 300, 600]);
        assert_eq!(there(&objects, &PARTIAL), [true; 6]);
        sweep(&objects, &heads[0], &|| true).unwrap();
        assert_eq!(there(&objects, &PARTIAL), [true; 6]);
        sweep(&objects, &heads[2], &|| false).unwrap();
        assert_eq!(there(&objects, &PARTIAL), [true; 6]);
        sweep(&objects, &heads[1], &|| true).unwrap();
        assert_eq!(
            there(&objects, &PARTIAL),
            [false, false, true, true, true, true]
        );
        for _ in 0..2 {
            sweep(&objects, &heads[2], &|| true).unwrap();
            assert_eq!(
                there(&objects, &PARTIAL),
                [false, false, false, false, true, true]
            );
        }
        let full = [
            "tile/0/000",
            "tile/0/001",
            "tile/entries/000",
            "tile/entries/001",
        ];
        assert_eq!(there(&objects, &full), [true; 4]);
    }

    #[test]
    fn partial_tiles_stay_where_the_full_one_is_not_shown_to_be_there() {
        let objects: Arc<dyn Objects> = Arc::new(Memory::default());
        let heads = grown(&objects, &[100, 300, 65_700]);
        for (full, partial) in [
            ("tile/0/000", "tile/0/000.p/100"),
            ("tile/0/001", "tile/0/001.p/44"),
            ("tile/entries/001", "tile/entries/001.p/44"),
            ("tile/1/000", "tile/1/000.p/1"),
        ] {
            let whole = objects.there(full).unwrap();
            // In the first hash or entry, in the last one, and all of it.
            for at in [Some(2), Some(whole.len() - 1), None] {
                objects.put(partial, b"").unwrap();
                let mut bytes = whole.clone();
                match at {
                    Some(at) => {
                        bytes[at] ^= 1;
                        objects.put(full, &bytes).unwrap();
                    }
                    None => objects.delete(full).unwrap(),
                }
                assert!(
                    sweep(&objects, &heads[2], &|| true).is_err(),
                    "{full} {at:?}"
                );
                assert!(objects.has(partial).unwrap(), "{full} {at:?}");
                objects.put(full, &whole).unwrap();
            }
        }
        sweep(&objects, &heads[2], &|| true).unwrap();
        assert_eq!(there(&objects, &PARTIAL)[..4], [false; 4]);
    }
}
