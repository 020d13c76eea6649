//! From a committed head to a published one.
//!
//! Tiles first, then the cosignatures of witnesses, then the checkpoint: whoever reads a checkpoint
//! finds its tiles, and a quorum that vouches for it.
//! Everything here can be done again from what was committed.

use std::fs;
use std::sync::Arc;

use verifier_core::tlog::checkpoint::SignedCheckpoint;
use verifier_core::tlog::merkle::Hash;

use crate::cosign::Cosigner;
use crate::durable;
use crate::edge::{Edge, File};
use crate::failpoint;
use crate::failure::{Failure, Result};
use crate::layout::Layout;
use crate::store::Head;
use crate::tiles::Tiles;

/// A tree that is built and not committed.
#[derive(Debug)]
pub(crate) struct Pending {
    edge: Edge,
    files: Vec<File>,
}

impl Pending {
    pub(crate) fn tree(&self) -> (u64, Hash) {
        (self.edge.size(), self.edge.root())
    }
}

/// Writes the public directory.
#[derive(Debug)]
pub(crate) struct Publisher {
    layout: Layout,
    tiles: Tiles,
    cosigner: Arc<Cosigner>,
    /// Of the committed tree.
    edge: Edge,
    /// The published head, its checkpoint with cosignatures.
    head: Head,
    /// What is committed and not published.
    unpublished: Option<Unpublished>,
}

#[derive(Debug)]
struct Unpublished {
    head: Head,
    files: Vec<File>,
    /// The files are on disk.
    written: bool,
}

impl Publisher {
    pub(crate) fn new(layout: Layout, edge: Edge, head: Head, cosigner: Arc<Cosigner>) -> Self {
        Self {
            tiles: Tiles::new(layout.public()),
            layout,
            cosigner,
            edge,
            head,
            unpublished: None,
        }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    pub(crate) fn cosigner(&self) -> &Arc<Cosigner> {
        &self.cosigner
    }

    /// Whether something is committed that is not published.
    pub(crate) fn is_behind(&self) -> bool {
        self.unpublished.is_some()
    }

    /// The tree with these leaves added. Nothing happens before [`Publisher::committed`].
    pub(crate) fn grow<'l>(&self, leaves: impl Iterator<Item = &'l [u8]>) -> Result<Pending> {
        let mut edge = self.edge.clone();
        let files = edge.append(leaves)?;
        Ok(Pending { edge, files })
    }

    /// The tree is committed under this head: it is to be published.
    pub(crate) fn committed(&mut self, pending: Pending, head: Head) {
        self.edge = pending.edge;
        self.cosigner.committed(head.size);
        self.unpublished = Some(Unpublished {
            head,
            files: pending.files,
            written: false,
        });
    }

    /// Publishes the committed head. `false` if there was nothing to do. After an error it can be
    /// called again.
    pub(crate) fn publish(&mut self) -> Result<bool> {
        let Some(next) = &mut self.unpublished else {
            return Ok(false);
        };
        if !next.written {
            failpoint::pass("before-tiles");
            write_all(&self.tiles, &next.files)?;
            next.written = true;
        }
        let checkpoint = self.cosigner.cosign(&next.head)?;
        failpoint::pass("before-checkpoint");
        put(&self.layout, &checkpoint, next.head.size)?;
        failpoint::pass("after-checkpoint");
        let full: Vec<_> = next
            .files
            .iter()
            .filter(|(tile, _)| tile.is_full())
            .collect();
        for (tile, _) in full {
            self.tiles.collect_partials(tile)?;
        }
        if let Some(next) = self.unpublished.take() {
            self.head = Head {
                checkpoint,
                ..next.head
            };
        }
        Ok(true)
    }

    /// Adds cosignatures that came after the publication, if there are any. `false` if there are
    /// none.
    pub(crate) fn publish_later_cosignatures(&mut self) -> Result<bool> {
        let Some(checkpoint) = self.cosigner.later(&self.head.checkpoint)? else {
            return Ok(false);
        };
        put(&self.layout, &checkpoint, self.head.size)?;
        self.head.checkpoint = checkpoint;
        Ok(true)
    }
}

/// Makes a checkpoint the public one, unless that would take the log back: whoever else writes
/// here is ahead of this process, which must not go on.
fn put(layout: &Layout, checkpoint: &str, size: u64) -> Result<()> {
    let path = layout.checkpoint();
    let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
    let there = SignedCheckpoint::parse(&text)
        .map_err(|error| Failure::damage(format!("{}: {error}", path.display())))?;
    let found = there.checkpoint().size();
    if found > size {
        return Err(Failure::damage(format!(
            "the public checkpoint has {found} entries and this process only {size}: another one \
             publishes this log. Stop both, run `cosignet-log fsck`, and start one"
        )));
    }
    durable::replace(&path, checkpoint.as_bytes())
}

/// Writes tiles side by side: most of the time goes into waiting for the disk. All of them are
/// durable before the checkpoint that needs them is written, so their order does not matter.
fn write_all(tiles: &Tiles, files: &[File]) -> Result<()> {
    const ABREAST: usize = 8;
    let write = |(tile, bytes): &File| -> Result<()> {
        durable::replace(&tiles.path(tile), bytes)?;
        failpoint::pass("after-tile");
        Ok(())
    };
    for some in files.chunks(ABREAST) {
        std::thread::scope(|scope| {
            let writers: Vec<_> = some
                .iter()
                .map(|file| scope.spawn(|| write(file)))
                .collect();
            writers.into_iter().try_for_each(|writer| -> Result<()> {
                let failed = |_| Failure::System("a tile could not be written".into());
                writer.join().map_err(failed)?
            })
        })?;
    }
    Ok(())
}
