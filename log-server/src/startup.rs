//! The start: checks before the first request, and the end of whatever a crash left.

use verifier_core::hazmat::tlog::merkle::{Hash, leaf_hash};
use verifier_core::hazmat::tlog::policy::TlogPolicy;
use verifier_core::hazmat::tlog::tile::{Level, Tile, WIDTH, hashes_at};

use crate::batch::Growth;
use crate::cosign::Cosigner;
use crate::edge::{self, Edge};
use crate::error::{LogError, Result};
use crate::key::LogKey;
use crate::layout::Layout;
use crate::publication::Publication;
use crate::store::{Backend, Head, Publish, Store};
use crate::tiles::{Source as _, Tiles, damaged};

/// Verifies the right edge against the committed head, asks the witnesses whether they know more,
/// publishes what is committed and not published, and refuses everything that a crash cannot
/// explain. If there are too few witnesses at the moment, publication is left to the publisher.
/// `shown` fails if the committed head is behind one that this process has shown.
pub(crate) fn recover(
    layout: &Layout,
    backend: &dyn Backend,
    key: &LogKey,
    policy: TlogPolicy,
    store: &mut dyn Store,
    mut public: Box<dyn Publish>,
    shown: &dyn Fn(&Head) -> Result<()>,
) -> Result<(Head, Edge, Publication)> {
    let head = store.head()?;
    let foreign = |what: &str, error: String| {
        LogError::damage(format!(
            "{what} is not signed by the key in {}: {error}. Put the key and the data of the same \
             log together again; never sign one log with two keys",
            layout.key().display()
        ))
    };
    let signed = key
        .open(&head.checkpoint)
        .map_err(|error| foreign("the head in the database", error))?;
    if signed != (head.size, head.root) {
        return Err(LogError::damage(
            "the head in the database contradicts its own checkpoint: restore a backup",
        ));
    }
    if store.is_taken()? {
        return Err(LogError::damage(format!(
            "{} has rows of entries beyond the committed head, so nothing can be appended: \
             `cosignet-log fsck` lists them; restore a backup",
            backend.name()
        )));
    }
    let text = backend.published().map_err(|failure| {
        LogError::damage(format!(
            "{failure}. The public directory must not be lost or emptied: restore it from a backup \
             or a mirror"
        ))
    })?;
    let (size, root) = key
        .open(&text)
        .map_err(|error| foreign("the public checkpoint", error))?;
    if size > head.size {
        return Err(LogError::damage(format!(
            "the public checkpoint has {size} entries and the database only {}: the database was \
             rolled back, and going on would fork the log. Bring back the newer database; see \
             OPERATIONS, \"Restore\"",
            head.size
        )));
    }
    if size == head.size && root != head.root {
        return Err(LogError::damage(
            "the public checkpoint and the database have the same size and different roots: they \
             are of two logs. Stop, and keep both for an investigation",
        ));
    }

    let tiles = Tiles::new(backend.objects());
    let edge = tiles.edge(size)?;
    if edge.root() != root {
        return Err(LogError::damage(
            "the tiles at the right edge do not lead to the public checkpoint: `cosignet-log fsck` \
             says which are damaged; restore them from a backup or a mirror",
        ));
    }
    check_last_bundle(&tiles, size)?;
    // Damage before anything that is taken for another history: a row that is damaged or lost leads to
    // another root, too.
    let mut grown = edge.clone();
    let leaves = store.staged(size)?;
    let files = grown.append(leaves.iter().map(String::as_bytes))?;
    if (grown.size(), grown.root()) != (head.size, head.root) {
        return Err(LogError::damage(
            "the entries that were committed and not published do not lead to the committed \
             head: restore a backup, see OPERATIONS",
        ));
    }
    shown(&head)?;
    let heads = backend.heads();
    if let Some(heads) = &heads {
        heads.confirm(key, &head, &mut |old| {
            beginning(&tiles, &edge, &leaves, old)
        })?;
    }

    let published = Head {
        size,
        root,
        checkpoint: text,
    };
    // Before anything is written: a snapshot that was restored whole looks sound from inside.
    let cosigner = Cosigner::start(policy, key.public(), tiles.clone(), &head)?;
    cosigner.ask()?;
    if let Some(heads) = &heads {
        // By the way it shows that objects can be put there.
        heads.keep(key.public(), &head)?;
    }
    let covered = head.size == size && cosigner.meets_quorum(&published.checkpoint);
    let is_kept = heads.is_some();
    if covered && is_kept {
        // The copy of it may be an older one by now.
        public.publish(&published.checkpoint, size)?;
    }
    let mut publication = Publication::new(public, published, cosigner, tiles.clone(), heads);
    if !covered {
        match head.size > size {
            true => tracing::info!(from = size, to = head.size, "publishing what was committed"),
            false => tracing::info!(size, "having the published head cosigned"),
        }
        publication.add(Growth {
            head: head.clone(),
            files,
        });
        let confirmed = publication.cosigner().confirm();
        let cosigned = confirmed.and_then(|()| publication.cosign());
        match cosigned.and_then(|()| publication.publish()) {
            Err(LogError::Quorum(why)) => tracing::warn!(why, "not published yet"),
            other => {
                other?;
            }
        }
    }
    // Where there is a keeper of public objects, that does it.
    if !is_kept {
        collect_partials(&tiles, publication.head().size);
    }
    Ok((head, grown, publication))
}

