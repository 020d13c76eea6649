//! A log of one machine, moved into a database that several machines share.
//!
//! ```text
//! directory (locked) ─► fsck ─► public files, rows under a name that nobody looks for
//!                                 ─► fsck of what has arrived ─► log.moved in the directory
//!                                 ─► the rows get their name  ─► log.sqlite.moved
//! ```
//!
//! At no moment two logs can be started: the directory is marked before the database has a log under
//! this name. Between the two none can, and the next run goes on.

use std::path::PathBuf;

use clap::Args;
use durable::beside;

use crate::args::StoreArg;
use crate::backend::{self, Place};
use crate::disk;
use crate::error::{LogError, Result};
use crate::export::{copy_folder, copy_tiles};
use crate::key::LogKey;
use crate::layout::Layout;
use crate::place::ObjectsArgs;
use crate::rotation::ErasureKeysArg;
use crate::store::{Backend, CHECKPOINT, Claims, Contents, Head, Intake, Objects, heads};
use crate::tiles::Tiles;
use crate::{anchor, failpoint, fsck};

/// How many rows of evidence are written at once, and about how many bytes.
const ROWS: usize = 512;
const BYTES: usize = 4 * 1024 * 1024;

/// Move the log of one machine into a database that several share
#[derive(Args, Debug)]
#[command(after_help = "\
The log must not run. All of it is verified, as `fsck` does, before anything is written, and again where it
has arrived; only then the directory is marked, so that it is never started again, and members can start.
Run it again if it was interrupted. log.sqlite.moved is what remains: evidence that is erased later is
still in it, so remove it when you trust the database.

Exit codes: 0 done, 1 damage, and nothing was moved; 2 wrong usage; 5 a file, the database or the bucket.")]
pub(crate) struct ImportArgs {
    /// The data directory of the log as it is
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Where its public files are, if not in that directory: s3://BUCKET/PREFIX or a folder
    #[arg(long, value_name = "PLACE")]
    pub(crate) from_objects: Option<String>,
    /// The data directory of a member, which gets log.key; it can be the same
    #[arg(long, value_name = "DIR", env = "COSIGNET_LOG_DATA")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) objects: ObjectsArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) erasure_keys: ErasureKeysArg,
}

/// `import`
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    let to = args.store.place(&args.data, args.objects.place()?);
    let to = args.erasure_keys.place(to);
    if to.store.is_none() {
        return Err(LogError::Usage(
            "say with --store which database the log moves into".into(),
        ));
    }
    let from = Layout::new(&args.from);
    let objects = args.from_objects.as_deref();
    let objects = objects.map(|text| args.objects.server.place(text));
    let old = Place {
        objects: objects.transpose()?,
        ..Place::new(&args.from)
    };
    let none = || LogError::Usage(format!("there is no log in {}", from.root().display()));
    if !from.key().is_file() {
        return Err(none());
    }
    let key = LogKey::read(&from.key())?;
    let _lock = from.lock()?;
    let source = backend::of(&old, key.public())?;
    has_left(&from)?;
    if !source.exists()? {
        return Err(none());
    }
    give_key(&to.layout, &key)?;
    let target = backend::of(&to, key.public())?;
    if target.exists()? {
        finish_earlier(&from, &*source, &*target, &key)?;
    } else {
        // By the way it brings an older database to this version.
        source.head()?;
        clean(&fsck::examine(&*source, &key, None)?, "nothing was moved")?;
        let arrived = Move {
            from: &from,
            source: &*source,
            key: &key,
        };
        arrived.run(&*backend::arriving(&to, key.public())?)?;
    }
    let database = from.database();
    // The database last: without it there is no log here.
    for more in ["-wal", "-shm", ""] {
        let (old, new) = (
            beside(&database, more),
            beside(&from.moved_database(), more),
        );
        if old.exists() {
            disk::rename(&old, &new)?;
        }
    }
    println!(
        "{} entries are in {} now. {} is what remains: evidence that is erased from now on is still in it",
        target.head()?.size,
        target.name(),
        from.moved_database().display()
    );
    Ok(())
}

/// Fails if the log was moved from here, all of it.
fn has_left(from: &Layout) -> Result<()> {
    match from.moved().exists() && !from.database().exists() {
        true => Err(LogError::Usage(format!(
            "the log in {} has left already: {}",
            from.root().display(),
            verifier_core::plain(disk::read_text(&from.moved())?.trim_end())
        ))),
        false => Ok(()),
    }
}

/// Puts the key into the data directory of a member, if there is none.
fn give_key(to: &Layout, key: &LogKey) -> Result<()> {
    if !to.key().exists() {
        to.create()?;
        return key.create_file(&to.key());
    }
    match LogKey::read(&to.key())?.public() == key.public() {
        true => Ok(()),
        false => Err(LogError::Usage(format!(
            "{} is the key of another log: choose another --data",
            to.key().display()
        ))),
    }
}

/// Fails if there is damage.
fn clean(found: &fsck::Findings, so: &str) -> Result<()> {
    for text in found.listed() {
        println!("damage: {text}");
    }
    match found.count() {
        0 => Ok(()),
        count => Err(LogError::damage(format!(
            "{count} findings of damage: {so}"
        ))),
    }
}

