//! The public files alone, in a bucket or a folder: those of a log, or a copy of them.

use std::sync::Arc;

use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::{Findings, anchors, bar, checkpoint, files, heads, published, tree};
use crate::args::FsckArgs;
use crate::error::{LogError, Result};
use crate::place::ObjectPlace;
use crate::store::{CHECKPOINT, Claim, Listed, Objects};
use crate::tiles::Tiles;

/// Checks everything that is there against the checkpoint that is there.
pub(super) fn check(args: &FsckArgs, place: &ObjectPlace) -> Result<Findings> {
    let vkey = args.vkey.as_deref().ok_or_else(|| {
        LogError::Usage(
            "name the key of the log with --vkey: public files do not say whose they are".into(),
        )
    })?;
    let key = VerifierKey::parse(vkey)
        .map_err(|error| LogError::Usage(format!("{vkey} is no verifier key: {error}")))?;
    let objects = place.open()?;
    let mut findings = Findings::default();
    // The checkpoint before everything else: a log that runs meanwhile only moves forward.
    let text = match objects.get(CHECKPOINT)? {
        Some(bytes) => String::from_utf8(bytes).map_err(|_| "it is no text".to_owned()),
        None => Err("it is not there".to_owned()),
    };
    let Some((size, root)) = published(&key, text.clone(), &mut findings) else {
        return Ok(findings);
    };
    if let Ok(text) = &text {
        checkpoint::quorum(
            text,
            &key,
            args.witness_policy.as_deref(),
            size,
            &mut findings,
        )?;
    }
    for listed in objects.list(crate::mirror::FORKS)? {
        let (Listed::Object(name) | Listed::Folder(name)) = listed;
        findings.add(format!(
            "{name} is a head that the log has signed beside this history: keep it as evidence"
        ));
    }
    let tiles = Tiles::new(Arc::clone(&objects));
    let bar = bar(size);
    let mut claims = tree::Duplicates::default();
    let mut each = |index, claim: &Claim, _: &Leaf, _: &mut Findings| {
        bar.inc(1);
        claims.add(index, claim);
        Ok(())
    };
    tree::check(&tiles, size, root, &mut findings, &mut each)?;
    claims.report(&mut findings);
    // Tiles come before the checkpoint that needs them, and so does the head.
    let ahead = || is_ahead(&objects, &key, size).unwrap_or(false);
    files::check(&objects, size, &[], ahead, &mut findings)?;
    heads::check(&objects, &key, size, &mut findings)?;
    anchors::check(&objects, &key, size, &mut findings)?;
    bar.finish_and_clear();
    Ok(findings)
}

/// Whether more was committed or published than this.
fn is_ahead(objects: &Arc<dyn Objects>, key: &VerifierKey, size: u64) -> Result<bool> {
    if heads::newest(objects)? > size {
        return Ok(true);
    }
    let text = objects.text(CHECKPOINT)?;
    Ok(crate::key::open(key, &text).is_ok_and(|(now, _)| now > size))
}
