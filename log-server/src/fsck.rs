//! Recomputes a log from its entries, and compares everything with that.

mod database;
mod tree;
mod web;

use std::fs;
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use verifier_core::encoding::hex;
use verifier_core::entry::Entry;
use verifier_core::json::Value;
use verifier_core::tlog::merkle::Hash;
use verifier_core::tlog::vkey::VerifierKey;

use crate::args::{Format, FsckArgs};
use crate::failure::{Failure, Result};
use crate::key::{self, LogKey};
use crate::layout::Layout;
use crate::store::sqlite::Sqlite;
use crate::store::{Claim, Store as _};
use crate::tiles::Tiles;

/// The most that is listed.
const MOST: usize = 100;

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    size: u64,
    root: String,
    /// Where the key comes from, if nobody named one.
    key: Option<String>,
    damage: Vec<String>,
    more: u64,
    /// Why not all of it was looked at.
    stopped: Option<String>,
}

impl Findings {
    fn add(&mut self, text: impl Into<String>) {
        if self.damage.len() < MOST {
            self.damage.push(text.into());
        } else {
            self.more += 1;
        }
    }
}

/// `fsck DIR|URL`
pub(crate) fn run(args: &FsckArgs) -> Result<()> {
    let web = ["http://", "https://"]
        .iter()
        .any(|scheme| args.log.starts_with(scheme));
    let found = match (web, &args.vkey) {
        (true, vkey) => address(args, vkey.as_deref())?,
        (false, None) => directory(Path::new(&args.log))?,
        (false, Some(_)) => {
            return Err(Failure::Usage(
                "--vkey goes with an address: a directory has its key in log.key".into(),
            ));
        }
    };
    let count = crate::count(found.damage.len()) + found.more;
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
            Some(why) => Err(Failure::System(why)),
            None => Ok(()),
        },
        1 => Err(Failure::damage("1 finding of damage")),
        _ => Err(Failure::damage(format!("{count} findings of damage"))),
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

fn directory(dir: &Path) -> Result<Findings> {
    let layout = Layout::new(dir);
    if !layout.database().is_file() || !layout.key().is_file() {
        return Err(Failure::System(format!(
            "{} has no log.sqlite and log.key",
            dir.display()
        )));
    }
    let key = LogKey::read(&layout.key())?;
    let mut store = Sqlite::open(&layout.database())?;
    let mut findings = Findings::default();
    if let Some(problem) = store.integrity()? {
        findings.add(format!("log.sqlite: {problem}"));
    }
    // The checkpoint before the head: a server that runs meanwhile only moves forward.
    let text = fs::read_to_string(layout.checkpoint()).map_err(|error| error.to_string());
    let head = store.head()?;
    match key.open(&head.checkpoint) {
        Ok(tree) if tree == (head.size, head.root) => {}
        Ok(_) => findings.add("log.sqlite: the head contradicts its checkpoint"),
        Err(error) => findings.add(format!("log.sqlite: the head: {error}")),
    }
    let Some((size, root)) = published(key.public(), text, &mut findings) else {
        return Ok(findings);
    };
    if size > head.size {
        findings.add(format!(
            "log.sqlite has {} entries and the public checkpoint {size}: rolled back",
            head.size
        ));
    }
    let tiles = Tiles::new(layout.public());
    let bar = bar(head.size);
    let mut each = |index, claim: &Claim, entry: &Entry, findings: &mut Findings| {
        bar.inc(1);
        database::entry(&store, index, claim, entry, findings)
    };
    let tree = tree::check(&tiles, size, root, &mut findings, &mut each)?;
    database::staged(&store, tree, &head, &mut findings, &mut each)?;
    database::counts(&store, head.size, &mut findings)?;
    bar.finish_and_clear();
    Ok(findings)
}

fn address(args: &FsckArgs, vkey: Option<&str>) -> Result<Findings> {
    let log = web::Log::new(&args.log)?;
    let mut findings = Findings::default();
    let text = match vkey {
        Some(text) => text.to_owned(),
        None => log.vkey()?,
    };
    let key = VerifierKey::parse(&text)
        .map_err(|error| Failure::Usage(format!("{text} is no verifier key: {error}")))?;
    if vkey.is_none() {
        findings.key = Some(text);
    }
    let text = log.checkpoint()?;
    let Some((size, root)) = published(&key, Ok(text), &mut findings) else {
        return Ok(findings);
    };
    // Nothing is read on the word of a head whose tree the log does not have.
    match log.shows(size, &root) {
        Err(Failure::Damage(text)) => {
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
    let mut each = |index, claim: &Claim, _: &Entry, _: &mut Findings| {
        bar.inc(1);
        claims.add(index, claim);
        // The clock is looked at once a bundle.
        if index >= args.max_entries || (index % 256 == 0 && late()) {
            let why = format!(
                "only {index} of {size} entries were read: --max-entries and --max-seconds allow \
                 for no more"
            );
            stopped = Some(why.clone());
            return Err(Failure::System(why));
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

/// On a terminal only.
fn bar(size: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} entries, {eta} left");
    match style {
        Ok(style) => ProgressBar::new(size).with_style(style),
        Err(_) => ProgressBar::hidden(),
    }
}
