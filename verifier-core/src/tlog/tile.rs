//! Where a log keeps its hashes: c2sp.org/tlog-tiles, "Merkle Tree".
//!
//! A full tile is 256 hashes of one level side by side, 8,192 bytes. The hashes of tile level L
//! are the roots of complete subtrees of 256^L leaves. At the right edge tiles are partial.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::merkle::{CompactRange, Hash};

/// The number of hashes in a full tile, and of entries in a full bundle.
pub const WIDTH: u16 = 256;

/// The content of a tile.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums)] // the paths will not grow
pub enum Level {
    /// The entries themselves, in the places of the hashes of level 0.
    Entries,
    /// Roots of complete subtrees of 256^L leaves, L from 0 to 63.
    Hashes(u8),
}

/// The coordinates of a tile.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tile {
    level: Level,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile `index` of its level with `width` hashes. `None` unless the level is at most 63
    /// and the width from 1 to 256.
    pub fn new(level: Level, index: u64, width: u16) -> Option<Self> {
        let exists = (1..=WIDTH).contains(&width) && !matches!(level, Level::Hashes(64..));
        exists.then_some(Self {
            level,
            index,
            width,
        })
    }

    /// The tile `index` of its level in a tree of `size` leaves, as wide as the tree fills it.
    /// `None` if it would be empty.
    pub fn in_tree(level: Level, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(WIDTH))?;
        let left = hashes_at(level, size).checked_sub(before)?;
        let width = u16::try_from(left.min(u64::from(WIDTH))).ok()?;
        Self::new(level, index, width)
    }

    /// Every tile of a level in a tree of `size` leaves, the partial one last.
    pub fn all_in_tree(level: Level, size: u64) -> impl Iterator<Item = Self> {
        let count = hashes_at(level, size).div_ceil(u64::from(WIDTH));
        (0..count).filter_map(move |index| Self::in_tree(level, index, size))
    }

    /// Reads what [`Tile::path`] writes, and no other spelling.
    pub fn parse_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (level, rest) = rest.split_once('/')?;
        let level = match level {
            "entries" => Level::Entries,
            number => Level::Hashes(u8::try_from(super::parse_decimal(number)?).ok()?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, u16::try_from(super::parse_decimal(width)?).ok()?),
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        // Writing it again settles the rest: which groups have an `x`, superfluous groups, and a
        // full tile in the disguise of a partial one.
        Self::new(level, index, width).filter(|tile| tile.path() == path)
    }

    /// The path below the log's prefix.
    ///
    /// ```text
    /// tile/0/x001/x234/067          tile 1234067 of level 0
    /// tile/0/x001/x234/067.p/8      its first eight hashes
    /// tile/entries/000              the first 256 entries
    /// ```
    pub fn path(&self) -> String {
        let mut number = format!("{:03}", self.index % 1000);
        let mut more = self.index / 1000;
        while more > 0 {
            number = format!("x{:03}/{number}", more % 1000);
            more /= 1000;
        }
        let level = match self.level {
            Level::Entries => String::from("entries"),
            Level::Hashes(level) => format!("{level}"),
        };
        if self.is_full() {
            format!("tile/{level}/{number}")
        } else {
            format!("tile/{level}/{number}.p/{}", self.width)
        }
    }

    /// The kind of content.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its place among the tiles of its level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds: 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it holds 256.
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The full tile in its place. A log may have that instead, once it is there.
    #[must_use]
    pub fn to_full(&self) -> Self {
        Self {
            width: WIDTH,
            ..*self
        }
    }

    /// The most bytes that it can have.
    pub fn max_bytes(&self) -> usize {
        let one = match self.level {
            Level::Entries => 2 + usize::from(u16::MAX),
            Level::Hashes(_) => 32,
        };
        usize::from(self.width).saturating_mul(one)
    }

    /// The part of the full tile in its place that belongs to it. `None` if there is less.
    pub fn beginning_of<'b>(&self, full: &'b [u8]) -> Option<&'b [u8]> {
        let width = usize::from(self.width);
        let length = match self.level {
            Level::Hashes(_) => width.checked_mul(32)?,
            Level::Entries => {
                let entries = entries(full)?;
                let lengths = entries.get(..width)?.iter().map(|entry| entry.len());
                lengths.map(|length| length.saturating_add(2)).sum()
            }
        };
        full.get(..length)
    }

    /// Reads the hashes of a tile of hashes. `None` unless there are exactly as many as it holds.
    pub fn hashes(&self, bytes: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && hashes.len() == usize::from(self.width);
        fits.then(|| hashes.to_vec())
    }

    /// Reads the entries of a bundle. `None` unless there are exactly as many as it holds.
    pub fn entries<'b>(&self, bytes: &'b [u8]) -> Option<Vec<&'b [u8]>> {
        entries(bytes).filter(|entries| entries.len() == usize::from(self.width))
    }
}

