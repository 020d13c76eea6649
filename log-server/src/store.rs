//! The store: everything that a log must never lose, the one transaction that it grows by, and what
//! everybody may read of it.
//!
//! A back end is one implementation of [`Backend`], which hands out the rest:
//!
//! ```text
//! Lead ─► Store      the writer: claims, commits
//!     ├─► Publish    the public checkpoint, which never goes back
//!     ├─► Tenure     the right to both, renewed every second
//!     └─► Brake      the end of a log that went back
//! Members            what is public, and who leads           any number of threads
//! Records            look-ups, evidence, disclosure          any number of threads
//! Tokens             those who may write                     any number of threads
//! Eraser             the end of erasures                     one thread
//! Audit              the questions of fsck                   another process
//! Intake             a log that comes from elsewhere         another process
//! Sealing            the keys that evidence is erased with    another process
//! Objects            the public files: tiles and anchors     everybody
//! ```
//!
//! The traits are shaped by the invariants of the append protocol, not by a database. Their heart is
//! [`Store::commit`]: entries, claims on ids and assertions, the new head and its signed
//! checkpoint, all or nothing, and only if the head is still the one that the batch was built on.
//! Because every append moves the head, what [`Store::claimed`] said under a head is still so when
//! a commit on that head succeeds. Several writers may therefore share one store.
//!
//! All calls block. They are made by threads of their own, or beside the threads that answer, and
//! once begun a commit has an end: a future could be dropped in the middle of one, and nobody would
//! know what became of it. A back end whose client is asynchronous waits for it here.
//!
//! Every rule in the comments here is a test in `conformance`, which any back end has to pass.

mod audit;
#[cfg(feature = "s3")]
mod bucket;
#[cfg(test)]
pub(crate) mod conformance;
mod detached;
mod directory;
mod embedded;
mod error;
mod evidence;
pub(crate) mod heads;
mod intake;
#[cfg(test)]
mod memory;
mod objects;
#[cfg(feature = "postgres")]
mod postgres;
pub(crate) mod sealing;
mod sqlite;
mod tokens;

use std::any::Any;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::Hash;

use crate::error::Result;

pub(crate) use audit::{Audit, Claims, Found, Stray};
#[cfg(test)]
pub(crate) use bucket::faulty::{Fault, Faulty};
#[cfg(feature = "s3")]
pub(crate) use bucket::{Address, Bucket, Endpoint};
pub(crate) use detached::Detached;
pub(crate) use directory::Directory;
pub(crate) use embedded::{Contents, CopiedDatabase, Embedded};
pub use error::DatabaseError;
pub(crate) use error::Trouble;
pub(crate) use evidence::{Disclosure, Eraser, Evidence, Records, Replaced};
pub(crate) use heads::Heads;
pub(crate) use intake::Intake;
#[cfg(test)]
pub(crate) use memory::Memory;
pub(crate) use objects::{CHECKPOINT, Listed, Objects, walk};
#[cfg(feature = "postgres")]
pub(crate) use postgres::{Postgres, address as database_address};
pub(crate) use sealing::Sealing;
pub(crate) use tokens::{TokenRow, Tokens};

/// A committed tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// Signed by the log.
    pub(crate) checkpoint: String,
}

/// The two things that an entry takes for ever: its id, and its assertion.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Claim {
    pub(crate) approval: Hash,
    pub(crate) assertion: Hash,
}

impl Claim {
    /// SHA-256 of what identifies the assertion ([`Leaf::assertion_identity`]).
    pub(crate) fn of(entry: &Leaf) -> Self {
        Self {
            approval: entry.id_hash(),
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

/// A new entry on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Addition {
    pub(crate) leaf: String,
    pub(crate) claim: Claim,
    pub(crate) evidence: Evidence,
}

/// The end of a log: it takes no new entry any more, for ever.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Closing {
    /// When, by the clock of whoever closed it.
    pub(crate) at: String,
    /// The address of the log that goes on, if one was named.
    pub(crate) successor: Option<String>,
}

/// How a commit ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The log is closed: nothing was written, nor will be.
    Closed(Closing),
    Committed,
    /// The head is another one: nothing was written.
    Moved,
}

/// Where a log commits.
pub(crate) trait Store: Debug + Send {
    /// The committed head.
    fn head(&mut self) -> Result<Head>;

    /// The committed head after a commit whose outcome is unknown. That commit has taken effect by
    /// now, or never will: where a read does not say so, something is written first. An error if
    /// another process leads.
    fn settle(&mut self) -> Result<Head>;

    /// The holders of these claims, in one snapshot that is not older than the head.
    fn claimed(&mut self, claims: &[Claim]) -> Result<Vec<Holders>>;

