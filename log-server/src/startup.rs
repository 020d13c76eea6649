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
pub(crate) fn recover(
    layout: &Layout,
    backend: &dyn Backend,
    key: &LogKey,
    policy: TlogPolicy,
    store: &mut dyn Store,
    mut public: Box<dyn Publish>,
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
    let mut edge = tiles.edge(size)?;
    if edge.root() != root {
        return Err(LogError::damage(
            "the tiles at the right edge do not lead to the public checkpoint: `cosignet-log fsck` \
             says which are damaged; restore them from a backup or a mirror",
        ));
    }
    check_last_bundle(&tiles, size)?;
    let heads = backend.heads();
    if let Some(heads) = &heads {
        let mut root = |old| beginning(&tiles, &edge, &mut *store, old);
        heads.confirm(key, &head, &mut root)?;
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
        heads.put(&head)?;
    }
    let covered = head.size == size && cosigner.meets_quorum(&published.checkpoint);
    let is_kept = heads.is_some();
    if covered && is_kept {
        // The copy of it may be an older one by now.
        public.publish(&published.checkpoint, size)?;
    }
    let mut publication = Publication::new(public, published, cosigner, tiles.clone(), heads);
    if !covered {
        let leaves = store.staged(size)?;
        let files = edge.append(leaves.iter().map(String::as_bytes))?;
        if (edge.size(), edge.root()) != (head.size, head.root) {
            return Err(LogError::damage(
                "the entries that were committed and not published do not lead to the committed \
                 head: restore a backup, see OPERATIONS",
            ));
        }
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
    Ok((head, edge, publication))
}

/// The root of the first `old` leaves: of the published tree, whose edge is known, or of what was
/// committed after it.
fn beginning(tiles: &Tiles, edge: &Edge, store: &mut dyn Store, old: u64) -> Result<Hash> {
    let Some(more) = old.checked_sub(edge.size()) else {
        return tiles.nodes(edge.size()).proven_beginning(old, &edge.root());
    };
    let leaves = store.staged(edge.size())?;
    let more = usize::try_from(more).unwrap_or(usize::MAX);
    let mut edge = edge.clone();
    edge.append(leaves.iter().take(more).map(String::as_bytes))?;
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