/// Appends one entry to an entry bundle, the tile of [`Level::Entries`]. Fails if it is longer
/// than the 65,535 bytes that a length can name.
///
/// ```text
/// length, 2 bytes big-endian ‖ entry, repeated
/// ```
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    let length = u16::try_from(entry.len()).ok()?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
    Some(())
}

/// The entries of a bundle; `None` if it ends in the middle of one.
pub fn entries(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut out = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk()?;
        let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        out.push(entry);
        rest = after;
    }
    Some(out)
}

/// How many hashes a level has in a tree of `size` leaves: ⌊size / 256^L⌋.
pub fn hashes_at(level: Level, size: u64) -> u64 {
    let level = match level {
        Level::Entries => 0,
        Level::Hashes(level) => level,
    };
    size.checked_shr(u32::from(level).saturating_mul(8))
        .unwrap_or(0)
}

/// The width of the partial tile of a level in a tree of `size` leaves; 0 if there is none.
pub fn partial_width(level: Level, size: u64) -> u16 {
    u16::try_from(hashes_at(level, size) % u64::from(WIDTH)).unwrap_or(0)
}

/// Where the hash of a node of the Merkle tree comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// The tile to read.
    pub tile: Tile,
    /// The hashes in it whose Merkle tree root is the node; a single one is the node itself.
    pub hashes: Range<usize>,
}

impl Place {
    /// The node, given the hashes of the tile. `None` if the tile has too few.
    pub fn node(&self, tile: &[Hash]) -> Option<Hash> {
        let mut subtree = CompactRange::default();
        for hash in tile.get(self.hashes.clone())? {
            subtree.append(*hash).ok()?;
        }
        Some(subtree.root())
    }
}

