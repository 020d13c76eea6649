//! Checks of the database's rows about entries.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::leaf_hash;

use super::{Findings, tree};
use crate::disclosure;
use crate::edge::{Edge, File};
use crate::error::Result;
use crate::store::{Audit, Claim, Claims, Found, Head, Holders};
use crate::tiles::Tiles;

/// Findings about the database as a whole.
pub(super) fn file(store: &dyn Audit, findings: &mut Findings) -> Result<()> {
    for complaint in store.complaints() {
        if let Some(complaint) = findings.take(complaint)? {
            findings.row(complaint);
        }
    }
    let damaged = findings.take(store.damaged_tokens())?;
    for name in damaged.unwrap_or_default() {
        let name = verifier_core::quote(&name);
        findings.row(format!(
            "the token {name} is not what was written: revoke it, and make another one"
        ));
    }
    Ok(())
}

/// That an entry holds its claims, and has evidence that fits it.
pub(super) fn entry(
    store: &dyn Audit,
    index: u64,
    claim: &Claim,
    entry: &Leaf,
    findings: &mut Findings,
) -> Result<()> {
    let Some(Holders {
        approval,
        assertion,
    }) = findings.take(store.holders(claim))?
    else {
        return Ok(());
    };
    for (held, name) in [(approval, "approval"), (assertion, "assertion")] {
        match held {
            Some(by) if by == index => {}
            Some(by) => findings.row(format!("the {name} of entry {index} is held by entry {by}")),
            None => findings.row(format!("the {name} of entry {index} is held by none")),
        }
    }
    match findings.take(store.evidence(index))? {
        None => {}
        Some(None) => findings.row(format!("entry {index} has no row of evidence")),
        Some(Some(Found { kept, written })) => {
            findings.closed += u64::from(kept.is_none());
            let complaint = kept.and_then(|kept| disclosure::complaint(&kept, entry));
            if let Some(complaint) = complaint {
                findings.row(format!("entry {index}: {complaint}"));
            } else if !written {
                findings.row(format!(
                    "entry {index}: the evidence is not what was written"
                ));
            }
        }
    }
    Ok(())
}

/// The batch that is committed and not published. Returns the tiles that its publication will
/// write.
pub(super) fn staged(
    store: &dyn Audit,
    mut tree: Edge,
    head: &Head,
    findings: &mut Findings,
    each: &mut tree::Each<'_>,
) -> Result<Vec<File>> {
    if head.size <= tree.size() {
        return Ok(Vec::new());
    }
    let Some(leaves) = findings.take(store.staged(tree.size()))? else {
        return Ok(Vec::new());
    };
    let count = usize::try_from(head.size - tree.size()).unwrap_or(usize::MAX);
    let leaves = leaves.get(..count).unwrap_or(&leaves);
    for (index, leaf) in (tree.size()..).zip(leaves) {
        tree::one(index, leaf.as_bytes(), findings, each)?;
    }
    let files = tree.append(leaves.iter().map(String::as_bytes))?;
    if (tree.size(), tree.root()) != (head.size, head.root) {
        findings.row("the staged entries do not lead to the committed head");
    }
    Ok(files)
}

/// That there are no rows beside those of the entries, and that staged leaves which are published
/// are those of the tree.
pub(super) fn rows(
    store: &dyn Audit,
    tiles: &Tiles,
    published: u64,
    size: u64,
    findings: &mut Findings,
) -> Result<()> {
    for (table, name) in [
        (Claims::Approvals, "approval"),
        (Claims::Assertions, "assertion"),
    ] {
        let Some((count, strays)) = findings.take(store.count_claims(table, size))? else {
            continue;
        };
        if count != size {
            findings.row(format!("{count} rows of {name} for {size} entries"));
        }
        findings.strays(strays);
    }
    let strays = findings.take(store.strays())?;
    findings.strays(strays.unwrap_or_default());
    let staged = findings.take(store.staged_before(published))?;
    let mut nodes = tiles.nodes(published);
    for (index, leaf) in staged.unwrap_or_default() {
        let Some(expected) = findings.take(nodes.node(0, index))? else {
            continue;
        };
        if leaf_hash(leaf.as_bytes()) != expected {
            findings.row(format!(
                "the staged entry {index} is not that of the tree, whose leaf hash is {}",
                hex(&expected)
            ));
        }
    }
    Ok(())
}
