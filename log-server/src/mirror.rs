//! A verified copy of a log that somebody runs, kept up to date.
//!
//! ```text
//! <log>/checkpoint ─► signed by the key, and by the witnesses that are asked for
//!                  ─► extends the checkpoint that the copy has, or both are kept as evidence
//!      /tile/…     ─► entries, each bundle shown to be in the tree before it is written
//!      /anchors/…  ─► each shown to be of that tree
//!                  ─► the checkpoint, last
//! ```
//!
//! A copy is what a log's own public files are: any web server can serve it, `fsck` checks it, and
//! a log can go on from it. What was interrupted goes on with the entries that are there.

mod entries;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use log_client::RemoteLog;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{Hash, verify_prefix};
use verifier_core::hazmat::tlog::prove;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::anchor;
use crate::cosign;
use crate::error::{LogError, Result};
use crate::key;
use crate::partials;
use crate::place::ServerArgs;
use crate::store::{CHECKPOINT, Head, Objects};
use crate::tiles::{Source as _, Tiles};

use entries::Entries;

/// For all of one answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The evidence that a log has signed two histories.
pub(crate) const FORKS: &str = "forks";

/// Copy a log that somebody runs, verified, into a folder or a bucket; again and again
#[derive(Args, Debug)]
#[command(after_help = "\
Run it from cron: each run fetches what is new, and checks that the log extends the copy. Everything
is verified under the key before it is written; the checkpoint is written last, as it was published.
A run that was interrupted loses nothing that it has fetched.

Exit codes: 0 the copy has all that the log shows; 1 the log went back, has signed two histories or
does not show what it has signed, or the copy is damaged; 2 wrong usage; 5 the log or the place of
the copy cannot be reached, or another run is under way: try again later.")]
pub(crate) struct MirrorArgs {
    /// The address of the log, or of another copy of it: http://… or https://…
    #[arg(value_name = "URL")]
    log: String,
    /// Where the copy goes: a folder, or s3://BUCKET/PREFIX
    #[arg(value_name = "PLACE")]
    to: String,
    /// The verifier key of the log, from somebody who knows it
    #[arg(long, value_name = "VKEY")]
    vkey: String,
    /// A c2sp.org/tlog-policy: take only checkpoints that its quorum of witnesses has signed
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// Check every entry that the copy has, and fetch again what is damaged
    #[arg(long)]
    recheck: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// `mirror URL PLACE`
pub(crate) fn run(args: &MirrorArgs) -> Result<()> {
    let key = VerifierKey::parse(&args.vkey)
        .map_err(|error| LogError::Usage(format!("--vkey is no verifier key: {error}")))?;
    let place = args.server.place(&args.to)?;
    let _lock = place.lock("mirror.lock")?;
    let objects = place.open()?;
    let log = RemoteLog::new(&crate::client(TIMEOUT)?, &args.log)?;
    let copy = Copy {
        log: &log,
        objects: &objects,
        key: &key,
    };
    // The copy's own first: it has to be of this log, whether that can be reached or not.
    let old = copy.head()?;
    let new = copy.published(args.witness_policy.as_deref())?;
    if let Some(old) = &old {
        copy.require_extension(old, &new)?;
    }
    let begun = match &old {
        Some(old) if !args.recheck => copy.intact(old)?,
        _ => None,
    };
    let known = old.as_ref().map_or(0, |old| old.size);
    let entries = Entries::new(&log, &objects, &new);
    entries.copy(begun, args.recheck)?;
    let anchors = anchor::mirror(&log, &objects, &key, &new)?;
    // From here on readers have all that it needs.
    let there = copy.head()?;
    if let Some(there) = &there
        && there.size > new.size
    {
        return Err(LogError::System(format!(
            "another run has brought the copy to {} entries meanwhile",
            there.size
        )));
    }
    if there.is_none_or(|there| there.checkpoint != new.checkpoint) {
        objects.put(CHECKPOINT, new.checkpoint.as_bytes())?;
    }
    if let Some(old) = &old
        && let Err(failure) = partials::sweep(&objects, old, &|| true)
    {
        eprintln!("cosignet-log: partial tiles are left where they are: {failure}");
    }
    let more = new.size.saturating_sub(known);
    println!(
        "{} entries, {more} of them new, and {anchors} new anchors; root {}",
        new.size,
        hex(&new.root)
    );
    Ok(())
}

/// A log and its copy.
struct Copy<'c> {
    log: &'c RemoteLog,
    objects: &'c Arc<dyn Objects>,
    key: &'c VerifierKey,
}

