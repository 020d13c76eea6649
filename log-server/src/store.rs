//! The store: everything that a log must never lose, and the one transaction that it grows by.
//!
//! The trait is shaped by the invariants of the append protocol, not by a database. Its heart is
//! [`Store::commit`]: entries, claims on ids and assertions, the new head and its signed
//! checkpoint, all or nothing, and only if the head is still the one that the batch was built on.
//! Because every append moves the head, what [`Store::claimed`] said under a head is still so when
//! a commit on that head succeeds. Several writers may therefore share one store.

pub(crate) mod sqlite;

use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::tlog::merkle::Hash;

use crate::failure::Result;

/// A committed tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// Signed by the log.
    pub(crate) checkpoint: String,
}

/// The two things that an entry takes for ever: its approval id and its assertion.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Claim {
    pub(crate) approval: Hash,
    pub(crate) assertion: Hash,
}

impl Claim {
    /// SHA-256 of what identifies the assertion ([`Entry::assertion_identity`]).
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            approval: entry.approval_id_hash,
            assertion: sha256(&entry.assertion_identity()),
        }
    }
}

/// Which entries hold the two halves of a claim.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Holders {
    pub(crate) approval: Option<u64>,
    pub(crate) assertion: Option<u64>,
}

/// How much of an approval the public look-up shows.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Disclosure {
    /// The leaf and its proof.
    Sealed,
    /// Also what ties the leaf to the approval, and with it the hash of the payload.
    Hash,
    /// Also the payload, its label, and the approver as far as the log knows.
    Public,
}

impl Disclosure {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "sealed" => Self::Sealed,
            "hash" => Self::Hash,
            "public" => Self::Public,
            _ => return None,
        })
    }

    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            2 => Self::Public,
            1 => Self::Hash,
            _ => Self::Sealed,
        }
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Sealed => 0,
            Self::Hash => 1,
            Self::Public => 2,
        }
    }
}

/// The evidence that the log keeps beside the public tree, and can erase.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Evidence {
    pub(crate) disclosure: Disclosure,
    pub(crate) approval_id: Option<String>,
    pub(crate) client_data_json: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) action: Option<String>,
    pub(crate) blind: Option<[u8; 32]>,
    pub(crate) salt: Option<[u8; 32]>,
    pub(crate) email: Option<String>,
}

impl Evidence {
    /// Whether `other` has everything that is here.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        fn kept<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> bool {
            old.is_none() || old == new
        }
        kept(self.approval_id.as_ref(), other.approval_id.as_ref())
            && kept(
                self.client_data_json.as_ref(),
                other.client_data_json.as_ref(),
            )
            && kept(self.payload.as_ref(), other.payload.as_ref())
            && kept(self.action.as_ref(), other.action.as_ref())
            && kept(self.blind.as_ref(), other.blind.as_ref())
            && kept(self.salt.as_ref(), other.salt.as_ref())
            && kept(self.email.as_ref(), other.email.as_ref())
    }
}

/// How a change of evidence ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Replaced {
    Done,
    /// Something else is kept by now: nothing was written.
    Other,
}

/// A new entry on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Addition {
    pub(crate) leaf: String,
    pub(crate) claim: Claim,
    pub(crate) evidence: Evidence,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Committed,
    /// The head is another one: nothing was written.
    Moved,
}

/// Where a log commits.
pub(crate) trait Store: Send {
    /// The committed head.
    fn head(&mut self) -> Result<Head>;

    /// The holders of these claims, in one snapshot that is not older than the head.
    fn claimed(&mut self, claims: &[Claim]) -> Result<Vec<Holders>>;

    /// Appends, in one durable transaction, and only on top of `old`. After an error the outcome
    /// is unknown: the caller reads the head again before anything else.
    ///
    /// Leaves below `published` need not be kept any longer.
    fn commit(
        &mut self,
        old: &Head,
        new: &Head,
        additions: &[Addition],
        published: u64,
    ) -> Result<Outcome>;

    /// Whether there is something already where the next entry belongs.
    fn is_taken(&mut self) -> Result<bool>;

    /// A committed leaf that is not published.
    fn staged_leaf(&mut self, index: u64) -> Result<String>;

    /// The committed leaves from `first` on, in order and without a hole.
    fn staged(&mut self, first: u64) -> Result<Vec<String>>;
}
