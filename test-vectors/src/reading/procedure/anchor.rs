//! The checks about the anchor.

use super::super::bitcoin::{Chain, Rule, Timestamp, Trusted, merkle_root};
use super::super::log::{Heads, Proof, Signed, is_consistent};
use super::super::shape::{Anchor, Bundle};
use super::{ANCHOR, BLOCK, Course};
use crate::bitcoin::block_hash;
use crate::encoding::sha256;
use crate::tree::{Hash, leaf_hash};

impl Course<'_> {
    pub(super) fn no_anchor(&mut self) {
        let required = self
            .trust
            .policy
            .is_some_and(|policy| Rule::read(policy).required);
        if required {
            self.coded("anchor.log", "anchor.missing");
            return self.skip(&ANCHOR[1..]);
        }
        self.leave(&ANCHOR);
    }

    pub(super) fn anchor_checks(&mut self, bundle: &Bundle, own: Option<(Signed, Heads)>) {
        let checkpoint = bundle.anchor.as_ref().and_then(|a| a.checkpoint.as_deref());
        let (Some(anchor), Some(checkpoint)) = (&bundle.anchor, checkpoint) else {
            return self.no_anchor();
        };
        if self.trust.log.is_none() {
            return self.no_anchor();
        }
        let Some((own, own_heads)) = own else {
            return self.skip(&ANCHOR);
        };
        match self.stamped(bundle, anchor, checkpoint, &own, &own_heads) {
            Stamped::Fits(heads, time) => {
                self.pass("anchor.log");
                self.times
                    .extend(heads.times.iter().flatten().map(|s| s * 1000));
                if let Some(time) = time {
                    self.proves(time * 1000);
                }
                self.block_checks(anchor, checkpoint);
            }
            Stamped::Short => self.no_anchor(),
            Stamped::Unfit => {
                self.coded("anchor.log", "anchor.log");
                self.skip(&ANCHOR[1..]);
            }
        }
    }

    /// Steps 4 to 10 of *anchor.log*.
    fn stamped(
        &self,
        bundle: &Bundle,
        anchor: &Anchor,
        checkpoint: &str,
        own: &Signed,
        own_heads: &Heads,
    ) -> Stamped {
        let (Some(policy), Some(stamped)) = (&self.trust.log, Signed::read(checkpoint)) else {
            return Stamped::Unfit;
        };
        let heads = match policy.who_signed(&stamped) {
            Ok(heads) if heads.same_log(own_heads) => heads,
            _ => return Stamped::Unfit,
        };
        let time = match policy.quorum(&heads) {
            Ok(time) => time,
            Err("log.quorum_short") => return Stamped::Short,
            Err(_) => return Stamped::Unfit,
        };
        if stamped.size == own.size {
            return match stamped.root == own.root {
                true => Stamped::Fits(Box::new(heads), time),
                false => Stamped::Unfit,
            };
        }
        let proof = anchor.log_proof.as_deref().map(Proof::read);
        let Some(Ok(proof)) = proof else {
            return Stamped::Unfit;
        };
        let of = |signed: &Signed| (signed.origin.clone(), signed.size, signed.root);
        let leaf = leaf_hash(bundle.entry.as_bytes());
        if of(&proof.signed) != of(&stamped) || !proof.includes(leaf) {
            return Stamped::Unfit;
        }
        let mut heads_in_order = [(own.size, own.root), (stamped.size, stamped.root)];
        heads_in_order.sort_by_key(|(size, _)| *size);
        let [old, new] = heads_in_order;
        if !policy.wants_witnesses() && !is_consistent(old, new, &anchor.consistency) {
            return Stamped::Unfit;
        }
        Stamped::Fits(Box::new(heads), time)
    }

    /// Incomplete if the policy requires an anchor.
    fn open(&mut self, rule: &Rule, id: &'static str, code: &'static str) {
        match rule.required {
            true => self.coded(id, code),
            false => self.leave(&[id]),
        }
    }

    /// The consequence of a check that did not pass.
    fn follow(&mut self, ids: &[&'static str]) {
        match self.checks.last() {
            Some(check) if check.status == "not_checked" => self.leave(ids),
            _ => self.skip(ids),
        }
    }

    fn block_checks(&mut self, anchor: &Anchor, checkpoint: &str) {
        let rule = Rule::read(self.trust.policy.unwrap());
        let places = match anchor.ots.as_deref().map(Timestamp::read) {
            None => {
                self.open(&rule, "anchor.path", "anchor.missing");
                return self.follow(&ANCHOR[2..]);
            }
            Some(Some(timestamp)) if timestamp.digest == sha256(checkpoint.as_bytes()) => {
                timestamp.places
            }
            Some(_) => {
                self.coded("anchor.path", "anchor.bad_proof");
                return self.follow(&ANCHOR[2..]);
            }
        };
        if places.is_empty() {
            self.open(&rule, "anchor.path", "anchor.pending");
            return self.follow(&ANCHOR[2..]);
        }
        self.pass("anchor.path");

        let headers = self.question.headers.as_deref().map(Chain::read);
        let trusted = headers
            .as_ref()
            .and_then(|chain| Trusted::new(chain, &rule));
        let known = |height: u32| trusted.as_ref()?.header(height.into());
        let id = "anchor.header";
        if let Some((height, header)) = &anchor.header {
            let fits = |(place, root): &(u32, Hash)| {
                u64::from(*place) == *height && merkle_root(header) == *root
            };
            if !places.iter().any(fits) || !rule.has_work(header) {
                self.coded(id, "anchor.header");
                return self.follow(&ANCHOR[3..]);
            }
        }
        let in_chain = |(height, root): &&(u32, Hash)| {
            known(*height).is_some_and(|header| merkle_root(header) == *root)
        };
        let block = places.iter().find(in_chain).map(|(height, _)| *height);
        let there = |chain: &Chain| {
            let mut places = places.iter();
            places.any(|(height, _)| chain.header((*height).into()).is_some())
        };
        if block.is_some() || anchor.header.is_some() {
            self.pass(id);
        } else if places.iter().any(|(height, _)| known(*height).is_some()) {
            self.coded(id, "anchor.header");
            return self.follow(&ANCHOR[3..]);
        } else {
            let code = match &headers {
                Some(chain) if trusted.is_none() || there(chain) => "anchor.not_pinned",
                _ => "anchor.header_missing",
            };
            self.open(&rule, id, code);
            return self.follow(&ANCHOR[3..]);
        }

        let id = "anchor.chain";
        if let Some((height, header)) = &anchor.header
            && let Some(other) = trusted.as_ref().and_then(|t| t.header(*height))
            && block_hash(other) != block_hash(header)
        {
            return self.coded(id, "anchor.chain");
        }
        let (Some(height), Some(trusted)) = (block, &trusted) else {
            return self.open(&rule, id, "anchor.not_pinned");
        };
        let height = height.into();
        if !rule.are_enough(trusted.confirmations(height)) {
            return self.open(&rule, id, "anchor.too_shallow");
        }
        self.pass(id);
        let time = trusted.time(height);
        self.proves(time + BLOCK);
        self.times.push(time.saturating_sub(BLOCK));
    }
}

enum Stamped {
    Fits(Box<Heads>, Option<u64>),
    Short,
    Unfit,
}
