//! Evidence against a log: one file that anybody can check, and what it proves.
//!
//! Only what signatures prove is an alarm. That a log is slow, down, behind, or serves bytes that
//! do not fit its signed head is not: anybody between the log and the reader could have done that.
//! docs/spec/alarm.md has the format and the rules.

mod file;
mod judge;

use alloc::string::String;
use alloc::vec::Vec;

use crate::bitcoin::chain::HeaderChain;
use crate::code::{Code, Effect};
use crate::json;
use crate::kind;
use crate::policy::Policy;
use crate::schema;
use crate::signature::Crypto;
use crate::time::{CLOCK_ALLOWANCE_MILLIS, Time};
use crate::tlog::merkle::Hash;

/// The `type` of the alarms that this version understands.
pub const TYPE: &str = kind::ALARM;

/// How far, in milliseconds, a time that the service claims may lie outside what is proven before
/// it is held against the log: one allowance for the log's clock, and one for the clocks of others.
pub const ALLOWANCE_MILLIS: u64 = 2 * CLOCK_ALLOWANCE_MILLIS;

/// An alarm, well formed on the outside. Nothing in it has been judged.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Alarm {
    /// The evidence.
    pub evidence: Evidence,
    /// The finder's own account. Nothing vouches for it.
    pub observed: Observed,
}

/// The account of an alarm by its finder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// When the evidence was seen.
    pub at: Option<Time>,
    /// Where it was seen.
    pub from: Vec<String>,
}

/// The evidence of an alarm, by kind.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Evidence {
    /// An entry that no log of approvals may hold.
    BadEntry(Logged),
    /// Two entries with one approval id, or with one assertion.
    Duplicate(Logged, Logged),
    /// Two heads that contradict each other.
    Fork {
        /// The head of the smaller tree, or either one if they are of one size.
        first: String,
        /// The head of the larger tree.
        second: String,
        /// The hashes that lead to the smaller tree's root according to the larger one, see
        /// [`verify_prefix`](crate::tlog::merkle::verify_prefix); empty for one size.
        prefix: Vec<Hash>,
    },
    /// An entry that was admitted long after it was decided, as one before it shows.
    Late {
        /// The entry with the smaller index, decided later.
        before: Logged,
        /// The entry that came late.
        late: Logged,
    },
    /// An entry that was in the log before it was decided.
    PostDated {
        /// The entry, in a head whose time is proven.
        logged: Logged,
        /// The OpenTimestamps proof of that head, if it is not its witnesses that prove the time.
        ots: Option<Vec<u8>>,
    },
}

/// An entry and its place in a log.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Logged {
    /// The bytes of the leaf, whatever they are.
    pub entry: Vec<u8>,
    /// A c2sp.org/tlog-proof text.
    pub proof: String,
}

impl Logged {
    /// An entry and the proof that a log holds it.
    pub fn new(entry: Vec<u8>, proof: String) -> Self {
        Self { entry, proof }
    }
}

/// The trust under which an alarm is judged.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Whose keys the log's and the witnesses' are, and which rules the log has to follow.
    pub policy: &'a Policy,
    /// Bitcoin's headers, verified, for alarms that rest on a block.
    pub headers: Option<&'a HeaderChain<'a>>,
    /// The back end for signatures.
    pub crypto: &'a dyn Crypto,
}

impl<'a> Request<'a> {
    /// Without headers.
    pub fn new(policy: &'a Policy, crypto: &'a dyn Crypto) -> Self {
        Self {
            policy,
            headers: None,
            crypto,
        }
    }
}

/// A proven alarm. Only [`Alarm::judge`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proven {
    kind: &'static str,
    statement: String,
    against: Vec<Accused>,
    not_proven: Vec<String>,
}

/// A key that is answerable for something it signed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Accused {
    /// `log` or `witness`.
    pub role: &'static str,
    /// Its verifier key.
    pub vkey: String,
}

impl Proven {
    /// The kind of misbehaviour, such as `fork.same_size`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The proven fact, in one sentence.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// The keys that are answerable for it.
    pub fn against(&self) -> &[Accused] {
        &self.against
    }

    /// The conclusions that must not be drawn.
    pub fn not_proven(&self) -> &[String] {
        &self.not_proven
    }
}

/// Why an alarm proves nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part of the evidence does not hold, or cannot be checked.
    #[error("{sentence}")]
    Evidence {
        /// The fault, as one of the core's codes.
        code: Code,
        /// The same in a sentence.
        sentence: String,
    },
    /// A member is missing, unknown or wrong.
    #[error("the alarm does not follow its format: {0}")]
    Field(#[from] schema::Error),
    /// Larger than [`Alarm::MAX_BYTES`], or not strict JSON.
    #[error("the alarm is not strict JSON: {0}")]
    NotJson(json::Error),
    /// The deciding fact is not at hand.
    #[error("{0}")]
    Open(String),
    /// All of it holds, and it is no misbehaviour.
    #[error("{0}")]
    Unproven(String),
}

impl Error {
    /// A stable code: that of the core where there is one, else `alarm.form`, `alarm.open` or
    /// `alarm.unproven`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Evidence { code, .. } => code.as_str(),
            Self::Field(_) | Self::NotJson(_) => "alarm.form",
            Self::Open(_) => "alarm.open",
            Self::Unproven(_) => "alarm.unproven",
        }
    }

    /// The effect on the verdict about the alarm.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Evidence { code, .. } => code.effect(),
            Self::Field(_) | Self::NotJson(_) => Effect::Malformed,
            Self::Open(_) => Effect::Incomplete,
            Self::Unproven(_) => Effect::Reject,
        }
    }
}