/// Where to find the root of the complete subtree of 2^`height` leaves that is number `index` of
/// its height, in a tree of `size` leaves. `None` if the tree does not have it.
pub fn locate(height: u8, index: u64, size: u64) -> Option<Place> {
    let nodes = size.checked_shr(u32::from(height)).unwrap_or(0);
    if index >= nodes {
        return None;
    }
    // Tiles hold every eighth height; a node between them is the root over some hashes of a tile.
    let level = Level::Hashes(height / 8);
    let count = 1_u64 << (height % 8);
    let first = index.checked_mul(count)?;
    let tile = Tile::in_tree(level, first / u64::from(WIDTH), size)?;
    let start = usize::try_from(first % u64::from(WIDTH)).ok()?;
    let end = start.checked_add(usize::try_from(count).ok()?)?;
    Some(Place {
        tile,
        hashes: start..end,
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const L0: Level = Level::Hashes(0);

    #[test]
    fn bundles_read_back_and_may_not_be_cut() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, b"approval-0").unwrap();
        push_entry(&mut bundle, b"").unwrap();
        assert_eq!(bundle, b"\0\x0aapproval-0\0\0");
        assert_eq!(entries(&bundle), Some(vec![&b"approval-0"[..], b""]));
        assert_eq!(entries(&bundle[..13]), None);
        assert_eq!(entries(&bundle[..11]), None);
        assert_eq!(push_entry(&mut bundle, &[0; 65_536]), None);
    }

    #[test]
    fn a_tile_has_exactly_what_its_name_says() {
        let mut bundle = Vec::new();
        for entry in [&b"a"[..], b"", b"ccc"] {
            push_entry(&mut bundle, entry).unwrap();
        }
        let hashes = [[1; 32], [2; 32], [3; 32]];
        for width in 1..=3 {
            let tile = Tile::new(L0, 7, width).unwrap();
            let beginning = tile.beginning_of(hashes.as_flattened()).unwrap();
            let expected = &hashes[..usize::from(width)];
            assert_eq!(tile.hashes(beginning).as_deref(), Some(expected));
            assert_eq!(tile.hashes(&beginning[1..]), None);
            assert_eq!(tile.hashes(hashes.as_flattened()).is_some(), width == 3);
            let tile = Tile::new(Level::Entries, 7, width).unwrap();
            let beginning = tile.beginning_of(&bundle).unwrap();
            assert_eq!(tile.entries(beginning).unwrap().len(), usize::from(width));
            assert_eq!(tile.entries(&bundle).is_some(), width == 3);
            assert!(tile.to_full().is_full());
        }
        let wider = Tile::new(L0, 7, 4).unwrap();
        assert_eq!(wider.beginning_of(hashes.as_flattened()), None);
        let wider = Tile::new(Level::Entries, 7, 4).unwrap();
        assert_eq!(wider.beginning_of(&bundle), None);
        assert_eq!(wider.beginning_of(&bundle[..4]), None);
    }

    #[test]
    fn paths_read_back() {
        for (path, level, index, width) in [
            ("tile/0/x001/x234/067", L0, 1_234_067, 256),
            ("tile/0/x001/x234/067.p/8", L0, 1_234_067, 8),
            ("tile/0/000", L0, 0, 256),
            ("tile/0/x001/000", L0, 1000, 256),
            ("tile/63/999.p/255", Level::Hashes(63), 999, 255),
            ("tile/entries/000.p/3", Level::Entries, 0, 3),
            ("tile/entries/x273/000", Level::Entries, 273_000, 256),
            (
                "tile/0/x018/x446/x744/x073/x709/x551/615",
                L0,
                u64::MAX,
                256,
            ),
        ] {
            let tile = Tile::new(level, index, width).unwrap();
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse_path(path), Some(tile), "{path}");
        }
    }

    #[test]
    fn refuses_every_other_path() {
        for path in [
            "",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/00/000",
            "tile/64/000",
            "tile/256/000",
            "tile/-1/000",
            "tile/data/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001/x001",
            "tile/0/xx01/001",
            "tile/0/X001/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/08",
            "tile/0/001.p/",
            "tile/0/001.p/8/",
            "tile/0/001.p",
            "tile/0/001/",
            "tile/0/+01",
            "tile/0/../000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(Tile::parse_path(path), None, "{path}");
        }
        assert_eq!(Tile::new(L0, 0, 0), None);
        assert_eq!(Tile::new(L0, 0, 257), None);
        assert_eq!(Tile::new(Level::Hashes(64), 0, 1), None);
    }

    #[test]
    fn trees_have_the_tiles_of_the_specification() {
        // c2sp.org/tlog-tiles, "Partial Tiles": the trees of 70,000 and of 256 leaves.
        let shape = |level, size| {
            let tiles: Vec<Tile> = Tile::all_in_tree(level, size).collect();
            let full = tiles.iter().filter(|tile| tile.is_full()).count();
            let partial: Vec<u16> = tiles.iter().map(Tile::width).filter(|w| *w < 256).collect();
            assert_eq!(
                partial.first().copied().unwrap_or(0),
                partial_width(level, size)
            );
            assert!(partial.len() <= 1);
            (full, partial_width(level, size))
        };
        assert_eq!(shape(L0, 70_000), (273, 112));
        assert_eq!(shape(Level::Entries, 70_000), (273, 112));
        assert_eq!(shape(Level::Hashes(1), 70_000), (1, 17));
        assert_eq!(shape(Level::Hashes(2), 70_000), (0, 1));
        assert_eq!(shape(Level::Hashes(3), 70_000), (0, 0));
        assert_eq!(shape(L0, 256), (1, 0));
        assert_eq!(shape(Level::Hashes(1), 256), (0, 1));
        assert_eq!(shape(L0, 0), (0, 0));
        assert_eq!(Tile::in_tree(L0, 1, 256), None);
        assert_eq!(partial_width(Level::Hashes(7), u64::MAX), 255);
        assert_eq!(partial_width(Level::Hashes(8), u64::MAX), 0);
    }

    #[test]
    fn nodes_are_found_in_their_tiles() {
        let place = |height, index| {
            let place = locate(height, index, 70_000)?;
            Some((place.tile.path(), place.hashes))
        };
        let at = |path: &str, hashes| Some((String::from(path), hashes));
        assert_eq!(place(0, 0), at("tile/0/000", 0..1));
        assert_eq!(place(0, 69_999), at("tile/0/273.p/112", 111..112));
        assert_eq!(place(0, 70_000), None);
        assert_eq!(place(3, 33), at("tile/0/001", 8..16));
        assert_eq!(place(7, 1), at("tile/0/000", 128..256));
        assert_eq!(place(8, 257), at("tile/1/001.p/17", 1..2));
        assert_eq!(place(16, 0), at("tile/2/000.p/1", 0..1));
        assert_eq!(place(17, 0), None);
        assert_eq!(place(64, 0), None);
        assert_eq!(place(255, 0), None);
        assert_eq!(locate(63, 0, u64::MAX).unwrap().hashes, 0..128,);
    }
}
