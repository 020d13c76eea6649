//! The committed heads among the public objects: of this log, and of its tree.

use std::sync::Arc;

use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::Findings;
use crate::error::Result;
use crate::key;
use crate::store::{Heads, Listed, Objects, heads};
use crate::tiles::Tiles;

/// Checks every head. The tree of `size` leaves is right; of what was committed after it only the
/// signature can be checked.
pub(super) fn check(
    objects: &Arc<dyn Objects>,
    key: &VerifierKey,
    size: u64,
    findings: &mut Findings,
) -> Result<()> {
    let tiles = Tiles::new(Arc::clone(objects));
    let mut nodes = tiles.nodes(size);
    for listed in objects.list(heads::FOLDER)? {
        let (Listed::Object(name) | Listed::Folder(name)) = &listed;
        let Some(named) = heads::size_of(name) else {
            findings.add(format!("{name} is no file of this log"));
            continue;
        };
        // It may have been removed since it was listed.
        let Some(bytes) = objects.get(name)? else {
            continue;
        };
        let text = String::from_utf8(bytes).unwrap_or_default();
        match key::open(key, &text) {
            Err(error) => findings.add(format!("{name}: {error}")),
            Ok((of, _)) if of != named => {
                findings.add(format!("{name}: it is a head of {of} entries"));
            }
            Ok((of, root)) if of <= size => {
                let tree = findings.take(nodes.beginning(of))?;
                if tree.is_some_and(|tree| tree != root) {
                    findings.add(format!(
                        "{name}: the tree has another root there: this log has signed two histories"
                    ));
                }
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// The largest size among the heads; 0 if there are none.
pub(super) fn newest(objects: &Arc<dyn Objects>) -> Result<u64> {
    let sizes = Heads::new(Arc::clone(objects)).sizes()?;
    Ok(sizes.last().copied().unwrap_or_default())
}
