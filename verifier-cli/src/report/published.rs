//! The entries that a log has by keys of the policy, and which of them are among the inputs.
//!
//! The whole log is read and its tree is computed anew. Only if that has the root that the log
//! signed is anything said about it: a log that keeps entries back would have another root.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use log_client::RemoteLog;
use verifier_core::hazmat::entry::Act;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::time::{Time, for_people};
use verifier_core::hazmat::tlog::checkpoint::SignedCheckpoint;
use verifier_core::hazmat::tlog::merkle::{CompactRange, Hash, leaf_hash};
use verifier_core::hazmat::tlog::tile::{Level, Tile, WIDTH};
use verifier_core::policy::{LogRule, Policy};
use verifier_core::roster::Version;
use verifier_core::{Failure, Roster, plain};

use super::row::Row;
use crate::args::ReportArgs;
use crate::code::CliCode;
use crate::failure::{CliError, show_path};
use crate::http;
use crate::verify::CRYPTO;

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A log as it was read, whole.
pub(super) struct Published {
    pub(super) origin: String,
    pub(super) size: u64,
    /// When the policy's quorum had cosigned this head; an error says what is missing.
    pub(super) quorum: Result<Option<Time>, String>,
    /// Whose keys these are, behind "keys of".
    pub(super) keys_of: &'static str,
    /// Entries by keys of the policy, or of its roster.
    pub(super) entries: usize,
    /// How often something was done under break-glass that these keys have signed for.
    glass: usize,
    /// Those of them that are not among the inputs.
    pub(super) not_shown: Vec<NotShown>,
    /// Inputs whose entry is not in this log, by their place in the rows.
    pub(super) elsewhere: Vec<usize>,
}

/// An entry by a key of the policy that no input is about.
pub(super) struct NotShown {
    pub(super) index: u64,
    /// Whether it says yes or no.
    pub(super) act: Act,
    pub(super) approver: String,
    pub(super) rp_id: String,
    /// As the service claims.
    pub(super) decided_at: Time,
}

impl Published {
    /// Reads the log that the arguments name, if they name one.
    pub(super) fn read(
        args: &ReportArgs,
        policy: &Policy,
        roster: Option<&Roster>,
        rows: &[Row],
    ) -> Result<Option<Self>, CliError> {
        let source = match (&args.log, &args.log_copy) {
            (Some(url), _) => Source::Remote(RemoteLog::new(&http::client()?, url)?),
            (None, Some(folder)) => Source::Copy(folder.clone()),
            (None, None) => return Ok(None),
        };
        let LogRule::Required(rule) = policy.log() else {
            let message = "The policy does without a log, so there is no key to read one with.";
            return Err(CliError::usage(message).next("Name the log in the policy."));
        };
        let text = source.checkpoint()?;
        let wrong = |error: &dyn Failure| {
            let message = format!("The head of {}: {error} ({}).", source.name(), error.code());
            CliError::new(CliCode::ServedMismatch, message)
        };
        let note = SignedCheckpoint::parse(&text).map_err(|error| wrong(&error))?;
        let signed = rule.tlog.verify_log(&CRYPTO, &note);
        let signed = signed.map_err(|error| wrong(&error))?;
        let cosigned = signed.verify_cosignatures(&CRYPTO);
        let quorum = cosigned.and_then(|cosigned| cosigned.quorum());
        let head = signed.checkpoint();

        // Those of all versions: a key that was removed may still sign, and that is worth knowing.
        let versions = roster.into_iter().flat_map(Roster::versions);
        let keys: HashMap<&[u8], &str> = versions
            .flat_map(Version::approvers)
            .chain(policy.approvers())
            .map(|approver| (approver.key.as_bytes(), approver.name.as_str()))
            .collect();
        let shown: HashSet<Hash> = rows.iter().flat_map(|row| &row.leaves).copied().collect();
        let mut tree = CompactRange::default();
        let mut found = Self {
            origin: head.origin().to_owned(),
            size: head.size(),
            quorum: quorum
                .map(|met| met.time())
                .map_err(|error| error.to_string()),
            keys_of: match roster {
                Some(_) => "your roster",
                None => "your policy",
            },
            entries: 0,
            glass: 0,
            not_shown: Vec::new(),
            elsewhere: Vec::new(),
        };
        let mut here = HashSet::new();
        for number in 0..head.size().div_ceil(WIDTH.into()) {
            let tile = Tile::in_tree(Level::Entries, number, head.size());
            let tile = tile.ok_or_else(|| source.missing(&format!("bundle {number}")))?;
            let bytes = source.bundle(&tile)?;
            let entries = tile
                .entries(&bytes)
                .ok_or_else(|| source.missing(&tile.path()))?;
            for entry in entries {
                let leaf = leaf_hash(entry);
                let index = tree.size();
                tree.append(leaf).map_err(|error| CliError::of(&error))?;
                if shown.contains(&leaf) {
                    here.insert(leaf);
                }
                found.take(index, entry, &keys, shown.contains(&leaf));
            }
        }
        if tree.root() != head.root() {
            let message = format!(
                "The entries that {} has are not those of the head that it has signed.",
                source.name()
            );
            return Err(CliError::new(CliCode::ServedMismatch, message));
        }
        let rows = rows.iter().enumerate();
        let elsewhere = rows.filter(|(_, row)| row.leaves.iter().any(|leaf| !here.contains(leaf)));
        found.elsewhere = elsewhere.map(|(index, _)| index).collect();
        Ok(Some(found))
    }

