//! `log.*`: the log holds the entry, and everybody sees the same log.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::Run;
use crate::check::{Check, CheckId};
use crate::code::Code;
use crate::policy::{LogPolicy, LogRule, Policy};
use crate::report::{LogFacts, SignatureFacts, Signer, WitnessFacts};
use crate::time::{Time, for_people};
use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::merkle::{Hash, leaf_hash};
use crate::tlog::note::SignatureLine;
use crate::tlog::policy::Witness;
use crate::tlog::proof::Proof;
use crate::tlog::quorum::{self, Cosigned};
use crate::tlog::vkey::VerifierKey;
use crate::{Failure as _, plain, quote};

/// The checks about the log.
pub(super) const CHECKS: [CheckId; 3] = [
    CheckId::LogProof,
    CheckId::LogCheckpoint,
    CheckId::LogQuorum,
];

/// The findings about the log's part of a bundle. Each fact is there only if its check passed.
#[derive(Debug, Default)]
pub(super) struct LogFindings {
    /// The entry is in a tree that a log of the policy has signed.
    pub(super) facts: Option<LogFacts>,
    /// That tree, if it also meets the quorum.
    pub(super) head: Option<AcceptedHead>,
}

/// A head of the log that contains the entry and meets the policy.
#[derive(Debug)]
pub(super) struct AcceptedHead {
    pub(super) log: VerifierKey,
    pub(super) size: u64,
    pub(super) root: Hash,
    /// When the quorum had cosigned it; `None` for `quorum none`.
    pub(super) time: Option<Time>,
    /// When each witness of the policy cosigned it.
    pub(super) cosigned: Vec<Time>,
}

impl AcceptedHead {
    pub(super) fn new(cosigned: &Cosigned<'_>) -> Result<Self, quorum::Error> {
        let met = cosigned.quorum()?;
        Ok(Self {
            log: met.log().key().clone(),
            size: met.checkpoint().size(),
            root: met.checkpoint().root(),
            time: met.time(),
            cosigned: cosigned.witnesses().map(|(_, time)| time).collect(),
        })
    }
}

impl<'r> Run<'r> {
    pub(super) fn log(&mut self, entry: &str, proof: &str) -> LogFindings {
        if matches!(self.request.policy.map(Policy::log), Some(LogRule::None)) {
            let message = "The policy does without a log.";
            self.leave_out(&CHECKS, message);
            return LogFindings::default();
        }
        let proof = match Proof::parse(proof) {
            Ok(proof) => proof,
            Err(error) if error.code() == Code::LogCheckpointForm => {
                self.skip(&[CheckId::LogProof], CheckId::LogCheckpoint);
                self.push(Check::failed(CheckId::LogCheckpoint, &error));
                self.skip(&[CheckId::LogQuorum], CheckId::LogCheckpoint);
                return LogFindings::default();
            }
            Err(error) => {
                self.push(Check::failed(CheckId::LogProof, &error));
                self.skip(
                    &[CheckId::LogCheckpoint, CheckId::LogQuorum],
                    CheckId::LogProof,
                );
                return LogFindings::default();
            }
        };
        let included = self.included(entry, &proof);
        let Some(cosigned) = self.checkpoint(proof.checkpoint()) else {
            self.skip(&[CheckId::LogQuorum], CheckId::LogCheckpoint);
            return LogFindings::default();
        };
        let head = self.quorum(&cosigned);
        let checkpoint = proof.checkpoint().checkpoint();
        let facts = included.then(|| LogFacts {
            origin: checkpoint.origin().to_string(),
            index: proof.index(),
            tree_size: checkpoint.size(),
            quorum: self
                .log_policy()
                .map(|rule| rule.tlog.quorum_in_words())
                .unwrap_or_default(),
            quorum_met: head.is_some(),
            quorum_time: head.as_ref().and_then(|head| head.time),
            signatures: signatures(&cosigned),
            witnesses: witnesses(&cosigned),
        });
        LogFindings {
            facts,
            head: head.filter(|_| included),
        }
    }

    /// A confirmation has no log proof.
    pub(super) fn no_log(&mut self) {
        let [proof, rest @ ..] = CHECKS;
        match self.request.policy.map(Policy::log) {
            Some(LogRule::Required(_)) => {
                self.push(Check::coded(proof, Code::LogMissing));
                self.skip(&rest, proof);
            }
            _ => {
                let message = "A confirmation has no log proof.";
                self.leave_out(&CHECKS, message);
            }
        }
        self.no_anchor(None);
    }

