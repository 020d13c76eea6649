//! A log's own anchors, and proofs from its tiles that an entry is under one of them.
//!
//! ```text
//! GET <log>/anchors/index.json                                  → what there is
//!     <log>/anchors/<size>/checkpoint, checkpoint.ots, header   → the anchor
//!     <log>/tile/…                                              → nodes of the tree
//! ```

use log_client::RemoteLog;
use verifier_core::Code;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::hazmat::bundle::{self, Bundle};
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{leaf_hash, verify_consistency};
use verifier_core::hazmat::tlog::proof::Proof;
use verifier_core::hazmat::tlog::prove;

use crate::code::CliCode;
use crate::failure::CliError;
use crate::http;

/// The longest answers, in bytes.
const MAX_INDEX: usize = 64 * 1024 * 1024;
const MAX_CHECKPOINT: usize = 1024 * 1024;

/// The anchor of the smallest anchored head that covers the entry of a bundle. What the log hands
/// out is compared with the bundle; whether anybody trusts this log is for `verify` to say.
pub(super) fn anchor(url: &str, bundle: &Bundle) -> Result<bundle::Anchor, CliError> {
    let log = Log(RemoteLog::new(&http::client()?, url)?);
    let own = Proof::parse(&bundle.log_proof).map_err(|error| CliError::of(&error))?;
    let head = own.checkpoint().checkpoint();
    let size = log.covering(own.index())?;
    let text = log.file(&format!("anchors/{size}/checkpoint"), MAX_CHECKPOINT)?;
    let text = String::from_utf8(text).map_err(|_| log.nonsense("a checkpoint"))?;
    let stamped = SignedCheckpoint::parse(&text).map_err(|_| log.nonsense("a checkpoint"))?;
    let tree = stamped.checkpoint();
    let ots = log.file(
        &format!("anchors/{size}/checkpoint.ots"),
        Timestamp::MAX_BYTES,
    )?;
    let timestamp = Timestamp::parse(&ots).map_err(|error| CliError::of(&error))?;
    if *timestamp.digest() != sha256(text.as_bytes()) || tree.size() != size {
        return Err(log.nonsense("a timestamp of the checkpoint beside it"));
    }
    if tree.origin() != head.origin() {
        return Err(wrong("the bundle is of another log."));
    }
    let header = log
        .0
        .get(&format!("anchors/{size}/header"), Header::BYTES)?;
    let mut anchor = bundle::Anchor::new(text.clone(), ots);
    anchor.header = header.and_then(|bytes| place(&timestamp, &bytes));
    if tree.size() == head.size() {
        return Ok(anchor);
    }

    let mut nodes = log.0.nodes(size);
    let hashes = prove::inclusion(own.index(), size, &mut |h, n| nodes.node(h, n))?;
    let hashes = hashes.ok_or_else(|| log.nonsense("an anchored head that covers the entry"))?;
    let proof = Proof::new(None, own.index(), hashes, stamped.clone());
    let proof = proof.map_err(|error| CliError::of(&error))?;
    proof
        .verify_inclusion(&leaf_hash(bundle.entry.as_bytes()))
        .map_err(|_| wrong("the entry of the bundle is not in the tree that the log anchored."))?;
    let anchored = (size, tree.root());
    let own = (head.size(), head.root());
    let (old, new) = (anchored.min(own), anchored.max(own));
    let mut nodes = log.0.nodes(new.0);
    let hashes = prove::consistency(old.0, new.0, &mut |h, n| nodes.node(h, n))?;
    let hashes = hashes.ok_or_else(|| log.nonsense("an anchored head"))?;
    verify_consistency(old.0, &old.1, new.0, &new.1, &hashes).map_err(|_| {
        wrong("the tree that the log anchored is not of one history with the bundle's.")
    })?;
    anchor.log_proof = Some(proof.to_string());
    anchor.consistency = Some(hashes);
    Ok(anchor)
}

/// A header for the block that the proof leads to.
fn place(timestamp: &Timestamp, bytes: &[u8]) -> Option<bundle::Header> {
    let bytes: [u8; Header::BYTES] = bytes.try_into().ok()?;
    let header = Header::new(&bytes);
    let blocks = timestamp.blocks();
    let (height, _) = blocks
        .iter()
        .find(|(_, root)| root == header.merkle_root())?;
    Some(bundle::Header::new(u64::from(*height), bytes))
}

fn wrong(message: &str) -> CliError {
    CliError::policy(Code::AnchorLog, message)
}

/// A log with anchors.
struct Log(RemoteLog);

impl Log {
    fn file(&self, path: &str, limit: usize) -> Result<Vec<u8>, CliError> {
        let answer = self.0.get(path, limit)?;
        answer.ok_or_else(|| self.nonsense(path))
    }

    /// The smallest head in a block that covers an entry.
    fn covering(&self, index: u64) -> Result<u64, CliError> {
        let bytes = self.file("anchors/index.json", MAX_INDEX)?;
        let mut limits = Limits::bytes(MAX_INDEX);
        limits.values = MAX_INDEX;
        let value = Value::parse(&bytes, limits).ok();
        let list = value.as_ref().and_then(Value::as_object);
        let Some(Value::Array(list)) = list.and_then(|index| index.get("anchors")) else {
            return Err(self.nonsense("an index of anchors"));
        };
        let anchored = list.iter().filter_map(|one| {
            let one = one.as_object()?;
            one.get("height")?.as_u64()?;
            one.get("treeSize")?.as_u64()
        });
        let covering = anchored.filter(|size| *size > index).min();
        covering.ok_or_else(|| {
            let message = format!(
                "{} has no anchored head yet that covers the entry.",
                self.0.url()
            );
            CliError::policy(Code::AnchorPending, message)
                .next("Try again later: blocks take hours.")
        })
    }

    fn nonsense(&self, expected: &str) -> CliError {
        let message = format!("{} did not answer as a log does.", self.0.url());
        CliError::new(CliCode::IoUnreachable, message).expected(expected)
    }
}
