//! The judgement of evidence: the proven fault, and against whom.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{ALLOWANCE_MILLIS, Accused, Alarm, Error, Evidence, Logged, Proven, Request};
use crate::code::Effect;
use crate::entry::Entry;
use crate::leaf::Leaf;
use crate::policy::{LogPolicy, LogRule};
use crate::time::{Time, for_people};
use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::merkle::{Hash, leaf_hash, verify_prefix};
use crate::tlog::proof::Proof;
use crate::tlog::quorum::{LogSigned, QuorumMet};
use crate::tlog::vkey::VerifierKey;
use crate::verify::verify_stamp;
use crate::{Failure, Verdict, leaf};

const KEY_HOLDER: &str =
    "Who used the log's key: its operator, or somebody who has stolen it or its machine.";

impl Alarm {
    /// Judges the evidence. What `observed` says plays no part in it.
    pub fn judge(&self, request: &Request<'_>) -> Result<Proven, Error> {
        let LogRule::Required(rule) = request.policy.log() else {
            let message = "the policy does without a log, so nothing says whose key this is";
            return Err(Error::Open(message.into()));
        };
        let judge = Judge { request, rule };
        match &self.evidence {
            Evidence::BadEntry(logged) => judge.bad_entry(logged),
            Evidence::Duplicate(first, second) => judge.duplicate(first, second),
            Evidence::Fork {
                first,
                second,
                prefix,
            } => judge.fork(first, second, prefix),
            Evidence::Late { before, late } => judge.late(before, late),
            Evidence::PostDated { logged, ots } => judge.post_dated(logged, ots.as_deref()),
        }
    }
}

/// The indexes of two entries of one tree, and the key of its log.
struct Pair {
    key: VerifierKey,
    first: u64,
    second: u64,
}

struct Judge<'a> {
    request: &'a Request<'a>,
    rule: &'a LogPolicy,
}

