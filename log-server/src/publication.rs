//! From a committed head to a published one.
//!
//! Tiles and the cosignatures of witnesses first, side by side, then the checkpoint: whoever reads
//! a checkpoint finds its tiles, and a quorum that vouches for it. Everything here can be done
//! again from what was committed.

use std::fs;
use std::sync::Arc;

use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;

use crate::batch::Growth;
use crate::cosign::Cosigner;
use crate::disk;
use crate::edge::File;
use crate::failpoint;
use crate::failure::{Failure, Result};
use crate::layout::Layout;
use crate::store::Head;
use crate::tiles::Tiles;

/// The public directory, and what is on its way there.
#[derive(Debug)]
pub(crate) struct Publication {
    layout: Layout,
    tiles: Tiles,
    cosigner: Arc<Cosigner>,
    /// The published head, its checkpoint with cosignatures.
    head: Head,
    /// The batch that is committed and not published.
    next: Option<Next>,
}

#[derive(Debug)]
struct Next {
    head: Head,
    files: Vec<File>,
    /// The files are on disk.
    written: bool,
    /// The checkpoint with the cosignatures of a quorum.
    cosigned: Option<String>,
}

impl Publication {
    pub(crate) fn new(layout: Layout, head: Head, cosigner: Arc<Cosigner>, tiles: Tiles) -> Self {
        Self {
            tiles,
            layout,
            cosigner,
            head,
            next: None,
        }
    }

    /// The published head.
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
        self.next.is_some()
    }

    /// The next head to publish. It is committed, and what was added before is published.
    pub(crate) fn add(&mut self, growth: Growth) {
        self.next = Some(Next {
            head: growth.head,
            files: growth.files,
            written: false,
            cosigned: None,
        });
    }

    /// Writes the tiles of the next head while the witnesses are asked, and waits for the quorum.
    /// After an error it can be called again.
    pub(crate) fn cosign(&mut self) -> Result<()> {
        let Some(next) = self.next.as_mut().filter(|next| next.cosigned.is_none()) else {
            return Ok(());
        };
        if !next.written {
            self.tiles.expect(&next.files);
            self.cosigner.show(&next.head)?;
            failpoint::pass("before-tiles");
            write_all(&self.tiles, &next.files)?;
            next.written = true;
        }
        next.cosigned = Some(self.cosigner.cosign(&next.head)?);
        Ok(())
    }

    /// Publishes the next head, which has its quorum. `false` if there is none. After an error it
    /// can be called again.
    pub(crate) fn publish(&mut self) -> Result<bool> {
        let Some((next, checkpoint)) = self
            .next
            .as_ref()
            .and_then(|next| Some((next, next.cosigned.as_ref()?)))
        else {
            return Ok(false);
        };
        failpoint::pass("before-checkpoint");
        put(&self.layout, checkpoint, next.head.size)?;
        failpoint::pass("after-checkpoint");
        for (tile, _) in next.files.iter().filter(|(tile, _)| tile.is_full()) {
            self.tiles.collect_partials(tile);
        }
        if let Some(next) = self.next.take()
            && let Some(checkpoint) = next.cosigned
        {
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
    disk::replace(&path, checkpoint.as_bytes())
}

/// Writes tiles side by side: most of the time goes into waiting for the disk. All of them are
/// durable before the checkpoint that needs them is written, so their order does not matter.
fn write_all(tiles: &Tiles, files: &[File]) -> Result<()> {
    const ABREAST: usize = 8;
    let write = |(tile, bytes): &File| -> Result<()> {
        disk::replace(&tiles.path(tile), bytes)?;
        failpoint::pass("after-tile");
        Ok(())
    };
    for some in files.chunks(ABREAST) {
        let Some((own, others)) = some.split_last() else {
            continue;
        };
        std::thread::scope(|scope| {
            let writers: Vec<_> = others
                .iter()
                .map(|file| scope.spawn(|| write(file)))
                .collect();
            write(own)?;
            writers.into_iter().try_for_each(|writer| -> Result<()> {
                let failed = |_| Failure::System("a tile could not be written".into());
                writer.join().map_err(failed)?
            })
        })?;
    }
    Ok(())
}