impl Copy<'_> {
    /// The head that the copy has, if it has one.
    fn head(&self) -> Result<Option<Head>> {
        let Some(bytes) = self.objects.get(CHECKPOINT)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).unwrap_or_default();
        let (size, root) = key::open(self.key, &text).map_err(|error| {
            LogError::damage(format!(
                "{}: {error}. This place has something else than a copy of this log: choose an \
                 empty one, or correct --vkey",
                self.objects.place(CHECKPOINT)
            ))
        })?;
        Ok(Some(Head {
            size,
            root,
            checkpoint: text,
        }))
    }

    /// The head that the log shows.
    fn published(&self, policy: Option<&std::path::Path>) -> Result<Head> {
        let text = self.log.checkpoint()?;
        let text = text.ok_or_else(|| {
            LogError::System(format!(
                "{}/checkpoint is not there: no log has this address",
                self.log.url()
            ))
        })?;
        let wrong =
            |error: String| LogError::damage(format!("{}/checkpoint: {error}", self.log.url()));
        let (size, root) = key::open(self.key, &text).map_err(wrong)?;
        if let Some(path) = policy {
            let policy = cosign::policy_of_readers(path, self.key)?;
            let signed =
                SignedCheckpoint::parse(&text).map_err(|error| wrong(error.to_string()))?;
            cosign::require_quorum(&policy, &signed).map_err(wrong)?;
        }
        Ok(Head {
            size,
            root,
            checkpoint: text,
        })
    }

    /// Fails if the new head does not extend the old one.
    fn require_extension(&self, old: &Head, new: &Head) -> Result<()> {
        let same = |root: Hash| root == new.root;
        if new.size < old.size {
            let tiles = Tiles::new(Arc::clone(self.objects));
            let before = tiles.nodes(old.size).beginning(new.size)?;
            return Err(match same(before) {
                false => self.fork(old, new),
                true => LogError::Rollback(format!(
                    "{} shows a head of {} entries, and has signed one of {} that the copy has: it \
                     went back, or a cache on the way is old. The copy stays as it is. If it lasts, \
                     ask the operator of the log, and show both",
                    self.log.url(),
                    new.size,
                    old.size
                )),
            });
        }
        if new.size == old.size || old.size == 0 {
            return match old.size == 0 || same(old.root) {
                true => Ok(()),
                false => Err(self.fork(old, new)),
            };
        }
        let mut nodes = self.log.nodes(new.size);
        let proof = prove::prefix(old.size, new.size, &mut |height, number| {
            nodes.node(height, number)
        })?;
        let before = verify_prefix(old.size, new.size, &new.root, &proof.unwrap_or_default());
        match before {
            Ok(root) if root == old.root => Ok(()),
            Ok(_) => Err(self.fork(old, new)),
            // Its tiles are damaged, which proves nothing against it.
            Err(_) => Err(self
                .log
                .mismatch("tile", "the tiles do not lead to its root")
                .into()),
        }
    }

    /// Keeps the head that does not extend the copy's own one.
    fn fork(&self, old: &Head, new: &Head) -> LogError {
        let root: String = hex(&new.root).chars().take(16).collect();
        let name = format!("{FORKS}/{}-{root}", new.size);
        if let Err(failure) = self.objects.put(&name, new.checkpoint.as_bytes()) {
            return failure;
        }
        LogError::Rollback(format!(
            "{} has signed two histories: a head of {} entries, and one of {} that the copy has and \
             that does not go together with it. Both are kept as evidence, in {} and {}; nothing \
             was copied. Show both to everybody who relies on this log",
            self.log.url(),
            new.size,
            old.size,
            self.objects.place(&name),
            self.objects.place(CHECKPOINT)
        ))
    }

    /// How many entries of the copy need not be looked at again: those of its head in full bundles,
    /// if the tiles at its edge lead to that.
    fn intact(&self, old: &Head) -> Result<Option<u64>> {
        let tiles = Tiles::new(Arc::clone(self.objects));
        let edge = match tiles.edge(old.size) {
            Err(failure) if !failure.is_damage() => return Err(failure),
            edge => edge.ok().filter(|edge| edge.root() == old.root),
        };
        if edge.is_none() {
            eprintln!("cosignet-log: the copy is damaged at its edge, so all of it is checked");
        }
        Ok(edge.map(|_| old.size))
    }
}