impl Judge<'_> {
    fn fork(&self, first: &str, second: &str, prefix: &[Hash]) -> Result<Proven, Error> {
        let (first, second) = (checkpoint(first)?, checkpoint(second)?);
        let (old, new) = (self.signed(&first)?, self.signed(&second)?);
        same_key(old.key(), new.key())?;
        let (a, b) = (old.checkpoint(), new.checkpoint());
        let (kind, statement) = if a.size() == b.size() {
            if a.root() == b.root() {
                return Err(unproven("the two heads are the same"));
            }
            let text = "The log signed two different trees of the same size";
            ("fork.same_size", format!("{text}, {}.", a.size()))
        } else {
            let root = verify_prefix(a.size(), b.size(), &b.root(), prefix).map_err(evidence)?;
            if root == a.root() {
                return Err(unproven("the larger head extends the smaller one"));
            }
            let text = format!(
                "The log signed a tree of {} entries that does not begin with the tree of {} that it signed, too.",
                b.size(),
                a.size()
            );
            ("fork.rewritten", text)
        };
        let mut against = alloc::vec![log(old.key())];
        against.extend(self.both(&old, &new)?);
        Ok(Proven {
            kind,
            statement,
            against,
            not_proven: alloc::vec![
                KEY_HOLDER.into(),
                "Which of the two histories is the true one, if any.".into(),
            ],
        })
    }

    /// The witnesses of the policy that cosigned both heads: each promised not to.
    fn both(&self, old: &LogSigned<'_>, new: &LogSigned<'_>) -> Result<Vec<Accused>, Error> {
        let crypto = self.request.crypto;
        let (old, new) = (
            old.verify_cosignatures(crypto).map_err(evidence)?,
            new.verify_cosignatures(crypto).map_err(evidence)?,
        );
        let cosigned_new = |key: &VerifierKey| new.witnesses().any(|(other, _)| other.key() == key);
        let both = old
            .witnesses()
            .filter(|(witness, _)| cosigned_new(witness.key()));
        Ok(both
            .map(|(witness, _)| Accused {
                role: "witness",
                vkey: witness.key().to_string(),
            })
            .collect())
    }

    fn bad_entry(&self, logged: &Logged) -> Result<Proven, Error> {
        let proof = Proof::parse(&logged.proof).map_err(evidence)?;
        let key = self.included(logged, &proof)?;
        let rules = self.request.policy.webauthn();
        let broken = match leaf::check(&logged.entry, rules, self.request.crypto) {
            Err(error) if error.code().effect() == Effect::Reject => error,
            Err(error) => return Err(Error::Open(error.to_string())),
            Ok(_) => return Err(unproven("the entry breaks no rule")),
        };
        let mut not_proven = alloc::vec![KEY_HOLDER.into()];
        let rule = match &broken {
            leaf::Error::UnlistedRpId { .. }
            | leaf::Error::Assertion(crate::webauthn::assertion::Error::UserVerification) => {
                not_proven.push(
                    "That others' policies forbid this entry: the rule that it breaks is yours."
                        .into(),
                );
                "your policy rejects"
            }
            _ => "no verifier accepts",
        };
        Ok(Proven {
            kind: "entry.rejected",
            statement: format!(
                "The log signed a tree whose entry {} {rule}: {broken} [{}].",
                proof.index(),
                broken.code(),
            ),
            against: alloc::vec![log(&key)],
            not_proven,
        })
    }

    fn duplicate(&self, first: &Logged, second: &Logged) -> Result<Proven, Error> {
        let pair = self.pair(first, second)?;
        if pair.first == pair.second {
            return Err(unproven("it is the same entry twice"));
        }
        let (a, b) = (any_entry(first)?, any_entry(second)?);
        let (kind, what) = if a.id_hash() == b.id_hash() {
            ("duplicate.approval", "the same approval id")
        } else if a.assertion_identity() == b.assertion_identity() {
            (
                "duplicate.assertion",
                "the same assertion, under two approval ids",
            )
        } else {
            return Err(unproven(
                "the two entries have neither id nor assertion in common",
            ));
        };
        Ok(Proven {
            kind,
            statement: format!(
                "The log signed a tree in which entries {} and {} have {what}.",
                pair.first, pair.second
            ),
            against: alloc::vec![log(&pair.key)],
            not_proven: alloc::vec![
                KEY_HOLDER.into(),
                "Which of the two entries the approver meant, if any.".into(),
            ],
        })
    }

    /// By the order of the log alone: whatever witnesses say of a head, they may have been kept
    /// from a larger one, and anybody can have them say it again later.
    fn late(&self, before: &Logged, late: &Logged) -> Result<Proven, Error> {
        let pair = self.pair(before, late)?;
        if pair.first >= pair.second {
            return Err(unproven(
                "the entry that was decided later is not before the other one",
            ));
        }
        let (passed, decided) = (entry(before)?.decided_at, entry(late)?.decided_at);
        let allowed = decided
            .saturating_add_millis(self.rule.max_append_delay)
            .saturating_add_millis(ALLOWANCE_MILLIS);
        if passed <= allowed {
            return Err(unproven(
                "the two entries were decided within the delay that the policy allows",
            ));
        }
        Ok(Proven {
            kind: "entry.late",
            statement: format!(
                "Entry {} says that it was decided at {}, and entry {}, which the log admitted before it, at {}: \
                 the log admitted the former more than {} after its decision, the most that the policy allows.",
                pair.second,
                for_people(decided),
                pair.first,
                for_people(passed),
                self.rule.max_append_delay_text(),
            ),
            against: alloc::vec![log(&pair.key)],
            not_proven: alloc::vec![
                KEY_HOLDER.into(),
                "Whether it was decided then and withheld, or later and back-dated.".into(),
                "That the log promised the delay that your policy names.".into(),
                "That the clock of the log was right.".into(),
            ],
        })
    }

    fn post_dated(&self, logged: &Logged, ots: Option<&[u8]>) -> Result<Proven, Error> {
        let proof = Proof::parse(&logged.proof).map_err(evidence)?;
        let key = self.included(logged, &proof)?;
        let (bound, whose) = match ots {
            Some(ots) => (self.block(proof.checkpoint(), ots)?, "a Bitcoin block"),
            None => {
                let met = self.quorum(proof.checkpoint())?;
                let time = met.time().ok_or_else(|| {
                    unproven("without witnesses nothing proves when a head was made")
                })?;
                (time, "its witnesses")
            }
        };
        let decided = entry(logged)?.decided_at;
        if decided <= bound.saturating_add_millis(ALLOWANCE_MILLIS) {
            return Err(unproven(
                "the entry was decided before its head is proven to exist",
            ));
        }
        Ok(Proven {
            kind: "entry.post_dated",
            statement: format!(
                "Entry {} says that it was decided at {}, and {whose} prove that the log contained it by {}.",
                proof.index(),
                for_people(decided),
                for_people(bound),
            ),
            against: alloc::vec![log(&key)],
            not_proven: alloc::vec![
                KEY_HOLDER.into(),
                "When it was decided.".into(),
                "That the clocks which prove this were right.".into(),
            ],
        })
    }

    /// Two entries of one tree.
    fn pair(&self, first: &Logged, second: &Logged) -> Result<Pair, Error> {
        let (proof1, proof2) = (
            Proof::parse(&first.proof).map_err(evidence)?,
            Proof::parse(&second.proof).map_err(evidence)?,
        );
        let key = self.included(first, &proof1)?;
        same_key(&key, &self.included(second, &proof2)?)?;
        let tree = |proof: &Proof<'_>| {
            let tree = *proof.checkpoint().checkpoint();
            (tree.size(), tree.root())
        };
        if tree(&proof1) != tree(&proof2) {
            return Err(unproven("the two entries are proven in different trees"));
        }
        Ok(Pair {
            key,
            first: proof1.index(),
            second: proof2.index(),
        })
    }

    /// The moment after which the block was not made.
    fn block(&self, head: &SignedCheckpoint<'_>, ots: &[u8]) -> Result<Time, Error> {
        let bytes = head.as_str().as_bytes();
        let rule = self.request.policy.anchor();
        let report = verify_stamp(bytes, ots, self.request.headers, rule);
        let bound = report
            .anchor
            .as_ref()
            .and_then(|anchor| anchor.not_later_than);
        if let (Some(bound), Verdict::Verified) = (bound, report.verdict()) {
            return Ok(bound);
        }
        let failed = report.checks.iter().find(|check| check.code.is_some());
        let message = failed.map_or_else(String::new, |check| check.message.clone());
        Err(
            match failed
                .and_then(|check| check.code)
                .map(|code| code.effect())
            {
                Some(Effect::Reject) => unproven(&message),
                _ => Error::Open(message),
            },
        )
    }

    /// The log's key that signed a tree with this entry.
    fn included(&self, logged: &Logged, proof: &Proof<'_>) -> Result<VerifierKey, Error> {
        let signed = self.signed(proof.checkpoint())?;
        let key = signed.key().clone();
        proof
            .verify_inclusion(&leaf_hash(&logged.entry))
            .map_err(evidence)?;
        Ok(key)
    }

    fn signed<'c>(&'c self, head: &'c SignedCheckpoint<'c>) -> Result<LogSigned<'c>, Error> {
        self.rule
            .tlog
            .verify_log(self.request.crypto, head)
            .map_err(evidence)
    }

    fn quorum<'c>(&'c self, head: &'c SignedCheckpoint<'c>) -> Result<QuorumMet<'c>, Error> {
        let cosigned = self
            .signed(head)?
            .verify_cosignatures(self.request.crypto)
            .map_err(evidence)?;
        cosigned.quorum().map_err(evidence)
    }
}

fn checkpoint(text: &str) -> Result<SignedCheckpoint<'_>, Error> {
    SignedCheckpoint::parse(text).map_err(evidence)
}

/// An entry that was decided at some time.
fn entry(logged: &Logged) -> Result<Entry, Error> {
    Entry::parse(text(logged)?).map_err(evidence)
}

/// An entry of any kind.
fn any_entry(logged: &Logged) -> Result<Leaf, Error> {
    Leaf::parse(text(logged)?).map_err(evidence)
}

fn text(logged: &Logged) -> Result<&str, Error> {
    let text = core::str::from_utf8(&logged.entry);
    text.map_err(|_| evidence(leaf::Error::NotText))
}

fn same_key(a: &VerifierKey, b: &VerifierKey) -> Result<(), Error> {
    match a == b {
        true => Ok(()),
        false => Err(unproven("the two heads are of different logs")),
    }
}

fn log(key: &VerifierKey) -> Accused {
    Accused {
        role: "log",
        vkey: key.to_string(),
    }
}

fn evidence(failure: impl Failure) -> Error {
    Error::Evidence {
        code: failure.code(),
        sentence: failure.to_string(),
    }
}

fn unproven(message: &str) -> Error {
    Error::Unproven(message.into())
}
