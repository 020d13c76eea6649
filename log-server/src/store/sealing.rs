//! The erasure keys of a log whose evidence is sealed, and the change from one to the next.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::error::Result;

/// The erasure keys of a log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ErasureKeys {
    /// The id of the one that evidence is sealed under; `None` if it is kept plain.
    pub(crate) current: Option<String>,
    /// The ids of all that may have sealed some, the current one among them.
    pub(crate) needed: Vec<String>,
}

/// How much is sealed under which key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Census {
    /// Entries with evidence, by the id of the erasure key.
    pub(crate) sealed: BTreeMap<String, u64>,
    /// Entries whose evidence is kept plain.
    pub(crate) plain: u64,
}

/// A step of a long work: it can be interrupted after each one, and begun anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    /// How many entries were changed.
    pub(crate) done: u64,
    /// The entry to go on with.
    pub(crate) next: u64,
}

/// Takes every step, and counts what was changed.
pub(crate) fn all(mut step: impl FnMut(u64) -> Result<Option<Step>>) -> Result<u64> {
    let (mut done, mut next) = (0, 0);
    while let Some(step) = step(next)? {
        done += step.done;
        next = step.next;
    }
    Ok(done)
}

/// The change from one erasure key to another, while the log runs.
///
/// First [`Sealing::begin`]: from then on everything new is sealed under the new key. Then, from
/// entry 0 on, [`Sealing::rewrap`] and [`Sealing::seal`] until they have no step more, and
/// [`Sealing::end`]. Whoever was interrupted begins again.
pub(crate) trait Sealing: Debug {
    fn keys(&mut self) -> Result<ErasureKeys>;

    /// Counts what some entries from `first` on have; `None` at the end.
    fn count(&mut self, first: u64, census: &mut Census) -> Result<Option<u64>>;

    /// Makes this key the current one, which this process has, beside all that are needed but
    /// for those that are `lost`.
    fn begin(&mut self, id: &str, lost: &[String]) -> Result<()>;

    /// Erases some evidence from this entry on that lost keys alone can open; `None` at the end.
    fn give_up(&mut self, first: u64, lost: &[String]) -> Result<Option<Step>>;

    /// Brings some wrapped keys from this entry on under the current erasure key; `None` at the end.
    fn rewrap(&mut self, first: u64) -> Result<Option<Step>>;

    /// Seals some plain evidence from this entry on; `None` at the end.
    fn seal(&mut self, first: u64) -> Result<Option<Step>>;

    /// Says that no key but the current one, which has to be this one, is needed any more. Returns those
    /// that were. What was plain is gone from the tables when the [`Eraser`](super::Eraser) is done.
    fn end(&mut self, id: &str) -> Result<Vec<String>>;
}
