//! Recomputes a log from its entries, and compares everything with that.

use std::fs;
use std::path::Path;

use verifier_core::encoding::hex;
use verifier_core::entry::Entry;
use verifier_core::json::Value;
use verifier_core::tlog::merkle::leaf_hash;
use verifier_core::tlog::tile::{Level, Tile};

use crate::args::{Format, FsckArgs};
use crate::edge::Edge;
use crate::failure::{Failure, Result};
use crate::key::LogKey;
use crate::layout::Layout;
use crate::store::sqlite::{Claims, Sqlite};
use crate::store::{Claim, Store as _};
use crate::tiles::Tiles;

/// The most that is listed.
const MOST: usize = 100;

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    size: u64,
    root: String,
    damage: Vec<String>,
}

impl Findings {
    fn add(&mut self, text: impl Into<String>) {
        if self.damage.len() < MOST {
            self.damage.push(text.into());
        }
    }
}

/// `fsck DIR`
pub(crate) fn run(args: &FsckArgs) -> Result<()> {
    let found = check(&args.dir)?;
    match args.format {
        Format::Json => {
            let damage = found.damage.iter().map(|text| Value::from(text.as_str()));
            let report = Value::from([
                ("clean", Value::from(found.damage.is_empty())),
                ("damage", damage.collect()),
                ("root", Value::from(found.root.as_str())),
                ("schema", Value::from("cosignet.fsck/v1")),
                ("size", Value::from(found.size)),
            ]);
            println!("{}", report.to_text());
        }
        Format::Human => {
            for text in &found.damage {
                println!("damage: {text}");
            }
            println!("{} entries under the root {}", found.size, found.root);
        }
    }
    match found.damage.len() {
        0 => Ok(()),
        count => Err(Failure::damage(format!("{count} findings of damage"))),
    }
}

fn check(dir: &Path) -> Result<Findings> {
    let layout = Layout::new(dir);
    if !layout.database().is_file() || !layout.key().is_file() {
        return Err(Failure::System(format!(
            "{} has no log.sqlite and log.key",
            dir.display()
        )));
    }
    let key = LogKey::read(&layout.key())?;
    let mut store = Sqlite::open(&layout.database())?;
    let mut findings = Findings::default();
    if let Some(problem) = store.integrity()? {
        findings.add(format!("log.sqlite: {problem}"));
    }
    // The checkpoint before the head: a server that runs meanwhile only moves forward.
    let text = fs::read_to_string(layout.checkpoint());
    let head = store.head()?;
    let mut published = None;
    match text {
        Err(error) => findings.add(format!("checkpoint: {error}")),
        Ok(text) => match key.open(&text) {
            Err(error) => findings.add(format!("checkpoint: {error}")),
            Ok(tree) => published = Some(tree),
        },
    }
    match key.open(&head.checkpoint) {
        Ok(tree) if tree == (head.size, head.root) => {}
        Ok(_) => findings.add("log.sqlite: the head contradicts its checkpoint"),
        Err(error) => findings.add(format!("log.sqlite: the head: {error}")),
    }
    let Some((size, root)) = published else {
        return Ok(findings);
    };
    findings.size = size;
    findings.root = hex(&root);
    if size > head.size {
        findings.add(format!(
            "log.sqlite has {} entries and the public checkpoint {size}: rolled back",
            head.size
        ));
    }
    let mut claims = Vec::new();
    let tree = tiles(&layout, size, &mut findings, &mut claims)?;
    if tree.root() != root {
        findings.add("the entries do not lead to the root of the checkpoint");
    }
    staged(&mut store, tree, &head, &mut findings, &mut claims)?;
    rows(&store, &claims, head.size, &mut findings)?;
    Ok(findings)
}