/// The root of the first `old` leaves: of the published tree, whose edge is known, or of what was
/// committed after it.
fn beginning(tiles: &Tiles, edge: &Edge, staged: &[String], old: u64) -> Result<Hash> {
    let Some(more) = old.checked_sub(edge.size()) else {
        return tiles.nodes(edge.size()).proven_beginning(old, &edge.root());
    };
    let more = usize::try_from(more).unwrap_or(usize::MAX);
    let mut edge = edge.clone();
    edge.append(staged.iter().take(more).map(String::as_bytes))?;
    Ok(edge.root())
}

/// Partial tiles that a crash kept from being collected: beside the last full ones, of which a
/// batch fills a few at most.
fn collect_partials(tiles: &Tiles, size: u64) {
    const RECENT: u64 = 8;
    for level in [Level::Entries]
        .into_iter()
        .chain((0..8).map(Level::Hashes))
    {
        let full = hashes_at(level, size) / u64::from(WIDTH);
        for index in full.saturating_sub(RECENT)..full {
            if let Some(tile) = Tile::new(level, index, WIDTH) {
                tiles.collect_partials(&tile);
            }
        }
    }
}

/// The entries at the edge are those that the tree has.
fn check_last_bundle(tiles: &Tiles, size: u64) -> Result<()> {
    let (Some(bundle), Some(hashes)) = (
        edge::partial(Level::Entries, size),
        edge::partial(Level::Hashes(0), size),
    ) else {
        return Ok(());
    };
    let entries = tiles.entries(&bundle)?;
    let found: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    if found == tiles.hashes(&hashes)? {
        return Ok(());
    }
    Err(damaged(&bundle, "its entries are not those of the tree"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;

    use super::*;
    use crate::cosign;
    use crate::store::conformance::addition;
    use crate::store::{Detached, Directory, Heads, Lead, Memory, Outcome};

    /// A leader has committed two entries, put their head beside the tiles, and died.
    #[test]
    fn a_damaged_row_is_no_other_history() {
        let key = LogKey::generate("log.example").unwrap();
        let empty = key.head(0, EMPTY_ROOT).unwrap();
        let additions = [addition(0), addition(1)];
        let mut edge = Edge::default();
        let leaves = additions.iter().map(|one| one.leaf.as_bytes());
        edge.append(leaves).unwrap();
        let two = key.head(2, edge.root()).unwrap();
        for damaged in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let memory = Memory::default();
            let objects = Arc::new(Directory::new(folder.path().into()));
            let backend = Detached::new(Box::new(memory.clone()), objects, key.public());
            backend.create(&empty).unwrap();
            let mut lead = backend.lead().unwrap();
            let done = lead.store.commit(&empty, &two, &additions, 0).unwrap();
            assert_eq!(done, Outcome::Committed);
            let heads = Heads::new(backend.objects());
            heads.keep(key.public(), &two).unwrap();
            drop(lead);
            if damaged {
                memory.damage(1, "another leaf");
            }
            let Lead {
                mut store, publish, ..
            } = backend.lead().unwrap();
            let recovered = recover(
                &Layout::new(folder.path()),
                &backend,
                &key,
                cosign::policy(None, key.public()).unwrap(),
                &mut *store,
                publish,
                &|_| Ok(()),
            );
            match recovered {
                Ok((head, _, _)) => assert!(!damaged && head == two),
                // Anything else would freeze the log.
                Err(failure) => assert!(damaged && failure.is_damage(), "{failure:?}"),
            }
        }
    }
}
