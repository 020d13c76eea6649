//! Entries and tiles, whoever serves them.

use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{Level, Tile};

use super::Findings;
use crate::edge::{self, Edge};
use crate::error::Result;
use crate::store::Claim;
use crate::tiles::Source;

/// The visit of each entry, by index.
pub(super) type Each<'e> = dyn FnMut(u64, &Claim, &Leaf, &mut Findings) -> Result<()> + 'e;

/// Reads every entry and every tile of a tree. Returns the tree of the entries as far as they
/// could be read.
pub(super) fn check(
    source: &impl Source,
    size: u64,
    root: Hash,
    findings: &mut Findings,
    each: &mut Each<'_>,
) -> Result<Edge> {
    let mut edge = Edge::default();
    for bundle in Tile::all_in_tree(Level::Entries, size) {
        let entries = match source.entries(&bundle) {
            Ok(entries) => entries,
            Err(failure) => {
                finding(failure, findings)?;
                return Ok(edge);
            }
        };
        for (index, text) in (edge.size()..).zip(&entries) {
            one(index, text, findings, each)?;
        }
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if let Some(tile) = Tile::new(Level::Hashes(0), bundle.index(), bundle.width()) {
            match source.hashes(&tile) {
                Ok(found) if found == leaves => {}
                Ok(_) => findings.add(format!("{} does not fit its entries", tile.path())),
                Err(failure) => finding(failure, findings)?,
            }
        }
        for (tile, bytes) in edge.append(entries.iter().map(Vec::as_slice))? {
            let upper = matches!(tile.level(), Level::Hashes(1..));
            // Of the upper levels only what the whole tree has: partial ones on the way are gone.
            if upper && (tile.is_full() || edge.size() == size) {
                match source.read(&tile) {
                    Ok(Some(found)) if found == bytes => {}
                    Ok(Some(_)) => findings.add(format!("{} does not fit its tree", tile.path())),
                    Ok(None) => findings.add(format!("{} is missing", tile.path())),
                    Err(failure) => finding(failure, findings)?,
                }
            }
        }
    }
    // A partial tile that the last bundle did not widen.
    for level in 1..8 {
        if let Some(tile) = edge::partial(Level::Hashes(level), size)
            && let Err(failure) = source.hashes(&tile)
        {
            finding(failure, findings)?;
        }
    }
    match source.edge(size) {
        Ok(found) if found.root() == edge.root() => {}
        Ok(_) => findings.add("the tiles at the right edge do not fit the entries"),
        Err(failure) => finding(failure, findings)?,
    }
    if edge.root() != root {
        findings.add("the entries do not lead to the root of the checkpoint");
    }
    Ok(edge)
}

/// One entry, in the form that it has to have.
pub(super) fn one(
    index: u64,
    text: &[u8],
    findings: &mut Findings,
    each: &mut Each<'_>,
) -> Result<()> {
    let entry = std::str::from_utf8(text)
        .map_err(|_| "it is no text".to_owned())
        .and_then(|text| Leaf::parse(text).map_err(|error| error.to_string()));
    match entry {
        Ok(entry) => each(index, &Claim::of(&entry), &entry, findings),
        Err(error) => {
            findings.add(format!("entry {index}: {error}"));
            Ok(())
        }
    }
}

/// Damage is a finding; that a tile cannot be read at all is not the log's fault.
fn finding(failure: crate::error::LogError, findings: &mut Findings) -> Result<()> {
    match failure {
        crate::error::LogError::Damage(text) => {
            findings.add(text);
            Ok(())
        }
        other => Err(other),
    }
}

/// Finds out whether two entries claim the same, in 48 bytes an entry.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    approvals: Vec<([u8; 16], u64)>,
    assertions: Vec<([u8; 16], u64)>,
}

impl Duplicates {
    pub(super) fn add(&mut self, index: u64, claim: &Claim) {
        self.approvals.push((half(&claim.approval), index));
        self.assertions.push((half(&claim.assertion), index));
    }

    pub(super) fn report(self, findings: &mut Findings) {
        for (what, mut claims) in [
            ("approval id", self.approvals),
            ("assertion", self.assertions),
        ] {
            claims.sort_unstable();
            for pair in claims.windows(2) {
                if let [(one, first), (two, second)] = pair
                    && one == two
                {
                    findings.add(format!("entries {first} and {second} have the same {what}"));
                }
            }
        }
    }
}

/// 128 bits are beyond accident, and beyond making two of a kind on purpose.
fn half(hash: &Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(hash.split_at(16).0);
    half
}
