//! From a committed head to a published one.
//!
//! Tiles and the cosignatures of witnesses first, side by side, then the checkpoint: whoever reads
//! a checkpoint finds its tiles, and a quorum that vouches for it. Everything here can be done
//! again from what was committed.

use std::sync::Arc;

use crate::batch::Growth;
use crate::cosign::Cosigner;
use crate::edge::File;
use crate::failpoint;
use crate::failure::Result;
use crate::store::{Head, Publish};
use crate::tiles::Tiles;

/// The published head, and the one on its way there.
#[derive(Debug)]
pub(crate) struct Publication {
    public: Box<dyn Publish>,
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
    pub(crate) fn new(
        public: Box<dyn Publish>,
        head: Head,
        cosigner: Arc<Cosigner>,
        tiles: Tiles,
    ) -> Self {
        Self {
            public,
            tiles,
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
            // All of them are durable before the checkpoint that needs them is written.
            self.tiles.write(&next.files)?;
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
        self.public.publish(checkpoint, next.head.size)?;
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
        self.public.publish(&checkpoint, self.head.size)?;
        self.head.checkpoint = checkpoint;
        Ok(true)
    }
}
