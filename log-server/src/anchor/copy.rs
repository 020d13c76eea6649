//! The anchors of a log that somebody runs, on their way into a copy of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use log_client::RemoteLog;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::archive::{INDEX, MAX_INDEX, check_stamp, name, parse_index, read_index, to_text};
use crate::error::{LogError, Result};
use crate::store::{Head, Objects};
use crate::tiles::Tiles;

/// The longest stamped head, and the longest proof, in bytes.
const MAX_FILE: usize = 64 * 1024;

/// Brings the anchors of a copy up to date, as far as its head goes: each has to be of the tree,
/// which the copy has. Returns how many were new or had grown.
pub(crate) fn mirror(
    log: &RemoteLog,
    objects: &Arc<dyn Objects>,
    key: &VerifierKey,
    head: &Head,
) -> Result<u64> {
    // Other logs have none.
    let Some(index) = log.get(INDEX, MAX_INDEX)? else {
        return Ok(0);
    };
    let mut theirs = parse_index(&index).map_err(|why| wrong(log, INDEX, &why))?;
    // What is anchored of entries after this head comes with a later one.
    theirs.retain(|size, _| *size <= head.size);
    // An index that is damaged is made again.
    let ours = read_index(&**objects).unwrap_or_default();
    let tiles = Tiles::new(Arc::clone(objects));
    let mut nodes = tiles.nodes(head.size);
    let mut new = BTreeMap::new();
    for (size, stamp) in &theirs {
        if ours.get(size) == Some(stamp) {
            continue;
        }
        for (file, needed, limit) in [
            ("checkpoint", true, MAX_FILE),
            ("checkpoint.ots", true, MAX_FILE),
            ("header", false, Header::BYTES),
        ] {
            let name = name(*size, file);
            match log.get(&name, limit)? {
                Some(bytes) => objects.put(&name, &bytes)?,
                None if needed => return Err(log.missing(&name).into()),
                None => {}
            }
        }
        // Nothing leads to these files before the index does.
        let root = nodes.beginning(*size)?;
        check_stamp(&**objects, *size, key, &root)
            .map_err(|why| wrong(log, &format!("anchors/{size}"), &why))?;
        new.insert(*size, stamp.clone());
    }
    let count = crate::count(new.len());
    if theirs.is_empty() && ours.is_empty() {
        return Ok(0);
    }
    let text = to_text(&theirs);
    if objects.get(INDEX)?.as_deref() != Some(text.as_bytes()) {
        objects.put(INDEX, text.as_bytes())?;
    }
    Ok(count)
}

fn wrong(log: &RemoteLog, path: &str, why: &str) -> LogError {
    LogError::damage(format!("{}/{path}: {why}", log.url()))
}
