//! Applies a policy to a checkpoint, one step a type.
//!
//! [`SignedCheckpoint`] → [`LogSigned`] → [`Cosigned`] → [`QuorumMet`]. Only the step before makes
//! the next one, so whoever holds a [`QuorumMet`] need not ask what was checked.

use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use crate::code::Code;
use crate::signature::Crypto;
use crate::time::Time;
use crate::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::tlog::note::{self, Note, SignatureLine};
use crate::tlog::policy::{QuorumNotMet, TlogPolicy, Witness};
use crate::tlog::vkey::VerifierKey;
use crate::{Failure, plain, quote};

impl TlogPolicy {
    /// The first step: a log of the policy, named like the checkpoint's origin, has signed it.
    ///
    /// Lines of other keys are ignored; one bad signature of any log in the policy is an error.
    /// Before any signature is verified it is an error, too, if there are more than 16 lines of
    /// logs, more than 16 of one witness, or more of all witnesses than 16 or than there are
    /// witnesses.
    pub fn verify_log<'a>(
        &'a self,
        crypto: &dyn Crypto,
        checkpoint: &'a SignedCheckpoint<'a>,
    ) -> Result<LogSigned<'a>, Error> {
        let note = checkpoint.note();
        let origin = checkpoint.checkpoint().origin();
        let keys = self.logs().iter().map(|log| log.key());
        let lines = note.lines_of(keys, Note::MAX_VERIFIED);
        let lines = lines.map_err(Error::Note)?;
        self.witness_lines(note)?;
        let mut signed_by = None;
        for (key, line) in lines {
            key.verify(crypto, note.text(), line.signature())
                .map_err(|_| Error::BadSignature {
                    name: key.name().to_string(),
                })?;
            if key.name() == origin && signed_by.is_none() {
                signed_by = Some(key);
            }
        }
        let key = signed_by.ok_or_else(|| Error::UnknownKey {
            origin: origin.to_string(),
        })?;
        Ok(LogSigned {
            policy: self,
            checkpoint,
            key,
        })
    }

    /// All three steps, for whoever wants to know no more than whether they hold.
    ///
    /// # Errors
    ///
    /// The first of [`verify_log`](Self::verify_log), [`LogSigned::verify_cosignatures`] and
    /// [`Cosigned::quorum`] that fails.
    pub fn verify_quorum(
        &self,
        crypto: &dyn Crypto,
        checkpoint: &SignedCheckpoint<'_>,
    ) -> Result<(), Error> {
        let log = self.verify_log(crypto, checkpoint)?;
        log.verify_cosignatures(crypto)?.quorum().map(|_| ())
    }

    /// The lines of witnesses, in the order of the note, if there are not too many.
    fn witness_lines<'n>(&self, note: &'n Note<'_>) -> Result<Vec<WitnessLine<'_, 'n>>, Error> {
        let witnesses = self.witnesses();
        let limit = witnesses.len().max(Note::MAX_VERIFIED);
        let keys = witnesses.iter().map(Witness::key);
        let lines = note.lines_of(keys, limit).map_err(Error::Note)?;
        for witness in witnesses {
            let own = lines.iter().filter(|(key, _)| *key == witness.key());
            if own.count() > Note::MAX_VERIFIED {
                return Err(Error::TooManyOfOne {
                    witness: witness.name().to_string(),
                });
            }
        }
        Ok(lines)
    }
}

/// A line, and the key of the witness that is said to have made it.
type WitnessLine<'p, 'n> = (&'p VerifierKey, &'n SignatureLine<'n>);

/// A checkpoint that a log of the policy has signed. Only [`TlogPolicy::verify_log`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct LogSigned<'a> {
    policy: &'a TlogPolicy,
    checkpoint: &'a SignedCheckpoint<'a>,
    key: &'a VerifierKey,
}

