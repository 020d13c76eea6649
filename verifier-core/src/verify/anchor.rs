//! `anchor.log`: the head that was anchored is a head of the same log and contains the entry.
//!
//! That much is a matter between the log and its witnesses. What Bitcoin adds to it is in
//! [`super::block`].

use super::Run;
use super::log::{self, AcceptedHead, LogFindings};
use crate::Failure as _;
use crate::bundle::Anchor;
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::policy::{LogPolicy, Policy};
use crate::report::{AnchorFacts, Bound, BoundSource};
use crate::signature::Crypto;
use crate::time::Time;
use crate::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::tlog::merkle::{leaf_hash, verify_consistency};
use crate::tlog::proof::Proof;

/// The checks about the anchor.
pub(super) const CHECKS: [CheckId; 4] = [
    CheckId::AnchorLog,
    CheckId::AnchorPath,
    CheckId::AnchorHeader,
    CheckId::AnchorChain,
];

/// An anchored head that belongs to the entry and its log.
#[derive(Debug)]
pub(super) struct Anchored {
    head: AcceptedHead,
    /// The block that its timestamp leads to.
    pub(super) block: Option<AnchorFacts>,
}

impl Anchored {
    /// The proven times by which the head existed.
    pub(super) fn bounds(&self) -> impl Iterator<Item = Bound> {
        let block = self.block.as_ref().and_then(|block| block.not_later_than);
        [
            (self.head.time, BoundSource::AnchoredQuorum),
            (block, BoundSource::Block),
        ]
        .into_iter()
        .filter_map(|(time, from)| Some(Bound { time: time?, from }))
    }

    /// Every moment before which something in the anchor was not made.
    pub(super) fn times(&self) -> impl Iterator<Item = Time> {
        let block = self.block.as_ref().and_then(AnchorFacts::not_before);
        self.head.cosigned.iter().copied().chain(block)
    }
}

impl Run<'_> {
    /// The anchored head, if it counts.
    pub(super) fn anchor(
        &mut self,
        entry: &str,
        anchor: Option<&Anchor>,
        found: &LogFindings,
    ) -> Option<Anchored> {
        let Some((anchor, stamped)) = anchor.and_then(|a| Some((a, a.checkpoint.as_deref()?)))
        else {
            self.no_anchor(None);
            return None;
        };
        let Some(rule) = self.log_policy() else {
            let why = "Without a log key there is nothing to compare it with.";
            self.no_anchor(Some(why));
            return None;
        };
        let Some(own) = &found.head else {
            let passed = |id: &CheckId| self.status(*id) == Some(Status::Pass);
            let cause = log::CHECKS.into_iter().find(|id| !passed(id));
            self.skip(&CHECKS, cause.unwrap_or(CheckId::LogQuorum));
            return None;
        };
        let [first, rest @ ..] = CHECKS;
        match anchored(entry, anchor, stamped, own, rule, self.request.crypto) {
            Ok(head) => {
                let message = "The anchored head belongs to the same log.";
                self.push(Check::pass(first, message));
                let block = self.block(anchor, stamped);
                Some(Anchored { head, block })
            }
            Err(Unfit::Contradiction(message)) => {
                self.push(Check::coded(first, Code::AnchorLog).message(message));
                self.skip(&rest, first);
                None
            }
            Err(Unfit::Unknown(message)) => {
                self.no_anchor(Some(message));
                None
            }
        }
    }

    /// There is no anchor that could count.
    pub(super) fn no_anchor(&mut self, why: Option<&str>) {
        if self.anchor_required() {
            let [first, rest @ ..] = CHECKS;
            let check = Check::coded(first, Code::AnchorMissing);
            self.push(match why {
                Some(why) => check.message(why),
                None => check,
            });
            return self.skip(&rest, first);
        }
        let message = why.unwrap_or("There is no Bitcoin anchor, and none is required.");
        self.leave_out(&CHECKS, message);
    }

    fn anchor_required(&self) -> bool {
        self.request
            .policy
            .map(Policy::anchor)
            .is_some_and(|rule| rule.required)
    }
}

/// Why an anchored head says nothing about the entry.
enum Unfit {
    /// It contradicts the entry or its log.
    Contradiction(&'static str),
    /// Nobody whom the policy trusts stands by it.
    Unknown(&'static str),
}

/// The stamped checkpoint meets the same policy, contains the entry, and does not contradict the
/// head that the bundle's own proof leads to.
fn anchored(
    entry: &str,
    anchor: &Anchor,
    stamped: &str,
    own: &AcceptedHead,
    rule: &LogPolicy,
    crypto: &dyn Crypto,
) -> Result<AcceptedHead, Unfit> {
    use Unfit::{Contradiction, Unknown};

    let stamped = SignedCheckpoint::parse(stamped)
        .map_err(|_| Contradiction("The stamped checkpoint is not well formed."))?;
    let signed = rule
        .tlog
        .verify_log(crypto, &stamped)
        .map_err(|_| Contradiction("The log has not signed the stamped checkpoint."))?;
    if *signed.key() != own.log {
        return Err(Contradiction("The stamped checkpoint is of another log."));
    }
    let cosigned = signed
        .verify_cosignatures(crypto)
        .map_err(|_| Contradiction("The stamped checkpoint has too many cosignatures."))?;
    let head = AcceptedHead::new(&cosigned).map_err(|error| match error.code() {
        Code::LogQuorumShort => Unknown("Too few witnesses cosigned the stamped checkpoint."),
        _ => Contradiction("A cosignature on the stamped checkpoint does not verify."),
    })?;

    let tree = stamped.checkpoint();
    includes_entry(entry, anchor, tree, own)?;
    if tree.size() != own.size && !rule.tlog.requires_witnesses() {
        consistent(anchor, tree, own)?;
    }
    Ok(head)
}

fn includes_entry(
    entry: &str,
    anchor: &Anchor,
    tree: &Checkpoint<'_>,
    head: &AcceptedHead,
) -> Result<(), Unfit> {
    use Unfit::Contradiction;

    if tree.size() == head.size {
        return if tree.root() == head.root {
            Ok(())
        } else {
            Err(Contradiction(
                "The log signed two different trees of the same size.",
            ))
        };
    }
    let Some(proof) = &anchor.log_proof else {
        return Err(Contradiction(
            "Nothing shows that the anchored head contains the entry.",
        ));
    };
    let proof = Proof::parse(proof)
        .map_err(|_| Contradiction("The anchor's inclusion proof is not well formed."))?;
    let proven = proof.checkpoint().checkpoint();
    let same = (proven.origin(), proven.size(), proven.root());
    if same != (tree.origin(), tree.size(), tree.root()) {
        return Err(Contradiction(
            "The anchor's inclusion proof is for another head.",
        ));
    }
    proof
        .verify_inclusion(&leaf_hash(entry.as_bytes()))
        .map_err(|_| Contradiction("The entry is not in the anchored tree."))
}

/// Without witnesses only a proof shows that both heads belong to one history.
fn consistent(anchor: &Anchor, tree: &Checkpoint<'_>, head: &AcceptedHead) -> Result<(), Unfit> {
    let proof = anchor.consistency.as_deref().unwrap_or_default();
    let anchored = (tree.size(), tree.root());
    let own = (head.size, head.root);
    let (old, new) = if anchored.0 < own.0 {
        (anchored, own)
    } else {
        (own, anchored)
    };
    verify_consistency(old.0, &old.1, new.0, &new.1, proof).map_err(|_| {
        Unfit::Contradiction(
            "Nothing shows that the anchored head and the log's head are one history.",
        )
    })
}