/// Every entry and every tile of the published tree.
fn tiles(
    layout: &Layout,
    size: u64,
    findings: &mut Findings,
    claims: &mut Vec<Claim>,
) -> Result<Edge> {
    let tiles = Tiles::new(layout.public());
    let mut edge = Edge::default();
    for bundle in Tile::all_in_tree(Level::Entries, size) {
        let entries = match tiles.entries(&bundle) {
            Ok(entries) => entries,
            Err(failure) => {
                findings.add(failure.to_string());
                return Ok(edge);
            }
        };
        let first = edge.size();
        for (index, entry) in (first..).zip(&entries) {
            match claim(entry) {
                Ok(claim) => claims.push(claim),
                Err(error) => findings.add(format!("entry {index}: {error}")),
            }
        }
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let hashes = Tile::new(Level::Hashes(0), bundle.index(), bundle.width());
        if let Some(tile) = hashes {
            match tiles.hashes(&tile) {
                Ok(found) if found == leaves => {}
                Ok(_) => findings.add(format!("{} does not fit its entries", tile.path())),
                Err(failure) => findings.add(failure.to_string()),
            }
        }
        for (tile, bytes) in edge.append(entries.iter().map(Vec::as_slice))? {
            let upper = matches!(tile.level(), Level::Hashes(1..));
            // Of the upper levels only what the whole tree has: partial ones on the way are gone.
            if upper && (tile.is_full() || edge.size() == size) {
                match tiles.read(&tile) {
                    Ok(Some(found)) if found == bytes => {}
                    Ok(Some(_)) => findings.add(format!("{} does not fit its tree", tile.path())),
                    Ok(None) => findings.add(format!("{} is missing", tile.path())),
                    Err(failure) => findings.add(failure.to_string()),
                }
            }
        }
    }
    // A partial tile that the last bundle did not widen.
    for level in 1..8 {
        if let Some(tile) = crate::edge::partial(Level::Hashes(level), size)
            && let Err(failure) = tiles.hashes(&tile)
        {
            findings.add(failure.to_string());
        }
    }
    match tiles.edge(size) {
        Ok(found) if found.root() == edge.root() => {}
        Ok(_) => findings.add("the tiles at the right edge do not fit the entries"),
        Err(failure) => findings.add(failure.to_string()),
    }
    Ok(edge)
}

/// What is committed and not published.
fn staged(
    store: &mut Sqlite,
    tree: Edge,
    head: &crate::store::Head,
    findings: &mut Findings,
    claims: &mut Vec<Claim>,
) -> Result<()> {
    if head.size <= tree.size() {
        return Ok(());
    }
    let mut edge = tree;
    let leaves = match store.staged(edge.size()) {
        Ok(leaves) => leaves,
        Err(failure) => {
            findings.add(failure.to_string());
            return Ok(());
        }
    };
    let count = usize::try_from(head.size - edge.size()).unwrap_or(usize::MAX);
    let leaves: Vec<&[u8]> = leaves
        .iter()
        .take(count)
        .map(|leaf| leaf.as_bytes())
        .collect();
    for leaf in &leaves {
        match claim(leaf) {
            Ok(claim) => claims.push(claim),
            Err(error) => findings.add(format!("log.sqlite: a staged entry: {error}")),
        }
    }
    edge.append(leaves.into_iter())?;
    if (edge.size(), edge.root()) != (head.size, head.root) {
        findings.add("log.sqlite: the staged entries do not lead to the committed head");
    }
    Ok(())
}

/// Every claim has its entry, and every entry its claims.
fn rows(store: &Sqlite, claims: &[Claim], size: u64, findings: &mut Findings) -> Result<()> {
    for (table, name) in [
        (Claims::Approvals, "approval"),
        (Claims::Assertions, "assertion"),
    ] {
        let rows = store.rows(table)?;
        let rows: Vec<_> = rows.iter().filter(|(leaf, _)| *leaf < size).collect();
        if rows.len() != claims.len() {
            findings.add(format!(
                "log.sqlite: {} rows of {name} for {} entries",
                rows.len(),
                claims.len()
            ));
        }
        for ((index, claim), (leaf, hash)) in (0_u64..).zip(claims).zip(rows) {
            let expected = match table {
                Claims::Approvals => &claim.approval,
                Claims::Assertions => &claim.assertion,
            };
            if index != *leaf || expected.as_slice() != hash {
                findings.add(format!("log.sqlite: the {name} of entry {index} is wrong"));
            }
        }
    }
    Ok(())
}

fn claim(entry: &[u8]) -> std::result::Result<Claim, String> {
    let text = std::str::from_utf8(entry).map_err(|_| "it is no text".to_owned())?;
    let entry = Entry::parse(text).map_err(|error| error.to_string())?;
    Ok(Claim::of(&entry))
}