impl<'a> LogSigned<'a> {
    /// The policy that lists the log.
    pub fn policy(&self) -> &'a TlogPolicy {
        self.policy
    }

    /// The log's statement: origin, size and root.
    pub fn checkpoint(&self) -> &'a Checkpoint<'a> {
        self.checkpoint.checkpoint()
    }

    /// The checkpoint with everything that was read, for its exact bytes.
    pub fn signed_checkpoint(&self) -> &'a SignedCheckpoint<'a> {
        self.checkpoint
    }

    /// The log's key that signed: of several, the one whose line comes first.
    pub fn key(&self) -> &'a VerifierKey {
        self.key
    }

    /// The second step: verifies every cosignature of a witness in the policy.
    ///
    /// Lines of other keys are ignored. Bad cosignatures are listed, not an error, so that a
    /// report can name them.
    pub fn verify_cosignatures(&self, crypto: &dyn Crypto) -> Result<Cosigned<'a>, Error> {
        let witnesses = self.policy.witnesses();
        let note = self.checkpoint.note();
        let lines = self.policy.witness_lines(note)?;
        let mut times: Vec<Option<Time>> = vec![None; witnesses.len()];
        let mut bad = Vec::new();
        for (witness, time) in witnesses.iter().zip(&mut times) {
            let own = lines.iter().filter(|(key, _)| *key == witness.key());
            let text = note.text();
            let verified: Result<Vec<Option<Time>>, _> = own
                .map(|(key, line)| key.verify(crypto, text, line.signature()))
                .collect();
            match verified {
                // The earliest of several: each of them is true.
                Ok(verified) => *time = verified.into_iter().flatten().min(),
                Err(_) => bad.push(witness),
            }
        }
        Ok(Cosigned {
            log: *self,
            times,
            bad,
        })
    }
}

/// A checkpoint whose cosignatures have been verified, whether they are enough or not. Only
/// [`LogSigned::verify_cosignatures`] makes one.
#[derive(Clone, Debug)]
pub struct Cosigned<'a> {
    log: LogSigned<'a>,
    /// In the order of the policy's witnesses.
    times: Vec<Option<Time>>,
    bad: Vec<&'a Witness>,
}

impl<'a> Cosigned<'a> {
    /// The witnesses whose cosignatures all verify, in the order of the policy, and when they
    /// cosigned; of several times the earliest.
    pub fn witnesses(&self) -> impl Iterator<Item = (&'a Witness, Time)> {
        let witnesses = self.log.policy.witnesses().iter();
        witnesses
            .zip(&self.times)
            .filter_map(|(witness, time)| Some((witness, (*time)?)))
    }

    /// The step that it came from.
    pub fn log(&self) -> LogSigned<'a> {
        self.log
    }

    /// The witnesses of whom a cosignature does not verify, in the order of the policy.
    pub fn bad(&self) -> &[&'a Witness] {
        &self.bad
    }

    /// The last step: no cosignature is bad, and there are enough of them.
    pub fn quorum(&self) -> Result<QuorumMet<'a>, Error> {
        if !self.bad.is_empty() {
            return Err(Error::BadCosignature {
                witnesses: join(self.bad.iter().copied()),
            });
        }
        match self.log.policy.quorum_time(&self.times) {
            Ok(time) => Ok(QuorumMet {
                log: self.log,
                time,
                newest_at: self.log.policy.blocking_time(&self.times),
            }),
            Err(QuorumNotMet) => Err(Error::QuorumShort {
                expected: self.log.policy.quorum_in_words(),
                found: join(self.witnesses().map(|(witness, _)| witness)),
            }),
        }
    }
}

/// A checkpoint that meets the policy in full. Only [`Cosigned::quorum`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct QuorumMet<'a> {
    log: LogSigned<'a>,
    time: Option<Time>,
    newest_at: Option<Time>,
}

impl<'a> QuorumMet<'a> {
    /// The log's statement: origin, size and root.
    pub fn checkpoint(&self) -> &'a Checkpoint<'a> {
        self.log.checkpoint()
    }

    /// The step that it came from.
    pub fn log(&self) -> LogSigned<'a> {
        self.log
    }

    /// When the quorum was met: the smallest time by which the witnesses that had cosigned until
    /// then were enough. The tree existed by then, unless as many witnesses lie as it takes to
    /// fake a quorum. `None` for `quorum none`.
    pub fn time(&self) -> Option<Time> {
        self.time
    }

    /// When no larger head can have met the quorum yet: some witness of every quorum cosigned this
    /// one then or later, and a witness cosigns nothing smaller than what it has cosigned. `None`
    /// if a quorum could do without those that have cosigned, and for `quorum none`.
    ///
    /// This is not [`QuorumMet::time`]: witnesses that are slow may cosign an old head long after
    /// the others have gone on to larger ones.
    pub fn newest_at(&self) -> Option<Time> {
        self.newest_at
    }
}