    /// `log.proof`
    fn included(&mut self, entry: &str, proof: &Proof<'_>) -> bool {
        const ID: CheckId = CheckId::LogProof;
        let size = proof.checkpoint().checkpoint().size();
        let outcome = proof.verify_inclusion(&leaf_hash(entry.as_bytes()));
        self.push(match &outcome {
            Ok(()) => Check::pass(
                ID,
                format!(
                    "The entry is number {} of a tree of {size}, counted from 0.",
                    proof.index()
                ),
            ),
            Err(error) => Check::failed(ID, error),
        });
        outcome.is_ok()
    }

    /// `log.checkpoint`. The cosignatures have been looked at if this returns them.
    fn checkpoint<'c>(&mut self, checkpoint: &'c SignedCheckpoint<'c>) -> Option<Cosigned<'c>>
    where
        'r: 'c,
    {
        const ID: CheckId = CheckId::LogCheckpoint;
        let origin = checkpoint.checkpoint().origin();
        let Some(rule) = self.log_policy() else {
            let check = Check::coded(ID, Code::LogUnknownKey)
                .message("No policy was given, and only a policy says whose log this is.");
            self.push(
                check
                    .expected("a policy that lists the log")
                    .found(quote(origin)),
            );
            return None;
        };
        let signed = match rule.tlog.verify_log(self.request.crypto, checkpoint) {
            Ok(signed) => signed,
            Err(error) => {
                self.push(Check::failed(ID, &error));
                return None;
            }
        };
        match signed.verify_cosignatures(self.request.crypto) {
            Ok(cosigned) => {
                let message = format!("The log {} has signed this tree.", plain(origin));
                self.push(Check::pass(ID, message).found(plain(&signed.key().to_string())));
                Some(cosigned)
            }
            Err(error) => {
                self.push(Check::failed(ID, &error));
                None
            }
        }
    }

    /// `log.quorum`
    fn quorum(&mut self, cosigned: &Cosigned<'_>) -> Option<AcceptedHead> {
        const ID: CheckId = CheckId::LogQuorum;
        match AcceptedHead::new(cosigned) {
            Ok(head) => {
                let message = match head.time {
                    None => "The policy requires no witnesses.".to_string(),
                    Some(time) => {
                        format!("The quorum had cosigned this tree by {}.", for_people(time))
                    }
                };
                self.push(Check::pass(ID, message));
                Some(head)
            }
            Err(error) => {
                self.push(Check::failed(ID, &error));
                None
            }
        }
    }

    pub(super) fn log_policy(&self) -> Option<&'r LogPolicy> {
        match self.request.policy?.log() {
            LogRule::Required(rule) => Some(rule),
            LogRule::None => None,
        }
    }
}

fn witnesses(cosigned: &Cosigned<'_>) -> Vec<WitnessFacts> {
    let fact = |(witness, time): (&Witness, Time)| WitnessFacts {
        key_id: witness.key().id(),
        name: witness.key().name().to_string(),
        policy_name: witness.name().to_string(),
        time,
    };
    cosigned.witnesses().map(fact).collect()
}

/// Every line of the checkpoint. Those of keys that the policy lists have all been verified: a bad
/// one of a log would have ended before this, and a bad one of a witness is among the bad.
fn signatures(cosigned: &Cosigned<'_>) -> Vec<SignatureFacts> {
    let log = cosigned.log();
    let fact = |line: &SignatureLine<'_>| {
        let named = |key: &VerifierKey| key.is_named(line.name(), line.id());
        let mut logs = log.policy().logs().iter();
        let witness = log.policy().witnesses().iter().find(|w| named(w.key()));
        let (signer, verified) = match witness {
            _ if logs.any(|log| named(log.key())) => (Some(Signer::Log), true),
            Some(witness) => {
                let mut bad = cosigned.bad().iter();
                let is_bad = bad.any(|other| other.key() == witness.key());
                (Some(Signer::Witness), !is_bad)
            }
            None => (None, false),
        };
        SignatureFacts {
            key_id: line.id(),
            name: line.name().to_string(),
            signer,
            policy_name: witness.map(|witness| witness.name().to_string()),
            verified,
        }
    };
    let lines = log.signed_checkpoint().note().signatures();
    lines.iter().map(fact).collect()
}
