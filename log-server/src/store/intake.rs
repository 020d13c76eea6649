//! A log on its way into a back end from another one.

use std::fmt::Debug;

use super::{Claims, Evidence, Head, TokenRow};
use crate::error::Result;

/// A log that arrives, piece by piece, in order: the heads first.
///
/// Before the end nobody finds it under its name, and so nobody leads it. What an attempt that was
/// interrupted has left is taken away by the next one.
pub(crate) trait Intake: Debug {
    /// Begins with the committed head and the published one.
    fn begin(&mut self, head: &Head, published: &Head) -> Result<()>;

    /// Committed leaves that are not published, the first of them with this index.
    fn staged(&mut self, first: u64, leaves: &[String]) -> Result<()>;

    /// Some hashes of a kind, and the entries that hold them.
    fn claims(&mut self, kind: Claims, rows: &[(Vec<u8>, i64)]) -> Result<()>;

    /// What is kept beside some entries.
    fn evidence(&mut self, rows: &[(u64, Evidence)]) -> Result<()>;

    fn token(&mut self, token: &TokenRow) -> Result<()>;

    /// Entries whose erasure is not finished.
    fn erasing(&mut self, leaves: &[u64]) -> Result<()>;

    /// All of it is there: from now on it is the log.
    fn finish(&mut self) -> Result<()>;
}
