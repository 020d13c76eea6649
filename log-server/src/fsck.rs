//! Recomputes a log from its entries, and compares everything with that.

mod anchors;
mod checkpoint;
mod database;
mod files;
mod heads;
mod public;
mod tree;
mod web;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::args::{Format, FsckArgs};
use crate::backend::{self, Place};
use crate::error::{LogError, Result};
use crate::key::{self, LogKey};
use crate::store::{Backend, CHECKPOINT, Claim, Head, Objects, Stray};
use crate::tiles::Tiles;

/// The most that is listed.
const MOST: usize = 100;

/// The findings.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The name of the database.
    database: String,
    size: u64,
    root: String,
    /// Where the key comes from, if nobody named one.
    key: Option<String>,
    damage: Vec<String>,
    more: u64,
    /// Entries whose evidence is sealed under a key that is not here.
    closed: u64,
    /// Why not all of it was looked at.
    stopped: Option<String>,
}

impl Findings {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        crate::count(self.damage.len()).saturating_add(self.more)
    }

    /// Those that are listed.
    pub(crate) fn listed(&self) -> &[String] {
        &self.damage
    }

    /// The part that was read; `None` if it could not be read because it is damaged, which is a
    /// finding.
    fn take<T>(&mut self, found: Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_content() => {
                self.add(match failure {
                    LogError::Database(error) => format!("{}: {error}", self.database),
                    other => other.to_string(),
                });
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    fn strays(&mut self, strays: Vec<Stray>) {
        for Stray { table, leaf } in strays {
            self.row(format!(
                "a row of {table} is of entry {leaf}, which does not exist"
            ));
        }
    }

    /// Adds a finding about the database.
    fn row(&mut self, text: impl std::fmt::Display) {
        let text = format!("{}: {text}", self.database);
        self.add(text);
    }

    fn add(&mut self, text: impl Into<String>) {
        if self.damage.len() < MOST {
            self.damage.push(text.into());
        } else {
            self.more += 1;
        }
    }
}

/// `fsck DIR|PLACE|URL`
pub(crate) fn run(args: &FsckArgs) -> Result<()> {
    let is_at = |schemes: &[&str]| schemes.iter().any(|scheme| args.log.starts_with(scheme));
    let place = args
        .store
        .place(Path::new(&args.log), args.objects.place()?);
    let place = args.erasure_keys.place(place);
    let found = if is_at(&["http://", "https://"]) {
        address(args, args.vkey.as_deref())?
    } else if is_at(&["s3:"]) || place.layout.is_public() {
        public::check(args, &args.objects.server.place(&args.log)?)?
    } else if args.vkey.is_some() {
        return Err(LogError::Usage(
            "--vkey goes with an address or with public files alone: a directory with a log in it \
             has its key in log.key"
                .into(),
        ));
    } else {
        directory(&place, args.witness_policy.as_deref())?
    };
    let count = found.count();
    if found.closed > 0 {
        eprintln!(
            "cosignet-log: the evidence of {} entries is sealed, and was not opened: name the files of \
             the erasure keys with --erasure-key",
            found.closed
        );
    }
    match args.format {
        Format::Json => println!("{}", to_json(&found)),
        Format::Human => {
            for text in &found.damage {
                println!("damage: {text}");
            }
            let verdict = match (count, &found.stopped) {
                (0, None) => "clean",
                (0, Some(_)) => "clean as far as it was read",
                _ => "not clean",
            };
            println!("{verdict}: {} entries, root {}", found.size, found.root);
            if let Some(key) = &found.key {
                println!("The log says that its key is {key}: compare that with the one you know");
            }
        }
    }
    match count {
        0 => match found.stopped {
            Some(why) => Err(LogError::System(why)),
            None => Ok(()),
        },
        1 => Err(LogError::damage("1 finding of damage")),
        _ => Err(LogError::damage(format!("{count} findings of damage"))),
    }
}

fn to_json(found: &Findings) -> String {
    let damage = found.damage.iter().map(|text| Value::from(text.as_str()));
    Value::from([
        (
            "clean",
            Value::from(found.damage.is_empty() && found.stopped.is_none()),
        ),
        ("damage", damage.collect()),
        ("more", Value::from(found.more)),
        ("root", Value::from(found.root.as_str())),
        ("schema", Value::from("cosignet.fsck/v1")),
        ("size", Value::from(found.size)),
    ])
    .to_text()
}

fn directory(place: &Place, policy: Option<&Path>) -> Result<Findings> {
    let layout = &place.layout;
    let dir = layout.root().display();
    if !layout.key().is_file() {
        return Err(LogError::System(format!("{dir} has no log.key")));
    }
    let key = LogKey::read(&layout.key())?;
    let backend = backend::of(place, key.public())?;
    if !backend.exists()? {
        let name = backend.name();
        return Err(LogError::System(format!(
            "{dir} has a log.key, and there is no log in {name}"
        )));
    }
    examine(&*backend, &key, policy)
}

/// Everything about a log that is there, in its tables and its public files.
pub(crate) fn examine(
    backend: &dyn Backend,
    key: &LogKey,
    policy: Option<&Path>,
) -> Result<Findings> {
    let mut findings = Findings {
        database: backend.name(),
        ..Findings::default()
    };
    let opened = match backend.audit() {
        Err(LogError::Usage(text)) => Err(LogError::damage(format!("{}: {text}", backend.name()))),
        opened => opened,
    };
    let Some(store) = findings.take(opened)? else {
        return Ok(findings);
    };
    database::file(&*store, &mut findings)?;
    // The checkpoint before the head: a server that runs meanwhile only moves forward.
    let text = backend.published().map_err(|failure| failure.to_string());
    let head = findings.take(store.head())?;
    if let Some(head) = &head {
        match key.open(&head.checkpoint) {
            Ok(tree) if tree == (head.size, head.root) => {
                if key.sign(head.size, head.root)? != head.checkpoint {
                    findings.row("the head has a checkpoint of another form");
                }
            }
            Ok(_) => findings.row("the head contradicts its checkpoint"),
            Err(error) => findings.row(format!("the head: {error}")),
        }
    }
    let Some((size, root)) = published(key.public(), text.clone(), &mut findings) else {
        return Ok(findings);
    };
    if let Ok(text) = &text {
        checkpoint::check(text, key, policy, (size, root), &mut findings)?;
    }
    let head = head.unwrap_or(Head {
        size,
        root,
        checkpoint: String::new(),
    });
    if size > head.size {
        findings.add(format!(
            "{} has {} entries and the public checkpoint {size}: rolled back",
            backend.name(),
            head.size,
        ));
    }
    let objects = backend.objects();
    let tiles = Tiles::new(objects.clone());
    let bar = bar(head.size);
    let mut each = |index, claim: &Claim, entry: &Leaf, findings: &mut Findings| {
        bar.inc(1);
        database::entry(&*store, index, claim, entry, findings)
    };
    let tree = tree::check(&tiles, size, root, &mut findings, &mut each)?;
    let next = database::staged(&*store, tree, &head, &mut findings, &mut each)?;
    database::rows(&*store, &tiles, size, head.size, &mut findings)?;
    let committed = || -> Result<u64> { Ok(backend.audit()?.head()?.size) };
    let ahead = || committed().is_ok_and(|now| now > head.size);
    files::check(&objects, size, &next, ahead, &mut findings)?;
    anchors::check(&objects, key.public(), size, &mut findings)?;
    if backend.heads().is_some() {
        outside(&objects, key, size, committed, &mut findings)?;
    }
    bar.finish_and_clear();
    Ok(findings)
}

/// What is kept outside the database must not be ahead of it. `committed` is the size of the head
/// that the database has.
fn outside(
    objects: &Arc<dyn Objects>,
    key: &LogKey,
    size: u64,
    committed: impl Fn() -> Result<u64>,
    findings: &mut Findings,
) -> Result<()> {
    heads::check(objects, key.public(), size, findings)?;
    let newest = heads::newest(objects)?;
    let copy = match objects.get(CHECKPOINT)? {
        None => 0,
        Some(bytes) => {
            let text = String::from_utf8(bytes).unwrap_or_default();
            match key.open(&text) {
                Ok((size, _)) => size,
                Err(error) => {
                    findings.add(format!("{}: {error}", objects.place(CHECKPOINT)));
                    0
                }
            }
        }
    };
    // Asked last: a server that runs meanwhile commits before it puts anything.
    let committed = committed()?;
    for (name, found) in [("heads", newest), (CHECKPOINT, copy)] {
        if found > committed {
            let place = objects.place(name);
            findings.add(format!(
                "{place} has a head of {found} entries and the database one of {committed}: rolled back"
            ));
        }
    }
    Ok(())
}

fn address(args: &FsckArgs, vkey: Option<&str>) -> Result<Findings> {
    let log = web::Log::new(&args.log)?;
    let mut findings = Findings::default();
    let text = match vkey {
        Some(text) => text.to_owned(),
        None => log.vkey()?,
    };
    let key = VerifierKey::parse(&text)
        .map_err(|error| LogError::Usage(format!("{text} is no verifier key: {error}")))?;
    if vkey.is_none() {
        findings.key = Some(text);
    }
    let text = log.checkpoint()?;
    let Some((size, root)) = published(&key, Ok(text), &mut findings) else {
        return Ok(findings);
    };
    // Nothing is read on the word of a head whose tree the log does not have.
    match log.shows(size, &root) {
        Err(LogError::Damage(text)) => {
            findings.add(text);
            return Ok(findings);
        }
        shown => shown?,
    }
    let bar = bar(size);
    let mut claims = tree::Duplicates::default();
    let begun = Instant::now();
    let late = || begun.elapsed().as_secs() >= args.max_seconds;
    let mut stopped = None;
    let mut each = |index, claim: &Claim, _: &Leaf, _: &mut Findings| {
        bar.inc(1);
        claims.add(index, claim);
        // The clock is looked at once a bundle.
        if index >= args.max_entries || (index % 256 == 0 && late()) {
            let why = format!(
                "only {index} of {size} entries were read: --max-entries and --max-seconds allow \
                 for no more"
            );
            stopped = Some(why.clone());
            return Err(LogError::System(why));
        }
        Ok(())
    };
    let checked = tree::check(&log, size, root, &mut findings, &mut each);
    findings.stopped = stopped;
    if findings.stopped.is_none() {
        checked?;
    }
    claims.report(&mut findings);
    bar.finish_and_clear();
    Ok(findings)
}

/// The tree of the public checkpoint.
fn published(
    key: &VerifierKey,
    text: std::result::Result<String, String>,
    findings: &mut Findings,
) -> Option<(u64, Hash)> {
    match text.and_then(|text| key::open(key, &text)) {
        Ok((size, root)) => {
            findings.size = size;
            findings.root = hex(&root);
            Some((size, root))
        }
        Err(error) => {
            findings.add(format!("checkpoint: {error}"));
            None
        }
    }
}

/// Shows how far it is, on a terminal only.
pub(crate) fn bar(size: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} entries, {eta} left");
    match style {
        Ok(style) => ProgressBar::new(size).with_style(style),
        Err(_) => ProgressBar::hidden(),
    }
}
