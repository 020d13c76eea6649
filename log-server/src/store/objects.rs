//! The public objects: named bytes that everybody may read, as a folder or a bucket has them.
//!
//! ```text
//! checkpoint                           the one that changes, and does not go back
//! tile/…                               written once, and the same bytes if written again
//! anchors/index.json                   changes
//! anchors/<size>/checkpoint, …         see anchor::archive
//! ```
//!
//! No implementation is asked to compare and swap: many object stores accept the condition and
//! ignore it. So an object that must not go back is guarded by whoever leads ([`Checkpoint`]), or
//! by a row of the database.

use std::fmt::Debug;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use verifier_core::Time;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;

use super::Publish;
use crate::error::{LogError, Result};
use crate::failpoint;

/// The name of the public checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// How many objects [`Objects::put_all`] writes at a time.
const ABREAST: usize = 8;

/// An item of a folder.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Listed {
    /// The whole name of a folder, without a slash at its end.
    Folder(String),
    /// The whole name of an object.
    Object(String),
}

/// Named bytes. A name is relative, of parts with slashes between them.
pub(crate) trait Objects: Debug + Send + Sync {
    /// The bytes under this name; `None` if there are none.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Puts bytes under a name, in place of what was there. Readers get the old ones or the new
    /// ones. They are durable when this returns.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()>;

    /// [`Objects::put`] for several names, in no order, and most of the time goes into waiting. After
    /// an error any of them may be there.
    fn put_all(&self, objects: &[(String, &[u8])]) -> Result<()> {
        let write = |(name, bytes): &(String, &[u8])| -> Result<()> {
            self.put(name, bytes)?;
            failpoint::pass("after-tile");
            Ok(())
        };
        for some in objects.chunks(ABREAST) {
            let Some((own, others)) = some.split_last() else {
                continue;
            };
            std::thread::scope(|scope| {
                let writers: Vec<_> = others
                    .iter()
                    .map(|one| scope.spawn(|| write(one)))
                    .collect();
                write(own)?;
                writers.into_iter().try_for_each(|writer| -> Result<()> {
                    let failed = |_| LogError::System("a tile could not be written".into());
                    writer.join().map_err(failed)?
                })
            })?;
        }
        Ok(())
    }

    /// Whether there are bytes under this name.
    fn has(&self, name: &str) -> Result<bool>;

    /// When the bytes under this name were written, by the clock of whoever keeps them.
    fn written(&self, name: &str) -> Result<Option<Time>>;

    /// The folders and objects right within a folder, in no order; none if there is no such folder.
    /// An object that was put in the last moments may be missing, as in the lists of some stores.
    fn list(&self, folder: &str) -> Result<Vec<Listed>>;

    /// Removes an object, if it is there. A crash may bring it back.
    fn delete(&self, name: &str) -> Result<()>;

    /// Removes everything in a folder, if it is there. A crash may bring it back.
    fn delete_folder(&self, folder: &str) -> Result<()>;

    /// The place of an object for people, as messages begin with it.
    fn place(&self, name: &str) -> String;

    /// The bytes under a name that has to be there.
    fn there(&self, name: &str) -> Result<Vec<u8>> {
        self.get(name)?
            .ok_or_else(|| self.wrong(name, ErrorKind::NotFound, "it is not there"))
    }

    /// The text under a name that has to be there.
    fn text(&self, name: &str) -> Result<String> {
        String::from_utf8(self.there(name)?)
            .map_err(|_| self.wrong(name, ErrorKind::InvalidData, "it is no text"))
    }

    /// An error about one object.
    fn wrong(&self, name: &str, kind: ErrorKind, what: &str) -> LogError {
        LogError::File {
            path: PathBuf::from(self.place(name)),
            error: Error::new(kind, what),
        }
    }
}

/// The names of all objects below a folder, those of its folders before its own.
pub(crate) fn walk(objects: &dyn Objects, folder: &str) -> Result<Vec<String>> {
    let (mut folders, mut names) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for listed in objects.list(&folder)? {
            match listed {
                Listed::Folder(inner) => folders.push(inner),
                Listed::Object(name) => names.push(name),
            }
        }
    }
    // The outer folder was the first.
    names.reverse();
    Ok(names)
}

/// The public checkpoint as an object, for back ends that let nobody else lead meanwhile.
#[derive(Debug)]
pub(super) struct Checkpoint(pub(super) Arc<dyn Objects>);

impl Publish for Checkpoint {
    fn publish(&mut self, checkpoint: &str, size: u64) -> Result<()> {
        let text = self.0.text(CHECKPOINT)?;
        let place = self.0.place(CHECKPOINT);
        let there = SignedCheckpoint::parse(&text)
            .map_err(|error| LogError::damage(format!("{place}: {error}")))?;
        not_back(there.checkpoint().size(), size)?;
        self.0.put(CHECKPOINT, checkpoint.as_bytes())
    }
}

/// Fails if a head of `size` entries would take the place of one that has more.
pub(super) fn not_back(found: u64, size: u64) -> Result<()> {
    if found > size {
        return Err(LogError::damage(format!(
            "the public checkpoint has {found} entries and this process only {size}: another one \
             publishes this log. Stop both, run `cosignet-log fsck`, and start one"
        )));
    }
    Ok(())
}
