//! Anchors as public objects: everything that is known about them.
//!
//! ```text
//! anchors/index.json            what there is; made again from the rest if it is lost
//! anchors/<size>/checkpoint     exactly as it was stamped
//! anchors/<size>/checkpoint.ots the proof, as far as it is known
//! anchors/<size>/header         80 bytes: the header of a block that the proof leads to
//!
//! {"anchors":[{"height":n?,"pending":[uri,…]?,"stampedAt":time,"submittedAt":time,"treeSize":n},…],
//!  "schema":"cosignet.anchors/v1"}
//! ```
//!
//! `height` is that of the lowest block. `pending` names calendars that still owe one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use verifier_core::Time;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;
use verifier_core::hazmat::bitcoin::ots::{Attestation, Branch, Timestamp};
use verifier_core::hazmat::encoding::sha256;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::error::{LogError, Result};
use crate::key;
use crate::store::{Listed, Objects};

const SCHEMA: &str = "cosignet.anchors/v1";

/// The folder of all of them, and the index in it.
pub(crate) const FOLDER: &str = "anchors";
pub(super) const INDEX: &str = "anchors/index.json";

/// The longest index, in bytes: hourly anchors of more than a century.
pub(super) const MAX_INDEX: usize = 256 * 1024 * 1024;

/// One stamped head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    /// The lowest block that its proof leads to.
    pub(super) height: Option<u32>,
    /// Calendars that have promised a block and not shown one.
    pub(super) pending: Vec<String>,
    /// When calendars first took it.
    pub(super) stamped_at: Time,
    /// When they last took it.
    pub(super) submitted_at: Time,
}

/// A stamped head, for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recent {
    pub(crate) size: u64,
    /// The lowest block that its proof leads to.
    pub(crate) height: Option<u32>,
    /// When calendars first took it.
    pub(crate) stamped_at: Time,
}

/// The stamped heads.
#[derive(Debug)]
pub(crate) struct Archive {
    objects: Arc<dyn Objects>,
    stamps: RwLock<BTreeMap<u64, Stamp>>,
}

impl Archive {
    /// Reads the archive. Damage is reported and left out: a log without anchors is still a log.
    pub(super) fn open(objects: Arc<dyn Objects>) -> Self {
        let (this, changed) = Self::read(objects);
        if changed {
            let text = {
                let stamps = this.stamps.read().unwrap_or_else(PoisonError::into_inner);
                to_text(&stamps)
            };
            if let Err(failure) = this.objects.put(INDEX, text.as_bytes()) {
                tracing::error!(%failure, "the index of anchors cannot be written");
            }
        }
        this
    }

    /// The archive of somebody else, who writes its index.
    pub(super) fn open_to_read(objects: Arc<dyn Objects>) -> Self {
        Self::read(objects).0
    }

    /// The archive, and whether its index says something else.
    fn read(objects: Arc<dyn Objects>) -> (Self, bool) {
        let (mut stamps, mut changed) = match read_index(&*objects) {
            Ok(stamps) => (stamps, false),
            Err(error) => {
                tracing::error!(error, "the index of anchors is damaged and made again");
                (BTreeMap::new(), true)
            }
        };
        // Also what was written when the log ended, and is not in the index yet.
        for (size, stamp) in scan(&*objects, &stamps) {
            stamps.insert(size, stamp);
            changed = true;
        }
        let stamps = RwLock::new(stamps);
        (Self { objects, stamps }, changed)
    }

    /// The size of the head whose anchor proves most about an entry: the smallest head in a block
    /// that covers it, or else the smallest that waits for one.
    pub(super) fn covering(&self, index: u64) -> Option<u64> {
        let stamps = self.stamps.read().unwrap_or_else(PoisonError::into_inner);
        let mut covering = stamps.range(index.checked_add(1)?..);
        let first = covering.clone().next().map(|(size, _)| *size);
        let anchored = covering.find(|(_, stamp)| stamp.height.is_some());
        anchored.map(|(size, _)| *size).or(first)
    }

