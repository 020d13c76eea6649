//! One log that several approvals come to one after the other, and whose heads are sealed on the
//! way.

use crate::approval::{Approval, Draft, LOG_ORIGIN, witness};
use crate::bitcoin;
use crate::bundle::Anchor;
use crate::encoding::{pseudo_random, sha256};
use crate::log::{Log, Witness, tlog_policy};
use crate::note::LogProof;

/// The log and its heads.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The name of the log.
    pub origin: String,
    /// The witnesses, all of whom cosign every head, and all of whom the policy wants.
    pub witnesses: Vec<Witness>,
    drafts: Vec<Draft>,
    /// The size of each head, and when it was cosigned, in seconds.
    heads: Vec<(usize, u64)>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new(LOG_ORIGIN)
    }
}

impl Ledger {
    /// An empty log with one witness.
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.into(),
            witnesses: vec![witness(1)],
            drafts: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// Appends an entry, and gives its index.
    pub fn add(&mut self, draft: Draft) -> usize {
        self.drafts.push(draft);
        self.drafts.len() - 1
    }

    /// How many entries are there.
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Seals a head over everything that is there.
    pub fn seal(&mut self, seconds: u64) {
        self.heads.push((self.drafts.len(), seconds));
    }

    /// The approval at this index, under the first head that holds it.
    pub fn approval(&self, index: usize) -> Approval {
        self.approval_under(index, self.first_over(index))
    }

    /// The same under the head with this number.
    pub fn approval_under(&self, index: usize, head: usize) -> Approval {
        let log = self.log();
        let draft = &self.drafts[index];
        let proof = self.prove(&log, index, head);
        let (assertion, entry) = draft.sign();
        draft.assemble(assertion, entry, proof, draft.policy(&log))
    }

    /// An anchor of this entry at the head with this number, whose timestamp is only promised.
    pub fn anchor(&self, index: usize, head: usize) -> Anchor {
        let log = self.log();
        let (size, _) = self.heads[head];
        let (first, _) = self.heads[self.first_over(index)];
        let log_proof = self.prove(&log, index, head);
        let checkpoint = log_proof.note();
        let promise = bitcoin::promised("https://calendar.example");
        Anchor {
            consistency: Some(log.tree().consistency(first, size)),
            ots: Some(bitcoin::proof(&sha256(checkpoint.as_bytes()), &promise)),
            header: None,
            checkpoint,
            log_proof,
        }
    }

    /// The approvals from index `from` on.
    pub fn approvals_from(&self, from: usize) -> Vec<Approval> {
        (from..self.drafts.len())
            .map(|i| self.approval(i))
            .collect()
    }

    /// The log.
    pub fn log(&self) -> Log {
        let leaves: Vec<String> = self.drafts.iter().map(|draft| draft.sign().1).collect();
        let seed = pseudo_random(&format!("log {}", self.origin));
        Log::new(&self.origin, seed, &leaves)
    }

    /// The tlog-policy that wants this log and all its witnesses.
    pub fn tlog_policy(&self) -> String {
        tlog_policy(&self.log(), self.witnesses.len(), &self.witnesses)
    }

    /// The number of the first head over this entry.
    fn first_over(&self, index: usize) -> usize {
        let head = self.heads.iter().position(|(size, _)| index < *size);
        head.expect("no head holds it")
    }

    fn prove(&self, log: &Log, index: usize, head: usize) -> LogProof {
        let (size, seconds) = self.heads[head];
        let cosigners: Vec<(&Witness, u64)> = self.witnesses.iter().map(|w| (w, seconds)).collect();
        log.prove(index, size, &cosigners)
    }
}