    /// Counts an entry of the log, if its key is one of the policy. One of break-glass is no approval,
    /// and is counted as what it is.
    fn take(&mut self, index: u64, bytes: &[u8], keys: &HashMap<&[u8], &str>, shown: bool) {
        let leaf = std::str::from_utf8(bytes).ok();
        // What is no entry of a type that is known is by nobody's key.
        let Some(leaf) = leaf.and_then(|text| Leaf::parse(text).ok()) else {
            return;
        };
        let identity = leaf.key_identity();
        let Some(approver) = keys.get(&*identity) else {
            return;
        };
        let entry = match &leaf {
            Leaf::BreakGlass(_) => {
                self.glass += 1;
                return;
            }
            Leaf::Decision(entry) => entry,
        };
        self.entries += 1;
        if !shown {
            self.not_shown.push(NotShown {
                index,
                act: entry.act,
                approver: (*approver).to_owned(),
                rp_id: entry.rp_id.clone(),
                decided_at: entry.decided_at,
            });
        }
    }

    /// The finding in one sentence or two.
    pub(super) fn sentence(&self) -> String {
        let share = self.entries.saturating_sub(self.not_shown.len());
        let head = match &self.quorum {
            Ok(Some(time)) => format!(
                "cosigned by a quorum of your witnesses by {}",
                for_people(*time)
            ),
            Ok(None) => "which your policy lets stand without witnesses".into(),
            Err(error) => format!(
                "which no quorum of your witnesses vouches for ({error}): others may see another tree"
            ),
        };
        let unseen = |act: Act, one: &str, many: &str| {
            let all = self.not_shown.iter();
            match all.filter(|entry| entry.act == act).count() {
                0 => None,
                1 => Some(format!("1 {one}")),
                count => Some(format!("{count} {many}")),
            }
        };
        let unseen = [
            unseen(Act::Approval, "approval", "approvals"),
            unseen(Act::Refusal, "refusal", "refusals"),
        ];
        let unseen: Vec<String> = unseen.into_iter().flatten().collect();
        let unseen = match unseen.is_empty() {
            true => "You were shown all of them.".into(),
            false => format!("{} you were not shown.", unseen.join(" and ")),
        };
        let glass = match self.glass {
            0 => String::new(),
            1 => " One more entry by them is no approval: it says that something was done under break-glass.".into(),
            count => format!(
                " {count} more entries by them are no approvals: they say that something was done under break-glass."
            ),
        };
        format!(
            "The log {} has {} entries, {head}; {} of them are by keys of {}, and {share} of those are among your files. {unseen}{glass}",
            plain(&self.origin),
            self.size,
            self.entries,
            self.keys_of,
        )
    }
}

/// Where the log is read from.
enum Source {
    Remote(RemoteLog),
    /// A folder with `checkpoint` and `tile/`.
    Copy(PathBuf),
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Remote(log) => log.url().to_owned(),
            Self::Copy(folder) => show_path(folder),
        }
    }

    fn missing(&self, what: &str) -> CliError {
        let message = format!(
            "{} has no {what}, which its signed head needs.",
            self.name()
        );
        CliError::new(CliCode::ServedMissing, message)
    }

    fn checkpoint(&self) -> Result<String, CliError> {
        let text = match self {
            Self::Remote(log) => log.checkpoint()?,
            Self::Copy(_) => {
                let bytes = self.file("checkpoint", MAX_HEAD)?;
                bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            }
        };
        text.ok_or_else(|| self.missing("checkpoint"))
    }

    fn bundle(&self, tile: &Tile) -> Result<Vec<u8>, CliError> {
        if let Self::Remote(log) = self {
            return Ok(log.bundle(tile)?);
        }
        if let Some(bytes) = self.file(&tile.path(), tile.max_bytes())? {
            return Ok(bytes);
        }
        // A partial one may be gone since the full one is there.
        let full = tile.to_full();
        let bytes = self.file(&full.path(), full.max_bytes())?;
        let bytes = bytes.ok_or_else(|| self.missing(&tile.path()))?;
        let beginning = tile.beginning_of(&bytes).map(<[u8]>::to_vec);
        beginning.ok_or_else(|| self.missing(&tile.path()))
    }

    /// A file of the copy, or `None` if there is none.
    fn file(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, CliError> {
        let Self::Copy(folder) = self else {
            return Ok(None);
        };
        let path = folder.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CliError::unreadable(&path, &error)),
        };
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let read = file.take(most).read_to_end(&mut bytes);
        read.map_err(|error| CliError::unreadable(&path, &error))?;
        match bytes.len() > limit {
            true => Err(self.missing(&format!("{name} of the right length"))),
            false => Ok(Some(bytes)),
        }
    }
}