    /// The sizes of the heads whose stamp is such, smallest first.
    pub(super) fn select(&self, is_such: impl Fn(&Stamp) -> bool) -> Vec<u64> {
        let stamps = self.stamps.read().unwrap_or_else(PoisonError::into_inner);
        let such = stamps.iter().filter(|(_, stamp)| is_such(stamp));
        such.map(|(size, _)| *size).collect()
    }

    /// The newest stamped heads, at most so many.
    pub(crate) fn recent(&self, most: usize) -> Vec<Recent> {
        let stamps = self.stamps.read().unwrap_or_else(PoisonError::into_inner);
        let newest = stamps.iter().rev().take(most);
        let recent = newest.map(|(size, stamp)| Recent {
            size: *size,
            height: stamp.height,
            stamped_at: stamp.stamped_at,
        });
        recent.collect()
    }

    pub(super) fn stamp(&self, size: u64) -> Option<Stamp> {
        let stamps = self.stamps.read().unwrap_or_else(PoisonError::into_inner);
        stamps.get(&size).cloned()
    }

    pub(super) fn checkpoint(&self, size: u64) -> Result<String> {
        self.objects.text(&name(size, "checkpoint"))
    }

    pub(super) fn proof(&self, size: u64) -> Result<Vec<u8>> {
        self.objects.there(&name(size, "checkpoint.ots"))
    }

    pub(super) fn header(&self, size: u64) -> Result<Option<[u8; Header::BYTES]>> {
        let bytes = self.objects.get(&name(size, "header"))?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()))
    }

    /// The file that is public under this path, and whether it may still change.
    pub(crate) fn file(&self, path: &str) -> Result<Option<(Vec<u8>, bool)>> {
        if path == "index.json" {
            let bytes = self.objects.get(INDEX)?;
            return Ok(Some((bytes.unwrap_or_else(|| empty().into()), true)));
        }
        let Some((size, file)) = path.split_once('/') else {
            return Ok(None);
        };
        let parsed: Option<u64> = size.parse().ok();
        // One spelling of each number, and nothing but numbers and these names.
        let Some(number) = parsed.filter(|number| number.to_string() == size) else {
            return Ok(None);
        };
        if !["checkpoint", "checkpoint.ots", "header"].contains(&file) {
            return Ok(None);
        }
        let bytes = self.objects.get(&name(number, file))?;
        Ok(bytes.map(|bytes| (bytes, file != "checkpoint")))
    }

    /// A head that calendars have taken.
    pub(super) fn add(
        &self,
        size: u64,
        checkpoint: &str,
        branch: &Branch,
        now: Time,
    ) -> Result<()> {
        let checkpoint = checkpoint.as_bytes();
        self.objects.put(&name(size, "checkpoint"), checkpoint)?;
        let known = self.stamp(size).map(|stamp| stamp.stamped_at);
        let times = (known.unwrap_or(now), now);
        self.put(size, branch, times)
    }

    /// Adds to a head: more of its proof, and perhaps the header of a block in it.
    pub(super) fn grow(
        &self,
        size: u64,
        branch: &Branch,
        header: Option<&[u8; Header::BYTES]>,
    ) -> Result<()> {
        if let Some(bytes) = header {
            self.objects.put(&name(size, "header"), bytes)?;
        }
        let times = self
            .stamp(size)
            .map(|stamp| (stamp.stamped_at, stamp.submitted_at));
        self.put(size, branch, times.unwrap_or((Time::EPOCH, Time::EPOCH)))
    }

    /// The proof first, then the index that leads to it.
    fn put(&self, size: u64, branch: &Branch, (first, last): (Time, Time)) -> Result<()> {
        let too_long = || LogError::System("the proof would become too long".into());
        let proof = branch.to_proof().ok_or_else(too_long)?;
        self.objects.put(&name(size, "checkpoint.ots"), &proof)?;
        let text = {
            let mut stamps = self.stamps.write().unwrap_or_else(PoisonError::into_inner);
            stamps.insert(size, Stamp::of(branch, first, last));
            to_text(&stamps)
        };
        self.objects.put(INDEX, text.as_bytes())
    }

    /// Complaints about the files of an archive: whether each head is one of this log, and the
    /// proof is of it; whether the header is of a block in the proof; whether the index says what
    /// they say.
    /// `tree` knows the root of the first leaves, as far as there are so many.
    pub(crate) fn complaints(
        objects: &dyn Objects,
        key: &VerifierKey,
        sizes: &BTreeSet<u64>,
        tree: &mut dyn FnMut(u64) -> Result<Option<Hash>>,
    ) -> Result<Vec<String>> {
        let mut complaints = Vec::new();
        let index = match read_index(objects) {
            Ok(index) => index,
            Err(error) => {
                complaints.push(format!("anchors/index.json: {error}"));
                BTreeMap::new()
            }
        };
        let mut known: BTreeMap<u64, Stamp> = BTreeMap::new();
        for size in sizes {
            if !index.contains_key(size) && is_unfinished(objects, *size)? {
                continue;
            }
            let found = match tree(*size)? {
                Some(tree) => check_stamp(objects, *size, key, &tree),
                None => Err("it is of a larger tree than the published one".into()),
            };
            let branch = match found {
                Ok(branch) => branch,
                Err(error) => {
                    complaints.push(format!("anchors/{size}: {error}"));
                    continue;
                }
            };
            match index.get(size) {
                Some(stamp) => {
                    let stamp = Stamp::of(&branch, stamp.stamped_at, stamp.submitted_at);
                    known.insert(*size, stamp);
                }
                None => complaints.push(format!("anchors/{size} is not in the index")),
            }
        }
        let lost = index.keys().filter(|size| !sizes.contains(size));
        complaints.extend(lost.map(|size| format!("anchors/{size} is missing")));
        let written = objects.get(INDEX)?;
        let expected = to_text(&known);
        if complaints.is_empty() && written.is_some_and(|bytes| bytes != expected.as_bytes()) {
            complaints.push("anchors/index.json does not say what the proofs say".into());
        }
        Ok(complaints)
    }
}