/// Why a checkpoint does not meet the policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cosignature of a witness in the policy does not verify.
    #[error("the cosignature of {witnesses} does not verify")]
    BadCosignature {
        /// The names of the witnesses in the policy, fit to print.
        witnesses: String,
    },
    /// The signature of a log in the policy does not verify.
    #[error("the signature of the log {} does not verify", quote(name))]
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// The note has more lines of known keys than are verified.
    #[error(transparent)]
    Note(note::Error),
    /// Too few witnesses of the policy have cosigned.
    #[error("too few witnesses have cosigned: required {expected}; found {found}")]
    QuorumShort {
        /// The quorum in words.
        expected: String,
        /// The names of those that have cosigned, fit to print, or `none`.
        found: String,
    },
    /// One witness has more cosignatures than are verified.
    #[error(
        "there are more than {} cosignatures of {}",
        Note::MAX_VERIFIED,
        quote(witness)
    )]
    TooManyOfOne {
        /// The name of the witness in the policy.
        witness: String,
    },
    /// No log of the policy with this origin has signed.
    #[error(
        "no key that the policy lists for the log {} has signed the checkpoint",
        quote(origin)
    )]
    UnknownKey {
        /// The origin of the checkpoint.
        origin: String,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::BadCosignature { .. } => Code::LogBadCosignature,
            Self::BadSignature { .. } => Code::LogBadSignature,
            Self::Note(error) => error.code(),
            Self::QuorumShort { .. } => Code::LogQuorumShort,
            Self::TooManyOfOne { .. } => Code::LogCheckpointForm,
            Self::UnknownKey { .. } => Code::LogUnknownKey,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Note(error) => error.expected(),
            Self::QuorumShort { expected, .. } => Some(expected.clone()),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::Note(error) => error.found(),
            Self::QuorumShort { found, .. } => Some(found.clone()),
            Self::UnknownKey { origin } => Some(quote(origin)),
            _ => None,
        }
    }
}

