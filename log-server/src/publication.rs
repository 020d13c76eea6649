//! From a committed head to a published one.
//!
//! Tiles and the cosignatures of witnesses first, side by side, then the checkpoint: whoever reads
//! a checkpoint finds its tiles, and a quorum that vouches for it. Where the tiles are kept outside
//! the database, the committed head is put beside them, before any reader sees it. Everything here
//! can be done again from what was committed.

use std::sync::Arc;

use crate::batch::Growth;
use crate::cosign::Cosigner;
use crate::edge::File;
use crate::error::Result;
use crate::failpoint;
use crate::store::{Head, Heads, Publish};
use crate::tiles::Tiles;

/// The published head, and the one on its way there.
#[derive(Debug)]
pub(crate) struct Publication {
    public: Box<dyn Publish>,
    tiles: Tiles,
    /// The history outside the database, if there is one.
    heads: Option<Heads>,
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
        heads: Option<Heads>,
    ) -> Self {
        Self {
            public,
            tiles,
            heads,
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
            // Before the tiles: a head of somebody else has tiles of its own under these names.
            if let Some(heads) = self.heads.as_ref().filter(|_| !failpoint::unfenced()) {
                heads.admit(self.cosigner.key(), &next.head)?;
            }
            failpoint::pass("before-tiles");
            // All of them are durable before the checkpoint that needs them is written.
            let kept = self.heads.as_ref().map(|_| Heads::object(&next.head));
            self.tiles.write(&next.files, kept)?;
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
        // Elsewhere they are removed later, see `partials`.
        if self.heads.is_none() {
            for (tile, _) in next.files.iter().filter(|(tile, _)| tile.is_full()) {
                self.tiles.collect_partials(tile);
            }
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

#[cfg(test)]
mod tests {
    use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;

    use super::*;
    use crate::cosign;
    use crate::edge::Edge;
    use crate::error::LogError;
    use crate::key::LogKey;
    use crate::layout::Layout;
    use crate::store::{Backend as _, Detached, Embedded, Fault, Faulty};

    /// Of two that lead with one key at two servers, the second finds the head of the first.
    #[test]
    fn a_head_of_somebody_else_ends_the_publication() {
        let key = LogKey::generate("log.example").unwrap();
        let empty = key.head(0, EMPTY_ROOT).unwrap();
        let mut edge = Edge::default();
        let files = edge.append([&b"a"[..]].into_iter()).unwrap();
        let one = key.head(1, edge.root()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Faulty::default());
        let embedded = Box::new(Embedded::new(&Layout::new(folder.path())));
        let backend = Detached::new(embedded, Arc::new(store.bucket()), key.public());
        backend.create(&empty).unwrap();
        let objects = backend.objects();
        let theirs = key.head(1, [9; 32]).unwrap();
        let (name, bytes) = Heads::object(&theirs);
        objects.put(&name, bytes).unwrap();
        let public = backend.lead().unwrap().publish;
        let tiles = Tiles::new(Arc::clone(&objects));
        let policy = cosign::policy(None, key.public()).unwrap();
        let cosigner = Cosigner::start(policy, key.public(), tiles.clone(), &empty).unwrap();
        let heads = backend.heads();
        let mut publication = Publication::new(public, empty.clone(), cosigner, tiles, heads);
        publication.add(Growth { head: one, files });
        for _ in 0..2 {
            let failure = publication.cosign().unwrap_err();
            assert!(matches!(failure, LogError::Rollback(_)), "{failure}");
            assert!(!publication.publish().unwrap());
        }
        assert_eq!(objects.text(&name).unwrap(), theirs.checkpoint);
        assert!(!objects.has("tile/0/000.p/1").unwrap());
        assert_eq!(backend.published().unwrap(), empty.checkpoint);
    }

    #[test]
    fn no_reader_sees_a_head_before_it_and_its_tiles_are_in_the_bucket() {
        let key = LogKey::generate("log.example").unwrap();
        let empty = key.head(0, EMPTY_ROOT).unwrap();
        let mut edge = Edge::default();
        let files = edge.append([&b"a"[..], b"b"].into_iter()).unwrap();
        let two = key.head(2, edge.root()).unwrap();
        let kept = "heads/00000000000000000002";
        for (name, fault) in [
            ("tile/0/000.p/2", Fault::Lost),
            ("tile/entries/000.p/2", Fault::Cut),
            (kept, Fault::Lost),
            (kept, Fault::RefusedAndDone),
            (kept, Fault::Late),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(Faulty::default());
            let embedded = Box::new(Embedded::new(&Layout::new(folder.path())));
            let backend = Detached::new(embedded, Arc::new(store.bucket()), key.public());
            backend.create(&empty).unwrap();
            let public = backend.lead().unwrap().publish;
            let objects = backend.objects();
            let tiles = Tiles::new(Arc::clone(&objects));
            let policy = cosign::policy(None, key.public()).unwrap();
            let cosigner = Cosigner::start(policy, key.public(), tiles.clone(), &empty).unwrap();
            let heads = backend.heads();
            let mut publication = Publication::new(public, empty.clone(), cosigner, tiles, heads);
            publication.add(Growth {
                head: two.clone(),
                files: files.clone(),
            });
            store.plan(name, fault);
            assert!(publication.cosign().is_err(), "{name} {fault:?}");
            assert_eq!(store.hits(), 1);
            assert!(!publication.publish().unwrap());
            assert_eq!(backend.published().unwrap(), empty.checkpoint);

            publication.cosign().unwrap();
            assert_eq!(objects.text(kept).unwrap(), two.checkpoint);
            assert_eq!(backend.published().unwrap(), empty.checkpoint);
            assert!(publication.publish().unwrap());
            assert_eq!(backend.published().unwrap(), two.checkpoint);
            // What was late is what is there.
            store.release();
            assert_eq!(objects.text(kept).unwrap(), two.checkpoint);
        }
    }
}