    /// Appends, in one durable transaction, and only on top of `old`: never to a log that is closed.
    /// After an error the outcome is unknown: the caller [settles](Store::settle) that before anything
    /// else.
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

/// Where a log publishes.
pub(crate) trait Publish: Debug + Send {
    /// Makes a checkpoint of a committed head the public one, durably, unless that would take the
    /// log back: whoever else publishes is ahead of this process, which must not go on. The same
    /// head may be published again, with more cosignatures.
    fn publish(&mut self, checkpoint: &str, size: u64) -> Result<()>;
}

/// The right to commit and to publish, for as long as it is renewed.
pub(crate) trait Tenure: Debug + Send {
    /// Says that this process still leads, every second. [`LogError::Deposed`] if it does not; after
    /// any other error it may, and asks again.
    ///
    /// [`LogError::Deposed`]: crate::LogError::Deposed
    fn renew(&mut self) -> Result<()>;
}

/// The end of a log that several machines keep, when one of them finds that its database went back.
pub(crate) trait Brake: Debug + Send + Sync {
    /// Lets nobody lead the log any more, in this database, also after every restart, and keeps the
    /// reason for people. [`LogError::Deposed`] if this process does not lead: what it compares the
    /// world with may be old, and says nothing about the log.
    ///
    /// [`LogError::Deposed`]: crate::LogError::Deposed
    fn freeze(&self, why: &str) -> Result<()>;
}

/// The right to commit and to publish.
///
/// It is had by one process at a time. Either nobody else gets one before this one is dropped, or
/// from the moment that somebody does, no commit and no publication under this one takes effect.
#[derive(Debug)]
pub(crate) struct Lead {
    pub(crate) store: Box<dyn Store>,
    pub(crate) publish: Box<dyn Publish>,
    /// `None` if nobody else can come to lead before this is dropped.
    pub(crate) tenure: Option<Box<dyn Tenure>>,
    /// `None` if the log is that of one process, which finds out again at each start.
    pub(crate) brake: Option<Arc<dyn Brake>>,
    /// Dropped last, when no thread uses the back end any more.
    pub(crate) guard: Box<dyn Any + Send>,
}

/// Whether somebody leads.
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "the embedded back end is that of one process")
)]
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Leadership {
    /// Somebody does, who can be reached at this address if they have said one.
    Held(Option<String>),
    /// Nobody does, nor ever will in this database, for this reason.
    Frozen(String),
    /// Nobody does, or nobody has said so for too long.
    Vacant,
}

/// What the members of a log that several machines keep ask it, from many threads at a time.
pub(crate) trait Members: Debug + Send + Sync {
    /// The public checkpoint, not older than the call. [`LogError::Rollback`] if the log is frozen.
    ///
    /// [`LogError::Rollback`]: crate::LogError::Rollback
    fn published(&self) -> Result<String>;

    fn leadership(&self) -> Result<Leadership>;

    /// Freezes the log for this reason if what is committed is behind a head that was public before, or
    /// of another tree of that size; says whether it is. What is public may go back for a moment, when a server
    /// takes over that has not heard of it: the one that leads publishes it again.
    fn accuse(&self, shown: &Head, why: &str) -> Result<bool>;
}

/// Everything that one log is kept in.
pub(crate) trait Backend: Debug + Send + Sync {
    /// The database's name for people, as messages begin with it.
    fn name(&self) -> String;

    /// Whether there is a log.
    fn exists(&self) -> Result<bool>;

    /// Fails if there is a log already, or something left of one.
    fn require_vacant(&self) -> Result<()>;

    /// Makes a log with this head. Whatever happens, there is a whole log afterwards or none.
    fn create(&self, head: &Head) -> Result<()>;

    /// Becomes the one that commits and publishes. Brings what an older version has written to the
    /// form of this one.
    fn lead(&self) -> Result<Lead>;

    /// The committed head, beside one that leads. Brings what an older version has written to the
    /// form of this one.
    fn head(&self) -> Result<Head>;

    /// Lets nothing be appended any more, durably, beside one that leads. A log that is closed already
    /// stays closed since then, and gets this successor if one is named.
    fn close(&self, closing: &Closing) -> Result<()>;

    /// The public checkpoint, as everybody reads it. An error if there is none.
    fn published(&self) -> Result<String>;

    fn records(&self) -> Result<Arc<dyn Records>>;

    fn tokens(&self) -> Result<Arc<dyn Tokens>>;

    fn eraser(&self) -> Result<Arc<dyn Eraser>>;

    fn audit(&self) -> Result<Box<dyn Audit>>;

    fn objects(&self) -> Arc<dyn Objects>;

    /// The committed heads among the objects, if these are kept elsewhere than the database, and do
    /// not go back with it.
    fn heads(&self) -> Option<Heads> {
        None
    }

    /// The view of a member; `None` if this log is that of one process.
    fn members(&self) -> Result<Option<Arc<dyn Members>>> {
        Ok(None)
    }

    /// The erasure keys that evidence is sealed under; `None` where what is erased is overwritten.
    fn sealing(&self) -> Result<Option<Box<dyn Sealing>>> {
        Ok(None)
    }

    /// The way into this back end for a log that is elsewhere, under whose name nothing is there;
    /// `None` if there is none.
    fn intake(&self) -> Result<Option<Box<dyn Intake>>> {
        Ok(None)
    }

    /// Copies what was committed, as it was at one head, into a file in the form of the
    /// [`Embedded`] back end. The file is there and empty.
    fn copy_to(&self, file: &Path) -> Result<()>;
}