fn join<'a>(witnesses: impl Iterator<Item = &'a Witness>) -> String {
    let names: Vec<String> = witnesses.map(|witness| plain(witness.name())).collect();
    if names.is_empty() {
        String::from("none")
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use core::slice::from_ref;

    use super::*;
    use crate::signature::RustCrypto;
    use crate::tlog::merkle::leaf_hash;
    use crate::tlog::proof::Proof;
    use crate::tlog::testing::{LOG, PROOF, Signer, WITNESS};

    const CRYPTO: RustCrypto = RustCrypto;
    const TEXT: &str = "log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";

    fn note(lines: &[String]) -> String {
        format!("{TEXT}\n{}", lines.concat())
    }

    fn time(seconds: u64) -> Time {
        Time::from_seconds(seconds).unwrap()
    }

    /// A log, three witnesses (names A, B, C; keys a, b, c) and a quorum.
    fn setup(quorum: &str) -> (TlogPolicy, Signer, [Signer; 3]) {
        let log = Signer::log("log", 1);
        let witnesses = [("a", 2), ("b", 3), ("c", 4)].map(|(n, seed)| Signer::witness(n, seed));
        let mut text = format!("log {}\n", log.vkey());
        for (name, witness) in ["A", "B", "C"].iter().zip(&witnesses) {
            text += &format!("witness {name} {}\n", witness.vkey());
        }
        text += quorum;
        (TlogPolicy::parse(&text).unwrap(), log, witnesses)
    }

    const TWO_OF_THREE: &str = "group G 2 A B C\nquorum G\n";

    /// Witnesses, bad ones, and what the quorum says.
    type Outcome = (
        Vec<(String, Time)>,
        Vec<String>,
        Result<Option<Time>, Error>,
    );

    fn outcome(policy: &TlogPolicy, note: &str) -> Result<Outcome, Error> {
        let checkpoint = SignedCheckpoint::parse(note).unwrap();
        let cosigned = policy
            .verify_log(&CRYPTO, &checkpoint)?
            .verify_cosignatures(&CRYPTO)?;
        let witnesses = cosigned.witnesses().map(|(w, t)| (w.name().to_string(), t));
        Ok((
            witnesses.collect(),
            cosigned
                .bad()
                .iter()
                .map(|w| w.name().to_string())
                .collect(),
            cosigned.quorum().map(|met| met.time()),
        ))
    }

    #[test]
    fn the_known_answer_meets_its_policy() {
        let text = format!("log {LOG}\nwitness W {WITNESS}\nquorum W\n");
        let policy = TlogPolicy::parse(&text).unwrap();
        let proof = Proof::parse(PROOF).unwrap();
        let log = policy.verify_log(&CRYPTO, proof.checkpoint()).unwrap();
        let met = log.verify_cosignatures(&CRYPTO).unwrap().quorum().unwrap();
        assert_eq!(met.time(), Some(time(1_700_000_000)));
        assert_eq!(met.checkpoint().origin(), "log.example/approvals");
        assert_eq!(met.checkpoint().size(), 3);
        assert_eq!(met.log().key().to_string(), LOG);
        assert_eq!(proof.verify_inclusion(&leaf_hash(b"approval-1")), Ok(()));
    }

    #[test]
    fn only_the_logs_own_key_makes_a_checkpoint() {
        let (policy, log, [witness, ..]) = setup("quorum none\n");
        let unknown = Err(Error::UnknownKey {
            origin: "log".to_string(),
        });
        let bad = Err(Error::BadSignature {
            name: "log".to_string(),
        });
        let log_of = |lines: &[String], policy: &TlogPolicy| {
            let note = note(lines);
            let checkpoint = SignedCheckpoint::parse(&note).unwrap();
            let signed = policy.verify_log(&CRYPTO, &checkpoint);
            signed.map(|signed| signed.key().to_string())
        };
        let good = log.sign(TEXT);
        let forged = log.sign("log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
        let other_key = Signer::log("log", 9);
        let cosigned = witness.cosign(TEXT, 1);
        let ok = Ok(log.vkey());
        for (lines, result) in [
            (&[good.clone()][..], &ok),
            (&[other_key.sign(TEXT), cosigned.clone(), good.clone()], &ok),
            (&[good.clone(), good.clone()], &ok),
            (from_ref(&cosigned), &unknown),
            (&[other_key.sign(TEXT)], &unknown),
            (&[good.replace(" log ", " gol ")], &unknown),
            (from_ref(&forged), &bad),
            (&[good.clone(), forged.clone()], &bad),
            (&[forged.clone(), good.clone()], &bad),
        ] {
            assert_eq!(&log_of(lines, &policy), result, "{lines:?}");
        }
        // Another log of the policy is not this log, and its bad signature is still bad.
        let other = Signer::log("other", 5);
        let text = format!("log {}\nlog {}\nquorum none", other.vkey(), log.vkey());
        let two_logs = TlogPolicy::parse(&text).unwrap();
        assert_eq!(log_of(&[other.sign(TEXT)], &two_logs), unknown);
        assert_eq!(log_of(&[other.sign(TEXT), good.clone()], &two_logs), ok);
        let result = log_of(&[other.sign("x\n"), good.clone()], &two_logs);
        assert!(matches!(result, Err(Error::BadSignature { name }) if name == "other"));
        // No policy for logs, no log.
        let no_logs = TlogPolicy::parse("quorum none").unwrap();
        assert_eq!(log_of(from_ref(&good), &no_logs), unknown);
        let many = Err(Error::Note(note::Error::TooManyKnownSignatures {
            limit: 16,
        }));
        assert_eq!(log_of(&[good.repeat(17)], &policy), many);
    }

    #[test]
    fn quorums_are_met_by_enough_good_cosignatures() {
        let (policy, log, [a, b, c]) = setup(TWO_OF_THREE);
        let signed = log.sign(TEXT);
        let short = |found: &str| {
            Err(Error::QuorumShort {
                expected: "2 of A, B, C".to_string(),
                found: found.to_string(),
            })
        };
        let bad = |names: &str| {
            Err(Error::BadCosignature {
                witnesses: names.to_string(),
            })
        };
        let other = "log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let by = |name: &str, seconds| (name.to_string(), time(seconds));
        let stranger = Signer::witness("a", 7);
        for (lines, witnesses, bad_ones, quorum) in [
            (&[][..], &[][..], &[][..], short("none")),
            (&[a.cosign(TEXT, 5)], &[by("A", 5)], &[], short("A")),
            // The same witness twice is one witness.
            (
                &[a.cosign(TEXT, 5), a.cosign(TEXT, 6)],
                &[by("A", 5)],
                &[],
                short("A"),
            ),
            (
                &[a.cosign(TEXT, 6), a.cosign(TEXT, 5)],
                &[by("A", 5)],
                &[],
                short("A"),
            ),
            (
                &[a.cosign(TEXT, 5), stranger.cosign(TEXT, 5)],
                &[by("A", 5)],
                &[],
                short("A"),
            ),
            (
                &[a.cosign(TEXT, 5), b.key.signature_line(&[0; 72])],
                &[by("A", 5)],
                &["B"],
                bad("B"),
            ),
            (
                &[c.cosign(TEXT, 5), a.cosign(TEXT, 9)],
                &[by("A", 9), by("C", 5)],
                &[],
                Ok(Some(time(9))),
            ),
            // One witness that lies about the time does not move the bound.
            (
                &[a.cosign(TEXT, 1), b.cosign(TEXT, 8), c.cosign(TEXT, 9)],
                &[by("A", 1), by("B", 8), by("C", 9)],
                &[],
                Ok(Some(time(8))),
            ),
            // A bad one spoils the note even where the others are enough.
            (
                &[a.cosign(TEXT, 1), b.cosign(TEXT, 8), c.cosign(other, 9)],
                &[by("A", 1), by("B", 8)],
                &["C"],
                bad("C"),
            ),
            (
                &[
                    a.cosign(TEXT, 1),
                    b.cosign(TEXT, 8),
                    b.cosign(other, 8),
                    c.cosign(other, 9),
                ],
                &[by("A", 1)],
                &["B", "C"],
                bad("B, C"),
            ),
        ] {
            let note = note(&[from_ref(&signed), lines].concat());
            let found = outcome(&policy, &note).unwrap();
            assert_eq!(found.0, witnesses, "{note}");
            assert_eq!(found.1, bad_ones, "{note}");
            assert_eq!(found.2, quorum, "{note}");
        }
    }

    #[test]
    fn without_a_quorum_witnesses_are_verified_but_bound_nothing() {
        let (policy, log, [a, ..]) = setup("quorum none\n");
        let lines = [log.sign(TEXT), a.cosign(TEXT, 5)];
        let found = outcome(&policy, &note(&lines)).unwrap();
        assert_eq!(found.0, [("A".to_string(), time(5))]);
        assert_eq!(found.2, Ok(None));
        let lines = [log.sign(TEXT), a.key.signature_line(&[1; 72])];
        assert!(outcome(&policy, &note(&lines)).unwrap().2.is_err());
    }

    #[test]
    fn the_number_of_verified_cosignatures_is_bounded() {
        let (policy, log, [a, ..]) = setup(TWO_OF_THREE);
        let lines = |n| [log.sign(TEXT), a.cosign(TEXT, 5).repeat(n)];
        assert!(outcome(&policy, &note(&lines(16))).is_ok());
        let limit = |limit| Error::Note(note::Error::TooManyKnownSignatures { limit });
        assert_eq!(outcome(&policy, &note(&lines(17))), Err(limit(16)));

        // A policy of 32 witnesses allows one line each, but not 17 of one.
        let witnesses: Vec<Signer> = (10..42).map(|seed| Signer::witness("w", seed)).collect();
        let mut text = format!("log {}\n", log.vkey());
        let mut members = String::new();
        for (i, witness) in witnesses.iter().enumerate() {
            text += &format!("witness W{i} {}\n", witness.vkey());
            members += &format!(" W{i}");
        }
        text += &format!("group G all{members}\nquorum G\n");
        let policy = TlogPolicy::parse(&text).unwrap();
        let mut lines: Vec<String> = witnesses.iter().map(|w| w.cosign(TEXT, 7)).collect();
        lines.push(log.sign(TEXT));
        let found = outcome(&policy, &note(&lines)).unwrap();
        assert_eq!(found.2, Ok(Some(time(7))));
        lines.push(witnesses[0].cosign(TEXT, 7));
        assert_eq!(outcome(&policy, &note(&lines)), Err(limit(32)));
        let lines = [log.sign(TEXT), witnesses[0].cosign(TEXT, 7).repeat(17)];
        let witness = "W0".to_string();
        assert_eq!(
            outcome(&policy, &note(&lines)),
            Err(Error::TooManyOfOne { witness })
        );
    }
}
