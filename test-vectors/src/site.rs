//! The files of a log, as c2sp.org/tlog-tiles lays them out, straight from its definitions.

use std::collections::BTreeMap;

use crate::tree::{Hash, leaf_hash, node_hash};

/// Every tile and entry bundle of the tree over these leaves, by path, the partial ones too.
pub fn tiles<L: AsRef<[u8]>>(leaves: &[L]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (number, entries) in leaves.chunks(256).enumerate() {
        let mut bundle = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            bundle.extend(u16::try_from(entry.len()).unwrap().to_be_bytes());
            bundle.extend(entry);
        }
        files.insert(path("entries", number, entries.len()), bundle);
    }
    let mut hashes: Vec<Hash> = leaves.iter().map(|l| leaf_hash(l.as_ref())).collect();
    let mut level = 0;
    while !hashes.is_empty() {
        for (number, tile) in hashes.chunks(256).enumerate() {
            files.insert(path(&level.to_string(), number, tile.len()), tile.concat());
        }
        // A partial tile is not hashed upwards.
        hashes = hashes.chunks_exact(256).map(perfect).collect();
        level += 1;
    }
    files
}

/// The root of a tree of 2^n leaves.
fn perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [one] => *one,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&perfect(left), &perfect(right))
        }
    }
}

/// ```text
/// tile/<level>/x001/x234/067[.p/<width>]
/// ```
fn path(level: &str, number: usize, width: usize) -> String {
    let mut groups = vec![format!("{:03}", number % 1000)];
    let mut rest = number / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    let partial = match width {
        256 => String::new(),
        width => format!(".p/{width}"),
    };
    format!("tile/{level}/{}{partial}", groups.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_70000_has_the_tiles_that_the_specification_names() {
        let leaves: Vec<[u8; 4]> = (0..70_000_u32).map(u32::to_be_bytes).collect();
        let files = tiles(&leaves);
        let of = |level: &str| {
            let prefix = format!("tile/{level}/");
            files
                .keys()
                .filter(|path| path.starts_with(&prefix))
                .count()
        };
        assert_eq!(
            (of("entries"), of("0"), of("1"), of("2"), of("3")),
            (274, 274, 2, 1, 0)
        );
        assert_eq!(files["tile/0/273.p/112"].len(), 112 * 32);
        assert_eq!(files["tile/1/001.p/17"].len(), 17 * 32);
        assert_eq!(files["tile/2/000.p/1"].len(), 32);
        assert_eq!(path("0", 1_234_067, 256), "tile/0/x001/x234/067");
    }
}
