//! What the database says of the entries.

use verifier_core::entry::Entry;

use super::{Findings, tree};
use crate::disclosure;
use crate::edge::Edge;
use crate::failure::Result;
use crate::store::sqlite::{Rows, Sqlite};
use crate::store::{Claim, Head, Holders};

/// That an entry holds its claims, and has evidence that fits it.
pub(super) fn entry(
    store: &Sqlite,
    index: u64,
    claim: &Claim,
    entry: &Entry,
    findings: &mut Findings,
) -> Result<()> {
    let Holders {
        approval,
        assertion,
    } = store.holders(claim)?;
    for (held, name) in [(approval, "approval"), (assertion, "assertion")] {
        match held {
            Some(by) if by == index => {}
            Some(by) => findings.add(format!(
                "log.sqlite: the {name} of entry {index} is held by entry {by}"
            )),
            None => findings.add(format!(
                "log.sqlite: the {name} of entry {index} is held by none"
            )),
        }
    }
    match store.evidence(index)? {
        None => findings.add(format!("log.sqlite: entry {index} has no row of evidence")),
        Some(kept) => {
            if let Some(complaint) = disclosure::complaint(&kept, entry) {
                findings.add(format!("log.sqlite: entry {index}: {complaint}"));
            }
        }
    }
    Ok(())
}

/// What is committed and not published.
pub(super) fn staged(
    store: &Sqlite,
    mut tree: Edge,
    head: &Head,
    findings: &mut Findings,
    each: &mut tree::Each<'_>,
) -> Result<()> {
    if head.size <= tree.size() {
        return Ok(());
    }
    let leaves = match store.staged_from(tree.size()) {
        Ok(leaves) => leaves,
        Err(failure) => {
            findings.add(failure.to_string());
            return Ok(());
        }
    };
    let count = usize::try_from(head.size - tree.size()).unwrap_or(usize::MAX);
    let leaves = leaves.get(..count).unwrap_or(&leaves);
    for (index, leaf) in (tree.size()..).zip(leaves) {
        tree::one(index, leaf.as_bytes(), findings, each)?;
    }
    tree.append(leaves.iter().map(String::as_bytes))?;
    if (tree.size(), tree.root()) != (head.size, head.root) {
        findings.add("log.sqlite: the staged entries do not lead to the committed head");
    }
    Ok(())
}

/// That there are no rows beside those of the entries.
pub(super) fn counts(store: &Sqlite, size: u64, findings: &mut Findings) -> Result<()> {
    for table in [Rows::Approvals, Rows::Assertions, Rows::Evidence] {
        let rows = store.count(table, size)?;
        if rows != size {
            findings.add(format!(
                "log.sqlite: {rows} rows of {table} for {size} entries"
            ));
        }
    }
    Ok(())
}
