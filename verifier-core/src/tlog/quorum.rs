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
use crate::tlog::note::{self, Note, VerifierKey};
use crate::tlog::policy::{Policy, QuorumNotMet, Witness};
use crate::{Failure, quote};

impl Policy {
    /// The first step: a log of the policy, named like the checkpoint's origin, has signed it.
    ///
    /// Lines of other keys are ignored; one bad signature of any log in the policy is an error.
    pub fn verify_log<'a>(
        &'a self,
        crypto: &dyn Crypto,
        checkpoint: &'a SignedCheckpoint<'a>,
    ) -> Result<LogSigned<'a>, Error> {
        let note = checkpoint.note();
        let origin = checkpoint.checkpoint().origin();
        let keys = self.logs().iter().map(|log| log.key());
        let mut signed_by = None;
        for (key, line) in note
            .lines_of(keys, Note::MAX_VERIFIED)
            .map_err(Error::Note)?
        {
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
}

/// A checkpoint that a log of the policy has signed. Only [`Policy::verify_log`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct LogSigned<'a> {
    policy: &'a Policy,
    checkpoint: &'a SignedCheckpoint<'a>,
    key: &'a VerifierKey,
}

impl<'a> LogSigned<'a> {
    /// What the log says: origin, size and root.
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
    /// report can name them. More lines than 16, or than the policy has witnesses, are an error,
    /// and so are more than 16 of one witness.
    pub fn verify_cosignatures(&self, crypto: &dyn Crypto) -> Result<Cosigned<'a>, Error> {
        let witnesses = self.policy.witnesses();
        let note = self.checkpoint.note();
        let limit = witnesses.len().max(Note::MAX_VERIFIED);
        let keys = witnesses.iter().map(Witness::key);
        let lines = note.lines_of(keys, limit).map_err(Error::Note)?;

        let mut times: Vec<Option<Time>> = vec![None; witnesses.len()];
        let mut bad = Vec::new();
        for (witness, time) in witnesses.iter().zip(&mut times) {
            let own = lines.iter().filter(|(key, _)| *key == witness.key());
            if own.clone().count() > Note::MAX_VERIFIED {
                return Err(Error::TooManyOfOne {
                    witness: witness.name().to_string(),
                });
            }
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
}

impl<'a> QuorumMet<'a> {
    /// What the log says: origin, size and root.
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
}

/// Why a checkpoint does not meet the policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cosignature of a witness in the policy does not verify.
    #[error("the cosignature of {} does not verify", quote(witnesses))]
    BadCosignature {
        /// The names of the witnesses in the policy.
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
        /// The names of those that have cosigned, or `none`.
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
    let names: Vec<&str> = witnesses.map(Witness::name).collect();
    if names.is_empty() {
        String::from("none")
    } else {
        names.join(", ")
    }
}