impl Stamp {
    fn of(branch: &Branch, stamped_at: Time, submitted_at: Time) -> Self {
        let mut height = None;
        let mut pending = Vec::new();
        for attestation in branch.attestations() {
            match attestation {
                Attestation::Bitcoin { height: at, .. } => {
                    height = Some(height.map_or(*at, |lowest: u32| lowest.min(*at)));
                }
                Attestation::Pending { uri, .. } if !pending.contains(uri) => {
                    pending.push(uri.clone());
                }
                _ => {}
            }
        }
        Self {
            height,
            pending,
            stamped_at,
            submitted_at,
        }
    }

    fn read(members: Members<'_, '_>) -> std::result::Result<(u64, Self), schema::Error> {
        let height = members.optional_u64("height")?;
        let size = members.optional_u64("treeSize")?;
        let pending = match members.has("pending") {
            true => members.texts("pending")?,
            false => Vec::new(),
        };
        let stamp = Self {
            height: height.and_then(|height| height.try_into().ok()),
            pending: pending.into_iter().map(Into::into).collect(),
            stamped_at: members.time("stampedAt")?,
            submitted_at: members.time("submittedAt")?,
        };
        let missing = || members.error("treeSize", schema::Wrong::Missing);
        Ok((size.ok_or_else(missing)?, stamp))
    }

    fn to_value(&self, size: u64) -> Value<'_> {
        let pending = self.pending.iter().map(|uri| uri.as_str().into());
        let members = [
            ("height", self.height.map(|height| u64::from(height).into())),
            (
                "pending",
                (!self.pending.is_empty()).then(|| pending.collect()),
            ),
            ("stampedAt", Some(self.stamped_at.to_string().into())),
            ("submittedAt", Some(self.submitted_at.to_string().into())),
            ("treeSize", Some(size.into())),
        ];
        let members = members
            .into_iter()
            .filter_map(|(key, value)| Some((Cow::Borrowed(key), value?)));
        Value::Object(members.collect())
    }
}

fn empty() -> String {
    to_text(&BTreeMap::new())
}

pub(super) fn to_text(stamps: &BTreeMap<u64, Stamp>) -> String {
    let anchors = stamps.iter().map(|(size, stamp)| stamp.to_value(*size));
    let index = Value::from([("anchors", anchors.collect()), ("schema", SCHEMA.into())]);
    index.to_text() + "\n"
}

