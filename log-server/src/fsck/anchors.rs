//! The anchors: of this log, of its tree, and as far as the proofs lead.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::Findings;
use crate::anchor::{self, Archive};
use crate::error::Result;
use crate::store::{Objects, walk};
use crate::tiles::Tiles;

/// Anchors are written file by file, the index last: what does not fit is looked at again.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// Checks every file below `anchors`. The tree of `size` leaves is right.
pub(super) fn check(
    objects: &Arc<dyn Objects>,
    key: &VerifierKey,
    size: u64,
    findings: &mut Findings,
) -> Result<()> {
    let mut complaints = Vec::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        let Some(found) = findings.take(look(objects, key, size))? else {
            return Ok(());
        };
        complaints = found;
        if complaints.is_empty() {
            return Ok(());
        }
    }
    complaints.into_iter().for_each(|text| findings.add(text));
    Ok(())
}

fn look(objects: &Arc<dyn Objects>, key: &VerifierKey, size: u64) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut sizes = BTreeSet::new();
    for path in walk(&**objects, anchor::FOLDER)? {
        let inner = path.strip_prefix("anchors/").unwrap_or_default();
        match inner.split_once('/') {
            None if inner == "index.json" => {}
            Some((folder, "checkpoint" | "checkpoint.ots" | "header"))
                if let Ok(number) = folder.parse::<u64>()
                    && number.to_string() == folder =>
            {
                sizes.insert(number);
            }
            _ => complaints.push(format!("{path} is no file of this log")),
        }
    }
    let tiles = Tiles::new(Arc::clone(objects));
    let mut nodes = tiles.nodes(size);
    let tree = &mut |old: u64| match old <= size {
        true => nodes.beginning(old).map(Some),
        false => Ok(None),
    };
    complaints.extend(Archive::complaints(&**objects, key, &sizes, tree)?);
    Ok(complaints)
}
