//! The checks about the log (docs/spec/verification.md, *Log*).

use super::super::log::{Heads, Proof, Signed};
use super::super::shape::Bundle;
use super::{Course, LOG};
use crate::tree::leaf_hash;

impl Course<'_> {
    /// The head of the bundle's own proof, if all three checks passed.
    pub(super) fn log_checks(&mut self, bundle: &Bundle) -> Option<(Signed, Heads)> {
        let [proof_id, checkpoint_id, quorum_id] = LOG;
        if self.trust.policy.is_some() && self.trust.log.is_none() {
            self.leave(&LOG);
            return None;
        }
        let proof = match Proof::read(&bundle.log_proof) {
            Ok(proof) => proof,
            Err(code) => {
                let broken = match code {
                    "log.checkpoint_form" => checkpoint_id,
                    _ => proof_id,
                };
                for id in LOG {
                    match id == broken {
                        true => self.coded(id, code),
                        false => self.skip(&[id]),
                    }
                }
                return None;
            }
        };
        let included = proof.includes(leaf_hash(bundle.entry.as_bytes()));
        self.judge(proof_id, included, "log.not_included");
        let heads = match &self.trust.log {
            None => Err("log.unknown_key"),
            Some(log) => log.who_signed(&proof.signed),
        };
        let heads = match heads {
            Ok(heads) => heads,
            Err(code) => {
                self.coded(checkpoint_id, code);
                self.skip(&[quorum_id]);
                return None;
            }
        };
        self.pass(checkpoint_id);
        if included {
            self.facts.place = Some((proof.signed.origin.clone(), proof.index));
            self.times
                .extend(heads.times.iter().flatten().map(|s| s * 1000));
        }
        let quorum = self.trust.log.as_ref().map(|log| log.quorum(&heads));
        match quorum? {
            Err(code) => {
                self.coded(quorum_id, code);
                None
            }
            Ok(time) => {
                self.pass(quorum_id);
                if included && let Some(time) = time {
                    self.proves(time * 1000);
                }
                included.then_some((proof.signed, heads))
            }
        }
    }
}