/// The name of a file of a stamped head.
pub(super) fn name(size: u64, file: &str) -> String {
    format!("{FOLDER}/{size}/{file}")
}

/// Reads the index. Without one there are no anchors, or it was lost.
pub(super) fn read_index(
    objects: &dyn Objects,
) -> std::result::Result<BTreeMap<u64, Stamp>, String> {
    let text = |failure: LogError| failure.to_string();
    let Some(bytes) = objects.get(INDEX).map_err(text)? else {
        return match objects.list(FOLDER).map_err(text)?.is_empty() {
            false => Err("it is missing".into()),
            true => Ok(BTreeMap::new()),
        };
    };
    parse_index(&bytes)
}

/// The stamps that an index names.
pub(super) fn parse_index(bytes: &[u8]) -> std::result::Result<BTreeMap<u64, Stamp>, String> {
    let mut limits = Limits::bytes(MAX_INDEX);
    // It may be long.
    limits.values = MAX_INDEX;
    let value = Value::parse(bytes, limits).map_err(|error| error.to_string())?;
    let read = || {
        let members = Members::of(&value)?;
        let stamps = members.objects("anchors")?.into_iter().map(Stamp::read);
        stamps.collect::<std::result::Result<_, schema::Error>>()
    };
    read().map_err(|error| error.to_string())
}

/// The stamps beside the known ones whose files are there, as old as those.
fn scan(objects: &dyn Objects, known: &BTreeMap<u64, Stamp>) -> BTreeMap<u64, Stamp> {
    let mut stamps = BTreeMap::new();
    for listed in objects.list(FOLDER).unwrap_or_default() {
        let Listed::Folder(folder) = listed else {
            continue;
        };
        let size = folder.rsplit('/').next().and_then(|name| name.parse().ok());
        let Some(size) = size.filter(|size| !known.contains_key(size)) else {
            continue;
        };
        let stamp = match is_unfinished(objects, size) {
            Ok(true) => continue,
            Ok(false) => read_stamp(objects, size),
            Err(failure) => Err(failure),
        };
        match stamp {
            Ok(stamp) => {
                stamps.insert(size, stamp);
            }
            Err(error) => tracing::error!(size, %error, "an anchor is damaged and left out"),
        }
    }
    stamps
}

/// Whether the log ended while the head was stamped: its proof is not there, and nothing leads to
/// it.
fn is_unfinished(objects: &dyn Objects, size: u64) -> Result<bool> {
    Ok(!objects.has(&name(size, "checkpoint.ots"))? && !objects.has(&name(size, "header"))?)
}

fn read_stamp(objects: &dyn Objects, size: u64) -> Result<Stamp> {
    let proof = objects.there(&name(size, "checkpoint.ots"))?;
    let branch = Branch::of_proof(&proof).map_err(|error| LogError::damage(error.to_string()))?;
    let written = objects.written(&name(size, "checkpoint"))?;
    let missing = || LogError::damage(format!("{} is missing", name(size, "checkpoint")));
    let time = written.ok_or_else(missing)?;
    Ok(Stamp::of(&branch, time, time))
}

