//! The heads that a log has anchored in Bitcoin: each is a head of the past, with the cosignatures
//! of its time, and perhaps a block.
//!
//! ```text
//! GET anchors/index.json               {"anchors":[{"treeSize":n,"height":n?,…},…],…}
//! GET anchors/<treeSize>/checkpoint    GET anchors/<treeSize>/checkpoint.ots
//! ```
//!
//! A log without anchors has no such files.

use std::collections::BTreeSet;

use verifier_core::Time;
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::tlog::note::Note;
use verifier_core::{Verdict, verify_stamp};

use super::Monitor;
use super::advance::SignedHead;
use super::judge::{Bound, Cosigned};
use super::state::MAX_ANCHORED;
use crate::code::CliCode;
use crate::failure::CliError;

/// The longest index, in bytes and in JSON values: hourly anchors of several years.
const MAX_INDEX: usize = 8 * 1024 * 1024;
const MAX_VALUES: usize = 1_000_000;
/// How many anchors are looked at in one round.
const MOST: usize = 1000;

impl Monitor<'_> {
    /// Looks at the anchors of the checked tree that were not looked at before, and at the blocks
    /// of those that had none.
    pub(super) fn anchors(&mut self) -> Result<(), CliError> {
        // Until all of it is done: what fails is looked at again in the next round.
        self.state.anchors_left = true;
        let Some(bytes) = self.log.get("anchors/index.json", MAX_INDEX)? else {
            self.state.anchors_left = false;
            return Ok(());
        };
        let checked = self.state.checked.size();
        let done: BTreeSet<u64> = self.state.anchored.iter().copied().collect();
        let in_blocks: BTreeSet<u64> = self.state.timed.iter().copied().collect();
        let mut open: Vec<(u64, bool)> = index(&bytes)
            .ok_or_else(|| self.log.mismatch("anchors/index.json", "it is no index"))?
            .into_iter()
            .filter(|(size, in_block)| {
                let timed = !in_block || self.headers.is_none() || in_blocks.contains(size);
                *size <= checked && !(done.contains(size) && timed)
            })
            .collect();
        open.sort_unstable();
        // Hourly anchors take decades to fill what can be remembered.
        let room = MAX_ANCHORED.saturating_sub(done.len().max(in_blocks.len()));
        if open.len() > room {
            let message = format!(
                "{MAX_ANCHORED} anchored heads are remembered, and no more can be compared."
            );
            self.note(&CliError::new(CliCode::MonitorHeads, message));
        }
        let mut left = open.len() > MOST.min(room);
        open.truncate(MOST.min(room));
        let (mut earlier, mut later) = (Vec::new(), Vec::new());
        let (mut anchored, mut timed) = (Vec::new(), Vec::new());
        for (size, in_block) in open {
            if self.is_late() {
                left = true;
                break;
            }
            let head = match self.anchored_head(size) {
                Ok(Some(head)) => head,
                Ok(None) => continue,
                Err(error) => {
                    left = true;
                    self.note(&error);
                    continue;
                }
            };
            if let Some(time) = head.newest_at {
                earlier.push(Cosigned::of(&head, time));
            }
            if let Ok(Some(time)) = head.quorum {
                later.push(Bound::of(&head, time, None));
            }
            anchored.push(size);
            match self.block(&head, in_block) {
                Ok(Some((bound, ots))) => {
                    later.push(Bound::of(&head, bound, Some(ots)));
                    timed.push(size);
                }
                Ok(None) => {}
                Err(error) => {
                    left = true;
                    self.note(&error);
                }
            }
        }
        if anchored.is_empty() {
            self.state.anchors_left = left;
            return self.save();
        }
        let suspects = self.suspects(0, checked, false, earlier, later)?;
        self.accuse(suspects)?;
        let new = anchored.into_iter().filter(|size| !done.contains(size));
        self.state.anchored.extend(new);
        self.state.timed.extend(timed);
        self.state.anchors_left = left;
        self.save()
    }

    /// The head that was anchored at this size, unless it contradicts the checked tree, which is an
    /// alarm.
    fn anchored_head(&mut self, size: u64) -> Result<Option<SignedHead>, CliError> {
        let path = format!("anchors/{size}/checkpoint");
        let bytes = self.log.get(&path, Note::MAX_BYTES)?;
        let bytes = bytes.ok_or_else(|| self.log.missing(&path))?;
        let other = |why| self.log.mismatch(&path, why);
        let text = String::from_utf8(bytes).map_err(|_| other("it is no text"))?;
        let head = self.read_head(&format!("{}/{path}", self.log.url()), &text)?;
        if head.size != size || self.state.log.as_ref() != Some(&head.key) {
            return Err(other("it is another head").into());
        }
        let from = format!("{}/{path}", self.log.url());
        Ok((!self.contradicts(&head, &from)?).then_some(head))
    }

    /// The moment after which the block of an anchor was not made, and the proof.
    fn block(
        &self,
        head: &SignedHead,
        in_block: bool,
    ) -> Result<Option<(Time, Vec<u8>)>, CliError> {
        let Some(headers) = self.headers.filter(|_| in_block) else {
            return Ok(None);
        };
        let path = format!("anchors/{}/checkpoint.ots", head.size);
        let ots = self.log.get(&path, Timestamp::MAX_BYTES)?;
        let ots = ots.ok_or_else(|| self.log.missing(&path))?;
        let rule = self.policy.anchor();
        let report = verify_stamp(head.text.as_bytes(), &ots, Some(headers), rule);
        let bound = report
            .anchor
            .as_ref()
            .and_then(|anchor| anchor.not_later_than);
        match (report.verdict(), bound) {
            (Verdict::Verified, Some(bound)) => Ok(Some((bound, ots))),
            (Verdict::Rejected, _) => Err(self
                .log
                .mismatch(&path, "the timestamp does not hold")
                .into()),
            _ => Ok(None),
        }
    }
}

/// Tree sizes, and whether the timestamp is said to lead to a block.
fn index(bytes: &[u8]) -> Option<Vec<(u64, bool)>> {
    let mut limits = Limits::bytes(MAX_INDEX);
    limits.values = MAX_VALUES;
    let value = Value::parse(bytes, limits).ok()?;
    let Value::Array(list) = value.as_object()?.get("anchors")? else {
        return None;
    };
    let one = |one: &Value<'_>| {
        let one = one.as_object()?;
        Some((one.get("treeSize")?.as_u64()?, one.get("height").is_some()))
    };
    list.iter().map(one).collect()
}
