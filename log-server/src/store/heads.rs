//! The heads that were committed, as objects: a history of the log outside its database.
//!
//! ```text
//! heads/<size, 20 digits>     the head of this size, signed by the log alone
//! ```
//!
//! A head is put here after its commit and before any reader sees it. A database that went back
//! finds a head here that is ahead of it, or another one of the same size, and signs nothing more:
//! that would fork the log. The newest thousand are kept, and of each million entries the last.

use std::collections::BTreeMap;
use std::sync::Arc;

use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use super::{CHECKPOINT, Head, Listed, Objects};
use crate::error::{LogError, Result};
use crate::key::{self, LogKey};

/// The folder of all of them.
pub(crate) const FOLDER: &str = "heads";

/// How many of the newest are kept.
const NEWEST: usize = 1000;

/// How many of the newest are compared with the database at a start.
const COMPARED: usize = 3;

/// Of so many entries one head is kept for ever.
const STRIDE: u64 = 1_000_000;

/// The committed heads among the public objects.
#[derive(Clone, Debug)]
pub(crate) struct Heads(Arc<dyn Objects>);

impl Heads {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self(objects)
    }

    /// A committed head as an object.
    pub(crate) fn object(head: &Head) -> (String, &[u8]) {
        (name(head.size), head.checkpoint.as_bytes())
    }

    /// Keeps a committed head, unless another one of its size is there.
    pub(crate) fn keep(&self, key: &VerifierKey, head: &Head) -> Result<()> {
        self.admit(key, head)?;
        let (name, bytes) = Self::object(head);
        self.0.put(&name, bytes)
    }

    /// Fails if there is another head where this one belongs: somebody else signs with the same key.
    /// It is the only one that knows, and must not be overwritten.
    pub(crate) fn admit(&self, key: &VerifierKey, head: &Head) -> Result<()> {
        let (name, bytes) = Self::object(head);
        let Some(found) = self.0.get(&name)? else {
            return Ok(());
        };
        // Also what is left of an upload that was cut.
        if bytes.starts_with(&found) {
            return Ok(());
        }
        let place = self.0.place(&name);
        match self.read(key, &name, found)? {
            (size, root) if size == head.size && root == head.root => Ok(()),
            _ => Err(two_histories(&place, head.size)),
        }
    }

    /// Fails if the objects know of a head that the database does not lead to: the committed `head`
    /// has to be the largest, and the tree has to begin with the largest ones that are kept. `root`
    /// knows the roots of its beginnings.
    pub(crate) fn confirm(
        &self,
        key: &LogKey,
        head: &Head,
        root: &mut dyn FnMut(u64) -> Result<Hash>,
    ) -> Result<()> {
        let sizes = self.sizes()?;
        // The newest are not pruned, and a copy may not be there yet.
        let kept = sizes.iter().rev().take(COMPARED).copied().map(name);
        for name in kept.chain([CHECKPOINT.to_owned()]) {
            let place = self.0.place(&name);
            let Some(bytes) = self.0.get(&name)? else {
                if name == CHECKPOINT {
                    continue;
                }
                return Err(LogError::System(format!(
                    "{place} is listed and cannot be read: nothing is signed before it says how much \
                     this log has signed. Try again"
                )));
            };
            let (size, found) = self.read(key.public(), &name, bytes)?;
            if size > head.size {
                return Err(LogError::Rollback(format!(
                    "{place} is a head of {size} entries that this log has signed, and the \
                     database has only {}: the database went back, and going on would fork the log. \
                     Nothing was signed. Stop whatever else runs with this key, bring the newest \
                     database back, and start again; see OPERATIONS, \"A database that went back\"",
                    head.size
                )));
            }
            if root(size)? != found {
                return Err(two_histories(&place, size));
            }
        }
        Ok(())
    }

    /// The size and the root in an object that this log has signed.
    fn read(&self, key: &VerifierKey, name: &str, bytes: Vec<u8>) -> Result<(u64, Hash)> {
        let place = self.0.place(name);
        let text = String::from_utf8(bytes).unwrap_or_default();
        let (size, root) = key::open(key, &text).map_err(|error| {
            LogError::damage(format!(
                "{place} is not signed by the key of this log: {error}. Choose a place that no \
                 other log has; if this is the right one, keep it as it is for an investigation"
            ))
        })?;
        match size_of(name) {
            Some(named) if named != size => Err(LogError::damage(format!(
                "{place} is a head of {size} entries, under the name of another one: somebody else \
                 writes there. Keep it for an investigation, and restore the object from a backup"
            ))),
            _ => Ok((size, root)),
        }
    }

    /// Removes what need not be kept.
    pub(crate) fn prune(&self) -> Result<()> {
        for size in surplus(&self.sizes()?) {
            self.0.delete(&name(size))?;
        }
        Ok(())
    }

    /// The sizes of those that are kept, smallest first.
    pub(crate) fn sizes(&self) -> Result<Vec<u64>> {
        let listed = self.0.list(FOLDER)?;
        let mut sizes: Vec<u64> = listed
            .iter()
            .filter_map(|listed| match listed {
                Listed::Object(name) => size_of(name),
                Listed::Folder(_) => None,
            })
            .collect();
        sizes.sort_unstable();
        Ok(sizes)
    }
}

