//! The evidence that the log keeps beside the public tree, what is shown of it, and its erasure.

use std::fmt::Debug;

use verifier_core::hazmat::tlog::merkle::Hash;

use super::{Claim, Closing, Holders};
use crate::error::Result;

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
    /// The text of the context that was signed.
    pub(crate) context: Option<String>,
    /// The random part of what a refusal signs.
    pub(crate) refusal: Option<[u8; 32]>,
}

impl Evidence {
    /// As little as can be kept.
    pub(crate) fn sealed() -> Self {
        Self {
            disclosure: Disclosure::Sealed,
            approval_id: None,
            client_data_json: None,
            payload: None,
            action: None,
            blind: None,
            salt: None,
            email: None,
            context: None,
            refusal: None,
        }
    }

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
            && kept(self.context.as_ref(), other.context.as_ref())
            && kept(self.refusal.as_ref(), other.refusal.as_ref())
    }
}

/// How a change of evidence ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Replaced {
    Done,
    /// Something else is kept by now: nothing was written.
    Other,
}

/// Look-ups of what is kept beside the tree, and its replacement: for the answers to requests, from
/// many threads at a time.
///
/// Every question is answered from the newest commit at its begin, or a newer one.
pub(crate) trait Records: Debug + Send + Sync {
    /// The entry that holds an approval id. It may not be published yet.
    fn find(&self, approval: &Hash) -> Result<Option<u64>>;

    /// The holders of a claim.
    fn holders(&self, claim: &Claim) -> Result<Holders>;

    /// The end of the log, if it is closed. [`LogError::Rollback`] if it is frozen: what its database
    /// says is not all.
    ///
    /// [`LogError::Rollback`]: crate::LogError::Rollback
    fn closing(&self) -> Result<Option<Closing>>;

    /// The evidence beside an entry.
    fn evidence(&self, leaf: u64) -> Result<Option<Evidence>>;

    /// Replaces what is kept beside an entry, durably, if it is still `old`. What this takes away
    /// can be read no more, and is gone from all files when [`Records::is_erasing`] says so.
    fn replace_evidence(&self, leaf: u64, old: &Evidence, new: &Evidence) -> Result<Replaced>;

    /// Whether something that was erased beside this entry may still be in a file.
    fn is_erasing(&self, leaf: u64) -> Result<bool>;
}

/// The end of erasures. Once a change is durable, its bytes may still be in some file of the
/// database: this gets rid of them, and survives the end of the process.
pub(crate) trait Eraser: Debug + Send + Sync {
    /// How many erasures may still be in a file.
    fn pending(&self) -> Result<u64>;

    /// Gets rid of everything that was erased before, and shortens the journal. `false` if that
    /// cannot be done at the moment: nobody is waited for, and nobody waits.
    fn finish(&self) -> Result<bool>;

    /// How long the journal is that [`Eraser::finish`] empties, in bytes; 0 if there is none.
    fn journal(&self) -> u64;
}