/// The log is in the database already: it has to be this one, which was on its way.
fn finish_earlier(
    from: &Layout,
    source: &dyn Backend,
    target: &dyn Backend,
    key: &LogKey,
) -> Result<()> {
    let (old, new) = (source.head()?, target.head()?);
    let goes_on = new.size > old.size || (new.size, new.root) == (old.size, old.root);
    if from.moved().exists() && goes_on {
        return Ok(());
    }
    Err(LogError::Usage(format!(
        "{} has a log named {} already, of {} entries, and that in {} was not on its way there",
        target.name(),
        verifier_core::plain(key.public().name()),
        new.size,
        from.root().display()
    )))
}

/// A log that moves.
struct Move<'m> {
    from: &'m Layout,
    source: &'m dyn Backend,
    key: &'m LogKey,
}

impl Move<'_> {
    fn run(&self, target: &dyn Backend) -> Result<()> {
        let mut intake = target
            .intake()?
            .ok_or_else(|| LogError::Usage("a log can be moved into PostgreSQL alone".into()))?;
        let text = self.source.published()?;
        let (size, root) = self.key.open(&text).map_err(LogError::Damage)?;
        let published = Head {
            size,
            root,
            checkpoint: text,
        };
        self.public(&*target.objects(), target, &published)?;
        let contents = backend::embedded(self.from).contents()?;
        let head = contents.head()?;
        intake.begin(&head, &published)?;
        rows(&contents, &mut *intake, &head, &published)?;
        let closing = self.source.records()?.closing()?;
        if let Some(closing) = &closing {
            target.close(closing)?;
        }
        target
            .objects()
            .put(CHECKPOINT, published.checkpoint.as_bytes())?;
        clean(
            &fsck::examine(target, self.key, None)?,
            "the log is where it was, and what has arrived is no log. Run it again",
        )?;
        if target.head()? != head || target.published()? != published.checkpoint {
            return Err(LogError::damage(
                "what has arrived has another head: the log is where it was. Run it again",
            ));
        }
        failpoint::pass("before-mark");
        if !self.from.moved().exists() {
            let said = format!("on {} to {}\n", crate::now(), target.name());
            disk::create(&self.from.moved(), said.as_bytes())?;
        }
        failpoint::pass("after-mark");
        intake.finish()?;
        failpoint::pass("after-move");
        Ok(())
    }

    /// Copies the public files, but for the checkpoint, to a place that has no other log.
    fn public(&self, to: &dyn Objects, target: &dyn Backend, published: &Head) -> Result<()> {
        let from = self.source.objects();
        if from.place(CHECKPOINT) == to.place(CHECKPOINT) {
            return Ok(());
        }
        if let Some(found) = to.get(CHECKPOINT)? {
            let found = String::from_utf8(found).unwrap_or_default();
            let known = self.key.open(&found).map_err(|error| {
                let place = to.place(CHECKPOINT);
                LogError::Usage(format!(
                    "{place}: {error}. Choose a place that no other log has"
                ))
            })?;
            if known.0 > published.size {
                return Err(LogError::Rollback(format!(
                    "{} has {} entries, and the log in {} has published {}: it went back, or went on \
                     elsewhere. Nothing was moved",
                    to.place(CHECKPOINT),
                    known.0,
                    self.from.root().display(),
                    published.size
                )));
            }
        }
        let tiles = [Tiles::new(from.clone()), Tiles::new(target.objects())];
        let [there, here] = &tiles;
        copy_tiles(there, here, to, published.size)?;
        for folder in [anchor::FOLDER, heads::FOLDER] {
            copy_folder(&*from, to, folder)?;
        }
        Ok(())
    }
}

/// Copies every row.
fn rows(from: &Contents, to: &mut dyn Intake, head: &Head, published: &Head) -> Result<()> {
    to.staged(published.size, &from.staged(published.size)?)?;
    for token in from.tokens()? {
        to.token(&token)?;
    }
    to.erasing(&from.erasing()?)?;
    for kind in [Claims::Approvals, Claims::Assertions] {
        let mut last = Vec::new();
        loop {
            let some = from.claims_after(kind, &last)?;
            let Some((hash, _)) = some.last() else {
                break;
            };
            last.clone_from(hash);
            to.claims(kind, &some)?;
        }
    }
    let (mut some, mut bytes) = (Vec::new(), 0);
    for leaf in 0..head.size {
        let lost = || LogError::damage(format!("entry {leaf} has no row of evidence"));
        let kept = from.evidence(leaf)?.ok_or_else(lost)?;
        bytes += kept.payload.as_ref().map_or(0, Vec::len);
        bytes += kept.client_data_json.as_ref().map_or(0, Vec::len);
        some.push((leaf, kept));
        if some.len() >= ROWS || bytes >= BYTES {
            to.evidence(&some)?;
            some.clear();
            bytes = 0;
        }
    }
    match some.is_empty() {
        true => Ok(()),
        false => to.evidence(&some),
    }
}
