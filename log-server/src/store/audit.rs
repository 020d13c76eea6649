//! The questions of `fsck` to a store: is every row right, and is none too many?

use std::fmt::Debug;

use super::{Claim, Evidence, Head, Holders};
use crate::error::Result;

/// A table of claims.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Claims {
    Approvals,
    Assertions,
}

/// A row of an entry that does not exist: its table, and the index that it names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stray {
    pub(crate) table: &'static str,
    pub(crate) leaf: i64,
}

/// The evidence beside an entry, as it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    /// `None` if it is sealed, and this process does not have its key.
    pub(crate) kept: Option<Evidence>,
    /// Whether it is what was written.
    pub(crate) written: bool,
}

/// A store under examination. Changes nothing, and keeps no snapshot for long: a running log goes
/// on, and erases.
pub(crate) trait Audit: Debug {
    /// Faults that the back end finds in itself: in its files, in its schema. Each was looked for,
    /// whatever came of those before.
    fn complaints(&self) -> Vec<Result<String>>;

    /// The names of tokens that are not what was written.
    fn damaged_tokens(&self) -> Result<Vec<String>>;

    /// The committed head.
    fn head(&self) -> Result<Head>;

    /// The holders of a claim.
    fn holders(&self, claim: &Claim) -> Result<Holders>;

    /// The evidence beside an entry.
    fn evidence(&self, leaf: u64) -> Result<Option<Found>>;

    /// How many claims of a kind the first `size` entries have, and the rows of entries that do not
    /// exist.
    fn count_claims(&self, kind: Claims, size: u64) -> Result<(u64, Vec<Stray>)>;

    /// All other rows of entries that do not exist.
    fn strays(&self) -> Result<Vec<Stray>>;

    /// The staged leaves from `first` on, in order and without a hole.
    fn staged(&self, first: u64) -> Result<Vec<String>>;

    /// Staged leaves before `end`: what was published, and is dropped with the next commit.
    fn staged_before(&self, end: u64) -> Result<Vec<(u64, String)>>;
}
