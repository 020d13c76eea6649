//! A back end whose public objects are kept elsewhere than its database: in a bucket, or in a folder
//! of another machine.
//!
//! The truth about what is published stays with the back end. Out there
//!
//! ```text
//! tile/…, anchors/…    as in any back end
//! heads/<size>         a history outside the database, see heads
//! checkpoint           a copy of the published one, for readers who ask nobody else
//! ```
//!
//! The copy may go back for a moment, when something that was sent long ago arrives. The keeper of
//! the process that leads looks at it each second, and puts the newest one again. One that this log has
//! signed and this process has not published is the work of somebody else who has the key: the log
//! ends there, and the copy stays as it is.

mod keeper;

use std::path::Path;
use std::sync::Arc;

use verifier_core::hazmat::tlog::vkey::VerifierKey;

use self::keeper::{Keeper, Pace};
use super::{
    Audit, Backend, CHECKPOINT, Closing, Eraser, Head, Heads, Intake, Lead, Members, Objects,
    Publish, Records, Sealing, Tokens,
};
use crate::error::{LogError, Result};

/// A back end, and the place of its public objects.
#[derive(Debug)]
pub(crate) struct Detached {
    backend: Box<dyn Backend>,
    objects: Arc<dyn Objects>,
    key: VerifierKey,
    pace: Pace,
}

impl Detached {
    pub(crate) fn new(
        backend: Box<dyn Backend>,
        objects: Arc<dyn Objects>,
        key: &VerifierKey,
    ) -> Self {
        Self {
            backend,
            objects,
            key: key.clone(),
            pace: Pace::default(),
        }
    }
}

impl Backend for Detached {
    fn name(&self) -> String {
        self.backend.name()
    }

    fn exists(&self) -> Result<bool> {
        self.backend.exists()
    }

    fn require_vacant(&self) -> Result<()> {
        self.backend.require_vacant()?;
        let taken = |name: &str| {
            LogError::Usage(format!(
                "{} exists: there is, or was, a log at this place",
                self.objects.place(name)
            ))
        };
        if self.objects.has(CHECKPOINT)? {
            return Err(taken(CHECKPOINT));
        }
        for folder in ["tile", "heads"] {
            if !self.objects.list(folder)?.is_empty() {
                return Err(taken(folder));
            }
        }
        Ok(())
    }

    fn create(&self, head: &Head) -> Result<()> {
        self.require_vacant()?;
        // The back end last: without it there is no log.
        self.objects.put(CHECKPOINT, head.checkpoint.as_bytes())?;
        self.backend.create(head)
    }

    fn lead(&self) -> Result<Lead> {
        let lead = self.backend.lead()?;
        let brake = lead.brake.clone();
        let keeper = Keeper::start(Arc::clone(&self.objects), &self.key, brake, self.pace)?;
        Ok(Lead {
            publish: Box::new(Copied {
                public: lead.publish,
                keeper,
            }),
            ..lead
        })
    }

    fn head(&self) -> Result<Head> {
        self.backend.head()
    }

    fn close(&self, closing: &Closing) -> Result<()> {
        self.backend.close(closing)
    }

    fn published(&self) -> Result<String> {
        self.backend.published()
    }

    fn records(&self) -> Result<Arc<dyn Records>> {
        self.backend.records()
    }

    fn tokens(&self) -> Result<Arc<dyn Tokens>> {
        self.backend.tokens()
    }

    fn eraser(&self) -> Result<Arc<dyn Eraser>> {
        self.backend.eraser()
    }

    fn audit(&self) -> Result<Box<dyn Audit>> {
        self.backend.audit()
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::clone(&self.objects)
    }

    fn members(&self) -> Result<Option<Arc<dyn Members>>> {
        self.backend.members()
    }

    fn heads(&self) -> Option<Heads> {
        Some(Heads::new(self.objects()))
    }

    fn sealing(&self) -> Result<Option<Box<dyn Sealing>>> {
        self.backend.sealing()
    }

    fn intake(&self) -> Result<Option<Box<dyn Intake>>> {
        self.backend.intake()
    }

    fn copy_to(&self, file: &Path) -> Result<()> {
        self.backend.copy_to(file)
    }
}

/// Publishes where the back end does, and has a copy made of that.
#[derive(Debug)]
struct Copied {
    public: Box<dyn Publish>,
    keeper: Keeper,
}

impl Publish for Copied {
    fn publish(&mut self, checkpoint: &str, size: u64) -> Result<()> {
        self.keeper.check()?;
        self.public.publish(checkpoint, size)?;
        self.keeper.published(checkpoint);
        Ok(())
    }
}