/// The proof of a stamped head, if everything in its folder is in order.
pub(super) fn check_stamp(
    objects: &dyn Objects,
    size: u64,
    key: &VerifierKey,
    root: &Hash,
) -> std::result::Result<Branch, String> {
    let read = |file| -> std::result::Result<Option<Vec<u8>>, String> {
        let found = objects.get(&name(size, file));
        found.map_err(|failure| failure.to_string())
    };
    let missing = |file| move || format!("{file}: it is missing");
    let checkpoint = read("checkpoint")?.ok_or_else(missing("checkpoint"))?;
    let text = std::str::from_utf8(&checkpoint).map_err(|_| "checkpoint: it is no text")?;
    let tree = key::open(key, text).map_err(|error| format!("checkpoint: {error}"))?;
    if tree != (size, *root) {
        return Err("checkpoint: it is of another tree".into());
    }
    let proof = read("checkpoint.ots")?.ok_or_else(missing("checkpoint.ots"))?;
    let wrong = |error: &dyn std::fmt::Display| format!("checkpoint.ots: {error}");
    let timestamp = Timestamp::parse(&proof).map_err(|error| wrong(&error))?;
    if *timestamp.digest() != sha256(&checkpoint) {
        return Err("checkpoint.ots: it is of another file".into());
    }
    let branch = Branch::of_proof(&proof).map_err(|error| wrong(&error))?;
    if branch.to_proof().as_ref() != Some(&proof) {
        return Err("checkpoint.ots: it is not in the form that this log writes".into());
    }
    let Some(header) = read("header")? else {
        return Ok(branch);
    };
    let header: [u8; Header::BYTES] = header
        .try_into()
        .map_err(|_| "header: it has not 80 bytes")?;
    let header = Header::new(&header);
    let roots = timestamp.blocks();
    if !roots.iter().any(|(_, root)| root == header.merkle_root()) {
        return Err("header: it is of no block that the proof leads to".into());
    }
    // The easiest of the networks: which one it is, only the settings say.
    header
        .check_work(Network::Regtest)
        .map_err(|error| format!("header: {error}"))?;
    Ok(branch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::LogKey;
    use crate::store::Directory;

    fn folder() -> (tempfile::TempDir, Arc<dyn Objects>) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Arc::new(Directory::new(folder.path().into()));
        (folder, objects)
    }

    fn stamp(height: Option<u32>) -> Stamp {
        Stamp {
            height,
            pending: vec!["https://calendar.example".into()],
            stamped_at: Time::EPOCH,
            submitted_at: Time::from_seconds(5).unwrap(),
        }
    }

    fn archive(
        objects: &Arc<dyn Objects>,
        stamps: impl IntoIterator<Item = (u64, Stamp)>,
    ) -> Archive {
        Archive {
            objects: Arc::clone(objects),
            stamps: RwLock::new(stamps.into_iter().collect()),
        }
    }

    #[test]
    fn the_smallest_anchored_head_covers_before_any_that_waits() {
        let stamps = [
            (3, stamp(Some(9))),
            (5, stamp(None)),
            (7, stamp(None)),
            (8, stamp(Some(10))),
            (12, stamp(None)),
        ];
        let archive = archive(&folder().1, stamps);
        for (index, size) in [
            (0, Some(3)),
            (2, Some(3)),
            (3, Some(8)),
            (7, Some(8)),
            (8, Some(12)),
            (12, None),
            (u64::MAX, None),
        ] {
            assert_eq!(archive.covering(index), size, "{index}");
        }
    }

    #[test]
    fn reads_its_index_however_long_it_is() {
        let (_folder, objects) = folder();
        let all: BTreeMap<_, _> = (1..20_000).map(|size| (size, stamp(Some(7)))).collect();
        objects.put(INDEX, to_text(&all).as_bytes()).unwrap();
        let read = Archive::open(objects).stamps.into_inner().unwrap();
        assert_eq!(read, all);
    }

    #[test]
    fn what_was_written_when_the_log_ended_is_neither_damage_nor_lost() {
        let (_folder, objects) = folder();
        // A digest that is a block's root itself.
        let proof = [
            b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"
                .as_slice(),
            &[1; 32],
            b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01\x09",
        ];
        let branch = Branch::of_proof(&proof.concat()).unwrap();
        {
            let archive = archive(&objects, []);
            archive.add(7, "a head", &branch, Time::EPOCH).unwrap();
            objects
                .put("anchors/9/checkpoint", b"another head")
                .unwrap();
            // The index is of before both.
            objects.put(INDEX, empty().as_bytes()).unwrap();
        }
        let sizes = BTreeSet::from([9]);
        let key = LogKey::generate("log.example").unwrap();
        let tree = &mut |_| panic!("nothing leads to this head");
        assert_eq!(
            Archive::complaints(&*objects, key.public(), &sizes, tree).unwrap(),
            [""; 0]
        );
        let archive = Archive::open(Arc::clone(&objects));
        assert_eq!(archive.covering(0), Some(7));
        assert_eq!(archive.stamp(9), None);
        assert_eq!(
            read_index(&*objects).unwrap().keys().collect::<Vec<_>>(),
            [&7]
        );
    }
}