fn two_histories(place: &str, size: u64) -> LogError {
    LogError::Rollback(format!(
        "{place} is a head of {size} entries that this log has signed, and the database leads to \
         another one of that size: these are two histories, under one key. Nothing more is \
         published. Stop whatever else runs with this key, and keep both; see OPERATIONS, \"A \
         database that went back\""
    ))
}

/// The name of the head of this size. Names sort as sizes do.
pub(crate) fn name(size: u64) -> String {
    format!("{FOLDER}/{size:020}")
}

/// The size in a name, in its one spelling.
pub(crate) fn size_of(object: &str) -> Option<u64> {
    let digits = object.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let size = digits.parse().ok()?;
    (name(size) == object).then_some(size)
}

/// Those of these sizes, smallest first, that need not be kept.
fn surplus(sizes: &[u64]) -> Vec<u64> {
    let old = sizes.len().saturating_sub(NEWEST);
    let last: BTreeMap<u64, u64> = sizes.iter().map(|size| (size / STRIDE, *size)).collect();
    let is_last = |size: &u64| last.get(&(size / STRIDE)) == Some(size);
    let old = sizes.iter().take(old).copied();
    old.filter(|size| !is_last(size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Directory;

    fn head(key: &LogKey, size: u64, byte: u8) -> Head {
        key.head(size, [byte; 32]).unwrap()
    }

    #[test]
    fn a_database_that_went_back_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let objects: Arc<dyn Objects> = Arc::new(Directory::new(folder.path().into()));
        let heads = Heads::new(Arc::clone(&objects));
        let key = LogKey::generate("log.example").unwrap();
        let mut roots = |size: u64| -> Result<Hash> { Ok([u8::try_from(size).unwrap(); 32]) };
        let nine = head(&key, 9, 9);
        heads.confirm(&key, &nine, &mut roots).unwrap();
        let put = |head: &Head| {
            let (name, bytes) = Heads::object(head);
            objects.put(&name, bytes).unwrap();
        };
        put(&head(&key, 5, 5));
        put(&nine);
        let copy = head(&key, 7, 7);
        objects.put(CHECKPOINT, copy.checkpoint.as_bytes()).unwrap();
        heads.confirm(&key, &nine, &mut roots).unwrap();
        heads
            .confirm(&key, &head(&key, 12, 12), &mut roots)
            .unwrap();

        let told = |head: &Head| {
            let mut roots = |size: u64| -> Result<Hash> { Ok([u8::try_from(size).unwrap(); 32]) };
            let failure = heads.confirm(&key, head, &mut roots).unwrap_err();
            assert!(matches!(failure, LogError::Rollback(_)), "{failure}");
            failure.to_string()
        };
        let text = told(&head(&key, 8, 8));
        assert!(text.contains("heads/00000000000000000009"), "{text}");
        assert!(text.contains("the database has only 8"), "{text}");
        // Another history of the same size, and one that is ahead of it.
        put(&head(&key, 9, 1));
        assert!(told(&nine).contains("two histories"));
        assert!(told(&head(&key, 30, 30)).contains("two histories"));
        // A copy that is ahead of everything else.
        put(&nine);
        let copy = head(&key, 11, 11);
        objects.put(CHECKPOINT, copy.checkpoint.as_bytes()).unwrap();
        assert!(told(&nine).contains("has only 9"));
        // And one of another log.
        let other = LogKey::generate("log.example").unwrap();
        objects
            .put(CHECKPOINT, head(&other, 9, 9).checkpoint.as_bytes())
            .unwrap();
        let failure = heads.confirm(&key, &nine, &mut roots).unwrap_err();
        assert!(
            failure.to_string().contains("no other log has"),
            "{failure}"
        );
    }

    #[test]
    fn one_object_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let objects: Arc<dyn Objects> = Arc::new(Directory::new(folder.path().into()));
        let heads = Heads::new(Arc::clone(&objects));
        let key = LogKey::generate("log.example").unwrap();
        let mut roots = |size: u64| -> Result<Hash> { Ok([u8::try_from(size).unwrap(); 32]) };
        let (five, nine) = (head(&key, 5, 5), head(&key, 9, 9));
        for kept in [&five, &nine] {
            heads.keep(key.public(), kept).unwrap();
        }
        // An older head under the largest name.
        objects
            .put(&name(u64::MAX), five.checkpoint.as_bytes())
            .unwrap();
        let failure = heads.confirm(&key, &five, &mut roots).unwrap_err();
        assert!(failure.is_damage(), "{failure}");
        objects.delete(&name(u64::MAX)).unwrap();
        // A listed object that nobody can read.
        let away = folder.path().join(name(12));
        std::os::unix::fs::symlink(folder.path().join("nothing"), &away).unwrap();
        let failure = heads.confirm(&key, &five, &mut roots).unwrap_err();
        assert!(matches!(failure, LogError::System(_)), "{failure}");
        std::fs::remove_file(away).unwrap();
        // The newest of all is right, and one before it is of another history.
        objects
            .put(&name(5), head(&key, 5, 6).checkpoint.as_bytes())
            .unwrap();
        let failure = heads.confirm(&key, &nine, &mut roots).unwrap_err();
        assert!(matches!(failure, LogError::Rollback(_)), "{failure}");
    }

    #[test]
    fn a_head_of_another_history_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let objects: Arc<dyn Objects> = Arc::new(Directory::new(folder.path().into()));
        let heads = Heads::new(Arc::clone(&objects));
        let key = LogKey::generate("log.example").unwrap();
        let (ours, theirs) = (head(&key, 7, 7), head(&key, 7, 8));
        // Nothing, half of it, and all of it.
        for there in [None, Some(40), Some(ours.checkpoint.len())] {
            if let Some(length) = there {
                let part = &ours.checkpoint.as_bytes()[..length];
                objects.put(&name(7), part).unwrap();
            }
            heads.keep(key.public(), &ours).unwrap();
            assert_eq!(objects.text(&name(7)).unwrap(), ours.checkpoint);
        }
        let failure = heads.keep(key.public(), &theirs).unwrap_err();
        assert!(matches!(failure, LogError::Rollback(_)), "{failure}");
        let other = LogKey::generate("log.example").unwrap();
        objects
            .put(&name(7), head(&other, 7, 7).checkpoint.as_bytes())
            .unwrap();
        assert!(heads.keep(key.public(), &ours).unwrap_err().is_damage());
        let kept = objects.text(&name(7)).unwrap();
        assert_eq!(kept, head(&other, 7, 7).checkpoint);
    }

    #[test]
    fn the_newest_and_one_of_each_million_are_kept() {
        assert_eq!(surplus(&[]), [0; 0]);
        let few: Vec<u64> = (0..1000).collect();
        assert_eq!(surplus(&few), [0; 0]);
        let sizes: Vec<u64> = (1..=4000).map(|n| n * 1000).collect();
        let gone = surplus(&sizes);
        assert_eq!(gone.len(), 3000 - 3);
        for stays in [999_000, 1_999_000, 2_999_000, 3_001_000, 4_000_000] {
            assert!(!gone.contains(&stays), "{stays}");
        }
        for goes in [1000, 1_000_000, 2_000_000, 3_000_000] {
            assert!(gone.contains(&goes), "{goes}");
        }
    }

    #[test]
    fn a_name_has_one_spelling() {
        assert_eq!(size_of("heads/00000000000000000012"), Some(12));
        assert_eq!(size_of(&name(u64::MAX)), Some(u64::MAX));
        for other in [
            "heads/12",
            "heads/000000000000000000012",
            "heads/+0000000000000000012",
            "heads/",
            "tile/0",
        ] {
            assert_eq!(size_of(other), None, "{other}");
        }
    }
}
